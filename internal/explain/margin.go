package explain

import (
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// margin is how close a change of state came: misses of the last day, the largest gap
// between adverts, and times that somebody stood still.
func (v view) margin() (says []string) {
	r := v.r
	says = v.nearMisses()
	if text := gaps(r); text != "" {
		says = append(says, text)
	}
	if r.Stalls > 0 {
		says = append(says, fmt.Sprintf("This host stood still %s while BACKUP, and the master was given another interval each time.%s",
			times(r.Stalls), v.last(stats.EventStall)))
	}
	if r.Pauses > 0 {
		says = append(says, fmt.Sprintf("As MASTER it sent nothing for a master-down interval %s; after %d of them nobody had taken over.%s",
			times(r.Pauses), r.PausesSurvived, v.last(stats.EventPause)))
	}
	if r.Lapses > 0 {
		says = append(says, fmt.Sprintf("Its process stood still for longer than its lease %s, and gave way.", times(r.Lapses)))
	}
	if r.KernelGaveWay > 0 {
		says = append(says, fmt.Sprintf("The kernel took over %s while the process did not run, and gave way again before it did.", times(r.KernelGaveWay)))
	}
	if p := v.Status.Pacer; r.State == master && p.Late+p.Missed > 0 {
		says = append(says, fmt.Sprintf("Of the adverts of all routers here %d left more than 1 ms late, the latest %s; %d were left out.", p.Late, span(time.Duration(p.MaxLate)), p.Missed))
	}
	return says
}

// last is the last event of a kind that the history has.
func (v view) last(kind stats.EventKind) string {
	for i := len(v.Events) - 1; i >= 0; i-- {
		if e := &v.Events[i]; e.Kind == kind && e.Router == v.r.Name {
			return fmt.Sprintf(" Last at %s, for %s.", v.clock(e.At), span(time.Duration(e.Silence)))
		}
	}
	return ""
}

// nearMisses tells of the closest of the last day.
func (v view) nearMisses() []string {
	var closest *stats.Event
	left := func(e *stats.Event) time.Duration { return time.Duration(e.MasterDown - e.Silence) }
	n := uint64(0)
	for i := range v.Events {
		e := &v.Events[i]
		if e.Kind != stats.EventNearMiss || e.Router != v.r.Name || v.Now.Sub(e.At) > 24*time.Hour {
			continue
		}
		n++
		if closest == nil || left(e) < left(closest) {
			closest = e
		}
	}
	if closest == nil {
		return nil
	}
	from := closest.Source
	if from == "" {
		from = "the master"
	}
	return []string{fmt.Sprintf("The adverts of %s came within %s of the deadline at %s: a gap of %s, of %s. %s in the last 24 h.",
		from, span(left(closest)), v.clock(closest.At), span(time.Duration(closest.Silence)), span(time.Duration(closest.MasterDown)),
		plural(n, "such miss", "such misses"))}
}

// gaps is the largest gap between two adverts, as well as the counters know it: by powers
// of two of a microsecond.
func gaps(r *stats.Router) string {
	down := time.Duration(r.MasterDown)
	if down <= 0 {
		return ""
	}
	var all, over uint64
	largest := -1
	floor := func(k int) time.Duration { return time.Microsecond << k }
	for k, n := range r.Arrivals {
		all += n
		switch {
		case n == 0 || k > 40:
		case floor(k) >= down:
			over += n
		default:
			largest = k
		}
	}
	if largest < 0 {
		return ""
	}
	text := fmt.Sprintf("Largest gap between two of %d adverts: %s to %s; %s are allowed.", all, span(floor(largest)), span(floor(largest+1)), span(down))
	if over > 0 {
		text += fmt.Sprintf(" %s longer: no master was heard then.", plural(over, "gap was", "gaps were"))
	}
	return text
}
