// Package clock reads the clock that everything here is timed by.
package clock

import (
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Now reads CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns.
func Now() vrrp.Instant { return vrrp.Instant(Read(unix.CLOCK_MONOTONIC)) }

// Read reads a clock that exists, in nanoseconds: CLOCK_MONOTONIC,
// CLOCK_REALTIME or CLOCK_BOOTTIME.
func Read(id int32) int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(id, &ts) // fails for a clock that does not exist
	return ts.Nano()
}
