package auth

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
)

// name is what the tests' router is called in the file.
const name = "eth0 VRID 51 IPv4"

// growing is a router whose numbers need only grow.
func growing() config.Router {
	return config.Router{Version: 3, HMAC: &config.HMAC{
		Keys:   []config.HMACKey{{ID: 1, Secret: "a secret of exactly 32 bytes...."}},
		Active: 1, Monotonic: true,
	}}
}

func open(stateDir, runDir string, cfg config.Router) (*Keeper, Guard, error) {
	g := New(cfg)
	k, err := OpenKeeper(map[string]Guard{name: g}, stateDir, runDir, slog.New(slog.DiscardHandler))
	return k, g, err
}

// boot is a daemon's start as far as the keeper sees it.
func boot(t *testing.T, dir string) (*Keeper, *hmacGuard) {
	t.Helper()
	k, g, err := open("", dir, growing())
	if err != nil {
		t.Fatal(err)
	}
	return k, g.(*hmacGuard)
}

// Whatever the clock does between a kill and the next start, no number is sent
// twice, and what was heard by a stop is not believed again.
func TestNumbersGrowOverRestarts(t *testing.T) {
	for _, killed := range []bool{true, false} {
		dir := t.TempDir()
		clock := wallNow()
		var last uint64
		peer := signer{netip.MustParseAddr("10.0.0.6"), 1}
		for round := range 5 {
			k, g := boot(t, dir)
			g.sequence.wall = func() WallTime { return clock }
			for range 1000 {
				n := g.sequence.next()
				if !later(n, last) && last != 0 {
					t.Fatalf("killed %v, round %d: %x after %x", killed, round, n, last)
				}
				last = n
				clock += WallTime(10 * time.Millisecond)
			}
			if !g.marks.raise(peer, uint64(5+round), clock) {
				t.Errorf("round %d: a new number is refused", round)
			}
			if !killed {
				if round > 0 && g.marks.raise(peer, uint64(4+round), clock) {
					t.Errorf("round %d: an old number is believed", round)
				}
				k.Close()
			}
			clock -= WallTime(time.Hour) // no battery
		}
	}
}

// The numbers reserved are written before they are used, so that a kill between
// two writings gives none away, and seldom, so that no disk wears.
func TestReserveIsWrittenAheadAndSeldom(t *testing.T) {
	dir := t.TempDir()
	k, g := boot(t, dir)
	clock, writes := wallNow(), 0
	g.sequence.wall = func() WallTime { return clock }
	for range 60 {
		before, _ := os.Stat(k.file)
		clock += WallTime(keepEvery / 2) // twice as often as needed
		n := g.sequence.next()
		if on, err := load(k.file); err != nil || later(n, on.Routers[name].Sent) {
			t.Fatalf("%x was sent, %x is kept: %v", n, on.Routers[name].Sent, err)
		}
		rec := map[string]record{name: g.record(n + uint64(keepAhead/time.Second)<<32)}
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
	k, g := boot(t, dir)
	old := signer{netip.MustParseAddr("10.0.0.6"), 2}
	g.marks.raise(old, 77, 0)
	k.Close()
	_, g = boot(t, dir)
	if g.marks.raise(old, 77, 0) || !g.marks.raise(old, 78, 0) {
		t.Error("the mark is lost")
	}
}

func TestOnlyMonotonicNeedsAFile(t *testing.T) {
	for kind, change := range map[string]func(*config.Router){
		"none": func(c *config.Router) { c.HMAC = nil },
		"AH": func(c *config.Router) {
			c.Version, c.HMAC, c.Auth = 2, nil, config.Auth{Type: config.AuthAH, Pass: "1111"}
		},
		"times": func(c *config.Router) { c.HMAC.Monotonic, c.HMAC.Window = false, 5*time.Second },
	} {
		cfg, dir := growing(), t.TempDir()
		change(&cfg)
		if k, _, err := open(filepath.Join(dir, "lib"), dir, cfg); k != nil || err != nil {
			t.Errorf("%s: keeper %v, %v", kind, k, err)
		}
		if made, _ := os.ReadDir(dir); len(made) != 0 {
			t.Errorf("%s: makes %v", kind, made)
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
		boot(t, dir)
		if err := spoil(filepath.Join(dir, fileName)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := open("", dir, growing()); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "delete it") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A disk that fails later is an alarm: adverts go on.
func TestFileThatCannotBeWrittenIsTrouble(t *testing.T) {
	dir := t.TempDir()
	k, g := boot(t, dir)
	k.file = filepath.Join(dir, "gone", fileName)
	g.marks.raise(signer{key: 1}, 1, 0)
	k.Close()
	if said := g.Trouble(); !strings.Contains(said, "cannot be kept") {
		t.Errorf("trouble %q", said)
	}
	k.file = filepath.Join(dir, fileName)
	g.marks.raise(signer{key: 1}, 2, 0)
	k.Close()
	if said := g.Trouble(); said != "" {
		t.Errorf("trouble %q", said)
	}
}

func TestStateDirectoryIsMadeOrDoneWithout(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "lib", "vrrpx")
	for asked, used := range map[string]string{"": dir, dir: dir, state: state, "/proc/vrrpx": dir} {
		k, _, err := open(asked, dir, growing())
		if err != nil || k.file != filepath.Join(used, fileName) {
			t.Fatalf("%q: %+v, %v", asked, k, err)
		}
		if _, err := os.Stat(k.file); err != nil {
			t.Error(err)
		}
	}
}

// What could not be written is written, and complained of, the next time.
func TestFailedWriteIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	k, g := boot(t, dir)
	records := map[string]record{name: g.record(g.ahead() + uint64(time.Hour/time.Second)<<32)}
	good := k.file
	k.file = filepath.Join(dir, "no such directory", "auth.json")
	for range 2 {
		if err := k.write(records); err == nil {
			t.Fatal("a file in no directory is written")
		}
	}
	k.file = good
	if err := k.write(records); err != nil {
		t.Fatal(err)
	}
	if now, err := load(good); err != nil || now.Routers[name].Sent != records[name].Sent {
		t.Errorf("%+v, %v", now, err)
	}
}
