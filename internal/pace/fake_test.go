package pace

import (
	"io"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// fakeClock is a kernel's clock that sends nothing.
type fakeClock struct {
	mu       sync.Mutex
	slots    map[int]*fakeSlot
	renewed  int64
	broken   error // what Watch fails with
	rebuild  chan error
	setFails error
	closed   bool
}

type fakeSlot struct {
	loader.Schedule
	gate  loader.Gate
	last  vrrp.Instant
	count loader.SlotCounts
}

// fakeSlots is how many there are.
const fakeSlots = 4

func newFake() *fakeClock {
	return &fakeClock{slots: map[int]*fakeSlot{}, rebuild: make(chan error)}
}

func (f *fakeClock) Add() (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.slots)
	if n == fakeSlots {
		return 0, loader.ErrNoSlot
	}
	f.slots[n] = &fakeSlot{}
	return n, nil
}

func (f *fakeClock) Free(n int) { f.Shut(n) }

func (f *fakeClock) Set(n int, s loader.Schedule, g loader.Gate) (loader.GateWord, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.setFails != nil {
		return 0, f.setFails
	}
	f.slots[n].Schedule, f.slots[n].gate = s, g
	return 0, nil
}

func (f *fakeClock) Shut(n int) loader.GateWord { f.turn(n, loader.GateShut); return 0 }

func (f *fakeClock) turn(n int, g loader.Gate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slots[n].gate = g
}

func (f *fakeClock) Gate(n int) loader.Gate {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.slots[n].gate
}

func (f *fakeClock) Renew(t int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.renewed = t
}

func (f *fakeClock) Last(n int) (vrrp.Instant, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.slots[n].last, clock.Now().Sub(f.slots[n].last)
}

func (f *fakeClock) Counts(n int) loader.SlotCounts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.slots[n].count
}

func (f *fakeClock) ClockCounts() loader.ClockCounts { return loader.ClockCounts{Laps: 7} }

func (f *fakeClock) Watch(now vrrp.Instant) (vrrp.Instant, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return now.Add(time.Millisecond), f.broken
}

func (f *fakeClock) breaks(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = err
}

func (f *fakeClock) Rebuild() error {
	err := <-f.rebuild
	f.breaks(nil)
	return err
}

func (f *fakeClock) Close() error { f.closed = true; return nil }

// fakeThread is a thread that sends nothing.
type fakeThread struct {
	mu     sync.Mutex
	set    map[string]netio.Schedule
	closed bool
}

func (f *fakeThread) Set(name string, s netio.Schedule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set[name] = s
}

func (f *fakeThread) Stop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.set, name)
}

func (f *fakeThread) Forget(name string)                   { f.Stop(name) }
func (f *fakeThread) Counts(string) netio.PaceCounts       { return netio.PaceCounts{Sent: 1} }
func (f *fakeThread) Overdue(string) (time.Duration, bool) { return 0, false }
func (f *fakeThread) Close()                               { f.closed = true }
func (f *fakeThread) Next(name string) vrrp.Instant        { return f.sets()[name].Next }

func (f *fakeThread) Status() netio.PacerStatus {
	return netio.PacerStatus{PaceCounts: netio.PaceCounts{Sent: 1}}
}

func (f *fakeThread) sets() map[string]netio.Schedule {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.set)
}

type discard struct{}

func (discard) Send([]byte) error { return nil }

func schedule() netio.Schedule {
	return netio.Schedule{
		Sender: discard{}, Frames: [][]byte{make([]byte, 60)}, Interval: 10 * time.Millisecond,
		Router: netio.RouterKey{Ifindex: 2, VRID: 51, Family: vrrp.IPv4}, Ifindex: 3,
		Lease: time.Second, Down: 35 * time.Millisecond, Next: clock.Now(),
	}
}

func openFakes(t *testing.T) (*Pacer, *fakeClock, *fakeThread) {
	f, th := newFake(), &fakeThread{set: map[string]netio.Schedule{}}
	p := open(f, "", th, slog.New(slog.NewTextHandler(io.Discard, nil)))
	t.Cleanup(func() {
		p.Close()
		if !f.closed || !th.closed {
			t.Error("not all was closed")
		}
	})
	return p, f, th
}

func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal(what + " did not come true")
		}
	}
}

func (f *fakeClock) Word(n int) loader.GateWord { return loader.GateWord(f.Gate(n)) }
