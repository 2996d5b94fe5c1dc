package netio

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A pacer that wakes too late sends nothing and says so; one that is only a
// little late goes on. It calls the thread's function as after a stall.
func TestLimitEndsAScheduleThatWasHeldUp(t *testing.T) {
	const interval, limit = 10 * time.Millisecond, 35 * time.Millisecond
	for _, c := range []struct {
		late time.Duration // past the slot, one interval after the last advert
		ends bool
	}{{0, false}, {24 * time.Millisecond, false}, {25 * time.Millisecond, true}, {time.Hour, true}} {
		var tx recorder
		told := 0
		e := &paced{frames: [][]byte{[]byte("x")}}
		e.given = Schedule{Sender: &tx, Interval: interval, Limit: limit, HeldUp: func() { told++ }}
		e.due = vrrp.Instant(time.Hour)
		e.last = e.due.Add(-interval)
		next := e.send(e.due.Add(c.late))
		if ends := next == 0 && told == 1 && len(tx.sent()) == 0; ends != c.ends {
			t.Errorf("%v late: next %v, told %d times, %d frames sent", c.late, next, told, len(tx.sent()))
		}
		if c.ends {
			continue
		}
		// The limit counts from the advert that was sent, not from its slot.
		if next = e.send(e.due.Add(c.late + 34*time.Millisecond)); next == 0 {
			t.Errorf("%v late, and %v after its last advert: ended", c.late, 34*time.Millisecond)
		}
	}
}

func TestOverdueIsOfASchedule(t *testing.T) {
	p := pacerForTest(t)
	var tx recorder
	overdue := func() bool { _, is := p.Overdue("VI_1"); return is }
	if overdue() {
		t.Error("a router that was never set is overdue")
	}
	told := make(chan struct{}, 1)
	late := Schedule{
		Sender: &tx, Frames: [][]byte{[]byte("x")}, Interval: 10 * time.Millisecond, Limit: 35 * time.Millisecond,
		Next: clock.Now().Add(-time.Hour), HeldUp: func() { told <- struct{}{} },
	}
	p.Set("VI_1", late)
	select {
	case <-told:
	case <-time.After(patience):
		t.Fatal("nobody is told")
	}
	if silence, is := p.Overdue("VI_1"); !is || silence < time.Hour || len(tx.sent()) != 0 {
		t.Errorf("overdue %v for %v, %d frames sent", is, silence, len(tx.sent()))
	}
	p.Stop("VI_1")
	if overdue() {
		t.Error("a router that was stopped is overdue")
	}
	late.Next = 0
	p.Set("VI_1", late)
	tx.waitSent(t, 1)
}

func TestAnnouncerAsksBeforeItSends(t *testing.T) {
	asked := 0
	b := Burst{Frames: framesOf("a b"), Repeat: 2, Delay: 5 * time.Second, Refresh: time.Second, Hold: func() bool { asked++; return asked > 1 }}
	if got := play(b, time.Minute); got != "0s:a 0s:b" {
		t.Errorf("sent %q", got)
	}
	a := announcerForTest(t)
	var tx recorder
	a.Announce("VI_1", Burst{Sender: &tx, Frames: framesOf("a"), Repeat: 1, Hold: func() bool { return false }})
	if !testnet.WaitFor(patience, func() bool { return a.Sent("VI_1") == 1 }) {
		t.Error("a burst that may go does not")
	}
}
