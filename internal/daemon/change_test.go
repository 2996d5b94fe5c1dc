package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/plan"
	"github.com/vrrpx/vrrpx/internal/track"
	"github.com/vrrpx/vrrpx/vrrp"
)

// changed is what a router that is MASTER, or BACKUP, does when it is changed.
func changed(t *testing.T, master bool, edit func(*config.Router)) (did string, g *rig) {
	t.Helper()
	g = newRig(t, true, nil)
	h := newHost(Options{Log: g.loop.log})
	h.loop, h.electing, h.routers = g.loop, true, []*router{g.r}
	d := h.device("eth0")
	d.exists, d.up, d.linked, d.primary, d.link = true, true, true, g.r.machine.Config().Primary, g.r.link
	d.routers, g.r.device = []*router{g.r}, d
	if master {
		g.down(37 * ms)
		g.round(37 * ms)
		g.want(vrrp.Master)
	} else {
		g.master(5*ms, 200)
		g.round(5 * ms)
		g.want(vrrp.Backup)
	}
	g.take()
	to := g.r.cfg
	edit(&to)
	p := plan.Diff(&config.Config{Routers: []config.Router{g.r.cfg}}, &config.Config{Routers: []config.Router{to}})
	if len(p.Changed) != 1 {
		t.Fatalf("%+v", p)
	}
	h.change(g.r, &p.Changed[0], nil)
	return g.take(), g
}

// What the kernel has in store to send is what the router is now.
func TestChangeReachesWhatTheKernelHasInStore(t *testing.T) {
	for name, takes := range map[string]bool{"takeover in the kernel": true, "first advert": false} {
		g := newRig(t, true, func(c *config.Router) { c.KernelTakeover = takes })
		gate := &fakeGate{fakePacer: fakePacer{g.record}}
		g.kernel = true
		g.r.out.pacer, g.r.out.taker = gate, gate
		h := newHost(Options{Log: g.loop.log})
		h.loop, h.electing, h.routers = g.loop, true, []*router{g.r}
		d := h.device("eth0")
		d.exists, d.up, d.linked, d.primary, d.link = true, true, true, g.r.machine.Config().Primary, g.r.link
		d.routers, g.r.device = []*router{g.r}, d
		g.master(5*ms, 200)
		g.round(5 * ms)
		g.want(vrrp.Backup)
		to := g.r.cfg
		another(&to)
		p := plan.Diff(&config.Config{Routers: []config.Router{g.r.cfg}}, &config.Config{Routers: []config.Router{to}})
		h.change(g.r, &p.Changed[0], nil)
		if f := gate.given.Frames; len(f) != 1 || len(f[0]) != 14+20+8+2*4 {
			t.Errorf("%s: it has %x, which is not of two addresses", name, f)
		}
	}
}

func another(c *config.Router) {
	c.Addresses = append(c.Addresses[:1:1], config.Address{Prefix: netip.MustParsePrefix("10.0.0.4/24"), Device: "eth0"})
}

func TestChangeDoesWhatItTakesAndNoMore(t *testing.T) {
	for name, c := range map[string]struct {
		edit           func(*config.Router)
		master, backup string
	}{
		"name":     {func(c *config.Router) { c.Name = "web" }, "pace every 10ms", ""},
		"priority": {func(c *config.Router) { c.Priority = 120 }, "pace every 10ms", ""},
		"interval": {func(c *config.Router) { c.AdvertInterval = time.Second }, "pace every 1s; advert 100", ""},
		"one more address": {another,
			"cancel announcing; pace every 10ms; declare 2; hold; garp; garp; announce 4 more and again after 5s", "declare 2"},
		"no address": {func(c *config.Router) { c.Addresses, c.NoAddresses = nil, true },
			"cancel announcing; pace every 10ms; declare 0; hold; announce 0 more and again after 0s", "declare 0"},
		"refresh":   {func(c *config.Router) { c.GARP.Refresh = time.Minute }, "cancel announcing; pace every 10ms; announce 0 more and again after 0s", ""},
		"no_accept": {func(c *config.Router) { c.Accept = false }, "cancel announcing; pace every 10ms; refuse 10.0.0.3; hold; announce 0 more and again after 0s", ""},
		"peers":     {peersOf("10.0.0.6"), "pace every 10ms", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for master, want := range map[bool]string{true: c.master, false: c.backup} {
				did, g := changed(t, master, c.edit)
				if did != want {
					t.Errorf("MASTER %v did %q\nwant %q", master, did, want)
				}
				if is := g.r.machine.State() == vrrp.Master; is != master {
					t.Errorf("MASTER %v, and now %v", master, g.r.machine.State())
				}
			}
		})
	}
}

// The rule follows, and keeps what it has learned of the master.
func TestChangeOfABackupMovesItsRuleAndDeadline(t *testing.T) {
	_, g := changed(t, false, func(c *config.Router) { c.Priority = 10 })
	rule := g.path.rules[g.key]
	if rule.Priority != 10 || rule.Elide == nil || rule.Elide.Priority != 200 {
		t.Errorf("rule %+v", rule)
	}
	if due, _ := g.path.due(g.key); due != g.at(5*ms).Add(vrrp.MasterDown(3, 10, 3, 10*ms)) {
		t.Errorf("due %v after the advert", due.Sub(g.at(5*ms)))
	}
	_, g = changed(t, false, func(c *config.Router) { c.Priority = 250 })
	if rule := g.path.rules[g.key]; rule.Elide != nil {
		t.Error("adverts of a master that is to be preempted are kept")
	}
}

// What comes to a running router counts for nothing before its first result.
func TestFreshTrackerIsNeutral(t *testing.T) {
	for _, weight := range []config.Weight{{}, {N: 20}, {N: -20}, {N: 20, Reverse: true}, {N: -20, Reverse: true}} {
		r := &router{cfg: config.Router{Priority: 100}}
		w := &watched{name: "script x"}
		r.track(w, weight)
		r.trackers[0].fresh = true
		if p, f := r.effective(), r.trackedFaults(); p != 100 || len(f) > 0 {
			t.Errorf("%+v: priority %d, faults %q", weight, p, f)
		}
		w.state = track.Down
		before := r.effective()
		r.trackers[0].fresh = false
		if before != r.effective() {
			t.Errorf("%+v: fresh for ever", weight)
		}
		r.unfollow()
		if len(w.routers) > 0 || len(r.trackers) > 0 {
			t.Error("it is still tracked")
		}
	}
}

// The master's addresses are compared with ours when these change.
func TestAlarmOfAddressesFollowsAChange(t *testing.T) {
	_, g := changed(t, false, another)
	if a := g.r.alarms.Standing(vrrp.NoteAddrsDiffer.String()); a == nil || !strings.Contains(a.Text, "10.0.0.4") {
		t.Errorf("alarm %+v", a)
	}
}
