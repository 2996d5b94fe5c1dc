package pace

import (
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
)

// Paused tells whether a router that has a schedule with Down has sent no advert
// for that long, whether or not whoever sends them has found that out by now.
func (p *Pacer) Paused(name string) (netio.Pause, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byName[name]
	if e == nil || !e.kernel || p.clock == nil {
		return p.thread.Paused(name)
	}
	since, ago := p.clock.Last(e.slot)
	pause := netio.Pause{Since: since, Length: ago}
	down := raw(&e.given).Down
	switch p.clock.Gate(e.slot) {
	case loader.GateFrozen:
		return pause, true
	case loader.GateOpen:
		return pause, down > 0 && ago >= down
	}
	return pause, false
}
