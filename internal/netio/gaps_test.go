package netio

import (
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

func TestLongestGapOfEachStretchIsKept(t *testing.T) {
	const stretch = time.Duration(1) << gapShift
	var h heard
	at := vrrp.Instant(10 * stretch)
	for _, step := range []time.Duration{
		0, 10 * time.Millisecond, 31 * time.Millisecond, 12 * time.Millisecond,
		stretch, 9 * time.Millisecond, // a gap as long as a stretch is one of the next
	} {
		at = at.Add(step)
		h.match(at)
	}
	second := vrrp.Instant(10 * stretch).Add(41 * time.Millisecond)
	want := []Gap{{second, 31 * time.Millisecond}, {at.Add(-9 * time.Millisecond), stretch}}
	if got := h.gaps.list(at); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := h.gaps.list(at.Add(3 * stretch)); !slices.Equal(got, want[1:]) {
		t.Errorf("three stretches later: %v", got)
	}
	if got := h.gaps.list(at.Add(4 * stretch)); len(got) != 0 {
		t.Errorf("four stretches later: %v", got)
	}
	// What matched under another rule ends no gap of this one.
	h.since = at.Add(time.Millisecond)
	h.match(at.Add(time.Second))
	if got := h.gaps.list(at.Add(time.Second)); !slices.Equal(got, want) {
		t.Errorf("across a change of rule: %v", got)
	}
}
