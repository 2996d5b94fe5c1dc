package model

import (
	"fmt"
	"hash/maphash"
)

// Result is what a check came to.
type Result struct {
	States, Moves int
	Ticks         int    // of the longest shortest way
	Broken        string // the first property found broken, nearest to the start
	Beside        int    // of overlap: for how long
	Trace         Trace  // and how
	Cut           bool   // there was more than Most
}

// Most is how many states a check looks at, each 16 octets and what is new.
const Most = 60_000_000

// node is how a state was first reached.
type node struct {
	parent int32
	choice int32 // which move
}

// Check looks at every state that can be reached, until a property is broken.
// Two states with one 64-bit hash are taken for one: with ten million states
// the odds are one in 300,000.
func Check(c Config) Result {
	w := &world{Config: &c, limits: c.caps()}
	seed := maphash.MakeSeed()
	first := c.start()
	seen := newSet()
	seen.add(maphash.Comparable(seed, first))
	nodes := []node{{-1, 0}}
	now, base := []state{first}, 0
	r := Result{States: 1}
	for len(now) > 0 {
		var then []state
		for k := range now {
			for choice, m := range w.moves(now[k]) {
				r.Moves++
				if m.broken != "" {
					nodes = append(nodes, node{int32(base + k), int32(choice)})
					r.Broken, r.Beside, r.Trace = m.broken, m.beyond, w.retrace(nodes)
					r.Ticks = r.Trace.Ticks()
					return r
				}
				if seen.add(maphash.Comparable(seed, m.to)) {
					nodes = append(nodes, node{int32(base + k), int32(choice)})
					then = append(then, m.to)
				}
			}
			if len(nodes) > Most {
				r.Cut = true
				return r
			}
		}
		base += len(now)
		now = then
		r.States = len(nodes)
	}
	return r
}

func (r Result) String() string {
	what := "all hold"
	if r.Cut {
		what = "more states than can be looked at"
	}
	if r.Broken != "" {
		what = fmt.Sprintf("%q broken after %d ticks", r.Broken, r.Ticks)
	}
	return fmt.Sprintf("%d states, %d moves: %s", r.States, r.Moves, what)
}

// set is a hash set of hashes; 0 stands for an empty place.
type set struct {
	at []uint64
	n  int
}

func newSet() *set { return &set{at: make([]uint64, 1<<16)} }

// add tells whether it was not there.
func (s *set) add(h uint64) bool {
	if h == 0 {
		h = 1
	}
	if 2*s.n >= len(s.at) {
		old := s.at
		s.at, s.n = make([]uint64, 2*len(old)), 0
		for _, o := range old {
			if o != 0 {
				s.put(o)
			}
		}
	}
	return s.put(h)
}

func (s *set) put(h uint64) bool {
	mask := uint64(len(s.at) - 1)
	i := h & mask
	for ; s.at[i] != 0; i = (i + 1) & mask {
		if s.at[i] == h {
			return false
		}
	}
	s.at[i] = h
	s.n++
	return true
}
