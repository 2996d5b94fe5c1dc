package e2e

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// unicast is conf for a host that has one peer.
func (p protocol) unicast(me, peer netip.Addr, priority int, lines ...string) string {
	return p.conf(priority, append([]string{"unicast_src_ip " + me.String(), "unicast_peer {", peer.String(), "}"}, lines...)...)
}

// pair is unicast between two hosts of a LAN. Ask before a daemon runs.
func (p protocol) pair(t *testing.T) func(me, peer *testnet.Host, priority int) string {
	return func(me, peer *testnet.Host, priority int) string {
		if p.six {
			return p.unicast(linkLocal(t, me).Addr(), linkLocal(t, peer).Addr(), priority)
		}
		return p.unicast(me.Addr, peer.Addr, priority)
	}
}

//vrrp:row 28 29 31 42 43 47
func TestUnicastPairElectsFailsOverAndPreempts(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	for _, c := range []struct {
		protocol
		a, b party
	}{
		{v2pass, keepalived, native},
		{v3, generic, keepalived},
		{v3, keepalived, socket},
		{v3, native, native},
		{v3six, socket, keepalived},
		{v3fast, native, generic},
	} {
		t.Run(c.name+", "+c.a.String()+" and "+c.b.String(), func(t *testing.T) {
			life(t, c.protocol, c.a, c.b, c.pair(t))
		})
	}
}

// startUnicast is startPair for unicast, with further lines for both hosts.
func startUnicast(t *testing.T, p protocol, mode string, a, b *testnet.Host, lines ...string) (da, db *testnet.Daemon) {
	t.Helper()
	da = start(t, a, mode, p.unicast(a.Addr, b.Addr, 150, lines...))
	awaitState(t, a, "MASTER")
	db = start(t, b, mode, p.unicast(b.Addr, a.Addr, 100, lines...))
	awaitRouter(t, b, "to follow "+a.Name, func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil })
	return da, db
}

// to is a frame of one host to another, past the group.
func to(h *testnet.Host, frame []byte) []byte {
	f := append([]byte{}, frame...)
	copy(f, h.MAC)
	copy(f[14+16:], h.Addr.AsSlice())
	f[14+10], f[14+11] = 0, 0
	sum := testnet.Checksum(f[14 : 14+20])
	f[14+10], f[14+11] = byte(sum>>8), byte(sum)
	return f
}

// strangers is what reaches a unicast router from where no peer is, and from a
// forged one: priority 255, each broken in its own way.
func (p protocol) strangers(from, at, peer *testnet.Host) []junk {
	good := p.message(255)
	bad := append([]byte{}, good...)
	bad[7] ^= 1
	away := netip.MustParseAddr("192.0.2.66")
	return []junk{
		{"off-link, TTL 10, bad checksum", "unknown_peer", to(at, from.GroupFrame(away, 10, protoVRRP, bad))},
		{"on the link, without fault", "unknown_peer", to(at, from.GroupFrame(from.Addr, 255, protoVRRP, good))},
		{"the peer's address and a bad checksum", "checksum", to(at, from.GroupFrame(peer.Addr, 255, protoVRRP, bad))},
		{"to the group, with the peer's address", "destination", from.GroupFrame(peer.Addr, 255, protoVRRP, good)},
	}
}

//vrrp:row 13 17 24
func TestStrangersStopNoUnicastAdvertMoveNoAddressAndAreCounted(t *testing.T) {
	for _, c := range []struct {
		name string
		protocol
		mode string
		rate int
		time time.Duration
	}{
		{"2 a second", v2pass, "native", 2, 10 * time.Second},
		{"20000 a second", v3, "native", 20_000, 3 * time.Second},
		{"20000 a second, generic XDP", v3, "generic", 20_000, 3 * time.Second},
		{"20000 a second, no XDP", v3, "off", 20_000, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "junk")
			a, b, from := l.Host("a"), l.Host("b"), l.Host("junk")
			startUnicast(t, c.protocol, c.mode, a, b)
			tap, err := b.Tap("eth0", func(f testnet.Frame) bool {
				return f.SrcIP() == a.Addr && f.IsAdvert() && f.SrcMAC().String() == a.MAC.String()
			})
			must(t, err)
			defer tap.Close()
			check := unmoved(t, a, b)
			for _, at := range []*testnet.Host{a, b} {
				peer := map[*testnet.Host]*testnet.Host{a: b, b: a}[at]
				before := status(t, at)
				junks := c.strangers(from, at, peer)
				var frames [][]byte
				for _, j := range junks {
					frames = append(frames, j.frame)
				}
				begin := testnet.Now()
				sent := flood(t, from, frames, c.rate, c.time)
				cadence(t, tap.Frames(), begin, testnet.Now(), c.interval, c.masterDown(100))
				check()
				want := map[string]uint64{}
				for i, j := range junks {
					want[j.counter] += sent[i]
				}
				counted(t, at, before, want, c.mode != "off")
			}
		})
	}
}

//vrrp:row 24
func TestMulticastRouterDropsUnicastAdverts(t *testing.T) {
	l := testnet.ForTest(t, "a", "junk")
	a, from := l.Host("a"), l.Host("junk")
	start(t, a, "native", v3.conf(150))
	awaitState(t, a, "MASTER")
	check := unmoved(t, a)
	before := status(t, a)
	sent := flood(t, from, [][]byte{to(a, from.GroupFrame(from.Addr, 255, protoVRRP, v3.message(255)))}, 100, time.Second)
	check()
	counted(t, a, before, map[string]uint64{"destination": sent[0]}, true)
}

func TestUnicastStatusShowsThePeers(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	const absent = "10.99.7.7"
	start(t, a, "native", v3.unicast(a.Addr, b.Addr, 150, "unicast_peer {", absent+" min_ttl 3 max_ttl 7", "}"))
	awaitRouter(t, a, "to know b and not "+absent, func(r stats.Router) bool {
		return r.State == "MASTER" && len(r.Peers) == 2 && r.Peers[0].MAC == b.MAC.String() && r.Peers[1].MAC == "" && r.Routed+r.RoutedErrors > 5
	})
	if p := router(t, a).Peers[1]; p.Address != absent || p.MinTTL != 3 || p.MaxTTL != 7 {
		t.Errorf("peer %+v", p)
	}
	text, _ := vrrpx(t, a, "status")
	for _, want := range []string{
		"peer        " + b.Addr.String() + " at " + b.MAC.String() + "\n",
		"peer        " + absent + ", MAC not known yet, TTL 3 to 7\n", "unresolved",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("status lacks %q:\n%s", want, text)
		}
	}
	// The one that is there is served as if the other were not.
	start(t, b, "native", v3.unicast(b.Addr, a.Addr, 100))
	awaitRouter(t, b, "to follow a", func(r stats.Router) bool {
		return r.State == "BACKUP" && r.Master != nil && r.Peers[0].Checksum == "pseudo-header"
	})
}

func TestUnicastFaults(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	source := netip.MustParsePrefix("10.99.0.201/16")
	d := start(t, a, "native", v3.unicast(source.Addr(), b.Addr, 150, "track_src_ip"))
	awaitState(t, a, "FAULT")
	if want := "source address 10.99.0.201 is not on eth0 (track_src_ip)"; !strings.Contains(d.Log(), want) {
		t.Errorf("the log lacks %q:\n%s", want, d.Log())
	}
	must(t, a.AddAddr("eth0", source))
	awaitState(t, a, "MASTER")
	await(t, "the address", func() bool { return a.HasAddr(vip) })
	must(t, a.DelAddr("eth0", source))
	awaitState(t, a, "FAULT")
	await(t, "the address to go", func() bool { return !a.HasAddr(vip) })
	must(t, d.Stop())

	// Without it the source is none of our business, as with keepalived.
	d.Conf = v3.unicast(source.Addr(), b.Addr, 150)
	must(t, d.Start())
	awaitState(t, a, "MASTER")
	must(t, d.Stop())

	d.Conf = v3.conf(150, "unicast_fault_no_peer")
	must(t, d.Start())
	awaitState(t, a, "FAULT")
	if !strings.Contains(d.Log(), "no unicast peers (unicast_fault_no_peer)") {
		t.Errorf("the log does not name the fault:\n%s", d.Log())
	}
}
