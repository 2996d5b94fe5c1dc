package daemon

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A BACKUP whose host stood still (a VM paused or starved, a suspend) heard
// nothing in that time, and must not take its own deafness for the master's
// death: once in a silence it gives the master one more interval, and the skew.
// bpf/deadline.h does so for the deadlines that the kernel keeps; here it is done
// for those that the loop keeps. The loop cannot tell a host that stood still
// from a process that did, which costs the latter that time as well.

// stall is that of one router.
type stall struct {
	looked vrrp.Instant // the last of the times of firstLook that has passed
	at     vrrp.Instant // when the host was found to have stood still; 0: never
	until  vrrp.Instant // so long the master is waited for, if it was in this silence
}

// keptByLoop tells whether it is the loop that keeps a BACKUP's deadline.
func (r *router) keptByLoop() bool { return r.link != nil && !r.link.Path.Deadlines() }

// firstLook is when the loop looks whether it runs in time, before the deadline:
// an eighth of an interval after the last advert but one was due. A pause that
// hid all adverts of a master-down interval makes it late by seven eighths of an
// interval there or at the deadline. A release leaves no more than the skew: it
// cannot be looked for before it came.
func (r *router) firstLook(due vrrp.Instant) vrrp.Instant {
	return max(due.Add(-r.machine.Skew()-r.machine.LearnedInterval()*7/8), r.machine.Base())
}

// held is a deadline no earlier than a stall allows.
func (r *router) held(due vrrp.Instant) vrrp.Instant {
	if f := &r.stall; f.at != 0 && r.machine.Base() <= f.at {
		return max(due, f.until)
	}
	return due
}

// lookForStall is called when the loop has run at t for what was due at.
func (r *router) lookForStall(at, t vrrp.Instant) {
	r.stall.looked = max(r.stall.looked, at)
	r.overslept(t, t.Sub(at))
}

// overslept postpones the deadline when the host stood still for so long that
// most of an interval was not heard.
func (r *router) overslept(t vrrp.Instant, gap time.Duration) {
	f := &r.stall
	due, ok := r.deadline()
	if !ok || gap <= r.machine.LearnedInterval()*3/4 || f.at != 0 && r.machine.Base() <= f.at {
		return
	}
	until := t.Add(r.machine.LearnedInterval() + r.machine.Skew())
	if until <= due {
		return
	}
	f.at, f.until = t, until
	r.tellStall(gap)
}

// tellStall is also for a stall that the kernel has found.
func (r *router) tellStall(gap time.Duration) {
	r.counted.stalled++
	r.rememberStall(r.now(), gap)
	r.log.Warn(fmt.Sprintf("(%s) this host stood still for %v and heard nothing meanwhile: the master has another advert interval before it is taken for dead",
		r.cfg.Name, gap.Round(time.Millisecond)))
}

// nap is what the loop knows of a suspend of the host while it slept.
type nap struct {
	from      vrrp.Instant  // when it went to sleep
	suspended time.Duration // 0: it was not, or that has been seen to
}

// sleep is wait that knows whether the host was suspended meanwhile, which no
// reading of CLOCK_MONOTONIC tells.
func (l *loop) sleep(events []unix.EpollEvent) []unix.EpollEvent {
	if !slices.ContainsFunc(l.routers, (*router).keptByLoop) {
		return l.wait(events)
	}
	from, ahead := clock.Now(), clock.Suspended()
	events = l.wait(events)
	if gap := clock.Suspended() - ahead; gap > time.Millisecond { // less is between two readings
		l.nap = nap{from, gap}
	}
	return events
}

// awake takes note, at t, of a suspend that ended while the loop slept.
func (l *loop) awake(t vrrp.Instant) {
	for _, r := range l.routers {
		// Who was heard just before it has a whole master-down interval left.
		if r.keptByLoop() && r.machine.Base() <= l.nap.from {
			r.overslept(t, l.nap.suspended)
		}
	}
	l.nap = nap{}
}
