package model

// Hosts is the most that a model has.
const Hosts = 3

// Config is what a check explores. Times are in ticks.
type Config struct {
	Hosts    int
	Interval int        // of adverts
	Adverts  int        // silent intervals that mean a dead master
	Skew     [Hosts]int // the less, the higher the priority
	Order    [Hosts]int // who beats whom: the higher number; skews are equal in a tie
	Lease    int        // 0: none; adverts then go on for as long as the host lives
	Renew    int        // a process that runs renews at this age
	Delay    Span       // of an advert, at least 1
	Preempt  bool

	Takeover [Hosts]bool // in the kernel
	Guard    bool        // the freeze guards, of both roles

	Announcer bool // has more GARP to send, in a thread of its own

	// Orphans begins with all BACKUP, who have just heard the last advert of a
	// master who is no more. Else host 0 is MASTER.
	Orphans bool

	// What may go wrong.
	Stalls  [Hosts]bool // the process stops
	Stall   int         // work is left undone for at most this; 0: for as long as it likes
	Stops   int         // so often, all hosts together; 0: without limit
	Whole   bool        // but a look and what follows from it are one
	Freezes [Hosts]bool // the host stops
	Freeze  Span        // for so long; Max 0: for as long as it likes
	Frozen  int         // so often, all hosts together
	Blind   bool        // its clocks stop with it
	Lossy   bool        // what arrives meanwhile may be lost; else the card keeps it
	Losses  int         // adverts lost besides
	Ring    bool        // lapsed and frozen events may be lost
	Kills   [Hosts]bool // the process dies
	Deaths  [Hosts]bool // the host dies
	Calm    bool        // at any time all that ends, for good

	Fault Fault
	Bounds
}

// Span is from Min to Max.
type Span struct{ Min, Max int }

// Bounds are the properties, each with its number. One that is None is not looked at.
type Bounds struct {
	// Overlap is for how long two hosts may announce (adverts of a MASTER, GARP)
	// beside each other.
	Overlap int
	// Stray is how many batches of frames a process that was stopped between its
	// last look and its send may let out beside another who announces.
	Stray int
	// Owed is how many adverts the kernel may send after the right to was over (its
	// lease, or a freeze in which another may have taken over) and before the
	// process has judged: those that had passed their look.
	Owed int
	// Fresh is how old the last round of the loop that began may be when the kernel
	// takes over or sends: beyond the lease by so much.
	Fresh int
	// Steady is how often anything changes hands.
	Steady int
	// Settle is how long after the end of all trouble there may be another number
	// of holders than one.
	Settle int
	// Dark is how long there may be no holder, while somebody is well.
	Dark int
	// Wrong is how often the kernel or the loop may take over from a better master
	// whose advert the host's kernel has received since the deadline began.
	Wrong int
}

// None leaves a property out.
const None = -1

// Unbound has no property.
var Unbound = Bounds{None, None, None, None, None, None, None, None}

// Fault is a mistake in the design.
type Fault uint8

// The mistakes.
const (
	Sound         Fault = iota
	NoLatch             // a gate whose lease is over opens again with the next renewal
	LateStamp           // the renewal stores a reading later than that which was judged
	RenewFirst          // the renewal is stored before a stale router's gate is shut
	NoGuard             // no freeze guard of a MASTER in the kernel
	GuardInKernel       // but none in the loop
	StaleTakeover       // the kernel takes over whatever the age of the lease
	DeafGate            // XDP does not shut the gate
	BlindTaken          // the loop follows a takeover without a look at the gate
	TornTimer           // the callback opens the gate some time after it looked at the deadline
	BoldAnnouncer       // the announcer does not look at the lease
	ForgetfulLoop       // the loop trusts events, and never looks at the gate
	LatePhoto           // the time of the last advert is read after it left
	PatientBackup       // a BACKUP's guard wants its deadline late by an interval
	DrainFirst          // the loop hears what came before it looks at lease and gate
	SendFirst           // the first advert leaves before the gate is opened
	faults
)

var faultNames = [faults]string{
	"sound", "no latch", "renewal stores a later reading", "gate not shut before the renewal", "no freeze guard",
	"freeze guard in the kernel alone", "lease not checked at takeover", "XDP does not shut the gate", "takeover event believed whatever the gate",
	"deadline not looked at again under the lock", "announcer does not ask", "gate not looked at by the loop",
	"last advert stamped after it left", "backup's guard wants an interval", "adverts heard before the lease is looked at",
	"first advert sent before the gate is open",
}

func (f Fault) String() string { return faultNames[f] }

// down is the master-down interval of a host.
func (c *Config) down(i int) int { return c.Adverts*c.Interval + c.Skew[i] }

// pause is the least silence after which any other may have taken over.
func (c *Config) pause() int { return c.Adverts * c.Interval }

// beats tells whether the adverts of i win over j.
func (c *Config) beats(i, j int) bool { return c.Order[i] > c.Order[j] }
