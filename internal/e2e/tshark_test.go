package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// kind is a kind of advert that we send, and what tshark makes of it.
type kind struct {
	name    string
	version int
	six     bool
	lines   []string
	global  string // line of global_defs
	prefer  string // wireshark's preference, for what it cannot know
	filter  string // that every advert of the kind passes
}

var kinds = []kind{
	{name: "v2", version: 2, filter: "vrrp.version == 2 && vrrp.auth_type == 0"},
	{name: "v2 PASS", version: 2, lines: []string{"authentication {", "auth_type PASS", "auth_pass 1111", "}"}, filter: "vrrp.auth_type == 1"},
	{name: "v2 AH", version: 2, lines: []string{"authentication {", "auth_type AH", "auth_pass 1111", "}"}, filter: "ah && vrrp.auth_type == 2"},
	{name: "v3", version: 3, filter: "vrrp.version == 3 && ip.dst == 224.0.0.18"},
	{name: "v3, message alone summed", version: 3, global: "v3_checksum_as_v2", prefer: "vrrp.v3_checksum_as_in_v2:TRUE", filter: "vrrp.version == 3"},
	{name: "v3 IPv6", version: 3, six: true, filter: "vrrp.version == 3 && ipv6.dst == ff02::12"},
	{name: "unicast", version: 3, lines: []string{"unicast_src_ip 10.99.0.1", "unicast_peer {", "10.99.0.2", "}"}, filter: "ip.dst == 10.99.0.2"},
	{name: "unicast IPv6", version: 3, six: true, lines: []string{"unicast_src_ip 2001:db8:1::1", "unicast_peer {", "2001:db8:1::2", "}"},
		filter: "ipv6.dst == 2001:db8:1::2"},
	// Over IPv4 its checksum leaves the trailer out, of which wireshark knows nothing.
	{name: "auth_hmac IPv6", version: 3, six: true, lines: []string{"auth_hmac {", "key 1 hex:" + strings.Repeat("0f", 32), "active_key 1", "}"}, filter: "ipv6.dst == ff02::12"},
	{name: "use_vmac", version: 3, lines: []string{"use_vmac"}, filter: "eth.src == 00:00:5e:00:01:33"},
	{name: "use_vmac IPv6", version: 3, six: true, lines: []string{"use_vmac"}, filter: "eth.src == 00:00:5e:00:02:33"},
}

func (k kind) conf() string {
	vips := []string{vip + "/24"}
	if k.six {
		vips = []string{vip6 + "/64", "2001:db8:99::1/64"}
	}
	interval := "1"
	if k.version == 3 {
		interval = "0.1"
	}
	conf := testnet.Conf(k.version, testnet.Instance{Priority: 150, AdvertInt: interval, VIPs: vips, Lines: k.lines})
	return strings.Replace(conf, "global_defs {\n", "global_defs {\n"+k.global+"\n", 1)
}

// Every kind of frame that we send, as wireshark's dissectors see it: adverts,
// the farewell, gratuitous ARP and neighbour advertisements.
//
//vrrp:row 2 10 12
func TestTsharkFindsNoFaultInAnyKindOfFrame(t *testing.T) {
	testnet.Need(t, "root", "tshark")
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			var hosts []testnet.HostSpec
			for n, name := range []string{"a", "b"} {
				hosts = append(hosts, testnet.HostSpec{Name: name, Addrs: []netip.Prefix{
					netip.MustParsePrefix(fmt.Sprintf("10.99.0.%d/16", n+1)), netip.MustParsePrefix(fmt.Sprintf("2001:db8:1::%d/64", n+1))}})
			}
			a := testnet.Spec{Hosts: hosts}.ForTest(t).Host("a")
			tap, err := a.Links[0].Tap()
			must(t, err)
			t.Cleanup(func() { tap.Close() })
			d := native.start(t, a, k.conf())
			announced := func(f testnet.Frame) bool { return f.IsGARP(vip) || f.IsNA("2001:db8:99::1") }
			await(t, "adverts and announcements", func() bool {
				ads, told := 0, 0
				for _, f := range tap.Frames() {
					if f.IsAdvert() {
						ads++
					}
					if announced(f) {
						told++
					}
				}
				return ads >= 2 && told >= 1
			})
			must(t, d.Stop())
			k.look(t, a, tap.Frames())
		})
	}
}

// look has tshark look at the frames that a host sent until it stopped.
func (k kind) look(t *testing.T, h *testnet.Host, frames []testnet.Frame) {
	t.Helper()
	var prefs []string
	if k.prefer != "" {
		prefs = append(prefs, k.prefer)
	}
	wire := dissect(t, h, frames, prefs...)
	wire.faultless("vrrp || arp || icmpv6.type == 136")
	all := wire.rows("vrrp", "frame.number", "vrrp.prio")
	good := wire.rows("vrrp.checksum.status == 1 && (ip.checksum.status == 1 || ipv6) && (ip.ttl == 255 || ipv6.hlim == 255) && "+k.filter, "vrrp.prio")
	if len(all) < 3 || len(good) != len(all) { // two and the farewell
		t.Errorf("tshark finds good %d of %d adverts: %q", len(good), len(all), wire.rows("vrrp", "eth.src", "eth.dst",
			"ip.checksum.status", "ip.ttl", "ip.dst", "ipv6.hlim", "ipv6.dst", "vrrp.version", "vrrp.auth_type", "vrrp.checksum.status"))
	}
	if !strings.HasSuffix(all[len(all)-1], "\t0") || !strings.HasSuffix(all[0], "\t150") {
		t.Errorf("frames and priorities %q, want 150 first and 0 last", all)
	}
	told := "arp.isgratuitous && arp.src.proto_ipv4 == " + vip
	if k.six {
		told = "icmpv6.checksum.status == 1 && ipv6.hlim == 255 && icmpv6.nd.na.target_address == 2001:db8:99::1"
	}
	if len(wire.rows(told, "frame.number")) == 0 {
		t.Error("tshark sees no announcement")
	}
}
