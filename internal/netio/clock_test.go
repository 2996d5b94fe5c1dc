package netio

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

//vrrp:row 33
func TestStampsSurviveStepsOfTheWallClock(t *testing.T) {
	const s = int64(time.Second)
	read := clocks{wall: 1_000_000 * s, mono: vrrp.Instant(5000 * s)}
	previous := vrrp.Instant(4990 * s)
	tests := []struct {
		name  string
		stamp int64
		want  vrrp.Instant
	}{
		{"three seconds ago", read.wall - 3*s, vrrp.Instant(4997 * s)},
		{"this instant", read.wall, read.mono},
		{"stepped forward an hour since", read.wall - 3600*s, previous},
		{"stepped back an hour since", read.wall + 3600*s, read.mono},
		{"before the one before", read.wall - 11*s, previous},
	}
	for _, tt := range tests {
		if got := read.monotonic(tt.stamp, previous); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestClocksAreReadTogether(t *testing.T) {
	before, wall := clock.Now(), time.Now()
	c := readClocks()
	after := clock.Now()
	if c.mono < before || c.mono > after {
		t.Errorf("monotonic reading %v is not between %v and %v", c.mono, before, after)
	}
	if d := time.Unix(0, c.wall).Sub(wall.Round(0)); d < 0 || d > time.Minute {
		t.Errorf("wall-clock reading is %v after time.Now", d)
	}
}

func TestBucketBoundsRateAndBurst(t *testing.T) {
	const rate, burst = 100, 5
	var b bucket
	at := vrrp.Instant(time.Hour)
	taken := func(n int, every time.Duration) (got int) {
		for range n {
			if b.take(at, rate, burst) {
				got++
			}
			at = at.Add(every)
		}
		return got
	}
	if got := taken(20, 0); got != burst {
		t.Errorf("%d at once, want %d", got, burst)
	}
	// 1,000 a second for two seconds: the rate, and no more for the waiting.
	if got := taken(2000, time.Millisecond); got < 2*rate-1 || got > 2*rate+1 {
		t.Errorf("%d in two seconds, want %d", got, 2*rate)
	}
	at = at.Add(time.Hour)
	if got := taken(20, 0); got != burst {
		t.Errorf("%d at once after an hour, want %d", got, burst)
	}
	// Below the rate nothing is held back.
	at = at.Add(time.Hour)
	if got := taken(1000, time.Second/rate); got != 1000 {
		t.Errorf("%d of 1000 at just the rate", got)
	}
}
