package daemon

import (
	"context"
	"fmt"

	"github.com/vrrpx/vrrpx/internal/auth"
)

// authKey names a router over restarts: its name may change, this may not
// without making another router of it.
func (r *router) authKey() string {
	return fmt.Sprintf("%s VRID %d IPv%d", r.cfg.Interface, r.cfg.VRID, r.cfg.Family)
}

// openKeeper is to keep the sequence numbers of the routers that need it; nil
// when none does.
func (h *host) openKeeper() (*auth.Keeper, error) {
	guards := map[string]auth.Guard{}
	for _, r := range h.routers {
		guards[r.authKey()] = r.guard
	}
	return auth.OpenKeeper(guards, h.opts.StateDir, h.opts.RunDir, h.log)
}

// startKeeper begins to keep the numbers. What it returns is called when the
// loop and the pacer have ended, and writes the last ones.
func (h *host) startKeeper() (stop func()) {
	if h.keeper == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.keeper.Run(ctx, h.onLoop)
	}()
	return func() {
		cancel()
		<-done
		h.keeper.Close()
	}
}
