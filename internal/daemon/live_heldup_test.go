package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/vrrp"
)

func expiredBackup(c *config.Router) { c.Preempt, c.ExpiredBackup, c.Accept = false, 150, true }

// reign makes the rig MASTER and forgets how.
func (g *rig) reign() {
	g.Helper()
	g.down(50 * ms)
	g.round(50 * ms)
	g.want(vrrp.Master)
	g.take()
}

func TestLimitIsTheMasterDownOfTheOthers(t *testing.T) {
	g := newRig(t, true, expiredBackup)
	if got, want := g.r.limit(), 30*ms+10*ms*(256-150)/256; got != want {
		t.Errorf("limit %v, want %v", got, want)
	}
	g = newRig(t, true, nil)
	if got := g.r.limit(); got != 0 {
		t.Errorf("limit %v without timer_expired_backup", got)
	}
}

// Without a limit a pause is what a BACKUP of the highest priority may take over after,
// whatever ours is.
func TestPauseIsTheShortestMasterDown(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Router)
		want   time.Duration
	}{
		"a low priority":       {func(c *config.Router) { c.Priority = 1 }, 30 * ms},
		"a high one":           {func(c *config.Router) { c.Priority = 254 }, 30 * ms},
		"down_timer_adverts 5": {func(c *config.Router) { c.DownAdverts = 5 }, 50 * ms},
		"timer_expired_backup": {expiredBackup, 30*ms + 10*ms*(256-150)/256},
	} {
		g := newRig(t, true, c.change)
		if got := g.r.schedule(nil, g.r.sender(), g.r.link).Down; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Whatever wakes a MASTER that was held up, it says nothing.
func TestHeldUpMasterGivesWayBeforeItSpeaks(t *testing.T) {
	const gaveWay = "cancel announcing; stop pacing; release"
	for name, wake := range map[string]func(g *rig){
		"an advert of lower priority": func(g *rig) { g.master(60*ms, 50); g.round(61 * ms) },
		"a release":                   func(g *rig) { g.master(60*ms, 0); g.round(61 * ms) },
		"the pacer":                   func(g *rig) { g.r.onHeldUp() },
		"shutdown":                    func(g *rig) { g.r.step(g.at(60*ms), vrrp.Shutdown{}) },
		"an address put back": func(g *rig) {
			h := &host{log: g.r.log, routers: []*router{g.r}}
			h.addrEvent(vip.Event{Kind: vip.Restored, Owner: "VI_1"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, true, expiredBackup)
			g.r.out.post = func(f func()) bool { f(); return true }
			g.reign()
			g.silence = 10 * time.Second
			wake(g)
			g.wantScript(gaveWay)
			if tr := g.r.history[1]; tr.To != "MASTER" {
				t.Fatalf("history %+v", g.r.history)
			}
			if tr := g.r.history[2]; tr.To != "BACKUP" || !strings.HasPrefix(tr.Reason, "held up for 10s") {
				t.Errorf("history %+v", g.r.history)
			}
		})
	}
}

// Adverts that waited while it was held up do not make its deadline one that
// has passed.
func TestHeldUpMasterListensForAWholeMasterDown(t *testing.T) {
	g := newRig(t, true, expiredBackup)
	g.reign()
	g.silence = 10 * time.Second
	g.master(60*ms, 50)
	g.round(61 * ms)
	g.want(vrrp.Backup)
	due, _ := g.r.machine.Deadline()
	if g.r.resumed == 0 || due != g.r.resumed.Add(g.r.machine.MasterDown()) {
		t.Errorf("deadline %v, resumed at %v", due, g.r.resumed)
	}
	if e := g.path.rules[g.key].Elide; e == nil || e.Priority != 50 {
		t.Errorf("the datapath keeps %+v", e)
	}
}

func TestWithoutALimitNobodyIsHeldUp(t *testing.T) {
	g := newRig(t, true, nil)
	g.reign()
	g.silence = 10 * time.Second
	g.master(60*ms, 50)
	g.round(61 * ms)
	g.want(vrrp.Master)
}
