package loader

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Clock is the kernel's advert clock: it sends adverts on their schedules
// whatever this process is doing, as long as the lease is renewed. Renew, Gate,
// Word, Swap, Shut and Counts are a few accesses to memory that is shared with
// the kernel; Set is a system call for each frame that has changed. None
// blocks. Any goroutine may call them, but for one slot only one at a time
// Set, Shut and Free.
type Clock struct {
	lap, entry             *ebpf.Program
	adverts, loopMap, jump *ebpf.Map
	events                 *ebpf.Map

	// Mappings of maps that the kernel uses at the same time, and the same as types.
	slotMemory, leaseMemory, loopMemory []byte

	slots []vrrpxSlot
	lease *int64
	loops *[2]vrrpxLoop

	building sync.Mutex // held while the pair is made or removed
	rtnl     *rtnl
	pair     vethPair
	built    bool
	filter   bool // by cls_bpf rather than tcx
	links    []link.Link
	mark     uint32 // of the seeds
	socket   int    // for the seeds

	// Watch's own.
	lost      [2]lostSeed
	races     races
	again     atomic.Uint64
	spreadAt  vrrp.Instant
	spreading sync.Mutex // held while a thread sends a seed from another CPU

	mu    sync.Mutex
	used  []bool       // by slot
	given []Schedule   // by slot: what Set was last told
	high  atomic.Int32 // slots from here on have never been in use
}

// boot is CLOCK_BOOTTIME in ns: it runs on while the machine sleeps.
func boot() int64 { return clock.Read(unix.CLOCK_BOOTTIME) }

// Add gives the number of a slot that is free, shut and without counts. It fails
// with ErrNoSlot when all are taken.
func (c *Clock) Add() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := slices.Index(c.used, false)
	if n < 0 {
		return 0, ErrNoSlot
	}
	s := &c.slots[n]
	// A lap that was held up may still have sending raised: that is the kernel's alone.
	s.DueNs, s.IntervalNs, s.EarlyNs, s.DownNs, s.LeaseNs, s.WatchNs = 0, 0, 0, 0, 0, 0
	s.Key, s.Ifindex, s.Frames, s.SentNs, s.SentBootNs, s.Id = vrrpxRouterKey{}, 0, 0, 0, 0, 0
	s.Sent, s.Failed, s.Late, s.Missed, s.MaxLateNs = 0, 0, 0, 0, 0
	// The word is never the same twice, so that no late callback takes the new for the old.
	atomic.StoreUint64(&s.Gate, uint64(GateWord(s.Gate).next(GateShut)))
	c.used[n] = true
	c.given[n] = Schedule{}
	if int32(n) >= c.high.Load() {
		c.high.Store(int32(n) + 1)
		for i := range c.loops {
			atomic.StoreUint32(&c.loops[i].Slots, uint32(n)+1)
		}
	}
	return n, nil
}

// Free is Shut for good: the slot is another's from now on.
func (c *Clock) Free(n int) {
	c.Shut(n)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range atomic.LoadUint32(&c.slots[n].Frames) {
		_ = c.adverts.Delete(&vrrpxAdvertKey{Slot: uint32(n), N: i}) // it may be left: nobody reads it
	}
	atomic.StoreUint32(&c.slots[n].Frames, 0)
	c.used[n] = false
}

// Set gives a slot its schedule and then its gate, GateOpen, GateArmed or
// GateShut, whatever the gate was, but for one that is latched, which is opened with
// Schedule.Reopen alone. When it is open already, and Next and Interval
// are those that it was last given, the phase is kept. It returns the gate's new
// word. On an error the gate is shut: ErrLongFrame, or what the kernel says.
func (c *Clock) Set(n int, s Schedule, g Gate) (GateWord, error) {
	keep := g == GateOpen && !s.Reopen
	if w := c.Word(n); keep && w.Gate().Latched() {
		return w, nil
	}
	if err := c.set(n, s, g); err != nil {
		return c.Shut(n), fmt.Errorf("slot %d of the advert clock: %w", n, err)
	}
	w, ok := c.turn(n, g, keep)
	if !ok {
		return w, nil
	}
	if g != GateShut {
		c.wake(s.Key.Family, vrrp.Instant(atomic.LoadUint64(&c.slots[n].DueNs)))
	}
	return w, nil
}

func (c *Clock) set(n int, s Schedule, g Gate) error {
	if len(s.Frames) == 0 || s.Interval <= 0 || s.Ifindex <= 0 {
		return errors.New("nothing to send")
	}
	slot, was := &c.slots[n], &c.given[n]
	if s.Key != was.Key || s.Ifindex != was.Ifindex {
		c.Shut(n)
	}
	if err := c.setFrames(n, s.Frames); err != nil {
		return err
	}
	slot.Key, slot.Ifindex = s.Key.raw(), uint32(s.Ifindex)
	atomic.StoreUint64(&slot.IntervalNs, uint64(s.Interval))
	atomic.StoreUint64(&slot.EarlyNs, uint64(early(s.Interval)))
	atomic.StoreUint64(&slot.LeaseNs, uint64(s.Lease))
	atomic.StoreUint64(&slot.DownNs, uint64(s.Down))
	if c.Gate(n) != GateOpen || was.Next != s.Next || was.Interval != s.Interval {
		now := clock.Now()
		due := s.Next
		if due <= 0 {
			due = now.Add(s.Interval)
		}
		last := due.Add(-s.Interval)
		if sent := vrrp.Instant(atomic.LoadUint64(&slot.SentNs)); c.Gate(n) == GateOpen && sent > last {
			// It goes on, in another phase: what has been sent is not unsent, and a slot
			// long ago is no pause.
			if sent >= due {
				due = due.Add((sent.Sub(due)/s.Interval + 1) * s.Interval)
			}
		} else {
			atomic.StoreUint64(&slot.SentBootNs, uint64(boot()-int64(now.Sub(last))))
			atomic.StoreUint64(&slot.SentNs, uint64(last))
		}
		atomic.StoreUint64(&slot.DueNs, uint64(due))
	}
	s.Frames = was.Frames
	*was = s
	return nil
}

// setFrames writes the frames and then their number, so that each is whole at
// any time. Those that are there already cost no system call.
func (c *Clock) setFrames(n int, frames [][]byte) error {
	for _, f := range frames {
		if len(f) < etherLen || len(f) > MaxFrame {
			return ErrLongFrame
		}
	}
	was := &c.given[n]
	if slices.EqualFunc(frames, was.Frames, slices.Equal[[]byte]) {
		return nil
	}
	was.Frames = nil
	for i, f := range frames {
		value := vrrpxAdvertFrame{Length: uint32(len(f))}
		copy(value.Bytes[:], f)
		if err := c.adverts.Put(&vrrpxAdvertKey{Slot: uint32(n), N: uint32(i)}, &value); err != nil {
			return fmt.Errorf("store a frame: %w", err)
		}
	}
	before := atomic.SwapUint32(&c.slots[n].Frames, uint32(len(frames)))
	for i := uint32(len(frames)); i < before; i++ {
		_ = c.adverts.Delete(&vrrpxAdvertKey{Slot: uint32(n), N: i}) // nobody reads it
	}
	for _, f := range frames {
		was.Frames = append(was.Frames, slices.Clone(f)) // the caller's may change
	}
	return nil
}

const etherLen = 14

// early is how much sooner than due an advert may leave, so that routers whose
// times are close are served by one lap. Measured with 255 routers at 10 ms on 2
// CPUs: at an interval/16 1,840 laps/s and gaps of 11.2 ms at p99, at /64 5,000 and
// 10.16 ms, at /128 6,000 and 10.08 ms, and the program takes 2.5 to 3 % of a core at
// each, since what costs is the adverts. Above 1 ms it would show.
func early(interval time.Duration) time.Duration {
	return min(interval/64, time.Millisecond)
}

// turn sets a gate whatever it was, or with keep unless it is latched.
func (c *Clock) turn(n int, g Gate, keep bool) (GateWord, bool) {
	for {
		old := c.Word(n)
		if keep && old.Gate().Latched() {
			return old, false
		}
		if w, ok := c.Swap(n, old, g); ok {
			return w, true
		}
	}
}

// Shut shuts a gate. After it returns none of the slot's adverts leaves, so that
// an advert of priority 0 sent next is the last. It waits for one that is being
// handed over by another CPU, which takes microseconds.
func (c *Clock) Shut(n int) GateWord {
	w, _ := c.turn(n, GateShut, false)
	for try := 0; atomic.LoadUint32(&c.slots[n].Sending) != 0; try++ {
		if try > 1000 {
			// A softirq that is a thread (PREEMPT_RT) may need this very CPU.
			time.Sleep(20 * time.Microsecond)
		}
	}
	return w
}

// Word is the gate and its count of changes.
func (c *Clock) Word(n int) GateWord { return GateWord(atomic.LoadUint64(&c.slots[n].Gate)) }

// Gate is what the slot's gate is now.
func (c *Clock) Gate(n int) Gate { return c.Word(n).Gate() }

// Swap changes a gate from what it was known to be, unless it has changed since.
// It returns the new word.
func (c *Clock) Swap(n int, old GateWord, g Gate) (GateWord, bool) {
	w := old.next(g)
	return w, atomic.CompareAndSwapUint64(&c.slots[n].Gate, uint64(old), uint64(w))
}

// Renew renews the lease of all slots: t is a reading of CLOCK_BOOTTIME, in ns.
func (c *Clock) Renew(t int64) {
	atomic.StoreInt64(c.lease, t)
}

// Renewed is what Renew was last told, 0 for never.
func (c *Clock) Renewed() int64 {
	return atomic.LoadInt64(c.lease)
}

// Last is when a slot's last advert left, 0 for never, on CLOCK_MONOTONIC; and how
// long ago that is on CLOCK_BOOTTIME.
func (c *Clock) Last(n int) (vrrp.Instant, time.Duration) {
	s := &c.slots[n]
	return vrrp.Instant(atomic.LoadUint64(&s.SentNs)), time.Duration(boot() - int64(atomic.LoadUint64(&s.SentBootNs)))
}

// Counts returns a slot's counters.
func (c *Clock) Counts(n int) SlotCounts {
	s := &c.slots[n]
	return SlotCounts{
		Sent: atomic.LoadUint64(&s.Sent), Failed: atomic.LoadUint64(&s.Failed),
		Late: atomic.LoadUint64(&s.Late), Missed: atomic.LoadUint64(&s.Missed),
		MaxLate: time.Duration(atomic.LoadUint64(&s.MaxLateNs)),
	}
}
