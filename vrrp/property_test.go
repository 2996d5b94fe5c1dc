package vrrp

import (
	"math/rand/v2"
	"testing"
)

// Whatever comes, in whatever state: no panic, effects in the order of the
// contract, TakeVIPs and ReleaseVIPs in turn, deadlines that accepted adverts
// never move back. The referee checks each step.
//
//vrrp:row 34 52
func TestAnyInputInAnyState(t *testing.T) {
	steps, in := 0, map[State]int{}
	all := eachSeed(t, 300, func(t *testing.T, rng *rand.Rand) {
		c := chance{rng.IntN, t0}
		w := referee{m: New(c.config())}
		for range 300 {
			now, input := c.next(w.m)
			if _, err := w.step(now, input); err != nil {
				t.Fatal(err)
			}
			steps++
			in[w.m.State()]++
		}
	})
	for s := Init; s <= Faulted; s++ {
		if all && in[s] < steps/50 {
			t.Errorf("%d of %d steps ended in %v: the test does not reach it", in[s], steps, s)
		}
	}
}

// Step appends: what the caller has in the slice stays, and a slice with room
// is not allocated anew.
func TestStepAppends(t *testing.T) {
	m := New(with(func(c *Config) { c.Priority = 255 }))
	room := make([]Effect, 1, 8)
	room[0] = Note{}
	out := m.Step(t0, Startup{}, room)
	if len(out) != 5 || &out[0] != &room[0] || out[0].(Note).Kind != 0 {
		t.Errorf("%d effects, the first %v", len(out), out[0])
	}
}

func TestNamesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	once := func(name string) {
		if name == "" || seen[name] {
			t.Errorf("the name %q is empty or used twice", name)
		}
		seen[name] = true
	}
	for s := Init; s <= Faulted; s++ {
		once(s.String())
	}
	for k := NoteIntervalDiffers; k <= NoteSecondMaster; k++ {
		once(k.String())
	}
	for c := ReasonStartup; c <= ReasonLapsed; c++ {
		once(c.String())
	}
	if got := State(9).String(); got != "State(9)" {
		t.Errorf("a state past the list is called %q", got)
	}
}
