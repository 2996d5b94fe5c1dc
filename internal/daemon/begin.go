package daemon

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// begin starts the election, at once or after the delay that the configuration
// asks for. Until then the routers are in INIT: they hear nobody and take
// nothing. It runs on the loop's goroutine, before the loop.
func (h *host) begin() {
	delay := startDelay(&h.opts.Config.Global, uptime())
	if delay <= 0 {
		h.startup()
		return
	}
	h.begins = clock.Now().Add(delay)
	for _, r := range h.routers {
		r.begins = h.begins
	}
	h.log.Info(fmt.Sprintf("the election begins in %v (vrrp_startup_delay, vrrp_delay_after_boot)", delay.Round(time.Millisecond)))
	h.starter = time.AfterFunc(delay, func() { h.loop.post(h.startup) })
}

// startup begins the election, unless stop came first: of each router at once,
// or when the scripts that it depends on have run.
func (h *host) startup() {
	if h.stopping {
		return
	}
	if h.begun != nil && !h.electing {
		close(h.begun)
	}
	h.electing = true
	for _, r := range h.routers {
		if r.cfg.NotifyPriorityChanges && r.machine.State() == vrrp.Init && r.effective() != r.cfg.Priority {
			r.tellFIFOs("BACKUP_PRIORITY") // as keepalived begins with it
		}
		h.reconsider(r)
	}
}

// startDelay is how long a start has to wait on a host that has been up for so
// long.
func startDelay(g *config.Global, up time.Duration) time.Duration {
	return max(g.StartupDelay, g.DelayAfterBoot-up, 0)
}

// uptime is the time since boot, that in suspension included (/proc/uptime). A
// container has that of its host.
func uptime() time.Duration { return time.Duration(clock.Read(unix.CLOCK_BOOTTIME)) }
