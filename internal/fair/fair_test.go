package fair

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/sched"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

func watchForTest(t *testing.T) *Watch {
	t.Helper()
	testnet.Need(t, "realtime")
	w, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	if !testnet.WaitFor(5*time.Second, func() bool { return comm(w) == name }) {
		t.Fatalf("the process is %q", comm(w))
	}
	return w
}

func comm(w *Watch) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", w.process.Pid))
	return strings.TrimSpace(string(b))
}

// policies counts the threads of a process by scheduling policy.
func policies(t *testing.T, pid int) (rr, other int) {
	t.Helper()
	th := threads{dir: fmt.Sprintf("/proc/%d/task", pid)}
	for _, tid := range th.list() {
		switch attr, err := unix.SchedGetAttr(tid, 0); {
		case err != nil: // it has ended
		case sched.IsRealtime(attr):
			rr++
		default:
			other++
		}
	}
	return rr, other
}

// wakeUps is how often the threads of a process have waited so far.
func wakeUps(t *testing.T, pid int) (n int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("process %d has ended: %v", pid, err)
	}
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(b), "\nvoluntary_ctxt_switches:")
		var of int
		if _, err := fmt.Sscan(after, &of); err != nil {
			t.Fatal(err)
		}
		n += of
	}
	return n
}

func TestWatchCostsNothingWhileNothingDependsOnIt(t *testing.T) {
	w := watchForTest(t)
	count := func() int {
		time.Sleep(300 * time.Millisecond) // the start, or that a change of the limit is seen
		before := wakeUps(t, w.process.Pid)
		time.Sleep(2 * time.Second)
		return wakeUps(t, w.process.Pid) - before
	}
	// Go's monitor looks each minute.
	if n := count(); n > 2 {
		t.Errorf("%d wake-ups in 2 s without need", n)
	}
	w.Beat()
	w.Need(750*time.Millisecond, false)
	n := count()
	t.Logf("%d wake-ups in 2 s with need", n)
	if n < 2 || n > 100 {
		t.Errorf("%d wake-ups in 2 s, want about 11, and those of Go's monitor", n)
	}
	w.Need(0, false)
	w.Beat()
	if n := count(); n > 2 {
		t.Errorf("%d wake-ups in 2 s when the need is over", n)
	}
	if !w.Watched() {
		t.Error("it has ended")
	}
	_ = w.process.Kill()
	if !testnet.WaitFor(5*time.Second, func() bool { return !w.Watched() }) {
		t.Error("nobody sees that it was killed")
	}
	w.Need(time.Second, false) // does no harm
}

// A loop that is late makes the threads ordinary ones when a realtime thread is
// runnable, and only then; when it is on time again they are realtime again, those
// too that were started meanwhile.
func TestLateLoopMakesThreadsOrdinary(t *testing.T) {
	testnet.Need(t, "realtime")
	if err := sched.Realtime(); err != nil {
		t.Fatal(err)
	}
	w := watchForTest(t)
	if rr, other := policies(t, w.process.Pid); rr != 0 || other == 0 {
		t.Errorf("of the watch's threads %d are SCHED_RR, %d are not", rr, other)
	}
	await := func(what string, is func(rr, other int) bool) {
		t.Helper()
		if !testnet.WaitFor(10*time.Second, func() bool { return is(policies(t, os.Getpid())) }) {
			rr, other := policies(t, os.Getpid())
			t.Fatalf("%s: %d threads are SCHED_RR, %d are not; %+v", what, rr, other, w.Status())
		}
	}
	w.Beat()
	w.Need(80*time.Millisecond, false)
	time.Sleep(time.Second) // all threads wait, as those of a daemon with nothing to do
	if s := w.Status(); s.Changes != 0 {
		t.Fatalf("changed although nobody was runnable: %+v", s)
	}
	var stop, beating atomic.Bool
	go func() { // runnable, without a system call
		runtime.LockOSThread()
		for !stop.Load() {
		}
	}()
	await("late", func(rr, other int) bool { return rr == 0 })
	if s := w.Status(); !s.Fair || s.Changes != 1 || s.Age < 80*time.Millisecond {
		t.Errorf("late: %+v", s)
	}
	stop.Store(true)
	beating.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for beating.Load() {
			w.Beat()
			time.Sleep(10 * time.Millisecond)
		}
	}()
	for range 5 {
		go func() { // a thread each, by one that is ordinary
			runtime.LockOSThread()
			<-done
		}()
	}
	await("on time", func(rr, other int) bool { return rr > 5 && other == 0 })
	if s := w.Status(); s.Fair || s.Changes != 1 {
		t.Errorf("on time: %+v", s)
	}
	beating.Store(false)
	<-done
	w.Need(0, false)
}

// Who is left ordinary by a watch that is killed becomes realtime by itself.
func TestThreadsAreRealtimeWhenTheWatchIsKilled(t *testing.T) {
	testnet.Need(t, "realtime")
	if err := sched.Realtime(); err != nil {
		t.Fatal(err)
	}
	w := watchForTest(t)
	var stop atomic.Bool
	go func() { // runnable, without a system call
		for !stop.Load() {
		}
	}()
	w.Beat()
	w.Need(80*time.Millisecond, false)
	ordinary := testnet.WaitFor(10*time.Second, func() bool { rr, _ := policies(t, os.Getpid()); return rr == 0 })
	stop.Store(true)
	if !ordinary {
		t.Fatalf("%+v", w.Status())
	}
	_ = w.process.Kill()
	if !testnet.WaitFor(5*time.Second, func() bool { rr, other := policies(t, os.Getpid()); return rr > 0 && other == 0 }) {
		rr, other := policies(t, os.Getpid())
		t.Errorf("%d threads are SCHED_RR, %d are not", rr, other)
	}
	if s := w.Status(); s.Fair || w.Watched() {
		t.Errorf("%+v, watched %v", s, w.Watched())
	}
}

func TestThreadsThatStarveAgainWaitLonger(t *testing.T) {
	for _, c := range []struct {
		hold           time.Duration
		promoted, next vrrp.Instant
		want           time.Duration
	}{
		{0, 0, 1e9, holdLeast},
		{holdLeast, 1e9, 2e9, 2 * holdLeast},
		{holdMost, 1e9, 60e9, holdMost},
		{holdMost, 1e9, 61e9, holdLeast},
	} {
		if got := nextHold(c.hold, c.promoted, c.next); got != c.want {
			t.Errorf("nextHold(%v, %v, %v) = %v, want %v", c.hold, c.promoted, c.next, got, c.want)
		}
	}
}

// A program without the way in would do something else instead.
func TestProgramWithoutMainIsNotStarted(t *testing.T) {
	entered = false
	defer func() { entered = true }()
	if w, err := Start(); err == nil {
		w.Close()
		t.Error("it was started")
	}
}
