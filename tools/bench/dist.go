package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/tools/bench/meter"
)

// Dist is what a set of durations comes to. The maximum always stands beside
// the percentiles, and so does the number beyond the limit.
type Dist struct {
	N             int
	P50, P99, Max time.Duration
	Over          int // of the N, those above the limit
	Min           time.Duration
}

// tooEarly tells of a takeover before its deadline, which is a false one; empty:
// there is none.
func (d Dist) tooEarly() string {
	if d.Min >= -meter.Early {
		return ""
	}
	return fmt.Sprintf("one came %.1f ms before its deadline", -ms(d.Min))
}

// Summarise keeps its argument as it is. Of nothing it is all zero.
func Summarise(ds []time.Duration, limit time.Duration) Dist {
	if len(ds) == 0 {
		return Dist{}
	}
	s := slices.Sorted(slices.Values(ds))
	d := Dist{N: len(s), P50: meter.Percentile(s, 50), P99: meter.Percentile(s, 99), Max: s[len(s)-1], Min: s[0]}
	for _, v := range s {
		if v > limit {
			d.Over++
		}
	}
	return d
}

// Cells are those of distHeader, for a Table.
func (d Dist) Cells() []any {
	if d.N == 0 {
		return []any{0, "-", "-", "-", "-"}
	}
	return []any{d.N, d.P50, d.P99, d.Max, d.Over}
}

// distHeader names the columns of Cells; over says what Over counts.
func distHeader(over string) []string {
	return []string{"n", "p50 ms", "p99 ms", "max ms", over}
}

// Short is "p50 / max ms".
func (d Dist) Short() string {
	if d.N == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%.3f / %.3f ms of %d", ms(d.P50), ms(d.Max), d.N)
}
