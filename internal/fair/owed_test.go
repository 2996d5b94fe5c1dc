package fair

import (
	"math"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/sched"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// event is a file that wakes the loop of a test.
func event(t *testing.T, w *Watch) (raise, done func()) {
	t.Helper()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := w.Wakes(fd); err != nil {
		t.Fatal(err)
	}
	one := [8]byte{1, 1}
	return func() { _, _ = unix.Write(fd, one[:]) }, func() { var b [8]byte; _, _ = unix.Read(fd, b[:]) }
}

// Where the loop only owes a round to what wakes it, the watch sleeps until then, and looks
// no more often than for a lease however often that is.
func TestWatchSleepsUntilTheLoopIsWoken(t *testing.T) {
	w := watchForTest(t)
	raise, done := event(t, w)
	w.Beat()
	w.Need(0, true)
	// The least of some seconds: a machine that is held makes the watch late, which then looks
	// more closely for a while. One that wakes too often does so in each.
	count := func(during func()) int {
		least := math.MaxInt
		for range 4 {
			time.Sleep(300 * time.Millisecond)
			before := wakeUps(t, w.process.Pid)
			for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				during()
			}
			least = min(least, wakeUps(t, w.process.Pid)-before)
		}
		return least
	}
	if n := count(func() {}); n > 1 {
		t.Errorf("%d wake-ups in 1 s with nothing to do", n)
	}
	n := count(func() { raise(); w.Beat(); done() })
	t.Logf("%d wake-ups in 1 s of a loop that is woken each 10 ms", n)
	if n > 110 { // waking each time is 100, beside the monitor's
		t.Errorf("%d wake-ups in 1 s, want about 10, and up to 100 of Go's monitor", n)
	}
	if n := count(func() {}); n > 1 {
		t.Errorf("%d wake-ups in 1 s with nothing to do again", n)
	}
	if s := w.Status(); s.Changes != 0 {
		t.Errorf("changed: %+v", s)
	}
}

// A loop that is woken and does not run is helped when a realtime thread is runnable, and one
// that is not woken, or that waits, is not.
func TestLoopThatOwesARoundIsHelped(t *testing.T) {
	testnet.Need(t, "realtime")
	if err := sched.Realtime(); err != nil {
		t.Fatal(err)
	}
	w := watchForTest(t)
	raise, done := event(t, w)
	w.Beat()
	w.Need(0, true)
	raise()
	time.Sleep(700 * time.Millisecond) // all threads wait, as those of a stopped daemon
	if s := w.Status(); s.Changes != 0 {
		t.Fatalf("changed although nobody was runnable: %+v", s)
	}
	w.Beat()
	done()
	var stop atomic.Bool
	defer stop.Store(true)
	go func() { // runnable, without a system call
		runtime.LockOSThread()
		for !stop.Load() {
		}
	}()
	for end := time.Now().Add(700 * time.Millisecond); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		raise() // one that is busy, and alive
		w.Beat()
		done()
	}
	time.Sleep(700 * time.Millisecond) // one that is busy, and has nothing to do
	if s := w.Status(); s.Changes != 0 {
		t.Fatalf("changed although nothing woke the loop: %+v", s)
	}
	raise()
	if !testnet.WaitFor(10*time.Second, func() bool { rr, _ := policies(t, os.Getpid()); return rr == 0 && w.Status().Changes == 1 }) {
		t.Fatalf("not changed: %+v", w.Status())
	}
	if s := w.Status(); !s.Fair || s.Age < owedLate || s.Age > 5*time.Second {
		t.Errorf("%+v", s)
	}
	stop.Store(true)
	done()
	w.Beat()
	if !testnet.WaitFor(10*time.Second, func() bool { rr, other := policies(t, os.Getpid()); return rr > 0 && other == 0 }) {
		t.Errorf("not realtime again: %+v", w.Status())
	}
}

// What a watch that was late itself finds has been so for as long; one that was in time waits
// for another tick.
func TestSinceWhenARoundIsOwed(t *testing.T) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	ready := func(is bool) {
		var b [8]byte
		_, _ = unix.Read(pipe[0], b[:])
		if is {
			_, _ = unix.Write(pipe[1], b[:1])
		}
	}
	now := clock.Now()
	ago := func(d time.Duration) vrrp.Instant { return now.Add(-d) }
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		owes, work       bool
		beat, due        vrrp.Instant
		own              time.Duration
		wantDue, wantOwe vrrp.Instant
		late             bool
	}{
		"nobody needs it":          {false, true, ago(time.Minute), ago(time.Second), 900 * ms, 0, 0, false},
		"nothing to do":            {true, false, ago(time.Minute), ago(time.Second), 900 * ms, 0, 0, false},
		"woken":                    {true, true, ago(time.Minute), 0, 0, now, 0, false},
		"not since the last tick":  {true, true, ago(time.Minute), ago(200 * ms), ms, ago(200 * ms), ago(200 * ms), true},
		"woken again":              {true, true, ago(100 * ms), ago(200 * ms), ms, now, 0, false},
		"late itself":              {true, true, ago(time.Minute), 0, 900 * ms, 0, ago(900 * ms), true},
		"late itself, and it runs": {true, true, ago(100 * ms), 0, 900 * ms, 0, ago(900 * ms), false},
		"barely late itself":       {true, true, ago(time.Minute), 0, 19 * ms, now, 0, false},
		"ran before the tick":      {true, true, ago(1000 * ms), ago(1100 * ms), 900 * ms, ago(1100 * ms), ago(900 * ms), true},
	} {
		w := watcher{page: &page{}, poll: []unix.PollFd{{Fd: -1}, {Fd: int32(pipe[0]), Events: unix.POLLIN}}, due: c.due}
		ready(c.work)
		w.page.owes.Store(c.owes)
		w.page.beat.Store(int64(c.beat))
		w.owe(ago(time.Second), now, c.own)
		if _, late := w.age(); w.due != c.wantDue || w.since != c.wantOwe || late != c.late {
			t.Errorf("%s: due %v, owed since %v, late %v", name, now.Sub(w.due), now.Sub(w.since), late)
		}
	}
}

func TestParseWaited(t *testing.T) {
	for text, want := range map[string]time.Duration{"1066320 914000123 27\n": 914000123, "0 0 0\n": 0, "": 0, "1": 0, "x y z": 0} {
		if got := parseWaited([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// A thread that shares its CPU with others has waited for it.
func TestQueueTellsOfWaiting(t *testing.T) {
	testnet.Need(t, "root")
	done := make(chan time.Duration)
	go func() {
		q := newQueue() // the thread ends with the goroutine
		var one unix.CPUSet
		one.Set(0)
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			t.Error(err)
		}
		before := q.waited()
		other := make(chan struct{})
		go func() {
			defer close(other)
			runtime.LockOSThread()
			_ = unix.SchedSetaffinity(0, &one)
			for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
			}
		}()
		for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		}
		<-other
		done <- q.waited() - before
	}()
	if d := <-done; d < 10*time.Millisecond {
		t.Errorf("%v of 0.3 s on a CPU for two", d)
	}
}
