package daemon

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A loop that was held up while a better MASTER advertised beside ours has many adverts to read.
// After the first of them its deadline has long passed, which the kernel must not act upon.
func TestGateIsArmedWhenTheRingIsRead(t *testing.T) {
	g, gate := takingRig(t)
	g.takes(gate, deadlineAfter)
	g.round(deadlineAfter)
	g.want(vrrp.Master)
	gate.turn(loader.GateYielded)
	for at := 50 * ms; at <= time.Second; at += 10 * ms {
		g.master(at, 200)
	}
	arms, last := gate.arms, g.at(time.Second)
	g.r.now = func() vrrp.Instant { return last.Add(ms) }
	word, early := gate.word, false
	g.path.told = func(d loader.Deadline) { early = early || d.Slot != 0 && d.At <= last }
	g.round(time.Second + ms)
	g.want(vrrp.Backup)
	g.round(time.Second + 2*ms) // runs what was put off
	if early || gate.arms != arms+1 || gate.word == word {
		t.Errorf("the kernel was given a deadline that had passed: %v; the gate was armed %d times", early, gate.arms-arms)
	}
	d := g.path.armed[g.key]
	if gate.word.Gate() != loader.GateArmed || d.Gate != gate.word || d.At != last.Add(deadlineAfter) {
		t.Errorf("at last the gate is %v, the deadline %+v, want %v", gate.word.Gate(), d, last.Add(deadlineAfter))
	}
}

// So has one that is held up while it arms, after it has looked whether anything waits.
func TestRingIsLookedAtAgainWhenTheGateIsArmed(t *testing.T) {
	g, gate := takingRig(t)
	g.takes(gate, deadlineAfter)
	g.round(deadlineAfter)
	g.want(vrrp.Master)
	gate.turn(loader.GateYielded)
	now, last := g.at(51*ms), g.at(time.Second)
	g.r.now = func() vrrp.Instant { return now }
	gate.armed = func() {
		gate.armed, now = nil, last.Add(ms)
		for at := 60 * ms; at <= time.Second; at += 10 * ms {
			g.master(at, 200)
		}
	}
	early := false
	g.path.told = func(d loader.Deadline) { early = early || d.Slot != 0 && d.At <= last }
	g.master(50*ms, 200)
	g.round(51 * ms)
	g.want(vrrp.Backup)
	if early || gate.armed != nil {
		t.Fatalf("the kernel was given a deadline that had passed: %v", early)
	}
	g.round(time.Second + ms)
	g.round(time.Second + 2*ms)
	if d := g.path.armed[g.key]; early || gate.word.Gate() != loader.GateArmed || d.Gate != gate.word || d.At != last.Add(deadlineAfter) {
		t.Errorf("at last the gate is %v, the deadline %+v, too early %v", gate.word.Gate(), d, early)
	}
}

// A ring that never empties holds nothing up while the MASTER is heard.
func TestGateIsArmedInAFlood(t *testing.T) {
	g, gate := takingRig(t)
	g.takes(gate, deadlineAfter)
	g.round(deadlineAfter)
	g.want(vrrp.Master)
	gate.turn(loader.GateYielded)
	other := g.key
	other.VRID++
	round := func(at time.Duration) {
		g.r.now = func() vrrp.Instant { return g.at(at) }
		for range 2 { // the first ends the drain, the second stays
			g.path.queue = append(g.path.queue, loader.Event{Kind: loader.Advert, Key: other, At: g.at(time.Hour), Now: g.at(time.Hour)})
		}
		if g.round(at); !g.path.Ready() {
			t.Fatal("the ring is empty")
		}
	}
	arms := gate.arms
	g.master(50*ms, 200)
	round(77 * ms) // the next of a MASTER who is well should have come, and may wait
	g.want(vrrp.Backup)
	if d := g.path.armed[g.key]; gate.arms != arms || d.Slot != 0 {
		t.Fatalf("armed with what waits unread: %+v", d)
	}
	g.path.queue = nil
	g.master(78*ms, 200)
	round(79 * ms)
	round(80 * ms)
	if d := g.path.armed[g.key]; gate.arms != arms+1 || gate.word.Gate() != loader.GateArmed || d.Slot != 7 || d.Gate != gate.word {
		t.Errorf("armed %d times, the gate is %v, the deadline %+v", gate.arms-arms, gate.word.Gate(), d)
	}
}
