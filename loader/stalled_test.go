package loader

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// With an interval of some nanoseconds any timer is late by more than an
// interval, as it is after a stall.
func TestDeadlineWaitsAfterAStall(t *testing.T) {
	h := openTimers(t)
	k, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	h.learn(k, v3rule(), frame)
	const interval, skew = 4 * time.Nanosecond, 50 * time.Millisecond
	wantStalled := func(since vrrp.Instant) Event {
		t.Helper()
		e := h.wait()
		if e.Kind != Stalled || e.Key != k || e.At < since || e.At >= e.Now {
			t.Fatalf("%v from %d to %d, want stalled since %d", e.Kind, e.At, e.Now, since)
		}
		return e
	}

	since := testnet.Now()
	h.arm(k, Deadline{At: since.Add(5 * time.Millisecond), Since: since, Down: time.Second, Interval: interval, Skew: skew})
	stalled := wantStalled(since)
	h.wantDown(k, stalled.Now.Add(interval+skew)) // and no second time, though it is late again
	if s := h.state(k); s.Stalled != 1 || s.Fired != 1 {
		t.Errorf("counted %+v", s)
	}

	// To arm it again in the same silence neither ends the wait nor begins another.
	since = testnet.Now()
	at := since.Add(5 * time.Millisecond)
	h.arm(k, Deadline{At: at, Since: since, Down: time.Second, Interval: interval, Skew: skew})
	stalled = wantStalled(since)
	h.arm(k, Deadline{At: at, Since: since, Down: time.Second, Interval: interval, Skew: skew})
	h.wantDown(k, stalled.Now.Add(interval+skew))

	// Who is heard in that time is alive.
	undisturbed(t, func() bool {
		const down = 100 * time.Millisecond
		since := testnet.Now()
		h.arm(k, Deadline{At: since.Add(5 * time.Millisecond), Since: since, Down: down, Interval: interval, Skew: skew})
		stalled := wantStalled(since)
		h.run(frame)
		heard := h.state(k).LastMatch
		e := h.wait()
		if e.Kind == Down && e.At == stalled.Now.Add(interval+skew) && heard >= e.At {
			return false
		}
		// It is late again, and this is another silence.
		for e.Kind == Stalled {
			e = h.wait()
		}
		if e.Kind != Down || e.At < heard.Add(down) {
			t.Errorf("%v at %d, heard at %d", e.Kind, e.At, heard)
		}
		return true
	})
}

func TestDeadlineInTimeFindsNoStall(t *testing.T) {
	h := openTimers(t)
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	since := testnet.Now()
	at := since.Add(40 * time.Millisecond)
	h.arm(k, Deadline{At: at, Since: since, Down: time.Second, Interval: time.Hour, Skew: time.Hour})
	h.wantDown(k, at)
	if s := h.state(k); s.Stalled != 0 {
		t.Errorf("found stalled %d times", s.Stalled)
	}
}
