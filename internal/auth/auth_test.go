package auth

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
)

// An advert that waited while the process was stopped is judged by the time at
// which it came.
func TestAdvertThatWaitedIsNotStale(t *testing.T) {
	const waited = time.Hour
	ago := time.Duration(wallNow() - WallAt(clock.Now().Add(-waited)))
	if ago < waited-time.Second || ago > waited+time.Minute {
		t.Errorf("what came %v ago is taken to have come %v ago", waited, ago)
	}
}
