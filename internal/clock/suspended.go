package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Suspended is how long the host has been suspended since boot, during which
// CLOCK_MONOTONIC stood still and CLOCK_BOOTTIME did not. It reads both as if at
// one time: again, a few times, when the thread lost the CPU in between.
func Suspended() time.Duration {
	const together = 20 * time.Microsecond
	least := time.Duration(1<<63 - 1)
	for range 4 {
		before := Read(unix.CLOCK_MONOTONIC)
		slept := time.Duration(Read(unix.CLOCK_BOOTTIME) - before)
		least = min(least, slept)
		if time.Duration(Read(unix.CLOCK_MONOTONIC)-before) < together {
			break
		}
	}
	return max(least, 0)
}
