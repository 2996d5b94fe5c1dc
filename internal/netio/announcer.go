package netio

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Burst is a schedule of gratuitous ARPs, keepalived's: rounds over all frames
// (V1 V2 V1 V2 ...) at once, the same again after Delay, then now and again
// for as long as the router is MASTER.
//
// At once is a round every 10 ms, and over all routers of an interface 64 frames
// a millisecond: keepalived sends a router's five rounds before the next router's
// first, and where many move together those repeats delay the frame that counts,
// and fill queues and the policers of switches with what they have seen already.
type Burst struct {
	Sender BatchTransmitter
	Frames [][]byte // of GARPFrame, one per address; not to be changed any more
	// FirstSent tells that the caller has sent the first round itself, before
	// anything slow.
	FirstSent bool

	Repeat        int           // rounds of a burst, at least 1: garp_master_repeat, 5
	Delay         time.Duration // to the second burst: garp_master_delay, 5 s; 0: none
	Refresh       time.Duration // between refreshes: garp_master_refresh; 0: none
	RefreshRepeat int           // rounds of a refresh, at least 1: garp_master_refresh_repeat, 1
	// Hold, if set, is asked before each call of the Sender, on the announcer's goroutine: true
	// ends the schedule, because the router may be MASTER no more.
	Hold func() bool
	// Interval is the pace of the frames of one Sender, whichever router's they
	// are: vrrp_garp_interval; 0: as above.
	Interval time.Duration
}

// The pace without Interval.
const (
	roundEvery = 10 * time.Millisecond
	framesTick = time.Millisecond // in which batchSize frames of a lane may leave, with one wake-up for all
	framePace  = framesTick / batchSize
)

// lane is what shares a pace: the frames of one Sender, those with an Interval
// and those without apart.
type lane struct {
	sender  BatchTransmitter
	limited bool
}

// Announcer sends bursts from a goroutine of its own. It is in no hurry: the
// frame that counts is the first, which the event loop sends. All methods are
// for any goroutine and are short.
type Announcer struct {
	line *timeline
	free map[lane]vrrp.Instant // when each may send again; the thread's own

	mu     sync.Mutex
	byName map[string]*announcement // until Forget: the counters outlive a mastership
}

// announcement is one router's burst. The fields below item are under its lock.
type announcement struct {
	item
	burst   Burst
	left    int  // frames to go in this burst
	next    int  // the frame that is next
	holding bool // due is this frame's turn in its lane, already reserved
	second  vrrp.Instant
	rounds  int // of the second burst
	refresh vrrp.Instant

	sent atomic.Uint64
}

// NewAnnouncer starts the goroutine. It fails when the system gives no timer.
func NewAnnouncer() (*Announcer, error) {
	line, err := newTimeline()
	if err != nil {
		return nil, err
	}
	go line.run()
	return &Announcer{line: line, free: map[lane]vrrp.Instant{}, byName: map[string]*announcement{}}, nil
}

// Announce begins a router's schedule in place of one that still runs, but for
// a second burst that waits: it stays when the new schedule has none. Delay and
// Refresh count from now. Without frames or sender it only cancels.
func (a *Announcer) Announce(name string, b Burst) {
	if len(b.Frames) == 0 || b.Sender == nil {
		a.Cancel(name)
		return
	}
	b.Frames = slices.Clone(b.Frames)
	start := clock.Now()
	e := a.entry(name)
	e.mu.Lock()
	e.begin(b, start)
	due := e.due
	e.mu.Unlock()
	if due != 0 {
		a.line.touch(&e.item, due)
	}
}

// Cancel ends a router's schedule. After it returns no frame of it leaves.
func (a *Announcer) Cancel(name string) {
	a.mu.Lock()
	e := a.byName[name]
	a.mu.Unlock()
	if e != nil {
		e.mu.Lock()
		e.due, e.second = 0, 0
		e.mu.Unlock()
	}
}

// Forget is Cancel for a name that is no more.
func (a *Announcer) Forget(name string) {
	a.Cancel(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byName, name)
}

// Sent is the number of frames the announcer sent for a router, those that
// its caller sent itself not among them.
func (a *Announcer) Sent(name string) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.byName[name]; e != nil {
		return e.sent.Load()
	}
	return 0
}

// Close cancels every schedule and ends the goroutine. It is called once.
func (a *Announcer) Close() {
	a.mu.Lock()
	for _, e := range a.byName {
		e.mu.Lock()
		e.due = 0
		e.mu.Unlock()
	}
	a.mu.Unlock()
	a.line.close()
}

func (a *Announcer) entry(name string) *announcement {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.byName[name]
	if e == nil {
		e = &announcement{}
		e.fire = func(at vrrp.Instant) vrrp.Instant { return e.send(at, a.free) }
		a.byName[name] = e
	}
	return e
}

// begin sets the schedule up. Called with the item's lock held.
func (e *announcement) begin(b Burst, start vrrp.Instant) {
	e.burst, e.next, e.holding, e.refresh = b, 0, false, 0
	if b.Delay > 0 {
		e.second, e.rounds = start.Add(b.Delay), max(b.Repeat, 1)
	}
	if b.Refresh > 0 {
		e.refresh = start.Add(b.Refresh)
	}
	rounds := max(b.Repeat, 1)
	if b.FirstSent {
		rounds--
	}
	e.left = rounds * len(b.Frames)
	switch {
	case e.left == 0:
		e.due = e.idleUntil(start)
	case b.FirstSent && b.Interval == 0:
		e.due = start.Add(roundEvery)
	default:
		e.due = start
	}
}

// send is the item's function: one frame, or where there is no Interval up to a
// batch of the round. free is when each lane may be used again.
func (e *announcement) send(at vrrp.Instant, free map[lane]vrrp.Instant) vrrp.Instant {
	b := &e.burst
	if b.Hold != nil && b.Hold() {
		e.second = 0
		return 0
	}
	if e.left == 0 {
		e.startBurst(at)
	}
	on, n, pause := lane{b.Sender, b.Interval > 0}, 1, b.Interval
	if b.Interval == 0 {
		n = min(len(b.Frames)-e.next, batchSize)
		pause = time.Duration(n) * framePace
	}
	if turn := free[on]; !e.holding && turn > at {
		// Another router's frames go first: book the turn after them.
		e.holding = true
		free[on] = turn.Add(pause)
		if !on.limited {
			tick := vrrp.Instant(framesTick)
			turn = (turn + tick - 1) / tick * tick
		}
		return turn
	}
	e.sent.Add(uint64(b.Sender.SendAll(b.Frames[e.next : e.next+n]))) // errors are counted by the Sender
	e.next = (e.next + n) % len(b.Frames)
	e.left -= n
	if !e.holding {
		free[on] = at.Add(pause)
	}
	e.holding = false
	switch {
	case e.left > 0 && e.next == 0 && b.Interval == 0:
		return at.Add(roundEvery)
	case e.left > 0:
		return at
	}
	for on, turn := range free { // forget Senders that are idle or closed
		if turn <= at {
			delete(free, on)
		}
	}
	return e.idleUntil(at)
}

// startBurst begins the second burst or a refresh, whichever was due. A
// refresh that fell into another burst is skipped.
func (e *announcement) startBurst(at vrrp.Instant) {
	rounds := max(e.burst.RefreshRepeat, 1)
	if e.second != 0 && e.second <= at {
		rounds, e.second = e.rounds, 0
	}
	e.left, e.next = rounds*len(e.burst.Frames), 0
}

// idleUntil is when the next burst starts, 0 for never.
func (e *announcement) idleUntil(at vrrp.Instant) vrrp.Instant {
	if e.refresh != 0 && e.refresh <= at {
		slot, _ := lastSlot(e.refresh, at, e.burst.Refresh)
		e.refresh = slot.Add(e.burst.Refresh)
	}
	if e.second != 0 && (e.refresh == 0 || e.second < e.refresh) {
		return e.second
	}
	return e.refresh
}
