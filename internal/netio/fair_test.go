package netio

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func watchForTest(t *testing.T) *Fair {
	t.Helper()
	f, err := WatchRealtime()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// wakeUps is how often a process has waited so far.
func wakeUps(t *testing.T, pid int) (n int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), "\nvoluntary_ctxt_switches:")
	if _, err := fmt.Sscan(after, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWatchCostsNothingWhileNothingDependsOnIt(t *testing.T) {
	f := watchForTest(t)
	count := func() int {
		time.Sleep(100 * time.Millisecond) // what a change of the limit costs
		before := wakeUps(t, f.pid)
		time.Sleep(2 * time.Second)
		return wakeUps(t, f.pid) - before
	}
	if n := count(); n != 0 {
		t.Errorf("%d wake-ups in 2 s without need", n)
	}
	f.Beat()
	f.Need(750 * time.Millisecond)
	if n := count(); n < 2 || n > 30 {
		t.Errorf("%d wake-ups in 2 s, want about 11", n)
	}
	f.Need(0)
	f.Beat()
	if n := count(); n > 1 {
		t.Errorf("%d wake-ups in 2 s when the need is over", n)
	}
	if !f.Watched() {
		t.Error("it has ended")
	}
}

// A loop that is late makes the threads ordinary ones when a realtime thread is
// runnable, and only then; when it is on time again they are realtime again, those
// too that were started meanwhile.
func TestLateLoopMakesThreadsOrdinary(t *testing.T) {
	testnet.Need(t, "root")
	f := watchForTest(t)
	p := pacerForTest(t)
	if err := p.Status().RealtimeErr; err != nil {
		t.Skip("SCHED_FIFO is not permitted here: ", err)
	}
	await := func(what string, is func(fifo, other int) bool) {
		t.Helper()
		if !testnet.WaitFor(10*time.Second, func() bool { return is(policies(t)) }) {
			fifo, other := policies(t)
			t.Fatalf("%s: %d threads are SCHED_FIFO, %d are not; %+v", what, fifo, other, f.Status())
		}
	}
	f.Beat()
	f.Need(80 * time.Millisecond)
	time.Sleep(time.Second) // all threads wait, as those of a daemon with nothing to do
	if s := f.Status(); s.Changes != 0 {
		t.Fatalf("changed although nobody was runnable: %+v", s)
	}
	var stop, beating atomic.Bool
	go func() { // runnable, without a system call
		runtime.LockOSThread()
		for !stop.Load() {
		}
	}()
	await("late", func(fifo, other int) bool { return fifo == 0 })
	if s := f.Status(); !s.Fair || s.Changes != 1 || s.Age < 80*time.Millisecond {
		t.Errorf("late: %+v", s)
	}
	stop.Store(true)
	beating.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for beating.Load() {
			f.Beat()
			time.Sleep(10 * time.Millisecond)
		}
	}()
	for range 5 {
		go func() { // a thread each, by one that is ordinary
			runtime.LockOSThread()
			<-done
		}()
	}
	await("on time", func(fifo, other int) bool { return fifo > 5 && other == 0 })
	if s := f.Status(); s.Fair || s.Changes != 1 {
		t.Errorf("on time: %+v", s)
	}
	beating.Store(false)
	<-done
	f.Need(0)
}

// The watch, which has no file of the daemon's open, does not outlive it.
func TestWatchEndsWithTheProcess(t *testing.T) {
	if os.Getenv("WATCHED_PROCESS") != "" {
		fmt.Println(watchForTest(t).pid)
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestWatchEndsWithTheProcess$")
	cmd.Env = append(os.Environ(), "WATCHED_PROCESS=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	files := func() string {
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		names := ""
		for _, f := range open {
			name, _ := os.Readlink(f)
			names += name + " "
		}
		return names
	}
	if want := fmt.Sprintf("/proc/%d/task ", cmd.Process.Pid); !testnet.WaitFor(5*time.Second, func() bool { return files() == want }) {
		t.Errorf("it has open: %s", files())
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	ended := func() bool {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(b), ") Z ") // until who adopted it looks
	}
	if !testnet.WaitFor(5*time.Second, ended) {
		t.Error("it lives on")
	}
}
