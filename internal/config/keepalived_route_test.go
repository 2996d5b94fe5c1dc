package config

const (
	refusedByKernel = "the kernel refuses it, and so do we before it is asked"
	laterThan227    = "2.2.7 does not read what its manual describes"
	cannotTrack     = "keepalived cannot tell of a route without a device whether it is there; we can"
	noTable         = "there is no such table; keepalived takes the number modulo 2^32"
	namesLater      = "the order of the file does not matter"
)

// routeComparisons are lines of static and virtual routes, rules and addresses.
func routeComparisons() (all []comparison) {
	const via = "10.1.0.0/16 via 10.0.0.2 dev eth0 "
	for _, c := range []comparison{
		{via, ""}, {"to " + via, ""}, {"10.1.0.0/16 via 10.0.0.2", cannotTrack}, {"10.1.0.0/16 via 10.0.0.2 no_track", ""},
		{"10.1.0.0/16 oif eth0", ""}, {"10.1.0.0/16 dev", ""}, {"10.1.0.0/16", cannotTrack}, {"dev eth0", ""}, {"default dev eth0", ""},
		{"any dev eth0", ""}, {"all dev eth0", ""}, {"default6 dev eth0", ""}, {"inet6 to default dev eth0", laterThan227}, {"inet6 default dev eth0", laterThan227},
		{"inet to default dev eth0", laterThan227}, {"10.1.0.0/33 dev eth0", ""}, {"10.1.0/16 dev eth0", ""}, {"foo dev eth0", ""}, {"10.1.0.5/16 dev eth0", ""},
		{"2001:db8::/32 via fe80::1 dev eth0", ""}, {"2001:db8::/32 via 10.0.0.2 dev eth0", ""}, {via + "src 10.0.0.3", ""}, {via + "src fe80::1", ""},
		{via + "src 10.0.0.0/24", ""}, {"10.1.0.0/16 gw 10.0.0.2 dev eth0", corrected}, {"10.1.0.0/16 via 10.0.0.2 or 10.0.0.4 dev eth0", corrected},
		{"10.1.0.0/16 via inet 10.0.0.2 dev eth0", ""}, {"10.1.0.0/16 via inet6 fe80::2 dev eth0", ""}, {via + "as to 10.0.0.9", ""},
		{"from 2001:db9::/32 2001:db8::/32 dev eth0", ""}, {"from 10.2.0.0/16 " + via, ""}, {via + "tos 0x10", ""}, {via + "tos 300", ""}, {via + "tos foo", ""},
		{via + "table 100", ""}, {via + "table 0x64", ""}, {via + "table main", ""}, {via + "table nowhere", ""}, {via + "table -1", noTable}, {via + "table 4294967296", noTable},
		{via + "protocol keepalived", ""}, {via + "protocol 18", ""}, {via + "protocol bird", corrected}, {via + "no_track protocol bird", ""}, {via + "protocol 300", ""},
		{via + "scope link", ""}, {via + "scope 300", ""}, {via + "scope planet", ""}, {via + "metric 5", ""}, {via + "priority 5", ""}, {via + "preference 5", ""},
		{via + "metric 0x5", ""}, {via + "metric -5", ""}, {via + "metric 4294967296", ""}, {via + "onlink", ""}, {via + "expires 5", ""}, {"2001:db8::/32 dev eth0 expires 5", ""},
		{via + "mtu 1400", ""}, {via + "mtu lock 1400", ""}, {via + "mtu big", ""}, {via + "hoplimit 64", ""}, {via + "hoplimit 256", ""}, {via + "hoplimit lock 64", ""},
		{via + "advmss lock 1000 rtt 300ms rttvar 1s reordering 5 window 9 cwnd lock 7 ssthresh 8", ""}, {via + "window lock 9", ""},
		{via + "rtt 2s", ""}, {via + "rtt 2 s", ""}, {via + "rtt 200s", ""}, {via + "rtt 1.5s", ""}, {via + "rtt x", ""}, {via + "rtt 10ms", ""}, {via + "rto_min 300", ""}, {via + "rto_min lock 300ms", ""},
		{via + "realms 5", ""}, {via + "realms 5/6", ""}, {via + "realms 256", ""}, {via + "realms foo", ""}, {"2001:db8::/32 dev eth0 realms 5", ""},
		{via + "initcwnd 10 initrwnd 10 quickack 1 fastopen_no_cookie 1", ""}, {via + "quickack 2", ""}, {via + "features ecn", ""}, {via + "features foo", ""},
		{via + "congctl reno", ""}, {via + "congctl lock reno", ""}, {"2001:db8::/32 dev eth0 pref high", ""}, {"2001:db8::/32 dev eth0 pref 5", ""}, {"2001:db8::/32 dev eth0 pref most", ""},
		{via + "pref high", ""}, {via + "ttl-propagate enabled", ""}, {via + "ttl-propagate foo", ""}, {via + "add", ""}, {via + "append", ""}, {via + "prepend", ""},
		{"blackhole 10.1.0.0/16 dev eth0", ""}, {"unreachable 10.1.0.0/16 no_track", ""}, {"blackhole 10.1.0.0/16", cannotTrack}, {"brd 10.1.0.0/16 dev eth0", ""}, {"planet 10.1.0.0/16 dev eth0", ""},
		{"no_track 10.1.0.0/16 nexthop via 10.0.0.2 weight 2 nexthop via 10.0.0.4 dev eth0 onlink", ""}, {"10.1.0.0/16 nexthop via 10.0.0.2", cannotTrack},
		{"no_track 10.1.0.0/16 nexthop via 10.0.0.2 weight 0", ""}, {"no_track 10.1.0.0/16 nexthop via 10.0.0.2 weight 257", ""}, {"no_track 10.1.0.0/16 nexthop via foo", ""},
		{"no_track 10.1.0.0/16 nexthop via 10.0.0.2 metric 5", ""}, {"no_track 10.1.0.0/16 nexthop", refusedByKernel}, {"no_track 10.1.0.0/16 nexthop via fe80::1 dev eth0", ""},
		{via + "encap ip id 5 dst 10.0.0.9", absent}, {via + "vrf blue", ""}, {via + "nonsense", ""}, {via + "track_group G", ""}, {via + "no_track", ""},
		{via + "\n" + via, ""},
	} {
		all = append(all, comparison{virtualRoutes(c.text), c.differs})
	}
	const table = "table 100 preference 50 "
	for _, c := range []comparison{
		{table, ""}, {"from 10.1.0.0/16 " + table, ""}, {"to 10.1.0.0/16 " + table, ""}, {"from all to default " + table, ""}, {"from 10.1.0.0./16 " + table, ""},
		{"from 10.1.0.0/16 to fe80::1 " + table, ""}, {"from 10.1.0.0/16 table 100", corrected}, {"from 10.1.0.0/16 preference 50", ""}, {"lookup main order 5", ""},
		{"table 0 preference 5", ""}, {"table nowhere preference 5", ""}, {"table main priority 0x32", ""}, {"table main pref 5", ""}, {"table main preference -5", ""},
		{"not " + table, ""}, {table + "tos 0x10", ""}, {table + "fwmark 5", ""}, {table + "fwmark 0x5/0xff", ""}, {table + "fwmark 5/x", ""}, {table + "fwmark -5", ""},
		{table + "realms 5/6", ""}, {"from fe80::1 " + table + "realms 5", ""}, {table + "sup_pl 0", ""}, {table + "suppress_prefixlength 0 suppress_ifgroup 5", ""}, {table + "sup_group foo", ""},
		{table + "iif eth0", ""}, {table + "dev eth0 oif eth1", ""}, {table + "iif", ""}, {table + "tunnel-id 5", ""}, {table + "tunnel-id x", ""},
		{table + "uidrange 5-10", ""}, {table + "uidrange 5", ""}, {"l3mdev preference 5", ""}, {"l3mdev " + table, ""}, {table + "protocol 18", ""}, {table + "protocol 4", corrected},
		{table + "protocol 4 no_track", ""}, {table + "protocol 256", ""}, {table + "protocol bird", ""}, {table + "ipproto tcp", ""}, {table + "ipproto 6", ""}, {table + "ipproto foo", ""}, {table + "ipproto 200", ""},
		{table + "sport 10-20", ""}, {table + "dport 10-20", ""}, {table + "sport 10", "one port is a range, as for ip rule"}, {table + "dport x", ""}, {table + "sport 20-10", refusedByKernel},
		{"goto 100 preference 5", ""}, {"goto 5 preference 5", ""}, {"goto 100", ""}, {"nop preference 5", ""}, {"type nop preference 5", ""}, {"blackhole preference 5", ""},
		{"prohibit preference 5", ""}, {"throw preference 5", ""}, {"blackhole nop preference 5", ""}, {"nop preference 5 sup_pl 0", ""}, {table + "nonsense", ""}, {table + "track_group G", ""},
		{"inet6 iif eth0 " + table, laterThan227 + ": it leaves out iif"},
	} {
		all = append(all, comparison{virtualRules(c.text), c.differs})
	}
	const group = "track_group G {\ngroup {\nVI_1\n}\n}\n"
	return append(all, []comparison{
		{static("routes", via), ""},
		{static("routes", ""), ""},
		{group + static("routes", via+"track_group G"), ""},
		{static("routes", via+"track_group G"), ""},
		{static("routes", via+"track_group G") + group, namesLater},
		{group + static("routes", "10.1.0.0/16 via 10.0.0.2 no_track track_group G"), ""},
		{group + static("rules", table+"iif eth0 track_group G"), ""},
		{group + static("rules", table+"track_group G"), ""},
		{static("rules", table), ""},
		{static("ipaddress", "10.1.0.1/24 dev eth1"), ""},
		{static("ipaddress", "10.1.0.1/24"), ""},
		{static("ipaddress", "10.1.0.1/24 dev eth1 track_group G"), ""},
		{group + static("ipaddress", "10.1.0.1/24 dev eth1 track_group G"), ""},
		{static("ipaddress", "10.1.0.1/24 use_vmac"), ""},
		{static("ipaddress", "10.1.0.1/24 no_track"), ""},
		{static("ipaddress", "foo"), ""},
		{group + group + minimal, ""},
		{"track_group {\ngroup {\nVI_1\n}\n}\n" + minimal, ""},
		{"track_group G {\n}\n" + minimal, ""},
		{"track_group G {\ngroup {\nVI_9\n}\n}\n" + minimal, ""},
		{globals("default_interface eth1"), ""},
	}...)
}
