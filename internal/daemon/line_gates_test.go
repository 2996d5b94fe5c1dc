package daemon

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// gated is a MASTER by the kernel's clock on two lines, or on the other alone, whose gate there is
// another.
func gated(t *testing.T, both bool, gate loader.Gate) (*rig, *line) {
	g := leased(t, nil)
	l := g.r.newLine(config.Heartbeat{Name: "hb"})
	l.pacing = pacing{running: true, lease: time.Second}
	g.r.lines, g.r.advert.running = append(g.r.lines, l), both
	g.gate = loader.GateOpen
	p := onePacer{fakePacer{g.record}, l.owner, gate, netio.Pause{}, false}
	if gate == loader.GateFrozen {
		p.is, p.paused = true, netio.Pause{Since: g.at(50 * ms), Length: time.Second}
	}
	g.r.out.pacer = p
	return g, l
}

// The events of a line may be lost like those of the first.
func TestGatesOfAllLinesAreLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		both      bool
		gate      loader.Gate
		state     vrrp.State
		listening bool
		running   bool // on the line
	}{
		"well":                       {true, loader.GateOpen, vrrp.Master, false, true},
		"its lease is over":          {true, loader.GateLapsed, vrrp.Backup, false, false},
		"its lease is over, alone":   {false, loader.GateLapsed, vrrp.Backup, false, false},
		"paused, and the first well": {true, loader.GateFrozen, vrrp.Master, false, false},
		"paused, alone":              {false, loader.GateFrozen, vrrp.Master, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			g, l := gated(t, c.both, c.gate)
			g.r.regate()
			if g.r.machine.State() != c.state || listening(g.r.machine) != c.listening || l.running != c.running {
				t.Errorf("%v, listens %v, sends on the line %v: %q", g.r.machine.State(), listening(g.r.machine), l.running, g.take())
			}
		})
	}
}

// What is queued for any line is dropped when another's gate says that it may be untrue.
func TestStaleFramesOfAllLinesAreDropped(t *testing.T) {
	for name, c := range map[string]struct {
		both  bool
		gate  loader.Gate
		stale bool
	}{
		"well":                       {true, loader.GateOpen, false},
		"its lease is over":          {true, loader.GateLapsed, true},
		"its lease is over, alone":   {false, loader.GateLapsed, true},
		"paused, and the first well": {true, loader.GateFrozen, false},
		"paused, alone":              {false, loader.GateFrozen, true},
	} {
		for where, queue := range map[string]func(*rig, *line){
			"the first": func(g *rig, _ *line) { g.r.queueAdvert(100) },
			"the line":  func(_ *rig, l *line) { l.queue = append(l.queue, make([]byte, 64)) },
		} {
			g, l := gated(t, c.both, c.gate)
			if queue(g, l); g.r.stale() != c.stale {
				t.Errorf("%s, queued for %s: stale %v", name, where, !c.stale)
			}
		}
	}
}
