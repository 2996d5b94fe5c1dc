package margin

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

func TestGapsAreKeptOnceAndByTheDay(t *testing.T) {
	const down = 36 * time.Millisecond
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.Local)
	gap := func(s int, long time.Duration) Gap {
		return Gap{Ended: vrrp.Instant(0).Add(time.Duration(s) * time.Second), At: noon.Add(time.Duration(s) * time.Second), Long: long, Down: down}
	}
	var b Book
	first := []Gap{gap(1, 12*time.Millisecond), gap(70, 32*time.Millisecond)}
	r := b.Observe("a", first, noon.Add(71*time.Second))
	if r.Longest != first[1] || r.Today != first[1] || r.Near != 1 || r.LastNear != first[1] {
		t.Errorf("%+v", r)
	}
	// The same again, and the window that has not ended has a longer one now.
	more := append(first, gap(140, 27*time.Millisecond))
	if r = b.Observe("a", more, noon.Add(141*time.Second)); r.Near != 2 || r.LastNear != more[2] || r.Longest != first[1] {
		t.Errorf("a near miss more: %+v", r)
	}
	more[2] = gap(150, 26*time.Millisecond)
	if r = b.Observe("a", more, noon.Add(151*time.Second)); r.Near != 2 {
		t.Errorf("26 of 36 ms is none: %+v", r)
	}
	if other := b.Observe("b", nil, noon); other != (Record{}) {
		t.Errorf("another router: %+v", other)
	}
	// A day later only the last one counts for today, and what ended before midnight does not.
	next := noon.Add(24 * time.Hour)
	last := []Gap{gap(11*3600, 30*time.Millisecond), gap(24*3600-5, 13*time.Millisecond)}
	if r = b.Observe("a", last, next); r.Today != last[1] || r.Longest != first[1] || r.Near != 3 {
		t.Errorf("tomorrow: %+v", r)
	}
	b.Keep(map[string]bool{"b": true})
	if r = b.Observe("a", first[:1], noon); r.Near != 0 || r.Longest != first[0] {
		t.Errorf("after it was forgotten: %+v", r)
	}
}
