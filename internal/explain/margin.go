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
	says = append(says, v.gaps()...)
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

// nearMisses tells of the closest of the last day. One of the last seconds is in the
// snapshot, and not in the history yet.
func (v view) nearMisses() []string {
	var closest *stats.Event
	left := func(e *stats.Event) time.Duration { return time.Duration(e.MasterDown - e.Silence) }
	n, newest := uint64(0), time.Time{}
	see := func(e *stats.Event) {
		n, newest = n+1, e.At
		if closest == nil || left(e) < left(closest) {
			closest = e
		}
	}
	recent := func(t time.Time) bool { return v.Now.Sub(t) <= 24*time.Hour }
	for i := range v.Events {
		if e := &v.Events[i]; e.Kind == stats.EventNearMiss && e.Router == v.r.Name && recent(e.At) {
			see(e)
		}
	}
	if g := v.r.LastNearMiss; g != nil && recent(g.At) && g.At.Sub(newest) > time.Millisecond { // two readings of the clocks
		e := &stats.Event{At: g.At, Silence: g.Seconds, MasterDown: g.MasterDown}
		if m := v.r.Master; m != nil && v.r.Since.Before(g.At) {
			e.Source = m.Address
		}
		see(e)
	}
	if closest == nil {
		return nil
	}
	from := closest.Source
	if from == "" {
		from = "the master"
	}
	if left(closest) <= 0 {
		return []string{fmt.Sprintf("At %s an advert of %s came after %s, of %s, and it was not taken for dead, since this host stood still as well. %s in the last 24 h.",
			v.clock(closest.At), from, span(time.Duration(closest.Silence)), span(time.Duration(closest.MasterDown)), plural(n, "such miss", "such misses"))}
	}
	return []string{fmt.Sprintf("The adverts of %s came within %s of the deadline at %s: a gap of %s, of %s. %s in the last 24 h.",
		from, span(left(closest)), v.clock(closest.At), span(time.Duration(closest.Silence)), span(time.Duration(closest.MasterDown)),
		plural(n, "such miss", "such misses"))}
}

// gaps are the largest between two adverts of one master.
func (v view) gaps() (says []string) {
	r := v.r
	if g := r.LongestGapToday; g != nil {
		says = append(says, fmt.Sprintf("Largest gap between two of its master's adverts today: %s of %s, at %s.",
			span(time.Duration(g.Seconds)), span(time.Duration(g.MasterDown)), v.clock(g.At)))
	}
	if g, day := r.LongestGap, r.LongestGapToday; g != nil && (day == nil || g.Seconds > day.Seconds) {
		says = append(says, fmt.Sprintf("Largest since vrrpx was started: %s of %s, at %s.", span(time.Duration(g.Seconds)), span(time.Duration(g.MasterDown)), v.clock(g.At)))
	}
	return says
}
