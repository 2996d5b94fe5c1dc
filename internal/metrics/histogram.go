package metrics

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// The kernel counts inter-arrival times by powers of two of a microsecond. Adverts
// come 10 ms to 255 s apart, so that classic buckets below 2 ms and above 268 s would
// never tell anything: what is less is in the first, what is more in +Inf.
const (
	firstBound = 11 // 2^11 us
	lastBound  = 28 // 2^28 us

	// A second is taken for 2^20 us, which is 4.9 % more, to have counters
	// and native buckets of schema 0, powers of two of a second, coincide: who
	// divided counters among finer buckets would make up where in them adverts came.
	schema     = 0
	secondLog2 = 20
)

// arrivals makes the histogram, classic and native in one: who asks for text gets
// the one, who asks for protocol buffers both. counts[k] are times from 2^k to
// 2^(k+1) us, the first also less and the last also more.
func arrivals(router string, counts []uint64, started time.Time) prometheus.Metric {
	classic, native := map[float64]uint64{}, map[int]int64{}
	total, sum := uint64(0), 0.0
	for k, n := range counts {
		total += n
		sum += float64(n) * 1.5 * math.Ldexp(1, k) / 1e6 // the middle: an estimate
		if bound := k + 1; bound >= firstBound && bound <= lastBound {
			classic[math.Ldexp(1, bound)/1e6] = total
		}
		if n > 0 {
			native[k+1-secondLog2] = int64(n)
		}
	}
	desc := interArrival.desc
	c, err := prometheus.NewConstHistogram(desc, total, sum, classic, router)
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	n, err := prometheus.NewConstNativeHistogram(desc, total, sum, native, nil, 0, schema, 0, started, router)
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return both{n, c}
}

// both is a native histogram with the buckets of a classic one.
type both struct {
	prometheus.Metric
	classic prometheus.Metric
}

// Write makes its own message of the one that the native histogram keeps.
func (b both) Write(out *dto.Metric) error {
	var classic, native dto.Metric
	if err := b.classic.Write(&classic); err != nil {
		return err
	}
	if err := b.Metric.Write(&native); err != nil {
		return err
	}
	native.Histogram.Bucket = classic.Histogram.Bucket
	out.Label, out.Histogram = native.Label, native.Histogram
	return nil
}
