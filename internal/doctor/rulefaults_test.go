package doctor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
)

// nft makes a ruleset of one table with a base chain, and rules, each of a chain and
// its expressions.
func nft(family, hook, policy, device string, rules ...[2]string) string {
	if device != "" {
		device = fmt.Sprintf(`, "dev": %q`, device)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"nftables": [{"metainfo": {"json_schema_version": 1}}, {"table": {"family": %q, "name": "t", "handle": 1}},`, family)
	fmt.Fprintf(&b, `{"chain": {"family": %q, "table": "t", "name": "base", "handle": 2, "type": "filter", "hook": %q, "prio": 0, "policy": %q%s}}`, family, hook, policy, device)
	for _, name := range []string{"one", "two"} {
		fmt.Fprintf(&b, `,{"chain": {"family": %q, "table": "t", "name": %q, "handle": 3}}`, family, name)
	}
	for i, r := range rules {
		fmt.Fprintf(&b, `,{"rule": {"family": %q, "table": "t", "chain": %q, "handle": %d, "expr": [%s]}}`, family, r[0], 20+i, r[1])
	}
	return b.String() + "]}"
}

const (
	is112     = `{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": 112}}`
	isVRRP    = `{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "protocol"}}, "right": "vrrp"}}`
	onEth0    = `{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth*"}}`
	onEth1    = `{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth1"}}`
	toEth0    = `{"match": {"op": "==", "left": {"meta": {"key": "oif"}}, "right": "eth0"}}`
	toGroup   = `{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": {"prefix": {"addr": "224.0.0.0", "len": 4}}}}`
	ofSome    = `{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"set": ["10.0.0.2", "10.0.0.3"]}}}`
	multicast = `{"match": {"op": "==", "left": {"meta": {"key": "pkttype"}}, "right": "multicast"}}`
	fewTTL    = `{"match": {"op": "<", "left": {"payload": {"protocol": "ip", "field": "ttl"}}, "right": 255}}`
	fresh     = `{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["new", "untracked"]}}`
	limit     = `{"limit": {"rate": 5, "burst": 5, "per": "second"}}`
	rpf       = `{"match": {"op": "==", "left": {"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, "right": false}}`
	drop      = `{"drop": null}`
	accept    = `{"accept": null}`
	reject    = `{"reject": {"type": "icmpx", "expr": "admin-prohibited"}}`
	toOne     = `{"jump": {"target": "one"}}`
	toTwo     = `{"goto": {"target": "two"}}`
	back      = `{"return": null}`
)

// vmapOf is a verdict map over the source address.
func vmapOf(elements string) string {
	return `{"vmap": {"key": {"payload": {"protocol": "ip", "field": "saddr"}}, "data": {"set": [` + elements + `]}}}`
}

// only replaces the rules of nftables, and takes those of iptables away.
func only(ruleset string) func(*fake) {
	return func(f *fake) { f.programs = map[string]string{"nft -j list ruleset": ruleset} }
}

func tables(lines ...string) func(*fake) {
	text := "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:zone - [0:0]\n" + strings.Join(lines, "\n") + "\nCOMMIT\n"
	return func(f *fake) { f.programs = map[string]string{"iptables-save": text} }
}

func rule1(conditions ...string) [2]string { return [2]string{"base", strings.Join(conditions, ", ")} }

func in(chain string, conditions ...string) [2]string {
	return [2]string{chain, strings.Join(conditions, ", ")}
}

// ruleFaults are those of firewalls.
var ruleFaults = []fault{
	{"nft drops 112", only(nft("inet", "input", "accept", "", rule1(is112, drop))), "firewall", Warn, "meta l4proto 112 drop # handle 20", "nft insert rule inet t base"},
	{"nft drops vrrp going out", only(nft("ip", "output", "accept", "", rule1(toEth0, isVRRP, reject))), "firewall", Warn, "go out", "accept"},
	{"nft policy", only(nft("inet", "input", "drop", "", rule1(onEth1, accept), rule1(limit, drop))), "firewall", Warn, "policy drop", "nft insert"},
	{"nft jumps", only(nft("inet", "input", "accept", "", rule1(onEth0, toOne), in("one", toGroup, toTwo), in("two", fresh, drop))), "firewall", Warn, "chain two", "t two"},
	{"nft multicast", only(nft("ip", "prerouting", "accept", "", rule1(multicast, drop))), "firewall", Warn, "pkttype multicast drop", "accept"},
	{"nft vmap", only(nft("inet", "input", "accept", "", rule1(`{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": [["eth1", {"accept": null}], ["eth0", {"jump": {"target": "one"}}]]}}}`), in("one", is112, drop))), "firewall", Warn, "chain one", "accept"},
	{"nft vmap over addresses, by its catch-all", only(nft("inet", "input", "accept", "", rule1(vmapOf(`["192.168.0.0", {"accept": null}], ["*", {"drop": null}]`)))), "firewall", Warn, "ip saddr != { 192.168.0.0 } drop", "accept"},
	{"nft vmap, what another key of it does first", only(nft("inet", "input", "accept", "", rule1(vmapOf(`["*", {"accept": null}], [{"prefix": {"addr": "10.0.0.0", "len": 8}}, {"drop": null}]`)))), "firewall", Warn, "10.0.0.0/8 drop", "accept"},
	{"nft set with a catch-all", only(nft("inet", "input", "accept", "", rule1(`{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"set": ["10.7.7.7", "*"]}}}`, drop))), "firewall", Warn, "ip saddr", "accept"},
	{"nft ingress", only(nft("netdev", "ingress", "accept", "eth0", rule1(is112, drop))), "firewall", Warn, "come in", "netdev t base"},
	{"nft egress", only(nft("netdev", "egress", "accept", "eth0", rule1(is112, drop))), "firewall", Bad, "vrrpx is held up", "netdev t base"},
	{"egress of a heartbeat line", func(f *fake) {
		only(nft("netdev", "egress", "accept", "eth1", rule1(is112, drop)))(f)
		f.conf = with(cleanConf, "heartbeat {\n\t\tinterface eth1\n\t}")
	}, "firewall", Bad, "go out by eth1", "netdev t base"},
	{"nft on the bridge", func(f *fake) {
		f.onBridge(cleanConf, Bridge{}, false)
		only(nft("bridge", "input", "accept", "", rule1(is112, drop)))(f)
	}, "firewall", Bad, "come in by br0", "bridge t base"},
	{"iptables drops", tables("-A INPUT -i eth0 -p vrrp -j DROP"), "firewall", Warn, "-A INPUT -i eth0 -p vrrp -j DROP", "iptables -t filter -I INPUT -p vrrp -j ACCEPT"},
	{"iptables jumps", tables("-A INPUT -i eth+ -j zone", "-A zone ! -p udp -j REJECT --reject-with icmp-port-unreachable"), "firewall", Warn, "chain zone", "ACCEPT"},
	{"iptables multicast", tables("-A INPUT -m addrtype --dst-type MULTICAST -j DROP"), "firewall", Warn, "MULTICAST", "ACCEPT"},
	{"iptables policy", func(f *fake) {
		tables("-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT")(f)
		f.programs["iptables-save"] = strings.Replace(f.programs["iptables-save"], ":INPUT ACCEPT", ":INPUT DROP", 1)
	}, "firewall", Warn, "policy drop", "-I INPUT"},
	{"iptables, out", tables("-A OUTPUT -o eth0 -d 224.0.0.0/4 -j DROP"), "firewall", Warn, "go out", "-I OUTPUT"},
	{"firewalld", only(strings.ReplaceAll(nft("inet", "input", "accept", "", rule1(onEth0, toOne), in("one", reject)), `"t"`, `"firewalld"`)), "firewall", Warn, "table inet firewalld", "firewall-cmd"},
	{"by TTL", func(f *fake) {
		only(nft("ip", "input", "accept", "", rule1(fewTTL, drop), rule1(isVRRP, drop)))(f)
	}, "firewall", Warn, "ip protocol vrrp drop # handle 21", "accept"},
	{"AH", func(f *fake) {
		tables("-A INPUT -p ah -j DROP")(f)
		f.conf = strings.Replace(v2Conf, "auth_type PASS", "auth_type AH", 1)
		f.silence()
	}, "firewall", Warn, "protocol 51", "-p ah"},
	{"what cannot be known", only(nft("inet", "input", "accept", "", rule1(ofSome, drop))), "firewall", Note, "may drop", "accept"},
	{"at a rate", only(nft("inet", "input", "accept", "", rule1(is112, limit, drop))), "firewall", Note, "may drop", "accept"},
}

func TestRulesThatDoNotDropAdverts(t *testing.T) {
	for name, plant := range map[string]func(*fake){
		"another interface": only(nft("inet", "input", "accept", "", rule1(onEth1, is112, drop))),
		"a key before the catch-all": only(nft("inet", "input", "accept", "",
			rule1(vmapOf(`[{"prefix": {"addr": "10.0.0.0", "len": 8}}, {"jump": {"target": "one"}}], ["*", {"drop": null}]`)), in("one", is112, back))),
		"a catch-all for IPv6": only(nft("inet", "input", "accept", "", rule1(strings.Replace(vmapOf(`["*", {"drop": null}]`), `"ip"`, `"ip6"`, 1)))),
		"accepted before":      only(nft("inet", "input", "drop", "", rule1(is112, accept), rule1(drop))),
		"returned":             only(nft("inet", "input", "accept", "", rule1(toOne), in("one", toGroup, back), in("one", drop))),
		"a goto that ends":     only(nft("inet", "input", "accept", "", rule1(toOne), rule1(`{"goto": {"target": "two"}}`), rule1(drop))),
		"by TTL":               only(nft("ip", "input", "accept", "", rule1(fewTTL, is112, drop))),
		"of the other family":  only(nft("ip6", "input", "drop", "")),
		"of another bridge":    only(nft("bridge", "input", "drop", "")),
		"reverse path":         only(nft("inet", "prerouting", "accept", "", rule1(rpf, drop))),
		"of what is forwarded": only(nft("inet", "forward", "drop", "")),
		"on another device":    only(nft("netdev", "ingress", "drop", "eth1")),
		"tables": tables("-A INPUT -p vrrp -d 224.0.0.18/32 -j ACCEPT", "-A INPUT -m limit --limit 3/min -j LOG --log-prefix \"in: \"",
			"-A INPUT -m rpfilter --invert -j DROP", "-A INPUT -j REJECT --reject-with icmp-host-prohibited"),
		"tables, states": tables("-A INPUT -m conntrack --ctstate INVALID -j DROP", "-A INPUT -s 192.168.0.0/16 -j DROP", "-A INPUT ! -i eth0 -j DROP", "-A INPUT -p tcp -m tcp --dport 22 -j DROP"),
	} {
		f := clean()
		plant(f)
		for _, r := range f.look(t) {
			if r.Name == "firewall" && r.Verdict != OK {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}

// With iptables on nftables both tools show one rule: it is told once, in the words
// of iptables.
func TestTablesOfIPTablesAreReadOnce(t *testing.T) {
	f := clean()
	tables("-A INPUT -p vrrp -j DROP")(f)
	f.programs["nft -j list ruleset"] = strings.ReplaceAll(nft("ip", "input", "accept", "", rule1(is112, drop)), `"t"`, `"filter"`)
	all := f.look(t)
	if n := len(raised(all)); n != 1 {
		t.Errorf("%+v", raised(all))
	}
}

// To ask nftables for its rules loads it, where it is a module: a doctor changes
// nothing. Who keeps tables elsewhere is asked all the same.
func TestNobodyAsksNFTablesThatIsNotLoaded(t *testing.T) {
	const module = "kernel/net/netfilter/nf_tables.ko.xz: kernel/net/netfilter/nfnetlink.ko.xz\n"
	for name, tc := range map[string]struct {
		modules, iptables, known string
		asked, verdict           string
	}{
		"loaded":                  {"nf_tables 1 0 - Live\n", "nf_tables", module, "iptables-save nft", ""},
		"loaded later":            {"veth 1 0\nnf_tables 1 0\n", "nf_tables", module, "iptables-save nft", ""},
		"a part of the kernel":    {"veth 1 0\n", "nf_tables", "", "iptables-save nft", ""},
		"not loaded":              {"veth 1 0\nnf_tables_offload 1 0\n", "nf_tables", module, "", "no nftables in the kernel"},
		"not loaded, legacy":      {"", "legacy", module, "iptables-save", "no nftables in the kernel"},
		"of another kernel's dir": {"", "nf_tables", "nothing of it\n", "iptables-save nft", ""},
	} {
		f := clean()
		f.files["/proc/modules"], f.files["/lib/modules/6.18.4-test/modules.dep"] = tc.modules, f.files["/lib/modules/6.18.4-test/modules.dep"]+tc.known
		f.programs["iptables --version"] = "iptables v1.8.9 (" + tc.iptables + ")\n"
		delete(f.programs, "ip6tables-save")
		f.ran = nil
		var found string
		for _, r := range f.look(t) {
			if r.Name == "firewall" {
				found += r.Finding
				if r.Verdict != OK {
					t.Errorf("%s: %+v", name, r)
				}
			}
		}
		var asked []string
		for _, program := range f.ran {
			if program == "nft" || program == "iptables-save" {
				asked = append(asked, program)
			}
		}
		if strings.Join(asked, " ") != tc.asked || !strings.Contains(found, tc.verdict) {
			t.Errorf("%s: asked %v; %s", name, asked, found)
		}
	}
}

func TestRulesThatCannotBeReadAreSkipped(t *testing.T) {
	for _, text := range []string{"fails", "not json", `{"nftables": [{"rule": {"family": 3}}]}`} {
		f := clean()
		only(text)(f)
		found := false
		for _, r := range f.look(t) {
			found = found || r.Name == "firewall" && r.Verdict == Skipped && r.Subject != ""
		}
		if !found {
			t.Errorf("%q is not told of", text)
		}
	}
}

// Nothing that a ruleset may contain makes the parser fail.
func FuzzRules(f *testing.F) {
	f.Add(cleanNFT)
	f.Add(cleanTables)
	f.Add(nft("inet", "input", "accept", "", rule1(rpf, is112, toGroup, limit, toOne), in("one", toTwo), in("two", toOne)))
	cfg, _ := config.Parse("f", []byte(cleanConf+sixConf))
	f.Fuzz(func(t *testing.T, text string) {
		host := clean()
		host.programs = map[string]string{"nft -j list ruleset": text, "iptables-save": text, "ip6tables-save": text}
		v := &visit{ctx: t.Context(), host: host, Question: Question{Routers: cfg.Routers}, name: "firewall"}
		v.firewall()
	})
}
