package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/doctor"
	"github.com/vrrpx/vrrpx/internal/testnet"
)

// patient is a host without a daemon on which faults are planted.
type patient struct {
	*testing.T
	*testnet.Host
}

func (p patient) run(line ...string) {
	p.Helper()
	if out, err := p.Command(context.Background(), line[0], line[1:]...).CombinedOutput(); err != nil {
		p.Fatalf("%v on %s: %v: %s", line, p.Name, err, out)
	}
}

func (p patient) ip(words string) {
	p.Helper()
	p.run(append([]string{"ip"}, strings.Fields(words)...)...)
}

// sysctl sets one, and returns what sets it back.
func (p patient) sysctl(f sysctlFile, value string) (undo func()) {
	p.Helper()
	var before string
	must(p.T, p.Do(func() (err error) {
		if before, err = f.read(); err == nil {
			err = f.write(value)
		}
		return err
	}))
	return func() { must(p.T, p.Do(func() error { return f.write(before) })) }
}

func (p patient) rules(script string) (undo func()) {
	p.Helper()
	nft(p.T, p.Host, script)
	return func() { nft(p.T, p.Host, "flush ruleset") }
}

// nftTable is one of nftables with a chain at a hook, and others.
func nftTable(family, hook string, rules ...string) string {
	return fmt.Sprintf("table %s f {\nset lans { type ipv4_addr; flags interval; elements = { 192.168.0.0/16 }; }\nmap what { type inet_proto : verdict; elements = { tcp : accept, 112 : drop }; }\n"+
		"chain z {\n%s\n}\nchain base {\ntype filter hook %s priority 0; policy accept;\n%s\n}\n}\n", family, strings.Join(rules[1:], "\n"), hook, rules[0])
}

// planted is a fault of the host, and what the doctor is to say of it.
type planted struct {
	name    string
	conf    string // empty: that of a plain router on eth0
	plant   func(p patient) (undo func())
	check   string
	verdict doctor.Verdict
	part    string
	fix     string
	mends   bool // the fix is a command, after which the doctor says nothing of it
}

// order is the command that a fix begins with.
func order(fix string) string {
	fix = strings.TrimPrefix(fix, "on every host: ")
	for _, end := range []string{", and", ", then", ", or", "; ", " (and"} {
		fix, _, _ = strings.Cut(fix, end)
	}
	return fix
}

// Real faults of the host and its firewall, as the tools of the host plant them; no
// daemon runs. A host without any comes first, and last, when all have been mended.
func TestDoctorFindsWhatIsPlanted(t *testing.T) {
	testnet.Need(t, "root", "nft", "ip", "bridge", "iptables-save", "iptables", "ip6tables", "setpriv", "prlimit", "sysctl", "keepalived")
	l := testnet.Spec{Links: 2, Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}}}.ForTest(t)
	a := patient{t, l.Host("a")}
	plain := v3.conf(100)
	healthy := look{name: "a clean host", args: []string{"-f", confFile(t, plain), "--listen=0s"}}
	six := look{name: "a clean host, IPv6", args: []string{"-f", confFile(t, v3six.conf(100)), "--listen=0s"}}
	atOnce(t, a.Host, healthy, six)
	for _, f := range hostFaults() {
		if f.conf == "" {
			f.conf = plain
		}
		undo := f.plant(a)
		k := look{name: f.name, args: []string{"-f", confFile(t, f.conf), "--listen=0s"}, check: f.check, verdict: f.verdict, part: f.part, fix: f.fix}
		all := k.examine(t, a.Host)
		if f.mends {
			for _, r := range all {
				if r.Name == f.check && r.Verdict == f.verdict && strings.Contains(r.Fix, f.fix) {
					a.run("sh", "-c", order(r.Fix))
					break
				}
			}
			for _, r := range (look{name: f.name + ", mended", args: k.args}).examine(t, a.Host) {
				if r.Name == f.check && r.Verdict == f.verdict {
					t.Errorf("%s: after its fix: %+v", f.name, r)
				}
			}
		}
		undo()
	}
	for _, f := range processFaults(t) {
		f.args = healthy.args
		f.examine(t, a.Host)
	}
	atOnce(t, a.Host, healthy, six)
}

// hostFaults are of interfaces, sysctls, bridges and rules of firewalls.
func hostFaults() []planted {
	eth0 := func(on, off string) func(patient) func() {
		return func(p patient) func() {
			p.ip("link set eth0 " + on)
			return func() {
				p.ip("link set eth0 " + off)
				await(p.T, "the carrier", func() bool { return p.HasCarrier("eth0") })
			}
		}
	}
	set := func(f sysctlFile, value string) func(patient) func() {
		return func(p patient) func() { return p.sysctl(f, value) }
	}
	rules := func(family, hook string, rules ...string) func(patient) func() {
		return func(p patient) func() { return p.rules(nftTable(family, hook, append(rules, "")...)) }
	}
	tables := func(program, rule string) func(patient) func() {
		return func(p patient) func() {
			p.run(append([]string{program}, strings.Fields(rule)...)...)
			return func() { nft(p.T, p.Host, "flush ruleset") }
		}
	}
	group := testnet.Conf(3, testnet.Instance{Interface: "br7", AdvertInt: "0.1", VIPs: []string{"10.88.0.9/24"}, Lines: []string{"mcast_dst_ip 239.1.1.1"}})
	onBridge := func(more func(patient)) func(patient) func() {
		return func(p patient) func() {
			p.ip("link add br7 type bridge mcast_snooping 1")
			p.ip("address add 10.88.0.1/24 dev br7")
			p.ip("link add p7 type veth peer name q7")
			p.ip("link set p7 master br7")
			for _, dev := range []string{"br7", "p7", "q7"} {
				p.ip("link set " + dev + " up")
			}
			await(p.T, "the bridge to have a carrier", func() bool { return p.HasCarrier("br7") })
			more(p)
			return func() { p.ip("link del br7"); p.ip("link del p7"); nft(p.T, p.Host, "flush ruleset") }
		}
	}
	twin := func(more func(patient) func()) func(patient) func() {
		return func(p patient) func() {
			p.ip("link add twin type bridge")
			p.ip("address add 10.99.0.200/16 dev twin")
			p.ip("link set twin up")
			undo := more(p)
			return func() { undo(); p.ip("link del twin") }
		}
	}
	lines := func(lines ...string) string { return v3.conf(100, lines...) }
	two := testnet.Conf(3, testnet.Instance{VRID: 61, AdvertInt: "0.1", VIPs: []string{"10.7.0.5/24"}}, testnet.Instance{VRID: 62, AdvertInt: "0.1", VIPs: []string{"10.7.0.6/24"}})
	many := testnet.Instance{AdvertInt: "0.1"}
	for i := range 30 {
		many.VIPs = append(many.VIPs, fmt.Sprintf("10.99.9.%d", i+1))
	}
	ah := strings.Replace(v2pass.conf(100), "auth_type PASS", "auth_type AH", 1)
	nothing := func(patient) func() { return func() {} }
	tooFast := protocol{"v2 at 100 ms", 2, 100 * time.Millisecond, false, ""}
	return []planted{
		{"a word that nobody knows", lines("garp_master_dealy 5"), nothing, "configuration", doctor.Bad, `unknown keyword "garp_master_dealy"`, "did you mean garp_master_delay", false},
		{"an interval that version 2 does not have", tooFast.conf(100), nothing, "configuration", doctor.Warn, "whole seconds", "use version 3 on every host", false},
		{"nft drops protocol 112", "", rules("inet", "input", "meta l4proto 112 counter drop"), "firewall", doctor.Warn, "meta l4proto vrrp drop", "nft insert rule inet f base", true},
		{"nft drops what comes in, by a map", "", rules("inet", "input", "meta l4proto vmap @what"), "firewall", doctor.Warn, "drop", "nft insert", true},
		{"nft drops by the catch-all of a map", "", rules("ip", "prerouting", "ip saddr vmap { 192.168.0.0/16 : accept, * : drop }"), "firewall", doctor.Warn, "saddr != ", "nft insert rule ip f base", true},
		{"nft drops what is not in a set, in a chain that is jumped to", "", rules("inet", "input", `iifname "eth*" jump z`, "ip saddr != @lans drop"), "firewall", doctor.Warn, "chain z", "nft insert", true},
		{"nft, a policy behind states", "", func(p patient) func() {
			return p.rules("table inet f {\nchain base {\ntype filter hook input priority 0; policy drop;\nct state vmap { established : accept, related : accept, invalid : drop }\ntcp dport { 22, 80 } accept\n}\n}\n")
		}, "firewall", doctor.Warn, "policy drop", "nft insert", true},
		{"nft, all is accepted that has to be", "", func(p patient) func() {
			return p.rules("table inet f {\nchain z {\nip protocol { vrrp, ah } accept\n}\nchain in {\ntype filter hook input priority 0; policy drop;\niifname \"lo\" accept\npkttype multicast jump z\n}\n}\n")
		}, "", "", "", "", false},
		{"nft at the interface, egress", "", func(p patient) func() {
			return p.rules("table netdev f {\nchain base {\ntype filter hook egress device \"eth0\" priority 0; policy accept;\nip protocol 112 drop\n}\n}\n")
		}, "firewall", doctor.Bad, "vrrpx is held up", "nft insert rule netdev f base", true},
		{"nft on a bridge", group, onBridge(func(p patient) {
			nft(p.T, p.Host, nftTable("bridge", "input", "meta l4proto 112 drop", "")+"\n")
			p.ip("link set br7 type bridge mcast_snooping 0")
		}), "firewall", doctor.Bad, "come in by br7", "nft insert rule bridge f base", true},
		{"iptables", "", tables("iptables", "-A INPUT -i eth0 -p 112 -j DROP"), "firewall", doctor.Warn, "-A INPUT -i eth0 -p vrrp -j DROP", "iptables -t filter -I INPUT -p vrrp -j ACCEPT", true},
		{"iptables, going out", "", tables("iptables", "-A OUTPUT -d 224.0.0.0/4 -j REJECT"), "firewall", doctor.Warn, "go out by eth0", "-I OUTPUT", true},
		{"ip6tables", v3six.conf(100), tables("ip6tables", "-P INPUT DROP"), "firewall", doctor.Warn, "ff02::12", "ip6tables -t filter -I INPUT -p vrrp -j ACCEPT", true},
		{"iptables, AH", ah, tables("iptables", "-A INPUT -p ah -j DROP"), "firewall", doctor.Warn, "protocol 51", "-I INPUT -p ah -j ACCEPT", true},
		{"another's XDP program", "", func(p patient) func() {
			foreignXDP(p.T, p.Host)
			return func() { p.ip("link set dev eth0 xdp off") }
		}, "xdp", doctor.Warn, "someones", "let its owner detach it", false},
		{"the interface is down", "", eth0("down", "up"), "link", doctor.Bad, "eth0 is down", "ip link set eth0 up", true},
		{"no multicast", "", eth0("multicast off", "multicast on"), "link", doctor.Bad, "takes no multicast", "ip link set eth0 multicast on", true},
		{"no ARP", "", eth0("arp off", "arp on"), "link", doctor.Bad, "does no ARP", "ip link set eth0 arp on", true},
		{"an advert that does not fit", testnet.Conf(3, many), eth0("mtu 140", "mtu 1500"), "link", doctor.Bad, "octets long", "virtual_ipaddress_excluded", false},
		{"a name that no interface has", strings.Replace(v3.conf(100), "eth0", "eth7", 1), nothing, "link", doctor.Bad, "no interface eth7", "correct the name", false},
		{"a source that the host does not have", lines("mcast_src_ip 10.99.7.7"), nothing, "link", doctor.Warn, "10.99.7.7, which this host does not have", "mcast_src_ip", false},
		{"a heartbeat line is cut", lines("heartbeat {", "interface eth1", "}"), func(p patient) func() {
			p.ip("link set eth1 down")
			return func() { p.ip("link set eth1 up") }
		}, "link", doctor.Warn, "heartbeat line by eth1 is lost", "ip link set eth1 up", true},
		{"a port of a bridge", "", func(p patient) func() {
			p.ip("link add br0 type bridge")
			p.ip("link set eth0 master br0")
			return func() { p.ip("link set eth0 nomaster"); p.ip("link del br0") }
		}, "link", doctor.Bad, "part of the bridge br0", "interface br0", false},
		{"snooping that nobody queries for", group, onBridge(func(patient) {}), "bridge", doctor.Warn, "nobody asks who is one", "ip link set br7 type bridge mcast_querier 1", true},
		{"a port without multicast", group, onBridge(func(p patient) {
			p.ip("link set br7 type bridge mcast_snooping 0")
			p.run("bridge", "link", "set", "dev", "p7", "mcast_flood", "off")
		}), "bridge", doctor.Bad, "does not flood multicast to p7", "bridge link set dev p7 mcast_flood on", true},
		{"strict rp_filter, two ways", "", twin(func(p patient) func() {
			undo := p.sysctl("ipv4/conf/all/arp_ignore", "1")
			more := p.sysctl("ipv4/conf/eth0/rp_filter", "1")
			return func() { more(); undo() }
		}), "rp_filter", doctor.Warn, "twin has the same subnet", "sysctl -w net.ipv4.conf.eth0.rp_filter=2", true},
		{"ARP by two interfaces", "", twin(func(p patient) func() {
			undo := p.sysctl("ipv4/conf/all/arp_ignore", "0")
			more := p.sysctl("ipv4/conf/all/arp_announce", "0")
			return func() { more(); undo() }
		}), "arp", doctor.Warn, "the wrong interface", "arp_ignore=1", true},
		{"arp_ignore 8", "", set("ipv4/conf/eth0/arp_ignore", "8"), "arp", doctor.Bad, "answers no ARP", "sysctl -w net.ipv4.conf.eth0.arp_ignore=1", true},
		{"arp_ignore 2, and no subnet", "", set("ipv4/conf/eth0/arp_ignore", "2"), "arp", doctor.Bad, vip + "/32", "length of the subnet", false},
		{"proxy_arp_pvlan", "", set("ipv4/conf/eth0/proxy_arp_pvlan", "1"), "arp", doctor.Bad, "every address", "sysctl -w net.ipv4.conf.eth0.proxy_arp_pvlan=0", true},
		{"ip_nonlocal_bind 0", "", set("ipv4/ip_nonlocal_bind", "0"), "nonlocal_bind", doctor.Note, vip, "sysctl -w net.ipv4.ip_nonlocal_bind=1", true},
		{"no promote_secondaries", two, set("ipv4/conf/all/promote_secondaries", "0"), "secondaries", doctor.Warn, "10.7.0.0/24", "sysctl -w net.ipv4.conf.all.promote_secondaries=1", true},
		{"IPv6 disabled", v3six.conf(100), set("ipv6/conf/eth0/disable_ipv6", "1"), "ipv6", doctor.Bad, "IPv6 is disabled", "sysctl -w net.ipv6.conf.eth0.disable_ipv6=0", true},
		{"accept_dad 2", v3six.conf(100), set("ipv6/conf/eth0/accept_dad", "2"), "ipv6", doctor.Warn, "accept_dad = 2", "sysctl -w net.ipv6.conf.all.accept_dad=1 net.ipv6.conf.eth0.accept_dad=1", true},
		{"no link-local address", v3six.conf(100), func(p patient) func() {
			undo := p.sysctl("ipv6/conf/eth0/addr_gen_mode", "1")
			p.ip("-6 address flush dev eth0 scope link")
			return func() { undo(); p.ip("link set eth0 down"); p.ip("link set eth0 up"); awaitLinkLocal(p) }
		}, "ipv6", doctor.Bad, "no link-local address", "ip link set eth0 addrgenmode eui64", false},
		{"keepalived beside it", "", func(p patient) func() {
			k := keepalived.start(p.T, p.Host, testnet.Conf(3, testnet.Instance{VRID: 99, VIPs: []string{"10.99.9.99"}}))
			await(p.T, "keepalived", func() bool { return strings.Contains(k.Log(), "Starting VRRP child") })
			return k.Kill9
		}, "daemon", doctor.Warn, "keepalived runs on this host too", "systemctl disable --now keepalived", false},
	}
}

// awaitLinkLocal waits for an address that adverts of IPv6 can come from.
func awaitLinkLocal(p patient) {
	await(p.T, "a link-local address", func() bool {
		all, err := p.Addrs()
		must(p.T, err)
		for _, a := range all {
			if a.Addr().Is6() && a.Addr().IsLinkLocalUnicast() && p.HasCarrier("eth0") {
				return true
			}
		}
		return false
	})
}

// processFaults are of what a process may do. The doctor stands for a vrrpx that is
// started in the same way.
func processFaults(t *testing.T) []look {
	t.Helper()
	without := func(caps string, more ...string) []string {
		return append(more, "setpriv", "--bounding-set", caps, "--inh-caps", "-all", "--")
	}
	swaps, _ := os.ReadFile("/proc/swaps")
	unlocked := doctor.Note
	if strings.Count(string(swaps), "\n") > 1 {
		unlocked = doctor.Warn
	}
	return []look{
		{name: "no CAP_NET_RAW", wrap: without("-net_raw"), check: "capabilities", verdict: doctor.Bad, part: "does not have CAP_NET_RAW", fix: "CapabilityBoundingSet="},
		{name: "no CAP_NET_ADMIN", wrap: without("-net_admin"), check: "capabilities", verdict: doctor.Bad, part: "does not have CAP_NET_ADMIN", fix: "docs/capabilities.md"},
		{name: "no CAP_BPF", wrap: without("-bpf,-sys_admin"), check: "capabilities", verdict: doctor.Warn, part: "does not have CAP_BPF", fix: "CapabilityBoundingSet="},
		{name: "no memory to lock", wrap: without("-ipc_lock", "prlimit", "--memlock=65536:65536"), check: "memory", verdict: unlocked, part: "cannot lock its memory", fix: "LimitMEMLOCK=infinity"},
		{name: "no real-time", wrap: without("-sys_nice", "prlimit", "--rtprio=0:0"), check: "realtime", verdict: doctor.Warn, part: "cannot be real-time", fix: "LimitRTPRIO"},
	}
}
