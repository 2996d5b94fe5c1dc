package clock

import (
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Wall is the time of day of an instant, for people: from today's reading of
// both clocks, so a later step of the wall clock moves it.
func Wall(t vrrp.Instant) time.Time { return time.Now().Add(t.Sub(Now())) }
