package auth

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// aDay is a time of day to count from.
const aDay = WallTime(1_790_000_000 * 1e9)

func after(d time.Duration) WallTime { return aDay + WallTime(d) }

func TestSequenceIsTheTimeInTheFormOfTheDraft(t *testing.T) {
	for w, want := range map[WallTime]uint64{
		0:                             0,
		0x68000000*1e9 + 500_000_000:  0x6800000080000000, // of the draft's wire images
		0x68000000*1e9 + 999_999_999:  0x68000000ffff0000,
		0x168000000*1e9 + 500_000_000: 0x6800000080000000, // it wraps in 2106
		-5:                            0,
	} {
		if got := w.sequence(); got != want {
			t.Errorf("%d: %x, want %x", w, got, want)
		}
	}
}

func TestSequenceGrowsWhateverTheClockDoes(t *testing.T) {
	clock := aDay
	for name, c := range map[string]struct {
		window int32
		step   time.Duration
		follow bool // back with the clock
	}{
		"clock stands":                       {5, 0, false},
		"clock goes":                         {5, time.Second, false},
		"clock back within the window":       {5, -5 * time.Second, false},
		"clock back beyond the window":       {5, -6 * time.Second, true},
		"clock back where it need only grow": {0, -time.Hour, false},
	} {
		clock = aDay
		s := sequence{wall: func() WallTime { return clock }, window: c.window}
		first := s.next()
		clock = after(c.step)
		second := s.next()
		if later(second, first) == c.follow {
			t.Errorf("%s: %x after %x", name, second, first)
		}
		if c.follow && second != clock.sequence() {
			t.Errorf("%s: %x is not the time", name, second)
		}
	}
}

func TestSequenceIsSharedWithoutTwice(t *testing.T) {
	s := sequence{wall: func() WallTime { return aDay }}
	const each = 20000
	var got [2][]uint64
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() {
			for range each {
				got[i] = append(got[i], s.next())
			}
		})
	}
	wait.Wait()
	all := slices.Concat(got[0], got[1])
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 2*each {
		t.Errorf("%d different numbers of %d", n, 2*each)
	}
	for i := range got {
		if !slices.IsSorted(got[i]) {
			t.Errorf("sender %d saw its numbers fall", i)
		}
	}
}

func TestMarksRefuseWhatIsNotAboveTheLast(t *testing.T) {
	a, b := signer{netip.MustParseAddr("10.0.0.1"), 1}, signer{netip.MustParseAddr("10.0.0.2"), 1}
	newKey := signer{a.src, 2}
	seq := func(d time.Duration) uint64 { return after(d).sequence() }
	type step struct {
		who  signer
		seq  uint64
		at   time.Duration
		want bool
	}
	for name, c := range map[string]struct {
		window int32
		steps  []step
	}{
		"each sender and key by itself": {0, []step{
			{a, seq(9), 9, true}, {a, seq(9), 9, false}, {a, seq(8), 9, false}, {a, seq(9) + 1, 9, true},
			{b, seq(9), 9, true}, {b, seq(9), 9, false}, {newKey, seq(9), 9, true}, {newKey, seq(9), 9, false},
		}},
		"a mark far ahead is forgotten where times are compared": {5, []step{
			{a, seq(time.Hour), 0, true}, {a, seq(time.Hour), 0, true}, {a, seq(0), 0, true}, {a, seq(0), 0, false},
		}},
		"and kept where they are not": {0, []step{
			{a, seq(time.Hour), 0, true}, {a, seq(time.Minute), time.Minute, false}, {a, seq(time.Hour) + 1, time.Minute, true},
		}},
		"numbers wrap": {0, []step{
			{a, 1<<64 - 1, 0, true}, {a, 0, 0, true}, {a, 1<<64 - 1, 0, false}, {a, 1, 0, true},
		}},
	} {
		m := marks{window: c.window}
		for i, s := range c.steps {
			if got := m.raise(s.who, s.seq, after(s.at)); got != s.want {
				t.Errorf("%s: step %d: %v", name, i, got)
			}
		}
	}
}

func TestMarksAreBounded(t *testing.T) {
	var m marks
	first := signer{netip.MustParseAddr("10.0.0.1"), 1}
	m.raise(first, 5, aDay)
	for i := range byte(200) {
		m.raise(signer{netip.AddrFrom4([4]byte{10, 0, 1, i}), 1}, 5, aDay)
		if m.raise(first, 5+uint64(i), aDay) || !m.raise(first, 6+uint64(i), aDay) {
			t.Fatalf("with %d others the mark of one in use is lost", i)
		}
	}
	if len(m.list) != maxSigners {
		t.Errorf("%d marks", len(m.list))
	}
}
