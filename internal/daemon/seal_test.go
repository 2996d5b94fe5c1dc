package daemon

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A restarted router has not sent in vain: its numbers are above its last ones,
// however soon it is back.
func TestRestartIsNoReplayWithAH(t *testing.T) {
	g := newGuarded(t, guarded["AH"])
	for range 3 {
		p := newPeer(t, guarded["AH"])
		g.hearFrame(0, p.advert())
		time.Sleep(time.Second / 2) // VRRPv2 waits for longer between two
		g.hearFrame(0, p.advert())
	}
	g.wantDrop(vrrp.DropAuthReplay, 0)
}

// wire takes what the loop sends and what the pacer is told, and no other call.
type wire struct {
	sender
	pacer
	sent  [][]byte
	given netio.Schedule
}

func (w *wire) SendAll(frames [][]byte) int {
	for _, f := range frames {
		w.sent = append(w.sent, slices.Clone(f))
	}
	return len(frames)
}

func (w *wire) SendEach(frames [][]byte, refused []int) []int {
	w.SendAll(frames)
	return refused
}

func (w *wire) Set(_ string, s netio.Schedule)       { w.given = s }
func (w *wire) Stop(string)                          {}
func (w *wire) Overdue(string) (time.Duration, bool) { return 0, false }
func (w *wire) Paused(string) (netio.Pause, bool)    { return netio.Pause{}, false }

// A MASTER's adverts are sealed from the first, which the loop sends, by way of
// the pacer's, to the farewell: each is good to a peer that hears them all.
func TestWhatLeavesIsSealed(t *testing.T) {
	for name, change := range guarded {
		t.Run(name, func(t *testing.T) {
			g, w := newGuarded(t, change), &wire{}
			g.r.link.Sender, g.r.out.pacer = w, w
			g.r.step(g.at(time.Minute), vrrp.Timer{})
			g.want(vrrp.Master)
			paced := slices.Clone(w.given.Frames[0])
			for range 3 {
				w.given.Seal(paced)
				w.sent = append(w.sent, slices.Clone(paced))
			}
			g.r.step(g.at(time.Hour), vrrp.Shutdown{})
			peer, heard := auth.New(g.r.cfg), 0
			for _, f := range w.sent {
				fr, _, ours := vrrp.Judge(f, func(uint8, vrrp.Family) (vrrp.Expect, bool) {
					return vrrp.Expect{Version: g.r.cfg.Version, Auth: g.r.authType(), Group: g.r.group()}, true
				})
				if !ours {
					continue // gratuitous ARP
				}
				heard++
				a := auth.Advert{Family: g.key.Family, Source: fr.Src, Packet: fr.Packet, Message: fr.Message}
				if d, _ := peer.Check(a, auth.WallAt(clock.Now())); d != vrrp.Accepted {
					t.Errorf("advert %d, priority %d: %v", heard, fr.Message[2], d)
				}
			}
			if heard != 5 {
				t.Errorf("%d adverts", heard)
			}
		})
	}
}

// The farewell and the pacer's adverts are of one sequence.
func TestLoopAndPacerShareASequence(t *testing.T) {
	for name, change := range guarded {
		g, p := newGuarded(t, change), newPeer(t, change)
		byPacer := p.advert()
		for i := range 10 {
			g.hearFrame(time.Duration(i), p.advert())
			p.paced(byPacer)
			g.hearFrame(time.Duration(i), byPacer)
		}
		if n := g.r.drops[vrrp.DropAuthReplay].Load(); n != 0 {
			t.Errorf("%s: %d replays", name, n)
		}
	}
}

func TestVerifyingAllocatesNothing(t *testing.T) {
	for name, change := range guarded {
		g, p := newGuarded(t, change), newPeer(t, change)
		frame := p.advert()
		rule := g.path.rules[g.key]
		fr, _, _ := vrrp.Judge(frame, func(uint8, vrrp.Family) (vrrp.Expect, bool) {
			return vrrp.Expect{Version: rule.Version, Auth: rule.Auth, Own: rule.Own, Group: rule.Group}, true
		})
		e := loader.Event{Key: g.key, At: g.t, Src: fr.Src, Packet: fr.Packet, Message: fr.Message}
		g.r.authentic(&e, e.Src)
		if n := testing.AllocsPerRun(100, func() { g.r.authentic(&e, e.Src) }); n != 0 {
			t.Errorf("%s: %v allocations for a replay", name, n)
		}
		if n := testing.AllocsPerRun(100, func() { p.paced(frame) }); n != 0 {
			t.Errorf("%s: %v allocations for a seal", name, n)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, name := range []string{"AH", "auth_hmac"} {
		b.Run(name, func(b *testing.B) {
			cfg := config.Defaults()
			guarded[name](&cfg)
			g := auth.New(cfg)
			seal := g.Sealer()
			mac, _ := net.ParseMAC("02:00:00:00:00:06")
			src := netip.MustParseAddr("10.0.0.6")
			p := vrrp.Packet{Version: cfg.Version, VRID: 51, Priority: 200, Interval: time.Second, Addrs: []netip.Addr{src}}
			msg, err := p.Append(nil, src, cfg.Group, vrrp.ChecksumPseudo)
			if err != nil {
				b.Fatal(err)
			}
			frame := netio.AdvertFrame(mac, src, cfg.Group, 255, g.Wrap(msg))
			b.ReportAllocs()
			for b.Loop() {
				seal(frame)
			}
		})
	}
}

func BenchmarkRefuseForgery(b *testing.B) {
	cfg := config.Defaults()
	guarded["auth_hmac"](&cfg)
	peer, src := auth.New(cfg), netip.MustParseAddr("10.0.0.6")
	p := vrrp.Packet{Version: 2, VRID: 51, Priority: 200, Interval: time.Second, Addrs: []netip.Addr{src}}
	msg, err := p.Append(nil, src, cfg.Group, vrrp.ChecksumPseudo)
	if err != nil {
		b.Fatal(err)
	}
	frame := netio.AdvertFrame(make(net.HardwareAddr, 6), src, cfg.Group, 255, peer.Wrap(msg))
	peer.Sealer()(frame)
	frame[len(frame)-1] ^= 1
	r := newRouter(cfg, slog.New(slog.DiscardHandler), outputs{})
	e := loader.Event{Key: loader.Key{Family: vrrp.IPv4}, At: clock.Now(), Src: src, Packet: frame[14:], Message: frame[34:]}
	b.ReportAllocs()
	for b.Loop() {
		if r.authentic(&e, e.Src) {
			b.Fatal("believed")
		}
	}
}
