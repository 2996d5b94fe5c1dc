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
	// others keep the CPUs, and owedLate how long a loop that owes a round may take.
	ownLate  = 50 * time.Millisecond
	owedLate = 20 * time.Millisecond
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
	queue   *queue

	due      vrrp.Instant  // when there was something for the loop to do, as seen by one in time; 0: nothing
	busy     bool          // it ran while we waited last: it is looked at by time, lest it wake us each time
	since    vrrp.Instant  // since when it owes a round, as far as is known; 0: it does not
	calm     vrrp.Instant  // since when all has been on time, while the threads are SCHED_OTHER
	promoted vrrp.Instant  // when they were made realtime again; 0: never yet
	hold     time.Duration // for how long all must be on time before
}

// look waits for the next time to look, looks, and does what is to be done. It tells
// whether the daemon lives.
func (w *watcher) look() bool {
	limit, fair := time.Duration(w.page.limit.Load()), w.page.fair.Load()
	if limit == 0 && !fair && !w.page.owes.Load() {
		w.due, w.busy = 0, false
		return w.wait(-1)
	}
	tick := mostTick
	if limit > 0 {
		tick = min(tick, limit/looksPerLimit)
	}
	from, waited := clock.Now(), w.queue.waited()
	if limit == 0 && !fair && w.due == 0 && !w.busy {
		if !w.waitWork() {
			return false
		}
		tick = clock.Now().Sub(from)
	} else if !w.wait(tick) {
		return false
	}
	now := clock.Now()
	own := max(w.queue.waited()-waited, now.Sub(from)-tick)
	w.owe(from, now, own)
	_, late := w.age()
	switch {
	case !fair && late:
		return w.help()
	case fair && (late || own > ownLate):
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

// owe finds out since when the loop owes a round; own is by how much the watch was late itself.
// What keeps realtime threads from every CPU keeps the watch, too: that it was late says that
// there was something to do for so long. Where it was in time it waits for the next tick, since
// then the loop may be about to run, or do something long, or have its CPU taken by the host.
func (w *watcher) owe(from, now vrrp.Instant, own time.Duration) {
	beat := vrrp.Instant(w.page.beat.Load())
	w.busy, w.since = beat >= from, 0
	switch {
	case !w.page.owes.Load() || !w.work():
		w.due = 0
	case own >= owedLate:
		w.since = now.Add(-own)
	case w.due == 0 || beat >= w.due:
		w.due = now
	default:
		w.since = w.due
	}
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

// age is for how long the event loop has not run when it was to, and whether that is too long.
func (w *watcher) age() (age time.Duration, late bool) {
	now, beat := clock.Now(), vrrp.Instant(w.page.beat.Load())
	limit := time.Duration(w.page.limit.Load())
	if age = now.Sub(beat); limit > 0 && age > limit {
		return age, true
	}
	if w.since == 0 || beat >= w.since || !w.work() {
		return 0, false
	}
	age = now.Sub(w.since)
	return age, age >= owedLate
}

// nextHold is the hold of threads that starve now.
func nextHold(hold time.Duration, promoted, now vrrp.Instant) time.Duration {
	if promoted == 0 || now.Sub(promoted) >= tooEarly {
		return holdLeast
	}
	return min(2*hold, holdMost)
}
