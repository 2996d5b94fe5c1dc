package testnet

import (
	"testing"
	"time"
)

func TestWallClockIsConverted(t *testing.T) {
	const ago = 300 * time.Millisecond
	for range 100 {
		before := Now()
		at := FromTime(time.Now().Add(-ago)).Add(ago)
		// Some microseconds more on either side for the reading of two clocks.
		if after := Now(); at < before.Add(-10*time.Microsecond) || at > after.Add(10*time.Microsecond) {
			t.Fatalf("converted to %d, between %d and %d", at, before, after)
		}
	}
}
