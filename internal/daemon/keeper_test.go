package daemon

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
)

// boot is a daemon's start as far as the keeper sees it, with one router whose
// numbers need only grow.
func boot(t *testing.T, dir string) (*host, *hmacGuard) {
	t.Helper()
	g := newRig(t, true, func(c *config.Router) {
		c.HMAC = hmacConfig()
		c.HMAC.Monotonic, c.HMAC.Window = true, 0
	})
	h := &host{log: slog.New(slog.NewTextHandler(io.Discard, nil)), routers: []*router{g.r}, loopDone: make(chan struct{})}
	h.opts.RunDir = dir
	k, err := h.openKeeper()
	if err != nil {
		t.Fatal(err)
	}
	h.keeper = k
	return h, g.r.guard.(*hmacGuard)
}

// Whatever the clock does between a kill and the next start, no number is sent
// twice, and what was heard by a stop is not believed again.
func TestNumbersGrowOverRestarts(t *testing.T) {
	for _, killed := range []bool{true, false} {
		dir := t.TempDir()
		clock := wallNow()
		var last uint64
		heard := signer{newRig(t, true, nil).r.machine.Config().Primary, 1}
		for round := range 5 {
			h, g := boot(t, dir)
			g.sequence.wall = func() wallTime { return clock }
			for range 1000 {
				n := g.sequence.next()
				if !later(n, last) && last != 0 {
					t.Fatalf("killed %v, round %d: %x after %x", killed, round, n, last)
				}
				last = n
				clock += wallTime(10 * time.Millisecond)
			}
			if !g.marks.raise(heard, uint64(5+round), clock) {
				t.Errorf("round %d: a new number is refused", round)
			}
			if !killed {
				if round > 0 && g.marks.raise(heard, uint64(4+round), clock) {
					t.Errorf("round %d: an old number is believed", round)
				}
				h.closeKeeper(h.keeper)
			}
			clock -= wallTime(time.Hour) // no battery
		}
	}
}

// The numbers reserved are written before they are used, so that a kill between
// two writings gives none away, and seldom, so that no disk wears.
func TestReserveIsWrittenAheadAndSeldom(t *testing.T) {
	dir := t.TempDir()
	h, g := boot(t, dir)
	k, clock, writes := h.keeper, wallNow(), 0
	g.sequence.wall = func() wallTime { return clock }
	for range 60 {
		before, _ := os.Stat(k.file)
		clock += wallTime(keepEvery / 2) // twice as often as needed
		n := g.sequence.next()
		if on, err := loadAuth(k.file); err != nil || later(n, on.Routers[h.routers[0].authKey()].Sent) {
			t.Fatalf("%x was sent, %x is kept: %v", n, on.Routers[h.routers[0].authKey()].Sent, err)
		}
		rec := map[string]authRecord{h.routers[0].authKey(): g.record(n + uint64(keepAhead/time.Second)<<32)}
		if err := k.write(rec); err != nil {
			t.Fatal(err)
		}
		if after, _ := os.Stat(k.file); !os.SameFile(before, after) {
			writes++
		}
	}
	if writes == 0 || writes > 12 {
		t.Errorf("%d writings in 5 minutes of sending", writes)
	}
}

func TestMarkOfADayAgoIsFoundAgain(t *testing.T) {
	dir := t.TempDir()
	h, g := boot(t, dir)
	old := signer{h.routers[0].machine.Config().Primary, 2}
	g.marks.raise(old, 77, 0)
	h.closeKeeper(h.keeper)
	_, g = boot(t, dir)
	if g.marks.raise(old, 77, 0) || !g.marks.raise(old, 78, 0) {
		t.Error("the mark is lost")
	}
}

func TestOnlyMonotonicNeedsAFile(t *testing.T) {
	for name, change := range guarded {
		h := &host{routers: []*router{newRig(t, true, change).r}}
		h.opts.RunDir = t.TempDir()
		if k, err := h.openKeeper(); k != nil || err != nil {
			t.Errorf("%s: keeper %v, %v", name, k, err)
		}
	}
}

// A file that cannot be trusted ends the start: to begin anew would believe
// adverts of old.
func TestFileThatCannotBeTrustedIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(file string) error{
		"is damaged":               func(f string) error { return os.WriteFile(f, []byte(`{"version":1,"routers":{"x":`), 0o600) },
		"is of version 2":          func(f string) error { return os.WriteFile(f, []byte(`{"version":2}`), 0o600) },
		"can be written by others": func(f string) error { return os.Chmod(f, 0o666) },
	} {
		dir := t.TempDir()
		h, _ := boot(t, dir)
		if err := spoil(filepath.Join(dir, authName)); err != nil {
			t.Fatal(err)
		}
		if _, err := h.openKeeper(); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "delete it") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A disk that fails later is an alarm: adverts go on.
func TestFileThatCannotBeWrittenIsAnAlarm(t *testing.T) {
	dir := t.TempDir()
	h, g := boot(t, dir)
	h.keeper.file = filepath.Join(dir, "gone", authName)
	g.marks.raise(signer{key: 1}, 1, 0)
	h.closeKeeper(h.keeper)
	if said := strings.Join(h.routers[0].authAlarms(1), "; "); !strings.Contains(said, "cannot be kept") {
		t.Errorf("alarms %q", said)
	}
	h.keeper.file = filepath.Join(dir, authName)
	g.marks.raise(signer{key: 1}, 2, 0)
	h.closeKeeper(h.keeper)
	if said := h.routers[0].authAlarms(1); len(said) != 0 {
		t.Errorf("alarms %q", said)
	}
}

func TestStateDirectoryIsMadeOrDoneWithout(t *testing.T) {
	dir := t.TempDir()
	h := &host{log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	h.opts.RunDir, h.opts.StateDir = dir, filepath.Join(dir, "lib", "vrrpx")
	if got, err := h.stateDir(); got != h.opts.StateDir || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	h.opts.StateDir = "/proc/vrrpx"
	if got, err := h.stateDir(); got != dir || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// The keeper's goroutine asks the loop and ends with the daemon.
func TestKeeperStops(t *testing.T) {
	h, g := boot(t, t.TempDir())
	h.loop = &loop{done: true}
	stop := h.startKeeper()
	n := g.sequence.next()
	stop()
	if on, err := loadAuth(h.keeper.file); err != nil || on.Routers[h.routers[0].authKey()].Sent != n {
		t.Errorf("%+v, %v", on, err)
	}
	if h.onLoop(context.Background(), func() {}) == nil {
		t.Error("the loop answers")
	}
}
