package daemon

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
)

// onePacer has something of its own to say of one schedule.
type onePacer struct {
	fakePacer
	owner  string
	gate   loader.Gate
	paused netio.Pause
	is     bool
}

func (p onePacer) Gate(owner string) loader.Gate {
	if owner == p.owner {
		return p.gate
	}
	return p.fakePacer.Gate(owner)
}

func (p onePacer) Paused(owner string) (netio.Pause, bool) {
	if owner == p.owner {
		return p.paused, p.is
	}
	return p.fakePacer.Paused(owner)
}

// Announcements ask all lines of a router.
func TestAnnouncementsAskEveryLine(t *testing.T) {
	now := clock.Now()
	silent, sent := netio.Pause{Since: now - 1e9, Length: time.Second}, netio.Pause{Since: now, Length: ms}
	for name, c := range map[string]struct {
		first, other netio.Pause
		paused, is   bool // the first, the other
		gate         loader.Gate
		want         bool
	}{
		"all well":                  {sent, sent, false, false, loader.GateOpen, false},
		"the other is well":         {silent, sent, true, false, loader.GateOpen, false},
		"the other is paused":       {sent, silent, false, true, loader.GateFrozen, false},
		"both are paused":           {silent, silent, true, true, loader.GateFrozen, true},
		"the other is stopped":      {silent, silent, true, false, loader.GateShut, true},
		"the other's lease is over": {sent, sent, false, false, loader.GateLapsed, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := leased(t, nil)
			l := g.r.newLine(config.Heartbeat{Name: "hb"})
			g.r.lines = append(g.r.lines, l)
			p := firstPacer{onePacer{fakePacer{g.record}, l.owner, c.gate, c.other, c.is}, c.first, c.paused}
			g.r.out.pacer = p
			if got := g.r.hold()(); got != c.want {
				t.Errorf("held %v, want %v", got, c.want)
			}
		})
	}
}

type firstPacer struct {
	onePacer
	first netio.Pause
	is    bool
}

func (p firstPacer) Paused(owner string) (netio.Pause, bool) {
	if owner != p.owner {
		return p.first, p.is
	}
	return p.onePacer.Paused(owner)
}
