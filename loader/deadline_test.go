package loader

import (
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// openTimers skips where the kernel is too old to have timers, and only there.
func openTimers(t testing.TB) *harness {
	t.Helper()
	h := open(t, Options{})
	if h.Deadlines() {
		return h
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	if os.Getenv("CI") == "true" || !(len(release) > 4 && release[:4] < "5.15") {
		t.Fatalf("kernel %s keeps no deadlines: %s", release, h.NoDeadlines())
	}
	t.Skipf("kernel %s keeps no deadlines: %s", release, h.NoDeadlines())
	return nil
}

func (h *harness) arm(k Key, d Deadline) {
	h.Helper()
	if err := h.Arm(k, d); err != nil {
		h.Fatal(err)
	}
}

func (h *harness) wantDown(k Key, at vrrp.Instant) Event {
	h.Helper()
	e := h.wait()
	if e.Kind != Down || e.Key != k || e.At != at {
		h.Errorf("event %v of %v at %d, want down of %v at %d", e.Kind, e.Key, e.At, k, at)
	}
	if e.Now < e.At || e.Now > testnet.Now() {
		h.Errorf("deadline %d was told of at %d, it is %d", e.At, e.Now, testnet.Now())
	}
	return e
}

func TestSoonComesBeforeTheDeadline(t *testing.T) {
	h := openTimers(t)
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	var all []Event
	// A timer that runs late on a busy machine finds the deadline passed.
	for range 20 {
		at := testnet.Now().Add(5 * time.Millisecond)
		h.arm(k, Deadline{At: at, Since: 0, Down: 0})
		within(t, func() bool {
			if _, err := h.Drain(testnet.Now(), func(e *Event) { all = append(all, *e) }); err != nil {
				t.Fatal(err)
			}
			return len(all) > 0 && all[len(all)-1].Kind == Down
		})
		if len(all) == 2 {
			break
		}
		all = nil
	}
	if len(all) != 2 || all[0].Kind != Soon || all[0].At != all[1].At || all[0].Now >= all[0].At || all[1].Now < all[1].At {
		t.Fatalf("events: %+v", all)
	}
	if early := all[0].At.Sub(all[0].Now); early > SoonBefore {
		t.Errorf("soon came %v before the deadline, SoonBefore is %v", early, SoonBefore)
	}
}

//vrrp:row 29
func TestDeadlinePasses(t *testing.T) {
	h := openTimers(t)
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	now := testnet.Now()
	at := now.Add(20 * time.Millisecond)
	h.arm(k, Deadline{At: at, Since: now, Down: time.Second})
	if e := h.wantDown(k, at); e.Heard != 0 {
		t.Errorf("heard at %d, though there was none", e.Heard)
	}
	if s := h.state(k); s.Armed != 1 || s.Fired != 1 || s.Postponed != 0 || s.Retried != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestDeadlineInThePastPassesAtOnce(t *testing.T) {
	h := openTimers(t)
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	for _, at := range []vrrp.Instant{testnet.Now() - 1, vrrp.Instant(-time.Hour)} {
		h.arm(k, Deadline{At: at, Since: at, Down: time.Second}) // no advert yet is not one at instant 0
		h.wantDown(k, at)
	}
}

//vrrp:row 43
func TestKeptAdvertsPostponeTheDeadline(t *testing.T) {
	h := openTimers(t)
	k, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	h.learn(k, v3rule(), frame)
	const down = 60 * time.Millisecond
	undisturbed(t, func() bool {
		before, since := h.state(k), testnet.Now()
		h.arm(k, Deadline{At: since.Add(down), Since: since, Down: down})
		for until := since.Add(300 * time.Millisecond); testnet.Now() < until; time.Sleep(time.Millisecond) {
			h.run(frame)
		}
		e := h.wait()
		s := h.state(k)
		if e.At < s.LastMatch || s.Postponed < before.Postponed+2 {
			return false // no advert for so long
		}
		if want := s.LastMatch.Add(down); e.Kind != Down || e.At != want || e.Heard != s.LastMatch {
			t.Errorf("%v at %d, heard %d; want down at %d: %v after the last advert", e.Kind, e.At, e.Heard, want, down)
		}
		if s.Fired != before.Fired+1 {
			t.Errorf("fired %d times", s.Fired-before.Fired)
		}
		return true
	})
}

// undisturbed repeats a test in which this machine stood still for so long that
// it proves nothing.
func undisturbed(t *testing.T, test func() bool) {
	t.Helper()
	for range 10 {
		if test() {
			return
		}
	}
	t.Fatal("this machine stands still too often")
}

// Only what is heard after since counts, and it cannot bring the deadline
// forward.
func TestKeptAdvertDoesNotMoveADeadlineBehindIt(t *testing.T) {
	h := openTimers(t)
	k, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	h.learn(k, v3rule(), frame)
	h.run(frame)
	heard := h.state(k).LastMatch

	at := heard.Add(50 * time.Millisecond)
	h.arm(k, Deadline{At: at, Since: heard, Down: time.Hour}) // heard is not after since
	h.wantDown(k, at)

	at = testnet.Now().Add(100 * time.Millisecond)
	h.arm(k, Deadline{At: at, Since: heard - 1, Down: time.Nanosecond}) // heard + 1 ns is before at
	h.wantDown(k, at)
}

func TestAdvertThatGoesUpDoesNotPostpone(t *testing.T) {
	h := openTimers(t)
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	since := testnet.Now()
	at := since.Add(50 * time.Millisecond)
	h.arm(k, Deadline{At: at, Since: since, Down: time.Hour})
	h.run(v4frame(unhex(v3plain)))
	if e := h.wait(); e.Kind != Advert {
		t.Fatalf("first event is %v", e.Kind)
	}
	h.wantDown(k, at)
}

func TestArmAgainReplacesTheDeadline(t *testing.T) {
	h := openTimers(t)
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	for name, c := range map[string]struct{ first, second time.Duration }{
		"sooner": {time.Hour, 20 * time.Millisecond},
		"later":  {300 * time.Millisecond, 500 * time.Millisecond},
	} {
		undisturbed(t, func() bool {
			before, now := h.state(k), testnet.Now()
			h.arm(k, Deadline{At: now.Add(c.first), Since: now, Down: time.Second})
			h.arm(k, Deadline{At: now.Add(c.second), Since: now, Down: time.Second})
			if testnet.Now() >= now.Add(c.first) {
				h.wait()
				h.events()
				return false
			}
			h.wantDown(k, now.Add(c.second))
			if s := h.state(k); s.Armed != before.Armed+2 || s.Fired != before.Fired+1 {
				t.Errorf("%s: armed %d times, fired %d", name, s.Armed, s.Fired)
			}
			return true
		})
	}
}

func TestCancelledOrRemovedRouterHasNoDeadline(t *testing.T) {
	h := openTimers(t)
	cancelled, removed, other := h.key(51, vrrp.IPv4), h.key(52, vrrp.IPv4), h.key(51, vrrp.IPv6)
	undisturbed(t, func() bool {
		h.set(cancelled, v3rule())
		h.set(removed, v3rule())
		h.set(other, v6rule())
		now := testnet.Now()
		at := now.Add(300 * time.Millisecond)
		h.arm(cancelled, Deadline{At: at, Since: now, Down: time.Second})
		h.arm(removed, Deadline{At: at, Since: now, Down: time.Second})
		if err := h.Cancel(cancelled); err != nil {
			t.Fatal(err)
		}
		if err := h.Remove(removed); err != nil {
			t.Fatal(err)
		}
		if testnet.Now() >= at {
			h.events()
			return false
		}
		later := at.Add(100 * time.Millisecond)
		h.arm(other, Deadline{At: later, Since: now, Down: time.Second})
		h.wantDown(other, later)
		if s := h.state(cancelled); s.Fired != 0 {
			t.Errorf("a cancelled deadline fired %d times", s.Fired)
		}
		return true
	})
	now := testnet.Now()
	// It can be armed again.
	h.arm(cancelled, Deadline{At: now, Since: now, Down: time.Second})
	h.wantDown(cancelled, now)
}

func TestCancelOfNothingIsNoError(t *testing.T) {
	h := openTimers(t)
	if err := h.Cancel(h.key(7, vrrp.IPv4)); err != nil {
		t.Error(err)
	}
}

// A full ring delays the event and does not lose it.
func TestDownEventOutlivesAFullRing(t *testing.T) {
	h := openTimers(t)
	k, frame := h.key(51, vrrp.IPv4), v4frame(unhex(v3plain))
	h.set(k, v3rule())
	within(t, func() bool {
		h.run(frame)
		return h.state(k).Drops[vrrp.DropRingFull] > 0
	})
	// The last gap may still hold the smaller record: fill it with those.
	filler := h.key(1, vrrp.IPv4)
	within(t, func() bool {
		h.set(filler, v3rule())
		now := testnet.Now()
		h.arm(filler, Deadline{At: now, Since: now, Down: time.Second})
		within(t, func() bool { s := h.state(filler); return s.Fired+s.Retried > 0 })
		return h.state(filler).Retried > 0
	})
	if err := h.Remove(filler); err != nil {
		t.Fatal(err)
	}
	at := testnet.Now()
	h.arm(k, Deadline{At: at, Since: at, Down: time.Second})
	within(t, func() bool { return h.state(k).Retried >= 3 })
	e := h.wait()
	for e.Kind != Down || e.Key != k { // what filled the ring
		e = h.wait()
	}
	if e.At != at {
		t.Errorf("down at %d, want %d", e.At, at)
	}
}

// However arming, cancelling and the timer fall together: every firing is told
// of once, and none after Cancel has returned.
func TestArmAndCancelRaceWithTheTimer(t *testing.T) {
	h := openTimers(t)
	const routers = 4
	end := time.Now().Add(time.Second)
	var wg sync.WaitGroup
	for vrid := range uint8(routers) {
		k := h.key(vrid, vrrp.IPv4)
		h.set(k, v3rule())
		wg.Go(func() {
			for time.Now().Before(end) {
				now := testnet.Now()
				if err := h.Arm(k, Deadline{At: now.Add(time.Duration(rand.IntN(300_000))), Since: now, Down: time.Second}); err != nil {
					t.Error(err)
				}
				for until := now.Add(time.Duration(rand.IntN(300_000))); testnet.Now() < until; {
				}
				if err := h.Cancel(k); err != nil {
					t.Error(err)
				}
				fired, err := h.State(k)
				if err != nil {
					t.Error(err)
				}
				time.Sleep(50 * time.Microsecond)
				if later, _ := h.State(k); later.Fired != fired.Fired {
					t.Error("it fired after it had been cancelled")
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	told := map[Key]uint64{}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		for _, e := range h.events() {
			told[e.Key]++
		}
		time.Sleep(time.Millisecond)
	}
	for vrid := range uint8(routers) {
		k := h.key(vrid, vrrp.IPv4)
		s := h.state(k)
		if s.Fired != told[k] || s.Fired == 0 || s.Fired == s.Armed {
			t.Errorf("%v: armed %d, fired %d, told of %d", k, s.Armed, s.Fired, told[k])
		}
		h.arm(k, Deadline{At: testnet.Now(), Since: 0, Down: time.Second})
		if e := h.wait(); e.Key != k {
			t.Errorf("down of %v, want %v", e.Key, k)
		}
	}
}

func TestWithoutTimersDeadlinesAreRefused(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	if h.Deadlines() || h.NoDeadlines() == "" {
		t.Error("deadlines are said to be kept")
	}
	if err := h.Arm(k, Deadline{At: 1, Since: 1, Down: 1}); !errors.Is(err, ErrNoDeadlines) {
		t.Errorf("Arm: %v", err)
	}
	if err := h.Cancel(k); !errors.Is(err, ErrNoDeadlines) {
		t.Errorf("Cancel: %v", err)
	}
	if err := h.Remove(k); err != nil {
		t.Errorf("Remove: %v", err)
	}
}
