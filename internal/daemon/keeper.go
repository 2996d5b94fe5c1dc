package daemon

import (
	"context"
	"fmt"

	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/internal/config"
)

// authKey names a router over restarts: its name may change, this may not
// without making another router of it.
func (r *router) authKey() string { return authKey(&r.cfg) }

func authKey(c *config.Router) string {
	return fmt.Sprintf("%s VRID %d IPv%d", c.Interface, c.VRID, c.Family)
}

// openKeeper is to keep the sequence numbers of the routers that need it; nil
// when none does.
func (h *host) openKeeper() (*auth.Keeper, error) {
	return auth.OpenKeeper(h.guards(), h.opts.StateDir, h.opts.RunDir, h.log)
}

// guards are the guards of the routers, on the loop or before it runs.
func (h *host) guards() map[string]auth.Guard {
	guards := map[string]auth.Guard{}
	for _, r := range h.routers {
		guards[r.authKey()] = r.guard
	}
	return guards
}

// startKeeper begins to keep the numbers. stopKeeper is called when the loop and
// the pacer have ended, and writes the last ones.
func (h *host) startKeeper() {
	if h.keeper == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.keeper.Run(ctx, h.onLoop)
	}()
	h.stopKeeper = func() {
		cancel()
		<-done
		h.keeper.Close()
	}
}
