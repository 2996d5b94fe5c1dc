package meter

import (
	"maps"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Gaps are the silences between one sender's adverts.
type Gaps struct {
	Spread
	Late   int // longer than one and a half intervals
	Beyond int // at least the master-down interval: a backup takes over
}

// GapsBetween lists the silences from one instant to another, in order: before the
// first advert, between adverts, and after the last. Adverts outside do not
// count, so that a sender that is silent throughout has one gap, all of it.
func GapsBetween(at []vrrp.Instant, from, to vrrp.Instant) []time.Duration {
	var gaps []time.Duration
	last := from
	for _, t := range at {
		if t > from && t < to {
			gaps = append(gaps, t.Sub(last))
			last = t
		}
	}
	return append(gaps, to.Sub(last))
}

// GapsOf judges gaps by the interval they should have been and the
// master-down interval of who listens.
func GapsOf(gaps []time.Duration, interval, down time.Duration) Gaps {
	g := Gaps{Spread: SpreadOf(gaps)}
	for _, d := range gaps {
		if d > interval*3/2 {
			g.Late++
		}
		if d >= down {
			g.Beyond++
		}
	}
	return g
}

// Bucket is a step of a histogram: N durations of at least From and less than
// that of the next width.
type Bucket struct {
	From time.Duration
	N    int
}

// Histogram counts durations in steps of width, those alone that are not empty.
func Histogram(ds []time.Duration, width time.Duration) []Bucket {
	counts := map[time.Duration]int{}
	for _, d := range ds {
		counts[d/width*width]++
	}
	var h []Bucket
	for _, from := range slices.Sorted(maps.Keys(counts)) {
		h = append(h, Bucket{from, counts[from]})
	}
	return h
}
