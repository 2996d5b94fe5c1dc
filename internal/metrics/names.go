package metrics

import "github.com/prometheus/client_golang/prometheus"

// metric is one name.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

// all are the metrics that there may be.
var all []*metric

func gauge(name, help string, labels ...string) *metric {
	return describe(prometheus.GaugeValue, name, help, labels)
}

func counter(name, help string, labels ...string) *metric {
	return describe(prometheus.CounterValue, name, help, labels)
}

func describe(kind prometheus.ValueType, name, help string, labels []string) *metric {
	m := &metric{prometheus.NewDesc("vrrpx_"+name, help, labels, nil), kind}
	all = append(all, m)
	return m
}

// The process.
var (
	up        = gauge("up", "Whether the event loop answered this scrape. If not, there is nothing else but the build.")
	buildInfo = gauge("build_info", "Always 1; the labels say what was built.", "version", "revision", "goversion")

	reloads       = counter("config_reloads_total", "Reloads since the start, refused ones among them.")
	reloadOK      = gauge("config_last_reload_successful", "Whether the last reload was taken; 1 before the first.")
	reloadStamp   = gauge("config_last_reload_timestamp_seconds", "When the last reload began; absent before the first.")
	reloadSeconds = gauge("config_last_reload_duration_seconds", "How long it took.")

	logLines   = counter("log_lines_total", "Log lines written.")
	logDropped = counter("log_lines_dropped_total", "Log lines lost to a reader that did not keep up.")

	fifoLines   = counter("notify_fifo_lines_total", "Lines written to a notify FIFO.", "path")
	fifoDropped = counter("notify_fifo_lines_dropped_total", "Lines that a notify FIFO had no reader or no room for.", "path")
	fifoHealthy = gauge("notify_fifo_healthy", "Whether lines reach the notify FIFO now.", "path")
	mails       = counter("mails_total", "Mails by what became of them: sent, refused (by the server, for good) or dropped.", "result")
	mailsWait   = gauge("mails_waiting", "Mails that wait to be sent.")

	realtime = gauge("scheduling_realtime", "Whether the threads are SCHED_RR now.")
	starved  = counter("scheduling_starved_total", "Times that the threads became SCHED_OTHER because realtime processes kept the CPUs from them.")
	watched  = gauge("scheduling_watched", "Whether a process watches for that.")
	locked   = gauge("memory_locked", "Whether the memory of the process is locked.")
)

// What sends the adverts of all routers.
var (
	pacerKernel   = gauge("pacer_kernel_clock", "Whether the kernel's advert clock runs.")
	pacerLaps     = counter("pacer_kernel_clock_laps_total", "Laps of the seed frames of the kernel's advert clock.")
	pacerRenewed  = gauge("pacer_lease_renewal_age_seconds", "Time since the event loop last renewed the lease by which the kernel sends adverts.")
	pacerLate     = counter("pacer_adverts_late_total", "Adverts sent more than 1 ms past their slot.")
	pacerLateness = gauge("pacer_advert_lateness_max_seconds", "The most that an advert was sent past its slot since the start.")
	pacerMissed   = counter("pacer_adverts_missed_total", "Slots that passed without an advert because nothing ran.")
	pacerErrors   = counter("pacer_send_errors_total", "Adverts that the kernel refused to send.")
)

// Interfaces and sync groups.
var (
	ifaceUp      = gauge("interface_up", "Whether the interface is up.", "interface")
	ifaceXDP     = gauge("interface_xdp_mode", "1 for the mode in which XDP is attached: native, generic or off.", "interface", "mode")
	ifaceFrames  = counter("interface_vrrp_frames_total", "VRRP and AH frames seen.", "interface")
	ifaceDropped = counter("interface_frames_dropped_total", "Frames that could not be laid to a router of ours, by reason.", "interface", "reason")

	groupState = gauge("sync_group_state", "1 for the state of the sync group.", "group", "state")
)

// Virtual routers: what they are.
var (
	routerInfo       = gauge("router_info", "Always 1. address is the first, as text, of the virtual addresses: the same on all hosts of a router.", "router", "interface", "vrid", "family", "version", "address", "sync_group")
	routerState      = gauge("router_state", "1 for the state of the router.", "router", "state")
	routerSince      = gauge("router_state_timestamp_seconds", "When the router entered its state.", "router")
	transitions      = counter("router_transitions_total", "Changes of state by the state entered and the reason, the usual ones and those that have occurred.", "router", "to", "reason")
	becameMaster     = counter("router_became_master_total", "Times that the router became MASTER.", "router")
	releasedMaster   = counter("router_released_master_total", "Times that the router was MASTER and became something else.", "router")
	priority         = gauge("router_priority", "Effective priority, with what is tracked.", "router")
	basePriority     = gauge("router_base_priority", "Configured priority.", "router")
	trackedUp        = gauge("router_tracked_up", "Whether a tracked script, interface or process is up; not for files, which have numbers.", "router", "tracked")
	trackedPoints    = gauge("router_tracked_priority", "What a tracked thing adds to the priority now.", "router", "tracked")
	trackedFault     = gauge("router_tracked_fault", "Whether a tracked thing keeps the router in FAULT.", "router", "tracked")
	addressesAll     = gauge("router_addresses", "Virtual addresses that the router has as MASTER.", "router")
	addressesPresent = gauge("router_addresses_present", "Those of them that the host has now.", "router")
	refusedPackets   = counter("router_refused_packets_total", "Packets to addresses of a router with no_accept, dropped.", "router", "address")
)

// What comes and goes.
var (
	received      = counter("router_adverts_received_total", "Valid adverts, from anyone.", "router")
	sent          = counter("router_adverts_sent_total", "Adverts sent.", "router")
	zeroReceived  = counter("router_priority_zero_received_total", "Adverts received with priority 0: a MASTER left.", "router")
	zeroSent      = counter("router_priority_zero_sent_total", "Adverts sent with priority 0.", "router")
	announcements = counter("router_announcements_sent_total", "Gratuitous ARPs, over IPv6 neighbour advertisements, sent.", "router")
	dropped       = counter("router_adverts_dropped_total", "Adverts for the router that were not taken, by reason, those that have occurred.", "router", "reason")
	speakers      = gauge("router_speakers", "Other routers that advertised for it within its master-down interval.", "router")
	peers         = gauge("router_unicast_peers", "Unicast peers.", "router")
	peersResolved = gauge("router_unicast_peers_resolved", "Unicast peers whose MAC address, or gateway's, is known.", "router")
	unresolved    = counter("router_unicast_adverts_unresolved_total", "Adverts sent by way of the kernel, since the MAC address was not known.", "router")
	unsent        = counter("router_unicast_adverts_failed_total", "Such adverts that the kernel refused.", "router")
	lineUp        = gauge("router_heartbeat_line_up", "Whether a heartbeat line is not lost.", "router", "line")
)

// How close it came.
var (
	interval       = gauge("router_advert_interval_seconds", "Configured advert interval.", "router")
	learned        = gauge("router_learned_interval_seconds", "Advert interval of the master, by which the timers go.", "router")
	masterDown     = gauge("router_master_down_interval_seconds", "Silence after which the master counts as down.", "router")
	deadline       = gauge("router_deadline_seconds", "Time left to the master-down deadline; absent while there is none.", "router")
	deadlineKernel = gauge("router_deadline_by_kernel", "Whether the kernel keeps the deadline.", "router")
	masterPriority = gauge("router_master_priority", "Priority of the master that a BACKUP hears.", "router")
	masterAge      = gauge("router_master_last_advert_age_seconds", "Time since its last advert.", "router")
	interArrival   = gauge("router_inter_arrival_seconds", "Time between adverts of the master as they came. The sum is an estimate, by the middle of each power of two. "+
		"As a native histogram its bounds are powers of two of a second; the counters that it is made of lie 4.9 % above.", "router")
	longestGap = gauge("router_longest_gap_seconds", "Longest time between two adverts of the master today, to the nanosecond; absent until there is one.", "router")
	nearMisses = counter("router_near_misses_total", "Gaps between adverts of at least three quarters of the master-down interval, one a minute at most.", "router")
)

// What may be wrong.
var (
	pacerOfRouter   = gauge("router_paced_by_kernel", "Whether the kernel sends the router's adverts as MASTER, or would.", "router")
	pacerDegraded   = gauge("router_pacer_degraded", "Whether a thread sends them though the configuration wants the kernel to.", "router")
	lease           = gauge("router_lease_seconds", "How long the kernel goes on sending while the process does not run; 0 for not at all.", "router")
	lapses          = counter("router_lease_lapses_total", "Times that the process of a MASTER did not run for longer, and it gave way.", "router")
	pauses          = counter("router_pauses_total", "Times that a MASTER had sent nothing for a master-down interval.", "router")
	pausesSurvived  = counter("router_pauses_survived_total", "Times that nobody had taken over meanwhile.", "router")
	stalls          = counter("router_stalls_total", "Times that the host of a BACKUP stood still, and the deadline waited.", "router")
	takeoverArmed   = gauge("router_kernel_takeover_armed", "With vrrpx_kernel_takeover: whether the kernel may end the router's being BACKUP.", "router")
	takeovers       = counter("router_kernel_takeovers_total", "With it: times that the kernel took over.", "router")
	takeoversEnded  = counter("router_kernel_takeovers_ended_total", "With it: times that it gave way again before the process ran.", "router")
	alarm           = gauge("router_alarm", "Whether an alarm stands, of the kinds that have been raised.", "router", "kind")
	alarms          = counter("router_alarms_total", "Alarms begun, by kind.", "router", "kind")
	claims          = counter("router_address_claims_total", "Frames by which others claimed the router's addresses.", "router")
	unanswered      = counter("router_unanswered_questions_total", "ARP and NS questions for its addresses dropped while it was MASTER no more and had them still.", "router")
	addressesDiffer = counter("router_address_list_mismatches_total", "Runs of adverts with another list of addresses.", "router")
	probeUp         = gauge("router_peer_probe_up", "Whether the peer answers the probe of split_brain.", "router")
)
