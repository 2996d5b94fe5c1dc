package vrrp

import (
	"testing"
	"time"
)

// Row 28 is the one that peers get wrong: truncated to milliseconds or
// centiseconds, the skew of fast routers is 0 and all backups fire together.
//
//vrrp:row 28
func TestSkewIsExactToTheNanosecond(t *testing.T) {
	for _, c := range []struct {
		version, priority uint8
		interval, want    time.Duration
	}{
		{3, 254, 10 * time.Millisecond, 78125 * time.Nanosecond},
		{3, 255, 10 * time.Millisecond, 39062 * time.Nanosecond}, // and a half
		{3, 100, time.Second, 609375 * time.Microsecond},
		{3, 200, 10 * time.Millisecond, 2187500 * time.Nanosecond},
		{3, 1, 40950 * time.Millisecond, 40790039062 * time.Nanosecond}, // no overflow
		{2, 100, time.Second, 609375 * time.Microsecond},
		{2, 100, 255 * time.Second, 609375 * time.Microsecond}, // seconds whatever the interval
		{2, 254, time.Second, 7812500 * time.Nanosecond},
		{2, 1, time.Second, 996093750 * time.Nanosecond},
	} {
		if got := Skew(c.version, c.priority, c.interval); got != c.want {
			t.Errorf("v%d priority %d interval %v: skew %v, want %v", c.version, c.priority, c.interval, got, c.want)
		}
	}
}

//vrrp:row 28
func TestSkewIsLongerForEveryLowerPriority(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		for p := uint8(1); p < 255; p++ {
			if hi, lo := Skew(version, p+1, 10*time.Millisecond), Skew(version, p, 10*time.Millisecond); hi >= lo || hi <= 0 {
				t.Errorf("v%d: priority %d waits %v, priority %d waits %v", version, p+1, hi, p, lo)
			}
		}
	}
}

//vrrp:row 29
func TestMasterDownIsSilentAdvertsAndSkew(t *testing.T) {
	for _, c := range []struct {
		version, priority uint8
		adverts           int
		interval, want    time.Duration
	}{
		{3, 200, 3, 10 * time.Millisecond, 32187500 * time.Nanosecond},
		{3, 100, 3, time.Second, 3609375 * time.Microsecond},
		{3, 100, 1, time.Second, 1609375 * time.Microsecond}, // down_timer_adverts
		{2, 100, 3, time.Second, 3609375 * time.Microsecond},
		{2, 100, 3, 10 * time.Second, 30609375 * time.Microsecond},
		{2, 100, 100, 255 * time.Second, 25500609375 * time.Microsecond},
	} {
		if got := MasterDown(c.version, c.priority, c.adverts, c.interval); got != c.want {
			t.Errorf("v%d priority %d, %d adverts of %v: %v, want %v", c.version, c.priority, c.adverts, c.interval, got, c.want)
		}
	}
}

// The status view shows these; the deadline is armed with these.
//
//vrrp:row 28 29
func TestDeadlineIsTheFormulaShown(t *testing.T) {
	r := backup(t, base())
	r.due(t0.Add(MasterDown(3, 100, 3, time.Second)))
	if got := r.m.MasterDown(); got != 3609375*time.Microsecond {
		t.Errorf("MasterDown() = %v", got)
	}
	if got := r.m.Skew(); got != 609375*time.Microsecond {
		t.Errorf("Skew() = %v", got)
	}
}
