package daemon

import (
	"fmt"
	"time"
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

// tellFair tells once when the threads have become ordinary ones, and when they are
// realtime again.
func (l *loop) tellFair() {
	n := &l.renewals
	now := n.fair.Status()
	if now == n.told {
		return
	}
	if now.Changes != n.told.Changes {
		l.log.Warn(fmt.Sprintf("the event loop was kept from running for %v beside realtime processes of higher priority: all threads are SCHED_OTHER until it has been on time for a while; adverts go on by the kernel's clock",
			now.Age.Round(time.Millisecond)))
	}
	if !now.Fair {
		l.log.Info("the event loop is on time: all threads are SCHED_RR again")
	}
	n.told = now
}
