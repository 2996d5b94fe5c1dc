package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Manager is who started the daemon and wants to know how it fares
// (systemd.Notifier).
type Manager interface {
	Send(message string) error
	Watch(ctx context.Context, limit time.Duration, alive func(context.Context) error)
}

// noManager is for who was started by hand.
type noManager struct{}

func (noManager) Send(string) error { return nil }

func (noManager) Watch(context.Context, time.Duration, func(context.Context) error) {}

// reportPause is the least time between two status lines for the manager.
const reportPause = 500 * time.Millisecond

// report tells the manager of the start, of the states as they change, and that
// the loop is alive, until ctx ends. It never runs on the loop. Ready is said
// when every interface is attached, or known to be missing, and the election
// has begun.
func (h *host) report(ctx context.Context) {
	if delay := startDelay(&h.opts.Config.Global, uptime()); delay > 0 {
		h.send(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d\nSTATUS=the election begins in %v", (delay + time.Minute).Microseconds(), delay.Round(time.Second)))
	}
	// The loop must be alive from the first: the manager counts from the start.
	go h.opts.Manager.Watch(ctx, h.opts.Watchdog, func(ctx context.Context) error { return h.onLoop(ctx, func() {}) })
	select {
	case <-h.begun:
	case <-ctx.Done():
		return
	}
	line := h.summary(ctx)
	h.send("READY=1\nSTATUS=" + line)
	if h.opts.Ready != nil {
		h.opts.Ready()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.changed:
		}
		if now := h.summary(ctx); now != "" && now != line {
			line = now
			h.send("STATUS=" + line)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(reportPause):
		}
	}
}

func (h *host) send(message string) {
	if err := h.opts.Manager.Send(message); err != nil {
		h.log.Warn("the service manager does not listen: " + err.Error())
	}
}

// summary counts the routers by state; it is empty when the loop does not
// answer.
func (h *host) summary(ctx context.Context) string {
	n := map[vrrp.State]int{}
	if h.onLoop(ctx, func() {
		for _, r := range h.routers {
			n[r.machine.State()]++
		}
	}) != nil {
		return ""
	}
	s := fmt.Sprintf("%d MASTER, %d BACKUP, %d FAULT", n[vrrp.Master], n[vrrp.Backup], n[vrrp.Faulted])
	if n[vrrp.Init] > 0 {
		s += fmt.Sprintf(", %d INIT", n[vrrp.Init])
	}
	return s
}

// signalChange wakes report. It does not block.
func signalChange(changed chan struct{}) func() {
	return func() {
		select {
		case changed <- struct{}{}:
		default: // it will look anyway
		}
	}
}
