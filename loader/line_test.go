package loader

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// elsewhere is an interface that the tests' frames do not come by.
const elsewhere = 7777

// What a line keeps to itself refreshes its router and counts as its own.
func TestLineRefreshesItsRouter(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	for name, c := range map[string]struct {
		rule  Rule
		frame []byte
	}{
		"IPv4": {v3rule(), v4frame(unhex(v3plain))},
		"IPv6": {v6rule(), v6frame(unhex(v3ipv6))},
	} {
		t.Run(name, func(t *testing.T) {
			h.TB = t
			line := h.key(51, vrrp.IPv4)
			if c.frame[12] == 0x86 {
				line = h.key(51, vrrp.IPv6)
			}
			first, other := line, line
			first.Ifindex, other.Ifindex = elsewhere, elsewhere+1
			h.set(first, c.rule)
			h.set(other, c.rule)
			r := c.rule
			r.Router = first.Ifindex
			h.learn(line, r, c.frame)
			before := testnet.Now()
			h.run(c.frame)
			for _, k := range []Key{line, first, other} {
				last, err := h.LastMatch(k)
				if err != nil {
					t.Fatal(err)
				}
				if refreshed := last > before; refreshed != (k == first) {
					t.Errorf("%v: last match at %d, the advert came after %d", k, last, before)
				}
			}
			if s := h.state(line); s.Matched != 1 || s.LastMatch <= before {
				t.Errorf("the line matched %d adverts, the last at %d", s.Matched, s.LastMatch)
			}
			if s := h.state(first); s.Matched != 0 || s.LastMatch != 0 || s.Received != 0 {
				t.Errorf("the router's own interface counts what came by the line: %+v", s)
			}
			if err := h.Remove(first); err != nil {
				t.Fatal(err)
			}
			h.run(c.frame) // of a router that is gone
			if s := h.state(line); s.Matched != 2 {
				t.Errorf("without its router the line matched %d adverts", s.Matched)
			}
		})
	}
}

// One deadline: the line postpones it, and when the line falls silent it passes.
func TestLinePostponesTheDeadline(t *testing.T) {
	h := openTimers(t)
	line, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	first := line
	first.Ifindex = elsewhere
	h.set(first, v3rule())
	r := v3rule()
	r.Router = first.Ifindex
	h.learn(line, r, frame)
	const down = 60 * time.Millisecond
	undisturbed(t, func() bool {
		before, since := h.state(first), testnet.Now()
		h.arm(first, Deadline{At: since.Add(down), Since: since, Down: down})
		for until := since.Add(300 * time.Millisecond); testnet.Now() < until; time.Sleep(time.Millisecond) {
			h.run(frame)
		}
		e := h.wait()
		last := h.state(line).LastMatch
		if e.Kind != Down || e.Key != first || e.At != e.Heard.Add(down) {
			t.Fatalf("event %v of %v at %d, heard at %d", e.Kind, e.Key, e.At, e.Heard)
		}
		if e.Heard != last {
			return false // the test was held up between two adverts
		}
		if s := h.state(first); s.Postponed == before.Postponed {
			t.Errorf("it was never postponed")
		}
		return true
	})
}

func TestLineOfItselfIsRefused(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k, r := h.key(51, vrrp.IPv4), v3rule()
	r.Router = k.Ifindex
	if h.SetRule(k, r) == nil {
		t.Error("a router is a line of its own interface")
	}
}
