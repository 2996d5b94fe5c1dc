package auth

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"sync"
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
func (g *hmacGuard) record(sent uint64) record {
	rec := record{Sent: sent}
	for _, m := range g.marks.list {
		rec.Heard = append(rec.Heard, heard{m.src, m.key, m.heard.highest()})
	}
	return rec
}

// recall puts a record in force.
func (g *hmacGuard) recall(rec record) {
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

// Keeper keeps the sequence numbers of the guards that need it.
type Keeper struct {
	log *slog.Logger

	disk    sync.Mutex // for as long as the disk takes
	file    string
	content contents

	mu     sync.Mutex            // held for moments, on the event loop too
	guards map[string]*hmacGuard // by the router's name in the file
}

// OpenKeeper brings the numbers of the last run back, and reserves those of the
// next minute, before any advert is sent or heard. Guards are named by what
// their routers are over restarts. The file is in stateDir or, where that is
// empty or cannot be written, in runDir. The keeper is nil when no guard needs
// it. The error is of a file that cannot be trusted, read or written.
func OpenKeeper(guards map[string]Guard, stateDir, runDir string, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{guards: kept(guards), log: log}
	if len(k.guards) == 0 {
		return nil, nil
	}
	k.file = filepath.Join(writable(stateDir, runDir, log), fileName)
	var err error
	if k.content, err = load(k.file); err != nil {
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

// kept are those that need a file.
func kept(guards map[string]Guard) map[string]*hmacGuard {
	need := map[string]*hmacGuard{}
	for name, g := range guards {
		if g, ok := g.(*hmacGuard); ok && g.cfg.Monotonic {
			need[name] = g
		}
	}
	return need
}

// Needed tells whether one of the guards needs a Keeper.
func Needed(guards map[string]Guard) bool { return len(kept(guards)) > 0 }

// Add is OpenKeeper for guards of a Keeper that runs, before they are used. It
// may block.
func (k *Keeper) Add(guards map[string]Guard) error {
	k.disk.Lock()
	defer k.disk.Unlock()
	next := k.content
	next.Routers = maps.Clone(k.content.Routers)
	more := kept(guards)
	for name, g := range more {
		g.recall(next.Routers[name])
		next.Routers[name] = g.record(g.ahead())
	}
	if len(more) == 0 {
		return nil
	}
	if err := next.save(k.file); err != nil {
		return fmt.Errorf("sequence numbers of auth_hmac: %w", err)
	}
	k.content = next
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.Copy(k.guards, more)
	return nil
}

// Keep has only these guards kept from now on; those that were not known before
// have been given to Add or have inherited from others. Of those that are no
// longer among them, which nobody uses any more, it writes the last numbers. It
// may block.
func (k *Keeper) Keep(guards map[string]Guard) {
	now, gone := kept(guards), map[string]record{}
	k.mu.Lock()
	for name, g := range k.guards {
		if now[name] == nil {
			gone[name] = g.record(g.sequence.last.Load())
		}
	}
	k.guards = now
	k.mu.Unlock()
	k.tell(k.write(gone))
}

// writable is where the numbers are kept: what outlives a boot, when it can be
// had. The run directory does not, and then a host whose clock is wrong after
// boot is refused by its peers, and believes old adverts.
func writable(stateDir, runDir string, log *slog.Logger) string {
	if stateDir == "" || stateDir == runDir {
		return runDir
	}
	err := os.MkdirAll(stateDir, 0o700)
	if err == nil {
		err = unix.Access(stateDir, unix.W_OK)
	}
	if err != nil {
		log.Warn(fmt.Sprintf("the sequence numbers of auth_hmac do not outlive a reboot: %s cannot be written: %v", stateDir, err))
		return runDir
	}
	return stateDir
}

// Run writes the file every now and then until ctx ends. It asks the guards by
// onLoop, which runs a function where they are checked and fails when it cannot;
// nothing there waits for the disk.
func (k *Keeper) Run(ctx context.Context, onLoop func(context.Context, func()) error) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		records := map[string]record{}
		if onLoop(ctx, func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			for name, g := range k.guards {
				records[name] = g.record(g.ahead())
			}
		}) == nil {
			k.tell(k.write(records))
		}
	}
}

// write saves what has changed, and remembers it as saved only when it is. A
// number reserved before is not reserved anew until half of the reserve is used.
func (k *Keeper) write(records map[string]record) error {
	k.disk.Lock()
	defer k.disk.Unlock()
	next, changed := k.content, false
	next.Routers = maps.Clone(k.content.Routers)
	for name, rec := range records {
		old := k.content.Routers[name]
		if left := secondsBetween(rec.Sent, old.Sent); left >= 0 && left < int32(keepAhead/time.Second)/2 {
			rec.Sent = old.Sent
		}
		if !reflect.DeepEqual(rec, old) {
			next.Routers[name] = rec
			changed = true
		}
	}
	if !changed {
		return nil
	}
	if err := next.save(k.file); err != nil {
		return err
	}
	k.content = next
	return nil
}

// tell tells of a file that cannot be written. Adverts go on: to fall silent
// would be a failover.
func (k *Keeper) tell(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, g := range k.guards {
		if err == nil {
			g.trouble.Store(nil)
			continue
		}
		why := fmt.Sprintf("the sequence numbers of auth_hmac cannot be kept, so that after a restart old adverts may be believed: %v", err)
		if g.trouble.Swap(&why) == nil {
			k.log.Error(why)
		}
	}
}

// Close writes the last numbers themselves, when Run and all who check and seal
// have ended. A failure is logged, since nothing is left to be done about it.
func (k *Keeper) Close() {
	records := map[string]record{}
	k.mu.Lock()
	for name, g := range k.guards {
		records[name] = g.record(g.sequence.last.Load())
	}
	k.mu.Unlock()
	k.tell(k.write(records))
}
