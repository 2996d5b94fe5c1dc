package loader

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
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
	memory []byte // the mapping of slots
	slots  []vrrpxSlot
	lease  []byte // the mapping of lease

	adverts *ebpf.Map

	mu    sync.Mutex
	used  []bool       // by slot
	given []Schedule   // by slot: what Set was last told
	high  atomic.Int32 // slots up to here may be in use
}

// boot is CLOCK_BOOTTIME in ns: it runs on while the machine sleeps.
func boot() int64 { return clock.Read(unix.CLOCK_BOOTTIME) }

// mapMemory maps an array of BPF_F_MMAPABLE.
func mapMemory(m *ebpf.Map, size int) ([]byte, error) {
	page := os.Getpagesize()
	size = (size + page - 1) / page * page
	b, err := unix.Mmap(m.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the memory of %v: %w", m, err)
	}
	return b, nil
}

// Add gives the number of a slot that is free, shut and without counts. It fails
// with ErrNoSlot when all are taken.
func (c *Clock) Add() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := slices.Index(c.used, false)
	if n < 0 {
		return 0, ErrNoSlot
	}
	word := c.slots[n].Gate // never the same twice, so that no late callback takes the new for the old
	c.slots[n] = vrrpxSlot{}
	atomic.StoreUint64(&c.slots[n].Gate, uint64(GateWord(word).next(GateShut)))
	c.used[n] = true
	c.given[n] = Schedule{}
	if int32(n) >= c.high.Load() {
		c.high.Store(int32(n) + 1)
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
// GateShut, whatever the gate was. When it is open already, and Next and Interval
// are those that it was last given, the phase is kept. It returns the gate's new
// word. On an error the gate is shut: ErrLongFrame, or what the kernel says.
func (c *Clock) Set(n int, s Schedule, g Gate) (GateWord, error) {
	if err := c.set(n, s, g); err != nil {
		return c.Shut(n), fmt.Errorf("slot %d of the advert clock: %w", n, err)
	}
	return c.turn(n, g), nil
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
		atomic.StoreUint64(&slot.SentBootNs, uint64(boot()-int64(now.Sub(last))))
		atomic.StoreUint64(&slot.SentNs, uint64(last))
		atomic.StoreUint64(&slot.DueNs, uint64(due))
	}
	s.Frames = nil
	*was = s
	return nil
}

// setFrames writes the frames and then their number, so that each is whole at
// any time.
func (c *Clock) setFrames(n int, frames [][]byte) error {
	for _, f := range frames {
		if len(f) < etherLen || len(f) > MaxFrame {
			return ErrLongFrame
		}
	}
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
	return nil
}

const etherLen = 14

// Early is how much sooner than due an advert may leave, so that routers whose
// times are close are served by one lap.
func early(interval time.Duration) time.Duration {
	return min(interval/64, time.Millisecond)
}

// turn sets a gate whatever it was.
func (c *Clock) turn(n int, g Gate) GateWord {
	for {
		old := c.Word(n)
		if w, ok := c.Swap(n, old, g); ok {
			return w
		}
	}
}

// Shut shuts a gate. After it returns none of the slot's adverts leaves, so that
// an advert of priority 0 sent next is the last. It waits for one that is being
// handed over by another CPU, which takes microseconds.
func (c *Clock) Shut(n int) GateWord {
	w := c.turn(n, GateShut)
	for try := 0; atomic.LoadUint32(&c.slots[n].Sending) != 0; try++ {
		if try > 100 {
			runtime.Gosched()
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
	atomic.StoreInt64((*int64)(unsafe.Pointer(&c.lease[0])), t)
}

// Renewed is what Renew was last told, 0 for never.
func (c *Clock) Renewed() int64 {
	return atomic.LoadInt64((*int64)(unsafe.Pointer(&c.lease[0])))
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
