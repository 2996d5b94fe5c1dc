package config

import "time"

var instanceTable = table{
	"state":             text((*interpreter).setState),
	"interface":         text((*interpreter).setInterface),
	"virtual_router_id": number(1, 255, func(in *interpreter, n int) { in.cur.VRID = uint8(n) }),
	"priority":          number(1, 255, func(in *interpreter, n int) { in.cur.Priority = uint8(n) }),
	// Which of these the version can carry is for resolve to say.
	"advert_int":     seconds(minInterval, maxIntervalV2, func(in *interpreter, d time.Duration) { in.cur.AdvertInterval = d }),
	"version":        number(2, 3, func(in *interpreter, n int) { in.cur.Version = uint8(n) }),
	"mcast_src_ip":   text(func(in *interpreter, w word) { in.setAddr(&in.cur.Source, w); in.cur.SourcePos = w.pos }),
	"mcast_dst_ip":   text(func(in *interpreter, w word) { in.setAnyAddr(&in.cur.Group, w) }),
	"unicast_src_ip": text((*interpreter).setUnicastSource),
	"unicast_peer":   lines((*interpreter).setPeers),
	"unicast_ttl":    number(0, 255, func(in *interpreter, n int) { in.cur.UnicastTTL = uint8(n) }),
	// keepalived takes check_unicast_src no for yes.
	"check_unicast_src":     boolean(func(in *interpreter, on bool) { in.cur.CheckSource = on }),
	"old_unicast_checksum":  keyword{shape: optionShape, set: (*interpreter).setOldChecksum},
	"unicast_fault_no_peer": noValue(func(in *interpreter) { in.cur.NoPeerFault = true }),
	"track_src_ip":          noValue(func(in *interpreter) { in.cur.TrackSource = true }),
	"vrrpx_lease":           seconds(0, maxLease, func(in *interpreter, d time.Duration) { in.cur.Lease = d }), // vrrpx's own, as the next
	"vrrpx_pacer":           choice(func(in *interpreter, i int) { in.cur.Pacer = PacerChoice(i) }, pacerNames...),
	"vrrpx_kernel_takeover": keyword{shape: flagShape, set: (*interpreter).setTakeover},
	"heartbeat":             block(mayNameShape, "heartbeat", (*interpreter).openHeartbeat),
	"authentication":        block(blockShape, "authentication", nil),
	"auth_hmac":             block(blockShape, "auth_hmac", (*interpreter).openHMAC),
	"split_brain":           block(blockShape, "split_brain", (*interpreter).openSplitBrain), // vrrpx's own
	"virtual_ipaddress":     lines((*interpreter).setAddresses),
	// Not in the advert, for which the first list may be too long.
	"virtual_ipaddress_excluded": lines((*interpreter).setAddresses),
	"virtual_routes":             lines((*interpreter).setRoutes),
	"virtual_rules":              lines((*interpreter).setRules),
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
	"use_vmac":                   {set: (*interpreter).setVMAC},
	"use_vmac_addr":              noValue(func(in *interpreter) { in.cur.vmac.addr = true }),
	"vmac_xmit_base":             noValue(func(in *interpreter) { in.cur.XmitBase = true }),
	"garp_extra_if":              pair((*interpreter).setExtraOfRouter),
	"vmac_garp_intvl":            pair((*interpreter).setExtraOfRouter), // its old name
	"smtp_alert":                 boolean(func(in *interpreter, on bool) { in.cur.SMTPAlert = on }),

	"dont_track_primary": noValue(func(in *interpreter) { in.cur.UntrackedOwn = true }),
	"track_script":       lines(func(in *interpreter, s *statement) { in.tracks(&in.cur.Scripts, s) }),
	"track_file":         lines(func(in *interpreter, s *statement) { in.tracksTo(&in.cur.Files, s, maxFileWeight) }),
	"track_process":      lines(func(in *interpreter, s *statement) { in.tracksTo(&in.cur.Processes, s, maxFileWeight) }),
	"track_interface":    lines(func(in *interpreter, s *statement) { in.tracks(&in.cur.Interfaces, s) }),

	"notify":                     told(func(n *Notify) *Command { return &n.Any }),
	"notify_master":              told(func(n *Notify) *Command { return &n.Master }),
	"notify_backup":              told(func(n *Notify) *Command { return &n.Backup }),
	"notify_fault":               told(func(n *Notify) *Command { return &n.Fault }),
	"notify_stop":                told(func(n *Notify) *Command { return &n.Stop }),
	"notify_alarm":               told(func(n *Notify) *Command { return &n.Alarm }), // vrrpx's own
	"notify_deleted":             {shape: maybeCommandShape, set: (*interpreter).setNotifyDeleted},
	"notify_master_rx_lower_pri": told(func(n *Notify) *Command { return &n.MasterHearsLower }),
	"notify_priority_changes":    boolean(func(in *interpreter, on bool) { in.cur.NotifyPriorityChanges = on }),

	"debug":                     ignored(aboutProcess),
	"kernel_rx_buf_size":        ignored(aboutProcess),
	"lvs_sync_daemon_interface": ignored(aboutLVS),

	"promote_secondaries":  later("sysctl net.ipv4.conf.INTERFACE.promote_secondaries=1 does the same"),
	"track_bfd":            laterBlock("remove it, and keep keepalived where BFD decides", freeLines),
	"use_ipvlan":           later("remove it"),
	"vrf":                  later("remove it"),
	"linkbeat_use_polling": later("remove it: vrrpx takes the state of a link from the kernel"),
}

var authTable = table{
	"auth_type": text(func(in *interpreter, w word) { in.cur.authType = w }),
	"auth_pass": text(func(in *interpreter, w word) { in.cur.authPass = w }),
}
