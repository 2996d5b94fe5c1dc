package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// beat is the minimal router with more lines in it.
func beat(lines string) string {
	return strings.Replace(minimal, "virtual_ipaddress", lines+"\nvirtual_ipaddress", 1)
}

func TestHeartbeat(t *testing.T) {
	ip := netip.MustParseAddr
	for lines, want := range map[string][]Heartbeat{
		"heartbeat {\ninterface eth1\n}": {{Name: "eth1", Interface: "eth1", UnicastTTL: 255}},
		"heartbeat cable2 {\ninterface eth1\n}\nheartbeat {\ninterface eth2\nsource 10.2.0.5\nunicast_ttl 3\nunicast_peer {\n10.2.0.6 is 10.0.0.6 min_ttl 2\n10.3.0.7 is 10.0.0.7\n}\n}": {
			{Name: "cable2", Interface: "eth1", UnicastTTL: 255},
			{Name: "eth2", Interface: "eth2", Source: ip("10.2.0.5"), UnicastTTL: 3, Peers: []LinePeer{
				{Peer{Addr: ip("10.2.0.6"), MinTTL: 2, MaxTTL: 255, Ranged: true}, ip("10.0.0.6")},
				{Peer{Addr: ip("10.3.0.7"), MaxTTL: 255}, ip("10.0.0.7")},
			}},
		},
		// What is the line's own is not the router's.
		"unicast_src_ip 10.0.0.5\nunicast_peer {\n10.0.0.6\n}\nheartbeat {\ninterface eth1\nunicast_peer {\n10.2.0.6 is 10.0.0.6\n}\n}": {
			{Name: "eth1", Interface: "eth1", UnicastTTL: 255, Peers: []LinePeer{{Peer{Addr: ip("10.2.0.6"), MaxTTL: 255}, ip("10.0.0.6")}}},
		},
	} {
		cfg, diags := Parse("f", []byte(beat(lines)))
		if cfg == nil || len(diags) > 0 {
			t.Errorf("%s:\n%s", lines, show(diags))
			continue
		}
		r := cfg.Routers[0]
		for i := range r.Heartbeats {
			h := &r.Heartbeats[i]
			h.Pos, h.SourcePos = Pos{}, Pos{}
			for j := range h.Peers {
				h.Peers[j].Pos = Pos{}
			}
		}
		if !reflect.DeepEqual(r.Heartbeats, want) || r.Interface != "eth0" {
			t.Errorf("%s:\n got %+v\nwant %+v", lines, r.Heartbeats, want)
		}
		if all := Validate(cfg); len(all) > 0 {
			t.Errorf("%s: validated: %s", lines, show(all))
		}
	}
}

func TestHeartbeatThatMakesNoSense(t *testing.T) {
	one := func(s string) string { return "heartbeat {\ninterface eth1\n" + s + "\n}" }
	peer := func(s string) string { return one("unicast_peer {\n" + s + "\n}") }
	for lines, want := range map[string]string{
		"heartbeat {\n}":                      "error: (VI_1) heartbeat: interface is missing",
		"heartbeat {\ninterface a/b\n}":       `error: interface "a/b": expected`,
		"heartbeat {\ninterface eth0\n}":      "error: (VI_1) heartbeat on eth0: it is the router's own interface, the first line",
		one("") + "\n" + one(""):              "error: (VI_1) heartbeat on eth1 is given twice, first at f:",
		"heartbeat eth0 {\ninterface eth1\n}": `error: (VI_1) heartbeat "eth0": the name is taken`,
		"heartbeat a {\ninterface eth1\n}\nheartbeat a {\ninterface eth2\n}": `error: (VI_1) heartbeat "a": the name is taken`,
		"heartbeat a b {\ninterface eth1\n}":                                 "error: heartbeat: expected { and no further word",
		one("priority 5"):                                                    "error: priority does not belong in heartbeat",
		one("source 10.2.0.5"):                                               "error: (VI_1) heartbeat: source without unicast_peer",
		one("unicast_ttl 5"):                                                 "warning: (VI_1) heartbeat: unicast_ttl has no effect without unicast_peer",
		one("unicast_peer {\n}"):                                             "error: (VI_1) heartbeat: unicast_peer without a peer",
		peer("10.2.0.6"):                                                     "error: unicast_peer 10.2.0.6: expected is and the peer's first address after it",
		peer("10.2.0.6 is lb02"):                                             `error: unicast_peer "lb02": expected an IP address`,
		peer("10.2.0.6 is 10.0.0.6 ttl 3"):                                   `error: unicast_peer 10.2.0.6: "ttl": expected min_ttl or max_ttl`,
		peer("10.2.0.6 is fe80::6"):                                          "error: (VI_1) heartbeat: unicast_peer fe80::6: expected an IPv4 address",
		peer("10.2.0.6 is 10.0.0.6\n10.2.0.7 is 10.0.0.6"):                   "error: (VI_1) heartbeat: unicast_peer 10.2.0.7 is 10.0.0.6: one of the two has been given before",
		"unicast_peer {\n10.0.0.6\n}\n" + peer("10.2.0.7 is 10.0.0.7"):       "error: (VI_1) heartbeat: unicast_peer 10.2.0.7 is 10.0.0.7: the router's own unicast_peer does not have 10.0.0.7",
		"mcast_src_ip 10.0.0.5\n" + peer("10.2.0.6 is 10.0.0.5"):             "error: (VI_1) heartbeat: unicast_peer 10.2.0.6 is 10.0.0.5: that is ourselves",
		one("source 10.2.0.5\nunicast_peer {\n10.2.0.5 is 10.0.0.6\n}"):      "error: (VI_1) heartbeat: unicast_peer 10.2.0.5 is 10.0.0.6: that is ourselves",
		"vrrp_instance_ \n":                                                  "error: unknown keyword",
		"use_vmac v51\nheartbeat {\ninterface v51\n}":                        "error: (VI_1) heartbeat on v51: it is a device of use_vmac",
		"strict_mode\n" + peer("10.2.0.6 is 10.0.0.6"):                       "error: (VI_1) heartbeat: unicast_peer: vrrp_strict forbids unicast",
		one("") + "\nheartbeat {\ninterface eth2\n}\nheartbeat {\ninterface eth3\n}\nheartbeat {\ninterface eth4\n}": "error: (VI_1) 4 heartbeat lines: expected at most 3",
	} {
		_, diags := Parse("f", []byte(beat(lines)))
		if !strings.Contains(show(diags), want) {
			t.Errorf("%s:\n got %s\nwant %s", lines, show(diags), want)
		}
	}
}

// A line takes (interface, VRID, family), as a router does.
func TestHeartbeatOfATakenVRID(t *testing.T) {
	second := func(body string) string {
		return beat("heartbeat {\ninterface eth1\n}") + "vrrp_instance VI_2 {\ninterface eth1\n" + body + "\npriority 100\nvirtual_ipaddress {\n10.1.0.3/24\n}\n}\n"
	}
	vrid := strings.Fields(minimal[strings.Index(minimal, "virtual_router_id"):])[1]
	for src, want := range map[string]string{
		second("virtual_router_id " + vrid): "error: (VI_1) heartbeat on eth1: virtual_router_id " + vrid + ` there is taken by "VI_2"`,
		second("virtual_router_id 77"):      "",
		// The dual MASTER of the tutorial, each with the other's interface.
		second("virtual_router_id 77\nheartbeat {\ninterface eth0\n}"): "",
		beat("heartbeat {\ninterface eth2\n}") + "vrrp_instance VI_2 {\ninterface eth1\nvirtual_router_id " + vrid +
			"\npriority 100\nheartbeat {\ninterface eth2\n}\nvirtual_ipaddress {\n10.1.0.3/24\n}\n}\n": `error: (VI_2) heartbeat on eth2: virtual_router_id ` + vrid + ` there is taken by a heartbeat of "VI_1"`,
	} {
		_, diags := Parse("f", []byte(src))
		if got := show(diags); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", src, got, want)
		}
	}
}
