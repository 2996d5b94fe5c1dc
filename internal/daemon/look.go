package daemon

import (
	"context"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/stats"
)

// lookTurn is how many routers are looked at in one turn of the loop: what is due
// meanwhile, a deadline that has passed, waits for no more than that.
const lookTurn = 16

// look copies what only the loop may read. Routers that a reload brings meanwhile are not
// in it.
func (h *host) look(ctx context.Context) ([]view, []ifaceView, []stats.Group, error) {
	var owners []string
	var ifaces []ifaceView
	var groups []stats.Group
	err := h.onLoop(ctx, func() {
		for _, r := range h.routers {
			owners = append(owners, r.owner)
		}
		ifaces, groups = h.ifaceViews(), h.groupViews()
	})
	if err != nil {
		return nil, nil, nil, err
	}
	views := make([]view, 0, len(owners))
	for len(owners) > 0 {
		some := owners[:min(lookTurn, len(owners))]
		owners = owners[len(some):]
		err := h.onLoop(ctx, func() {
			t := clock.Now()
			for _, owner := range some {
				if r := h.router(owner); r != nil { // else a reload was quicker
					views = append(views, r.view(t))
				}
			}
		})
		if err != nil {
			return nil, nil, nil, err // and views may be written to still
		}
	}
	return views, ifaces, groups, nil
}
