package sim

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Scenario is a LAN, its routers, and what happens to them. All times count
// from the start of the simulation on a clock that no router has.
type Scenario struct {
	Seed    uint64 // of the network's chances and of wakes
	Version uint8  // 2 or 3, of all routers
	Routers []Router
	Links   []Link  // one way each; a pair without one cannot talk
	Events  []Event // in the order of time
	End     time.Duration
}

// Router is one router. It is in INIT until an event starts it.
type Router struct {
	Addr     netip.Addr
	Priority uint8
	Interval time.Duration
	Adverts  int  // silent intervals that mean a dead master (vrrp.Config.DownAdverts)
	Preempt  bool // vrrp.Config.Preempt
	Reply    bool // vrrp.Config.ReplyToLower
	Elide    bool // its kernel keeps adverts that change nothing
	Ask      bool // a takeover asks for leave, which is given
	// Lease is how long its kernel goes on sending a MASTER's adverts while the
	// process is paused; 0: it does not, the thread that sends is paused too.
	Lease time.Duration

	Offset time.Duration // its clock at the start, above 0
	PPM    int           // its clock runs this much too fast, in millionths
	Wake   time.Duration // its process runs at most this long after it was woken
}

// Link carries adverts from one router to another. Chances are in percent.
type Link struct {
	From, To int           // indexes of Routers
	Delay    time.Duration // at least
	Jitter   time.Duration // at most this above Delay
	Dup      int           // delivered twice

	// Until an event heals the LAN:
	Loss  int           // not delivered
	Held  int           // delivered late, so that later adverts overtake it
	HeldD time.Duration // by at most this
}

// EventKind says what an event does.
type EventKind uint8

// The kinds. Where Event.Router is WhoeverIsMaster, they strike that one.
const (
	Start       EventKind = iota // the process starts if there is none, and joins the election
	Stop                         // leaves it gracefully
	Crash                        // the process dies, without a farewell
	Pause                        // the process is stopped; its kernel is not
	Freeze                       // the host is: also what arrives is lost
	Resume                       // and goes on
	LinkDown                     // a fault is set
	LinkUp                       // and cleared
	SetPriority                  // to Priority
	Cut                          // nothing gets from Router to To any more
	Mend                         // and again
	Heal                         // all links mended, and none loses or holds adverts from now on
)

var kindNames = [...]string{"start", "stop", "crash", "pause", "freeze", "resume", "linkdown", "linkup", "priority", "cut", "mend", "heal"}

func (k EventKind) String() string { return kindNames[k] }

// WhoeverIsMaster is the Router of an event that strikes the first router that
// is MASTER then, or nobody.
const WhoeverIsMaster = -1

// Event is something done to the LAN or to a router.
type Event struct {
	At       time.Duration
	Kind     EventKind
	Router   int   // index, or WhoeverIsMaster
	To       int   // of Cut and Mend
	Priority uint8 // of SetPriority, 1 to 255
}

// Limits that keep a simulation finite and its arithmetic exact.
const (
	maxRouters  = 32
	maxDuration = 24 * time.Hour
	maxOffset   = 10000 * time.Hour
	maxPPM      = 1000
	maxLearn    = 10 // vrrp.Config.MaxLearn of all routers, as the daemon has it
)

// Check tells what in a scenario cannot be simulated. Intervals must be such
// as a LAN may have: equal in v2 (RFC 3768 section 7.1 drops others), in v3 no
// more than tenfold apart (more is not learned).
func (s *Scenario) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	span := func(what string, d, most time.Duration) {
		if d < 0 || d > most {
			bad("%s %v: want 0 to %v", what, d, most)
		}
	}
	percent := func(what string, n int) {
		if n < 0 || n > 100 {
			bad("%s %d%%: want 0 to 100", what, n)
		}
	}
	if s.Version != 2 && s.Version != 3 {
		bad("version %d: want 2 or 3", s.Version)
	}
	if len(s.Routers) < 1 || len(s.Routers) > maxRouters {
		bad("%d routers: want 1 to %d", len(s.Routers), maxRouters)
	}
	addrs := map[netip.Addr]bool{}
	shortest, longest := time.Duration(math.MaxInt64), time.Duration(0)
	for i, r := range s.Routers {
		if !r.Addr.Is4() || addrs[r.Addr] || r.Priority == 0 || r.Adverts < 1 || r.Adverts > 100 || r.PPM < -maxPPM || r.PPM > maxPPM {
			bad("router %d: want an IPv4 address of its own, priority 1 to 255, adverts 1 to 100, ppm within %d", i+1, maxPPM)
		}
		addrs[r.Addr] = true
		if _, err := vrrp.WireInterval(s.Version, r.Interval); err != nil {
			bad("router %d: every %v: %w", i+1, r.Interval, err)
		}
		span("wake", r.Wake, time.Second)
		span("offset", r.Offset-1, maxOffset)
		span("lease", r.Lease, time.Hour)
		shortest, longest = min(shortest, r.Interval), max(longest, r.Interval)
	}
	if s.Version == 2 && shortest != longest || longest > maxLearn*shortest {
		bad("intervals %v and %v on one LAN: want equal ones in version 2, at most tenfold apart in 3", shortest, longest)
	}
	router := func(i int) bool { return i >= 0 && i < len(s.Routers) }
	for _, l := range s.Links {
		if !router(l.From) || !router(l.To) || l.From == l.To {
			bad("link %d %d: want two routers", l.From+1, l.To+1)
		}
		span("delay", l.Delay, time.Minute)
		span("jitter", l.Jitter, time.Minute)
		span("held", l.HeldD, time.Minute)
		percent("loss", l.Loss)
		percent("dup", l.Dup)
		percent("held", l.Held)
	}
	span("end", s.End, maxDuration)
	last := time.Duration(0)
	for _, e := range s.Events {
		if e.At < last || e.At > s.End {
			bad("%v %v: want events in the order of time, before the end", e.At, e.Kind)
		}
		last = e.At
		switch e.Kind {
		case Heal:
		case Cut, Mend:
			if !router(e.Router) || !router(e.To) {
				bad("%v %v: want two routers", e.At, e.Kind)
			}
		default:
			if !router(e.Router) && e.Router != WhoeverIsMaster {
				bad("%v %v: want a router", e.At, e.Kind)
			}
			if e.Kind == SetPriority && e.Priority == 0 {
				bad("%v priority 0: want 1 to 255", e.At)
			}
		}
	}
	return errors.Join(errs...)
}
