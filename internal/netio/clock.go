package netio

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// clocks is one reading of both clocks.
type clocks struct {
	wall int64 // CLOCK_REALTIME, ns
	mono vrrp.Instant
}

// readClocks reads both clocks as if at one time: again, a few times, when the
// thread lost the CPU in between.
func readClocks() (c clocks) {
	const together = 20 * time.Microsecond
	for range 4 {
		before := clock.Now()
		c = clocks{wall: clock.Read(unix.CLOCK_REALTIME), mono: clock.Now()}
		if c.mono.Sub(before) < together {
			break
		}
	}
	return c
}

// monotonic turns the wall-clock stamp of an arrival into an Instant. If the
// wall clock was stepped between the arrival and the reading, the difference is
// wrong by the step: the result is held between the arrival before and the
// reading, between which the truth lies.
func (c clocks) monotonic(stamp int64, previous vrrp.Instant) vrrp.Instant {
	return min(max(c.mono-vrrp.Instant(c.wall-stamp), previous), c.mono)
}
