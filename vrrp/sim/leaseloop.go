package sim

import (
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// wake lets the process run soon.
func (h *leased) wake(soon time.Duration) {
	if h.m != nil && !h.woken && len(h.steps) == 0 {
		h.woken, h.runs = true, h.now+soon
	}
}

// wakes is when the process makes its next step.
func (h *leased) wakes() (time.Duration, bool) {
	if len(h.steps) > 0 {
		return h.runs, true
	}
	at, ok := h.runs, h.woken
	if h.m.State() == vrrp.Master || h.KernelTakeovers {
		if t := h.renewed + h.Renew; !ok || t < at {
			at, ok = t, true
		}
	}
	if _, listens := h.m.Listening(); listens {
		due, _ := h.m.Deadline()
		if t := moment(due); !ok || t < at {
			at, ok = t, true
		}
	}
	return at, ok
}

// step makes one step of the loop's round. The process may be stopped after it.
func (h *leased) step() {
	if len(h.steps) == 0 {
		h.woken = false
		h.round()
	} else {
		f := h.steps[0]
		h.steps = h.steps[1:]
		f()
	}
	if h.m == nil {
		return
	}
	if len(h.steps) == 0 {
		if h.holding != (h.m.State() == vrrp.Master) {
			h.violate(h.id, VIPs, "%v, holding the addresses: %v", h.m.State(), h.holding)
		}
		if len(h.ring) > 0 {
			h.wake(0)
		}
	}
	h.runs = max(h.now, h.runs) + h.upTo(20*time.Microsecond)
	if h.now < h.Quiet && h.rng.IntN(100) < h.Stops {
		stop := h.upTo(h.Stop)
		if h.Short {
			stop = min(stop, max(0, h.Lease-h.Renew-h.Wake-time.Millisecond-h.stopped))
		}
		stop = min(stop, max(0, h.Quiet-h.runs))
		h.stopped += stop
		h.runs += stop
		h.stats.Stops++
		h.say("stops for %v", stop)
		if len(h.steps) == 0 {
			h.woken = true // it is the round to come that waits
		}
	}
}

// round is daemon.loop's: the lease, what came, the deadline.
func (h *leased) round() {
	t := h.now
	h.steps = h.steps[:0]
	if h.wrong != drainFirst {
		h.look()
	}
	h.then(func() {
		h.renewed, h.ran, h.stopped = t, t, 0
		if h.wrong == lateStamp {
			h.renewed = h.now
		}
	})
	h.then(func() { h.drain(t) })
}

// then is a step that follows those of the round so far.
func (h *leased) then(f func()) { h.steps = append(h.steps, f) }

// look has a MASTER whose lease is over give way, and one that was paused listen.
// True: it did.
func (h *leased) look() bool {
	_, listens := h.m.Listening()
	switch {
	case h.m.State() == vrrp.Backup && (h.gate >= gateYielded || h.gate == gateOpen && h.now-h.renewed > h.Lease):
		h.stats.Void++
		h.owes = false
		h.ends(h.rest())
	case h.m.State() != vrrp.Master:
	case h.now-h.renewed > h.Lease || h.gate == gateLapsed:
		h.stats.Lapsed++
		h.act(instant(h.now), vrrp.Lapsed{Away: h.now - h.renewed, Lease: h.Lease})
		return true
	case !listens && h.gate != gateYielded && h.now-h.sent >= 3*h.Interval:
		h.ends(gateHalted)
		h.act(instant(h.now), vrrp.Paused{Since: instant(h.sent), Length: h.now - h.sent, Seen: instant(h.seen)})
		if h.m.State() == vrrp.Backup {
			h.stats.Succeeded++
		}
		return true
	}
	return false
}

// rest is the gate of a BACKUP.
func (h *leased) rest() yardGate {
	if h.KernelTakeovers {
		return gateArmed
	}
	return gateShut
}

// drain makes a step of each event, in the order of their stamps.
func (h *leased) drain(t time.Duration) {
	events := h.ring
	h.ring = nil
	if h.kept != 0 {
		i := len(events)
		for i > 0 && events[i-1].at > h.kept {
			i--
		}
		events = slices.Insert(slices.Clone(events), i, yardEvent{heardAdvert, h.kept, h.rule})
		h.kept = 0
	}
	for _, e := range events {
		h.then(func() { h.take(e) })
	}
	h.then(func() { h.expire(t) })
	h.then(h.sync)
}

func (h *leased) take(e yardEvent) {
	if h.wrong != drainFirst {
		h.look()
	}
	switch e.kind {
	case heardAdvert:
		h.act(instant(e.at), vrrp.Heard{Advert: e.Advert})
	case wasTaken:
		if h.gate == gateOpen && h.m.State() == vrrp.Backup {
			h.act(instant(e.at), vrrp.Timer{})
		}
	}
}

// expire steps the deadline of a BACKUP, and the end of listening.
func (h *leased) expire(t time.Duration) {
	h.look()
	if h.m.State() == vrrp.Backup && h.now-h.renewed > h.Lease {
		h.renewed, h.ran = h.now, h.now // who takes over does so with a lease
	}
	_, listens := h.m.Listening()
	due, ok := h.m.Deadline()
	if !ok || due > instant(t) || h.m.State() == vrrp.Master && !listens || h.deadline() > t && h.m.State() == vrrp.Backup {
		return
	}
	if listens {
		h.stats.Survived++
	} else {
		h.stats.Down++
	}
	h.act(instant(t), vrrp.Timer{})
}

// act steps the machine. The gate is shut in the step, and opened before the frames
// leave, which is a step of its own.
func (h *leased) act(at vrrp.Instant, in vrrp.Input) {
	from := h.m.State()
	_, listened := h.m.Listening()
	out := h.m.Step(at, in, nil)
	_, listens := h.m.Listening()
	to := h.m.State()
	if from == vrrp.Master && to != from {
		h.owes = false
		h.ends(h.rest())
	}
	if to == vrrp.Master && (from != to || listened && !listens) && h.gate != gateOpen {
		due, _ := h.m.Deadline()
		h.owes = false
		h.gate, h.due, h.sent = gateOpen, max(moment(due), h.now), h.now
		h.say("opens its gate")
	}
	if from != to && from != vrrp.Init {
		h.transition(to)
	}
	var frames []uint8
	announce := false
	for _, e := range out {
		switch e := e.(type) {
		case vrrp.Transition:
			h.say("%v -> %v: %v", e.From, e.To, e.Reason)
		case vrrp.SendAdvert:
			frames = append(frames, e.Priority)
		case vrrp.Announce:
			announce = true
		case vrrp.TakeVIPs:
			h.holding = true
		case vrrp.ReleaseVIPs:
			h.holding = false
		}
	}
	if len(frames) > 0 || announce {
		h.steps = slices.Insert(h.steps, 0, func() { h.flush(frames) })
	}
}

func (h *leased) transition(to vrrp.State) {
	if to == vrrp.Master {
		h.stats.Takeover++
		for _, o := range h.hosts {
			if o != h && o.m != nil && o.m.State() == vrrp.Master {
				h.stats.TwoMasters++
			}
		}
	}
	if h.Short && h.now > 3*(h.longest()+h.Lease) { // all have begun by then
		h.violate(h.id, Steady, "became %v", to)
	}
}

// flush hands over the frames of a step, unless they have become untrue.
func (h *leased) flush(frames []uint8) {
	if h.m.State() == vrrp.Master && (h.gate != gateOpen || h.now-h.renewed > h.Lease || h.now-h.sent >= 3*h.Interval) {
		h.stats.Stale++
		return
	}
	for _, p := range frames {
		h.send(p)
	}
	h.announces()
}

// sync tells the kernel what the machine wants now.
func (h *leased) sync() {
	h.rule, _, h.keeps = h.m.Accepted()
	due, ok := h.m.Deadline()
	if !ok || h.m.State() != vrrp.Backup {
		h.armed = false
		return
	}
	if h.gate != gateOpen {
		h.gate, h.owes = h.rest(), false
	}
	h.at, h.down, h.skew, h.armed = moment(due), h.m.MasterDown(), h.m.Skew(), true
	h.armedAt = h.now
	h.sleep()
}
