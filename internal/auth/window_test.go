package auth

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// Two lines, one of them behind by fewer adverts than the window spans: each
// number is taken once, by whichever line it comes first, and no copy is.
func TestNumbersOfTwoLinesAreTakenOnceEach(t *testing.T) {
	who := signer{netip.MustParseAddr("10.0.0.6"), 1}
	for behind := range spanOfLine {
		m := marks{window: 5, span: spanOf(1)}
		var late []uint64
		for i := range uint64(1000) {
			wall := after(time.Duration(i) * 10 * time.Millisecond)
			n := wall.sequence()
			if !m.raise(who, n, wall) {
				t.Fatalf("%d behind: advert %d of the first line is refused", behind, i)
			}
			late = append(late, n+1)
			if len(late) > behind {
				if !m.raise(who, late[0], wall) {
					t.Fatalf("%d behind: advert %d of the second line is refused", behind, int(i)-behind)
				}
				late = late[1:]
			}
			// Whatever an eavesdropper has seen on one line is old on the other.
			for _, copied := range []uint64{n, n - rand.Uint64N(1<<34)&^1} {
				if m.raise(who, copied, wall) && copied == n {
					t.Fatalf("advert %d is believed twice", i)
				}
			}
		}
	}
}

// A line held back for long opens nothing: the window is one for all lines.
func TestAdvertsHeldBackOnOneLineAreOld(t *testing.T) {
	who := signer{netip.MustParseAddr("10.0.0.6"), 1}
	m := marks{span: spanOf(1)} // anti_replay monotonic: no time bounds it
	var held []uint64
	for i := range uint64(100) {
		n := after(time.Duration(i) * time.Second).sequence()
		m.raise(who, n, 0)
		held = append(held, n+1)
	}
	believed := 0
	for _, n := range held {
		if m.raise(who, n, 0) {
			believed++
		}
	}
	if believed > spanOf(1) {
		t.Errorf("%d of 100 adverts held back are believed", believed)
	}
	for _, n := range held {
		if m.raise(who, n, 0) {
			t.Fatalf("%x is believed again", n)
		}
	}
}

func TestAHOverTwoLines(t *testing.T) {
	g := newAHGuard("1111", spanOf(1))
	for _, s := range []struct {
		n    uint64
		want bool
	}{{11, true}, {10, true}, {10, false}, {11, false}, {13, true}, {12, true}} {
		if g.take(s.n) != s.want {
			t.Errorf("%d: want %v", s.n, s.want)
		}
	}
	sent := uint64(g.next())
	if g.take(14) || g.take(sent) || !g.take(sent+2) || !g.take(sent+1) {
		t.Errorf("after %d was sent, what others sent before is believed, or not what they send after", sent)
	}
}
