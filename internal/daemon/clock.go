package daemon

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

// now reads CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns.
func now() vrrp.Instant {
	var ts unix.Timespec
	// Cannot fail: the clock exists and the pointer is good.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return vrrp.Instant(ts.Nano())
}

// wall is the time of day of an instant, for people: from today's reading of
// both clocks, so a later step of the wall clock moves it.
func wall(t vrrp.Instant) time.Time { return time.Now().Add(t.Sub(now())) }
