// Package stats names what vrrpx counts and remembers: the status view that
// the control socket serves, the counters by reason, the history of
// transitions. It takes snapshots; it never runs on the hot path.
package stats

import "time"

// Status is one snapshot of the daemon, as `vrrpx status --json` prints it.
// Durations are seconds as decimals, stamps RFC 3339 with nanoseconds.
type Status struct {
	Version    string      `json:"version"`
	PID        int         `json:"pid"`
	Started    time.Time   `json:"started"`
	ConfigFile string      `json:"config_file,omitempty"` // absolute; absent when the configuration came from flags
	ConfigID   string      `json:"config_id,omitempty"`   // which of its @id lines are taken
	PinDir     string      `json:"pin_dir,omitempty"`     // where the BPF maps are pinned; empty without BPF
	Reload     *Reload     `json:"reload,omitempty"`      // the last; absent before the first
	Logs       Logs        `json:"logs"`
	History    History     `json:"history,omitzero"`
	Pacer      Pacer       `json:"pacer"`
	Interfaces []Interface `json:"interfaces"`
	Routers    []Router    `json:"routers"`
	Groups     []Group     `json:"sync_groups,omitempty"`
	FIFOs      []FIFO      `json:"notify_fifos,omitempty"`
	Mail       *Mail       `json:"mail,omitempty"`
	Static     Static      `json:"static,omitzero"`
}

// Reload is how a reload went.
type Reload struct {
	Count       uint64    `json:"count"` // of reloads since the start, this one among them
	At          time.Time `json:"at"`    // when it began
	Took        Seconds   `json:"took_seconds"`
	OK          bool      `json:"ok"`              // false: refused, and everything runs as it did
	Error       string    `json:"error,omitempty"` // the first
	Changes     []string  `json:"changes,omitempty"`
	Untouched   int       `json:"untouched_routers"`
	Diagnostics []Finding `json:"diagnostics,omitempty"`
}

// Finding is one thing said of a configuration, FILE:LINE:COL: error: MESSAGE,
// and what to do about it.
type Finding struct {
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// Static is what the host has whoever is MASTER.
type Static struct {
	Addresses  []Address `json:"addresses,omitempty"`
	Routes     []Route   `json:"routes,omitempty"`
	MoreRoutes int       `json:"routes_not_shown,omitempty"`
}

// Logs counts log lines written and lost to a reader that did not keep up.
type Logs struct {
	Written uint64 `json:"written"`
	Dropped uint64 `json:"dropped"`
}

// FIFO is a named pipe that tells of transitions.
type FIFO struct {
	Path       string `json:"path"`
	Written    uint64 `json:"lines_written"`
	Dropped    uint64 `json:"lines_dropped"`         // nobody read, and the pipe was full, or there is a problem
	Problem    string `json:"problem,omitempty"`     // why lines are lost now
	Script     bool   `json:"script,omitempty"`      // a script is to read it
	ScriptRuns bool   `json:"script_runs,omitempty"` // and does
}

// Mail is what has become of the mails about transitions.
type Mail struct {
	Server  string `json:"server"`
	Sent    uint64 `json:"sent"`
	Refused uint64 `json:"refused"` // by the server, for good
	Dropped uint64 `json:"dropped"` // they waited too long, or made room for others
	Waiting int    `json:"waiting"`
	Problem string `json:"problem,omitempty"` // why mails wait
}

// Pacer describes what sends the adverts of every MASTER: the kernel's clock, or a
// thread.
type Pacer struct {
	Kernel       bool    `json:"kernel_clock"`                  // there is one
	KernelReason string  `json:"kernel_clock_reason,omitempty"` // why not
	Laps         uint64  `json:"laps"`                          // of its seed frames
	Renewed      Seconds `json:"lease_renewed_seconds_ago"`

	Realtime   bool    `json:"realtime"`      // SCHED_RR granted
	Scheduling string  `json:"scheduling"`    // SCHED_RR or SCHED_OTHER: of the threads now
	Starved    uint64  `json:"starved"`       // how often they became SCHED_OTHER because realtime processes kept the CPUs
	WatchLost  bool    `json:"watch_lost"`    // the process that would do that does not run (package fair)
	Locked     bool    `json:"memory_locked"` // mlockall granted
	Late       uint64  `json:"late"`          // adverts sent more than 1 ms past their slot
	MaxLate    Seconds `json:"max_late_seconds"`
	Missed     uint64  `json:"missed"` // slots that passed unsent because neither ran
	SendErrors uint64  `json:"send_errors"`
}

// Interface is one network interface on which routers run.
type Interface struct {
	Name    string            `json:"name"`
	Index   int               `json:"index"`
	Up      bool              `json:"up"`
	XDP     string            `json:"xdp"`                  // native, generic or off
	XDPNote string            `json:"xdp_reason,omitempty"` // why not the better mode
	Frames  uint64            `json:"vrrp_frames"`          // VRRP and AH frames seen
	Drops   map[string]uint64 `json:"drops"`                // by vrrp.Drop name, those not laid to a router
}

// Group is a vrrp_sync_group: routers that share one state.
type Group struct {
	Name    string       `json:"name"`
	State   string       `json:"state"`
	Since   time.Time    `json:"since"`
	Reason  string       `json:"reason"` // that of the member that led
	Members []string     `json:"members"`
	Waits   string       `json:"waits,omitempty"` // BACKUP: who keeps it from being MASTER while another member would be
	History []Transition `json:"history"`         // newest last
}

// Router is one virtual router.
type Router struct {
	Name            string            `json:"name"`
	Interface       string            `json:"interface"`
	VRID            uint8             `json:"vrid"`
	Family          string            `json:"family"`
	Version         uint8             `json:"version"`
	State           string            `json:"state"`
	Group           string            `json:"sync_group,omitempty"`
	Waits           string            `json:"waits,omitempty"` // a BACKUP that would be MASTER: for whom of its group
	Since           time.Time         `json:"since"`
	Reason          string            `json:"reason"` // why it last changed, a sentence
	Priority        uint8             `json:"priority"`
	BasePriority    uint8             `json:"base_priority"`                // as configured; Priority has what is tracked in it
	Preempt         bool              `json:"preempt"`                      // false: nopreempt; priority 255 preempts whatever this says
	Faults          []string          `json:"faults,omitempty"`             // the causes of a FAULT: it ends with the last
	UntrackedOwn    bool              `json:"dont_track_primary,omitempty"` // its own link down is no FAULT
	Tracked         []Tracked         `json:"tracked,omitempty"`
	Source          string            `json:"source"`         // own primary address
	Authentication  string            `json:"authentication"` // a phrase; no secret is in it
	Master          *Speaker          `json:"master,omitempty"`
	Peers           []Peer            `json:"unicast_peers,omitempty"` // empty: multicast
	Speakers        []Speaker         `json:"speakers,omitempty"`      // the 16 last who advertised for the router
	AdvertInterval  Seconds           `json:"advert_interval_seconds"`
	LearnedInterval Seconds           `json:"learned_interval_seconds"`
	Skew            Seconds           `json:"skew_seconds"`
	MasterDown      Seconds           `json:"master_down_seconds"`
	DeadlineIn      *Seconds          `json:"deadline_in_seconds,omitempty"` // time left to the master-down deadline
	PreemptIn       *Seconds          `json:"preempt_in_seconds,omitempty"`  // time left of preempt_delay
	DeadlineBy      string            `json:"deadline_by"`                   // kernel or loop
	Addresses       []Address         `json:"addresses"`
	VMACs           []VMAC            `json:"vmacs,omitempty"`
	Routes          []Route           `json:"routes,omitempty"`
	MoreRoutes      int               `json:"routes_not_shown,omitempty"`
	Received        uint64            `json:"adverts_received"`
	Sent            uint64            `json:"adverts_sent"`
	GARPs           uint64            `json:"garps_sent"`                          // over IPv6 neighbour advertisements
	Routed          uint64            `json:"adverts_sent_unresolved,omitempty"`   // of Sent: to peers whose MAC was not known, by way of the kernel
	RoutedErrors    uint64            `json:"adverts_unresolved_errors,omitempty"` // and such as the kernel refused
	ChecksumOld     uint64            `json:"checksum_old_unicast,omitempty"`      // of Received: summed as keepalived up to 1.3.6 does
	ChecksumPlain   uint64            `json:"checksum_plain"`                      // of the adverts received, summed over the message alone
	ChecksumPseudo  uint64            `json:"checksum_pseudo_header"`              // and with the pseudo-header
	BecameMaster    uint64            `json:"became_master"`
	ReleasedMaster  uint64            `json:"released_master"`
	Transitions     []TransitionCount `json:"transitions,omitempty"` // those that have occurred
	ZeroReceived    uint64            `json:"priority_zero_received"`
	ZeroSent        uint64            `json:"priority_zero_sent"`
	AddressesDiffer uint64            `json:"addresses_differ"` // runs of adverts with another address list
	Drops           map[string]uint64 `json:"drops"`
	Ingest          string            `json:"ingest"`                  // xdp native, xdp generic or packet socket
	Pacer           string            `json:"pacer"`                   // what paces its adverts as MASTER: kernel clock or thread
	PacerReason     string            `json:"pacer_reason,omitempty"`  // why not the kernel
	PacerWanted     string            `json:"pacer_wanted"`            // what is to, by its configuration
	Lease           Seconds           `json:"lease_seconds,omitempty"` // so long the kernel sends while the process does not run
	Lapses          uint64            `json:"lease_lapses"`            // times that a MASTER's process did not run for longer, and it gave way
	Pauses          uint64            `json:"pauses"`                  // times that a MASTER had sent nothing for a master-down interval
	PausesSurvived  uint64            `json:"pauses_survived"`         // and nobody had taken over
	// KernelTakeover is, with vrrpx_kernel_takeover, "armed" while the kernel may end
	// our being BACKUP, else "off", for the reason given if it is a BACKUP.
	KernelTakeover       string            `json:"kernel_takeover,omitempty"`
	KernelTakeoverReason string            `json:"kernel_takeover_reason,omitempty"`
	KernelTakeovers      uint64            `json:"kernel_takeovers"`       // times that it did, and was followed
	KernelGaveWay        uint64            `json:"kernel_takeovers_ended"` // times that it did, and gave way before the process ran
	Unanswered           uint64            `json:"questions_unanswered"`   // ARP and NS for its addresses, dropped while it was MASTER no more and had them still
	Stalls               uint64            `json:"stalls"`                 // times that the host stood still while BACKUP, and the deadline waited
	Alarms               []string          `json:"alarms,omitempty"`       // the texts of those below
	AlarmList            []Alarm           `json:"alarm_list,omitempty"`
	Probe                *Probe            `json:"probe,omitempty"`
	Claims               uint64            `json:"address_claims"`         // frames by which others claimed its addresses
	AlarmCounts          map[string]uint64 `json:"alarm_counts,omitempty"` // begun so far, by kind
	Heartbeats           []Heartbeat       `json:"heartbeats,omitempty"`   // the first line too; empty where there are no others
	Arrivals             []uint64          `json:"arrivals_log2_us"`       // [k]: inter-arrival times in [2^k, 2^(k+1)) microseconds
	// How close the master came to being taken for dead. Of a master whose adverts are
	// verified in user space (AH, auth_hmac) nothing is known here.
	LongestGap      *Gap         `json:"longest_gap,omitempty"`       // between two of its adverts, since the daemon began
	LongestGapToday *Gap         `json:"longest_gap_today,omitempty"` // since midnight
	NearMisses      uint64       `json:"near_misses"`                 // gaps of at least 3/4 of the master-down interval; one a minute is counted
	LastNearMiss    *Gap         `json:"last_near_miss,omitempty"`
	History         []Transition `json:"history"` // newest last
}

// Gap is a time in which the master was not heard, and then was.
type Gap struct {
	Seconds    Seconds   `json:"seconds"`
	MasterDown Seconds   `json:"master_down_seconds"` // after which it would have been taken for dead
	At         time.Time `json:"at"`                  // when it ended
}

// Left is by how much the master was in time.
func (g Gap) Left() time.Duration { return time.Duration(g.MasterDown - g.Seconds) }

// Speaker is a router whose valid adverts were heard, such as the master of a
// backup.
type Speaker struct {
	Address  string  `json:"address"`
	MAC      string  `json:"mac,omitempty"`
	Version  uint8   `json:"version"`
	Priority uint8   `json:"priority"`
	Interval Seconds `json:"advert_interval_seconds"`
	Heard    Seconds `json:"heard_seconds_ago"`
	// Checksum is the form that its last advert had, plain or pseudo-header,
	// where both are in use: VRRPv3 over IPv4.
	Checksum        string `json:"checksum,omitempty"`
	ChecksumChanges uint64 `json:"checksum_changes,omitempty"`
}

// Peer is a router to which adverts go by unicast.
type Peer struct {
	Address string `json:"address"`
	// The TTL, or hop limit, with which its adverts may arrive.
	MinTTL    uint8  `json:"min_ttl"`
	MaxTTL    uint8  `json:"max_ttl"`
	Unchecked bool   `json:"unchecked,omitempty"` // adverts are taken from anyone (check_unicast_src no)
	Via       string `json:"via,omitempty"`       // the gateway to it
	MAC       string `json:"mac,omitempty"`       // of it or the gateway; empty: not known, adverts go by way of the kernel
	// Checksum is the form that its last advert had, where there are several
	// (VRRPv3 over IPv4): plain, pseudo-header or old.
	Checksum string `json:"checksum,omitempty"`
}

// Tracked is a script, interface, file or process that the router depends on.
type Tracked struct {
	Name   string `json:"name"`            // with its kind: script check_web
	State  string `json:"state"`           // up, down or unknown; of a file its number
	Weight int    `json:"weight"`          // 0: a fault while it is down
	Points int    `json:"points"`          // what it adds to the priority now
	Fault  bool   `json:"fault,omitempty"` // it keeps the router in FAULT
	// Reverse: without weight the FAULT is while it is up, or the number 0. Weight has
	// its sign turned already.
	Reverse bool   `json:"reverse,omitempty"`
	Note    string `json:"note,omitempty"` // how the last run of a script failed
}

// Address is one virtual address and whether the host has it now.
type Address struct {
	Address string `json:"address"` // with prefix
	Device  string `json:"device"`
	Present bool   `json:"present"`
	Foreign bool   `json:"foreign,omitempty"` // it was there before us: never removed by us
	// NoAccept: as MASTER packets to it are dropped; Refused counts them.
	NoAccept bool   `json:"no_accept,omitempty"`
	Refused  uint64 `json:"refused_packets,omitempty"`
}

// Route is a route or a policy rule, and whether the host has it now. That of a
// router is wanted only while it is MASTER.
type Route struct {
	Text    string `json:"text"` // "route ..." or "rule ...", in the words of ip
	At      string `json:"at"`   // FILE:LINE:COL
	Present bool   `json:"present"`
	Foreign bool   `json:"foreign,omitempty"` // it was there without us: never removed by us
	Error   string `json:"error,omitempty"`   // why it is not as wanted
}

// VMAC is a device that carries addresses behind a virtual MAC address. It is up
// only while its router is MASTER.
type VMAC struct {
	Name   string `json:"name"`
	MAC    string `json:"mac"`
	Exists bool   `json:"exists"`
	Up     bool   `json:"up"`
	Error  string `json:"error,omitempty"` // why it is not as wanted
}

// Probe is what is known of a router's peer by other means than VRRP.
type Probe struct {
	Target string    `json:"target"`
	State  string    `json:"state"` // up, down or unknown
	Since  time.Time `json:"since"`
	Note   string    `json:"note,omitempty"` // why it is down or unknown
}

// Alarm is something about a router that a person should know, while it lasts.
type Alarm struct {
	Kind  string    `json:"kind"`
	Text  string    `json:"text"` // a sentence, with the evidence
	Cause string    `json:"cause,omitempty"`
	Since time.Time `json:"since"`
	Times uint64    `json:"times"` // that it was raised since
}

// Transition is one change of state.
type Transition struct {
	At     time.Time `json:"at"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Reason string    `json:"reason"`
}
