package sim

import (
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// LeaseScenario is hosts whose kernels send the adverts of a MASTER by a lease and
// may take over by themselves, whose processes stop between any two steps of
// theirs, and which freeze as a whole. docs/liveness.md argues what holds then and
// vrrp/model proves it of a model; here the machines are the real ones and time is
// continuous. Nothing is lost but by a frozen host, and clocks agree.
type LeaseScenario struct {
	Seed            uint64
	Hosts           []LeaseHost
	Interval        time.Duration
	Lease, Renew    time.Duration
	Delay, Jitter   time.Duration // of each frame
	Wake            time.Duration // a process that runs does so at most this long after an event
	Stops           int           // in percent: it stops before a step
	Stop            time.Duration // for at most this
	Short           bool          // all its stops since a renewal are at most Lease-Renew together
	Events          []LeaseEvent  // in the order of time
	Quiet, End      time.Duration // nothing stops any more from Quiet on
	FreezesAtATime  int           // hosts that are frozen, or were less than a master-down interval ago
	KernelTakeovers bool
}

// LeaseHost is one host.
type LeaseHost struct {
	Priority uint8
	Preempt  bool
}

// LeaseEvent is a process that starts or dies, or a host that freezes.
type LeaseEvent struct {
	At   time.Duration
	Kind EventKind // Start, Crash; Pause: the host freezes
	Host int
	For  time.Duration // Pause: so long
	Lost bool          // and hears nothing of what came meanwhile
}

// The invariants of leases, beside VIPs, OneHolder and Early: a takeover beside a
// MASTER that is well.
const (
	// Beside: two announce for no longer than the bound.
	Beside Invariant = "beside"
	// Fresh: no advert leaves later than the lease after the loop last ran.
	Fresh Invariant = "fresh"
	// Owed: nor one after lease or freeze ended the right to, before the process
	// has judged.
	Owed Invariant = "owed"
	// Steady: stops shorter than the lease, less the renewal's period, move
	// nothing.
	Steady Invariant = "steady"
)

// LeaseStats counts what happened.
type LeaseStats struct {
	Sent, Stops, Freezes, Crashes                           int
	Lapses, Halts, Yields, Taken, Void, Down                int // of the kernel; takeovers void, by the process
	Lapsed, Succeeded, Survived, Stale, Postponed, Takeover int // of the process; frames dropped; of deadlines
	Settled, TwoMasters                                     int
}

// longest is the longest master-down interval.
func (s *LeaseScenario) longest() time.Duration { return 4 * s.Interval }

// Settling is how long the hosts may take after Quiet: who woke last waits for a
// master-down interval, is contested, and preempted.
func (s *LeaseScenario) Settling() time.Duration {
	return 3*s.longest() + 4*(s.Delay+s.Jitter+s.Wake)
}

// beside is for how long two may announce. A freeze that is too short to be noticed
// may lie in the middle of a preemption.
func (s *LeaseScenario) beside() time.Duration {
	most := s.Interval + s.Delay + s.Jitter + 2*s.Wake
	if s.FreezesAtATime > 0 {
		most += s.longest()
	}
	return most
}

// GenerateLeases makes the scenario of a seed: 2 or 3 hosts whose processes stop
// and that freeze, and the end of it.
func GenerateLeases(seed uint64) LeaseScenario {
	g := gen{rand.New(rand.NewPCG(seed, 4)), Scenario{}, 0}
	i := pick(&g, 10*time.Millisecond, 100*time.Millisecond, time.Second)
	s := LeaseScenario{Seed: seed, Interval: i, KernelTakeovers: g.oneIn(2)}
	s.Lease = 4*i + g.upTo(8*i)
	s.Renew = s.Lease / 2
	s.Delay, s.Jitter, s.Wake = g.upTo(i/10), g.upTo(i/10), g.upTo(i/50)
	s.Stops, s.Stop, s.Short = pick(&g, 0, 1, 3, 10), pick(&g, s.Lease/2, s.Lease, 3*s.Lease), g.oneIn(4)
	preempt := !g.oneIn(4)
	for k := range 2 + g.IntN(2) {
		s.Hosts = append(s.Hosts, LeaseHost{pick(&g, uint8(50+50*k), 100, uint8(1+g.IntN(254))), preempt})
		s.Events = append(s.Events, LeaseEvent{At: g.upTo(4 * i), Kind: Start, Host: k})
	}
	s.Quiet = i * time.Duration(60+g.IntN(100))
	if !s.Short {
		s.FreezesAtATime = g.IntN(3)
		at := 8 * i
		for range 12 * min(s.FreezesAtATime, 1) {
			e := LeaseEvent{At: at, Kind: Pause, Host: g.IntN(len(s.Hosts)), For: g.upTo(pick(&g, 4*i, 6*i, 2*s.Lease)), Lost: g.oneIn(2)}
			s.Events = append(s.Events, e)
			if at += g.upTo(12 * i); s.FreezesAtATime == 1 {
				at += e.For + 3*s.longest()
			}
		}
		for range g.IntN(3) {
			h, from := g.IntN(len(s.Hosts)), g.upTo(s.Quiet)
			s.Events = append(s.Events, LeaseEvent{At: from, Kind: Crash, Host: h}, LeaseEvent{At: from + g.upTo(10*i), Kind: Start, Host: h})
		}
	}
	s.Events = slices.DeleteFunc(s.Events, func(e LeaseEvent) bool { return e.At+e.For > s.Quiet })
	slices.SortStableFunc(s.Events, func(a, b LeaseEvent) int { return int(a.At - b.At) })
	s.End = s.Quiet + s.Settling() + 10*i
	return s
}

// RunLeases simulates a scenario to its end or the first violation, of which
// Router is the host. The trace goes to w as text, unless w is nil.
func RunLeases(s *LeaseScenario, w io.Writer) (LeaseStats, *Violation) { return newYard(s, w).run() }

// yard is a LeaseScenario under way.
type yard struct {
	*LeaseScenario
	rng    *rand.Rand
	now    time.Duration
	hosts  []*leased
	wire   []yardFrame // in the order of arrival
	trace  trace
	stats  LeaseStats
	broken *Violation
	wrong  mistake // a test of the invariants puts it here
}

type yardFrame struct {
	at time.Duration
	to int
	vrrp.Advert
}

// mistake is what a test of the invariants does wrong.
type mistake uint8

const (
	sound mistake = iota
	deafGate
	noGuard
	lateStamp
	noLease
	eagerBackup
	drainFirst
)

func newYard(s *LeaseScenario, w io.Writer) *yard {
	y := &yard{LeaseScenario: s, rng: rand.New(rand.NewPCG(s.Seed, 5)), trace: newTrace(w)}
	for i := range s.Hosts {
		y.hosts = append(y.hosts, &leased{yard: y, LeaseHost: &s.Hosts[i], id: i})
	}
	return y
}

func (y *yard) upTo(d time.Duration) time.Duration { return time.Duration(y.rng.Int64N(int64(d) + 1)) }

func (y *yard) run() (LeaseStats, *Violation) {
	events := y.Events
	settled := false
	for y.broken == nil {
		at, what := y.End, (func())(nil)
		for _, h := range y.hosts {
			if due, f := h.next(); f != nil && due < at {
				at, what = due, f
			}
		}
		if len(y.wire) > 0 && y.wire[0].at <= at {
			at, what = y.wire[0].at, y.arrive
		}
		if len(events) > 0 && events[0].At <= at {
			e := events[0]
			at, what = e.At, func() { events = events[1:]; y.hosts[e.Host].do(e) }
		}
		if when := y.Quiet + y.Settling(); !settled && at > when {
			settled, y.now = true, when
			y.checkSettled()
			continue
		}
		if what == nil {
			break
		}
		y.now = max(y.now, at)
		what()
	}
	return y.stats, y.broken
}

func (y *yard) arrive() {
	f := y.wire[0]
	y.wire = y.wire[1:]
	h := y.hosts[f.to]
	if y.now < h.thaws {
		if h.deaf {
			return
		}
		h.held = append(h.held, f)
		return
	}
	h.receive(f.Advert)
}

// checkSettled looks for the one holder.
func (y *yard) checkSettled() {
	masters, live := 0, 0
	for _, h := range y.hosts {
		if h.m == nil {
			continue
		}
		live++
		if h.m.State() == vrrp.Master && h.gate == gateOpen && h.holding {
			masters++
		} else if h.m.State() == vrrp.Master || h.gate == gateOpen || h.holding {
			y.violate(h.id, OneHolder, "%v with gate %d, holding %v", h.m.State(), h.gate, h.holding)
		}
	}
	if masters != min(live, 1) {
		y.violate(-1, OneHolder, "%d holders of %d hosts", masters, live)
	}
	y.stats.Settled++
}
