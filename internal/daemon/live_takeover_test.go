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

func TestBackupArmsTheGateThenTheDeadline(t *testing.T) {
	g, gate := takingRig(t)
	d := g.path.armed[g.key]
	if gate.word.Gate() != loader.GateArmed || d.Gate != gate.word || d.Slot != 7 || g.path.rules[g.key].Slot != 7 {
		t.Errorf("gate %#x, deadline %+v, rule's slot %d", gate.word, d, g.path.rules[g.key].Slot)
	}
	if s := gate.given; s.Lease == 0 || len(s.Frames) != 1 || s.Interval != 10*ms || s.Ifindex != 2 {
		t.Errorf("armed with %+v", s)
	}
	// A steady BACKUP arms nothing again; what changes its advert does.
	arms, word := gate.arms, gate.word
	for at := 10 * ms; at < 200*ms; at += 10 * ms {
		g.master(at, 200)
		g.round(at)
	}
	if gate.arms != arms {
		t.Errorf("armed %d times more", gate.arms-arms)
	}
	g.r.step(g.at(200*ms), vrrp.SetPriority{Priority: 120})
	if gate.word == word || g.path.armed[g.key].Gate != gate.word || gate.given.Frames[0][14+20+2] != 120 {
		t.Errorf("another priority: gate %#x, was %#x; deadline %+v", gate.word, word, g.path.armed[g.key])
	}
	// In FAULT it is shut.
	g.r.step(g.at(210*ms), vrrp.Fault{Cause: "a test", Active: true})
	if gate.word.Gate() != loader.GateShut {
		t.Errorf("in FAULT the gate is %v", gate.word.Gate())
	}
}

func TestGateIsNotArmedUnlessAskedFor(t *testing.T) {
	for name, change := range map[string]func(*rig, *fakeGate){
		"not configured":   func(g *rig, _ *fakeGate) { g.r.cfg.KernelTakeover = false },
		"the thread sends": func(_ *rig, p *fakeGate) { p.fails = true },
		"no deadlines":     func(g *rig, _ *fakeGate) { g.path.deadlines = false },
		"no clock":         func(g *rig, _ *fakeGate) { g.r.out.taker = nil },
	} {
		g := newRig(t, true, func(c *config.Router) { c.KernelTakeover = true })
		gate := &fakeGate{fakePacer: fakePacer{g.record}}
		g.r.out.pacer, g.r.out.taker = gate, gate
		change(g, gate)
		g.master(0, 200)
		g.round(1 * ms)
		if d := g.path.armed[g.key]; d.Slot != 0 || gate.word.Gate() == loader.GateArmed {
			t.Errorf("%s: deadline %+v, gate %v", name, d, gate.word.Gate())
		}
	}
}

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

// What a BACKUP has in store is laid once, and anew where the clock has lost it.
func TestStoreIsFilledAgainWhenTheClockIsMadeAnew(t *testing.T) {
	g := newRig(t, true, nil)
	g.kernel = true
	gate := &fakeGate{fakePacer: fakePacer{g.record}}
	g.r.out.pacer, g.r.out.taker = gate, gate
	g.master(0, 200)
	g.round(1 * ms)
	g.want(vrrp.Backup)
	for _, c := range []struct {
		kernel bool
		lays   int
	}{{true, 1}, {false, 2}, {true, 2}} {
		g.kernel = c.kernel // false: the clock broke, and pace knows the schedule no more
		g.r.settle()
		if gate.lays != c.lays {
			t.Errorf("kernel %v: laid %d times, want %d", c.kernel, gate.lays, c.lays)
		}
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

// A gate that a better advert shuts while it is opened stays shut until that has been
// stepped, and is opened by who is MASTER all the same.
func TestGateIsOpenedAgainWhenWhatShutItIsHeard(t *testing.T) {
	g, gate := takingRig(t)
	g.posts()
	gate.turn(loader.GateYielded)
	g.down(deadlineAfter)
	g.loop.storm.gather(func() { g.r.step(g.at(deadlineAfter), vrrp.Timer{}) })
	g.want(vrrp.Master)
	g.r.settle()
	if gate.word.Gate() != loader.GateYielded || g.r.advert.running {
		t.Fatalf("the gate is %v, running %v", gate.word.Gate(), g.r.advert.running)
	}
	for len(g.loop.posted) > 0 {
		g.round(deadlineAfter)
	}
	if g.want(vrrp.Master); gate.word.Gate() != loader.GateOpen || !g.r.advert.running {
		t.Errorf("a round later the gate is %v, running %v", gate.word.Gate(), g.r.advert.running)
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

// While the gate is latched nobody is to hear from us who has the address.
func TestAddressesAreTiedToTheGate(t *testing.T) {
	g, gate := takingRig(t)
	g.r.out.watcher = g.record
	g.takes(gate, deadlineAfter)
	g.round(41 * ms)
	g.want(vrrp.Master)
	if got := g.take(); strings.Count(got, "tie 10.0.0.3 to slot 7") != 1 || strings.Index(got, "watch") > strings.Index(got, "tie") {
		t.Errorf("did %q", got)
	}
	if n := unanswered(g.record, g.r.split.watches); n != 2 {
		t.Errorf("%d questions unanswered", n)
	}
	g.r.step(g.at(50*ms), vrrp.SetPriority{Priority: 120})
	if got := g.take(); strings.Contains(got, "tie") {
		t.Errorf("tied again: %q", got)
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

// An advert that the rule does not know shuts the gate until user space has judged
// it, also one that does not count.
func TestGateIsArmedAgainAfterAnAdvert(t *testing.T) {
	g, gate := takingRig(t)
	gate.turn(loader.GateYielded)
	g.path.queue = append(g.path.queue, loader.Event{Kind: loader.Advert, Key: g.key, At: g.at(5 * ms), Now: g.at(5 * ms), Message: []byte{1}})
	g.round(6 * ms)
	if gate.word.Gate() != loader.GateArmed || g.path.armed[g.key].Gate != gate.word {
		t.Errorf("gate %#x, deadline %+v", gate.word, g.path.armed[g.key])
	}
}

// The kernel judged by a priority that was not ours any more.
func TestMasterOpensItsGateAgain(t *testing.T) {
	g, gate := takingRig(t)
	g.down(deadlineAfter)
	g.round(deadlineAfter)
	g.want(vrrp.Master)
	g.take()
	gate.turn(loader.GateYielded)
	g.master(38*ms, 50)
	g.round(39 * ms)
	g.want(vrrp.Master)
	if gate.word.Gate() != loader.GateOpen {
		t.Errorf("the gate is %v", gate.word.Gate())
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

// The kernel goes on from the first advert of a new MASTER: its gate is open before
// that leaves. Not one that an advert has shut since.
func TestGateOpensBeforeTheFirstAdvert(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Router)
		before func(g *rig, gate *fakeGate)
		want   string
	}{
		"plain":    {nil, nil, "pace every 10ms; advert 100; garp; hold; announce 4 more and again after 5s"},
		"takeover": {func(c *config.Router) { c.KernelTakeover = true }, nil, "pace every 10ms; advert 100; garp; hold; announce 4 more and again after 5s"},
		"no clock": {nil, func(_ *rig, gate *fakeGate) { gate.kernel = false }, "advert 100; garp; hold; announce 4 more and again after 5s; pace every 10ms"},
		"yielded":  {nil, func(_ *rig, gate *fakeGate) { gate.turn(loader.GateYielded) }, "advert 100; garp; hold; announce 4 more and again after 5s"},
		"no rule":  {nil, func(g *rig, _ *fakeGate) { g.r.taken.told = false }, "advert 100; garp; hold; announce 4 more and again after 5s; pace every 10ms"},
		"yields":   {nil, func(_ *rig, gate *fakeGate) { gate.set = func() { gate.turn(loader.GateYielded) } }, "pace every 10ms; hold; announce 4 more and again after 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, true, c.change)
			g.kernel = true
			gate := &fakeGate{fakePacer: fakePacer{g.record}}
			g.posts()
			g.r.out.pacer, g.r.out.taker, g.r.out.away = gate, gate, func() time.Duration { return 0 }
			g.master(0, 200)
			g.round(1 * ms)
			g.want(vrrp.Backup)
			if rule := g.path.rules[g.key]; rule.Slot != 7 || len(gate.given.Frames) != 1 || gate.word.Gate() == loader.GateOpen {
				t.Fatalf("a BACKUP's rule names slot %d, its clock has %d frames, its gate is %v", rule.Slot, len(gate.given.Frames), gate.word.Gate())
			}
			if c.before != nil {
				c.before(g, gate)
			}
			g.take()
			g.down(deadlineAfter)
			g.round(deadlineAfter)
			g.want(vrrp.Master)
			g.wantScript(c.want)
			if gate.word.Gate() == loader.GateYielded {
				return // see TestGateIsOpenedAgainWhenWhatShutItIsHeard
			}
			if next, _ := g.r.machine.Deadline(); gate.given.Next != next || next < g.at(deadlineAfter).Add(10*ms) {
				t.Errorf("the kernel's first is %v after ours, the machine's %v", gate.given.Next.Sub(g.at(deadlineAfter)), next.Sub(g.at(deadlineAfter)))
			}
		})
	}
}
