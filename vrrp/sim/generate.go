package sim

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// Generate makes the scenario of a seed: 2 to 6 routers on a LAN, some twenty
// things going wrong, then the heal, and when it must have settled twice the
// loss of whoever is MASTER.
func Generate(seed uint64) Scenario {
	g := gen{rand.New(rand.NewPCG(seed, 0)), Scenario{Seed: seed, Version: 3}, 0}
	if g.oneIn(4) {
		g.Version = 2
	}
	g.routers()
	g.links()
	heal := g.unit * time.Duration(30+g.IntN(60))
	for i := range g.Routers {
		g.add(g.upTo(g.unit*4), Event{Kind: Start, Router: i})
	}
	for range 5 + g.IntN(40) {
		g.trouble(heal)
	}
	for i := range g.Routers {
		if g.IntN(4) > 0 {
			g.add(heal, Event{Kind: Start, Router: i})
		}
	}
	g.add(heal, Event{Kind: Heal})
	settling := newWorld(&g.Scenario, nil).settling * 3 / 2
	g.End = heal + settling
	for _, kind := range []EventKind{Crash, Stop} {
		g.add(g.End, Event{Kind: kind, Router: WhoeverIsMaster})
		g.End += settling
	}
	slices.SortStableFunc(g.Events, func(a, b Event) int { return int(a.At - b.At) })
	return g.Scenario
}

type gen struct {
	*rand.Rand
	Scenario
	unit time.Duration // the longest interval
}

func (g *gen) oneIn(n int) bool                   { return g.IntN(n) == 0 }
func (g *gen) upTo(d time.Duration) time.Duration { return time.Duration(g.Int64N(int64(d) + 1)) }
func (g *gen) add(at time.Duration, e Event)      { e.At = at; g.Events = append(g.Events, e) }
func pick[T any](g *gen, from ...T) T             { return from[g.IntN(len(from))] }

// routers: mostly alike but for their priority, as people have them.
func (g *gen) routers() {
	interval := pick(g, 10*time.Millisecond, 100*time.Millisecond, time.Second)
	adverts := pick(g, 3, 3, 3, 2, 5)
	preempt, elide := !g.oneIn(4), !g.oneIn(3)
	if g.Version == 2 {
		interval = pick(g, time.Second, 2*time.Second)
	}
	owner, equal := g.oneIn(6), g.oneIn(4)
	differ := g.Version == 3 && g.oneIn(2)
	wake := g.upTo(interval / 20)
	for i := range 2 + g.IntN(5) {
		r := Router{
			Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + i)}), Priority: uint8(1 + g.IntN(254)),
			Interval: interval, Adverts: adverts, Preempt: preempt != g.oneIn(8), Reply: differ || !g.oneIn(6), Elide: elide != g.oneIn(8),
			Offset: time.Second + g.upTo(1000*time.Hour), PPM: g.IntN(401) - 200, Wake: g.upTo(wake),
		}
		r.Ask = g.oneIn(4)
		if g.oneIn(2) {
			r.Lease = g.upTo(20 * interval)
		}
		if equal {
			r.Priority = pick[uint8](g, 100, 101)
		}
		if i == 0 && owner {
			r.Priority = 255
		}
		if differ && g.oneIn(2) {
			r.Interval *= time.Duration(1 + g.IntN(10))
		}
		g.unit = max(g.unit, r.Interval)
		g.Routers = append(g.Routers, r)
	}
	g.Shuffle(len(g.Routers), func(i, j int) { g.Routers[i], g.Routers[j] = g.Routers[j], g.Routers[i] })
}

// links: a mesh, one way much like the other.
func (g *gen) links() {
	shortest := g.unit
	for _, r := range g.Routers {
		shortest = min(shortest, r.Interval)
	}
	delay, jitter := g.upTo(shortest/4), g.upTo(shortest/4)
	if shortest == g.unit && g.oneIn(4) {
		delay = g.upTo(3 * shortest) // routers far apart; see the package's limits
	}
	loss, dup, held := pick(g, 0, 2, 10, 40), pick(g, 0, 1, 20), pick(g, 0, 1, 10)
	for i := range g.Routers {
		for j := range g.Routers {
			if i != j {
				g.Links = append(g.Links, Link{
					From: i, To: j, Delay: delay + g.upTo(shortest/20), Jitter: jitter,
					Dup: dup, Loss: loss * g.IntN(2), Held: held, HeldD: 2 * shortest,
				})
			}
		}
	}
}

// trouble is something that goes wrong, and ends before the heal if the heal
// does not end it.
func (g *gen) trouble(heal time.Duration) {
	from := g.upTo(heal)
	to := min(heal, from+g.upTo(g.unit*pick[time.Duration](g, 1, 5, 10)))
	who := g.IntN(len(g.Routers))
	if g.oneIn(3) {
		who = WhoeverIsMaster
	}
	other := g.IntN(len(g.Routers))
	switch g.IntN(8) {
	case 0: // a partition
		side := g.IntN(1<<len(g.Routers) - 1)
		oneWay := g.oneIn(3)
		for i, l := range g.Links {
			in, out := side>>l.From&1, side>>l.To&1
			if in > out || in < out && !oneWay {
				g.add(from, Event{Kind: Cut, Router: g.Links[i].From, To: l.To})
				g.add(to, Event{Kind: Mend, Router: l.From, To: l.To})
			}
		}
	case 1, 2:
		g.add(from, Event{Kind: pick(g, Pause, Pause, Freeze), Router: who})
		for i := range g.Routers {
			if i == who || who == WhoeverIsMaster {
				g.add(to, Event{Kind: Resume, Router: i})
			}
		}
	case 3, 4: // it may stay dead
		g.add(from, Event{Kind: pick(g, Crash, Crash, Stop), Router: who})
		if !g.oneIn(4) {
			g.add(to, Event{Kind: Start, Router: other})
		}
	case 5:
		g.add(from, Event{Kind: LinkDown, Router: other})
		g.add(to, Event{Kind: LinkUp, Router: other})
	case 6:
		priority := uint8(1 + g.IntN(254))
		if g.oneIn(10) {
			priority = 255
		}
		g.add(from, Event{Kind: SetPriority, Router: other, Priority: priority})
	case 7:
		g.add(from, Event{Kind: Start, Router: other})
	}
}
