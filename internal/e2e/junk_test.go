package e2e

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// junk is a frame that no router may listen to, and the counter it belongs to.
type junk struct {
	name, counter string
	frame         []byte
}

// junks are adverts of priority 255, the best there is, each broken in one
// place.
func (p protocol) junks(from *testnet.Host) []junk {
	message := func(change func(m []byte) []byte) []byte { return change(p.message(255)) }
	good := message(func(m []byte) []byte { return m })
	frame := func(ttl, proto byte, m []byte) []byte { return from.GroupFrame(from.Addr, ttl, proto, m) }
	return []junk{
		{"TTL 64", "ttl", frame(64, protoVRRP, good)},
		{"bad checksum", "checksum", frame(255, protoVRRP, message(func(m []byte) []byte { m[6] ^= 0x55; return m }))},
		{"foreign VRID", "vrid", frame(255, protoVRRP, message(func(m []byte) []byte { m[1] = 250; return m }))},
		{"cut in the header", "length", frame(255, protoVRRP, good[:4])},
		{"cut before the VRID", "truncated", frame(255, protoVRRP, good[:1])},
		{"AH where none is configured", "auth_type", frame(255, protoAH, behindAH(good))},
		{"other version", "version", frame(255, protoVRRP, message(func(m []byte) []byte { m[0] ^= 0x10; return m }))},
		{"IPv6", "vrid", frame6(from, good)},
	}
}

// dropped is a counter of the only interface or, where it has none of that
// name, of the only router.
func dropped(s *stats.Status, counter string) uint64 {
	if n, ok := s.Interfaces[0].Drops[counter]; ok {
		return n
	}
	return s.Routers[0].Drops[counter]
}

// watcher taps the LAN from a host beside the pair, and keeps one sender's
// adverts only: a flood is not to be kept.
func watcher(t *testing.T, at, sender *testnet.Host) *testnet.Tap {
	t.Helper()
	tap, err := at.Tap("eth0", func(f testnet.Frame) bool { return f.SrcIP() == sender.Addr && f.IsAdvert() })
	must(t, err)
	t.Cleanup(func() { tap.Close() })
	return tap
}

//vrrp:row 13 14 16 17 18 24
func TestJunkStopsNoAdvertMovesNoAddressAndIsCounted(t *testing.T) {
	for _, c := range []struct {
		name string
		protocol
		mode string
		rate int
		time time.Duration
	}{
		{"2 a second", v2pass, "native", 2, 8 * time.Second},
		{"20000 a second", v3, "native", 20_000, 4 * time.Second},
		{"20000 a second, generic XDP", v3, "generic", 20_000, 3 * time.Second},
		{"20000 a second, no XDP", v3, "off", 20_000, 3 * time.Second},
		{"flat out", v3, "native", 0, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "junk", "watch")
			a, b := l.Host("a"), l.Host("b")
			startPair(t, c.protocol, c.mode, a, b)
			tap := watcher(t, l.Host("watch"), a)
			check := unmoved(t, a, b)
			before := map[*testnet.Host]*stats.Status{a: status(t, a), b: status(t, b)}
			junks := c.junks(l.Host("junk"))
			var frames [][]byte
			for _, j := range junks {
				frames = append(frames, j.frame)
			}

			from := testnet.Now()
			sent := flood(t, l.Host("junk"), frames, c.rate, c.time)
			cadence(t, tap.Frames(), from, testnet.Now(), c.interval, c.masterDown(100))
			check()
			want := map[string]uint64{}
			for i, j := range junks {
				want[j.counter] += sent[i]
			}
			// A packet socket may lose frames, and a veth those of a flood
			// faster than it can carry.
			exact := c.rate > 0 && c.mode != "off"
			for h, before := range before {
				counted(t, h, before, want, exact)
			}
		})
	}
}

// counted checks that the junk that reached a host is in its counters: where
// exact all that was sent, else at least that what was seen is accounted for.
func counted(t *testing.T, h *testnet.Host, before *stats.Status, want map[string]uint64, exact bool) {
	t.Helper()
	var now *stats.Status
	diff := func(counter string) uint64 { return dropped(now, counter) - dropped(before, counter) }
	settled := func() bool {
		now = status(t, h)
		for counter, n := range want {
			if exact && diff(counter) != n {
				return false
			}
		}
		return true
	}
	testnet.WaitFor(time.Second, settled)
	sum := uint64(0)
	for counter, n := range want {
		got := diff(counter)
		sum += got
		if exact && got != n || got > n || got == 0 {
			t.Errorf("%s: %d frames counted as %s, %d sent", h.Name, got, counter, n)
		}
	}
	seen := now.Interfaces[0].Frames - before.Interfaces[0].Frames
	valid := now.Routers[0].Received - before.Routers[0].Received
	if seen != sum+valid {
		t.Errorf("%s: saw %d VRRP frames, counted %d as junk and %d as adverts", h.Name, seen, sum, valid)
	}
}

func TestFloodOfLowerPrioritiesIsHeldOffByTheTokenBucket(t *testing.T) {
	for _, mode := range []string{"native", "generic"} {
		t.Run(mode, func(t *testing.T) {
			const rate, seconds = 5000, 4
			l := testnet.ForTest(t, "a", "b", "low", "watch")
			a, b, low := l.Host("a"), l.Host("b"), l.Host("low")
			da, db := startPair(t, v3, mode, a, b)
			tap := watcher(t, l.Host("watch"), a)
			check := unmoved(t, a, b)
			before := map[*testnet.Host]stats.Router{a: router(t, a), b: router(t, b)}
			cpu := map[*testnet.Daemon]time.Duration{da: da.CPU(), db: db.CPU()}

			from := testnet.Now()
			frames := [][]byte{low.GroupFrame(low.Addr, 255, protoVRRP, v3.message(50))}
			sent := flood(t, low, frames, rate, seconds*time.Second)[0]
			for d, before := range cpu {
				used := d.CPU() - before
				t.Logf("%s used %v of CPU in %d s", d.Host.Name, used, seconds)
				if used > seconds*time.Second/5 {
					t.Errorf("%s used %v of CPU in %d s: the flood reaches the loop", d.Host.Name, used, seconds)
				}
			}
			cadence(t, tap.Frames(), from, testnet.Now(), v3.interval, v3.masterDown(100))
			check()
			for h, before := range before {
				now := router(t, h)
				received := now.Received - before.Received
				over := now.Drops["overflow"] - before.Drops["overflow"]
				t.Logf("%s: %d received of %d sent, %d held off, %d reached the loop or were elided", h.Name, received, sent, over, received-over)
				if received < sent {
					t.Errorf("%s received %d adverts of %d", h.Name, received, sent)
				}
				// Room for four routers at our interval, and some more.
				if over == 0 || received-over > 120*seconds {
					t.Errorf("%s: %d adverts of %d were let up", h.Name, received-over, received)
				}
			}
		})
	}
}
