package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// The master of 64 routers with 4 addresses each dies: every address is announced
// before repeats begin, and all of them move.
func TestStormAnnouncesEveryAddressBeforeItRepeats(t *testing.T) {
	testnet.Need(t, "root")
	const routers, each = 64, 4
	l := testnet.Spec{Prefix: "t-storm-", Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}}}.ForTest(t)
	a, b := l.Host("a"), l.Host("b")
	conf := func(priority int) string {
		var all []testnet.Instance
		for r := range routers {
			i := testnet.Instance{VRID: r + 1, Priority: priority, AdvertInt: "0.1"}
			for v := range each {
				i.VIPs = append(i.VIPs, fmt.Sprintf("10.200.%d.%d/32", r, v+1))
			}
			all = append(all, i)
		}
		return testnet.Conf(3, all...)
	}
	da := start(t, a, native.mode, conf(200))
	await(t, "all on a", func() bool { return virtualOf(t, a) == routers*each })
	start(t, b, native.mode, conf(100))
	await(t, "b to follow a", func() bool {
		s, err := askStatus(t, b)
		return err == nil && len(s.Routers) == routers && !slices.ContainsFunc(s.Routers, func(r stats.Router) bool { return r.State != "BACKUP" || r.Master == nil })
	})
	time.Sleep(500 * time.Millisecond) // several adverts
	tap := l.TapForTest(t)
	da.SendKill9()
	await(t, "all on b", func() bool { return virtualOf(t, b) == routers*each })
	await(t, "five of each", func() bool {
		n := 0
		for _, f := range tap.Frames() {
			if f.SrcMAC().String() == b.MAC.String() && f.IsGARP(f.SrcIP().String()) {
				n++
			}
		}
		return n >= 5*routers*each
	})
	seen, early := map[netip.Addr]int{}, 0
	for _, f := range tap.Frames() {
		ip := f.SrcIP()
		if f.SrcMAC().String() != b.MAC.String() || !ip.IsValid() || !f.IsGARP(ip.String()) {
			continue
		}
		if seen[ip]++; seen[ip] > 1 && len(seen) < routers*each {
			early++
		}
	}
	// Deadlines are milliseconds apart, and a machine that is busy may stall.
	if early > routers*each/2 {
		t.Errorf("%d frames were repeats while addresses had not been announced", early)
	}
	t.Logf("%d repeats before the last first frame", early)
}

// virtualOf counts the addresses in 10.200.0.0/16 of a host.
func virtualOf(t *testing.T, h *testnet.Host) (n int) {
	t.Helper()
	addrs, err := h.Addrs()
	must(t, err)
	for _, a := range addrs {
		if netip.MustParsePrefix("10.200.0.0/16").Contains(a.Addr()) {
			n++
		}
	}
	return n
}
