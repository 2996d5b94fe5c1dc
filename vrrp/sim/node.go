package sim

import (
	"net/netip"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// core is what a node needs of a vrrp.Machine.
type core interface {
	Step(now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect
	Deadline() (vrrp.Instant, bool)
	State() vrrp.State
	Config() vrrp.Config
	Accepted() (vrrp.Advert, vrrp.Instant, bool)
	MasterDown() time.Duration
	Asking() (vrrp.Reason, bool)
	Listening() (time.Duration, bool)
}

// node is a router on its host: the machine, its process, and its kernel.
type node struct {
	*world
	*Router
	id   int
	core // nil while there is no process

	paused bool
	frozen bool         // the whole host
	queue  []heard      // adverts that wait for the process
	posts  []vrrp.Input // and what else does
	woken  time.Duration
	wakes  bool // the process runs at woken

	timer time.Duration
	armed bool         // and at timer
	due   vrrp.Instant // what timer was made of

	kernel
	clock
	oracle
}

// clock sends what a MASTER sends, and goes on for a lease while the process is
// paused.
type clock struct {
	sent   vrrp.Instant // the last advert
	from   vrrp.Instant // the lease was renewed then; 0: the process runs
	lapsed bool
	woke   vrrp.Instant // the process, after a pause for which it gave way
}

// kernel is what the datapath does for a router that elides.
type kernel struct {
	rule  vrrp.Advert // an advert that equals it is kept
	keeps bool
	last  vrrp.Instant // the last kept advert's stamp; 0: none since the last drain
	seen  vrrp.Instant // the last advert's
}

type heard struct {
	at vrrp.Instant
	vrrp.Advert
}

var vip = []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 100})}

func (n *node) config() vrrp.Config {
	return vrrp.Config{
		Version: n.Version, Family: vrrp.IPv4, VRID: 51, Priority: n.Priority, Interval: n.Interval,
		Primary: n.Addr, Addrs: vip, Preempt: n.Preempt,
		DownAdverts: n.Adverts, MaxLearn: maxLearn, ReplyToLower: n.Reply, Ask: n.Ask,
	}
}

// runs tells whether there is a process that is not stopped; reigns, whether
// it is MASTER.
func (n *node) runs() bool { return n.core != nil && !n.paused }
func (n *node) reigns() bool {
	return n.runs() && n.State() == vrrp.Master && !n.listens()
}

func (n *node) listens() bool {
	_, is := n.Listening()
	return is
}

// lent tells whether the kernel sends for a process that is paused.
func (n *node) lent() bool {
	return n.core != nil && n.paused && !n.frozen && n.Lease > 0 && !n.lapsed && n.State() == vrrp.Master && !n.listens()
}

// do makes an event strike the router. Those without sense do nothing.
func (n *node) do(e Event) {
	switch e.Kind {
	case Start:
		if n.core == nil {
			n.core, n.priority = n.newCore(n.config()), n.Priority
		}
		n.post(vrrp.Startup{})
	case Stop:
		n.post(vrrp.Shutdown{})
	case Crash:
		n.core, n.paused, n.frozen, n.wakes, n.armed = nil, false, false, false, false
		n.queue, n.posts, n.kernel, n.clock, n.oracle = nil, nil, kernel{}, clock{}, oracle{}
	case Pause, Freeze:
		if n.core != nil && !n.paused {
			n.paused, n.from = true, n.read(n.now)
		}
		n.frozen = n.frozen || n.core != nil && e.Kind == Freeze
	case Resume:
		if n.paused {
			n.paused, n.frozen, n.resumed = false, false, n.read(n.now)
			n.wake()
		}
	case LinkDown, LinkUp:
		n.post(vrrp.Fault{Cause: "link down", Active: e.Kind == LinkDown})
	case SetPriority:
		if n.Priority != 255 { // who was configured as owner stays it
			n.post(vrrp.SetPriority{Priority: e.Priority})
		}
	}
}

func (n *node) post(in vrrp.Input) {
	if n.core != nil {
		n.posts = append(n.posts, in)
		n.wake()
	}
}

// wake lets the process run soon.
func (n *node) wake() {
	if !n.wakes {
		n.wakes, n.woken = true, n.now+n.upTo(n.Wake)
	}
}

// next is when the process runs next.
func (n *node) next() (time.Duration, bool) {
	switch {
	case n.lent() && n.armed:
		return max(n.timer, n.now), true
	case !n.runs() || !n.wakes && !n.armed:
		return 0, false
	case !n.wakes || n.armed && n.timer < n.woken:
		return max(n.timer, n.now), true
	}
	return max(n.woken, n.now), true
}

// arrive is a frame coming in: the kernel stamps it, and keeps it or wakes the
// process.
func (n *node) arrive(a vrrp.Advert) {
	if n.core == nil {
		return
	}
	if n.frozen {
		n.stats.Lost++
		return
	}
	at := n.read(n.now)
	n.seen = at
	n.trace.arrival(n.now, n.id, a)
	n.oracle.arrival(n, at, a)
	if n.keeps && a.Src == n.rule.Src && a.Priority == n.rule.Priority && a.Interval == n.rule.Interval {
		n.stats.Kept++
		n.last = at
		n.arm(max(n.due, at.Add(n.MasterDown())))
		return
	}
	n.queue = append(n.queue, heard{at, a})
	n.wake()
}

// round is one turn of the daemon's loop: the adverts that came, in the order
// of their stamps, then what was posted, then the deadline.
func (n *node) round() {
	t := n.read(n.now)
	if n.paused {
		n.lend(t)
		return
	}
	n.wakes, n.armed = false, false
	n.wakeUp(t)
	if n.expireFirst {
		n.act(t, vrrp.Timer{})
	}
	if n.last != 0 { // of the adverts kept only the last is known
		i := len(n.queue)
		for i > 0 && n.queue[i-1].at > n.last {
			i--
		}
		n.queue = slices.Insert(n.queue, i, heard{n.last, n.rule})
		n.last = 0
	}
	if due, ok := n.Deadline(); ok && due <= t && len(n.queue) > 0 {
		n.stats.LateWakes++
	}
	for _, a := range n.queue {
		if !n.listens() {
			a.at = max(a.at, n.woke)
		}
		n.act(a.at, vrrp.Heard{Advert: a.Advert})
	}
	for _, in := range n.posts {
		n.act(t, in)
	}
	n.queue, n.posts = n.queue[:0], n.posts[:0]
	n.oracle.slept(n, t)
	if due, ok := n.Deadline(); ok && due <= t {
		n.act(t, vrrp.Timer{})
	}
	if n.Elide {
		n.rule, _, n.keeps = n.Accepted()
	}
	if due, ok := n.Deadline(); ok {
		n.arm(due)
	}
}

// lend is the kernel's clock, with a process that is paused: the machine's timer
// stands for it, since what is sent is the same.
func (n *node) lend(t vrrp.Instant) {
	n.armed = false
	if t.Sub(n.from) > n.Lease {
		n.lapsed = true
		return
	}
	n.act(t, vrrp.Timer{})
	if due, ok := n.Deadline(); ok {
		n.arm(due)
	}
}

// wakeUp is what a process does first: it finds out whether its lease has run out,
// or whether it was silent for so long that another may have taken over.
func (n *node) wakeUp(t vrrp.Instant) {
	c := n.clock
	n.from, n.lapsed = 0, false
	if n.State() != vrrp.Master || n.listens() {
		return
	}
	cfg := n.Config()
	silence := t.Sub(c.sent)
	switch {
	case n.Lease > 0 && c.from != 0 && t.Sub(c.from) > n.Lease:
		n.woke = t
		n.stats.Lapsed++
		n.oracle.lapse(n, t)
		n.act(t, vrrp.Lapsed{Away: t.Sub(c.from), Lease: n.Lease})
	case silence >= vrrp.MasterDown(n.Version, cfg.Priority, cfg.DownAdverts, cfg.Interval):
		n.woke = t
		n.stats.Paused++
		n.oracle.pause(n, t)
		n.act(t, vrrp.Paused{Since: c.sent, Length: silence, Seen: n.seen})
	}
}

// arm sets the timer, the process's own or the kernel's.
func (n *node) arm(due vrrp.Instant) {
	n.due, n.armed = due, true
	n.timer = n.when(due) + n.upTo(n.Wake)
}

// act steps the machine and carries out the effects.
func (n *node) act(at vrrp.Instant, in vrrp.Input) {
	from := n.State()
	out := n.Step(at, in, nil)
	n.trace.step(n, in, out)
	for _, e := range out {
		if e, ok := e.(vrrp.SendAdvert); ok {
			n.sent = n.read(n.now)
			n.send(n, vrrp.Advert{Src: n.Addr, MAC: [6]byte{2, 5: byte(n.id)}, Packet: vrrp.Packet{
				Version: n.Version, VRID: 51, Priority: e.Priority, Interval: n.Interval, Addrs: vip,
			}})
		}
	}
	n.oracle.step(n, at, from, in, out)
	if _, asks := n.Asking(); asks {
		n.act(at, vrrp.Permit{Granted: true})
	}
}
