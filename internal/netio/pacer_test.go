package netio

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

func pacerForTest(t testing.TB) *Pacer {
	t.Helper()
	p, err := NewPacer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// TestPaceDoesNotDrift lets two seconds of adverts pass and counts slots: each
// was used once, or counted as missed. A schedule that counts from the last
// advert drifts by the cost of sending, several slots in that time.
//
//vrrp:row 32 48
func TestPaceDoesNotDrift(t *testing.T) {
	const interval, n = 5 * time.Millisecond, 400
	p := pacerForTest(t)
	var tx recorder
	base := clock.Now().Add(20 * time.Millisecond)
	p.Set("VI_1", Schedule{Sender: &tx, Frames: [][]byte{[]byte("x")}, Interval: interval, Next: base})
	tx.waitSent(t, n)
	p.Stop("VI_1")
	sent, c := tx.times(), p.Counts("VI_1")
	for i, at := range sent {
		if slot := base.Add(time.Duration(i) * interval); at < slot {
			t.Fatalf("advert %d was sent %v before its slot", i, slot.Sub(at))
		}
	}
	if c.Sent != uint64(len(sent)) || p.Sent("VI_1") != c.Sent {
		t.Errorf("%d sent, counted %d", len(sent), c.Sent)
	}
	// The last may have been recorded a slot later than it was sent in.
	slots := uint64(sent[len(sent)-1].Sub(base)/interval) + 1
	if used := c.Sent + c.Missed; used != slots && used != slots-1 {
		t.Errorf("after %d slots %d are sent and %d missed", slots, c.Sent, c.Missed)
	}
}

func TestManyRoutersKeepTheirOwnPace(t *testing.T) {
	const interval, routers, rounds = 10 * time.Millisecond, 255, 20
	p := pacerForTest(t)
	txs := make([]recorder, routers)
	base := clock.Now().Add(50 * time.Millisecond)
	for i := range txs {
		// Every third in the same instant, the others spread.
		offset := time.Duration(i%3*i) * interval / (2 * routers)
		p.Set(fmt.Sprint(i), Schedule{Sender: &txs[i], Frames: [][]byte{[]byte("x")}, Interval: interval, Next: base.Add(offset)})
	}
	for i := range txs {
		txs[i].waitSent(t, rounds)
	}
	for i := range txs {
		p.Stop(fmt.Sprint(i))
		c, sent := p.Counts(fmt.Sprint(i)), txs[i].times()
		if uint64(len(sent)) != c.Sent {
			t.Errorf("router %d: sent %d, counted %d", i, len(sent), c.Sent)
		}
		if !slices.IsSorted(sent) || sent[0] < base {
			t.Errorf("router %d: adverts out of order or early", i)
		}
	}
}

func TestFramesLeaveInTheOrderOfTheirSlots(t *testing.T) {
	p := pacerForTest(t)
	var tx recorder
	base := clock.Now().Add(50 * time.Millisecond)
	for _, name := range []string{"c", "a", "d", "b"} {
		after := time.Duration(name[0]-'a') * time.Millisecond
		p.Set(name, Schedule{Sender: &tx, Frames: [][]byte{[]byte(name)}, Interval: time.Hour, Next: base.Add(after)})
	}
	if got := tx.waitSent(t, 4); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("order %q", got)
	}
}

// TestNothingLeavesAfterStop stops in the thick of sending, many times.
func TestNothingLeavesAfterStop(t *testing.T) {
	p := pacerForTest(t)
	for range 200 {
		var tx recorder
		p.Set("VI_1", Schedule{Sender: &tx, Frames: [][]byte{[]byte("x")}, Interval: 20 * time.Microsecond, Next: clock.Now()})
		tx.waitSent(t, 3)
		p.Stop("VI_1")
		tx.mu.Lock()
		tx.err = errors.New("stopped") // counted as failed, should one come
		tx.mu.Unlock()
	}
	time.Sleep(5 * time.Millisecond)
	if c := p.Counts("VI_1"); c.Failed != 0 {
		t.Errorf("%d adverts left after Stop had returned", c.Failed)
	}
}

func TestNewFrameKeepsThePhase(t *testing.T) {
	const interval = 40 * time.Millisecond
	p := pacerForTest(t)
	var tx recorder
	base := clock.Now().Add(interval)
	s := Schedule{Sender: &tx, Frames: [][]byte{[]byte("old")}, Interval: interval, Next: base}
	p.Set("VI_1", s)
	s.Frames = [][]byte{[]byte("new")}
	// Far more often than the interval: were the phase reset, none would leave.
	for range 300 {
		p.Set("VI_1", s)
		time.Sleep(time.Millisecond)
	}
	got := tx.waitSent(t, 3)
	if slices.Contains(got, "old") {
		t.Errorf("an old frame was sent: %q", got)
	}
	for i, at := range tx.times() {
		if at < base.Add(time.Duration(i)*interval) {
			t.Fatalf("advert %d before its slot", i)
		}
	}
}

func TestNewScheduleReplacesTheOld(t *testing.T) {
	p := pacerForTest(t)
	var tx recorder
	s := Schedule{Sender: &tx, Frames: [][]byte{[]byte("x")}, Interval: time.Hour}
	p.Set("VI_1", s) // in an hour
	time.Sleep(20 * time.Millisecond)
	if n := len(tx.sent()); n != 0 {
		t.Fatalf("%d adverts before the first slot", n)
	}
	s.Next = clock.Now().Add(time.Millisecond) // earlier: the thread must wake for it
	p.Set("VI_1", s)
	tx.waitSent(t, 1)
	s.Interval = time.Millisecond
	s.Next = clock.Now()
	p.Set("VI_1", s)
	tx.waitSent(t, 5)
	s.Next = clock.Now().Add(time.Hour) // later: the old slots no longer count
	p.Set("VI_1", s)
	n := len(tx.sent())
	time.Sleep(20 * time.Millisecond)
	if got := len(tx.sent()); got != n {
		t.Errorf("%d adverts by a schedule that was replaced", got-n)
	}
}

func TestScheduleThatSendsNothingStops(t *testing.T) {
	p := pacerForTest(t)
	for name, bad := range map[string]Schedule{
		"no frame":          {Sender: &recorder{}, Interval: time.Millisecond},
		"no sender":         {Frames: [][]byte{[]byte("x")}, Interval: time.Millisecond},
		"no interval":       {Sender: &recorder{}, Frames: [][]byte{[]byte("x")}},
		"negative interval": {Sender: &recorder{}, Frames: [][]byte{[]byte("x")}, Interval: -1},
	} {
		var tx recorder
		p.Set("VI_1", Schedule{Sender: &tx, Frames: [][]byte{[]byte("x")}, Interval: time.Millisecond, Next: clock.Now()})
		tx.waitSent(t, 1)
		p.Set("VI_1", bad)
		n := len(tx.sent())
		time.Sleep(5 * time.Millisecond)
		if got := len(tx.sent()); got != n {
			t.Errorf("%s: %d more adverts", name, got-n)
		}
	}
	p.Set("never", Schedule{})
	if c := p.Counts("never"); c != (PaceCounts{}) {
		t.Errorf("counts of a router that never was: %+v", c)
	}
}

func TestLastSlot(t *testing.T) {
	const ms = vrrp.Instant(time.Millisecond)
	tests := []struct {
		name     string
		due, at  vrrp.Instant
		slot     vrrp.Instant
		skipped  uint64
		nextSlot vrrp.Instant
	}{
		{"on time", 100 * ms, 100 * ms, 100 * ms, 0, 110 * ms},
		{"late", 100 * ms, 109 * ms, 100 * ms, 0, 110 * ms},
		{"just one slot", 100 * ms, 110 * ms, 110 * ms, 1, 120 * ms},
		{"a stall", 100 * ms, 405 * ms, 400 * ms, 30, 410 * ms},
	}
	for _, tt := range tests {
		slot, skipped := lastSlot(tt.due, tt.at, 10*time.Millisecond)
		if slot != tt.slot || skipped != tt.skipped || slot.Add(10*time.Millisecond) != tt.nextSlot {
			t.Errorf("%s: slot %v, skipped %d, want %v and %d", tt.name, slot/ms, skipped, tt.slot/ms, tt.skipped)
		}
	}
}

// TestLateAdvertIsOneAndCounted calls the thread's function as after a stall.
func TestLateAdvertIsOneAndCounted(t *testing.T) {
	var tx recorder
	e := &paced{given: Schedule{Sender: &tx, Interval: 10 * time.Millisecond}, frames: [][]byte{[]byte("x")}}
	e.due = vrrp.Instant(time.Second)
	next := e.send(e.due.Add(305 * time.Millisecond))
	if want := e.due.Add(310 * time.Millisecond); next != want {
		t.Errorf("next slot at %v, want %v", next, want)
	}
	want := PaceCounts{Sent: 1, Late: 1, MaxLate: 305 * time.Millisecond, Missed: 30}
	if c := e.counts(); c != want || len(tx.sent()) != 1 {
		t.Errorf("counts %+v, want %+v; %d frames sent, want 1", c, want, len(tx.sent()))
	}
}

func TestFailedAdvertsAreCountedAndTheScheduleGoesOn(t *testing.T) {
	p := pacerForTest(t)
	tx := recorder{err: errors.New("network is down")}
	p.Set("VI_1", Schedule{Sender: &tx, Frames: [][]byte{[]byte("x")}, Interval: time.Millisecond, Next: clock.Now()})
	if !testnet.WaitFor(patience, func() bool { return p.Counts("VI_1").Failed >= 3 }) {
		t.Fatalf("failures are not counted: %+v", p.Counts("VI_1"))
	}
	tx.mu.Lock()
	tx.err = nil
	tx.mu.Unlock()
	tx.waitSent(t, 3)
	p.Stop("VI_1")
	one := p.Counts("VI_1")
	if s := p.Status(); s.PaceCounts != one {
		t.Errorf("status %+v, the only router %+v", s.PaceCounts, one)
	}
}

func TestPacerCountsTheIdentification(t *testing.T) {
	p := pacerForTest(t)
	var tx recorder
	frame := unhex(t, keepalivedAdvert)
	p.Set("VI_1", Schedule{Sender: &tx, Frames: [][]byte{frame}, Interval: time.Millisecond, Next: clock.Now()})
	for i, f := range tx.waitSent(t, 3)[:3] {
		want := unhex(t, keepalivedAdvert)
		if countIPv4(want, uint16(i+1)); f != string(want) {
			t.Errorf("advert %d: %x, want %x", i, f, want)
		}
	}
	p.Stop("VI_1")
	if string(frame) != string(unhex(t, keepalivedAdvert)) {
		t.Error("the caller's frame was changed")
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	tl, err := newTimeline()
	if err != nil {
		t.Fatal(err)
	}
	var tx discard
	for i := range 10 {
		e := &paced{given: Schedule{Sender: tx, Interval: time.Nanosecond}, frames: [][]byte{make([]byte, 64)}}
		e.due = vrrp.Instant(i + 1)
		e.fire = e.send
		tl.touch(&e.item, e.due)
	}
	if n := testing.AllocsPerRun(1000, func() {
		it, _ := tl.next()
		tl.fire(it)
	}); n != 0 {
		t.Errorf("one advert allocates %v times", n)
	}
	go tl.run()
	tl.close()
}

type discard struct{}

func (discard) Send([]byte) error { return nil }

// TestPacerUnderConcurrentChanges is for the race detector.
func TestPacerUnderConcurrentChanges(t *testing.T) {
	p := pacerForTest(t)
	var tx recorder
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 200 {
				name := fmt.Sprint((g + i) % 3)
				p.Set(name, Schedule{Sender: &tx, Frames: [][]byte{[]byte{byte(i)}}, Interval: 50 * time.Microsecond})
				p.Counts(name)
				p.Status()
				if i%3 == 0 {
					p.Stop(name)
				}
			}
		})
	}
	wg.Wait()
	for i := range 3 {
		p.Stop(fmt.Sprint(i))
	}
	n := len(tx.sent())
	time.Sleep(2 * time.Millisecond)
	if got := len(tx.sent()); got != n {
		t.Errorf("%d frames after every router was stopped", got-n)
	}
}

func TestEveryFrameOfAScheduleIsSealedAsItLeaves(t *testing.T) {
	p := pacerForTest(t)
	var tx recorder
	n := byte(0)
	p.Set("VI_1", Schedule{
		Sender: &tx, Frames: [][]byte{[]byte("a?"), []byte("b?")}, Interval: time.Hour, Next: clock.Now(),
		Seal: func(frame []byte) { n++; frame[1] = '0' + n },
	})
	if !testnet.WaitFor(patience, func() bool { return p.Sent("VI_1") == 2 }) {
		t.Fatal("not two adverts, one for each destination")
	}
	if got := tx.sent(); !slices.Equal(got, []string{"a1", "b2"}) {
		t.Errorf("sent %q, want a1 and b2", got)
	}
}
