package daemon

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/fair"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// The kernel's advert clock sends for a process that does not run, for as long as
// its lease lasts. It is the event loop that renews the lease, because through the
// loop come the results of scripts, links and everything else by which a MASTER
// would give up: adverts that go on without it attest what was so a lease ago at
// most. Whoever finds the lease run out has been succeeded, or will be, and gives
// way before anything else.

// renewals is what the loop knows of its lease.
type renewals struct {
	pacer interface{ Renew(int64) } // nil: none are wanted
	last  atomic.Int64              // CLOCK_BOOTTIME in ns; 0 before the first
	due   vrrp.Instant              // of the next, should nothing wake the loop before
	look  bool                      // at all gates, in this round

	fair *fair.Watch // nil: no need
	told fair.Status
	lost bool // it does not run, and that was told
}

// A lease is renewed renewalsPerLease times in its time at least: a process that is
// stopped for less than three quarters of its lease, whenever, loses nothing. Each
// renewal wakes an idle process, and Go's monitor with it: some 80 context switches.
// Seen with a lease of one second, at 10 ms adverts, of one MASTER: 330 a second and
// 0.9 % of a CPU, where the thread sends 560 and 1.8 %; of a BACKUP whose kernel may
// take over 360, of another 2.
const renewalsPerLease = 4

// leastLease is below any lease: three intervals of 10 ms.
const leastLease = 30 * time.Millisecond

func boot() int64 { return clock.Read(unix.CLOCK_BOOTTIME) }

// away is how long ago the lease was renewed; for any goroutine.
func (n *renewals) away() time.Duration {
	last := n.last.Load()
	if last == 0 {
		return 0
	}
	return time.Duration(boot() - last)
}

// renewBy has the lease of a clock renewed. Where there is none nobody needs it, and
// the process is not woken for it; one that is being made anew is still one.
func (l *loop) renewBy(p interface {
	Renew(int64)
	Clock(owner string) (kernel bool, why string)
}) {
	if kernel, _ := p.Clock(""); kernel {
		l.renewals.pacer = p
	}
}

// renew renews the lease. Who has lost it by then gives way first, and with the
// reading by which that was decided: one that is stopped in between does not renew
// what has run out.
func (l *loop) renew() {
	n := &l.renewals
	n.fair.Beat()
	l.tellFair()
	if n.pacer == nil {
		return
	}
	t := boot()
	if last := n.last.Load(); last != 0 && time.Duration(t-last) > leastLease {
		l.lapse(time.Duration(t - last))
	}
	n.pacer.Renew(t)
	n.last.Store(t)
	if now := clock.Now(); now >= n.due {
		n.due, n.look = 0, true
		if every := l.renewEvery(); every > 0 {
			n.due = now.Add(every)
		}
	}
}

// lapse has every MASTER give way whose lease is shorter than the gap. All release
// their addresses before anything is told of the first.
func (l *loop) lapse(gap time.Duration) {
	var lost []*router
	for _, r := range l.routers {
		if r.lapsed(gap) && r.machine.State() == vrrp.Master {
			r.lapse(gap)
			lost = append(lost, r)
		}
	}
	for _, r := range lost {
		r.settle()
	}
	for _, r := range l.routers {
		if r.lapsed(gap) {
			r.lapseTakeover()
		}
	}
}

// renewEvery is how often the lease has to be renewed; 0 while the kernel sends
// nothing.
func (l *loop) renewEvery() (every time.Duration) {
	for _, r := range l.routers {
		if lease := r.inUse(); lease > 0 && (every == 0 || lease/renewalsPerLease < every) {
			every = lease / renewalsPerLease
		}
	}
	return every
}

// renewDue is when the loop has to wake up to renew; false for never.
func (l *loop) renewDue() (vrrp.Instant, bool) {
	n := &l.renewals
	var every time.Duration
	if n.pacer != nil {
		every = l.renewEvery()
	}
	n.fair.Need(fairNeed(every), l.owes())
	if every == 0 {
		n.due = 0
		return 0, false
	}
	if soonest := clock.Now().Add(every); n.due == 0 || n.due > soonest {
		n.due = soonest
	}
	return n.due, true
}

// inUse is the lease by which the kernel sends for the router, or may take over
// for it; 0 while it does not.
func (r *router) inUse() (lease time.Duration) {
	switch {
	case r.takeover.armed:
		return r.takeover.lease
	case r.machine.State() != vrrp.Master:
		return 0
	case r.advert.running:
		lease = r.advert.lease
	}
	for _, l := range r.lines {
		if l.running && l.lease > 0 && (lease == 0 || l.lease < lease) {
			lease = l.lease
		}
	}
	return lease
}

// lapsed tells whether a process that was away for so long has lost the router.
func (r *router) lapsed(gap time.Duration) bool {
	lease := r.inUse()
	if lease == 0 || gap <= lease {
		return false
	}
	return r.byKernel()
}

// byKernel tells whether the kernel sends on any line of the router. The thread
// stopped with the process, and looks for itself.
func (r *router) byKernel() bool {
	if kernel, _ := r.out.pacer.Clock(r.owner); kernel {
		return true
	}
	return slices.ContainsFunc(r.lines, func(l *line) bool {
		kernel, _ := r.out.pacer.Clock(l.owner)
		return l.running && kernel
	})
}

// lapse makes a MASTER whose lease has run out BACKUP, and leaves it to the caller
// to settle.
func (r *router) lapse(gap time.Duration) {
	lease := r.inUse()
	r.resumed = clock.Now()
	r.counted.lapsed++
	r.perform(r.resumed, vrrp.Lapsed{Away: gap, Lease: lease})
}

// clockEvent is the kernel's word that it does not send any more. The gate says so
// as long as nothing has been decided since.
func (l *loop) clockEvent(r *router, via *line, e *loader.Event) {
	owner := r.owner
	if via != nil {
		owner = via.owner
	}
	if r.machine.State() != vrrp.Master {
		return
	}
	switch gate := r.out.pacer.Gate(owner); {
	case e.Kind == loader.Lapsed && gate == loader.GateLapsed:
		r.lapse(e.Gap)
	case e.Kind == loader.Frozen && gate == loader.GateFrozen:
		r.giveWay()
	}
	r.settle()
}

const etherLen = 14

// lease is what the schedule of a MASTER has of it: how long the kernel may send
// without us, or 0 and why it sends nothing at all.
func (r *router) lease(frames [][]byte) (time.Duration, string) { return r.leaseOn(r.link, frames) }

// leaseOn is that of a schedule for the link l. The kernel's clock would count as sent what an
// interface drops for its length; to the thread it is an error.
func (r *router) leaseOn(l *link.Link, frames [][]byte) (time.Duration, string) {
	lease, why := r.cfg.LeaseTime()
	switch {
	case r.cfg.Pacer == config.PacerThread:
		return 0, "vrrpx_pacer thread"
	case why != "":
		return 0, why
	case r.paced != nil:
		return 0, "signed adverts are finished by the thread that sends them"
	case slices.ContainsFunc(frames, func(f []byte) bool { return len(f) > loader.MaxFrame }):
		return 0, loader.ErrLongFrame.Error()
	case l != nil && l.MTU > 0 && slices.ContainsFunc(frames, func(f []byte) bool { return len(f) > l.MTU+etherLen }):
		return 0, fmt.Sprintf("its adverts are longer than the MTU of %s, %d", l.Name, l.MTU)
	case slices.ContainsFunc(frames, netio.Unresolved):
		return 0, "the MAC of a unicast peer is not known"
	}
	return lease, ""
}

// pacedBy is who sends the router's adverts, or would, and why not the kernel.
func (r *router) pacedBy() (kernel bool, why string) {
	if _, why := r.lease(r.advert.frames); why != "" {
		return false, why
	}
	return r.out.pacer.Clock(r.owner)
}

// pacerView is that for status.
func (r *router) pacerView() (pacer, why string, lease stats.Seconds) {
	kernel, why := r.pacedBy()
	if !kernel {
		return "thread", why, 0
	}
	d, _ := r.lease(r.advert.frames)
	return "kernel clock", "", stats.Seconds(d)
}
