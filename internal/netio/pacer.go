package netio

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/sched"
	"github.com/vrrpx/vrrpx/vrrp"
)

// lateAfter is the lateness that counts.
const lateAfter = time.Millisecond

// Schedule is when and what a router advertises: at Next and every Interval
// from there, without drift.
type Schedule struct {
	Sender   Transmitter
	Frames   [][]byte      // of AdvertFrame, one for each destination; copied
	Interval time.Duration // above 0
	// Seal, if set, finishes each frame before it is sent: what differs from one
	// advert to the next, as a sequence number and a signature over it. It is
	// called on the pacer's thread and must not block.
	Seal func(frame []byte)
	// Limit is how long after its last advert the router may still send: by then
	// another may have taken over. The pacer, when it was held up for that long,
	// ends the schedule and calls HeldUp, on its thread, which must not block. 0:
	// no limit.
	Limit  time.Duration
	HeldUp func()
	// Down is how long after its last advert another may have taken over: the
	// master-down interval. A pacer that did not run for so long, by
	// CLOCK_BOOTTIME, suspends the schedule, sends nothing and calls Frozen, on its
	// thread, which must not block; Stop and a new Set end that. Limit, where it is
	// passed too, wins. 0: none.
	Down   time.Duration
	Frozen func(gap time.Duration)
	// The rest is for the kernel's advert clock, which package pace prefers where it
	// can be had; the thread ignores it. Frames leave by the interface Ifindex. Lease
	// is how long the kernel sends while the process does not renew the lease. Without
	// any of the three the thread sends.
	Router  RouterKey
	Ifindex int
	Lease   time.Duration
	// Reopen has the clock open a gate that the kernel has shut for a better advert, or a
	// stop: what did so has been judged.
	Reopen bool
	// Next is the first slot. Past ones are skipped but for the last, which is
	// sent at once. 0 means one interval from now.
	Next vrrp.Instant
}

// Pause is a time in which a MASTER sent nothing because it did not run.
type Pause struct {
	Since  vrrp.Instant  // its last advert
	Length time.Duration // by CLOCK_BOOTTIME, so that a suspended host counts
}

// RouterKey names a virtual router to the kernel: by the interface that hears its
// adverts, which is not always that by which it sends.
type RouterKey struct {
	Ifindex uint32
	VRID    uint8
	Family  vrrp.Family
}

// Pacer sends the adverts of every MASTER from a thread of its own, which does
// nothing else and waits for nothing else: realtime and in locked memory where
// permitted, on an absolute schedule of CLOCK_MONOTONIC. A stall of the
// event loop does not delay it, and a stall of the thread itself costs slots,
// which are counted and not made up for.
//
// Routers are named by their owner, as in a configuration. All methods are for
// any goroutine and are short.
type Pacer struct {
	line *timeline

	realtime, locked error

	mu     sync.Mutex
	byName map[string]*paced // until Forget: the counters outlive a mastership
	gone   PaceCounts        // of those forgotten
}

// PaceCounts are the counters of one router, since the process began.
type PaceCounts struct {
	Sent    uint64        // adverts handed to the interface
	Failed  uint64        // adverts that Send refused
	Late    uint64        // of either, those more than 1 ms past their slot
	MaxLate time.Duration // the worst
	Missed  uint64        // slots skipped because the thread did not run in time
}

// PacerStatus is the state of the thread, and the counters of all routers.
type PacerStatus struct {
	PaceCounts
	RealtimeErr error // nil: SCHED_RR granted, see sched.Realtime
	LockedErr   error // nil: memory locked
}

// paced is one router's advert. The fields below item are under its lock.
type paced struct {
	item
	given  Schedule      // as Set was told, but for the frames
	frames [][]byte      // the pacer's copy
	id     uint16        // IPv4 identification of the last advert
	last   vrrp.Instant  // last advert, by the schedule the first was one interval before Next
	slept  time.Duration // clock.Suspended then
	frozen bool          // by Down, until Stop

	sent, failed, late, missed atomic.Uint64
	maxLate                    atomic.Int64
}

// NewPacer locks the process's memory and makes the process realtime, each
// where permitted (Status tells), and starts the thread. It fails when the
// system gives no timer.
func NewPacer() (*Pacer, error) {
	line, err := newTimeline()
	if err != nil {
		return nil, err
	}
	p := &Pacer{line: line, locked: LockMemory(), realtime: sched.Realtime(), byName: map[string]*paced{}}
	go func() {
		// The kernel wakes the very thread that sends: no other goroutine is on
		// it, and no other thread need be woken to run this one.
		runtime.LockOSThread()
		line.run()
	}()
	return p, nil
}

// Set starts a router's adverts or replaces its schedule. When Next and
// Interval are those that it was last given, only the frames change and the
// phase is kept. A schedule without frames, sender or interval has nothing to
// send: it is Stop. One that is suspended stays so until Stop.
func (p *Pacer) Set(name string, s Schedule) {
	if len(s.Frames) == 0 || s.Sender == nil || s.Interval <= 0 {
		p.Stop(name)
		return
	}
	e := p.entry(name)
	e.mu.Lock()
	if !e.frozen && (e.due == 0 || e.given.Next != s.Next || e.given.Interval != s.Interval) {
		was := e.due
		e.due = s.Next
		if s.Next <= 0 {
			e.due = clock.Now().Add(s.Interval)
		}
		if first := e.due.Add(-s.Interval); was == 0 || first > e.last {
			e.last, e.slept = first, clock.Suspended()
		}
	}
	e.given = s
	e.given.Frames = nil
	e.frames = e.frames[:0]
	for _, f := range s.Frames {
		e.frames = append(e.frames, slices.Clone(f))
	}
	due := e.due
	e.mu.Unlock()
	if due != 0 {
		p.line.touch(&e.item, due)
	}
}

// Stop ends a router's adverts. After it returns none leaves, so that an
// advert of priority 0 sent next is the last. It waits for one that is being
// handed over, never for the wire. A name that was never Set is ignored.
func (p *Pacer) Stop(name string) {
	if e := p.lookup(name); e != nil {
		e.mu.Lock()
		e.due, e.frozen = 0, false
		e.given.Limit, e.given.Down = 0, 0 // nothing is overdue
		e.mu.Unlock()
	}
}

// Forget is Stop for a router that is no more: its own counters are 0 from now on,
// and remain part of the sum.
func (p *Pacer) Forget(name string) {
	p.Stop(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byName[name]; e != nil {
		p.gone.add(e.counts())
		delete(p.byName, name)
	}
}

func (c *PaceCounts) add(d PaceCounts) {
	c.Sent += d.Sent
	c.Failed += d.Failed
	c.Late += d.Late
	c.MaxLate = max(c.MaxLate, d.MaxLate)
	c.Missed += d.Missed
}

// Close stops every router and ends the thread. It is called once.
func (p *Pacer) Close() {
	p.mu.Lock()
	for _, e := range p.byName {
		e.mu.Lock()
		e.due = 0
		e.mu.Unlock()
	}
	p.mu.Unlock()
	p.line.close()
}

// Sent is the number of adverts of a router handed to its interface.
func (p *Pacer) Sent(name string) uint64 { return p.Counts(name).Sent }

// Counts returns a router's counters; zero for one that was never Set.
func (p *Pacer) Counts(name string) PaceCounts {
	if e := p.lookup(name); e != nil {
		return e.counts()
	}
	return PaceCounts{}
}

// Status returns the state of the thread and the sum of all counters.
func (p *Pacer) Status() PacerStatus {
	s := PacerStatus{RealtimeErr: p.realtime, LockedErr: p.locked}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.PaceCounts = p.gone
	for _, e := range p.byName {
		s.add(e.counts())
	}
	return s
}

func (p *Pacer) lookup(name string) *paced {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byName[name]
}

func (p *Pacer) entry(name string) *paced {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byName[name]
	if e == nil {
		e = &paced{}
		e.fire = e.send
		p.byName[name] = e
	}
	return e
}

// Overdue tells whether a router that has a schedule with a Limit has sent no
// advert for that long, and for how long.
func (p *Pacer) Overdue(name string) (time.Duration, bool) {
	e := p.lookup(name)
	if e == nil {
		return 0, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.silence(clock.Now())
}

// Paused tells whether a router that has a schedule with Down has sent no advert
// for that long, whether or not the pacer has found that out by now.
func (p *Pacer) Paused(name string) (Pause, bool) {
	e := p.lookup(name)
	if e == nil {
		return Pause{}, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	at := clock.Now()
	return Pause{e.last, e.silent(at)}, e.paused(at)
}

// Next is when a router's next advert is due, 0 when none is.
func (p *Pacer) Next(name string) vrrp.Instant {
	e := p.lookup(name)
	if e == nil {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.due
}

func (e *paced) silence(at vrrp.Instant) (time.Duration, bool) {
	silence := e.silent(at)
	return silence, e.given.Limit > 0 && silence >= e.given.Limit
}

func (e *paced) paused(at vrrp.Instant) bool {
	return e.frozen || e.given.Down > 0 && e.silent(at) >= e.given.Down
}

// silent is how long ago the last advert was.
func (e *paced) silent(at vrrp.Instant) time.Duration {
	silence := at.Sub(e.last)
	if slept := clock.Suspended() - e.slept; slept > time.Millisecond { // less is the two clocks read apart
		silence += slept
	}
	return silence
}

// send is the item's function: on the thread, under the item's lock.
func (e *paced) send(at vrrp.Instant) vrrp.Instant {
	if _, overdue := e.silence(at); overdue {
		e.given.HeldUp()
		return 0
	}
	if e.paused(at) {
		e.frozen = true
		if e.given.Frozen != nil {
			e.given.Frozen(e.silent(at))
		}
		return 0
	}
	e.last, e.slept = at, clock.Suspended()
	slot, skipped := lastSlot(e.due, at, e.given.Interval)
	e.missed.Add(skipped)
	late := at.Sub(e.due)
	e.maxLate.Store(max(e.maxLate.Load(), int64(late)))
	if late > lateAfter {
		e.late.Add(1)
	}
	for _, f := range e.frames {
		e.id++
		countIPv4(f, e.id)
		if e.given.Seal != nil {
			e.given.Seal(f)
		}
		if e.given.Sender.Send(f) == nil {
			e.sent.Add(1)
		} else {
			e.failed.Add(1) // the Sender counts by cause
		}
	}
	return slot.Add(e.given.Interval)
}

// lastSlot is the last slot at or before at of the schedule that has one at
// due, and how many lie between. One advert is sent for all of them: after a
// stall a burst would only tell what is no longer so.
func lastSlot(due, at vrrp.Instant, interval time.Duration) (slot vrrp.Instant, skipped uint64) {
	skipped = uint64(at.Sub(due) / interval)
	return due.Add(time.Duration(skipped) * interval), skipped
}

func (e *paced) counts() PaceCounts {
	return PaceCounts{
		Sent: e.sent.Load(), Failed: e.failed.Load(), Late: e.late.Load(),
		MaxLate: time.Duration(e.maxLate.Load()), Missed: e.missed.Load(),
	}
}
