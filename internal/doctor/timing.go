package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// gaps are times between adverts of a master, of which only the power of two in
// microseconds is known: a quantile lies between Low and High.
type gaps struct {
	n         uint64
	name      string // of the quantile: p99.99, or p99 where there are too few
	low, high time.Duration
}

const (
	manyGaps = 10000 // for a p99.99
	fewGaps  = 100   // for anything
)

// readGaps reads a histogram of stats.Router.Arrivals. With fewer than manyGaps it
// looks at the p99: a single gap may be that of a master that was restarted.
func readGaps(histogram []uint64) (g gaps) {
	for _, n := range histogram {
		g.n += n
	}
	g.name = "p99.99"
	rest := g.n / 10000 // so many may be longer
	if g.n < manyGaps {
		g.name, rest = "p99", g.n/100
	}
	var above uint64
	for k := len(histogram) - 1; k >= 0 && g.n > 0; k-- {
		if above += histogram[k]; above > rest {
			g.low, g.high = time.Microsecond<<k, time.Microsecond<<(k+1)
			if k == 0 {
				g.low = 0
			}
			break
		}
	}
	return g
}

// timers are those of a router.
type timers struct {
	version, priority uint8
	adverts           int // down_timer_adverts
	interval          time.Duration
}

func (t timers) down() time.Duration {
	return vrrp.MasterDown(t.version, t.priority, t.adverts, t.interval)
}

// enough tells whether the silence that means a dead master is longer than a gap and
// one advert that is lost beside.
func (t timers) enough(gap time.Duration) bool { return t.down() >= gap+t.interval }

// moreAdverts is the least down_timer_adverts that is enough for a gap, 3 to 100; 0
// where none is.
func (t timers) moreAdverts(gap time.Duration) int {
	for t.adverts = 3; t.adverts <= 100; t.adverts++ {
		if t.enough(gap) {
			return t.adverts
		}
	}
	return 0
}

// leastInterval is the shortest interval that is enough where adverts are as late as
// a gap tells; 0 where none is. It keeps to what a file can say.
func (t timers) leastInterval(gap time.Duration) time.Duration {
	late := max(gap-t.interval, 0)
	t.adverts = max(t.adverts, 3)
	step, most := 10*time.Millisecond, 40950*time.Millisecond
	if t.version == 2 {
		step, most = time.Second, 255*time.Second
	}
	for t.interval = step; t.interval <= most; t.interval += step {
		if t.enough(t.interval + late) {
			return t.interval
		}
	}
	return 0
}

// seconds writes an interval as the file has it.
func seconds(d time.Duration) string { return fmt.Sprint(d.Seconds()) }

// shown is how many routers are told of one by one when all is well.
const shown = 8

func (v *visit) timing() {
	if v.noRouters() {
		return
	}
	mark := len(v.results)
	measured, well := 0, 0
	for i := range v.Routers {
		r := &v.Routers[i]
		s := v.running(r)
		if s == nil {
			v.sample(r)
			continue
		}
		g := readGaps(s.Arrivals)
		if g.n < fewGaps {
			continue
		}
		measured++
		t := timers{r.Version, s.Priority, r.DownAdverts, r.AdvertInterval}
		if s.LearnedInterval > 0 {
			t.interval = time.Duration(s.LearnedInterval)
		}
		if v.judgeGaps(r, t, g, s.Arrivals, len(v.Routers) <= shown) {
			well++
		}
	}
	switch {
	case len(v.results) > mark:
	case v.status() == nil:
		v.skip("", "ask again on the BACKUP after some ten thousand adverts", "no vrrpx runs here, which would know how late adverts come")
	case measured == 0:
		v.skip("", "ask on the BACKUP, after some ten thousand adverts", "too few adverts of another MASTER have been heard here to tell how late they come")
	default:
		v.ok("", "the gaps between adverts leave room in the master-down interval of %d routers", well)
	}
}

// judgeGaps holds the tail of the gaps against the deadline; true: there is room.
func (v *visit) judgeGaps(r *config.Router, t timers, g gaps, histogram []uint64, tell bool) bool {
	down := t.down()
	evidence := []string{histogramText(histogram), fmt.Sprintf("advert_int %s, down_timer_adverts %d: master-down interval %v", seconds(t.interval), t.adverts, down)}
	advice := ""
	if n := t.moreAdverts(g.high); n > t.adverts {
		advice = fmt.Sprintf("down_timer_adverts %d", n)
	}
	if i := t.leastInterval(g.high); i > t.interval {
		if advice != "" {
			advice += ", or "
		}
		advice += fmt.Sprintf("advert_int %s on every host", seconds(i))
	}
	text := fmt.Sprintf("the %s of %d gaps between adverts is %v to %v, and %v of silence mean a dead master", g.name, g.n, g.low, g.high, down)
	switch {
	case t.enough(g.high):
		if tell {
			if i := t.leastInterval(g.high); i > 0 && i <= t.interval/2 && g.n >= manyGaps {
				text += fmt.Sprintf("; advert_int %s would hold as well", seconds(i))
			}
			v.add(Result{Verdict: OK, Subject: r.Name, Finding: text, Evidence: evidence})
		}
		return true
	case t.enough(g.low): // it depends on where in its octave the quantile is
		v.add(Result{Verdict: Note, Subject: r.Name, Finding: text + ": with one more advert lost a living master may be taken for dead", Evidence: evidence, Fix: advice})
	default:
		v.add(Result{Verdict: Warn, Subject: r.Name, Finding: text + ": one more advert lost, and a living master is taken for dead", Evidence: evidence, Fix: advice})
	}
	return false
}

// sample is for where no daemon has counted: what was heard just now.
func (v *visit) sample(r *config.Router) {
	for _, h := range v.speakers(r) {
		if h.drop != vrrp.Accepted || h.count < 3 || h.stranger() {
			continue
		}
		t := timers{r.Version, r.Priority, r.DownAdverts, h.packet.Interval}
		if t.interval > 0 && !t.enough(h.longest) {
			v.add(Result{Verdict: Warn, Subject: r.Name, Finding: fmt.Sprintf("in %v of listening two adverts of %s came %v apart, and %v of silence mean a dead master", v.Listen, h.src, h.longest.Round(10*time.Microsecond), t.down()),
				Evidence: []string{h.said()}, Fix: "vrrpx doctor again while vrrpx runs as BACKUP: it counts every gap"})
		}
	}
}

// histogramText shows the octaves that have something.
func histogramText(histogram []uint64) string {
	text := "gaps"
	for k, n := range histogram {
		if n > 0 {
			text += fmt.Sprintf(" [%v,%v) %d;", time.Microsecond<<k, time.Microsecond<<(k+1), n)
		}
	}
	return strings.TrimSuffix(text, ";")
}
