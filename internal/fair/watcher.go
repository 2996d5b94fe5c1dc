package fair

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

const (
	// Threads are realtime again after holdLeast of punctual rounds, twice as much each
	// time that it was too early: they starved again within tooEarly.
	holdLeast = 2 * time.Second
	holdMost  = 64 * time.Second
	tooEarly  = time.Minute

	// The watch looks looksPerLimit times in the time that the loop may be away, and each
	// mostTick at least.
	looksPerLimit = 4
	mostTick      = 200 * time.Millisecond

	// ownLate is by how much the watch itself may be late without taking it that
	// others keep the CPUs.
	ownLate = 50 * time.Millisecond
	// again is when a late loop is looked at once more: a host that stood still runs
	// everything again in that time.
	again = 2 * time.Millisecond
)

// watcher is the process of the watch. What look uses each time is kept here, so that
// nothing is allocated while all is well.
type watcher struct {
	page    *page
	threads threads
	poll    []unix.PollFd
	timeout unix.Timespec
	read    [512]byte

	calm     vrrp.Instant  // since when all has been on time, while the threads are SCHED_OTHER
	promoted vrrp.Instant  // when they were made realtime again; 0: never yet
	hold     time.Duration // for how long all must be on time before
}

// look waits for the next time to look, looks, and does what is to be done. It tells
// whether the daemon lives.
func (w *watcher) look() bool {
	limit, fair := time.Duration(w.page.limit.Load()), w.page.fair.Load()
	if limit == 0 && !fair {
		return w.wait(-1)
	}
	tick := mostTick
	if limit > 0 {
		tick = min(tick, limit/looksPerLimit)
	}
	from := clock.Now()
	if !w.wait(tick) {
		return false
	}
	now := clock.Now()
	_, late := w.age()
	switch {
	case !fair && late:
		return w.help()
	case fair && (late || now.Sub(from)-tick > ownLate):
		w.calm = now
		w.threads.change(true) // what was being started meanwhile
	case fair && now.Sub(w.calm) > w.hold:
		if _, refused := w.threads.change(false); refused {
			w.calm = now // later, then
			break
		}
		w.promoted = now
		w.page.fair.Store(false)
	}
	return true
}

// help makes the threads SCHED_OTHER if that helps a loop that is late. It looks twice,
// since a thread that runs is seen as runnable too.
func (w *watcher) help() bool {
	if !w.threads.starved() {
		return true
	}
	if !w.wait(again) {
		return false
	}
	age, late := w.age()
	if !late || !w.threads.starved() {
		return true
	}
	now := clock.Now()
	w.hold = nextHold(w.hold, w.promoted, now)
	if did, _ := w.threads.change(true); did {
		w.page.age.Store(int64(age))
		w.page.fair.Store(true)
		w.page.changes.Add(1) // last: who sees it sees the others (Watch.Status)
		w.calm = now
	}
	return true
}

// age is how long ago the event loop ran, and whether that is too long.
func (w *watcher) age() (age time.Duration, late bool) {
	age = time.Duration(int64(clock.Now()) - w.page.beat.Load())
	limit := time.Duration(w.page.limit.Load())
	return age, limit > 0 && age > limit
}

// nextHold is the hold of threads that starve now.
func nextHold(hold time.Duration, promoted, now vrrp.Instant) time.Duration {
	if promoted == 0 || now.Sub(promoted) >= tooEarly {
		return holdLeast
	}
	return min(2*hold, holdMost)
}
