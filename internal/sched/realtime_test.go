package sched

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// helper makes a test its own child, which is told what to do.
const helper = "SCHED_TEST_HELPER"

// child runs the calling test in a process of its own, above whose priority it is ended
// when it takes too long.
func child(t *testing.T, what string, patience time.Duration) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience+10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chrt", "--rr", "90", "timeout", "--signal", "KILL", fmt.Sprint(patience.Seconds()),
		"chrt", "--other", "0", os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), helper+"="+what)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A process whose CPUs are all taken, here but for one, comes through the collection of
// its garbage: Go's sweeper waits for other threads without a word to the kernel.
func TestRealtimeProcessCollectsGarbageOnOneCPU(t *testing.T) {
	if os.Getenv(helper) != "" {
		sweep(t)
		return
	}
	testnet.Need(t, "realtime")
	if out, err := child(t, "sweep", time.Minute); err != nil {
		t.Errorf("it stands still, or: %v\n%s", err, out)
	}
}

// sweep makes garbage with as many threads as there are CPUs, on one CPU.
func sweep(t *testing.T) {
	runtime.GOMAXPROCS(4) // those that wait for each other
	var wg sync.WaitGroup
	if err := Realtime(); err != nil {
		t.Fatal(err)
	}
	var one unix.CPUSet
	one.Set(allowed(t))
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		if err := unix.SchedSetaffinity(tid, &one); err != nil && err != unix.ESRCH {
			t.Fatal(err)
		}
	}
	for range 8 {
		wg.Go(func() {
			var keep [64][]byte
			for i := range 2000 {
				keep[i%len(keep)] = make([]byte, 1+i*7%5000)
				if i%500 == 0 {
					runtime.GC()
				}
			}
			runtime.KeepAlive(&keep)
		})
	}
	wg.Wait()
}

// allowed is a CPU that the process may use.
func allowed(t *testing.T) int {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			return cpu
		}
	}
	t.Fatal("no CPU")
	return 0
}

// What a realtime thread starts is ordinary where that was asked for, also after the
// thread has been made something else and back.
func TestOrdinaryChildren(t *testing.T) {
	testnet.Need(t, "realtime")
	policy := func() string {
		// proc_pid_stat(5): field 19 is the nice value, 40 the realtime priority, 41 the policy.
		b, err := exec.Command("cat", "/proc/self/stat").Output()
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Fields(string(b)[strings.LastIndex(string(b), ")")+1:])
		return fmt.Sprintf("policy %s priority %s nice %s", f[41-3], f[40-3], f[19-3])
	}
	const ordinary = "policy 0 priority 0 nice 0"
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := MakeRealtime(0); err != nil {
			t.Error(err)
			return
		}
		if got, want := policy(), fmt.Sprintf("policy %d priority %d nice 0", Policy, Priority); got != want {
			t.Errorf("a child of a realtime thread: %s, want %s", got, want)
		}
		if err := OrdinaryChildren(); err != nil {
			t.Error(err)
		}
		if got := policy(); got != ordinary {
			t.Errorf("asked for ordinary children: %s", got)
		}
		for _, change := range []func() error{
			func() error { return MakeOrdinary(0, -20) },
			func() error { return MakeRealtime(0) },
		} {
			if err := change(); err != nil {
				t.Error(err)
			}
			if got := policy(); got != ordinary {
				t.Errorf("after a change of the thread: %s", got)
			}
		}
		if is, err := unix.SchedGetAttr(0, 0); err != nil || !IsRealtime(is) {
			t.Errorf("the thread itself is %+v, %v", is, err)
		}
	}()
	<-done
}
