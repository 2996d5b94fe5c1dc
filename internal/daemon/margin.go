package daemon

import (
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/margin"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
)

// marginStatus adds how close a router's master came to its deadline. Every look at
// the status of all routers keeps what the datapath forgets after some minutes, and watchDrops
// has one each 10 s.
func (h *host) marginStatus(s *stats.Router, owner string, gaps []loader.Gap) {
	var all []margin.Gap
	for _, g := range gaps {
		if g.Longest > 0 {
			all = append(all, margin.Gap{Ended: g.Ended, At: clock.Wall(g.Ended), Long: g.Longest, Down: time.Duration(s.MasterDown)})
		}
	}
	r := h.margins.Observe(owner, all, time.Now())
	s.LongestGap, s.LongestGapToday, s.LastNearMiss = gapView(r.Longest), gapView(r.Today), gapView(r.LastNear)
	s.NearMisses = r.Near
}

func gapView(g margin.Gap) *stats.Gap {
	if g.Long == 0 {
		return nil
	}
	return &stats.Gap{Seconds: stats.Seconds(g.Long), MasterDown: stats.Seconds(g.Down), At: g.At}
}
