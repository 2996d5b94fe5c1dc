package daemon

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// keeping is a host that keeps the numbers of its one router in dir.
func keeping(t *testing.T, dir string) *host {
	t.Helper()
	g := newRig(t, true, func(c *config.Router) {
		c.HMAC = hmacConfig()
		c.HMAC.Monotonic, c.HMAC.Window = true, 0
	})
	h := &host{log: slog.New(slog.DiscardHandler), routers: []*router{g.r}, loop: &loop{done: true}, loopDone: make(chan struct{})}
	h.opts.RunDir = dir
	var err error
	if h.keeper, err = h.openKeeper(); err != nil {
		t.Fatal(err)
	}
	return h
}

// The keeper's goroutine asks the loop and ends with the daemon, and what it
// writes then is what was sent last, by the name that the router keeps.
func TestKeeperStops(t *testing.T) {
	dir := t.TempDir()
	h := keeping(t, dir)
	h.startKeeper()
	p := peer{h.routers[0], t}
	sent, d := vrrp.TrailerOf(p.advert()[14+20:], vrrp.IPv4)
	if d != vrrp.Accepted {
		t.Fatal(d)
	}
	h.stopKeeper()
	var kept struct {
		Routers map[string]struct{ Sent uint64 }
	}
	b, err := os.ReadFile(filepath.Join(dir, "auth.json"))
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	if r, ok := kept.Routers["eth0 VRID 51 IPv4"]; err != nil || !ok || r.Sent != sent.Seq {
		t.Errorf("%x was sent, %+v is kept: %v", sent.Seq, kept, err)
	}
	if h.onLoop(context.Background(), func() {}) == nil {
		t.Error("the loop answers")
	}
}

// Numbers that cannot be kept are an alarm of the router.
func TestNumbersThatCannotBeKeptAreAnAlarm(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h := keeping(t, dir)
	if said := h.routers[0].alarmTexts(1); len(said) != 0 {
		t.Errorf("alarms %q", said)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	h.startKeeper()
	h.stopKeeper()
	if said := strings.Join(h.routers[0].alarmTexts(1), "; "); !strings.Contains(said, "cannot be kept") {
		t.Errorf("alarms %q", said)
	}
}
