// Package config reads keepalived.conf and gives the validated values that
// vrrpx runs from. It opens no socket and knows no interface: whether eth0
// exists is for the daemon to say.
//
// A file passes through layers, one per source file: the lexer cuts it into
// words and braces with positions, the tree nests them into statements and
// follows include, the keyword tables say what each statement is, the
// interpreter fills in a Config, resolve applies the global defaults and
// vrrp_strict, and Validate has the last word.
//
// The language and its defaults are those of keepalived 2.2.7 as observed,
// and the keywords those of 2.4.3. Where vrrpx differs on purpose is listed in
// TestAgreesWithKeepalived.
package config

import (
	"net/netip"
	"slices"
	"time"
)

// Config is a whole configuration. One returned by Load, Parse or FromFlags
// has passed Validate.
type Config struct {
	Global    Global
	Routers   []Router // in the order of the file
	Groups    []SyncGroup
	Scripts   []Script    // likewise
	Files     []TrackFile // likewise, as Processes
	Processes []TrackProcess
	Static    Static
}

// Global holds global_defs: what concerns the whole process, and the values
// that a router takes where it gives none of its own.
type Global struct {
	RouterID string // router_id; empty means the host's name

	Mail Mail

	Version              uint8         // vrrp_version: 2 or 3
	Strict               bool          // vrrp_strict
	SkipCheckAdvAddr     bool          // vrrp_skip_check_adv_addr
	LowerPriorityAdvert  bool          // not vrrp_lower_prio_no_advert
	ChecksumPlain        bool          // v3_checksum_as_v2
	DownAdverts          int           // vrrp_down_timer_adverts
	Group, Group6        netip.Addr    // vrrp_mcast_group4, vrrp_mcast_group6
	HigherPriorityAdvert bool          // vrrp_higher_prio_send_advert
	OwnerIgnores         bool          // vrrp_owner_ignore_adverts
	CheckSource          bool          // vrrp_check_unicast_src
	GARP                 GARP          // vrrp_garp_*
	GNAInterval          time.Duration // vrrp_gna_interval
	Extra                ExtraGARP     // vrrp_garp_extra_if

	Lease time.Duration // vrrpx_lease
	Pacer PacerChoice   // vrrpx_pacer

	Metrics Listener // vrrpx_metrics

	NotifyAlarm Command // notify_alarm, of each router that has none of its own

	// How scripts run: as whom where they do not say (script_user; empty: the
	// user keepalived_script if there is one, else root), whether one that
	// would run as root and others could change is refused, and whether a
	// user's supplementary groups come along.
	ScriptUser, ScriptGroup string
	ScriptSecurity          bool
	SupplementaryGroups     bool

	// Lines about transitions: NotifyFIFO and VRRPNotifyFIFO get the same.
	NotifyFIFO, VRRPNotifyFIFO FIFO
	FIFOStatesOnReload         bool // fifo_write_vrrp_states_on_reload
	NotifyPriorityChanges      bool // vrrp_notify_priority_changes

	// What a start waits for before the election: the whole of StartupDelay
	// (vrrp_startup_delay), and until the host has been up for DelayAfterBoot
	// (vrrp_delay_after_boot). 0 for none, else 1 ms to 4294967.295 s.
	StartupDelay, DelayAfterBoot time.Duration

	Files

	defaultInterface           string // default_interface; empty: eth0
	vmacPrefix, vmacAddrPrefix word   // of the names of VMACs; empty: the default
}

// The states in which a router may be configured to start.
const (
	Master = "MASTER"
	Backup = "BACKUP"
)

// Router is one vrrp_instance, with every default filled in.
type Router struct {
	Pos       Pos
	Name      string
	Interface string
	VRID      uint8
	Version   uint8 // 2 (RFC 3768) or 3 (RFC 9568)
	Family    uint8 // 4, or 6 with Version 3
	// State is Master or Backup as written, except under Strict, where it is
	// Master exactly when Priority is 255. It is not the protocol's state: a
	// router below 255 starts as backup whatever it says here.
	State          string
	Priority       uint8      // 1 to 255; 255 owns the addresses
	Group          netip.Addr // where adverts go to and are expected: a group of Family, 224.0.0.18, ff02::12 or another
	Source         netip.Addr // where ours come from (mcast_src_ip, unicast_src_ip); not valid: the interface's first address
	SourcePos      Pos
	AdvertInterval time.Duration // v2: 1 to 255 s, whole; v3: 10 ms to 40.95 s in steps of 10 ms
	Preempt        bool
	// ExpiredBackup is timer_expired_backup: the highest priority of the other
	// routers, 1 to 254. A MASTER that was held up for longer than it takes them to
	// take over goes to BACKUP. 0, and with Preempt always, is off.
	ExpiredBackup uint8
	PreemptDelay  time.Duration // 0 to 1000 s; 0 unless Preempt, State is Backup and Priority below 255
	Auth          Auth
	HMAC          *HMAC     // auth_hmac; nil for none
	Addresses     []Address // in the order of the file, which is that of the advert; of Family; 1 to 255, IPv6 to 90
	NoAddresses   bool      // no_virtual_ipaddress: Addresses may be empty
	Excluded      []Address // virtual_ipaddress_excluded: held and announced like Addresses, in no advert

	// As MASTER the host has these too, after the addresses. Needs are interfaces,
	// beside Interface and those of addresses, that are a fault while they are down.
	Routes []Route // virtual_routes
	Rules  []Rule  // virtual_rules
	Needs  []string

	// Accept tells whether the host takes packets addressed to the addresses
	// (RFC 9568 Accept_Mode); always with Priority 255.
	Accept bool

	// With Peers adverts go to and come from these and not the group.
	Peers       []Peer
	UnicastTTL  uint8 // of our adverts to them
	CheckSource bool  // take adverts of Peers alone; else of anyone, with any TTL
	OldChecksum OldChecksum
	NoPeerFault bool // unicast_fault_no_peer, and there is none: FAULT, for ever
	TrackSource bool // FAULT while Source is not on the interface

	UseVMAC  bool   // use_vmac: adverts come from VMACs[0], which carries the addresses of Family on Interface
	XmitBase bool   // vmac_xmit_base: adverts come from Interface's own MAC after all; only with UseVMAC
	VMACs    []VMAC // macvlans on Interface

	Scripts    []Track // track_script
	Interfaces []Track // track_interface
	Files      []Track // track_file
	Processes  []Track // track_process
	// UntrackedOwn: the router goes on when its own interface is down
	// (dont_track_primary).
	UntrackedOwn bool
	Notify       Notify
	// NotifyPriorityChanges: the FIFOs get a line when the effective priority
	// changes (notify_priority_changes).
	NotifyPriorityChanges bool
	SMTPAlert             bool // Global.Mail is sent for it (smtp_alert)

	// What sends the adverts, and for how long without the process: 0 for not at
	// all, LeaseDefault, or MasterDown to 5 s. See LeaseTime.
	Lease    time.Duration
	Pacer    PacerChoice
	PacerPos Pos

	// KernelTakeover lets the kernel end our being BACKUP when the process is stopped.
	KernelTakeover bool
	TakeoverPos    Pos

	// Heartbeats are further lines for the same adverts; see docs/heartbeat.md.
	Heartbeats []Heartbeat

	SplitBrain *SplitBrain // split_brain; nil for none: what is heard is told all the same

	GARP                 GARP
	Extra                ExtraGARP
	GNAInterval          time.Duration // GARP.Interval over IPv6: least gap between two neighbour advertisements
	DownAdverts          int           // adverts missed before the master counts as down, 1 to 100
	LowerPriorityAdvert  bool          // a master answers an advert of lower priority with its own
	HigherPriorityAdvert bool          // a master that yields sends one more advert
	OwnerIgnores         bool          // priority 255 stays master whoever else advertises
	SkipCheckAdvAddr     bool          // check the address list only when the master changes
	Strict               bool          // strict_mode or vrrp_strict; its effects are already in the other fields
	ChecksumPlain        bool          // v3 over IPv4: checksum without pseudo-header, as RFC 9568 section 5.2.8 has it
}

// AuthType is the authentication type of RFC 2338 section 5.3.6.
type AuthType uint8

// The types that are supported.
const (
	AuthNone AuthType = 0
	AuthPass AuthType = 1
	AuthAH   AuthType = 2
)

func (t AuthType) String() string {
	switch t {
	case AuthPass:
		return "PASS"
	case AuthAH:
		return "AH"
	}
	return "none"
}

// Auth is a router's authentication of RFC 2338. Only version 2 has any.
type Auth struct {
	Type AuthType
	Pass Secret // 1 to 8 bytes, empty without a type
}

// GARP is the schedule of gratuitous ARP, over IPv6 of unsolicited neighbour
// advertisement, after becoming MASTER.
type GARP struct {
	MasterDelay   time.Duration // from the first round of repeats to the second; 0 for no second
	MasterRepeat  int           // rounds at a time, each over all addresses
	Refresh       time.Duration // between rounds while MASTER; 0 for none
	RefreshRepeat int           // rounds per refresh
	LowerDelay    time.Duration // after an advert of lower priority, as MasterDelay
	LowerRepeat   int           // likewise, as MasterRepeat; 0 for none at all
	Interval      time.Duration // least gap between two GARPs on an interface; 0 for none
}

// ExtraGARP is garp_extra_if: gratuitous ARPs, one at a time, by interfaces that
// have addresses and send no adverts, so that switches keep the way to them.
type ExtraGARP struct {
	Every time.Duration // 0: none
	All   bool          // by any such interface; else by those of virtual MACs alone
}

// Address is one line of virtual_ipaddress or virtual_ipaddress_excluded.
type Address struct {
	Pos       Pos
	Prefix    netip.Prefix // not masked: 10.0.0.3/24 is address 10.0.0.3
	Device    string       // the router's interface unless given
	VMAC      string       // name of the VMAC on Device that carries it; empty: Device itself does
	Label     string       // IFA_LABEL, IPv4 only; empty for none
	Scope     Scope        // IPv4 only
	Broadcast netip.Addr   // IPv4 only; not valid: none
	// NoPrefixRoute leaves out the route to the prefix that the kernel would add.
	NoPrefixRoute bool
	Preferred     Lifetime
	NoTrack       bool       // that Device is down is no fault of the router, unless it is its Interface
	Peer          netip.Addr // the other end of a link to one host; Prefix is then a host's own
	// IPv6 only: DAD leaves duplicate address detection on (-nodad takes its being
	// off away), Home is Mobile IPv6's, ManageTemp makes temporary addresses of a /64.
	DAD, Home, ManageTemp bool

	useVMAC bool // as written
	group   word // track_group, of a static address
}

// Lifetime is how long an address is preferred as a source once it is held
// (IFA_CACHEINFO, ifa_prefered): without Limited, for ever.
type Lifetime struct {
	Limited bool
	Time    time.Duration // whole seconds, 0 to 4294967294: at 0 it is deprecated at once
}

// The bounds that keepalived has, or vrrpx where keepalived has none.
const (
	maxAddresses   = 255 // the count is one byte of the advert
	maxPassword    = 8   // RFC 2338 section 5.3.10
	maxDownAdverts = 100
	maxDelay       = 1000 * time.Second // of preempt_delay
	maxGARPRepeat  = 1000
	maxGARPDelay   = 24 * time.Hour
	maxGARPExtra   = 24 * time.Hour
	maxLabel       = 15 // IFNAMSIZ less the final NUL
	maxInterface   = 15

	maxPreferred    = 4294967294 * time.Second // the kernel's next is for ever
	minStartDelay   = time.Millisecond
	maxStartDelay   = 4294967295 * time.Millisecond
	maxGARPInterval = 4294967295 * time.Microsecond
)

// The advert intervals that the wire can carry: RFC 3768 section 5.3.7 has
// seconds in 8 bits, RFC 9568 section 5.2.7 centiseconds in 12.
const (
	minInterval   = 10 * time.Millisecond
	maxIntervalV2 = 255 * time.Second
	maxIntervalV3 = 40950 * time.Millisecond
)

// All is every address that the router holds while MASTER.
func (r *Router) All() []Address { return slices.Concat(r.Addresses, r.Excluded) }

// Defaults returns a router with keepalived's defaults and no name, interface,
// VRID or address.
func Defaults() Router {
	return Router{
		Version:             2,
		Family:              4,
		State:               Backup,
		Priority:            100,
		Group:               DefaultGroup,
		AdvertInterval:      time.Second,
		Preempt:             true,
		Accept:              true,
		GARP:                defaultGARP,
		DownAdverts:         3,
		LowerPriorityAdvert: true,
		UnicastTTL:          255,
		CheckSource:         true,
		Lease:               LeaseDefault,
	}
}

// DefaultGroup and DefaultGroup6 are those of RFC 9568 sections 5.1.1.2 and
// 5.1.2.2.
var (
	DefaultGroup  = netip.AddrFrom4([4]byte{224, 0, 0, 18})
	DefaultGroup6 = netip.AddrFrom16([16]byte{0xff, 0x02, 15: 0x12})
)

var defaultGARP = GARP{MasterDelay: 5 * time.Second, MasterRepeat: 5, RefreshRepeat: 1, LowerDelay: 5 * time.Second, LowerRepeat: 5}

func defaultGlobal() Global {
	r := Defaults()
	return Global{
		Mail:                Mail{Port: 25, Timeout: 30 * time.Second},
		Version:             r.Version,
		LowerPriorityAdvert: r.LowerPriorityAdvert,
		DownAdverts:         r.DownAdverts,
		Group:               r.Group,
		CheckSource:         r.CheckSource,
		Group6:              DefaultGroup6,
		GARP:                r.GARP,
		Lease:               r.Lease,
	}
}
