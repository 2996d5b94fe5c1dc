package loader

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// learn sends the frame up once and makes it the one to elide.
func (h *harness) learn(k Key, r Rule, frame []byte) Rule {
	h.Helper()
	h.set(k, r)
	h.run(frame)
	e := h.events()
	if len(e) != 1 {
		h.Fatalf("%d events of one advert", len(e))
	}
	m := e[0].Message
	r.Elide = &Match{Src: e[0].Src, Priority: m[2], Interval: uint16(m[4]&15)<<8 | uint16(m[5]), Digest: e[0].Digest}
	if r.Version == 2 {
		r.Elide.Interval = uint16(m[5])
	}
	if err := h.SetRule(k, r); err != nil {
		h.Fatal(err)
	}
	return r
}

func TestMatchingAdvertIsStampedAndKept(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	for name, c := range map[string]struct {
		rule  Rule
		frame []byte
	}{
		"v3":   {v3rule(), v4frame(unhex(v3plain))},
		"PASS": {passed(), v4frame(message(v2one, set(4, 1), set(12, 's')))},
		"IPv6": {v6rule(), v6frame(unhex(v3ipv6))},
		"long": {v3rule(), v4frame(message(v3plain, addrs(255, 4)))},
	} {
		t.Run(name, func(t *testing.T) {
			h.TB = t
			k := h.key(c.frame[14+20+1], vrrp.IPv4)
			if c.frame[12] == 0x86 {
				k = h.key(c.frame[14+40+1], vrrp.IPv6)
			}
			h.learn(k, c.rule, c.frame)
			before := testnet.Now()
			const n = 5
			for range n {
				if v := h.run(c.frame); v != xdpPass {
					t.Errorf("verdict %d", v)
				}
			}
			s := h.state(k)
			if e := h.events(); len(e) != 0 {
				t.Errorf("%d events of adverts to be kept", len(e))
			}
			if s.Matched != n || s.Received != n+1 || s.SentUp != 1 {
				t.Errorf("matched %d, received %d, sent up %d", s.Matched, s.Received, s.SentUp)
			}
			if s.LastMatch <= before || s.LastMatch > testnet.Now() || s.LastSeen != s.LastMatch {
				t.Errorf("last match at %d, last seen at %d", s.LastMatch, s.LastSeen)
			}
			last, err := h.LastMatch(k)
			if err != nil || last != s.LastMatch {
				t.Errorf("LastMatch is %d (%v), State has %d", last, err, s.LastMatch)
			}
		})
	}
}

// Whatever differs is news, were it a byte that no check looks at.
func TestAdvertThatDiffersGoesUp(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k := h.key(51, vrrp.IPv4)
	frame := v4frame(append(unhex(v3plain), 7, 7, 7))
	learned := h.learn(k, v3rule(), frame)
	for name, other := range map[string][]byte{
		"priority":       v4frame(append(message(v3plain, set(2, 199)), 7, 7, 7)),
		"release":        v4frame(append(message(v3plain, set(2, 0)), 7, 7, 7)),
		"interval":       v4frame(append(message(v3plain, set(5, 99)), 7, 7, 7)),
		"reserved bits":  v4frame(append(message(v3plain, set(4, 0x10)), 7, 7, 7)),
		"address":        v4frame(append(message(v3plain, set(11, 9)), 7, 7, 7)),
		"checksum form":  v4frame(append(unhex(v3pseudo), 7, 7, 7)),
		"source":         v4frame(append(unhex(v3plain), 7, 7, 7), with(12, "198.51.100.11")),
		"surplus byte":   v4frame(append(unhex(v3plain), 7, 7, 8)),
		"surplus longer": v4frame(append(unhex(v3plain), 7, 7, 7, 0)),
		"surplus gone":   v4frame(unhex(v3plain)),
	} {
		before := h.state(k)
		h.run(other)
		if e := h.events(); len(e) != 1 {
			t.Errorf("%s: %d events, want 1", name, len(e))
		}
		if s := h.state(k); s.LastMatch != before.LastMatch || s.Matched != 0 || s.LastSeen == before.LastSeen {
			t.Errorf("%s: taken for the advert to keep", name)
		}
	}
	for name, change := range map[string]func(*Match){
		"source":   func(m *Match) { m.Src = netip.MustParseAddr("198.51.100.9") },
		"priority": func(m *Match) { m.Priority++ },
		"interval": func(m *Match) { m.Interval++ },
		"digest":   func(m *Match) { m.Digest++ },
	} {
		m, r := *learned.Elide, learned
		change(&m)
		r.Elide = &m
		if err := h.SetRule(k, r); err != nil {
			t.Fatal(err)
		}
		h.run(frame)
		if e := h.events(); len(e) != 1 {
			t.Errorf("rule for another %s: %d events, want 1", name, len(e))
		}
	}
}

// A new rule leaves the router's history alone.
func TestSetRuleKeepsState(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	r := h.learn(k, v3rule(), frame)
	h.run(frame)
	before := h.state(k)
	r.Elide = nil
	if err := h.SetRule(k, r); err != nil {
		t.Fatal(err)
	}
	if after := h.state(k); after != before || after.Matched != 1 {
		t.Errorf("state was %+v, is %+v", before, after)
	}
	h.run(frame)
	if len(h.events()) != 1 {
		t.Error("an advert was kept though nothing is to be elided")
	}
}

func TestDigestIsOfTheWholeMessageAndSeeded(t *testing.T) {
	h, other := open(t, Options{NoTimer: true}), open(t, Options{NoTimer: true})
	k := h.key(51, vrrp.IPv4)
	seen := map[uint64]string{}
	for n := range 40 { // every number of bytes left over, twice and more
		for _, at := range []int{-1, 12, 12 + n/2, 12 + n - 1} {
			b := append(unhex(v3plain), make([]byte, n)...)
			if at >= 12 && at < len(b) {
				b[at] ^= 0x80
			}
			var digests []uint64
			for _, h := range []*harness{h, other} {
				h.set(k, v3rule())
				h.run(v4frame(b))
				e := h.events()
				if len(e) != 1 {
					t.Fatalf("%d events", len(e))
				}
				digests = append(digests, e[0].Digest)
			}
			if was, ok := seen[digests[0]]; ok && was != string(b) {
				t.Errorf("%x and %x have one digest", was, b)
			}
			seen[digests[0]] = string(b)
			if digests[0] == digests[1] {
				t.Error("two kernels have one seed")
			}
		}
	}
}

func TestArrivalsAreCountedByTheirDistance(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	h.learn(k, v3rule(), frame)
	var want [32]uint64
	h.run(frame) // the first has none before it
	for range 50 {
		before := h.state(k).LastMatch
		h.run(frame)
		us, bucket := uint64(h.state(k).LastMatch.Sub(before).Microseconds()), 0
		for us > 1 {
			us, bucket = us/2, bucket+1
		}
		want[bucket]++
	}
	if got := h.state(k).Arrivals; got != want {
		t.Errorf("arrivals %v, want %v", got, want)
	}
	// Longer ones, by moving the stamp back, and the rule's beginning before it.
	rawKey, raw, rule := k.raw(), vrrpxRouterState{}, vrrpxRule{}
	if err := h.Kernel.routers.Lookup(&rawKey, &rule); err != nil {
		t.Fatal(err)
	}
	rule.SinceNs = 1
	if err := h.Kernel.routers.Put(&rawKey, &rule); err != nil {
		t.Fatal(err)
	}
	for bucket := 15; bucket < 32; bucket++ {
		if err := h.Kernel.state.Lookup(&rawKey, &raw); err != nil {
			t.Fatal(err)
		}
		ago := uint64(3) << bucket / 2 * 1000 // halfway through the bucket
		raw.LastMatchNs = uint64(testnet.Now()) - ago
		if err := h.Kernel.state.Put(&rawKey, &raw); err != nil {
			t.Fatal(err)
		}
		h.run(frame)
		if got := h.state(k).Arrivals[bucket]; got != raw.Arrivals[bucket]+1 {
			t.Errorf("%d us fell elsewhere: %v", ago/1000, h.state(k).Arrivals)
		}
	}
}

func TestLongestGapIsKept(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	rule := h.learn(k, v3rule(), frame)
	after := func(d time.Duration) (ended vrrp.Instant, gap time.Duration) {
		before := h.state(k).LastMatch
		time.Sleep(d)
		h.run(frame)
		ended = h.state(k).LastMatch
		return ended, ended.Sub(before)
	}
	h.run(frame)
	if got := h.state(k).Gaps; got != [gapWindows]Gap{} {
		t.Errorf("gaps of one advert: %v", got)
	}
	after(time.Millisecond)
	ended, longest := after(20 * time.Millisecond)
	want := Gap{Ended: ended, Longest: longest}
	after(time.Millisecond)
	if got := h.state(k).Gaps; !slices.Contains(got[:], want) {
		t.Errorf("gaps %v, want %v among them", got, want)
	}
	// The last advert of one rule and the first of the next are no gap.
	arrivals := h.state(k).Arrivals
	if err := h.SetRule(k, rule); err != nil {
		t.Fatal(err)
	}
	after(50 * time.Millisecond)
	if got := h.state(k).Arrivals; got != arrivals {
		t.Errorf("arrivals across a change of rule: %v, were %v", got, arrivals)
	}
	for _, g := range h.state(k).Gaps {
		if g.Longest > longest {
			t.Errorf("%v across a change of rule", g)
		}
	}
}
