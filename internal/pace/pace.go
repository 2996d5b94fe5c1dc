// Package pace sends adverts on their schedules: by the kernel's advert clock
// where that can be had, which no stall of this process delays, else by a
// thread.
package pace

import (
	"log/slog"
	"time"

	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
)

// Pacer has the methods of netio.Pacer, and chooses for each schedule who sends
// it. Routers are named by their owner. All methods are for any goroutine and
// are short.
type Pacer struct {
	thread *netio.Pacer
	clock  *loader.Clock // nil: the thread sends all
	why    string        // then
	log    *slog.Logger
}

// Open makes the pacer. kernel may be nil, for --xdp=off; thread is closed by
// Close. Where the kernel's clock cannot be had the thread sends all, and Clock
// says why.
func Open(kernel *loader.Kernel, thread *netio.Pacer, log *slog.Logger) *Pacer {
	return &Pacer{thread: thread, log: log, why: "not built yet"}
}

// Close stops every schedule and removes what the clock has in the kernel. It is
// called once.
func (p *Pacer) Close() { p.thread.Close() }

// Set starts a router's adverts or replaces its schedule, as netio.Pacer.Set.
func (p *Pacer) Set(name string, s netio.Schedule) { p.thread.Set(name, s) }

// Arm makes a schedule ready for the kernel to start when it makes the router
// MASTER (loader.GateArmed): none of it is sent before. It is Stop where the
// thread would send it, and then false.
func (p *Pacer) Arm(name string, s netio.Schedule) bool {
	p.Stop(name)
	return false
}

// Stop ends a router's adverts: after it returns none leaves.
func (p *Pacer) Stop(name string) { p.thread.Stop(name) }

// Forget is Stop for a router that is no more.
func (p *Pacer) Forget(name string) { p.thread.Forget(name) }

// Counts returns a router's counters, whoever sent.
func (p *Pacer) Counts(name string) netio.PaceCounts { return p.thread.Counts(name) }

// Sent is the number of a router's adverts handed to its interface.
func (p *Pacer) Sent(name string) uint64 { return p.Counts(name).Sent }

// Status returns the state of the thread and the sum of all counters.
func (p *Pacer) Status() netio.PacerStatus { return p.thread.Status() }

// Overdue tells whether a router that has a schedule with a Limit has sent no
// advert for that long, and for how long.
func (p *Pacer) Overdue(name string) (time.Duration, bool) { return p.thread.Overdue(name) }

// Clock tells whether the kernel's clock sends the schedule that the router was
// last given; if not, why. Of one that was never given any it says what would
// keep the clock from any.
func (p *Pacer) Clock(name string) (kernel bool, why string) { return false, p.why }

// Slot is what loader.Rule.Slot is to be: the clock's slot of the router plus one,
// 0 without one.
func (p *Pacer) Slot(name string) uint32 { return 0 }

// Gate is that of the router's slot; loader.GateShut without one.
func (p *Pacer) Gate(name string) loader.Gate { return loader.GateShut }

// Renew renews the lease of all schedules: t is a reading of CLOCK_BOOTTIME in
// ns. It also sees to it that the clock runs. The event loop calls it at the
// start of each round, and often enough between.
func (p *Pacer) Renew(t int64) {}

// Last is how long ago, on CLOCK_BOOTTIME, the router's last advert left by the
// schedule that it has; false without one.
func (p *Pacer) Last(name string) (ago time.Duration, ok bool) { return 0, false }

// Laps is how often the kernel's clock has come round, 0 without one.
func (p *Pacer) Laps() uint64 { return 0 }
