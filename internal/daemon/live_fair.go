package daemon

import (
	"fmt"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/fair"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A loop that has missed its renewal is given the share of ordinary threads (package fair)
// after fairAfter times one of its renewalsPerLease periods. What the kernel keeps for ordinary
// threads beside realtime loops comes once in a second, so the first of it must do: with
// the lease of 2 s the loop is 0.75 s late then, and 1.45 s at most when it runs.
// A shorter lease it cannot save, and the shorter the limit the more often is it another's doing
// that the loop is late: no need, then.
const (
	fairAfter = 3.0 / 2
	fairLease = 2 * time.Second
)

// fairNeed is how long the loop may be away where the lease is renewed that often; 0 for as long as
// it likes.
func fairNeed(every time.Duration) time.Duration {
	if renewalsPerLease*every < fairLease {
		return 0
	}
	return time.Duration(fairAfter * float64(every))
}

// owes tells whether the loop is to run whenever it is woken, whoever has the CPUs: for a BACKUP,
// whose deadline may have passed. Not where a MASTER's adverts leave from the thread: that would
// be one for the moments that ordinary threads are given, and its successor in between.
func (l *loop) owes() bool {
	waits := func(r *router) bool {
		_, waits := r.deadline()
		return waits && r.machine.State() == vrrp.Backup
	}
	byThread := func(r *router) bool { return r.machine.State() == vrrp.Master && !r.byKernel() }
	return slices.ContainsFunc(l.routers, waits) && !slices.ContainsFunc(l.routers, byThread)
}

// watchedBy has the loop watched, by what wakes it for a deadline.
func (l *loop) watchedBy(w *fair.Watch) {
	l.fair = w
	for _, p := range l.paths {
		l.watched(p.FD())
	}
	l.watched(l.timer)
}

func (l *loop) watched(fd int) {
	if err := l.fair.Wakes(fd); err != nil {
		l.log.Warn("beside realtime loops of others on every CPU a BACKUP may take over late: " + err.Error())
	}
}

// tellFair tells once when the threads have become ordinary ones, when they are realtime
// again, and when nobody watches that any more.
func (l *loop) tellFair() {
	n := &l.renewals
	if n.fair != nil && !n.lost && !n.fair.Watched() {
		n.lost = true
		l.log.Warn("the process vrrpx-fair has ended: beside realtime loops of others on every CPU this one will not run, until it is started anew")
	}
	now := n.fair.Status()
	if now == n.told {
		return
	}
	if now.Changes != n.told.Changes {
		l.log.Warn(fmt.Sprintf("the event loop was kept from running for %v beside realtime processes of higher priority: all threads are SCHED_OTHER until it has been on time for a while",
			now.Age.Round(time.Millisecond)))
	}
	if !now.Fair {
		l.log.Info("the event loop is on time: all threads are SCHED_RR again")
	}
	n.told = now
}
