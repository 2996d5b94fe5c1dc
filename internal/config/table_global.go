package config

import "time"

// What is ignored, and why that is no loss to VRRP. The keywords follow the
// sentence.
var (
	aboutLVS = &kind{"virtual servers and their checks (LVS) are not for vrrpx; skipped",
		"they stay with keepalived: run keepalived --check beside vrrpx", Notice}
	aboutProcess = &kind{"vrrpx arranges its own processes, scheduling and buffers; without effect", "", Notice}
	aboutFiles   = &kind{"vrrpx writes none of keepalived's working files; without effect", "", Notice}
	aboutSNMP    = &kind{"vrrpx has neither SNMP nor D-Bus; without effect", "vrrpx status --json has the same figures", Notice}
	aboutFilter  = &kind{"vrrpx adds no firewall rules; without effect", "", Notice}
	aboutScripts = &kind{"this version runs no scripts; without effect", "", Notice}
	aboutLogging = &kind{"vrrpx counts such adverts in any case; without effect", "", Notice}
	aboutInclude = &kind{"only the letters of include say what must exist; without effect", "write includea for include", Notice}
	aboutUnused  = &kind{"nothing that this version has makes use of these; without effect", "", Notice}
)

// blocks has the table of each block, "" for the top level.
var blocks = map[string]table{
	"":                   rootTable,
	"global_defs":        globalTable,
	"vrrp_instance":      instanceTable,
	"authentication":     authTable,
	"auth_hmac":          hmacTable,
	"split_brain":        splitTable,
	"vrrp_sync_group":    groupTable,
	"heartbeat":          heartbeatTable,
	"vrrp_script":        scriptTable,
	"vrrp_track_process": processTable,
	"track_file":         trackFileTable,
	"track_group":        trackGroupTable,
	"garp_group":         garpGroupTable,
	"bfd_instance":       bfdTable,
	"virtual_server":     lvsTable,
	"SSL":                sslTable,
}

var rootTable = table{
	"global_defs":   block(blockShape, "global_defs", nil),
	"vrrp_instance": block(namedShape, "vrrp_instance", (*interpreter).newRouter),
	"vrrp_script":   block(namedShape, "vrrp_script", (*interpreter).newScript),

	"vrrp_sync_group":  block(namedShape, "vrrp_sync_group", (*interpreter).newGroup),
	"static_ipaddress": lines((*interpreter).setStaticAddresses),
	"static_routes":    lines((*interpreter).setRoutes),
	"static_rules":     lines((*interpreter).setRules),
	"track_group":      block(namedShape, "track_group", (*interpreter).openTrackGroup),

	"track_file":         block(namedShape, "track_file", (*interpreter).newTrackFile),
	"vrrp_track_file":    block(namedShape, "track_file", (*interpreter).newTrackFile), // its old name
	"vrrp_track_process": block(namedShape, "vrrp_track_process", (*interpreter).newProcess),

	"virtual_server":       ignoredBlock(aboutLVS, "virtual_server"),
	"virtual_server_group": ignoredBlock(aboutLVS, freeLines),
	"SSL":                  ignoredBlock(aboutLVS, "SSL"),
	"net_namespace_ipvs":   ignored(aboutLVS),
	"child_wait_time":      ignored(aboutProcess),
	"instance":             text(func(in *interpreter, w word) { in.setFileName(&in.global.Instance, w) }),
	"use_pid_dir":          noValue(func(in *interpreter) { in.global.PIDDir = true }),
	"net_namespace":        text(func(in *interpreter, w word) { in.setFileName(&in.global.Namespace, w) }),

	"namespace_with_ipsets": ignored(aboutFilter),

	"bfd_instance":             laterBlock("remove it and the track_bfd that uses it", "bfd_instance"),
	"garp_group":               laterBlock("use vrrp_garp_interval in global_defs", "garp_group"),
	"linkbeat_use_polling":     later("remove it: vrrpx takes the state of a link from the kernel"),
	"linkbeat_interfaces":      laterBlock("remove it: vrrpx takes the state of a link from the kernel", freeLines),
	"interface_up_down_delays": laterBlock("remove it: a link that goes down is acted on at once", freeLines),
}

var globalTable = table{
	"router_id":               text(func(in *interpreter, w word) { in.global.RouterID = w.text }),
	"notification_email":      lines((*interpreter).setEmail),
	"notification_email_from": text((*interpreter).setEmailFrom),
	"smtp_server":             {shape: pairShape, set: (*interpreter).setSMTPServer},
	"smtp_connect_timeout":    wholeSeconds(time.Second, 4294*time.Second, func(in *interpreter, d time.Duration) { in.global.Mail.Timeout = d }),
	"smtp_helo_name":          text((*interpreter).setHELO),
	"smtp_alert":              boolean(func(in *interpreter, on bool) { in.global.Mail.alert = &on }),
	"smtp_alert_vrrp":         boolean(func(in *interpreter, on bool) { in.global.Mail.alertVRRP = &on }),
	"no_email_faults":         noValue(func(in *interpreter) { in.global.Mail.NoFaults = true }),
	// Ours.
	"smtp_tls":                 choice(func(in *interpreter, i int) { in.global.Mail.TLS = MailTLS(i) }, "off", "starttls", "implicit"),
	"smtp_tls_ca_file":         text(func(in *interpreter, w word) { in.global.Mail.ca = w }),
	"smtp_auth_user":           text(func(in *interpreter, w word) { in.global.Mail.User = w.text }),
	"smtp_auth_password_file":  text(func(in *interpreter, w word) { in.global.Mail.password = w }),
	"vrrp_version":             number(2, 3, func(in *interpreter, n int) { in.global.Version = uint8(n) }),
	"vrrp_strict":              boolean(func(in *interpreter, on bool) { in.global.Strict = on }),
	"vrrp_skip_check_adv_addr": boolean(func(in *interpreter, on bool) { in.global.SkipCheckAdvAddr = on }),
	"vrrp_lower_prio_no_advert": boolean(func(in *interpreter, on bool) {
		in.global.LowerPriorityAdvert = !on
	}),
	"vrrp_owner_ignore_adverts": boolean(func(in *interpreter, on bool) { in.global.OwnerIgnores = on }),
	"v3_checksum_as_v2":         boolean(func(in *interpreter, on bool) { in.global.ChecksumPlain = on }),
	"vrrp_down_timer_adverts": number(1, maxDownAdverts, func(in *interpreter, n int) {
		in.global.DownAdverts = n
	}),
	"vrrp_higher_prio_send_advert": boolean(func(in *interpreter, on bool) { in.global.HigherPriorityAdvert = on }),
	"vrrp_garp_lower_prio_delay": wholeSeconds(0, maxGARPDelay, func(in *interpreter, d time.Duration) {
		in.global.GARP.LowerDelay = d
	}),
	"vrrp_garp_lower_prio_repeat": number(0, maxGARPRepeat, func(in *interpreter, n int) {
		in.global.GARP.LowerRepeat = n
	}),
	"vrrp_startup_delay": seconds(minStartDelay, maxStartDelay, func(in *interpreter, d time.Duration) {
		in.global.StartupDelay = d
	}),
	"vrrp_delay_after_boot": seconds(minStartDelay, maxStartDelay, func(in *interpreter, d time.Duration) {
		in.global.DelayAfterBoot = d
	}),
	"vrrp_check_unicast_src": boolean(func(in *interpreter, on bool) { in.global.CheckSource = on }),
	"vrrp_garp_extra_if":     pair((*interpreter).setExtraOfAll),
	"vrrp_vmac_garp_intvl":   pair((*interpreter).setExtraOfAll), // its old name
	"vrrp_mcast_group6":      text((*interpreter).setGroup6),
	"vrrp_mcast_group4":      text(func(in *interpreter, w word) { in.setAddr(&in.global.Group, w) }),
	"vrrp_garp_master_delay": wholeSeconds(0, maxGARPDelay, func(in *interpreter, d time.Duration) {
		in.global.GARP.MasterDelay = d
	}),
	"vrrp_garp_master_repeat": number(1, maxGARPRepeat, func(in *interpreter, n int) {
		in.global.GARP.MasterRepeat = n
	}),
	"vrrp_garp_master_refresh": wholeSeconds(0, maxGARPDelay, func(in *interpreter, d time.Duration) {
		in.global.GARP.Refresh = d
	}),
	"vrrp_garp_master_refresh_repeat": number(1, maxGARPRepeat, func(in *interpreter, n int) {
		in.global.GARP.RefreshRepeat = n
	}),
	"notify_alarm":                     keyword{shape: commandShape, set: func(in *interpreter, s *statement) { in.setCommand(&in.global.NotifyAlarm, s) }}, // vrrpx's own
	"vrrpx_lease":                      seconds(0, maxLease, func(in *interpreter, d time.Duration) { in.global.Lease = d }),                                // likewise, as the next
	"vrrpx_pacer":                      choice(func(in *interpreter, i int) { in.global.Pacer = PacerChoice(i) }, pacerNames...),
	"vrrpx_metrics":                    text((*interpreter).setMetrics),
	"script_user":                      keyword{shape: pairShape, set: (*interpreter).setScriptUser},
	"enable_script_security":           noValue(func(in *interpreter) { in.global.ScriptSecurity = true }),
	"set_supplementary_groups":         noValue(func(in *interpreter) { in.global.SupplementaryGroups = true }),
	"vrrp_notify_priority_changes":     boolean(func(in *interpreter, on bool) { in.global.NotifyPriorityChanges = on }),
	"notify_fifo":                      {shape: commandShape, set: func(in *interpreter, s *statement) { in.setFIFO(&in.global.NotifyFIFO, s) }},
	"notify_fifo_script":               {shape: commandShape, set: func(in *interpreter, s *statement) { in.setCommand(&in.global.NotifyFIFO.Script, s) }},
	"vrrp_notify_fifo":                 {shape: commandShape, set: func(in *interpreter, s *statement) { in.setFIFO(&in.global.VRRPNotifyFIFO, s) }},
	"vrrp_notify_fifo_script":          {shape: commandShape, set: func(in *interpreter, s *statement) { in.setCommand(&in.global.VRRPNotifyFIFO.Script, s) }},
	"fifo_write_vrrp_states_on_reload": noValue(func(in *interpreter) { in.global.FIFOStatesOnReload = true }),
	// A path is run as it is written, symbolic links and all.
	"use_symlink_paths": boolean(func(*interpreter, bool) {}),
	"vrrp_min_garp":     boolean((*interpreter).setMinGARP),
	// keepalived refuses the 0 that its own sample and most tutorials have.
	"vrrp_garp_interval": seconds(0, maxGARPInterval, func(in *interpreter, d time.Duration) { in.global.GARP.Interval = d }),
	"vrrp_gna_interval":  seconds(0, maxGARPInterval, func(in *interpreter, d time.Duration) { in.global.GNAInterval = d }),

	"checker_log_all_failures":      ignored(aboutLVS),
	"smtp_alert_checker":            ignored(aboutLVS),
	"no_checker_emails":             ignored(aboutLVS),
	"rs_init_notifies":              ignored(aboutLVS),
	"lvs_timeouts":                  ignored(aboutLVS),
	"lvs_flush":                     ignored(aboutLVS),
	"lvs_flush_on_stop":             ignored(aboutLVS),
	"lvs_flush_onstop":              ignored(aboutLVS),
	"lvs_sync_daemon":               ignored(aboutLVS),
	"lvs_notify_fifo":               ignored(aboutLVS),
	"lvs_notify_fifo_script":        ignored(aboutLVS),
	"nftables_ipvs":                 ignored(aboutLVS),
	"nftables_ipvs_priority":        ignored(aboutLVS),
	"nftables_ipvs_start_fwmark":    ignored(aboutLVS),
	"snmp_vs_stats_update_interval": ignored(aboutLVS),
	"snmp_rs_stats_update_interval": ignored(aboutLVS),

	"process_names":                       ignored(aboutProcess),
	"process_name":                        ignored(aboutProcess),
	"vrrp_process_name":                   ignored(aboutProcess),
	"checker_process_name":                ignored(aboutProcess),
	"lvs_process_name":                    ignored(aboutProcess),
	"bfd_process_name":                    ignored(aboutProcess),
	"max_auto_priority":                   ignored(aboutProcess),
	"min_auto_priority_delay":             ignored(aboutProcess),
	"vrrp_priority":                       ignored(aboutProcess),
	"vrrp_no_swap":                        ignored(aboutProcess),
	"vrrp_rt_priority":                    ignored(aboutProcess),
	"vrrp_cpu_affinity":                   ignored(aboutProcess),
	"vrrp_rlimit_rttime":                  ignored(aboutProcess),
	"vrrp_rlimit_rtime":                   ignored(aboutProcess),
	"checker_priority":                    ignored(aboutProcess),
	"checker_no_swap":                     ignored(aboutProcess),
	"checker_rt_priority":                 ignored(aboutProcess),
	"checker_cpu_affinity":                ignored(aboutProcess),
	"checker_rlimit_rttime":               ignored(aboutProcess),
	"checker_rlimit_rtime":                ignored(aboutProcess),
	"bfd_priority":                        ignored(aboutProcess),
	"bfd_no_swap":                         ignored(aboutProcess),
	"bfd_rt_priority":                     ignored(aboutProcess),
	"bfd_cpu_affinity":                    ignored(aboutProcess),
	"bfd_rlimit_rttime":                   ignored(aboutProcess),
	"bfd_rlimit_rtime":                    ignored(aboutProcess),
	"vrrp_netlink_cmd_rcv_bufs":           ignored(aboutProcess),
	"vrrp_netlink_cmd_rcv_bufs_force":     ignored(aboutProcess),
	"vrrp_netlink_monitor_rcv_bufs":       ignored(aboutProcess),
	"vrrp_netlink_monitor_rcv_bufs_force": ignored(aboutProcess),
	"process_monitor_rcv_bufs":            ignored(aboutProcess),
	"process_monitor_rcv_bufs_force":      ignored(aboutProcess),
	"lvs_netlink_cmd_rcv_bufs":            ignored(aboutProcess),
	"lvs_netlink_cmd_rcv_bufs_force":      ignored(aboutProcess),
	"lvs_netlink_monitor_rcv_bufs":        ignored(aboutProcess),
	"lvs_netlink_monitor_rcv_bufs_force":  ignored(aboutProcess),
	"vrrp_rx_bufs_policy":                 ignored(aboutProcess),
	"vrrp_rx_bufs_multiplier":             ignored(aboutProcess),

	"umask":                text((*interpreter).setUmask),
	"data_use_instance":    boolean(func(in *interpreter, on bool) { in.global.DataUseInstance = on }),
	"json_version":         number(1, 2, func(in *interpreter, n int) { in.global.JSONVersion = n }),
	"state_dump_file":      text(func(in *interpreter, w word) { in.setPath(&in.global.StateDump, w) }),
	"stats_dump_file":      text(func(in *interpreter, w word) { in.setPath(&in.global.StatsDump, w) }),
	"json_dump_file":       text(func(in *interpreter, w word) { in.setPath(&in.global.JSONDump, w) }),
	"config_save_dir":      ignored(aboutFiles),
	"tmp_config_directory": ignored(aboutFiles),
	"reload_check_config":  ignored(aboutUnused),
	"include_check":        ignored(aboutInclude),
	"random_seed":          ignored(aboutUnused),
	"default_interface":    text((*interpreter).setDefaultInterface),
	"iproute_usr_dir":      ignored(aboutUnused),
	"iproute_etc_dir":      ignored(aboutUnused),

	"snmp_socket":            ignored(aboutSNMP),
	"enable_traps":           ignored(aboutSNMP),
	"enable_snmp_vrrp":       ignored(aboutSNMP),
	"enable_snmp_keepalived": ignored(aboutSNMP),
	"enable_snmp_rfc":        ignored(aboutSNMP),
	"enable_snmp_rfcv2":      ignored(aboutSNMP),
	"enable_snmp_rfcv3":      ignored(aboutSNMP),
	"enable_snmp_checker":    ignored(aboutSNMP),
	"enable_dbus":            ignored(aboutSNMP),
	"dbus_service_name":      ignored(aboutSNMP),
	"dbus_no_interface_name": ignored(aboutSNMP),

	"vrrp_iptables":     ignored(aboutFilter),
	"vrrp_ipsets":       ignored(aboutFilter),
	"nftables":          ignored(aboutFilter),
	"nftables_priority": ignored(aboutFilter),
	"nftables_ifindex":  ignored(aboutFilter),
	"nftables_counters": ignored(aboutFilter),

	"startup_script_timeout":  ignored(aboutScripts),
	"shutdown_script_timeout": ignored(aboutScripts),

	"log_unknown_vrids": ignored(aboutLogging),

	"startup_script":     later("use ExecStartPre= of the systemd unit"),
	"shutdown_script":    later("use ExecStopPost= of the systemd unit"),
	"dynamic_interfaces": later("remove it, and start vrrpx when the interfaces exist"),
	"disable_local_igmp": later("sysctl net.ipv4.igmp_link_local_mcast_reports=0 does the same"),
	"reload_time_file":   later("remove it"),
	"reload_repeat":      later("remove it"),
	"reload_file":        later("remove it"),
	"vmac_prefix":        text(func(in *interpreter, w word) { in.setVMACPrefix(&in.global.vmacPrefix, w) }),
	"vmac_addr_prefix":   text(func(in *interpreter, w word) { in.setVMACPrefix(&in.global.vmacAddrPrefix, w) }),
}
