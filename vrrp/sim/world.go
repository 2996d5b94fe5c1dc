package sim

import (
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Result is what a run came to.
type Result struct {
	Hash      uint64     // of the trace
	Violation *Violation // nil when every invariant held
	Stats     Stats
}

// Stats counts what happened, so that a test can tell that something did.
type Stats struct {
	Virtual time.Duration // simulated

	Sent, Delivered, Lost, Doubled, Overtaken int // adverts; the last four per receiver
	Kept                                      int // by a kernel, of those delivered
	LateWakes                                 int // rounds that drained adverts past their deadline
	Takeovers, Deposed, Farewells             int
	TwoMasters                                int // times that a second router became MASTER
	Gaps                                      int // times that no router was
	Settled                                   int // times that the LAN had to have settled, and had
	Paused, Survived, Lapsed                  int // MASTERs after a pause; that went on as such; that lost their lease
	Kinds                                     [Heal + 1]int
}

// world is a scenario under way.
type world struct {
	*Scenario
	rng    *rand.Rand
	now    time.Duration
	nodes  []*node
	links  []*link
	routes [][]*link // [from][to]; nil where there is none
	wire   []frame   // in the order of arrival
	healed bool
	trace
	watch
	stats Stats

	// Tests of the invariants put something broken here, and look for one.
	newCore     func(vrrp.Config) core
	expireFirst bool
	only        Invariant
}

type link struct {
	*Link
	cut     bool
	arrived time.Duration // when the latest advert sent so far arrives

	rivals bool          // it leads from a MASTER to a worse one
	since  time.Duration // since then
}

// clean tells whether the link delivers all, within delay.
func (l *link) clean(healed bool) bool { return !l.cut && (healed || l.Loss == 0 && l.Held == 0) }

// frame is an advert on its way to one router.
type frame struct {
	at time.Duration
	to *node
	vrrp.Advert
}

// Run simulates a scenario that Check accepts, to its end or the first
// violation. The trace goes to w as text, unless w is nil; what w returns is
// ignored.
func Run(s *Scenario, w io.Writer) Result { return newWorld(s, w).run() }

func newWorld(s *Scenario, w io.Writer) *world {
	x := &world{
		Scenario: s, rng: rand.New(rand.NewPCG(s.Seed, 1)),
		trace: newTrace(w), newCore: func(c vrrp.Config) core { return vrrp.New(c) },
	}
	for i := range s.Routers {
		x.nodes = append(x.nodes, &node{world: x, id: i, Router: &s.Routers[i]})
		x.routes = append(x.routes, make([]*link, len(s.Routers)))
	}
	for i := range s.Links {
		l := &link{Link: &s.Links[i]}
		x.links = append(x.links, l)
		x.routes[l.From][l.To] = l
	}
	x.startWatch()
	return x
}

// run lets one thing happen after another. At one instant frames arrive before
// anything else happens, and processes run last.
func (w *world) run() Result {
	events := w.Events
	for {
		at, what := w.End, func() {}
		for _, n := range w.nodes {
			if t, ok := n.next(); ok && t < at {
				at, what = t, n.round
			}
		}
		if len(events) > 0 && events[0].At <= at {
			e := events[0]
			at, what = e.At, func() {
				events = events[1:]
				w.do(e)
			}
		}
		if len(w.wire) > 0 && w.wire[0].at <= at {
			at, what = w.wire[0].at, w.arrive
		}
		w.now = max(w.now, at)
		w.before()
		if w.violation != nil || w.now == w.End && len(events) == 0 {
			break
		}
		what()
		w.after()
	}
	w.stats.Virtual = w.now
	return Result{w.trace.hash, w.violation, w.stats}
}

// do makes an event happen.
func (w *world) do(e Event) {
	w.trace.event(w.now, e)
	w.disturbed()
	if e.Kind == Heal {
		w.healed = true
		for _, l := range w.links {
			l.cut = false
		}
	}
	if e.Kind == Cut || e.Kind == Mend {
		if l := w.routes[e.Router][e.To]; l != nil {
			l.cut = e.Kind == Cut
		}
	}
	w.stats.Kinds[e.Kind]++
	if e.Kind >= Cut {
		return
	}
	if e.Router != WhoeverIsMaster {
		w.nodes[e.Router].do(e)
	} else if i := slices.IndexFunc(w.nodes, (*node).reigns); i >= 0 {
		w.nodes[i].do(e)
	}
}

// send puts an advert on every link of its sender.
func (w *world) send(from *node, a vrrp.Advert) {
	w.stats.Sent++
	for _, to := range w.nodes {
		l := w.routes[from.id][to.id]
		switch {
		case l == nil || l.cut || !w.healed && w.chance(l.Loss):
			w.stats.Lost++
			continue
		case w.chance(l.Dup):
			w.stats.Doubled++
			w.put(l, to, a)
		}
		w.put(l, to, a)
	}
}

func (w *world) put(l *link, to *node, a vrrp.Advert) {
	at := w.now + l.Delay + w.upTo(l.Jitter)
	if !w.healed && w.chance(l.Held) {
		at += w.upTo(l.HeldD)
	}
	if at < l.arrived {
		w.stats.Overtaken++
	}
	l.arrived = max(l.arrived, at)
	i := len(w.wire)
	for i > 0 && w.wire[i-1].at > at {
		i--
	}
	w.wire = slices.Insert(w.wire, i, frame{at, to, a})
}

func (w *world) arrive() {
	f := w.wire[0]
	w.wire = slices.Delete(w.wire, 0, 1)
	w.stats.Delivered++
	f.to.arrive(f.Advert)
}

func (w *world) chance(percent int) bool { return percent > 0 && w.rng.IntN(100) < percent }

// upTo is a duration from 0 to d.
func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d) + 1)) }
