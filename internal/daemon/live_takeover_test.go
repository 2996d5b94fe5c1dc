package daemon

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// fakeGate is a pacer with the slot of one router in the kernel's clock.
type fakeGate struct {
	fakePacer
	word  loader.GateWord
	given netio.Schedule
	arms  int
	lays  int // times that Ready was called
	fails bool
	set   func() // called after Set
}

func (p *fakeGate) turn(g loader.Gate) loader.GateWord {
	p.word = (p.word>>8+1)<<8 | loader.GateWord(g)
	return p.word
}

func (p *fakeGate) Set(name string, s netio.Schedule) {
	if !p.word.Gate().Latched() || s.Reopen {
		p.turn(loader.GateOpen)
	}
	p.given = s
	p.fakePacer.Set(name, s)
	if p.set != nil {
		p.set()
	}
}

func (p *fakeGate) Ready(_ string, s netio.Schedule) bool {
	p.lays++
	p.turn(loader.GateShut)
	p.given = s
	return true
}

func (p *fakeGate) Stop(name string) { p.turn(loader.GateShut); p.fakePacer.Stop(name) }

func (p *fakeGate) Arm(_ string, s netio.Schedule) bool {
	if p.fails {
		return false
	}
	p.turn(loader.GateArmed)
	p.given = s
	p.arms++
	return true
}

func (p *fakeGate) Slot(string) uint32          { return 7 }
func (p *fakeGate) Word(string) loader.GateWord { return p.word }
func (p *fakeGate) Gate(string) loader.Gate     { return p.word.Gate() }

// takingRig is a BACKUP whose master the kernel watches, and may succeed.
func takingRig(t *testing.T) (*rig, *fakeGate) {
	g := newRig(t, true, func(c *config.Router) { c.KernelTakeover = true })
	gate := &fakeGate{fakePacer: fakePacer{g.record}}
	g.r.out.pacer, g.r.out.taker = gate, gate
	g.r.now = func() vrrp.Instant { return g.at(40 * ms) }
	g.master(0, 200)
	g.round(1 * ms)
	g.want(vrrp.Backup)
	g.take()
	return g, gate
}

// takes is the kernel at the deadline, 36.09375 ms after the last advert.
func (g *rig) takes(gate *fakeGate, after time.Duration) {
	g.Helper()
	d, armed := g.path.armed[g.key]
	if !armed || d.Gate != gate.word || d.Slot != 7 || gate.word.Gate() != loader.GateArmed {
		g.Fatalf("the deadline is armed: %v, with %#x of slot %d; the gate is %#x", armed, d.Gate, d.Slot, gate.word)
	}
	delete(g.path.armed, g.key)
	gate.turn(loader.GateTaking)
	g.path.queue = append(g.path.queue, loader.Event{
		Kind: loader.Taken, Key: g.key, At: g.at(after), Now: g.at(after), Heard: g.path.kept[g.key], Slot: 6, Gate: gate.turn(loader.GateOpen),
	})
}

const deadlineAfter = 36*ms + 93750*time.Nanosecond

//vrrp:row 42
func TestLoopFollowsTheKernel(t *testing.T) {
	g, gate := takingRig(t)
	g.master(20*ms, 200) // kept
	g.takes(gate, 20*ms+deadlineAfter)
	g.round(600 * ms)
	g.want(vrrp.Master)
	g.wantScript("advert 100; garp; hold; announce 4 more and again after 5s") // and the schedule that was armed goes on
	if since := g.r.machine.Since(); since != g.at(20*ms+deadlineAfter) {
		t.Errorf("MASTER since %v, want the deadline", since.Sub(g.t))
	}
	if got := g.r.machine.Reason().Silence; got != deadlineAfter {
		t.Errorf("silence %v, want that since the kept advert", got)
	}
	if gate.word.Gate() != loader.GateOpen || g.r.counted.taken != 1 {
		t.Errorf("the gate is %v, counted %d", gate.word.Gate(), g.r.counted.taken)
	}
	if !g.r.advert.running || g.r.inUse() != gate.given.Lease {
		t.Errorf("running %v, lease %v", g.r.advert.running, g.r.inUse())
	}
	// What changes of a MASTER goes to the clock.
	g.r.step(g.at(600*ms), vrrp.SetPriority{Priority: 90})
	if f := gate.given.Frames; len(f) != 1 || !slices.Equal(f[0], g.r.advert.frames[0]) || g.r.advert.built.priority != 90 {
		t.Errorf("the clock has %x, want %x", f, g.r.advert.frames)
	}
	g.r.step(g.at(600*ms), vrrp.SetPriority{Priority: 100})
	g.take()
	// The kernel has shut the gate by the time the loop hears of who is better.
	gate.turn(loader.GateYielded)
	g.master(601*ms, 200)
	g.round(602 * ms)
	g.want(vrrp.Backup)
	if got := g.take(); !strings.HasPrefix(got, "cancel announcing; stop pacing; release") || gate.word.Gate() != loader.GateArmed {
		t.Errorf("did %q; the gate is %v", got, gate.word.Gate())
	}
}

// What shuts the gate between the kernel's takeover and what follows it is judged as
// that of any MASTER: nothing leaves, and it is not opened before what did so is heard.
func TestGateThatIsShutBehindATakeoverStaysSo(t *testing.T) {
	for _, why := range []loader.Gate{loader.GateYielded, loader.GateFrozen} {
		g, gate := takingRig(t)
		g.kernel, g.r.out.away = true, func() time.Duration { return 0 }
		g.takes(gate, deadlineAfter)
		var e loader.Event
		e, g.path.queue = g.path.queue[0], nil
		g.r.takenByKernel(&e)
		g.want(vrrp.Master)
		gate.turn(why)
		g.loop.storm.flush()
		for g.loop.storm.more() {
			g.loop.storm.next()
		}
		if got := g.take(); strings.Contains(got, "advert") || strings.Contains(got, "garp") || gate.word.Gate() != why {
			t.Errorf("%v: did %q; the gate is %v", why, got, gate.word.Gate())
		}
	}
}

// Who is told to stop between the kernel's takeover and what follows it leaves no
// gate open.
func TestStopBehindATakeoverShutsTheGate(t *testing.T) {
	g, gate := takingRig(t)
	g.takes(gate, deadlineAfter)
	var e loader.Event
	e, g.path.queue = g.path.queue[0], nil
	g.r.takenByKernel(&e)
	g.r.act(g.at(40*ms), vrrp.Shutdown{})
	if gate.word.Gate() != loader.GateShut {
		t.Errorf("the gate is %v behind the farewell", gate.word.Gate())
	}
}

// Nobody is told of addresses that another has by the time the loop runs.
func TestLoopDoesNotFollowAKernelThatGaveWay(t *testing.T) {
	for _, why := range []loader.Gate{loader.GateYielded, loader.GateLapsed, loader.GateFrozen} {
		g, gate := takingRig(t)
		g.takes(gate, deadlineAfter)
		gate.turn(why)
		if why == loader.GateYielded {
			g.master(38*ms, 200)
			if len(g.path.queue) != 1 { // the fake's rule keeps it; the kernel does not
				t.Fatal("the fake has changed")
			}
			e := loader.Event{Kind: loader.Advert, Key: g.key, At: g.at(38 * ms), Now: g.at(38 * ms)}
			other := newFakePath(true)
			other.receive(g.key, e.At, vrrp.Packet{
				Version: 3, VRID: 51, Priority: 200, Interval: 10 * ms, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.3")},
			}, "10.0.0.6")
			g.path.queue = append(g.path.queue, other.queue...)
		}
		g.round(41 * ms)
		g.want(vrrp.Backup)
		if got := g.take(); strings.Contains(got, "garp") || strings.Contains(got, "hold") || strings.Contains(got, "advert") {
			t.Errorf("%v: did %q", why, got)
		}
		// It waits a whole master-down interval from when it ran, and may take over again.
		if due, ok := g.path.due(g.key); !ok || due != g.at(40*ms+deadlineAfter) {
			t.Errorf("%v: the deadline is %v, %v", why, due.Sub(g.t), ok)
		}
		if gate.word.Gate() != loader.GateArmed || g.path.armed[g.key].Gate != gate.word || g.r.counted.gaveWay != 1 {
			t.Errorf("%v: gate %#x, deadline %+v, counted %d", why, gate.word, g.path.armed[g.key], g.r.counted.gaveWay)
		}
	}
}

// The process was stopped once more on its way from the renewal to the event.
func TestLoopDoesNotFollowWithoutItsLease(t *testing.T) {
	g, gate := takingRig(t)
	g.r.out.away = func() time.Duration { return 10 * time.Second }
	g.takes(gate, deadlineAfter)
	g.round(41 * ms)
	g.want(vrrp.Backup)
	if got := g.take(); strings.Contains(got, "garp") || gate.word.Gate() != loader.GateArmed || g.r.counted.gaveWay != 1 {
		t.Errorf("did %q, gate %v", got, gate.word.Gate())
	}
}

// The process was stopped in the midst of a round, behind the ring and before the
// deadlines. Neither does it take over by itself then.
func TestNobodyTakesOverByALeaseThatRanOutInTheRound(t *testing.T) {
	g, gate := takingRig(t)
	g.kernel, g.r.out.away, g.loop.renewals.pacer = true, g.loop.away, gate
	g.loop.renew()
	g.r.now = func() vrrp.Instant { return g.at(backstop + time.Second) } // it looks at all deadlines then
	g.loop.posted = append(g.loop.posted, func() {
		g.takes(gate, deadlineAfter)
		g.awayFor(time.Minute)
	})
	for range 2 { // the ring is drained in the second
		g.round(backstop + time.Second)
		g.want(vrrp.Backup)
	}
	if got := g.take(); strings.Contains(got, "advert") || strings.Contains(got, "garp") || strings.Contains(got, "hold") {
		t.Errorf("did %q", got)
	}
	if gate.word.Gate() != loader.GateArmed || g.r.counted.gaveWay != 1 {
		t.Errorf("the gate is %v, counted %d", gate.word.Gate(), g.r.counted.gaveWay)
	}
}

// A Taken of before a change: what the kernel opened is shut, or shut already.
func TestStaleTakenIsDropped(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rig)
		state  vrrp.State
		gate   loader.Gate
	}{
		"armed again": {func(g *rig) {
			g.r.takeover.built = frameOf{}
			g.r.out.taker.(*fakeGate).turn(loader.GateShut)
			g.r.settle()
		}, vrrp.Backup, loader.GateArmed},
		"in FAULT": {func(g *rig) { g.r.step(g.at(38*ms), vrrp.Fault{Cause: "a test", Active: true}) }, vrrp.Faulted, loader.GateShut},
		"nobody has looked after it": {func(g *rig) {
			g.r.act(g.at(38*ms), vrrp.Fault{Cause: "a test", Active: true}) // and not settled
		}, vrrp.Faulted, loader.GateShut},
	} {
		g, gate := takingRig(t)
		g.takes(gate, deadlineAfter)
		c.change(g)
		g.take()
		g.round(41 * ms)
		g.want(c.state)
		if got := g.take(); gate.word.Gate() != c.gate || strings.Contains(got, "garp") || strings.Contains(got, "hold") {
			t.Errorf("%s: gate %v, did %q", name, gate.word.Gate(), got)
		}
	}
}

// The process was away for longer than the lease, and runs again before the clock
// has looked.
func TestLapseShutsTheGateThatTheKernelOpened(t *testing.T) {
	g, gate := takingRig(t)
	g.takes(gate, deadlineAfter)
	g.r.lapseTakeover()
	g.round(41 * ms)
	g.want(vrrp.Backup)
	if got := g.take(); strings.Contains(got, "garp") || gate.word.Gate() != loader.GateArmed || g.r.counted.gaveWay != 1 {
		t.Errorf("did %q, gate %v", got, gate.word.Gate())
	}
	if due, ok := g.path.due(g.key); !ok || due != g.at(40*ms+deadlineAfter) {
		t.Errorf("the deadline is %v, %v", due.Sub(g.t), ok)
	}
	// One that is armed still is left alone.
	g.r.lapseTakeover()
	if g.r.counted.gaveWay != 1 || gate.word.Gate() != loader.GateArmed {
		t.Error("it gave up what was not taken")
	}
}
