package daemon

import (
	"fmt"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A MASTER that sent nothing for a master-down interval, because its process or its
// host did not run, may have been succeeded. vrrp.Paused has it say nothing until it
// has found out. It is asked for before each step, since who was stopped anywhere
// wakes up there; pacer and announcer look for themselves before each frame.

// down is the silence after which another may have taken over: the shortest
// master-down interval that a BACKUP can have, since with nopreempt a better one may
// be behind us.
func (r *router) down() time.Duration {
	c := r.machine.Config()
	return time.Duration(c.DownAdverts) * c.Interval
}

// pause steps a MASTER that was paused, if it was, and leaves it to the caller to
// settle.
func (r *router) pause() {
	p, paused := r.out.pacer.Paused(r.owner)
	sends := r.advert.running && !paused
	var stuck []*line
	for _, l := range r.lines {
		q, linePaused := r.out.pacer.Paused(l.owner)
		switch {
		case linePaused:
			stuck = append(stuck, l)
			if q.Since > p.Since {
				p = q
			}
		case l.running:
			sends = true
		}
	}
	if sends { // one that does keeps all in office; settling begins the others again
		if paused {
			r.out.pacer.Stop(r.owner)
			r.advert.running = false
		}
		for _, l := range stuck {
			l.stop()
		}
		return
	}
	r.resumed = clock.Now()
	r.counted.paused++
	r.cancelAnnouncing()
	r.stopAdverts()
	r.perform(r.resumed, vrrp.Paused{Since: p.Since, Length: p.Length, Seen: r.lastSeen()})
	if _, listening := r.machine.Listening(); listening {
		due, _ := r.machine.Deadline()
		r.log.Warn(fmt.Sprintf("(%s) sent nothing for %v, longer than the master-down interval of the others: listening for %v before saying anything",
			r.cfg.Name, p.Length.Round(time.Millisecond), due.Sub(r.resumed).Round(time.Millisecond)))
	}
}

// lastSeen is when the datapath last saw an advert of another on any line.
func (r *router) lastSeen() (at vrrp.Instant) {
	if r.link != nil {
		if s, err := r.link.Path.State(r.key); err == nil {
			at = s.LastSeen
		}
	}
	for _, l := range r.lines {
		if l.link != nil {
			if s, err := l.link.Path.State(l.key); err == nil {
				at = max(at, s.LastSeen)
			}
		}
	}
	return at
}

// onPaused is the pacer's word, on its thread.
func (r *router) onPaused(time.Duration) {
	r.out.post(func() {
		r.giveWay()
		r.settle()
	})
}

// listenDue is when a MASTER that listens has done so for long enough.
func (r *router) listenDue() (vrrp.Instant, bool) {
	if _, listening := r.machine.Listening(); !listening {
		return 0, false
	}
	return r.machine.Deadline()
}

// listened has MASTERs go on that have heard nobody since they were paused. All
// adverts that came have been stepped.
func (l *loop) listened(t vrrp.Instant) {
	for _, r := range l.routers {
		if due, ok := r.listenDue(); ok && t >= due {
			r.goOn(t)
		}
	}
}

func (r *router) goOn(t vrrp.Instant) {
	pause, _ := r.machine.Listening()
	r.perform(t, vrrp.Timer{})
	if _, again := r.machine.Listening(); !again && r.machine.State() == vrrp.Master {
		r.counted.survived++
		r.rememberPause(t, pause)
		r.log.Info(fmt.Sprintf("(%s) survived a pause of %v: nobody has taken over; MASTER still, addresses announced again", r.cfg.Name, pause.Round(time.Millisecond)))
	}
	r.settle()
}

// hold is the announcer's question: whether the router may be MASTER no more. One
// line that sends keeps it in office, as in pause; a lease is that of all.
func (r *router) hold() func() bool {
	pacer, away, owners, limited := r.out.pacer, r.out.away, []string{r.owner}, r.cfg.ExpiredBackup != 0
	down, lease := r.down(), r.leaseOfAll()
	for _, l := range r.lines {
		owners = append(owners, l.owner)
	}
	return func() bool {
		if limited {
			if _, overdue := pacer.Overdue(owners[0]); overdue {
				return true
			}
		}
		paused, sends, kernel := false, false, false
		for _, owner := range owners {
			p, is := pacer.Paused(owner)
			gate := pacer.Gate(owner)
			switch {
			case gate == loader.GateLapsed || gate == loader.GateYielded:
				return true
			case is || gate == loader.GateFrozen:
				paused = true
			case p.Since > 0 && p.Length < down:
				sends = true // or has until just now
			}
			by, _ := pacer.Clock(owner)
			kernel = kernel || by
		}
		return paused && !sends || kernel && lease > 0 && away != nil && away() > lease
	}
}

// pacing is the schedule that the pacer was last given.
type pacing struct {
	running bool
	next    vrrp.Instant // the machine's next slot, which a pacer keeps from there on
	first   vrrp.Instant // the slot that the pacer was told of
	every   time.Duration
	lease   time.Duration // by which the kernel sends; 0: it does not
}

// start notes a schedule that the pacer is about to be given, and returns the slot to
// tell it of. That is the machine's, but for one that was stopped since, or goes to
// another pacer: what passed meanwhile is no pause.
func (p *pacing) start(next vrrp.Instant, every, lease time.Duration) vrrp.Instant {
	now := clock.Now()
	switch {
	case next != p.next || every != p.every:
		p.first = next
	case p.running && (lease > 0) == (p.lease > 0): // goes on
	case p.first <= now && every > 0:
		p.first = p.first.Add((now.Sub(p.first)/every + 1) * every)
	}
	p.running, p.next, p.every, p.lease = true, next, every, lease
	return p.first
}

func listening(m *vrrp.Machine) bool {
	_, is := m.Listening()
	return is
}

// stale tells of frames of a MASTER that was stopped between their making and here,
// for longer than the lease: they may be untrue, and the next round has it give way.
// So are those of one whose gate the kernel has shut, for a better advert that is on
// the ring yet.
func (r *router) stale() bool {
	if !r.queued() || r.machine.State() != vrrp.Master || r.out.away == nil {
		return false
	}
	if r.shut() {
		return true
	}
	lease := r.leaseOfAll()
	return lease > 0 && r.out.away() > lease && r.byKernel()
}

// shut tells whether what would be sent is not to be: since the lease is over, or a better MASTER
// was heard, or because all lines are paused. One that sends keeps all in office, as in pause.
func (r *router) shut() bool {
	paused, sends := false, false
	for _, owner := range r.sending() {
		_, is := r.out.pacer.Paused(owner)
		switch gate := r.out.pacer.Gate(owner); {
		case gate == loader.GateLapsed || gate == loader.GateYielded:
			return true
		case is || gate == loader.GateFrozen:
			paused = true
		default:
			sends = true
		}
	}
	return paused && !sends
}

// sending are the lines on which the router's adverts are the pacer's, as it knows them.
func (r *router) sending() (owners []string) {
	if r.advert.running {
		owners = append(owners, r.owner)
	}
	for _, l := range r.lines {
		if l.running {
			owners = append(owners, l.owner)
		}
	}
	return owners
}

// queued tells whether there is something to send on any line.
func (r *router) queued() bool {
	return len(r.advert.queue[adverts])+len(r.advert.queue[firstGARPs]) > 0 ||
		slices.ContainsFunc(r.lines, func(l *line) bool { return len(l.queue) > 0 })
}

// leaseOfAll is the shortest that the router's adverts would have on any line; 0 for none.
func (r *router) leaseOfAll() time.Duration {
	lease, _ := r.lease(r.advert.frames)
	for _, l := range r.lines {
		if of, _ := r.leaseOn(l.link, l.frames); of > 0 && (lease == 0 || of < lease) {
			lease = of
		}
	}
	return lease
}

// forgetStale drops what is queued when it is.
func (r *router) forgetStale() {
	if r.stale() {
		r.dropQueue()
	}
}

// dropQueue drops what is queued.
func (r *router) dropQueue() {
	a := &r.advert
	a.clear(adverts)
	a.clear(firstGARPs)
	a.beside = false
	for _, l := range r.lines {
		clear(l.queue)
		l.queue = l.queue[:0]
	}
}
