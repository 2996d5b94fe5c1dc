package daemon

import (
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/internal/track"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

func TestTrackedThingMovesThePriorityOrIsAFault(t *testing.T) {
	for _, c := range []struct {
		weight    config.Weight
		state     track.State
		priority  uint8
		fault, ok bool // ok: the election need not wait for it
	}{
		{config.Weight{N: 20}, track.Up, 120, false, true},
		{config.Weight{N: 20}, track.Down, 100, false, true},
		{config.Weight{N: 20}, track.Unknown, 100, false, true},
		{config.Weight{N: -20}, track.Up, 100, false, true},
		{config.Weight{N: -20}, track.Down, 80, false, true},
		{config.Weight{N: -20}, track.Unknown, 80, false, true},
		{config.Weight{N: 20, Reverse: true}, track.Up, 80, false, true},
		{config.Weight{N: 20, Reverse: true}, track.Down, 100, false, true},
		{config.Weight{N: -20, Reverse: true}, track.Down, 120, false, true},
		{config.Weight{N: 253}, track.Up, 254, false, true},
		{config.Weight{N: -253}, track.Down, 1, false, true},
		{config.Weight{}, track.Up, 100, false, true},
		{config.Weight{}, track.Down, 100, true, true},
		{config.Weight{}, track.Unknown, 100, false, false},
		{config.Weight{Reverse: true}, track.Up, 100, true, true},
		{config.Weight{Reverse: true}, track.Down, 100, false, true},
	} {
		r := &router{cfg: config.Router{Priority: 100}}
		r.track(&watched{name: "script x", state: c.state}, c.weight)
		if p, f, w := r.effective(), r.trackedFaults(), r.waitsFor(); p != c.priority || (len(f) > 0) != c.fault || (w == "") != c.ok {
			t.Errorf("%+v %v: priority %d, faults %q, waits for %q", c.weight, c.state, p, f, w)
		}
	}
}

func TestWeightsAddUpAndLeaveTheOwnerAlone(t *testing.T) {
	r := &router{cfg: config.Router{Priority: 100}}
	for n, s := range map[int]track.State{30: track.Up, -50: track.Down, 7: track.Down, -9: track.Up} {
		r.track(&watched{state: s}, config.Weight{N: n})
	}
	if p := r.effective(); p != 80 {
		t.Errorf("priority %d, want 80", p)
	}
	r.cfg.Priority = 255
	if p := r.effective(); p != 255 {
		t.Errorf("an owner has priority %d", p)
	}
}

// tracking is a rig on a host of its own, whose router tracks script x.
func tracking(t *testing.T, weight config.Weight) (*rig, *host, *watched) {
	t.Helper()
	g := newRig(t, true, nil)
	g.r.step(g.t, vrrp.Shutdown{})
	h := &host{log: g.loop.log, loop: g.loop, routers: []*router{g.r}, devices: map[string]*device{}}
	d := h.device("eth0")
	d.exists, d.up, d.primary, d.link, d.routers = true, true, g.r.machine.Config().Primary, g.r.link, []*router{g.r}
	g.r.device = d
	w := &watched{name: "script x"}
	h.scripts = map[string]*watched{"x": w}
	g.r.track(w, weight)
	g.take()
	return g, h, w
}

var failing = script.Result{Exit: 1}

func TestElectionWaitsForAScriptWithoutWeight(t *testing.T) {
	g, h, _ := tracking(t, config.Weight{})
	h.startup()
	g.want(vrrp.Init)
	if v := g.r.view(g.t); !strings.Contains(v.Reason, "when script x has run") {
		t.Errorf("status: %s, %q", v.State, v.Reason)
	}
	h.checked(track.Report{Name: "x", State: track.Up, Changed: true})
	g.want(vrrp.Backup)
	h.checked(track.Report{Name: "x", State: track.Down, Changed: true, Result: failing})
	g.want(vrrp.Faulted)
	if f := g.r.machine.Faults(); !slices.Equal(f, []string{"script x is down"}) {
		t.Errorf("faults %q", f)
	}
	if v := g.r.view(g.t); !slices.Equal(v.Faults, g.r.machine.Faults()) || !v.Preempt || v.UntrackedOwn || v.Tracked[0].Reverse {
		t.Errorf("status: %q, preempt %v, untracked %v, %+v", v.Faults, v.Preempt, v.UntrackedOwn, v.Tracked)
	}
	h.checked(track.Report{Name: "x", State: track.Up, Changed: true})
	g.want(vrrp.Backup)
	if v := g.r.view(g.t); len(v.Faults) > 0 {
		t.Errorf("status: %q", v.Faults)
	}
}

// What an explanation argues from is as it is configured.
func TestStatusTellsOfNopreemptAndReverse(t *testing.T) {
	g, _, _ := tracking(t, config.Weight{Reverse: true})
	g.r.cfg.Preempt, g.r.cfg.UntrackedOwn = false, true
	g.r.step(g.t, vrrp.SetConfig{Config: g.r.machineConfig(g.r.machine.Config().Primary)})
	if v := g.r.view(g.t); v.Preempt || !v.UntrackedOwn || !v.Tracked[0].Reverse {
		t.Errorf("preempt %v, untracked %v, %+v", v.Preempt, v.UntrackedOwn, v.Tracked)
	}
}

func TestScriptThatFailsAtOnceIsAFaultFromTheStart(t *testing.T) {
	g, h, _ := tracking(t, config.Weight{})
	h.startup()
	h.checked(track.Report{Name: "x", State: track.Down, Changed: true, Result: failing})
	g.want(vrrp.Faulted)
}

func TestStoppedRouterIsNotStartedByAScript(t *testing.T) {
	g, h, _ := tracking(t, config.Weight{})
	h.startup()
	h.stopping, h.electing = true, false
	h.checked(track.Report{Name: "x", State: track.Up, Changed: true})
	g.want(vrrp.Init)
}

func TestWeightedScriptChangesTheAdvertsOfAMaster(t *testing.T) {
	g, h, _ := tracking(t, config.Weight{N: 50})
	h.startup()
	g.want(vrrp.Backup)
	h.checked(track.Report{Name: "x", State: track.Up, Changed: true})
	if p := g.r.machine.Config().Priority; p != 150 {
		t.Fatalf("priority %d, want 150", p)
	}
	due, _ := g.r.deadline()
	g.r.act(due, vrrp.Timer{})
	g.r.settle()
	g.want(vrrp.Master)
	if s := g.take(); !strings.Contains(s, "advert 150") {
		t.Errorf("did %q", s)
	}
	h.checked(track.Report{Name: "x", State: track.Down, Changed: true, Result: failing})
	g.want(vrrp.Master)
	if f := g.r.advert.frames[0]; f[14+20+2] != 100 {
		t.Errorf("adverts go out with priority %d, want 100", f[14+20+2])
	}
}

func TestFailuresOfOneKindAreLoggedOnce(t *testing.T) {
	g, h, w := tracking(t, config.Weight{N: 50})
	h.startup()
	_ = g
	h.checked(track.Report{Name: "x", State: track.Down, Changed: true, Result: failing})
	first := w.note
	h.checked(track.Report{Name: "x", State: track.Down, Result: failing})
	if first != "exit status 1" || w.note != first {
		t.Errorf("notes %q, %q", first, w.note)
	}
	h.checked(track.Report{Name: "x", State: track.Up, Changed: true})
	if w.note != "" {
		t.Errorf("note %q of a script that is up", w.note)
	}
}

func TestTrackedInterfaceIsFollowedByRoutersElsewhere(t *testing.T) {
	g, h, _ := tracking(t, config.Weight{N: 1})
	h.startup()
	d := h.device("eth1")
	d.watched = &watched{name: "interface eth1", state: track.Down}
	d.exists, d.up = true, true
	g.r.track(d.watched, config.Weight{})
	h.refresh(d)
	g.want(vrrp.Backup)
	d.up = false
	h.refresh(d)
	g.want(vrrp.Faulted)
	d.up = true
	h.refresh(d)
	g.want(vrrp.Backup)
}

func TestOwnInterfaceMayBeLeftUntracked(t *testing.T) {
	g, h, _ := tracking(t, config.Weight{N: 1})
	h.startup()
	g.r.device.up = false
	h.refresh(g.r.device)
	g.want(vrrp.Faulted)
	g.r.cfg.UntrackedOwn = true
	h.refresh(g.r.device)
	g.want(vrrp.Backup)
}

func TestStatusShowsWhatIsTracked(t *testing.T) {
	g, h, _ := tracking(t, config.Weight{N: -20})
	h.startup()
	h.checked(track.Report{Name: "x", State: track.Down, Changed: true, Result: failing})
	v := g.r.view(g.t)
	want := stats.Tracked{Name: "script x", State: "down", Weight: -20, Points: -20, Note: "exit status 1"}
	if v.BasePriority != 100 || v.Priority != 80 || len(v.Tracked) != 1 || v.Tracked[0] != want {
		t.Errorf("priority %d of %d, tracked %+v", v.Priority, v.BasePriority, v.Tracked)
	}
}
