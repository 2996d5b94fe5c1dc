package auth

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
)

// A rotation of keys opens no old advert, and uses no number twice, whatever the
// clock does meanwhile.
func TestNewKeysGoOnWithTheNumbers(t *testing.T) {
	peer := signer{netip.MustParseAddr("10.0.0.6"), 1}
	for name, again := range map[string]bool{"same key": true, "another key": false} {
		cfg := growing()
		old := New(cfg).(*hmacGuard)
		clock := wallNow()
		old.sequence.wall = func() WallTime { return clock }
		sent := old.sequence.next()
		old.marks.raise(peer, 77, clock)

		cfg.HMAC.Keys = append(cfg.HMAC.Keys, config.HMACKey{ID: 2, Secret: "another secret of some 32 bytes."})
		cfg.HMAC.Active = 2
		g := New(cfg).(*hmacGuard)
		g.sequence.wall = func() WallTime { return clock - WallTime(time.Hour) }
		Inherit(g, old)
		if n, by := g.sequence.next(), old.sequence.next(); !later(n, sent) || n == by {
			t.Errorf("%s: %x after %x, beside %x", name, n, sent, by)
		}
		who := peer
		if !again {
			who.key = 2
		}
		if g.marks.raise(who, 77, clock) == again {
			t.Errorf("%s: number 77 is believed: %v", name, again)
		}
	}
	ah := New(config.Router{Version: 2, Auth: config.Auth{Type: config.AuthAH, Pass: "1111"}}).(*ahGuard)
	ah.last.Store(1 << 31)
	g := New(config.Router{Version: 2, Auth: config.Auth{Type: config.AuthAH, Pass: "2222"}}).(*ahGuard)
	Inherit(g, ah)
	if n := g.next(); n <= 1<<31 {
		t.Errorf("AH goes on with %d", n)
	}
	Inherit(g, old(t)) // of another kind
}

func old(t *testing.T) Guard {
	t.Helper()
	return New(growing())
}

// A router that comes by a reload begins where it was, one that goes leaves its
// last number, and one that stays is not disturbed.
func TestKeeperFollowsAReload(t *testing.T) {
	dir := t.TempDir()
	k, g := boot(t, dir)
	k.Close()
	second := New(growing()).(*hmacGuard)
	if err := k.Add(map[string]Guard{"eth1": second}); err != nil {
		t.Fatal(err)
	}
	n := second.sequence.next()
	if on, err := load(k.file); err != nil || later(n, on.Routers["eth1"].Sent) {
		t.Errorf("%x was sent, %+v is kept: %v", n, on.Routers, err)
	}
	k.Keep(map[string]Guard{name: g})
	on, err := load(k.file)
	if err != nil || on.Routers["eth1"].Sent != n {
		t.Errorf("%x was sent last, %x is kept: %v", n, on.Routers["eth1"].Sent, err)
	}
	third := New(growing()).(*hmacGuard)
	third.sequence.wall = func() WallTime { return 0 } // no battery
	if err := k.Add(map[string]Guard{"eth1": third}); err != nil {
		t.Fatal(err)
	}
	if again := third.sequence.next(); !later(again, n) {
		t.Errorf("%x after %x", again, n)
	}
}
