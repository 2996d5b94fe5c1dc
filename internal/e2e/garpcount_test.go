package e2e

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// announcer is a router whose gratuitous ARPs, or neighbour advertisements, are
// counted: its own lines, and its address, which tells it apart.
type announcer struct {
	name, vip string
	lines     []string
	pressed   bool // hears an advert of lower priority, once
}

var announcers = []announcer{
	{name: "defaults", vip: "10.99.9.1"},
	{name: "defaults, IPv6", vip: "fe80::99:2"},
	{name: "an excluded address", vip: "10.99.9.3", lines: []string{"virtual_ipaddress_excluded {", "10.99.8.3", "}"}},
	{name: "garp_master_delay 1, repeat 3", vip: "10.99.9.4", lines: []string{"garp_master_delay 1", "garp_master_repeat 3"}},
	{name: "garp_master_delay 1, repeat 3, IPv6", vip: "fe80::99:5", lines: []string{"garp_master_delay 1", "garp_master_repeat 3"}},
	{name: "garp_master_delay 0", vip: "10.99.9.6", lines: []string{"garp_master_delay 0"}},
	{name: "garp_master_refresh 2, repeat 2", vip: "10.99.9.7", lines: []string{"garp_master_refresh 2", "garp_master_refresh_repeat 2"}},
	{name: "a lower advert", vip: "10.99.9.8", pressed: true},
	{name: "a lower advert, garp_lower_prio_repeat 2, delay 1", vip: "10.99.9.9", lines: []string{"garp_lower_prio_repeat 2", "garp_lower_prio_delay 1"}, pressed: true},
	{name: "a lower advert, garp_lower_prio_repeat 0", vip: "10.99.9.10", lines: []string{"garp_lower_prio_repeat 0"}, pressed: true},
	{name: "a lower advert, lower_prio_no_advert", vip: "10.99.9.11", lines: []string{"lower_prio_no_advert"}, pressed: true},
	{name: "a lower advert, strict_mode", vip: "10.99.9.12", lines: []string{"strict_mode"}, pressed: true},
	{name: "strict_mode", vip: "10.99.9.13", lines: []string{"strict_mode"}},
}

// bursts is how often an address was announced, and when, in whole seconds from
// an instant on: "5@0 5@5".
func bursts(at []vrrp.Instant, from vrrp.Instant) string {
	var text []string
	for i := 0; i < len(at); {
		n := 1
		for i+n < len(at) && at[i+n].Sub(at[i]) < 500*time.Millisecond {
			n++
		}
		text = append(text, fmt.Sprintf("%d@%.0f", n, at[i].Sub(from).Seconds()))
		i += n
	}
	return strings.Join(text, " ")
}

// announcedBy is what a party announces of each address: on becoming MASTER, and
// after an advert of lower priority.
func announcedBy(t *testing.T, p party, prefix string) map[string]string {
	l := testnet.Spec{Prefix: prefix, Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "low"}}}.ForTest(t)
	a, low := l.Host("a"), l.Host("low")
	tap := l.TapForTest(t)
	var list []testnet.Instance
	var adverts [][]byte
	for i, r := range announcers {
		in := testnet.Instance{VRID: i + 1, Priority: 150, VIPs: []string{r.vip}, Lines: r.lines}
		list = append(list, in)
		if r.pressed {
			adverts = append(adverts, low.GroupFrame(low.Addr, 255, protoVRRP, plainAdvert(byte(i+1), 50, r.vip)))
		}
	}
	p.start(t, a, testnet.Conf(2, list...))
	await(t, "all addresses", func() bool {
		time.Sleep(20 * time.Millisecond)
		return !slices.ContainsFunc(announcers, func(r announcer) bool { return !a.HasAddr(r.vip) })
	})
	const window = 6500 * time.Millisecond // past the second burst, whose delay is 5 s
	time.Sleep(window)
	pressed := testnet.Now()
	flood(t, low, adverts, 10*len(adverts), 100*time.Millisecond) // each once
	time.Sleep(window)

	got := map[string]string{}
	for _, r := range announcers {
		all := garps(tap, a, r.vip)
		if len(all) == 0 {
			t.Errorf("%s: nothing announced", r.name)
			continue
		}
		within := func(from vrrp.Instant) (list []vrrp.Instant) {
			for _, at := range all {
				if d := at.Sub(from); d >= 0 && d < window {
					list = append(list, at)
				}
			}
			return list
		}
		got[r.name] = bursts(within(all[0]), all[0])
		if r.pressed {
			got[r.name] = bursts(within(pressed), pressed)
		}
		if strings.HasPrefix(r.name, "an excluded") {
			got[r.name+" itself"] = bursts(garps(tap, a, "10.99.8.3"), all[0])
		}
	}
	return got
}

// plainAdvert is an advert of version 2 without authentication.
func plainAdvert(vrid, priority byte, vip string) []byte {
	ip := netip.MustParseAddr(vip).As4()
	m := append([]byte{0x21, vrid, priority, 1, 0, 1, 0, 0, ip[0], ip[1], ip[2], ip[3]}, make([]byte, 8)...)
	binary.BigEndian.PutUint16(m[6:], testnet.Checksum(m))
	return m
}

// How often an address is announced, and when, beside keepalived.
func TestAnnouncementsAreThoseOfKeepalived(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	var ours, theirs map[string]string
	t.Run("both", func(t *testing.T) {
		t.Run("vrrpx", func(t *testing.T) {
			t.Parallel()
			ours = announcedBy(t, native, "t-garpx-")
		})
		t.Run("keepalived", func(t *testing.T) {
			t.Parallel()
			theirs = announcedBy(t, keepalived, "t-garpk-")
		})
	})
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		t.Logf("%-50s vrrpx %-16s keepalived %s", name, ours[name], theirs[name])
		if ours[name] != theirs[name] {
			t.Errorf("%s: vrrpx announces %q, keepalived %q", name, ours[name], theirs[name])
		}
	}
	if len(ours) != len(theirs) || len(theirs) < len(announcers) {
		t.Errorf("%d and %d counted", len(ours), len(theirs))
	}
}
