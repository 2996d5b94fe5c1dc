package daemon

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

const (
	secretA = config.Secret("a secret of exactly 32 bytes....")
	secretB = config.Secret("another one, 32 bytes long too..")
)

func hmacConfig() *config.HMAC {
	return &config.HMAC{
		Keys:   []config.HMACKey{{ID: 1, Secret: secretA}, {ID: 2, Secret: secretB}},
		Active: 1, Window: 5 * time.Second,
	}
}

// protocols are the ways in which a router may be authenticated by a guard.
var guarded = map[string]func(*config.Router){
	"AH": func(c *config.Router) {
		c.Version, c.AdvertInterval = 2, time.Second
		c.Auth = config.Auth{Type: config.AuthAH, Pass: "1111"}
	},
	"auth_hmac": func(c *config.Router) { c.HMAC = hmacConfig() },
	"auth_hmac v2": func(c *config.Router) {
		c.Version, c.AdvertInterval, c.HMAC = 2, time.Second, hmacConfig()
	},
	"auth_hmac IPv6": func(c *config.Router) {
		c.Family, c.HMAC = 6, hmacConfig()
		c.Addresses = []config.Address{{Prefix: netip.MustParsePrefix("fe80::3/64"), Device: "eth0"}}
	},
}

// peer is another router of the same configuration, whose adverts a test sends.
type peer struct {
	*router
	t *testing.T
}

func newPeer(t *testing.T, change func(*config.Router)) *peer {
	g := newRig(t, true, func(c *config.Router) {
		change(c)
		c.Priority = 200
	})
	src := "10.0.0.6"
	if g.r.cfg.Family == 6 {
		src = "fe80::6"
	}
	g.r.link.MAC, _ = net.ParseMAC("02:00:00:00:00:06")
	g.r.step(g.t, vrrp.SetConfig{Config: g.r.machineConfig(netip.MustParseAddr(src))})
	return &peer{g.r, t}
}

// advert is the next advert of the peer, as a frame.
func (p *peer) advert() []byte {
	p.t.Helper()
	frames := p.frames(200)
	if len(frames) != 1 {
		p.t.Fatalf("%d frames", len(frames))
	}
	if p.seal != nil {
		p.seal(frames[0])
	}
	return frames[0]
}

// hearFrame brings a frame in as a datapath would: judged, then up.
func (g *rig) hearFrame(after time.Duration, frame []byte) {
	g.Helper()
	rule := g.path.rules[g.key]
	fr, d, _ := vrrp.Judge(frame, func(uint8, vrrp.Family) (vrrp.Expect, bool) {
		return vrrp.Expect{Version: rule.Version, Auth: rule.Auth, Interval: rule.Interval, Own: rule.Own, Group: rule.Group}, true
	})
	if d != vrrp.Accepted {
		g.Fatalf("the datapath drops it: %v", d)
	}
	g.path.queue = append(g.path.queue, loader.Event{
		Kind: loader.Advert, Key: g.key, At: g.at(after), Now: g.at(after), Src: fr.Src, Dst: fr.Dst, MAC: fr.MAC,
		Packet: fr.Packet, Message: fr.Message,
	})
	g.round(after)
}

// newGuarded is a rig whose wall clock is the host's at the instant the rig
// begins, as the peers' are.
func newGuarded(t *testing.T, change func(*config.Router)) *rig {
	g := newRig(t, true, change)
	begin := auth.WallAt(clock.Now())
	g.r.wallAt = func(at vrrp.Instant) auth.WallTime { return begin + auth.WallTime(at.Sub(g.t)) }
	return g
}

func (g *rig) wantDrop(d vrrp.Drop, n uint64) {
	g.Helper()
	if got := g.r.drops[d].Load(); got != n {
		g.Errorf("%v counted %d times, want %d", d, got, n)
	}
}

func TestGenuineAdvertsAreFollowedAndNeverElided(t *testing.T) {
	for name, change := range guarded {
		t.Run(name, func(t *testing.T) {
			g, p := newGuarded(t, change), newPeer(t, change)
			for i := range 5 {
				g.hearFrame(time.Duration(i)*time.Millisecond, p.advert())
			}
			a, at, ok := g.r.machine.Accepted()
			if !ok || at != g.at(4*time.Millisecond) || a.Priority != 200 {
				t.Fatalf("follows %+v since %v: %v", a, at, ok)
			}
			rule := g.path.rules[g.key]
			if rule.Elide != nil || rule.Master == nil || rule.Master.Src != a.Src || rule.Master.MAC != a.MAC || rule.UpRate != verifyRate {
				t.Errorf("rule %+v", rule)
			}
			if alarms := g.r.alarmTexts(g.at(0)); len(alarms) != 0 {
				t.Errorf("alarms %q", alarms)
			}
		})
	}
}

// What fails is counted, told of once, and moves no deadline: the master that
// was heard last is given up in its time.
//
//vrrp:row 24 67
func TestForgedAdvertsMoveNothing(t *testing.T) {
	for name, change := range guarded {
		t.Run(name, func(t *testing.T) {
			g, p := newGuarded(t, change), newPeer(t, change)
			genuine := p.advert()
			g.hearFrame(0, genuine)
			due, _ := g.r.deadline()
			for i := range 100 {
				forged := p.advert()
				forged[len(forged)-1] ^= 1 // of the HMAC, or of the message under the ICV
				if name == "AH" {
					forged[len(forged)-1] ^= 1
					forged[14+20+12] ^= 1
				} else if g.r.cfg.Family == 6 {
					fixChecksum6(forged)
				}
				g.hearFrame(time.Duration(i)*time.Millisecond, forged)
				g.hearFrame(time.Duration(i)*time.Millisecond, genuine)
			}
			g.wantDrop(vrrp.DropAuthInvalid, 100)
			g.wantDrop(vrrp.DropAuthReplay, 100)
			if now, _ := g.r.deadline(); now != due {
				t.Errorf("the deadline moved by %v", now.Sub(due))
			}
			if alarms := g.r.alarmTexts(g.at(time.Second)); len(alarms) != 1 || !strings.Contains(alarms[0], "refused") {
				t.Errorf("alarms %q", alarms)
			}
			if alarms := g.r.alarmTexts(g.at(2 * time.Minute)); len(alarms) != 0 {
				t.Errorf("alarms still stand: %q", alarms)
			}
			g.hearFrame(100*time.Millisecond, p.advert())
			if now, _ := g.r.deadline(); now == due {
				t.Error("a genuine advert moved nothing either")
			}
		})
	}
}

// fixChecksum6 lets a changed frame over IPv6 past the checksum.
func fixChecksum6(frame []byte) {
	packet := frame[14:]
	packet[46], packet[47] = 0, 0
	var s uint32 = vrrp.Protocol + uint32(len(packet)-40)
	for i := 8; i < len(packet); i += 2 {
		s += uint32(packet[i])<<8 | uint32(packet[i+1])
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	packet[46], packet[47] = byte(^s>>8), byte(^s)
}

//vrrp:row 24
func TestHMACNamesEachFault(t *testing.T) {
	same := func(*config.HMAC) {}
	foreign := func(c *config.HMAC) { c.Keys[0].ID, c.Active = 9, 9 }
	for name, c := range map[string]struct {
		peer   func(*config.HMAC)
		behind time.Duration // the peer's clock
		want   vrrp.Drop
	}{
		"not signed":           {func(c *config.HMAC) { c.Mode = config.ReceiveOnly }, 0, vrrp.DropAuthMissing},
		"unknown key":          {foreign, 0, vrrp.DropAuthKey},
		"another key":          {func(c *config.HMAC) { c.Keys[0].Secret = secretB }, 0, vrrp.DropAuthInvalid},
		"clock ahead":          {same, -7 * time.Second, vrrp.DropAuthStale},
		"clock behind":         {same, 7 * time.Second, vrrp.DropAuthStale},
		"stale before all":     {foreign, time.Hour, vrrp.DropAuthStale},
		"the other key":        {func(c *config.HMAC) { c.Active = 2 }, 0, vrrp.Accepted},
		"clock within window":  {same, 4 * time.Second, vrrp.Accepted},
		"permissive does sign": {func(c *config.HMAC) { c.Mode = config.Permissive }, 0, vrrp.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuarded(t, guarded["auth_hmac"])
			p := newPeer(t, func(r *config.Router) {
				r.HMAC = hmacConfig()
				c.peer(r.HMAC)
			})
			truth := g.r.wallAt
			g.r.wallAt = func(at vrrp.Instant) auth.WallTime { return truth(at) + auth.WallTime(c.behind) }
			g.hearFrame(0, p.advert())
			if _, _, ok := g.r.machine.Accepted(); ok != (c.want == vrrp.Accepted) {
				t.Errorf("followed: %v", ok)
			}
			for d := vrrp.DropAuthData; d <= vrrp.DropAuthReplay; d++ {
				n := uint64(0)
				if d == c.want {
					n = 1
				}
				g.wantDrop(d, n)
			}
			said := strings.Join(g.r.alarmTexts(g.at(0)), "; ")
			if late := c.behind == 4*time.Second; (said == "") == (late || c.want != vrrp.Accepted) || late && !strings.Contains(said, "clock") {
				t.Errorf("alarms %q", said)
			}
		})
	}
}

// The modes are for a network on its way to enforce: what each sends and takes.
func TestHMACModes(t *testing.T) {
	signs := map[config.HMACMode]bool{config.Enforce: true, config.Permissive: true}
	for ours := config.Enforce; ours <= config.ReceiveOnly; ours++ {
		for theirs := config.Enforce; theirs <= config.ReceiveOnly; theirs++ {
			mode := func(m config.HMACMode) func(*config.Router) {
				return func(c *config.Router) {
					c.HMAC = hmacConfig()
					c.HMAC.Mode = m
				}
			}
			g, p := newGuarded(t, mode(ours)), newPeer(t, mode(theirs))
			frame := p.advert()
			if got := len(frame) == 14+20+8+4+vrrp.TrailerLen; got != signs[theirs] {
				t.Errorf("%v sends %d octets", theirs, len(frame))
			}
			g.hearFrame(0, frame)
			_, _, followed := g.r.machine.Accepted()
			if want := signs[theirs] || ours != config.Enforce; followed != want {
				t.Errorf("%v follows %v: %v", ours, theirs, followed)
			}
			said := strings.Join(g.r.alarmTexts(g.at(0)), "; ")
			if believed := strings.Contains(said, "without a signature"); believed != (followed && !signs[theirs]) {
				t.Errorf("%v of %v says %q", ours, theirs, said)
			}
			frame = p.advert()
			if !signs[theirs] {
				continue
			}
			frame[len(frame)-1] ^= 1
			g.hearFrame(0, frame)
			g.wantDrop(vrrp.DropAuthInvalid, 1) // signed and wrong is never taken for unsigned
		}
	}
}

// A PASS router tells of a wrong password, too.
func TestWrongPasswordIsToldOf(t *testing.T) {
	pass := func(word config.Secret) func(*config.Router) {
		return func(c *config.Router) {
			c.Version, c.AdvertInterval = 2, time.Second
			c.Auth = config.Auth{Type: config.AuthPass, Pass: word}
		}
	}
	g, p := newGuarded(t, pass("1111")), newPeer(t, pass("2222"))
	g.hearFrame(0, p.advert())
	g.wantDrop(vrrp.DropAuthData, 1)
	if said := strings.Join(g.r.alarmTexts(g.at(0)), "; "); !strings.Contains(said, "another password") || strings.Contains(said, "2222") {
		t.Errorf("alarms %q", said)
	}
}

func TestAuthenticationIsShownWithoutSecrets(t *testing.T) {
	for name, change := range guarded {
		g := newGuarded(t, change)
		said := g.r.authentication()
		if !strings.HasPrefix(said, name[:2]) || strings.Contains(said, "1111") || strings.Contains(said, "secret") {
			t.Errorf("%s is shown as %q", name, said)
		}
	}
}
