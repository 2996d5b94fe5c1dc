package sim

import (
	"math/rand/v2"
	"slices"
	"time"
)

// GroupScenario is hosts whose routers are in one sync group, each router on one
// of two LANs, and what happens to them. Clocks agree and no kernel keeps
// adverts: Scenario is where those are tried.
type GroupScenario struct {
	Seed          uint64
	Hosts         []GroupHost
	Members       int // of each group; member i has VRID 51+i and is on LAN i%2
	Interval      time.Duration
	Delay, Jitter time.Duration // of each frame
	Wake          time.Duration // a process runs at most this long after a deadline
	Events        []GroupEvent  // in the order of time
	Quiet         time.Duration // nothing happens from then on: Settling later all is in order
	End           time.Duration
}

// GroupHost is one host; it starts when an event says so.
type GroupHost struct {
	Priority []uint8 // of each member
	Preempt  bool
	Delay    time.Duration // preempt_delay
}

// GroupEvent is something done to a host, or to what it hears on one LAN.
type GroupEvent struct {
	At   time.Duration
	Kind EventKind // Start, Stop, Crash, LinkDown, LinkUp, Cut, Mend, Heal
	Host int
	LAN  int // LinkDown and LinkUp: whose cable; Cut and Mend: from Host to To
	To   int
}

// The invariants of groups, beside VIPs.
const (
	// OneState: the members of a group are in one state, but for those in INIT,
	// when a step has ended.
	OneState Invariant = "one-state"
	// OneHolder: when nothing has been wrong for some time one host has the
	// group, and it is none that another preempts in every member.
	OneHolder Invariant = "one-holder"
	// Calm: and it stays so.
	Calm Invariant = "calm"
)

// GroupStats counts what happened.
type GroupStats struct{ Takeovers, Yields, Faults, Settled, Partitioned, Crossed int }

// Settling is how long the hosts may take after Quiet: each of a few takes over
// and is preempted once, and crossed ones find out who is to yield.
func (s *GroupScenario) Settling() time.Duration {
	longest := time.Duration(0)
	for _, h := range s.Hosts {
		longest = max(longest, h.Delay)
	}
	return longest + 20*s.Interval + 8*(s.Wake+s.Delay+s.Jitter)
}

// GenerateGroups makes the scenario of a seed: 2 or 3 hosts with 2 to 4 members,
// things going wrong, and at the end either all mended or one LAN in pieces.
func GenerateGroups(seed uint64) GroupScenario {
	g := gen{rand.New(rand.NewPCG(seed, 2)), Scenario{}, 0}
	s := GroupScenario{Seed: seed, Members: 2 + g.IntN(3), Interval: pick(&g, 100*time.Millisecond, time.Second)}
	s.Delay, s.Jitter, s.Wake = g.upTo(s.Interval/10), g.upTo(s.Interval/10)*time.Duration(g.IntN(2)), g.upTo(s.Interval/20)*time.Duration(g.IntN(2))
	crossed, preempt := g.oneIn(3), !g.oneIn(4)
	for range 2 + g.IntN(2) {
		h := GroupHost{Preempt: preempt, Delay: g.upTo(3*s.Interval) * time.Duration(g.IntN(2)*g.IntN(2))}
		p := uint8(1 + g.IntN(254))
		for range s.Members {
			if crossed {
				p = pick[uint8](&g, 50, 100, 100, 150)
			}
			h.Priority = append(h.Priority, p)
		}
		s.Hosts = append(s.Hosts, h)
	}
	quiet := s.Interval * time.Duration(20+g.IntN(40))
	s.Quiet = quiet
	add := func(at time.Duration, e GroupEvent) { e.At = at; s.Events = append(s.Events, e) }
	together := g.oneIn(2)
	for i := range s.Hosts {
		at := time.Duration(0)
		if !together {
			at = g.upTo(8 * s.Interval)
		}
		add(at, GroupEvent{Kind: Start, Host: i})
	}
	for range 2 + g.IntN(12) {
		at := g.upTo(quiet)
		until := min(quiet, at+g.upTo(8*s.Interval))
		e := GroupEvent{Host: g.IntN(len(s.Hosts)), LAN: g.IntN(2), To: g.IntN(len(s.Hosts))}
		kinds := pick(&g, [2]EventKind{Cut, Mend}, [2]EventKind{LinkDown, LinkUp}, [2]EventKind{Crash, Start}, [2]EventKind{Stop, Start})
		e.Kind = kinds[0]
		add(at, e)
		e.Kind = kinds[1]
		add(until, e)
	}
	add(quiet, GroupEvent{Kind: Heal})
	for i := range s.Hosts {
		if i < 1 || g.IntN(4) > 0 {
			add(quiet, GroupEvent{Kind: Start, Host: i})
		}
	}
	if g.oneIn(3) {
		lan := g.IntN(2)
		for i := range s.Hosts {
			for j := range s.Hosts {
				add(quiet, GroupEvent{Kind: Cut, Host: i, To: j, LAN: lan})
			}
		}
	}
	slices.SortStableFunc(s.Events, func(a, b GroupEvent) int { return int(a.At - b.At) })
	s.End = quiet + s.Settling() + 30*s.Interval
	return s
}
