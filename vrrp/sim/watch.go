package sim

import (
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// watch is what the invariants of the LAN as a whole remember. Those of one
// router are its oracle's. Times are of the simulation's clock.
type watch struct {
	violation *Violation // the first

	settling time.Duration // how long the LAN may take to settle
	quiet    time.Duration // since then nothing has been done to it
	settled  bool          // and was found so since

	inGap  bool
	gap    time.Duration // no MASTER runs since then
	landed time.Duration // when the last advert arrives that was under way
}

func (w *world) startWatch() {
	w.inGap = true
	var interval, delivery, wake time.Duration
	adverts := 0
	for _, r := range w.Routers {
		interval, wake, adverts = max(interval, r.Interval), max(wake, r.Wake), max(adverts, r.Adverts)
	}
	for _, l := range w.Links {
		delivery = max(delivery, l.Delay+l.Jitter)
	}
	down := time.Duration(adverts)*interval + max(interval, time.Duration(3-w.Version)*time.Second)
	// Somebody takes over; who preempts him takes his own master-down time; who
	// is better than both tells them with his next advert.
	w.settling = slow(2*(down+delivery)+interval) + 4*wake
}

// slow is d by a clock that is as slow as any.
func slow(d time.Duration) time.Duration { return d + d/500 + 2 }

// violate records the first violation; n is nil when it is the LAN's.
func (w *world) violate(n *node, broke Invariant, format string, args ...any) {
	if w.violation != nil || w.only != "" && broke != w.only {
		return
	}
	w.violation = &Violation{w.now, -1, broke, fmt.Sprintf(format, args...)}
	if n != nil {
		w.violation.Router = n.id
	}
	w.trace.line(w.now, "!! %v", w.violation)
}

// disturbed: something is about to be done to the LAN.
func (w *world) disturbed() {
	w.quiet, w.settled = w.lands(), false
	for _, l := range w.links {
		l.rivals = false
	}
}

// lands is when the last advert that is under way arrives.
func (w *world) lands() time.Duration {
	if len(w.wire) == 0 {
		return w.now
	}
	return w.wire[len(w.wire)-1].at
}

// before looks, as something is about to happen, for what should have
// happened.
func (w *world) before() {
	for _, n := range w.nodes {
		if n.runs() {
			n.overdue(n)
			if w.inGap && n.State() == vrrp.Backup {
				w.checkGap(n)
			}
		}
	}
	for _, l := range w.links {
		if !l.rivals {
			continue
		}
		better, worse := w.nodes[l.From], w.nodes[l.To]
		if most := slow(better.Interval+better.Wake+worse.Wake) + l.Delay + l.Jitter; w.now-l.since > most {
			w.violate(worse, TwoMasters, "a MASTER beside r%d for %v, want at most %v", better.id+1, w.now-l.since, most)
		}
	}
}

// checkGap: a BACKUP takes over from nobody in its master-down time after the
// last advert that can have been under way.
func (w *world) checkGap(n *node) {
	from := max(n.read(w.landed), n.since, n.resumed)
	if over := n.read(w.now).Sub(from.Add(n.down(n) + n.slack())); over > 0 {
		w.violate(nil, Gap, "no MASTER for %v, %v too long for r%d", w.now-w.gap, over, n.id+1)
	}
}

// after looks at what the LAN has come to.
func (w *world) after() {
	masters := w.masters()
	switch {
	case masters > 0:
		w.inGap = false
	case !w.inGap:
		w.inGap, w.gap, w.landed = true, w.now, w.lands()
		w.stats.Gaps++
	default: // a process may rule and leave in one wake
		w.landed = max(w.landed, w.lands())
	}
	w.findRivals()
	if w.now-w.quiet > w.settling && w.sound() {
		w.checkSettled(masters)
	}
}

// masters counts the MASTERs that run.
func (w *world) masters() (count int) {
	for _, n := range w.nodes {
		if n.reigns() {
			count++
		}
	}
	return count
}

// findRivals looks for links from a MASTER to a worse one.
func (w *world) findRivals() {
	for _, l := range w.links {
		better, worse := w.nodes[l.From], w.nodes[l.To]
		was := l.rivals
		l.rivals = better.reigns() && worse.reigns() && l.clean(w.healed) && better.beats(worse)
		if l.rivals && !was {
			l.since = w.now
		}
	}
}

// beats tells who of two MASTERs stays: the higher priority, then the higher
// address (RFC 9568 section 6.4.3).
func (n *node) beats(o *node) bool {
	return n.priority > o.priority || n.priority == o.priority && o.Addr.Less(n.Addr)
}

// sound tells whether nothing is wrong: all can hear each other, nobody is
// paused.
func (w *world) sound() bool {
	for _, l := range w.links {
		if !l.clean(w.healed) {
			return false
		}
	}
	for _, n := range w.nodes {
		if n.paused {
			return false
		}
	}
	return len(w.links) == len(w.nodes)*(len(w.nodes)-1)
}

func (w *world) checkSettled(masters int) {
	var master *node
	live := 0
	for _, n := range w.nodes {
		if n.runs() && (n.State() == vrrp.Master || n.State() == vrrp.Backup) {
			live++
			if n.State() == vrrp.Master {
				master = n
			}
		}
	}
	if masters != min(live, 1) {
		w.violate(nil, Settled, "%d MASTERs of %d routers", masters, live)
		return
	}
	for _, n := range w.nodes {
		if n.runs() && n.State() == vrrp.Backup && n.priority > master.priority &&
			(n.Preempt || n.priority == 255) {
			w.violate(n, Settled, "a BACKUP that should have preempted r%d", master.id+1)
		}
	}
	if !w.settled {
		w.settled = true
		w.stats.Settled++
	}
}
