package watch

import (
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// id tells routers apart in successive snapshots.
type id struct {
	name, device, family string
	vrid                 uint8
}

func idOf(r *stats.Router) id { return id{r.Name, r.Interface, r.Family, r.VRID} }

// kept is how many refreshes of a router are remembered: as many as the widest
// sparkline shows.
const kept = 160

// samples is what successive snapshots tell of a router and one alone does not.
type samples struct {
	in, out, drops float64 // a second, over the last refresh
	// Of each refresh, newest last, the bucket of the longest inter-arrival time;
	// -1 where no advert of the master came.
	gaps   []int8
	bucket int // of all refreshes; -1: none
	since  time.Time
}

func newSamples(at time.Time) *samples { return &samples{bucket: -1, since: at} }

// add takes the next snapshot, dt after the one before.
func (s *samples) add(was, is *stats.Router, dt time.Duration) {
	s.in, s.out = rate(was.Received, is.Received, dt), rate(was.Sent, is.Sent, dt)
	s.drops = rate(total(was.Drops), total(is.Drops), dt)
	longest := -1
	for k, n := range is.Arrivals {
		if k >= len(was.Arrivals) && n > 0 || k < len(was.Arrivals) && n > was.Arrivals[k] {
			longest = k
		}
	}
	s.bucket = max(s.bucket, longest)
	if len(s.gaps) == kept {
		copy(s.gaps, s.gaps[1:])
		s.gaps = s.gaps[:kept-1]
	}
	s.gaps = append(s.gaps, int8(longest))
}

// rate is 0 where a counter has begun anew.
func rate(was, is uint64, dt time.Duration) float64 {
	if is <= was || dt <= 0 {
		return 0
	}
	return float64(is-was) / dt.Seconds()
}

func total(counts map[string]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// level is how high a bucket stands in a sparkline, 0 to 8: 8 is that of the
// master-down interval, 6 half of it, 4 a quarter, about where undisturbed adverts are.
func level(k int, down time.Duration) int {
	if k < 0 {
		return 0
	}
	return min(max(8-2*(bucketOf(down)-k), 1), 8)
}

// spark draws the last w refreshes, the newest at the right.
func (s *samples) spark(l looks, down time.Duration, w int) string {
	line := make([]rune, w)
	for i := range line {
		line[i] = ' '
		if j := len(s.gaps) - w + i; j >= 0 {
			line[i] = l.level(level(int(s.gaps[j]), down))
		}
	}
	return string(line)
}

// highest is the level of the highest of the last w refreshes.
func (s *samples) highest(down time.Duration, w int) (most int) {
	for _, k := range s.gaps[max(len(s.gaps)-w, 0):] {
		most = max(most, level(int(k), down))
	}
	return most
}

// worst is the longest time without an advert of the master that is known, and the
// master-down interval of then: of today, to the nanosecond, where the kernel keeps it;
// else since this view began, the power of two that it reached.
func (r row) worst() (gap, down time.Duration, exact bool) {
	if g := r.LongestGapToday; g != nil {
		return time.Duration(g.Seconds), time.Duration(g.MasterDown), true
	}
	if r.bucket < 0 {
		return 0, time.Duration(r.MasterDown), false
	}
	return time.Microsecond << r.bucket, time.Duration(r.MasterDown), false
}

// near is the part of the master-down interval that the worst gap took.
func (r row) near() float64 {
	gap, down, _ := r.worst()
	if down <= 0 {
		return 0
	}
	return float64(gap) / float64(down)
}
