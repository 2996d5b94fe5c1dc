package config

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// peers is a router with these lines of unicast_peer and further statements.
func peers(lines string, statements ...string) string {
	return instance("unicast_peer {\n" + lines + "\n}\n" + strings.Join(statements, "\n"))
}

func TestUnicastPeers(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"10.0.0.2", "[10.0.0.2 0 255 false]"},
		{"10.0.0.2\n10.0.0.4", "[10.0.0.2 0 255 false][10.0.0.4 0 255 false]"},
		{"10.0.0.2 min_ttl 250", "[10.0.0.2 250 255 true]"},
		{"10.0.0.2 max_ttl 64 min_ttl 60\n10.0.0.4 max_ttl 0", "[10.0.0.2 60 64 true][10.0.0.4 0 0 true]"},
	} {
		r, said := read(t, peers(c.lines))
		got := ""
		for _, p := range r.Peers {
			got += fmt.Sprintf("[%v %d %d %v]", p.Addr, p.MinTTL, p.MaxTTL, p.Ranged)
		}
		if got != c.want || said != "" || !r.Unicast() || r.UnicastTTL != 255 || !r.CheckSource {
			t.Errorf("%s: %s, TTL %d, checked %v, said %q", c.lines, got, r.UnicastTTL, r.CheckSource, said)
		}
	}
	if r, _ := read(t, minimal); r.Unicast() {
		t.Error("a router without peers speaks unicast")
	}
	if r, _ := read(t, peers("10.0.0.2\n}\nunicast_peer {\n10.0.0.4")); len(r.Peers) != 2 {
		t.Errorf("two blocks: %v", r.Peers)
	}
}

func TestUnicastPeersThatAreRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{peers("foo"), `f:5:1: error: unicast_peer "foo": expected an IP address`},
		{peers("10.0.0.2/24"), `f:5:1: error: unicast_peer "10.0.0.2/24": expected an IP address, without a prefix length`},
		{peers("10.0.0.2 10.0.0.4"), `f:5:10: error: unicast_peer 10.0.0.2: "10.0.0.4": expected min_ttl or max_ttl`},
		{peers("10.0.0.2 min_ttl"), "f:5:10: error: unicast_peer 10.0.0.2: min_ttl: expected a value after it"},
		{peers("10.0.0.2 max_ttl 256"), `f:5:18: error: max_ttl "256": expected a whole number from 0 to 255`},
		{peers("10.0.0.2 min_ttl 8 max_ttl 7"), "f:5:1: error: (VI_1) unicast_peer 10.0.0.2: min_ttl 8 is above max_ttl 7"},
		{peers("10.0.0.2\n10.0.0.2"), "f:6:1: error: (VI_1) unicast_peer 10.0.0.2 is given twice, first at f:5:1"},
		{peers("fe80::2"), "f:5:1: error: (VI_1) unicast_peer fe80::2: expected IPv4, as the router is"},
		{peers("224.0.0.18"), "f:5:1: error: (VI_1) unicast_peer 224.0.0.18: expected an address that a host"},
		{peers("10.0.0.2 {\nfoo\n}"), "error: unicast_peer: unexpected {"},
		{peers(""), "f:4:1: error: (VI_1) unicast_peer without unicast peers"},
		{peers("10.0.0.1", "unicast_src_ip 10.0.0.1"), "without unicast peers"},
		{instance("unicast_src_ip 10.0.0.1"), "f:4:1: error: (VI_1) unicast_src_ip without unicast peers"},
		{instance("check_unicast_src"), "check_unicast_src without unicast peers"},
		{instance("old_unicast_checksum"), "old_unicast_checksum without unicast peers"},
		{peers("10.0.0.2", "strict_mode"), "f:4:1: error: (VI_1) unicast_peer: vrrp_strict forbids unicast"},
		{peers("10.0.0.2", "unicast_src_ip 224.0.0.1"), "error: (VI_1) source address 224.0.0.1: expected an IPv4 address that a host"},
		{peers("10.0.0.2", "unicast_src_ip fe80::1"), "f:7:1: error: (VI_1) source address fe80::1: expected an IPv4 address"},
		{peers("10.0.0.2", "old_unicast_checksum always"), `f:7:22: error: old_unicast_checksum "always": expected never`},
		{peers("10.0.0.2", "unicast_ttl 256"), `f:7:13: error: unicast_ttl "256": expected a whole number from 0 to 255`},
		{router6("fe80::3", "unicast_peer {\n10.0.0.2\n}"), "unicast_peer 10.0.0.2: expected IPv6, as the router is"},
		{router6("fe80::3", "unicast_peer {\n::ffff:10.0.0.2\n}"), "unicast_peer ::ffff:10.0.0.2: expected an address that a host"},
		{router6("fe80::3", "unicast_peer {\nfe80::2%eth0\n}"), "without a prefix length or zone"},
	} {
		cfg, diags := Parse("f", []byte(c.text))
		if cfg != nil || !strings.Contains(show(diags), c.want) {
			t.Errorf("want %q:\n%s\n%s", c.want, show(diags), c.text)
		}
		if malformed := strings.Contains(c.text, "foo"); malformed && strings.Contains(show(diags), "without unicast peers") {
			t.Errorf("a peer that is malformed is also called missing: %s", show(diags))
		}
	}
}

func TestUnicastOptions(t *testing.T) {
	for _, c := range []struct {
		text string
		is   func(r Router) bool
		says string // "" for nothing
	}{
		{peers("10.0.0.2", "unicast_ttl 0"), func(r Router) bool { return r.UnicastTTL == 0 }, ""},
		{peers("10.0.0.2", "unicast_ttl 64"), func(r Router) bool { return r.UnicastTTL == 64 }, ""},
		{instance("unicast_ttl 64"), func(r Router) bool { return !r.Unicast() }, "unicast_ttl has no effect without unicast_peer"},
		{peers("10.0.0.2", "check_unicast_src"), func(r Router) bool { return r.CheckSource }, ""},
		{peers("10.0.0.2", "check_unicast_src no"), func(r Router) bool { return !r.CheckSource }, ""},
		{"global_defs {\nvrrp_check_unicast_src no\n}\n" + peers("10.0.0.2"), func(r Router) bool { return !r.CheckSource }, ""},
		{"global_defs {\nvrrp_check_unicast_src no\n}\n" + peers("10.0.0.2", "check_unicast_src"), func(r Router) bool { return r.CheckSource }, ""},
		{peers("10.0.0.2 min_ttl 3", "check_unicast_src no"), func(r Router) bool { return r.CheckSource }, "checked all the same, because 10.0.0.2 has min_ttl"},
		{peers("10.0.0.2", "version 3\nold_unicast_checksum"), func(r Router) bool { return r.OldChecksum == OldChecksumSent }, ""},
		{peers("10.0.0.2", "version 3\nold_unicast_checksum never"), func(r Router) bool { return r.OldChecksum == OldChecksumNever }, ""},
		{peers("10.0.0.2", "old_unicast_checksum"), func(r Router) bool { return r.OldChecksum == OldChecksumTaken }, "no effect with VRRP version 2"},
		{peers("10.0.0.2", "version 3\nv3_checksum_as_v2\nold_unicast_checksum"), func(r Router) bool { return r.OldChecksum == OldChecksumTaken && r.ChecksumPlain }, "no effect with v3_checksum_as_v2"},
		{router6("fe80::3", "old_unicast_checksum\nunicast_peer {\nfe80::2\n}"), func(r Router) bool { return r.OldChecksum == OldChecksumTaken }, "no effect over IPv6"},
		{peers("10.0.0.2", "mcast_dst_ip 224.0.0.19"), func(r Router) bool { return r.Group == DefaultGroup }, "mcast_dst_ip has no effect with unicast_peer"},
		{peers("10.0.0.2", "mcast_src_ip 10.0.0.9"), func(r Router) bool { return r.Source.String() == "10.0.0.9" }, "is taken for unicast_src_ip"},
		{peers("10.0.0.2", "unicast_src_ip 10.0.0.1\nmcast_src_ip 10.0.0.9"), func(r Router) bool { return r.Source.String() == "10.0.0.1" }, "mcast_src_ip has no effect beside unicast_src_ip"},
		{peers("10.0.0.1\n10.0.0.2", "unicast_src_ip 10.0.0.1"), func(r Router) bool { return len(r.Peers) == 1 }, "unicast_peer 10.0.0.1 is our own address: left out"},
		{instance("unicast_fault_no_peer"), func(r Router) bool { return r.NoPeerFault && !r.Unicast() }, ""},
		{peers("10.0.0.2", "unicast_fault_no_peer"), func(r Router) bool { return !r.NoPeerFault }, ""},
		{peers("10.0.0.2", "unicast_src_ip 10.0.0.1\ntrack_src_ip"), func(r Router) bool { return r.TrackSource }, ""},
		{instance("mcast_src_ip 10.0.0.1\ntrack_src_ip"), func(r Router) bool { return r.TrackSource }, ""},
		{instance("track_src_ip"), func(r Router) bool { return !r.TrackSource }, "track_src_ip has no effect without"},
		{router6("2001:db8::3", "unicast_peer {\n2001:db8::2\n}"), func(r Router) bool { return r.Family == 6 && r.Version == 3 }, ""},
		{router6("2001:db8::3", "version 2\nunicast_peer {\n2001:db8::2\n}"), func(r Router) bool { return r.Version == 3 }, "IPv6 routers speak VRRP version 3"},
		{strings.NewReplacer("virtual_ipaddress {", "no_virtual_ipaddress\nunicast_peer {\nfe80::2\n}", "10.0.0.3/24\n}\n", "").Replace(minimal), func(r Router) bool { return r.Family == 6 }, ""},
	} {
		r, said := read(t, c.text)
		if !c.is(r) {
			t.Errorf("got %+v of\n%s", r, c.text)
		}
		if !strings.Contains(said, c.says) || c.says == "" && said != "" {
			t.Errorf("said %q, want %q, of\n%s", said, c.says, c.text)
		}
	}
}

func TestValidateRefusesPeers(t *testing.T) {
	peer := func(ip string) Peer { return Peer{Addr: netip.MustParseAddr(ip), MaxTTL: 255} }
	for want, spoil := range map[string]func(*Router){
		"is our own address":        func(r *Router) { r.Source = r.Peers[0].Addr },
		"is given twice":            func(r *Router) { r.Peers = append(r.Peers, r.Peers[0]) },
		"expected IPv4":             func(r *Router) { r.Peers = append(r.Peers, peer("fe80::1")) },
		"256 unicast peers":         func(r *Router) { r.Peers = make([]Peer, 256) },
		"source address 127.0.0.1:": func(r *Router) { r.Source = netip.MustParseAddr("127.0.0.1") },
	} {
		cfg := valid()
		cfg.Routers[0].Peers = []Peer{peer("10.0.0.2")}
		spoil(&cfg.Routers[0])
		if diags := Validate(cfg); !strings.Contains(show(diags), want) {
			t.Errorf("%s: got\n%s", want, show(diags))
		}
	}
}
