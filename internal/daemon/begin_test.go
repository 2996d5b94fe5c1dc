package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

func TestStartDelay(t *testing.T) {
	for _, c := range []struct{ startup, boot, up, want time.Duration }{
		{0, 0, time.Hour, 0},
		{5, 0, time.Hour, 5},
		{0, 60, 50, 10},
		{0, 60, 61, 0},
		{5, 60, 50, 10},
		{15, 60, 50, 15},
	} {
		if got := startDelay(&config.Global{StartupDelay: c.startup, DelayAfterBoot: c.boot}, c.up); got != c.want {
			t.Errorf("startup delay %d, after boot %d, up for %d: %d, want %d", c.startup, c.boot, c.up, got, c.want)
		}
	}
	// CLOCK_MONOTONIC lacks the time in suspension.
	if mono := time.Duration(clock.Now()); uptime() < mono {
		t.Errorf("up for less than CLOCK_MONOTONIC's %v", mono)
	}
}

// A stop that overtakes the delayed start leaves nothing for it to start.
func TestStartAfterStopIsNone(t *testing.T) {
	g := newRig(t, true, nil)
	g.r.step(g.t, vrrp.Shutdown{})
	h := &host{routers: []*router{g.r}, stopping: true}
	h.startup()
	g.want(vrrp.Init)
}

func TestStatusTellsOfTheStartDelay(t *testing.T) {
	g := newRig(t, true, nil)
	g.r.step(g.t, vrrp.Shutdown{})
	g.r.begins = g.at(5 * time.Second)
	if v := g.r.view(g.at(2 * time.Second)); !strings.Contains(v.Reason, "begins in 3s") {
		t.Errorf("reason %q", v.Reason)
	}
	if v := g.r.view(g.at(5 * time.Second)); v.Reason != "shutdown" {
		t.Errorf("reason after it %q", v.Reason)
	}
}
