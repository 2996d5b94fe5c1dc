package interop

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// attempts is how often a cell at 10 ms is tried while a MASTER that is alive
// falls silent for longer than the protocol lets it: that others then take over
// is right, and is not the life that the cell is to go through. A machine that
// is kept busy does that to a daemon; a daemon that does it by itself does it
// each time.
const attempts = 5

// attempt is one try: what fails in it fails the test only when it is the last,
// or nobody stalled.
type attempt struct {
	testing.TB
	mu       sync.Mutex
	failed   bool
	said     []string
	cleanups []func()
}

func (a *attempt) Logf(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, fmt.Sprintf(format, args...))
}
func (a *attempt) Log(args ...any)                   { a.Logf("%s", fmt.Sprint(args...)) }
func (a *attempt) Errorf(format string, args ...any) { a.Logf(format, args...); a.Fail() }
func (a *attempt) Error(args ...any)                 { a.Log(args...); a.Fail() }
func (a *attempt) Fatalf(format string, args ...any) { a.Logf(format, args...); a.FailNow() }
func (a *attempt) Fatal(args ...any)                 { a.Log(args...); a.FailNow() }
func (a *attempt) FailNow()                          { a.Fail(); runtime.Goexit() }
func (a *attempt) Fail()                             { a.mu.Lock(); a.failed = true; a.mu.Unlock() }
func (a *attempt) Failed() bool                      { a.mu.Lock(); defer a.mu.Unlock(); return a.failed }
func (a *attempt) Cleanup(f func())                  { a.cleanups = append(a.cleanups, f) }

// once takes a pair of the cell through its life in an attempt, and tells how
// long the takeover from a killed MASTER took.
func (c cell) once(t *testing.T, prefix string, turn chan struct{}) (a *attempt, p *pair, took time.Duration) {
	a = &attempt{TB: t}
	done := make(chan struct{})
	go func() { // FailNow ends it
		defer close(done)
		p = c.build(a, prefix)
		took = p.live(a, turn)
	}()
	<-done
	return a, p, took
}

func (a *attempt) end() {
	for _, f := range slices.Backward(a.cleanups) {
		f()
	}
}

// run takes the cell through its life, again where a stall spoilt it.
func (c cell) run(t *testing.T, prefix string, turn chan struct{}) time.Duration {
	for n := 1; ; n++ {
		a, p, took := c.once(t, prefix, turn)
		stalls := p.stalls()
		a.end()
		for _, line := range append(a.said, stalls...) {
			t.Log(line)
		}
		if !a.Failed() {
			return took
		}
		if c.interval > fast || len(stalls) == 0 || n == attempts {
			t.FailNow()
		}
		t.Logf("attempt %d: spoilt, once more", n)
	}
}

// stalls are the takeovers from a MASTER that neither released nor was killed
// nor gave way to a better one, but was silent for the master-down interval; and
// those of a peer that does not preempt, from a MASTER that was on time: it did not
// get round to the adverts that had come.
func (p *pair) stalls() (list []string) {
	if p == nil || p.high.tap == nil || p.low.tap == nil {
		return nil
	}
	type said struct {
		by, other *side
		at        vrrp.Instant
		release   bool
	}
	var all []said
	for _, of := range [][2]*side{{p.high, p.low}, {p.low, p.high}} {
		for _, f := range of[0].adverts(0) {
			ad, ok := f.Advert()
			all = append(all, said{of[0], of[1], f.At, ok && ad.Priority == 0})
		}
	}
	slices.SortFunc(all, func(a, b said) int { return int(a.at - b.at) })
	for i := 1; i < len(all); i++ {
		last, next := all[i-1], all[i]
		silence := next.at.Sub(last.at)
		if last.by == next.by || last.release || last.by.died(last.at, next.at) {
			continue
		}
		if silence < next.by.leastMasterDown()*9/10 {
			if p.nopreempt && next.by.kind != testnet.VRRPX {
				list = append(list, fmt.Sprintf("%s took over from %s, whose last advert was %v old, without preempting", next.by, last.by, silence))
			}
			continue
		}
		list = append(list, fmt.Sprintf("%s, alive and MASTER, was silent for %v: %s took over", last.by, silence, next.by))
	}
	return list
}

// died tells whether it was killed around an interval.
func (s *side) died(from, to vrrp.Instant) bool {
	return s.killed != 0 && from <= s.killed.Add(slack) && s.killed <= to
}
