package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Dist is what a set of durations comes to. The maximum always stands beside
// the percentiles, and so does the number beyond the limit.
type Dist struct {
	N             int
	P50, P99, Max time.Duration
	Over          int // of the N, those above the limit
}

// Summarise keeps its argument as it is. Of nothing it is all zero.
func Summarise(ds []time.Duration, limit time.Duration) Dist {
	if len(ds) == 0 {
		return Dist{}
	}
	s := slices.Sorted(slices.Values(ds))
	d := Dist{N: len(s), P50: Percentile(s, 50), P99: Percentile(s, 99), Max: s[len(s)-1]}
	for _, v := range s {
		if v > limit {
			d.Over++
		}
	}
	return d
}

// Percentile is the nearest-rank one of sorted durations, which are not empty:
// always a value that was measured.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
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
