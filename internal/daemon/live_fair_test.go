package daemon

import (
	"testing"
	"time"
)

// A lease below two seconds asks for no watch, a longer one in good time.
func TestShortLeaseNeedsNoWatch(t *testing.T) {
	for lease, want := range map[time.Duration]time.Duration{
		0: 0, 400 * ms: 0, 2*time.Second - 4: 0, 2 * time.Second: 750 * ms, 5 * time.Second: 1875 * ms,
	} {
		if got := fairNeed(lease / renewalsPerLease); got != want {
			t.Errorf("with a lease of %v: %v, want %v", lease, got, want)
		}
	}
}
