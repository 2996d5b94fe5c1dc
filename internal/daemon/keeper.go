package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"golang.org/x/sys/unix"
)

// The file is written at most every keepEvery, and says that numbers have been
// sent up to keepAhead from now: whatever happens until the next writing, none
// is used twice. Of the numbers heard it may lack those of the last keepEvery,
// after a kill; a stop writes all.
const (
	keepEvery = 10 * time.Second
	keepAhead = 60 * time.Second
)

// record is what is to be kept of a guard, with sent as the last number that
// may be used before the next record.
func (g *hmacGuard) record(sent uint64) authRecord {
	rec := authRecord{Sent: sent}
	for _, m := range g.marks.list {
		rec.Heard = append(rec.Heard, authHeard{m.src, m.key, m.seq})
	}
	return rec
}

// recall puts a record in force.
func (g *hmacGuard) recall(rec authRecord) {
	g.sequence.last.Store(rec.Sent)
	for _, h := range rec.Heard {
		g.marks.set(signer{h.Source, h.Key}, h.Seq)
	}
}

// ahead is a number that the guard does not reach before the next record.
func (g *hmacGuard) ahead() uint64 {
	seq, now := g.sequence.last.Load(), wallNow().sequence()
	if later(now, seq) {
		seq = now
	}
	return seq + uint64(keepAhead/time.Second)<<32
}

// keeper keeps the sequence numbers of the routers that need it.
type keeper struct {
	file    string
	content authFile
	guards  map[string]*hmacGuard // by authKey
}

// authKey names a router over restarts: its name may change, this may not
// without making another router of it.
func (r *router) authKey() string {
	return fmt.Sprintf("%s VRID %d IPv%d", r.cfg.Interface, r.cfg.VRID, r.cfg.Family)
}

// openKeeper brings the numbers of the last run back, and reserves those of the
// next minute, before any advert is sent or heard. It is nil when no router
// needs it.
func (h *host) openKeeper() (*keeper, error) {
	k := &keeper{guards: map[string]*hmacGuard{}}
	for _, r := range h.routers {
		if g, ok := r.guard.(*hmacGuard); ok && g.cfg.Monotonic {
			k.guards[r.authKey()] = g
		}
	}
	if len(k.guards) == 0 {
		return nil, nil
	}
	dir, err := h.stateDir()
	if err != nil {
		return nil, err
	}
	k.file = filepath.Join(dir, authName)
	if k.content, err = loadAuth(k.file); err != nil {
		return nil, err
	}
	for name, g := range k.guards {
		g.recall(k.content.Routers[name])
		k.content.Routers[name] = g.record(g.ahead())
	}
	if err := k.content.save(k.file); err != nil {
		return nil, fmt.Errorf("sequence numbers of auth_hmac: %w", err)
	}
	return k, nil
}

// stateDir is where the numbers are kept: what outlives a boot, when it can be
// had. The run directory does not, and then a host whose clock is wrong after
// boot is refused by its peers, and believes old adverts.
func (h *host) stateDir() (string, error) {
	if h.opts.StateDir == "" || h.opts.StateDir == h.opts.RunDir {
		return h.opts.RunDir, nil
	}
	err := os.MkdirAll(h.opts.StateDir, 0o700)
	if err == nil {
		err = unix.Access(h.opts.StateDir, unix.W_OK)
	}
	if err != nil {
		h.log.Warn(fmt.Sprintf("the sequence numbers of auth_hmac do not outlive a reboot: %s cannot be written: %v", h.opts.StateDir, err))
		return h.opts.RunDir, nil
	}
	return h.opts.StateDir, nil
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
		h.keep(ctx, h.keeper)
	}()
	return func() {
		cancel()
		<-done
		h.closeKeeper(h.keeper)
	}
}

// keep writes the file every now and then until ctx ends. The loop is asked for
// the marks and does not wait for the disk.
func (h *host) keep(ctx context.Context, k *keeper) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		records := map[string]authRecord{}
		if h.onLoop(ctx, func() {
			for name, g := range k.guards {
				records[name] = g.record(g.ahead())
			}
		}) == nil {
			h.kept(k, k.write(records))
		}
	}
}

// write saves what has changed. A number reserved before is not reserved anew
// until half of the reserve is used.
func (k *keeper) write(records map[string]authRecord) error {
	changed := false
	for name, rec := range records {
		old := k.content.Routers[name]
		if left := secondsBetween(rec.Sent, old.Sent); left >= 0 && left < int32(keepAhead/time.Second)/2 {
			rec.Sent = old.Sent
		}
		if !reflect.DeepEqual(rec, old) {
			k.content.Routers[name] = rec
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return k.content.save(k.file)
}

// kept tells of a file that cannot be written. Adverts go on: to fall silent
// would be a failover.
func (h *host) kept(k *keeper, err error) {
	for _, g := range k.guards {
		if err == nil {
			g.trouble.Store(nil)
			continue
		}
		why := fmt.Sprintf("the sequence numbers of auth_hmac cannot be kept, so that after a restart old adverts may be believed: %v", err)
		if g.trouble.Swap(&why) == nil {
			h.log.Error(why)
		}
	}
}

// closeKeeper writes the last numbers themselves: the loop and the pacer have
// ended.
func (h *host) closeKeeper(k *keeper) {
	records := map[string]authRecord{}
	for name, g := range k.guards {
		records[name] = g.record(g.sequence.last.Load())
	}
	h.kept(k, k.write(records))
}
