package sim

import (
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// read is what a router's clock shows at t.
func (r *Router) read(t time.Duration) vrrp.Instant {
	return vrrp.Instant(r.Offset + t + t*time.Duration(r.PPM)/1e6)
}

// when is a t at which the clock shows at, or a nanosecond more.
func (r *Router) when(at vrrp.Instant) time.Duration {
	t := time.Duration(at) - r.Offset
	for range 6 { // each leaves a thousandth of the error
		t += at.Sub(r.read(t))
	}
	for r.read(t) < at {
		t++
	}
	return t
}
