package netio

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A pacer that wakes after Down sends nothing and tells of the pause; one that
// was suspended with its host counts that time, which CLOCK_MONOTONIC does not.
// With Limit passed too, that is what counts.
func TestPauseSuspendsASchedule(t *testing.T) {
	const interval, down = 10 * time.Millisecond, 36 * time.Millisecond
	for _, c := range []struct {
		late, slept, limit time.Duration
		paused, heldUp     int
	}{
		{},
		{late: 25 * time.Millisecond},
		{late: 26 * time.Millisecond, paused: 1},
		{late: time.Hour, paused: 1},
		{slept: 20 * time.Millisecond},
		{slept: time.Minute, paused: 1},
		{late: time.Hour, limit: time.Minute, heldUp: 1},
		{late: 30 * time.Millisecond, limit: time.Minute, paused: 1},
		{slept: time.Hour, limit: time.Minute, heldUp: 1},
	} {
		var tx recorder
		var pauses []time.Duration
		heldUp := 0
		e := &paced{frames: [][]byte{[]byte("x")}, slept: clock.Suspended() - c.slept}
		e.given = Schedule{
			Sender: &tx, Interval: interval, Down: down, Frozen: func(gap time.Duration) { pauses = append(pauses, gap) },
			Limit: c.limit, HeldUp: func() { heldUp++ },
		}
		e.due = vrrp.Instant(time.Hour)
		last := e.due.Add(-interval)
		e.last = last
		next := e.send(e.due.Add(c.late))
		if len(pauses) != c.paused || heldUp != c.heldUp {
			t.Errorf("%+v: %d pauses, held up %d times", c, len(pauses), heldUp)
		}
		if sent := len(tx.sent()); (sent == 0) != (c.paused+c.heldUp > 0) || (next == 0) != (sent == 0) {
			t.Errorf("%+v: %d frames sent, next at %d", c, sent, next)
		}
		for _, p := range pauses {
			if e.last != last || (p-interval-c.late-c.slept).Abs() > time.Millisecond {
				t.Errorf("%+v: pause of %v", c, p)
			}
		}
	}
}

// What is suspended stays so whatever it is given, until it is stopped.
func TestSuspendedScheduleGoesOnAfterStop(t *testing.T) {
	p := pacerForTest(t)
	var tx recorder
	told := make(chan time.Duration, 1)
	s := Schedule{
		Sender: &tx, Frames: [][]byte{[]byte("x")}, Interval: 10 * time.Millisecond, Down: 36 * time.Millisecond,
		Next: clock.Now().Add(-time.Hour), Frozen: func(gap time.Duration) { told <- gap },
	}
	p.Set("VI_1", s)
	select {
	case gap := <-told:
		if gap < time.Hour {
			t.Errorf("told of %v", gap)
		}
	case <-time.After(patience):
		t.Fatal("nobody is told")
	}
	s.Next = 0
	p.Set("VI_1", s)
	time.Sleep(30 * time.Millisecond)
	if _, paused := p.Paused("VI_1"); !paused || len(tx.sent()) != 0 {
		t.Errorf("paused %v, %d frames sent", paused, len(tx.sent()))
	}
	p.Stop("VI_1")
	if _, paused := p.Paused("VI_1"); paused {
		t.Error("paused, and stopped")
	}
	p.Set("VI_1", s)
	tx.waitSent(t, 2)
}

// An advert that the loop sends itself moves the schedule, and is one: with
// down_timer_adverts 1 the gap that it leaves would be a pause.
func TestAdvertOfTheLoopIsNoPause(t *testing.T) {
	p := pacerForTest(t)
	var tx recorder
	s := Schedule{
		Sender: &tx, Frames: [][]byte{[]byte("x")}, Interval: 200 * time.Millisecond, Down: 250 * time.Millisecond,
		Next: clock.Now(), Frozen: func(gap time.Duration) { t.Errorf("pause of %v", gap) },
	}
	p.Set("VI_1", s)
	tx.waitSent(t, 1)
	time.Sleep(150 * time.Millisecond)
	s.Next = clock.Now().Add(s.Interval)
	p.Set("VI_1", s)
	tx.waitSent(t, 2)
}
