// Package margin keeps how close masters came to being taken for dead: the longest
// times between two of their adverts, of today and since the start, and those that left
// little. It is given what the datapath keeps (loader.State.Gaps) by whoever asks for a
// status, at least once in the minutes that those go back.
package margin

import (
	"sync"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// near is the part of the master-down interval from which on a gap is a near miss.
// Above two thirds of it two adverts in a row are missing, which no jitter explains.
const near = 0.75

// Gap is a time without an advert of the master.
type Gap struct {
	Ended vrrp.Instant // when the next advert came
	At    time.Time    // the same by the wall clock
	Long  time.Duration
	Down  time.Duration // the master-down interval
}

// Record is what is known of one router. Its zero value is that of one whose master
// has not been heard.
type Record struct {
	Longest  Gap    // since the daemon began
	Today    Gap    // since midnight
	Near     uint64 // gaps of at least three quarters of the master-down interval, one a minute at most
	LastNear Gap

	seen vrrp.Instant
}

// Book has the records of all routers. Its methods may be called by any goroutine.
type Book struct {
	mu sync.Mutex
	of map[string]*Record
}

// Observe adds gaps in the order of time; those that it has had before change
// nothing. now tells which day today is.
func (b *Book) Observe(router string, gaps []Gap, now time.Time) Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == nil {
		b.of = map[string]*Record{}
	}
	r := b.of[router]
	if r == nil {
		r = new(Record)
		b.of[router] = r
	}
	if !sameDay(r.Today.At, now) {
		r.Today = Gap{}
	}
	for _, g := range gaps {
		if g.Ended <= r.seen {
			continue
		}
		r.seen = g.Ended
		if g.Long > r.Longest.Long {
			r.Longest = g
		}
		if g.Long > r.Today.Long && sameDay(g.At, now) {
			r.Today = g
		}
		if float64(g.Long) >= near*float64(g.Down) {
			r.Near++
			r.LastNear = g
		}
	}
	return *r
}

// Keep forgets all other routers.
func (b *Book) Keep(routers map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.of {
		if !routers[name] {
			delete(b.of, name)
		}
	}
}

func sameDay(a, b time.Time) bool {
	y, m, d := a.Date()
	y2, m2, d2 := b.Date()
	return y == y2 && m == m2 && d == d2
}
