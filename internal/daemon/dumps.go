package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/dump"
	"github.com/vrrpx/vrrpx/internal/preflight"
)

// dumpTime bounds what one dump waits for the loop.
const dumpTime = 3 * time.Second

// watchDumps writes keepalived's files as they are asked for, until ctx ends.
// It has a goroutine of its own: a disk that hangs holds up dumps alone.
func (h *host) watchDumps(ctx context.Context) {
	var base dump.Base
	if h.opts.LogConfig {
		h.logConfig(ctx)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case kind := <-h.opts.Dumps:
			base = h.dump(ctx, kind, base)
		}
	}
}

func (h *host) dump(ctx context.Context, kind dump.Kind, base dump.Base) dump.Base {
	s, err := h.snapshot(ctx)
	if err != nil {
		h.log.Error("no dump: " + err.Error())
		return base
	}
	path, err := dump.Write(s, kind, base)
	if err != nil {
		h.log.Error(err.Error())
		return base
	}
	h.log.Info("wrote " + path)
	if kind == dump.StatsClear {
		return dump.BaseOf(s)
	}
	return base
}

// logConfig puts what a dump has into the log (keepalived --dump-conf).
func (h *host) logConfig(ctx context.Context) {
	s, err := h.snapshot(ctx)
	if err != nil {
		return // it stops before it has begun
	}
	for _, line := range dump.Lines(s) {
		h.log.Info(line)
	}
}

func (h *host) snapshot(ctx context.Context) (*dump.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, dumpTime)
	defer cancel()
	s := &dump.Snapshot{At: time.Now()}
	var cfg config.Config
	if err := h.onLoop(ctx, func() { cfg = *h.shown }); err != nil {
		return nil, err
	}
	cfg.Global.Files = h.opts.Config.Global.Files // those of the start count
	s.Config = &cfg
	var err error
	if s.Status, err = h.Status(ctx); err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	p := preflight.NewPrograms(&s.Config.Global)
	s.User = func(c config.Command) (uid, gid uint32, ok bool) {
		u, err := p.User(c)
		if err != nil {
			return 0, 0, false
		}
		return u.UID, u.GID, true
	}
	return s, nil
}
