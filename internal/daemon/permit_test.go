package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Who is given leave to take over has a fresh lease.
func TestPermitRenewsTheLease(t *testing.T) {
	for _, away := range []time.Duration{0, time.Second} {
		g := newRig(t, true, func(c *config.Router) { c.SplitBrain = &config.SplitBrain{Action: config.ActionYield} })
		g.r.out.away = func() time.Duration { return away }
		g.r.out.renew = func() { g.add("renew") }
		g.down(deadlineAfter)
		g.round(deadlineAfter)
		if _, asking := g.r.machine.Asking(); !asking {
			t.Fatal("it does not ask")
		}
		g.take()
		g.r.permit(g.at(200*ms), true)
		g.want(vrrp.Master)
		if did := g.take(); strings.HasPrefix(did, "renew; ") != (away > 0) || strings.Count(did, "renew") > 1 {
			t.Errorf("away for %v, did %q", away, did)
		}
	}
}

// A process that was stopped in the round hears first what has come meanwhile.
func TestPermitBeyondTheLeaseWaitsForTheRing(t *testing.T) {
	g := newRig(t, true, func(c *config.Router) { c.SplitBrain = &config.SplitBrain{Action: config.ActionYield} })
	away := time.Duration(0)
	g.posts()
	g.r.out.away = func() time.Duration { return away }
	g.r.out.renew = func() { away = 0 }
	g.down(deadlineAfter)
	g.round(deadlineAfter)
	away = time.Minute
	g.r.permit(g.at(200*ms), true)
	g.want(vrrp.Backup)
	away = 0 // the next round renews
	g.master(201*ms, 200)
	g.round(202 * ms)
	g.want(vrrp.Backup)
	if _, asking := g.r.machine.Asking(); asking {
		t.Error("it asks still, though there is a MASTER")
	}
	// Without one leave is given then.
	g.down(240 * ms)
	g.round(240 * ms)
	away = time.Minute
	g.r.permit(g.at(400*ms), true)
	g.want(vrrp.Backup)
	away = 0
	g.round(401 * ms)
	g.want(vrrp.Master)
}
