package daemon

import (
	"slices"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/track"
	"github.com/vrrpx/vrrpx/vrrp"
)

func TestNumberOfAFileTimesItsWeightIsAddedOrAFault(t *testing.T) {
	for _, c := range []struct {
		weight   config.Weight
		value    int64
		priority uint8
		fault    bool
	}{
		{config.Weight{N: 1}, 5, 105, false},
		{config.Weight{N: 2}, -5, 90, false},
		{config.Weight{N: 2, Reverse: true}, 5, 90, false},
		{config.Weight{N: -3}, 5, 85, false},
		{config.Weight{N: 1}, -99, 1, false},
		{config.Weight{N: 1}, -253, 1, false},
		{config.Weight{N: 1}, -254, 100, true},
		{config.Weight{N: 254}, -1 << 31, 100, true},
		{config.Weight{N: 254}, 1 << 31, 254, false},
		{config.Weight{N: 254, Reverse: true}, 1, 100, true},
		{config.Weight{N: 1}, 254, 254, false},
		{config.Weight{}, 0, 100, false},
		{config.Weight{}, -1, 100, true},
		{config.Weight{Reverse: true}, 0, 100, true},
		{config.Weight{Reverse: true}, 1, 100, false},
	} {
		r := &router{cfg: config.Router{Priority: 100}}
		r.track(&watched{name: "file x", file: true, value: c.value}, c.weight)
		if p, f := r.effective(), r.trackedFaults(); p != c.priority || (len(f) > 0) != c.fault || r.waitsFor() != "" {
			t.Errorf("%+v %d: priority %d, faults %q", c.weight, c.value, p, f)
		}
	}
}

func TestProcessMovesARouter(t *testing.T) {
	g, h, _ := tracking(t, config.Weight{N: 1})
	h.things = map[string]*watched{}
	g.r.track(h.processThing("web"), config.Weight{})
	h.startup()
	g.want(vrrp.Init) // until they are counted
	h.counted(track.Count{Name: "web", Up: true, N: 2})
	g.want(vrrp.Backup)
	h.counted(track.Count{Name: "web", N: 1})
	g.want(vrrp.Faulted)
	if got := g.r.view(g.t).Tracked[1]; got.Name != "process web" || got.State != "down" || !got.Fault || got.Note != "1 ran when it changed" {
		t.Errorf("%+v", got)
	}
}

func TestFileMovesARouter(t *testing.T) {
	g, h, _ := tracking(t, config.Weight{N: 1})
	h.things = map[string]*watched{}
	g.r.track(h.fileThing("load"), config.Weight{N: -1})
	h.startup()
	g.want(vrrp.Backup)
	h.filed(track.Reading{Name: "load", Value: 30})
	v := g.r.view(g.t)
	if got := v.Tracked[1]; v.Priority != 70 || got.State != "30" || got.Points != -30 || got.Fault {
		t.Errorf("priority %d, %+v", v.Priority, got)
	}
	h.filed(track.Reading{Name: "load", Value: 300})
	g.want(vrrp.Faulted)
	if f := g.r.machine.Faults(); !slices.Equal(f, []string{"file load has 300, with weight -1"}) {
		t.Errorf("faults %q", f)
	}
	h.filed(track.Reading{Name: "load", Value: 0, Note: "no such file or directory"})
	g.want(vrrp.Backup)
	if got := g.r.view(g.t).Tracked[1]; got.Note != "no such file or directory" || got.Points != 0 {
		t.Errorf("%+v", got)
	}
}
