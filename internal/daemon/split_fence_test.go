package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/vrrp"
)

// fencing is a rig whose takeovers wait for a script that ends as told.
func fencing(t *testing.T, goOn bool) (g *rig, ran *[]string, end func(script.Result)) {
	g = splitRig(t, &config.SplitBrain{Action: config.ActionScript, Wait: true, GoOn: goOn})
	posts, results := make(chan func(), 9), make(chan script.Result)
	g.r.split.fence.post = func(f func()) bool { posts <- f; return true }
	ran = &[]string{}
	began := make(chan string, 9)
	g.r.tells.Fence = program("/fence", "lb01")
	g.r.split.fence.run = func(c script.Command) script.Result {
		began <- strings.Join(c.Argv, " ")
		return <-results
	}
	return g, ran, func(r script.Result) {
		results <- r
		*ran = append(*ran, <-began)
		(<-posts)()
	}
}

func TestTakeoverWaitsForTheScript(t *testing.T) {
	for name, c := range map[string]struct {
		result script.Result
		goOn   bool
		want   vrrp.State
	}{
		"success":            {script.Result{}, false, vrrp.Master},
		"failure":            {script.Result{Exit: 1}, false, vrrp.Backup},
		"timeout":            {script.Result{TimedOut: true}, false, vrrp.Backup},
		"failure, and go on": {script.Result{Exit: 1}, true, vrrp.Master},
	} {
		t.Run(name, func(t *testing.T) {
			g, ran, end := fencing(t, c.goOn)
			g.master(0, 200)
			g.round(ms)
			g.take()
			g.down(40 * ms)
			g.round(40 * ms)
			g.tick(10 * time.Second)
			g.want(vrrp.Backup)
			g.wantScript("")
			end(c.result)
			g.want(c.want)
			if want := "/fence lb01 FENCE VI_1 takeover 10.0.0.6 00:00:00:00:00:00 unknown"; len(*ran) != 1 || (*ran)[0] != want {
				t.Errorf("ran %q, want %q", *ran, want)
			}
			cause := "script"
			if c.result.OK() {
				cause = ""
			}
			g.wantAlarm(alarm.Fence, cause, "failed")
			if c.want == vrrp.Master {
				return
			}
			due, _ := g.path.due(g.key)
			g.down(due.Sub(g.t))
			g.round(due.Sub(g.t)) // asks again, and is refused without another run
			g.want(vrrp.Backup)
			g.path.receive(g.key, due.Add(ms), vrrp.Packet{Version: 3, VRID: 51, Priority: 150, Interval: 10 * ms, Addrs: []netip.Addr{theVIP}}, "10.0.0.6")
			g.round(due.Sub(g.t) + 2*ms)
			g.wantAlarm(alarm.Fence, "")
			if g.r.split.fence.state != fenceNone {
				t.Error("the incident is over, and the script would not run in the next")
			}
		})
	}
}

// Who has never heard a master fences nobody, unless one answers.
func TestStartFencesNobody(t *testing.T) {
	g, _, _ := fencing(t, false)
	g.down(40 * ms)
	g.round(40 * ms)
	for _, at := range []time.Duration{100, 150, 200} {
		g.want(vrrp.Backup)
		g.tick(at * ms)
	}
	g.want(vrrp.Master)

	g, ran, end := fencing(t, false)
	g.down(40 * ms)
	g.round(40 * ms)
	g.claims(41*ms, answer())
	g.want(vrrp.Backup)
	end(script.Result{})
	g.want(vrrp.Master)
	if want := "/fence lb01 FENCE VI_1 address_conflict - 02:00:00:00:00:06 unknown"; (*ran)[0] != want {
		t.Errorf("ran %q, want %q", *ran, want)
	}
}

// Without wait_for_script it runs once for all alarms of an incident.
func TestScriptRunsOncePerIncident(t *testing.T) {
	g, ran, end := fencing(t, false)
	g.r.cfg.SplitBrain.Wait = false
	g.r.step(g.t, vrrp.SetConfig{Config: g.r.machineConfig(netip.MustParseAddr("10.0.0.5"))})
	g.takeOver()
	g.claims(2*time.Second, question(90, true, false))
	end(script.Result{})
	g.claims(2100*ms, netio.Held{})
	g.master(2200*ms, 50)
	g.round(2200 * ms)
	g.master(2300*ms, 50)
	g.round(2300 * ms)
	g.wantAlarm(alarm.TwoMasters, "one_way")
	if len(*ran) != 1 || !strings.Contains((*ran)[0], "address_conflict") {
		t.Errorf("ran %q", *ran)
	}
}
