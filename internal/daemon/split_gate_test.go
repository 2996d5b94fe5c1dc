package daemon

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A takeover asks first, and is immediate when it is a preemption or a release.
func TestTakeoverAsksWhoHoldsTheAddresses(t *testing.T) {
	g := splitRig(t, yields())
	g.master(0, 200)
	g.round(ms)
	g.down(40 * ms)
	g.round(40 * ms)
	g.want(vrrp.Backup)
	g.wantScript("watch 10.0.0.3; ask 10.0.0.3 100")
	for _, at := range []time.Duration{90, 140} {
		g.tick(at * ms)
		g.wantScript("ask 10.0.0.3 100")
	}
	g.tick(190 * ms)
	g.want(vrrp.Master)
	g.wantScript("advert 100; garp; hold; announce 4 more and again after 5s; pace every 10ms")

	for _, priority := range []uint8{0, 50} {
		g := splitRig(t, yields())
		g.master(0, 200)
		g.round(ms)
		g.master(10*ms, priority)
		g.round(11 * ms)
		g.down(50 * ms)
		g.round(50 * ms)
		g.want(vrrp.Master)
	}
}

func TestTakeoverIsLeftWhenAnotherAnswers(t *testing.T) {
	g := splitRig(t, yields())
	g.master(0, 200)
	g.round(ms)
	g.down(40 * ms)
	g.round(40 * ms)
	g.claims(41*ms, question(90, false, true)) // who asks as we do holds nothing
	g.want(vrrp.Backup)
	g.claims(42*ms, answer())
	g.wantAlarm(alarm.VRRPLost, "firewall", "no advert from 10.0.0.6", "10.0.0.6 (02:00:00:00:00:06, priority 90) answers for 10.0.0.3", "not taken over")
	if due, ok := g.path.due(g.key); !ok || due != g.at(42*ms).Add(g.r.machine.MasterDown()) {
		t.Errorf("deadline %v %v: want another master-down interval", due.Sub(g.t), ok)
	}
	g.take()
	g.tick(200 * ms)
	g.want(vrrp.Backup)
	g.wantScript("")
	if len(g.r.split.watches) != 0 {
		t.Error("watches still")
	}
	g.master(210*ms, 150) // its adverts come again
	g.round(211 * ms)
	g.wantAlarm(alarm.VRRPLost, "")
}

func TestAdvertEndsTheQuestion(t *testing.T) {
	g := splitRig(t, yields())
	g.master(0, 200)
	g.round(ms)
	g.down(40 * ms)
	g.round(40 * ms)
	g.master(50*ms, 150)
	g.round(51 * ms)
	g.tick(500 * ms)
	g.want(vrrp.Backup)
	if g.r.split.gate.asking || len(g.r.split.watches) != 0 {
		t.Errorf("still asks: %+v", g.r.split.gate)
	}
}
