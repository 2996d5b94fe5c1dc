// Package pace sends adverts on their schedules: by the kernel's advert clock
// where that can be had, which no stall of this process delays, else by a
// thread.
package pace

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Pacer has the methods of netio.Pacer, and chooses for each schedule who sends
// it. Routers are named by their owner. All methods are for any goroutine and
// are short.
type Pacer struct {
	thread thread
	log    *slog.Logger

	renewing atomic.Pointer[advertClock] // the clock, for who must not wait for mu

	mu     sync.Mutex
	clock  advertClock // nil: there is none, see why
	down   string      // why the clock, which there is, cannot be used now; else empty
	why    string      // why there is none
	byName map[string]*entry
	gone   netio.PaceCounts // of those forgotten

	watch watch
}

// advertClock is what is asked of the kernel's clock (loader.Clock).
type advertClock interface {
	Add() (int, error)
	Free(n int)
	Set(n int, s loader.Schedule, g loader.Gate) (loader.GateWord, error)
	Shut(n int) loader.GateWord
	Gate(n int) loader.Gate
	Word(n int) loader.GateWord
	Renew(t int64)
	Last(n int) (vrrp.Instant, time.Duration)
	Counts(n int) loader.SlotCounts
	ClockCounts() loader.ClockCounts
	Watch(now vrrp.Instant) (next vrrp.Instant, err error)
	Rebuild() error
	Close() error
}

// thread is what is asked of the thread (netio.Pacer).
type thread interface {
	Set(name string, s netio.Schedule)
	Stop(name string)
	Forget(name string)
	Counts(name string) netio.PaceCounts
	Status() netio.PacerStatus
	Overdue(name string) (time.Duration, bool)
	Paused(name string) (netio.Pause, bool)
	Next(name string) vrrp.Instant
	Close()
}

// entry is one schedule.
type entry struct {
	slot   int            // -1: none
	kernel bool           // the clock has it
	why    string         // if not, why
	moved  bool           // the clock had it, and the thread has it until the clock runs again
	given  netio.Schedule // as last set or armed
}

// Open makes the pacer. kernel may be nil, for --xdp=off; thread is closed by
// Close. Where the kernel's clock cannot be had the thread sends all, and Clock
// says why.
func Open(kernel *loader.Kernel, thread *netio.Pacer, log *slog.Logger) *Pacer {
	if kernel == nil {
		return open(nil, "no BPF", thread, log)
	}
	c, err := kernel.OpenClock(loader.ClockOptions{})
	if err != nil {
		return open(nil, err.Error(), thread, log)
	}
	return open(c, "", thread, log)
}

// Thread makes a pacer whose thread sends all, for a reason.
func Thread(why string, thread *netio.Pacer, log *slog.Logger) *Pacer {
	return open(nil, why, thread, log)
}

func open(c advertClock, why string, t thread, log *slog.Logger) *Pacer {
	p := &Pacer{thread: t, log: log, clock: c, why: why, byName: map[string]*entry{}}
	if c != nil {
		p.renewing.Store(&c)
		p.startWatch()
	}
	return p
}

// Close stops every schedule and removes what the clock has in the kernel. It is
// called once.
func (p *Pacer) Close() {
	p.stopWatch()
	p.renewing.Store(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clock != nil {
		if err := p.clock.Close(); err != nil {
			p.log.Warn("advert clock: " + err.Error())
		}
		p.clock, p.why = nil, "closed"
	}
	p.thread.Close()
}

// refuse says why the clock cannot send a schedule, "" if it can. p.mu is held.
func (p *Pacer) refuse(s *netio.Schedule) string {
	switch {
	case p.clock == nil:
		return p.why
	case s.Seal != nil:
		return "signed adverts are finished by the thread"
	case s.Ifindex <= 0 || s.Router.Ifindex == 0 || s.Lease <= 0:
		return "no lease"
	}
	for _, f := range s.Frames {
		if len(f) > loader.MaxFrame {
			return loader.ErrLongFrame.Error()
		}
		if netio.Unresolved(f) {
			return "the MAC address of a peer is not known"
		}
	}
	return p.down
}

// cloned are frames that the caller may change.
func cloned(frames [][]byte) [][]byte {
	mine := make([][]byte, len(frames))
	for i, f := range frames {
		mine[i] = slices.Clone(f)
	}
	return mine
}

// raw is a schedule as the clock takes it.
func raw(s *netio.Schedule) loader.Schedule {
	down := s.Down
	if s.Limit > 0 && (down == 0 || s.Limit < down) {
		down = s.Limit
	}
	return loader.Schedule{
		Key:     loader.Key{Ifindex: s.Router.Ifindex, VRID: s.Router.VRID, Family: s.Router.Family},
		Ifindex: s.Ifindex, Frames: s.Frames, Interval: s.Interval, Lease: s.Lease, Down: down, Next: s.Next, Reopen: s.Reopen,
	}
}

// Set starts a router's adverts or replaces its schedule, as netio.Pacer.Set. A
// gate that the kernel has shut stays so without Reopen; Gate tells. After a Frozen, or
// a Lapsed, Next must not be of before.
func (p *Pacer) Set(name string, s netio.Schedule) {
	if len(s.Frames) == 0 || s.Sender == nil || s.Interval <= 0 {
		p.Stop(name)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entry(name)
	e.moved = false
	s.Frames = cloned(s.Frames)
	sent := p.sent(e)
	if e.why = p.refuse(&s); e.why == "" {
		e.why = p.open(name, e, &s, loader.GateOpen)
	}
	e.given = s
	if e.why != "" {
		p.close(e)
		if s.Next > 0 && s.Next <= sent { // it was given to the clock long ago, which has sent since
			s.Next = sent.Add(s.Interval)
		}
		p.thread.Set(name, s)
		e.moved = p.down != "" && e.why == p.down
	}
	p.wakeWatch()
}

// sent is when the clock sent the last advert of a schedule that it is sending, else
// 0. p.mu is held.
func (p *Pacer) sent(e *entry) vrrp.Instant {
	if !e.kernel || p.clock == nil || p.clock.Gate(e.slot) != loader.GateOpen {
		return 0
	}
	last, _ := p.clock.Last(e.slot)
	return last
}

// Arm makes a schedule ready for the kernel to start when it makes the router
// MASTER (loader.GateArmed): none of it is sent before. Where the thread would send
// it nothing is, as with Stop, and it returns false.
func (p *Pacer) Arm(name string, s netio.Schedule) bool {
	return p.lay(name, s, loader.GateArmed)
}

// Ready is Arm for a router that the kernel is not to make MASTER: its gate is shut,
// and Set opens it with no system call for what has not changed.
func (p *Pacer) Ready(name string, s netio.Schedule) bool {
	return p.lay(name, s, loader.GateShut)
}

// lay gives the clock a schedule of which nothing is sent yet.
func (p *Pacer) lay(name string, s netio.Schedule, g loader.Gate) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entry(name)
	e.moved = false
	s.Frames = cloned(s.Frames)
	if e.why = p.refuse(&s); e.why == "" {
		e.why = p.open(name, e, &s, g)
	}
	e.given = s
	if e.why != "" {
		p.close(e)
		p.thread.Stop(name)
	}
	p.wakeWatch()
	return e.why == ""
}

// open gives a schedule to the clock, or says why not.
func (p *Pacer) open(name string, e *entry, s *netio.Schedule, g loader.Gate) string {
	if !e.kernel {
		if next := p.thread.Next(name); s.Next > 0 && next > s.Next { // the thread has sent since
			s.Next = next
		}
		p.thread.Stop(name)
	}
	var err error
	if e.slot < 0 {
		if e.slot, err = p.clock.Add(); err != nil {
			e.slot = -1
			return err.Error()
		}
	}
	e.kernel = true
	if _, err = p.clock.Set(e.slot, raw(s), g); err != nil {
		return err.Error()
	}
	return ""
}

// close takes a schedule from the clock: after it nothing leaves.
func (p *Pacer) close(e *entry) {
	if e.kernel && p.clock != nil {
		p.clock.Shut(e.slot)
	}
	e.kernel = false
}

// Stop ends a router's adverts: after it returns none leaves, so that an advert of
// priority 0 sent next is the last.
func (p *Pacer) Stop(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thread.Stop(name)
	if e := p.byName[name]; e != nil {
		e.moved = false
		if e.kernel && p.clock != nil {
			p.clock.Shut(e.slot)
		}
	}
}

// Forget is Stop for a router that is no more: its own counters are 0 from now on,
// and remain part of the sum.
func (p *Pacer) Forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thread.Forget(name)
	e := p.byName[name]
	if e == nil {
		return
	}
	if e.slot >= 0 && p.clock != nil {
		p.clock.Free(e.slot)
		p.gone = sum(p.gone, p.slotCounts(e))
	}
	delete(p.byName, name)
}

// Renew renews the lease of all schedules: t is a reading of CLOCK_BOOTTIME in
// ns. The event loop calls it at the start of each round, and often enough
// between. It waits for none of the other methods.
func (p *Pacer) Renew(t int64) {
	if c := p.renewing.Load(); c != nil {
		(*c).Renew(t)
	}
}

func (p *Pacer) entry(name string) *entry {
	e := p.byName[name]
	if e == nil {
		e = &entry{slot: -1}
		p.byName[name] = e
	}
	return e
}
