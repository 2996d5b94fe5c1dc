package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

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
