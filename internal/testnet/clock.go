package testnet

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
	"golang.org/x/sys/unix"
)

// Now reads CLOCK_MONOTONIC.
func Now() vrrp.Instant { return clock.Now() }

// FromTime converts a wall-clock time of the recent past, good to some
// microseconds while nobody sets the clock.
func FromTime(t time.Time) vrrp.Instant {
	// The clocks are read one after the other; of a few tries the one that was
	// least interrupted counts.
	var offset int64
	for best, n := int64(math.MaxInt64), 0; n < 10 && best > int64(5*time.Microsecond); n++ {
		before := clock.Read(unix.CLOCK_MONOTONIC)
		real := clock.Read(unix.CLOCK_REALTIME)
		after := clock.Read(unix.CLOCK_MONOTONIC)
		if after-before < best {
			best = after - before
			offset = before + best/2 - real
		}
	}
	return vrrp.Instant(t.UnixNano() + offset)
}

func nativeInt64(b []byte) int64 { return int64(binary.NativeEndian.Uint64(b)) }
