package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// leased is one host of a LeaseScenario: its kernel, its process, and what the
// invariants remember of it.
type leased struct {
	*yard
	*LeaseHost
	id    int
	thaws time.Duration // frozen until then
	deaf  bool          // and loses what comes
	held  []yardFrame   // or the card keeps it

	// The kernel. Times are of the one clock.
	gate       yardGate
	due, sent  time.Duration // next and last advert
	renewed    time.Duration
	armed      bool
	at, wakeAt time.Duration // the deadline as armed, and when its timer fires
	down, skew time.Duration
	armedAt    time.Duration
	refreshed  time.Duration
	stall      time.Duration // when it last found that it was frozen
	hold       time.Duration // which has put the deadline off to then
	rule       vrrp.Advert   // what is kept from the process
	keeps      bool
	kept, seen time.Duration
	ring       []yardEvent

	// The process; m is nil while there is none.
	m       *vrrp.Machine
	steps   []func()      // what is left of its round
	runs    time.Duration // when the next is made
	woken   bool
	stopped time.Duration // all of its stops since the renewal
	holding bool

	// Announcing since, and last; when the loop last began a round whose renewal was
	// stored; that its right was over.
	since, last, ran time.Duration
	owes             bool
}

type yardGate uint8

const (
	gateShut yardGate = iota
	gateArmed
	gateOpen
	gateYielded
	gateLapsed
	gateHalted
)

type yardEvent struct {
	kind yardKind
	at   time.Duration
	vrrp.Advert
}

type yardKind uint8

const (
	heardAdvert yardKind = iota
	wentDown
	wasTaken
	gateLatched
)

func (y *yard) violate(host int, broke Invariant, format string, args ...any) {
	if y.broken == nil {
		y.broken = &Violation{y.now, host, broke, fmt.Sprintf(format, args...)}
		y.trace.line(y.now, "!! %v", y.broken)
	}
}

func (h *leased) say(format string, args ...any) {
	if h.trace.to != nil {
		h.trace.line(h.now, "h%d %s", h.id+1, fmt.Sprintf(format, args...))
	}
}

func (h *leased) addr() netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + h.id)}) }

func instant(t time.Duration) vrrp.Instant { return vrrp.Instant(time.Second + t) }
func moment(i vrrp.Instant) time.Duration  { return time.Duration(i) - time.Second }

// next is what the host does next, and when; nothing while it is frozen.
func (h *leased) next() (at time.Duration, what func()) {
	earlier := func(t time.Duration, f func()) {
		if t = max(t, h.now, h.thaws); what == nil || t < at {
			at, what = t, f
		}
	}
	if h.thaws > 0 && len(h.held) > 0 {
		earlier(h.thaws, func() {
			f := h.held[0]
			h.held = h.held[1:]
			h.receive(f.Advert)
		})
	}
	if h.gate == gateOpen {
		earlier(h.due, h.lap)
	}
	if h.armed {
		earlier(h.wakeAt, h.timer)
	}
	if h.m != nil {
		if t, ok := h.wakes(); ok {
			earlier(t, h.step)
		}
	}
	return at, what
}

func (h *leased) do(e LeaseEvent) {
	h.say("-- %v %v", e.Kind, e.For)
	switch e.Kind {
	case Start:
		if h.m == nil {
			h.m = vrrp.New(vrrp.Config{
				Version: 3, Family: vrrp.IPv4, VRID: 51, Priority: h.Priority, Interval: h.Interval, Primary: h.addr(), Addrs: vip,
				Preempt: h.Preempt, DownAdverts: 3, MaxLearn: maxLearn, ReplyToLower: true,
			})
			h.renewed, h.ran, h.stopped, h.holding = h.now, h.now, 0, false
			h.act(instant(h.now), vrrp.Startup{})
			h.sync()
		}
	case Crash:
		h.stats.Crashes++
		h.m, h.steps, h.ring, h.woken, h.armed, h.keeps, h.kept = nil, nil, nil, false, false, false, 0
		h.ends(gateShut)
	case Pause:
		h.stats.Freezes++
		h.thaws, h.deaf = max(h.thaws, h.now+e.For), e.Lost
	}
}

// receive is the XDP program.
func (h *leased) receive(a vrrp.Advert) {
	if h.m == nil {
		return
	}
	h.seen = h.now
	if h.keeps && (h.gate == gateShut || h.gate == gateArmed) && a.Src == h.rule.Src && a.Priority == h.rule.Priority {
		h.kept, h.refreshed = h.now, h.now
		return
	}
	if a.Priority > h.Priority || a.Priority == h.Priority && h.addr().Less(a.Src) {
		h.refreshed = h.now
		if h.gate == gateOpen && h.wrong != deafGate {
			h.stats.Yields++
			h.ends(gateYielded)
		}
	}
	h.push(yardEvent{heardAdvert, h.now, a})
}

func (h *leased) push(e yardEvent) {
	h.ring = append(h.ring, e)
	h.wake(h.upTo(h.Wake))
}

// lap is the advert clock when an advert is due.
func (h *leased) lap() {
	switch silence := h.now - h.sent; {
	case h.now-h.renewed > h.Lease && h.wrong != noLease:
		h.stats.Lapses++
		h.latch(gateLapsed)
	case silence >= 3*h.Interval && h.wrong != noGuard:
		h.stats.Halts++
		h.latch(gateHalted)
	default:
		if h.owes || silence >= 3*h.Interval {
			h.violate(h.id, Owed, "an advert after a silence of %v, and before the process has judged", silence)
		}
		if age := h.now - h.ran; age > h.Lease {
			h.violate(h.id, Fresh, "an advert %v after the loop last ran, want at most %v", age, h.Lease)
		}
		h.sent = h.now
		h.due += h.Interval * ((h.now-h.due)/h.Interval + 1)
		h.send(h.Priority)
	}
}

func (h *leased) latch(g yardGate) {
	h.owes = true
	h.ends(g)
	h.push(yardEvent{kind: gateLatched, at: h.now})
}

func (h *leased) deadline() time.Duration {
	return max(h.at, h.refreshed+h.down, h.hold)
}

// sleep sets the timer: it looks once before the deadline.
func (h *leased) sleep() {
	at := h.deadline()
	h.wakeAt = at
	if first := at - h.skew - h.Interval*7/8; first > h.now {
		h.wakeAt = first
	}
}

// timer is the deadline's callback.
func (h *leased) timer() {
	if late := h.now - h.wakeAt; late > h.Interval*3/4 && (h.stall == 0 || h.stall < h.refreshed) && h.wrong != eagerBackup {
		h.stall = h.now
		h.hold = h.now + h.Interval + h.skew
		h.stats.Postponed++
	}
	at := h.deadline()
	if at > h.now {
		h.sleep()
		return
	}
	h.armed = false
	if h.gate != gateArmed || h.now-h.renewed > h.Lease {
		h.push(yardEvent{kind: wentDown, at: at})
		return
	}
	h.stats.Taken++
	h.say("kernel takes over")
	h.gate, h.due, h.sent = gateOpen, h.now, h.now
	h.early()
	h.push(yardEvent{kind: wasTaken, at: at})
}

// ends: others hear nothing more of it.
func (h *leased) ends(g yardGate) {
	h.say("gate %d -> %d", h.gate, g)
	h.gate, h.since = g, 0
}

// send puts an advert on the wire.
func (h *leased) send(priority uint8) {
	h.stats.Sent++
	for _, to := range h.hosts {
		if to == h {
			continue
		}
		f := yardFrame{h.now + h.Delay + h.upTo(h.Jitter), to.id, vrrp.Advert{Src: h.addr(), Packet: vrrp.Packet{
			Version: 3, VRID: 51, Priority: priority, Interval: h.Interval, Addrs: vip,
		}}}
		at, _ := slices.BinarySearchFunc(h.wire, f.at+1, func(w yardFrame, at time.Duration) int { return int(w.at - at) })
		h.wire = slices.Insert(h.wire, at, f)
	}
	h.announces()
}

// announces checks how long two have done so beside each other.
func (h *leased) announces() {
	if h.since == 0 || h.now-h.last >= 3*h.Interval {
		h.since = h.now
	}
	h.last = h.now
	for _, o := range h.hosts {
		if o == h || o.since == 0 || h.now-o.last >= 3*h.Interval || o.last < h.since {
			continue
		}
		if d := o.last - max(h.since, o.since); d > h.beside() {
			h.violate(h.id, Beside, "announces beside h%d for %v, want at most %v", o.id+1, d, h.beside())
		}
	}
}

// early looks for a MASTER that is well and better, and known for long enough. When
// both freeze in one silence each may be too brief to be noticed; and a timer that
// was armed after a freeze cannot have been late in it.
func (h *leased) early() {
	if h.FreezesAtATime > 1 || h.armedAt >= h.thaws && h.thaws > h.refreshed {
		return
	}
	for _, o := range h.hosts {
		if o == h || o.gate != gateOpen || h.now < o.thaws || o.since == 0 || h.now-o.since < 3*h.down || h.now-o.last > h.Interval {
			continue
		}
		if o.Priority > h.Priority && h.Delay+h.Jitter < h.Interval/2 {
			h.violate(h.id, Early, "takes over from h%d, which is well", o.id+1)
		}
	}
}
