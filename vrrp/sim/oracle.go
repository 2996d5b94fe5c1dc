package sim

import (
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// oracle is what one router must do by the letter of RFC 9568 section 6.4,
// from the adverts that arrived at it. It shares no code with the machine: it
// reads what came, at the stamp at which it came, and looks at what the router
// did of it. Instants are of the router's clock.
type oracle struct {
	priority uint8 // the effective one

	follows  bool // BACKUP, or MASTER that must become it for an advert that came
	base     vrrp.Instant
	interval time.Duration // the master's, as learned
	released bool

	slot     vrrp.Instant // MASTER: the next advert of the schedule
	lastSent vrrp.Instant
	yieldBy  vrrp.Instant // MASTER: a better advert came then; 0: none
	answerBy vrrp.Instant // a release or a losing advert came then, to be answered; 0: none
	answered vrrp.Instant // stamp of the last losing advert that was

	holding bool         // the addresses
	resumed vrrp.Instant // when the process last went on after a pause
	since   vrrp.Instant // when it became BACKUP

	listening bool         // MASTER, after a pause: silent until slot
	silent    vrrp.Instant // its last advert before that
}

// slept is the process having heard all that came.
func (o *oracle) slept(n *node, t vrrp.Instant) {
	if o.listening && n.State() == vrrp.Master && 256*t.Sub(o.slot) >= o.own256(n) {
		o.slot = t.Add(o.listen(n)) // another pause on top
	}
}

// own256 is the master-down time of a router of our priority that hears us, times
// 256.
func (o *oracle) own256(n *node) time.Duration {
	unit := n.Interval
	if n.Version == 2 {
		unit = time.Second
	}
	return 256*time.Duration(n.Adverts)*n.Interval + (256-time.Duration(o.priority))*unit
}

// listen is an interval and the skew.
func (o *oracle) listen(n *node) time.Duration {
	return (o.own256(n) - 256*time.Duration(n.Adverts-1)*n.Interval) / 256
}

// lapse: a MASTER whose lease ran out gives way at once.
func (o *oracle) lapse(n *node, t vrrp.Instant) {
	o.yieldBy, o.answerBy, o.listening = t, 0, true // and says nothing
	o.replay(n, t)
}

// pause: so does one that was silent for a master-down time, where an advert has
// come meanwhile; else it listens.
func (o *oracle) pause(n *node, t vrrp.Instant) {
	o.listening, o.silent, o.answerBy, o.answered, o.yieldBy = true, o.lastSent, 0, 0, 0
	if n.seen > o.lastSent || o.follows { // or a better one waits from before
		o.yieldBy = t
		o.replay(n, t)
		return
	}
	o.slot = t.Add(o.listen(n))
}

// replay is what waits for the process, to a BACKUP that it became at t.
func (o *oracle) replay(n *node, t vrrp.Instant) {
	o.follow(n, t, n.Interval)
	for _, a := range n.queue {
		o.arrival(n, max(a.at, t), a.Advert)
	}
}

// arrival is a good advert reaching the router's kernel.
func (o *oracle) arrival(n *node, at vrrp.Instant, a vrrp.Advert) {
	switch {
	case n.State() != vrrp.Backup && n.State() != vrrp.Master:
	case o.follows && a.Priority == 0:
		if !o.released {
			o.released, o.base = true, at
		}
	case o.follows:
		if a.Priority >= o.priority || !n.Preempt && o.priority != 255 {
			o.follow(n, at, a.Interval)
		}
	case o.listening && a.Priority == 0:
	case o.listening:
		o.yieldBy = at
		o.follow(n, at, n.Interval)
		o.arrival(n, at, a)
	case a.Priority == 0:
		o.answerBy = at
	case a.Priority > o.priority || a.Priority == o.priority && n.Addr.Less(a.Src):
		o.yieldBy, o.answerBy = at, 0
		o.follow(n, at, a.Interval)
	case n.Reply && o.answerBy == 0 && 2*at.Sub(o.lastSent) >= n.Interval:
		o.answerBy = at
	}
}

// follow starts the master-down timer.
func (o *oracle) follow(n *node, at vrrp.Instant, interval time.Duration) {
	if n.Version == 2 || interval > maxLearn*n.Interval {
		interval = n.Interval
	}
	o.follows, o.base, o.interval, o.released = true, at, interval, false
}

// wait256 is how long a BACKUP waits from base, times 256 so that it is exact.
func (o *oracle) wait256(n *node) time.Duration {
	unit := o.interval
	if n.Version == 2 {
		unit = time.Second
	}
	skew := (256 - time.Duration(o.priority)) * unit
	if o.released {
		return skew
	}
	return 256*time.Duration(n.Adverts)*o.interval + skew
}

// down is the same as a duration that is not too short.
func (o *oracle) down(n *node) time.Duration { return o.wait256(n)/256 + 1 }

// step is the router doing something of its own.
func (o *oracle) step(n *node, at vrrp.Instant, from vrrp.State, in vrrp.Input, out []vrrp.Effect) {
	to := n.State()
	owns := false // it came to own the addresses, which waits for nobody
	if p, ok := in.(vrrp.SetPriority); ok {
		owns = p.Priority == 255 && o.priority != 255
		o.priority = p.Priority
	}
	_, timer := in.(vrrp.Timer)
	if _, granted := in.(vrrp.Permit); granted {
		timer = true // that asked
	}
	sent := -1
	for _, e := range out {
		switch e := e.(type) {
		case vrrp.SendAdvert:
			sent = int(e.Priority)
			if to == vrrp.Master && e.Priority != o.priority || to != vrrp.Master && (e.Priority != 0 || from != vrrp.Master) {
				n.violate(n, Schedule, "%v, and sent priority %d", to, e.Priority)
			}
			o.sends(n, at, from, in)
		case vrrp.TakeVIPs:
			o.vips(n, true)
		case vrrp.ReleaseVIPs:
			o.vips(n, false)
		}
	}
	if o.holding != (to == vrrp.Master) {
		n.violate(n, VIPs, "%v, holding the addresses: %v", to, o.holding)
	}
	if from == vrrp.Master && to != vrrp.Master && to != vrrp.Backup && (sent == 0) == o.listening {
		n.violate(n, Farewell, "left MASTER, priority 0 sent: %v, silent: %v", sent == 0, o.listening)
	}
	if from == to {
		return
	}
	o.listening = false
	switch {
	case to == vrrp.Master:
		if sent < 0 {
			n.violate(n, Schedule, "became MASTER without an advert")
		}
		if n.masters() > 1 {
			n.stats.TwoMasters++
		}
		if from == vrrp.Backup {
			n.stats.Takeovers++
			if waited := at.Sub(o.base); !owns && (!timer || 256*(waited+1) < o.wait256(n)) {
				n.violate(n, Early, "took over %v after the last advert that counts, want %v", waited, o.down(n))
			}
		}
		o.slot, o.yieldBy, o.answerBy, o.answered, o.follows = at.Add(n.Interval), 0, 0, 0, false
	case to == vrrp.Backup && from == vrrp.Master:
		n.stats.Deposed++
		if o.yieldBy == 0 {
			n.violate(n, Deposed, "stepped down, and no better advert had come")
		}
		o.yieldBy, o.answerBy, o.since = 0, 0, n.read(n.now)
	case to == vrrp.Backup:
		o.since = n.read(n.now)
		o.follow(n, at, n.Interval)
	default:
		if from == vrrp.Master {
			n.stats.Farewells++
		}
		o.yieldBy, o.answerBy, o.follows = 0, 0, false
	}
}

// sends checks an advert against the schedule: slots an interval apart from
// the takeover on, which only a release sets anew.
func (o *oracle) sends(n *node, at vrrp.Instant, from vrrp.State, in vrrp.Input) {
	o.lastSent, o.answerBy = n.read(n.now), 0
	if from != vrrp.Master {
		return
	}
	switch in := in.(type) {
	case vrrp.Timer:
		if at < o.slot {
			n.violate(n, Schedule, "sent %v before the slot", o.slot.Sub(at))
		}
		if o.listening {
			o.listening, o.slot = false, at.Add(n.Interval)
			n.stats.Survived++
			break
		}
		for o.slot <= at {
			o.slot = o.slot.Add(n.Interval)
		}
	case vrrp.Heard:
		if o.listening {
			n.violate(n, Answer, "answered while it listens")
		}
		if in.Priority == 0 {
			o.slot = at.Add(n.Interval)
			break
		}
		if o.answered != 0 && 2*at.Sub(o.answered) < n.Interval {
			n.violate(n, Answer, "answered again after %v", at.Sub(o.answered))
		}
		o.answered = at
	}
}

func (o *oracle) vips(n *node, take bool) {
	if o.holding == take {
		n.violate(n, VIPs, "taken: %v, twice", take)
	}
	o.holding = take
}

// overdue looks for what a router that runs should have done by now.
func (o *oracle) overdue(n *node) {
	now := n.read(n.now)
	late := func(due vrrp.Instant) (time.Duration, bool) {
		l := now.Sub(max(due, o.resumed).Add(n.slack()))
		return l, l > 0
	}
	switch n.State() {
	case vrrp.Backup:
		if l, bad := late(o.base.Add(o.down(n))); bad {
			n.violate(n, Late, "a BACKUP %v after its master-down time", l)
		}
	case vrrp.Master:
		if l, bad := late(o.yieldBy); bad && o.yieldBy != 0 {
			n.violate(n, TwoMasters, "a MASTER %v after a better advert", l)
		}
		if l, bad := late(o.answerBy); bad && o.answerBy != 0 {
			n.violate(n, Answer, "an advert unanswered for %v", l)
		}
		if l, bad := late(o.slot); bad && !o.follows {
			n.violate(n, Schedule, "an advert %v past its slot", l)
		}
	}
}

// slack is a wake by the router's clock, which may be fast, and rounding.
func (n *node) slack() time.Duration { return n.Wake + n.Wake/500 + 4 }
