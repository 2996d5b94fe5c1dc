package auth

import (
	"net/netip"
	"sync/atomic"
)

// A sequence number of auth_hmac is a time (see vrrp.TrailerLen), compared as
// serial numbers are (RFC 1982), so that it may wrap.

// sequence is the time as a sequence number.
func (w WallTime) sequence() uint64 {
	s, ns := uint64(max(w, 0)/1e9), uint64(max(w, 0)%1e9)
	return s<<32 | (ns<<16/1e9)<<16
}

func later(a, b uint64) bool { return int64(a-b) > 0 }

// secondsBetween is how many seconds a is after b.
func secondsBetween(a, b uint64) int32 { return int32(uint32(a>>32) - uint32(b>>32)) }

// sequence gives out the numbers of the adverts that a router sends: the time,
// or one more than the last. Loop and pacer take from it without a lock, so
// that neither waits for the other.
type sequence struct {
	wall   func() WallTime
	window int32 // seconds, 0 where numbers need only grow
	last   atomic.Uint64
}

// next is the next number. Where the clock was set back by more than the window,
// numbers follow it, as peers forget a mark that far ahead; without a window
// they never do.
func (s *sequence) next() uint64 {
	for {
		last, now := s.last.Load(), s.wall().sequence()
		n := now
		if !later(now, last) && (s.window == 0 || secondsBetween(last, now) <= s.window) {
			n = last + 1
		}
		if s.last.CompareAndSwap(last, n) {
			return n
		}
	}
}

// signer is who has a mark. Keys have marks of their own, so that a new key is
// the way out for a peer whose clock once ran far ahead.
type signer struct {
	src netip.Addr
	key uint8
}

// maxSigners bounds the marks. Only who has the key gets one, so it is a bound
// on routers, not on forgers.
const maxSigners = 32

// marks are the numbers heard. They are the loop's own.
type marks struct {
	window int32 // as of sequence
	span   int   // of each sender's window
	list   []mark
	turn   uint64
}

type mark struct {
	signer
	heard window
	used  uint64 // turn
}

// raise takes a number that has been verified; false when its sender has used it
// before, or one so far above it that it must be a copy.
func (m *marks) raise(who signer, seq uint64, wall WallTime) bool {
	k := m.find(who)
	if k == nil {
		m.add(who).begin(seq)
		return true
	}
	valid := true
	if m.window > 0 {
		// The window itself refuses what a mark outside of it could order: to
		// forget that one lets a sender in whose clock has been set right.
		age := secondsBetween(wall.sequence(), k.heard.highest())
		valid = age <= m.window && age >= -m.window
	}
	switch {
	case !valid:
		k.heard.begin(seq)
	case k.heard.admits(seq):
		k.heard.take(seq)
	default:
		return false
	}
	m.turn++
	k.used = m.turn
	return true
}

func (m *marks) find(who signer) *mark {
	for i := range m.list {
		if m.list[i].signer == who {
			return &m.list[i]
		}
	}
	return nil
}

// set adds a mark that numbers must be above.
func (m *marks) set(who signer, seq uint64) { m.add(who).reset(seq) }

// add makes room for a sender, in the place of the one unused for longest when
// all are taken.
func (m *marks) add(who signer) *window {
	m.turn++
	k := mark{who, window{span: m.span}, m.turn}
	if len(m.list) < maxSigners {
		m.list = append(m.list, k)
		return &m.list[len(m.list)-1].heard
	}
	oldest := 0
	for i := range m.list {
		if m.list[i].used < m.list[oldest].used {
			oldest = i
		}
	}
	m.list[oldest] = k
	return &m.list[oldest].heard
}

// appendAddr appends the octets of an address without allocating.
func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		v := a.As4()
		return append(b, v[:]...)
	}
	v := a.As16()
	return append(b, v[:]...)
}
