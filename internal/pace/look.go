package pace

import (
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
)

// slotCounts are what the clock has counted; p.mu is held.
func (p *Pacer) slotCounts(e *entry) netio.PaceCounts {
	if e == nil || e.slot < 0 || p.clock == nil {
		return netio.PaceCounts{}
	}
	c := p.clock.Counts(e.slot)
	return netio.PaceCounts{Sent: c.Sent, Failed: c.Failed, Late: c.Late, MaxLate: c.MaxLate, Missed: c.Missed}
}

func sum(a, b netio.PaceCounts) netio.PaceCounts {
	return netio.PaceCounts{
		Sent: a.Sent + b.Sent, Failed: a.Failed + b.Failed, Late: a.Late + b.Late,
		MaxLate: max(a.MaxLate, b.MaxLate), Missed: a.Missed + b.Missed,
	}
}

// Counts returns a router's counters, whoever sent; zero for one that was never
// Set.
func (p *Pacer) Counts(name string) netio.PaceCounts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return sum(p.thread.Counts(name), p.slotCounts(p.byName[name]))
}

// Sent is the number of a router's adverts handed to its interface.
func (p *Pacer) Sent(name string) uint64 { return p.Counts(name).Sent }

// Status returns the state of the thread and the sum of all counters.
func (p *Pacer) Status() netio.PacerStatus {
	s := p.thread.Status()
	p.mu.Lock()
	defer p.mu.Unlock()
	s.PaceCounts = sum(s.PaceCounts, p.gone)
	for _, e := range p.byName {
		s.PaceCounts = sum(s.PaceCounts, p.slotCounts(e))
	}
	return s
}

// Overdue tells whether a router that has a schedule with a Limit has sent no
// advert for that long, and for how long.
func (p *Pacer) Overdue(name string) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byName[name]
	if e == nil || !e.kernel || p.clock == nil {
		return p.thread.Overdue(name)
	}
	last, _ := p.clock.Last(e.slot)
	silence := clock.Now().Sub(last)
	on := p.clock.Gate(e.slot) == loader.GateOpen || p.clock.Gate(e.slot) == loader.GateFrozen
	return silence, on && e.given.Limit > 0 && silence >= e.given.Limit
}

// Clock tells whether the kernel's clock sends the schedule that the router was
// last given; if not, why. Of one that was never given any it says what would
// keep the clock from any.
func (p *Pacer) Clock(name string) (kernel bool, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byName[name]; e != nil {
		return e.kernel, e.why
	}
	if p.clock == nil {
		return false, p.why
	}
	return p.down == "", p.down
}

// Slot is what loader.Rule.Slot is to be: the clock's slot of the router plus one,
// 0 without one. It stays until Forget.
func (p *Pacer) Slot(name string) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byName[name]; e != nil && e.slot >= 0 {
		return uint32(e.slot) + 1
	}
	return 0
}

// Word is the word of the router's gate, by which the kernel opens it (loader.Deadline);
// 0 without a slot.
func (p *Pacer) Word(name string) loader.GateWord {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byName[name]; e != nil && e.kernel && p.clock != nil {
		return p.clock.Word(e.slot)
	}
	return 0
}

// Gate is that of the router's slot; loader.GateShut without one.
func (p *Pacer) Gate(name string) loader.Gate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byName[name]; e != nil && e.kernel && p.clock != nil {
		return p.clock.Gate(e.slot)
	}
	return loader.GateShut
}

// Last is how long ago, on CLOCK_BOOTTIME, the kernel's clock sent the last advert
// of the router; false when it does not send the router's.
func (p *Pacer) Last(name string) (ago time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byName[name]; e != nil && e.kernel && p.clock != nil {
		_, ago = p.clock.Last(e.slot)
		return ago, true
	}
	return 0, false
}

// Laps is how the kernel's clock fares, all 0 without one.
func (p *Pacer) Laps() loader.ClockCounts {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clock == nil {
		return loader.ClockCounts{}
	}
	return p.clock.ClockCounts()
}
