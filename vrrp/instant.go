package vrrp

import "time"

// Instant is a point on CLOCK_MONOTONIC in nanoseconds, the base of the
// kernel's bpf_ktime_get_ns, so that stamps from BPF programs need no
// conversion. Zero means "never".
type Instant int64

// Add returns t+d.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Sub returns t-u, negative when t is earlier.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }
