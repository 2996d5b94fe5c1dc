package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// RunGroups simulates a scenario to its end or the first violation, of which
// Router is the host. The trace goes to w as text, unless w is nil.
func RunGroups(s *GroupScenario, w io.Writer) (GroupStats, *Violation) { return newTown(s, w).run() }

// town is a GroupScenario under way.
type town struct {
	*GroupScenario
	rng    *rand.Rand
	now    time.Duration
	hosts  []*townHost
	wire   []townFrame // in the order of arrival
	cut    map[[3]int]bool
	trace  trace
	stats  GroupStats
	broken *Violation
	alone  bool // a test of the invariants leaves the routers without a group
}

type townFrame struct {
	at         time.Duration
	to, member int
	vrrp.Advert
}

type townHost struct {
	*town
	*GroupHost
	id      int
	m       []*vrrp.Machine // nil while there is no process
	group   *vrrp.Group
	down    [2]bool
	holding []bool
	lag     time.Duration // of its next wake
}

func newTown(s *GroupScenario, w io.Writer) *town {
	t := &town{GroupScenario: s, rng: rand.New(rand.NewPCG(s.Seed, 3)), trace: newTrace(w), cut: map[[3]int]bool{}}
	for i := range s.Hosts {
		t.hosts = append(t.hosts, &townHost{town: t, GroupHost: &s.Hosts[i], id: i})
	}
	return t
}

func (t *town) upTo(d time.Duration) time.Duration { return time.Duration(t.rng.Int64N(int64(d) + 1)) }

func (t *town) run() (GroupStats, *Violation) {
	events := t.Events
	for t.broken == nil {
		at, what := t.End, (func())(nil)
		for _, h := range t.hosts {
			if due, ok := h.due(); ok && due < at {
				at, what = due, h.wake
			}
		}
		if len(t.wire) > 0 && t.wire[0].at <= at {
			at, what = t.wire[0].at, func() {
				f := t.wire[0]
				t.wire = t.wire[1:]
				t.hosts[f.to].hear(f)
			}
		}
		if len(events) > 0 && events[0].At <= at {
			e := events[0]
			at, what = e.At, func() { events = events[1:]; t.do(e) }
		}
		if t.now <= t.Quiet+t.Settling() && at > t.Quiet+t.Settling() {
			t.settled()
		}
		if what == nil {
			break
		}
		t.now = max(t.now, at)
		what()
	}
	return t.stats, t.broken
}

func (t *town) violate(host int, broke Invariant, format string, args ...any) {
	if t.broken == nil {
		t.broken = &Violation{t.now, host, broke, fmt.Sprintf(format, args...)}
		t.trace.line(t.now, "!! %v", t.broken)
	}
}

// settled looks for the one holder.
func (t *town) settled() {
	var master *townHost
	running := 0
	for _, h := range t.hosts {
		if h.m == nil || h.m[0].State() == vrrp.Init {
			continue
		}
		running++
		if h.m[0].State() == vrrp.Master {
			if master != nil {
				t.violate(h.id, OneHolder, "MASTER beside host %d", master.id+1)
			}
			master = h
		}
	}
	if running > 0 && master == nil {
		t.violate(-1, OneHolder, "no MASTER of %d hosts", running)
		return
	}
	for _, h := range t.hosts {
		if h.m == nil || h == master || !h.Preempt || h.m[0].State() != vrrp.Backup {
			continue
		}
		better := true
		for i, p := range h.Priority {
			better = better && p > master.Priority[i]
		}
		if better {
			t.violate(h.id, OneHolder, "should have preempted host %d", master.id+1)
		}
	}
	t.stats.Settled++
	if len(t.cut) > 0 {
		t.stats.Partitioned++
	}
	for _, h := range t.hosts {
		if h.Priority[0] < t.hosts[0].Priority[0] && h.Priority[1] > t.hosts[0].Priority[1] {
			t.stats.Crossed++
		}
	}
}

func (t *town) do(e GroupEvent) {
	t.trace.line(t.now, "-- %v host %d lan %d to %d", e.Kind, e.Host+1, e.LAN, e.To+1)
	h := t.hosts[e.Host]
	switch e.Kind {
	case Cut:
		t.cut[[3]int{e.LAN, e.Host, e.To}] = true
	case Mend:
		delete(t.cut, [3]int{e.LAN, e.Host, e.To})
	case Heal:
		clear(t.cut)
		for _, h := range t.hosts {
			h.cable(0, false)
			h.cable(1, false)
		}
	case LinkDown, LinkUp:
		h.cable(e.LAN, e.Kind == LinkDown)
	case Crash:
		h.m = nil
	case Stop:
		for i := range h.m {
			h.step(i, vrrp.Shutdown{})
		}
		h.m = nil
	case Start:
		h.start()
	}
}

func (h *townHost) addr() netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + h.id)}) }

func (h *townHost) start() {
	if h.m != nil {
		return
	}
	h.holding = make([]bool, h.Members)
	var members []vrrp.Member
	for i, p := range h.Priority {
		m := vrrp.New(vrrp.Config{
			Version: 3, Family: vrrp.IPv4, VRID: uint8(51 + i), Priority: p, Interval: h.Interval, Primary: h.addr(), Addrs: vip,
			Preempt: h.Preempt, PreemptDelay: h.GroupHost.Delay, DownAdverts: 3, MaxLearn: maxLearn, ReplyToLower: true,
		})
		h.m = append(h.m, m)
		members = append(members, vrrp.Member{Name: fmt.Sprintf("V%d", i+1), Machine: m})
	}
	h.group = nil
	if !h.alone {
		h.group = vrrp.NewGroup("G", members...)
	}
	for i := range h.m {
		if h.down[i%2] {
			h.step(i, vrrp.Fault{Cause: "link down", Active: true})
		}
		h.step(i, vrrp.Startup{})
	}
}

// cable is what the kernel tells of it. A frame under way arrives all the same.
func (h *townHost) cable(lan int, down bool) {
	h.down[lan] = down
	for i := range h.m {
		if i%2 == lan {
			h.step(i, vrrp.Fault{Cause: "link down", Active: down})
		}
	}
}

func (h *townHost) due() (time.Duration, bool) {
	var first vrrp.Instant
	for _, m := range h.m {
		if due, ok := m.Deadline(); ok && (first == 0 || due < first) {
			first = due
		}
	}
	return max(time.Duration(first)-time.Second+h.lag, h.now), first != 0
}

func (h *townHost) wake() {
	h.lag = h.upTo(h.Wake)
	for i := range h.m {
		h.step(i, vrrp.Timer{})
	}
}

func (h *townHost) hear(f townFrame) {
	if h.m != nil {
		h.step(f.member, vrrp.Heard{Advert: f.Advert})
	}
}

func (h *townHost) step(i int, in vrrp.Input) {
	at := vrrp.Instant(time.Second + h.now)
	out := h.m[i].Step(at, in, nil)
	h.carry(i, out)
	if h.group != nil {
		if tr, ok := h.group.Settle(at, i, out, h.carry); ok {
			h.trace.line(h.now, "h%d G %v -> %v", h.id+1, tr.From, tr.To)
			h.count(tr)
		}
	}
	for j, m := range h.m {
		if m.State() != h.m[i].State() && m.State() != vrrp.Init && h.m[i].State() != vrrp.Init {
			h.violate(h.id, OneState, "V%d is %v and V%d %v", j+1, m.State(), i+1, h.m[i].State())
		}
		if h.holding[j] != (m.State() == vrrp.Master) {
			h.violate(h.id, VIPs, "V%d is %v, holding the addresses: %v", j+1, m.State(), h.holding[j])
		}
	}
}

func (h *townHost) count(tr vrrp.Transition) {
	if h.now > h.Quiet+h.Settling() {
		h.violate(h.id, Calm, "%v -> %v: %v", tr.From, tr.To, tr.Reason)
	}
	switch {
	case tr.To == vrrp.Master:
		h.stats.Takeovers++
	case tr.To == vrrp.Faulted:
		h.stats.Faults++
	case tr.From == vrrp.Master && tr.To == vrrp.Backup:
		h.stats.Yields++
	}
}

// carry carries out the effects of one member.
func (h *townHost) carry(i int, out []vrrp.Effect) {
	for _, e := range out {
		switch e := e.(type) {
		case vrrp.Transition:
			h.trace.line(h.now, "h%d V%d %v -> %v: %v", h.id+1, i+1, e.From, e.To, e.Reason)
		case vrrp.TakeVIPs, vrrp.ReleaseVIPs:
			_, takes := e.(vrrp.TakeVIPs)
			if h.holding[i] == takes {
				h.violate(h.id, VIPs, "V%d takes %v, twice", i+1, takes)
			}
			h.holding[i] = takes
		case vrrp.SendAdvert:
			h.send(i, e.Priority)
		}
	}
}

func (h *townHost) send(i int, priority uint8) {
	for _, to := range h.hosts {
		if to == h || h.down[i%2] || to.down[i%2] || h.cut[[3]int{i % 2, h.id, to.id}] {
			continue
		}
		f := townFrame{h.now + h.GroupScenario.Delay + h.upTo(h.Jitter), to.id, i, vrrp.Advert{Src: h.addr(), Packet: vrrp.Packet{
			Version: 3, VRID: uint8(51 + i), Priority: priority, Interval: h.Interval, Addrs: vip,
		}}}
		at, _ := slices.BinarySearchFunc(h.wire, f.at+1, func(w townFrame, at time.Duration) int { return int(w.at - at) })
		h.wire = slices.Insert(h.wire, at, f)
	}
}
