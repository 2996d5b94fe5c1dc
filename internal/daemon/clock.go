package daemon

import (
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// wall is the time of day of an instant, for people: from today's reading of
// both clocks, so a later step of the wall clock moves it.
func wall(t vrrp.Instant) time.Time { return time.Now().Add(t.Sub(clock.Now())) }
