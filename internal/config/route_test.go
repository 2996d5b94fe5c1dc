package config

import (
	"strings"
	"testing"
)

func virtualRoutes(lines string) string { return instance("virtual_routes {\n" + lines + "\n}") }
func virtualRules(lines string) string  { return instance("virtual_rules {\n" + lines + "\n}") }

func static(block, lines string) string {
	return "static_" + block + " {\n" + lines + "\n}\n" + minimal
}

func TestRoutes(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"10.1.0.0/16 via 10.0.0.2", "10.1.0.0/16 via 10.0.0.2"},
		{"to 10.1.0.0/16 via inet 10.0.0.2 dev eth1", "10.1.0.0/16 via 10.0.0.2 dev eth1"},
		{"default via 10.0.0.2 table 0x64", "default via 10.0.0.2 table 100"},
		{"0.0.0.0/0 gw 10.0.0.2 table main", "default via 10.0.0.2"},
		{"10.1.2.3 dev eth1 scope link src 10.0.0.3", "10.1.2.3 dev eth1 scope link src 10.0.0.3"},
		{"src 10.0.0.3 10.1.0.0/16 via 10.0.0.2 metric 10 tos 0x10 realms 1/2", "10.1.0.0/16 via 10.0.0.2 realms 1/2 tos 0x10 src 10.0.0.3 metric 10"},
		{"blackhole 10.1.0.0/16", "blackhole 10.1.0.0/16"},
		{"throw 10.1.0.0/16 table local", "throw 10.1.0.0/16 table local"},
		{"inet6 to default via fe80::1 dev eth1", "inet6 default via fe80::1 dev eth1"},
		{"2001:db8::1/32 via fe80::1 dev eth1 pref high expires 60 from 2001:db9::/32", "2001:db8::/32 from 2001:db9::/32 via fe80::1 dev eth1 expires 60 pref 1"},
		{"10.1.0.0/16 via 10.0.0.2 mtu lock 1400 rtt 2s rttvar 300ms rto_min lock 250 hoplimit 9 features ecn quickack 1 congctl lock reno",
			"10.1.0.0/16 via 10.0.0.2 mtu lock 1400 rtt 16000 rttvar 1200 hoplimit 9 features 1 rto_min lock 250 quickack 1 congctl reno"},
		{"10.1.0.0/16 via 10.0.0.2 or 10.0.0.4 dev eth1", "10.1.0.0/16 nexthop via 10.0.0.2 dev eth1 weight 1 nexthop via 10.0.0.4 dev eth1 weight 1"},
		{"10.1.0.0/16 nexthop via 10.0.0.2 weight 256 nexthop via 10.0.0.4 dev eth1 onlink realms 7 weight 2",
			"10.1.0.0/16 nexthop via 10.0.0.2 weight 256 nexthop via 10.0.0.4 dev eth1 weight 2 onlink realms 7"},
		{"10.1.0.0/16 nexthop via 10.0.0.2 dev eth1", "10.1.0.0/16 via 10.0.0.2 dev eth1"},
		{"no_track protocol 99 10.1.0.0/16 via 10.0.0.2", "10.1.0.0/16 via 10.0.0.2 proto 99"},
		{"protocol keepalived 10.1.0.0/16 via 10.0.0.2", "10.1.0.0/16 via 10.0.0.2"},
	} {
		r, _ := read(t, virtualRoutes(c.line))
		if len(r.Routes) != 1 || r.Routes[0].Route.String() != c.want || r.Routes[0].Origin != "test.conf:5:1" {
			t.Errorf("%s: %+v, want %s", c.line, r.Routes, c.want)
		}
	}
}

func TestRules(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"from 10.1.0.0/16 table 100 preference 50", "preference 50 from 10.1.0.0/16 table 100"},
		{"not to 10.1.0.1 lookup main priority 0x32", "preference 50 not from all to 10.1.0.1/32 table main"},
		{"order 5 iif eth0 oif eth1 fwmark 24/0xff tos 0x10 goto 40", "preference 5 from all tos 0x10 fwmark 0x18/0xff iif eth0 oif eth1 goto 40"},
		{"order 5 dev eth0 type blackhole", "preference 5 from all iif eth0 blackhole"},
		{"order 5 inet6 l3mdev", "inet6 preference 5 from all l3mdev"},
		{"order 5 to 2001:db8::/32 ipproto tcp sport 10-20 dport 53 uidrange 1-2 table 7 sup_pl 0 sup_group 3 tunnel-id 9",
			"inet6 preference 5 from all to 2001:db8::/32 tunnel-id 9 uidrange 1-2 ipproto 6 sport 10-20 dport 53-53 table 7 suppress_prefixlength 0 suppress_ifgroup 3"},
		{"order 5 fwmark 1 realms 3 table 7 no_track protocol 4", "preference 5 from all fwmark 0x1/0xffffffff table 7 realms 3 protocol 4"},
		{"from 10.1.0.0/16 table 100", "preference 16384 from 10.1.0.0/16 table 100"},
	} {
		r, _ := read(t, virtualRules(c.line))
		if len(r.Rules) != 1 || r.Rules[0].Rule.String() != c.want {
			t.Errorf("%s: %+v, want %s", c.line, r.Rules, c.want)
		}
	}
	r, said := read(t, virtualRules("from 10.1.0.1 table 1\nfrom 10.1.0.2 table 1\nfrom fe80::1 table 1"))
	got := ""
	for _, rule := range r.Rules {
		got += rule.Rule.String() + "; "
	}
	if got != "preference 16384 from 10.1.0.1/32 table 1; preference 16383 from 10.1.0.2/32 table 1; inet6 preference 16384 from fe80::1/128 table 1; " {
		t.Error(got)
	}
	if strings.Count(said, "without preference") != 3 {
		t.Error(said)
	}
}

func TestRoutesAndRulesThatAreRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{virtualRoutes("10.1.0.0/33 via 10.0.0.2"), `f:5:1: error: "10.1.0.0/33" in a route: expected a keyword, or a destination`},
		{virtualRoutes("10.1.0.0/16 vai 10.0.0.2"), "hint: did you mean via?"},
		{virtualRoutes("10.1.0.0/16 via"), "f:5:13: error: via: expected a value after it"},
		{virtualRoutes("10.1.0.0/16 via 10.0.0.0/8"), "f:5:17: error: via \"10.0.0.0/8\": expected an address without a length"},
		{virtualRoutes("10.1.0.0/16 via fe80::1"), "f:5:17: error: \"fe80::1\": IPv6 in a route that is IPv4"},
		{virtualRoutes("10.1.0.0/16 table nowhere_to_be_found dev eth0"), "hint: write the number, or name it in /etc/iproute2/rt_tables"},
		{virtualRoutes("via 10.0.0.2"), "f:5:1: error: a route without a destination"},
		{virtualRoutes("10.1.0.0/16 encap mpls 100 via 10.0.0.2"), "f:5:13: error: encap of a route is not supported yet"},
		{virtualRoutes("10.1.0.0/16 vrf blue"), "f:5:13: error: vrf of a route is not supported yet"},
		{virtualRoutes("10.1.0.0/16 nexthop via 10.0.0.2 metric 5"), `f:5:34: error: "metric" after nexthop`},
		{virtualRoutes("10.1.0.0/16 dev eth0 track_group G"), "f:5:22: error: track_group of a virtual route"},
		{virtualRoutes("10.1.0.0/16 dev eth0\nvirtual_router_id 51"), "f:6:1: error"},
		{static("routes", "10.1.0.0/16 dev eth0 track_group G"), "f:2:34: error: track_group \"G\": there is no such group"},
		{static("routes", "10.1.0.0/16 via 10.0.0.1 track_group G") + "track_group G {\ngroup {\nVI_1\n}\n}\n", "expected a device that the group can track"},
		{static("ipaddress", "10.1.0.1 use_vmac"), "f:2:10: error: use_vmac of a static address"},
		{static("ipaddress", "10.1.0.1\n10.1.0.1"), "f:3:1: error: (static_ipaddress) 10.1.0.1 is given twice, first at f:2:1"},
		{static("ipaddress", "224.0.0.1"), "f:2:1: error: (static_ipaddress) 224.0.0.1: expected an address that a host"},
		{virtualRules("from 10.1.0.0/16"), "f:5:1: error: a rule that does nothing"},
		{virtualRules("table 5 blackhole"), "f:5:9: error: blackhole: the rule has an action already"},
		{virtualRules("goto 5"), "a rule with goto: expected a preference"},
		{virtualRules("goto 5 preference 5"), "goto 5: expected a preference above 5"},
		{virtualRules("sup_pl 0 nop preference 1"), "f:5:1: error: sup_pl: only a rule with a table has it"},
		{virtualRules("table 5 sport 20-10 preference 1"), `sport "20-10": expected a port`},
		{virtualRules("table 5 uidrange 7 preference 1"), `uidrange "7": expected FIRST-LAST`},
		{virtualRules("table 0 preference 1"), "table 0 of a rule"},
		{virtualRules("tabel 5"), "hint: did you mean table?"},
	} {
		cfg, diags := Parse("f", []byte(c.text))
		if said := show(diags); cfg != nil || !strings.Contains(said, c.want) {
			t.Errorf("%s\nsaid %q, want %q", c.text, said, c.want)
		}
	}
}

func TestStaticThings(t *testing.T) {
	cfg, diags := Parse("f", []byte(`
track_group G {
  group {
    VI_1
  }
}
static_ipaddress {
  10.1.0.1/24 dev eth1 track_group G
  10.2.0.1/24
}
static_routes {
  10.3.0.0/16 dev eth2 track_group G
  10.4.0.0/16 dev eth3
}
static_rules {
  from 10.5.0.0/16 table 5 preference 5 iif eth4 track_group G
}
`+instance("virtual_routes {\n10.6.0.0/16 dev eth5\n10.7.0.0/16 dev eth6 no_track\n}\nvirtual_rules {\niif eth7 oif eth0 table 5 preference 7\n}")))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	s := cfg.Static
	if len(s.Addresses) != 2 || s.Addresses[1].Device != "eth0" || len(s.Routes) != 2 || len(s.Rules) != 1 {
		t.Errorf("%+v", s)
	}
	if got := strings.Join(cfg.Routers[0].Needs, " "); got != "eth5 eth7 eth1 eth2 eth4" {
		t.Errorf("needs %s", got)
	}
}

// The device of a virtual MAC is down in BACKUP: were it tracked, no router would
// ever leave FAULT.
func TestVirtualMACsOfRoutesAreNotTracked(t *testing.T) {
	r, _ := read(t, instance("use_vmac\nvirtual_routes {\n10.6.0.0/16 dev vrrp.51\n10.7.0.0/16 dev vrrp.52\n10.8.0.0/16 dev eth1\n}")+
		strings.NewReplacer("VI_1", "VI_2", "51", "52", "0.3", "0.4").Replace(instance("use_vmac")))
	if got := strings.Join(r.Needs, " "); got != "eth1" {
		t.Errorf("needs %s", got)
	}
}
