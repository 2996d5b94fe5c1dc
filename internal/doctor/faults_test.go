package doctor

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
)

func with(text, line string) string {
	return strings.Replace(text, "	virtual_ipaddress", "	"+line+"\n	virtual_ipaddress", 1)
}

// hostFaults are those of the host itself.
var hostFaults = []fault{
	{"an old kernel", func(f *fake) { f.release = "5.4.0" }, "kernel", Warn, "5.4.0 is older", "kernel"},
	{"no bpf_timer", func(f *fake) { f.features[loader.FeatureTimer] = true }, "kernel", Warn, "deadlines are kept by the process", "or later"},
	{"no bpf_loop", func(f *fake) { f.features[loader.FeatureLoop] = true }, "kernel", Warn, "no advert clock", "or later"},
	{"no ring buffer", func(f *fake) { f.features[loader.FeatureRing] = true }, "kernel", Warn, "packet socket", "or later"},
	{"no tcx, no cls_bpf", func(f *fake) {
		f.features[loader.FeatureTCX] = true
		f.files["/lib/modules/6.18.4-test/modules.dep"] = "kernel/drivers/net/veth.ko:\n"
	}, "kernel", Warn, "cls_bpf and sch_ingress", "6.6"},
	{"no tbf", func(f *fake) { f.files["/lib/modules/6.18.4-test/modules.builtin"] = "" }, "kernel", Warn, "no sch_tbf", "modules"},
	{"no jit", func(f *fake) { f.net("core/bpf_jit_enable", "0") }, "kernel", Warn, "interpreted", "bpf_jit_enable=1"},
	{"the advert clock failed", func(f *fake) {
		f.run(func(st *stats.Status, _ *stats.Router) {
			st.Pacer.Kernel, st.Pacer.KernelReason = false, "no tbf: ENOENT"
		})
	}, "kernel", Warn, "no tbf: ENOENT", "restart"},
	{"hpet", func(f *fake) { f.files["/sys/devices/system/clocksource/clocksource0/current_clocksource"] = "hpet\n" }, "clock", Warn, "hpet", "dmesg"},
	{"no CAP_NET_ADMIN", func(f *fake) { f.caps(capNetAdmin) }, "capabilities", Bad, "CAP_NET_ADMIN", "CapabilityBoundingSet"},
	{"no CAP_NET_RAW", func(f *fake) { f.caps(capNetRaw) }, "capabilities", Bad, "CAP_NET_RAW", "CapabilityBoundingSet"},
	{"no CAP_BPF", func(f *fake) { f.caps(capBPF, capSysAdmin) }, "capabilities", Warn, "CAP_BPF", "CapabilityBoundingSet"},
	{"no CAP_KILL", func(f *fake) { f.caps(capKill) }, "capabilities", Warn, "never ended", "CapabilityBoundingSet"},
	{"no CAP_IPC_LOCK, swap", func(f *fake) {
		f.caps(capIPCLock)
		f.files["/proc/swaps"] += "/dev/sdb partition 1 0 -3\n"
	}, "memory", Warn, "swapped out", "CAP_IPC_LOCK"},
	{"no room for maps", func(f *fake) { f.release = "5.10.0"; f.caps(capSysResource) }, "memory", Warn, "RLIMIT_MEMLOCK, which is 8388608", "LimitMEMLOCK=infinity"},
	{"the daemon could not lock", func(f *fake) { f.run(func(st *stats.Status, _ *stats.Router) { st.Pacer.Locked = false }) }, "memory", Warn, "memory_locked false", "LimitMEMLOCK"},
	{"no real-time", func(f *fake) { f.realtime = errors.New("SCHED_RR: operation not permitted") }, "realtime", Warn, "operation not permitted", "CAP_SYS_NICE"},
	{"no real-time share", func(f *fake) {
		f.realtime = errors.New("SCHED_RR: operation not permitted")
		f.files["/proc/sys/kernel/sched_rt_runtime_us"] = "0\n"
	}, "realtime", Warn, "late", "sched_rt_runtime_us=950000"},
	{"starved", func(f *fake) {
		f.run(func(st *stats.Status, _ *stats.Router) { st.Pacer.Starved, st.Pacer.Scheduling = 3, "SCHED_OTHER" })
	}, "realtime", Warn, "3 times", "rtprio"},
	{"an alarm", func(f *fake) {
		f.run(func(_ *stats.Status, r *stats.Router) {
			r.AlarmList = []stats.Alarm{{Kind: "address_conflict", Text: "02:00 claims 10.0.0.3", Since: time.Unix(0, 0)}}
		})
	}, "daemon", Bad, "02:00 claims 10.0.0.3", "split-brain.md"},
	{"the daemon hangs", func(f *fake) { f.stErr = errors.New("context deadline exceeded") }, "daemon", Warn, "does not answer", "systemctl"},
	{"keepalived too", func(f *fake) { f.links["/proc/77/ns/net"] = "net:[1]" }, "daemon", Warn, "keepalived runs on this host", "disable"},
	{"a refused reload", func(f *fake) {
		f.run(func(st *stats.Status, _ *stats.Router) { st.Reload = &stats.Reload{Error: "f:3:1: error: nonsense"} })
	}, "daemon", Warn, "nonsense", "check -f"},
	{"no interface", func(f *fake) { f.ifaces = f.ifaces[:1]; f.silence() }, "link", Bad, "no interface eth0", "correct the name"},
	{"the interface is down", func(f *fake) { f.iface("eth0").Up = false }, "link", Bad, "eth0 is down", "ip link set eth0 up"},
	{"no carrier", func(f *fake) { f.iface("eth0").Carrier = false }, "link", Bad, "no carrier", "cable"},
	{"no multicast", func(f *fake) { f.iface("eth0").Multicast = false }, "link", Bad, "takes no multicast", "multicast on"},
	{"no ARP", func(f *fake) { f.iface("eth0").NoARP = true }, "link", Bad, "nobody finds", "arp on"},
	{"no address", func(f *fake) { f.iface("eth0").Addresses = addresses("10.0.0.3/24") }, "link", Bad, "no IPv4 address", "give it an address"},
	{"a port of a bridge", func(f *fake) {
		f.ifaces = append(f.ifaces, Link{Index: 4, Name: "br0", Kind: "bridge", Up: true, Carrier: true, Bridge: &Bridge{}})
		f.iface("eth0").Master, f.iface("eth0").MasterKind = 4, "bridge"
	}, "link", Bad, "part of the bridge br0", "interface br0"},
	{"a heartbeat line is down", func(f *fake) {
		f.conf = with(cleanConf, "heartbeat {\n\t\tinterface eth1\n\t}")
		f.iface("eth1").Carrier = false
	}, "link", Warn, "heartbeat line by eth1 is lost", "cable"},
	{"a source that is nowhere", func(f *fake) { f.conf = with(cleanConf, "mcast_src_ip 10.0.0.7") }, "link", Warn, "does not have", "mcast_src_ip"},
	{"another XDP program", func(f *fake) {
		f.xdp.Program = &loader.ForeignError{Ifindex: 2, Name: "lb_main", ID: 7, Mode: loader.Native, Holders: []string{"katran (pid 9)"}}
	}, "xdp", Warn, "katran (pid 9)", "ip link set dev eth0 xdp off"},
	{"no XDP though it runs", func(f *fake) {
		f.run(func(st *stats.Status, _ *stats.Router) {
			st.Interfaces[0].XDP, st.Interfaces[0].XDPNote = "off", "no BPF: EPERM"
		})
	}, "xdp", Warn, "no BPF: EPERM", "capabilities"},
	{"snooping without querier, IPv6", func(f *fake) { f.onBridge(sixConf, Bridge{Snooping: true}, false) }, "bridge", Warn, "ff02::12", "mcast_querier 1"},
	{"snooping without querier, another group", func(f *fake) { f.onBridge(with(cleanConf, "mcast_dst_ip 239.1.1.1"), Bridge{Snooping: true}, false) }, "bridge", Warn, "239.1.1.1", "mcast_snooping 0"},
	{"no flooding", func(f *fake) { f.onBridge(cleanConf, Bridge{Snooping: true, Heard: true}, true) }, "bridge", Bad, "does not flood multicast to eth0", "mcast_flood on"},
	{"strict rp_filter, two interfaces", func(f *fake) {
		f.net("ipv4/conf/all/rp_filter", "1")
		f.net("ipv4/conf/eth0/rp_filter", "0")
		f.net("ipv4/conf/all/arp_ignore", "1")
		f.iface("eth1").Addresses = addresses("10.0.0.200/24")
	}, "rp_filter", Warn, "eth1 has the same subnet", "rp_filter=2"},
	{"arp_ignore 8", func(f *fake) { f.net("ipv4/conf/all/arp_ignore", "8") }, "arp", Bad, "answers no ARP", "arp_ignore=1"},
	{"arp_ignore 2 and no prefix", func(f *fake) {
		f.net("ipv4/conf/eth0/arp_ignore", "2")
		f.conf = strings.Replace(cleanConf, "10.0.0.4/24", "10.0.0.4", 1)
	}, "arp", Bad, "10.0.0.4/32", "length of the subnet"},
	{"ARP by two interfaces", func(f *fake) { f.iface("eth1").Addresses = addresses("10.0.0.200/24") }, "arp", Warn, "wrong interface", "arp_ignore=1"},
	{"proxy_arp_pvlan", func(f *fake) { f.net("ipv4/conf/eth0/proxy_arp_pvlan", "1") }, "arp", Bad, "every address", "proxy_arp_pvlan=0"},
	{"ip_nonlocal_bind 0", func(f *fake) { f.net("ipv4/ip_nonlocal_bind", "0") }, "nonlocal_bind", Note, "10.0.0.3", "ip_nonlocal_bind=1"},
	{"secondaries", func(f *fake) {
		second := strings.NewReplacer("VI_1", "VI_2", "51", "53", "10.0.0.3", "10.7.0.5", "10.0.0.4", "10.7.0.6")
		f.conf = second.Replace(cleanConf) + strings.NewReplacer("VI_2", "VI_3", "53", "54", "7.0.5", "7.0.7", "7.0.6", "7.0.8").Replace(second.Replace(cleanConf))
		f.net("ipv4/conf/all/promote_secondaries", "0")
		f.net("ipv4/conf/eth0/promote_secondaries", "0")
	}, "secondaries", Warn, "10.7.0.0/24", "promote_secondaries=1"},
	{"IPv6 disabled", func(f *fake) { f.conf = sixConf; f.net("ipv6/conf/eth0/disable_ipv6", "1") }, "ipv6", Bad, "disabled", "disable_ipv6=0"},
	{"no IPv6", func(f *fake) { f.conf = sixConf; delete(f.files, "/proc/sys/net/ipv6/conf/eth0/disable_ipv6") }, "ipv6", Bad, "no IPv6", "ipv6.disable"},
	{"no link-local address", func(f *fake) {
		f.conf = sixConf
		f.iface("eth0").Addresses = addresses("10.0.0.1/24", "2001:db8::1/64")
	}, "ipv6", Bad, "no link-local", "addrgenmode"},
	{"a duplicate link-local address", func(f *fake) {
		f.conf = sixConf
		f.iface("eth0").Addresses = []Address{{Prefix: netip.MustParsePrefix("fe80::1/64"), Duplicate: true}}
	}, "ipv6", Bad, "another host has fe80::1/64", "remove one"},
	{"accept_dad 2", func(f *fake) { f.conf = sixConf; f.net("ipv6/conf/all/accept_dad", "2") }, "ipv6", Warn, "all.accept_dad = 2", "accept_dad=1"},
}

// caps takes capabilities away.
func (f *fake) caps(bits ...int) {
	all := uint64(1<<41 - 1)
	for _, b := range bits {
		all &^= 1 << b
	}
	f.files["/proc/self/status"] = "Uid:\t0\t0\t0\t0\nCapEff:\t" + fmt.Sprintf("%016x", all) + "\n"
}

// onBridge puts the router on a bridge of which eth0 is the one port.
func (f *fake) onBridge(conf string, b Bridge, noFlood bool) {
	f.conf = strings.Replace(conf, "eth0", "br0", 1)
	f.ifaces = append(f.ifaces, Link{Index: 4, Name: "br0", Kind: "bridge", MTU: 1500, MAC: ourMAC, Up: true, Carrier: true, Multicast: true,
		Addresses: addresses("10.0.0.1/24", "fe80::1/64"), Bridge: &b})
	*f.iface("eth0") = Link{Index: 2, Name: "eth0", MAC: ourMAC, Up: true, Carrier: true, Multicast: true, Master: 4, MasterKind: "bridge", Port: &Port{NoMulticastFlood: noFlood}}
	f.silence()
}
