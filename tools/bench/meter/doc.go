// Package meter is the arithmetic of the bench: what the adverts on a wire say
// about gaps, holders and takeovers, and what /proc says about a process and
// the machine.
package meter

import (
	"math"
	"slices"
	"time"
)

// Percentile is the nearest-rank one of sorted durations: always a value that
// was measured, 0 of none.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p * float64(len(sorted)) / 100)) // in this order: 99.9 of 1000 is 999
	return sorted[max(rank, 1)-1]
}

// Spread is how durations are distributed.
type Spread struct {
	N                   int
	P50, P99, P999, Max time.Duration
}

// SpreadOf sorts a copy of the durations.
func SpreadOf(ds []time.Duration) Spread {
	ds = slices.Sorted(slices.Values(ds))
	return Spread{len(ds), Percentile(ds, 50), Percentile(ds, 99), Percentile(ds, 99.9), Percentile(ds, 100)}
}
