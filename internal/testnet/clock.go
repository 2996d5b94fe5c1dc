package testnet

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
	"golang.org/x/sys/unix"
)

// Now reads CLOCK_MONOTONIC.
func Now() vrrp.Instant { return vrrp.Instant(clock(unix.CLOCK_MONOTONIC)) }

// FromTime converts a wall-clock time of the recent past, good to some
// microseconds while nobody sets the clock.
func FromTime(t time.Time) vrrp.Instant {
	// The clocks are read one after the other; of a few tries the one that was
	// least interrupted counts.
	var offset int64
	for best, n := int64(math.MaxInt64), 0; n < 10 && best > int64(5*time.Microsecond); n++ {
		before := clock(unix.CLOCK_MONOTONIC)
		real := clock(unix.CLOCK_REALTIME)
		after := clock(unix.CLOCK_MONOTONIC)
		if after-before < best {
			best = after - before
			offset = before + best/2 - real
		}
	}
	return vrrp.Instant(t.UnixNano() + offset)
}

func clock(id int32) int64 {
	var ts unix.Timespec
	// It fails only for a clock that does not exist; these two always do.
	if err := unix.ClockGettime(id, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}

func nativeInt64(b []byte) int64 { return int64(binary.NativeEndian.Uint64(b)) }
