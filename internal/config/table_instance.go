package config

import "time"

var instanceTable = table{
	"state":             text((*interpreter).setState),
	"interface":         text((*interpreter).setInterface),
	"virtual_router_id": number(1, 255, func(in *interpreter, n int) { in.cur.VRID = uint8(n) }),
	"priority":          number(1, 255, func(in *interpreter, n int) { in.cur.Priority = uint8(n) }),
	// Which of these the version can carry is for resolve to say.
	"advert_int":        seconds(minInterval, maxIntervalV2, func(in *interpreter, d time.Duration) { in.cur.AdvertInterval = d }),
	"version":           number(2, 3, func(in *interpreter, n int) { in.cur.Version = uint8(n) }),
	"mcast_src_ip":      text(func(in *interpreter, w word) { in.setAddr(&in.cur.Source, w) }),
	"mcast_dst_ip":      text(func(in *interpreter, w word) { in.setAnyAddr(&in.cur.Group, w) }),
	"authentication":    block(blockShape, "authentication", nil),
	"virtual_ipaddress": lines((*interpreter).setAddresses),
	// Not in the advert, for which the first list may be too long.
	"virtual_ipaddress_excluded": lines((*interpreter).setAddresses),
	"no_virtual_ipaddress":       noValue(func(in *interpreter) { in.cur.NoAddresses = true }),
	"nopreempt":                  noValue(func(in *interpreter) { in.cur.Preempt = false }),
	"preempt":                    noValue(func(in *interpreter) { in.cur.Preempt = true }),
	"timer_expired_backup":       {shape: optionShape, set: (*interpreter).setExpiredBackup},
	"thread_timer_expired":       {shape: optionShape, set: (*interpreter).setExpiredBackup}, // its name in keepalived's release notes
	"preempt_delay":              seconds(0, maxDelay, func(in *interpreter, d time.Duration) { in.cur.PreemptDelay = d }),
	"accept":                     noValue(func(in *interpreter) { in.cur.Accept = true }), // resolveAccept looks whether they were given
	"no_accept":                  noValue(func(in *interpreter) { in.cur.Accept = false }),
	"native_ipv6":                noValue(func(*interpreter) {}), // resolveFamily looks whether it was given
	"skip_check_adv_addr":        boolean(func(in *interpreter, on bool) { in.cur.SkipCheckAdvAddr = on }),
	"strict_mode":                boolean(func(in *interpreter, on bool) { in.cur.Strict = on }),
	"v3_checksum_as_v2":          boolean(func(in *interpreter, on bool) { in.cur.ChecksumPlain = on }),
	"owner_ignore_adverts":       boolean(func(in *interpreter, on bool) { in.cur.OwnerIgnores = on }),
	"higher_prio_send_advert":    boolean(func(in *interpreter, on bool) { in.cur.HigherPriorityAdvert = on }),
	"garp_lower_prio_delay": wholeSeconds(0, maxGARPDelay, func(in *interpreter, d time.Duration) {
		in.cur.GARP.LowerDelay = d
	}),
	"garp_lower_prio_repeat": number(0, maxGARPRepeat, func(in *interpreter, n int) { in.cur.GARP.LowerRepeat = n }),
	"lower_prio_no_advert": boolean(func(in *interpreter, on bool) {
		in.cur.LowerPriorityAdvert = !on
	}),
	"down_timer_adverts": number(1, maxDownAdverts, func(in *interpreter, n int) { in.cur.DownAdverts = n }),
	"garp_master_delay": wholeSeconds(0, maxGARPDelay, func(in *interpreter, d time.Duration) {
		in.cur.GARP.MasterDelay = d
	}),
	"garp_master_repeat": number(1, maxGARPRepeat, func(in *interpreter, n int) { in.cur.GARP.MasterRepeat = n }),
	"garp_master_refresh": wholeSeconds(0, maxGARPDelay, func(in *interpreter, d time.Duration) {
		in.cur.GARP.Refresh = d
	}),
	"garp_master_refresh_repeat": number(1, maxGARPRepeat, func(in *interpreter, n int) { in.cur.GARP.RefreshRepeat = n }),
	"garp_extra_if":              pair((*interpreter).setExtraOfRouter),
	"vmac_garp_intvl":            pair((*interpreter).setExtraOfRouter), // its old name
	"smtp_alert":                 mailSwitch,

	"debug":                     ignored(aboutProcess),
	"kernel_rx_buf_size":        ignored(aboutProcess),
	"lvs_sync_daemon_interface": ignored(aboutLVS),

	"auth_hmac":                  laterBlock("use authentication with auth_type PASS and version 2, or none", "auth_hmac"),
	"virtual_routes":             laterBlock("remove it, and keep keepalived where routes must move with the address", freeLines),
	"virtual_rules":              laterBlock("remove it, and keep keepalived where rules must move with the address", freeLines),
	"promote_secondaries":        later("sysctl net.ipv4.conf.INTERFACE.promote_secondaries=1 does the same"),
	"dont_track_primary":         later("remove it: vrrpx gives the addresses up when the interface goes down"),
	"track_interface":            laterBlock("remove it: only the router's own interface is tracked", freeLines),
	"track_script":               laterBlock("remove it, and keep keepalived where a script decides", freeLines),
	"track_file":                 laterBlock("remove it, and keep keepalived where a file decides", freeLines),
	"track_process":              laterBlock("remove it, and keep keepalived where a process decides", freeLines),
	"track_bfd":                  laterBlock("remove it, and keep keepalived where BFD decides", freeLines),
	"track_src_ip":               later("remove it"),
	"unicast_src_ip":             later("use multicast: remove unicast_src_ip and unicast_peer on every host"),
	"unicast_peer":               laterBlock("use multicast: remove unicast_src_ip and unicast_peer on every host", freeLines),
	"unicast_fault_no_peer":      later("use multicast: remove the unicast keywords on every host"),
	"unicast_ttl":                later("use multicast: remove the unicast keywords on every host"),
	"check_unicast_src":          later("use multicast: remove the unicast keywords on every host"),
	"old_unicast_checksum":       later("use multicast: remove the unicast keywords on every host"),
	"use_vmac":                   later("remove it: the addresses move with the interface's own MAC and gratuitous ARP"),
	"use_vmac_addr":              later("remove it: the addresses move with the interface's own MAC and gratuitous ARP"),
	"vmac_xmit_base":             later("remove it: use_vmac is not supported yet either"),
	"use_ipvlan":                 later("remove it"),
	"vrf":                        later("remove it"),
	"linkbeat_use_polling":       later("remove it: vrrpx takes the state of a link from the kernel"),
	"notify":                     later("remove it; vrrpx status --json has the state of each router"),
	"notify_master":              later("remove it; vrrpx status --json has the state of each router"),
	"notify_backup":              later("remove it; vrrpx status --json has the state of each router"),
	"notify_fault":               later("remove it; vrrpx status --json has the state of each router"),
	"notify_stop":                later("remove it; ExecStopPost= of the systemd unit runs at the end"),
	"notify_deleted":             later("remove it"),
	"notify_master_rx_lower_pri": later("remove it"),
	"notify_priority_changes":    later("remove it", "off", "false", "no"),
}

var authTable = table{
	"auth_type": text(func(in *interpreter, w word) { in.cur.authType = w }),
	"auth_pass": text(func(in *interpreter, w word) { in.cur.authPass = w }),
}
