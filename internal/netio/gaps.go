package netio

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Stretches of the clock of 2^gapShift ns, of which gapWindows are kept, as in bpf/abi.h.
const (
	gapShift   = 36
	gapWindows = 4
)

// Gap is a time without an advert of Rule.Master.
type Gap struct {
	Ended   vrrp.Instant // when the next advert came
	Longest time.Duration
}

// gaps are the longest times between two adverts of the master in each of the last
// stretches. One goroutine keeps them, any may list them.
type gaps [gapWindows]struct{ window, longest, at atomic.Int64 }

func (g *gaps) keep(before, at vrrp.Instant) {
	window, gap := int64(at)>>gapShift, int64(at.Sub(before))
	w := &g[window%gapWindows]
	if w.window.Load() != window {
		w.longest.Store(0)
		w.window.Store(window)
	}
	if gap > w.longest.Load() {
		w.longest.Store(gap)
		w.at.Store(int64(at))
	}
}

// list leaves out what is older than the stretches go back at now.
func (g *gaps) list(now vrrp.Instant) (all []Gap) {
	for i := range g {
		w := &g[i]
		if longest := w.longest.Load(); longest > 0 && w.window.Load()+gapWindows > int64(now)>>gapShift {
			all = append(all, Gap{Ended: vrrp.Instant(w.at.Load()), Longest: time.Duration(longest)})
		}
	}
	slices.SortFunc(all, func(a, b Gap) int { return cmp.Compare(a.Ended, b.Ended) })
	return all
}
