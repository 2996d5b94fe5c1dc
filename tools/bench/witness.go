package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/tools/bench/load"
	"github.com/vrrpx/vrrpx/tools/bench/meter"
	"github.com/vrrpx/vrrpx/vrrp"
)

// witness sees when the processors stood. Where it cannot be had, why says so, and
// nothing is held against the host.
type witness struct {
	*load.Witness
	why string
}

// watch starts the witness of a lab. It ends by itself after limit.
func (l *Lab) watch(ctx context.Context, limit time.Duration) (*witness, error) {
	w, err := load.Watch(ctx, load.Options{Host: l.Client}, limit)
	if err != nil && ctx.Err() == nil {
		return &witness{why: err.Error()}, nil
	}
	return &witness{Witness: w}, err
}

func (w *witness) stop() {
	if w.why == "" {
		w.Stop()
	}
}

// seen is what it saw until now.
func (w *witness) seen(ctx context.Context) (seen, error) {
	if w.why != "" {
		return seen{why: w.why}, nil
	}
	if err := Sleep(ctx, 200*time.Millisecond); err != nil { // the account is some time behind
		return seen{}, err
	}
	stands, err := w.Seen()
	return seen{Stands: stands}, err
}

// seen is what a witness saw.
type seen struct {
	meter.Stands
	why string // there was none
}

func (s seen) between(from, to vrrp.Instant) seen { return seen{s.Between(from, to), s.why} }

// longest is the host's longest stand, for a cell.
func (s seen) longest() any {
	if s.why != "" {
		return "-"
	}
	_, longest, _ := s.Of(meter.ByHost)
	return longest
}

// text is what the summary says of it.
func (s seen) text() string {
	if s.why != "" {
		return "Nobody watched whether the processors stood: " + s.why + "."
	}
	line := func(c meter.Cause, who string) string {
		n, longest, sum := s.Of(c)
		if n == 0 {
			return who + ": never"
		}
		return fmt.Sprintf("%s: %d times, %.1f ms at the most, %.0f ms together", who, n, ms(longest), ms(sum))
	}
	return "Stands of 5 ms or more, of each of the " + fmt.Sprint(len(s.CPUs)) + " processors, while it was measured: " +
		strings.Join([]string{line(meter.ByHost, "the host held it"), line(meter.ByOthers, "it stood and the host's account has less than half of it"),
			line(meter.TooShort, "too short for that account")}, "; ") + "."
}

// rows are the stands for raw data.
func (s seen) rows(from vrrp.Instant, add func(cpu string, at, length, stolen time.Duration, cause meter.Cause)) {
	for _, d := range s.All {
		add(fmt.Sprintf("cpu%d", d.CPU), d.From.Sub(from), d.To.Sub(d.From), d.Stolen, d.Cause)
	}
}

// excuses of a master's gaps of limit or more.
func (s seen) excuses(at []vrrp.Instant, from, to vrrp.Instant, changes []meter.Change, limit time.Duration) (e meter.Excused) {
	for _, g := range meter.LongGaps(at, from, to, limit) {
		e[s.ExcuseSilence(g, changes, fromA, ladderDown, limit)]++
	}
	return e
}

// excuseOf counts.
func excuseOf(all []meter.Excuse) (e meter.Excused) {
	for _, x := range all {
		e[x]++
	}
	return e
}

// heldCells are a number of which some have an excuse, for a table: how many do and how
// many do not.
func (s seen) heldCells(e meter.Excused) []any {
	if s.why != "" {
		return []any{"-", "-"}
	}
	return []any{e.Held(), e[meter.NoExcuse]}
}
