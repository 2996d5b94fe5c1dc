package interop

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
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

// logLines of each daemon are shown for a cell that failed.
const logLines = 40

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
		var story []string
		if a.Failed() {
			story = p.story()
		}
		a.end()
		for _, line := range append(a.said, stalls...) {
			t.Log(line)
		}
		if !a.Failed() {
			return took
		}
		if c.interval > fast || len(stalls) == 0 || n == attempts {
			for _, line := range story {
				t.Log(line)
			}
			t.FailNow()
		}
		t.Logf("attempt %d: spoilt, once more", n)
	}
}

// sent is an advert of one side.
type sent struct {
	by, other *side
	at        vrrp.Instant
	priority  uint8
}

// adverts are those of both sides, in order.
func (p *pair) adverts() (all []sent) {
	if p == nil || p.high.tap == nil || p.low.tap == nil {
		return nil
	}
	for _, of := range [][2]*side{{p.high, p.low}, {p.low, p.high}} {
		for _, f := range of[0].adverts(0) {
			ad, _ := f.Advert()
			all = append(all, sent{of[0], of[1], f.At, ad.Priority})
		}
	}
	slices.SortFunc(all, func(a, b sent) int { return int(a.at - b.at) })
	return all
}

// stalls are the takeovers from a MASTER that neither released nor was killed
// nor gave way to a better one, but was silent for the master-down interval; and
// those of a peer that does not preempt, from a MASTER that was on time: it did not
// get round to the adverts that had come.
func (p *pair) stalls() (list []string) {
	all := p.adverts()
	for i := 1; i < len(all); i++ {
		last, next := all[i-1], all[i]
		silence := next.at.Sub(last.at)
		if last.by == next.by || last.priority == 0 || last.by.died(last.at, next.at) {
			continue
		}
		if silence < next.by.leastMasterDown()*9/10 {
			if p.nopreempt && next.by.kind != testnet.VRRPX && !p.partedAt(next.at) {
				list = append(list, fmt.Sprintf("%s took over from %s, whose last advert was %v old, without preempting", next.by, last.by, silence))
			}
			continue
		}
		list = append(list, fmt.Sprintf("%s, alive and MASTER, was silent for %v: %s took over", last.by, silence, next.by))
	}
	return list
}

// partedAt tells whether the LAN was cut in two at an instant, or had been until just before.
func (p *pair) partedAt(at vrrp.Instant) bool {
	return p.cut != 0 && p.cut <= at && (p.joined == 0 || at <= p.joined.Add(p.interval+slack))
}

// story tells who sent adverts, from when to when, and the ends of the daemons' logs.
func (p *pair) story() (list []string) {
	all := p.adverts()
	for i := 0; i < len(all); {
		n := i + 1
		longest := time.Duration(0)
		for n < len(all) && all[n].by == all[i].by && all[n].priority == all[i].priority {
			longest = max(longest, all[n].at.Sub(all[n-1].at))
			n++
		}
		if !p.partedAt(all[i].at) || n-i > 3 {
			list = append(list, fmt.Sprintf("%v after the first: %s, priority %d: %d adverts in %v, at most %v apart",
				all[i].at.Sub(all[0].at), all[i].by, all[i].priority, n-i, all[n-1].at.Sub(all[i].at), longest))
		}
		i = n
	}
	if p == nil {
		return list
	}
	for _, s := range []*side{p.high, p.low} {
		if s.daemon == nil {
			list = append(list, s.String()+" was not started")
			continue
		}
		lines := strings.Split(strings.TrimSpace(s.daemon.Log()), "\n")
		list = append(list, "log of "+s.String()+":")
		list = append(list, lines[max(0, len(lines)-logLines):]...)
	}
	return list
}

// died tells whether it was killed around an interval.
func (s *side) died(from, to vrrp.Instant) bool {
	return s.killed != 0 && from <= s.killed.Add(slack) && s.killed <= to
}
