package daemon

import (
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// fifoLines notes what the FIFOs are given.
type fifoLines []string

func (l *fifoLines) Tell(kind, name, event string, priority uint8) {
	*l = append(*l, strings.Join([]string{kind, name, event, string('0' + rune(priority/100))}, " "))
}

func TestFIFOsAreToldOfEventsInOrder(t *testing.T) {
	g := newRig(t, true, nil)
	var got fifoLines
	g.r.out.news.FIFOs = &got
	g.r.cfg.NotifyPriorityChanges = true
	g.down(37 * ms)
	g.round(37 * ms)
	g.master(38*ms, 50)
	g.round(38 * ms)
	g.r.track(&watched{state: 1}, config.Weight{N: 100})
	g.r.reprioritise(g.at(39 * ms))
	g.r.step(g.at(42*ms), vrrp.Fault{Cause: "x", Active: true})
	g.r.trackers = nil
	g.r.reprioritise(g.at(43 * ms))
	h := &host{routers: []*router{g.r}}
	h.tellStates(nil) // it has begun by the reload
	h.tellStates(h.routers)
	g.r.step(g.at(44*ms), vrrp.Shutdown{})
	g.r.track(&watched{state: 1}, config.Weight{N: 100})
	g.r.reprioritise(g.at(45 * ms)) // a router that is in INIT tells nothing
	want := fifoLines{
		"INSTANCE VI_1 MASTER 1", "INSTANCE VI_1 MASTER_RX_LOWER_PRI 1", "INSTANCE VI_1 MASTER_PRIORITY 2",
		"INSTANCE VI_1 FAULT 2", "INSTANCE VI_1 BACKUP_PRIORITY 1", "INSTANCE VI_1 FAULT 1", "INSTANCE VI_1 STOP 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told %q\nwant %q", got, want)
	}
}
