package daemon

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// The loop behind a datapath that keeps adverts must end where a loop that
// hears each of them ends, whatever else comes.
//
//vrrp:row 34 43
func TestKeptFeedEqualsFullFeed(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		delay := time.Duration(rng.IntN(3)) * 50 * ms
		delayed := func(c *config.Router) { c.PreemptDelay = delay }
		keeping, hearing := newRig(t, true, delayed), newRig(t, false, delayed)
		hearing.r.stall.at = math.MaxInt64 // it lags, and so would wait; what the kernel keeps does not
		var at time.Duration
		for range 200 {
			at += time.Duration(rng.IntN(15_000)) * time.Microsecond
			priority := [...]uint8{200, 200, 200, 200, 200, 50, 0, 254}[rng.IntN(8)]
			lag := rng.IntN(3) == 0 // the loop does not get to run before the next advert
			fire(at, keeping, hearing)
			for _, g := range []*rig{keeping, hearing} {
				if g == hearing { // hears each by itself: the rule never matches
					r := g.path.rules[g.key]
					r.Elide = nil
					g.path.rules[g.key] = r
				}
				// The bound on answers is not the matter, and must not depend on
				// how long the test takes.
				g.r.now = func() vrrp.Instant { return g.t }
				g.r.advert.answered, g.r.advert.announced = 0, 0
				g.master(at, priority)
				if !lag {
					g.round(at)
					g.passed(at)
				}
			}
			if lag {
				continue
			}
			a, b := keeping.r.machine, hearing.r.machine
			if a.State() != b.State() || a.Since() != b.Since() {
				t.Fatalf("seed %d at %v: %v since %v with the kept feed, %v since %v with the full one",
					seed, at, a.State(), a.Since().Sub(keeping.t), b.State(), b.Since().Sub(hearing.t))
			}
		}
		for _, g := range []*rig{keeping, hearing} {
			g.round(at)
			g.passed(at)
		}
		if a, b := keeping.take(), hearing.take(); a != b {
			t.Fatalf("seed %d: did\n%s\nwith the kept feed and\n%s\nwith the full one", seed, a, b)
		}
	}
}

// fire is the clock up to at: whenever a deadline passes in one of the rigs,
// the kernel's or the loop's, the loops of all get to run.
func fire(at time.Duration, rigs ...*rig) {
	for {
		first := at + 1
		for _, g := range rigs {
			if due, ok := g.due(); ok {
				first = min(first, due.Sub(g.t))
			}
		}
		if first > at {
			return
		}
		for _, g := range rigs {
			g.passed(first)
			g.round(first)
			g.passed(first)
		}
	}
}

// due is the deadline that will wake the loop.
func (g *rig) due() (vrrp.Instant, bool) {
	if g.path.deadlines {
		return g.path.due(g.key)
	}
	return g.r.loopDeadline()
}

// passed is the kernel's timer for a deadline that had passed when it was armed.
func (g *rig) passed(at time.Duration) {
	if due, ok := g.path.due(g.key); ok && due <= g.at(at) {
		g.down(at)
		g.round(at)
	}
}
