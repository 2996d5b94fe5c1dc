package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Busy runs n loops that never sleep, each a process and session of its own
// (sched(7): a session is an autogroup), at ordinary priority.
func Busy(ctx context.Context, o Options, n int, limit time.Duration) (*Load, error) {
	return run(ctx, o, n, "busy", limit, func(int) []string { return nil })
}

func busy(s settings) error {
	ready()
	spin(s.limit)
	return nil
}

// FIFO runs a SCHED_FIFO loop of a priority on every processor that this process
// may use. What the kernel leaves to ordinary tasks beside it is the machine's
// setting: Throttling says it. To tasks of a lower realtime priority it leaves nothing.
func FIFO(ctx context.Context, o Options, priority int, limit time.Duration) (*Load, error) {
	return FIFOAt(ctx, o, priority, Instant{}, limit)
}

// Instant is one of CLOCK_MONOTONIC, in nanoseconds. The zero one is at once.
type Instant struct{ at int64 }

// In is the instant so far from now.
func In(d time.Duration) Instant { return Instant{monotonic() + int64(d)} }

// Add is so much later.
func (i Instant) Add(d time.Duration) Instant { return Instant{i.at + int64(d)} }

// Sleep keeps the calling thread, whose priority it is about, until then.
func (i Instant) Sleep() { sleepUntil(i.at) }

// FIFOAt is FIFO whose loops all begin at an instant. It returns before, with the loops
// waiting, and fails if they were not ready by then.
func FIFOAt(ctx context.Context, o Options, priority int, at Instant, limit time.Duration) (*Load, error) {
	// One child for all, that begins when it has all its threads: children
	// that came one after the other would starve the later ones' start.
	return run(ctx, o, 1, "fifo", limit, func(int) []string {
		return []string{"-priority", strconv.Itoa(priority), "-at", strconv.FormatInt(at.at, 10)}
	})
}

func fifo(s settings) error {
	cpus, err := processors()
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1)
	// Nothing in this process is to run beside the loops, and no watch of ours
	// would: the kernel ends it when it has had its time.
	used := uint64(s.limit/time.Second+1) * uint64(len(cpus))
	if err := unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: used, Max: used}); err != nil {
		return err
	}
	runtime.GOMAXPROCS(len(cpus) + 1)
	var on, begin atomic.Bool
	var prepared, waiting atomic.Int32
	failed := make(chan error, len(cpus))
	for _, cpu := range cpus {
		go func() {
			runtime.LockOSThread()
			var set unix.CPUSet
			set.Set(cpu)
			err := unix.SchedSetaffinity(0, &set)
			prepared.Add(1)
			for err == nil && !begin.Load() {
				time.Sleep(time.Millisecond)
			}
			if err == nil {
				err = makeFIFO(s.priority)
			}
			if err == nil && s.at > 0 && monotonic() >= s.at {
				err = errors.New("not ready in time")
			}
			if err != nil {
				failed <- fmt.Errorf("processor %d: %w", cpu, err)
				return
			}
			switch {
			case s.at > 0:
				waiting.Add(1)
				keepUntil(s.at)
			case !on.Swap(true):
				ready()
			}
			// Without a call and, by GODEBUG in start, without preemption: Go's
			// scheduler would hand the processor to others now and then.
			for n := uint64(0); ; n++ {
			}
		}()
	}
	for int(prepared.Load()) < len(cpus) {
		time.Sleep(time.Millisecond)
	}
	begin.Store(true)
	for s.at > 0 {
		if int(waiting.Load()) == len(cpus) {
			ready()
			break
		}
		select {
		case err := <-failed:
			return err
		case <-time.After(time.Millisecond):
		}
	}
	return <-failed
}

// keepUntil sleeps without a word to Go's scheduler, who would let the thread wait
// for another when it wakes.
func keepUntil(at int64) {
	ts := unix.NsecToTimespec(at)
	for {
		_, _, e := unix.RawSyscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
		if e != unix.EINTR {
			return
		}
	}
}

// makeFIFO makes the calling thread SCHED_FIFO.
func makeFIFO(priority int) error {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: uint32(priority)}
	if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
		return fmt.Errorf("SCHED_FIFO (needs CAP_SYS_NICE and a cgroup with a realtime share): %w", err)
	}
	return nil
}

// realtime makes all threads of this process SCHED_FIFO: it begins again as a
// program whose first thread is. A thread of Go's that comes back from a system
// call may have to wait for any other.
func realtime(priority int) error {
	runtime.LockOSThread()
	now, err := unix.SchedGetAttr(0, 0)
	if err != nil || now.Policy == unix.SCHED_FIFO {
		runtime.UnlockOSThread()
		return err
	}
	if err := makeFIFO(priority); err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	return unix.Exec(exe, os.Args, os.Environ())
}

// spin takes the processor until the time is up. It makes no system call
// where the clock is in the vDSO.
func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

// processors are those that this process may run on.
func processors() (cpus []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	for cpu := range 8 * len(set) * 8 {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// Throttling says what the kernel leaves to others beside SCHED_FIFO loops.
func Throttling() string {
	read := func(name string) string {
		b, err := os.ReadFile("/proc/sys/kernel/" + name)
		if err != nil {
			return "?"
		}
		return string(b[:max(0, len(b)-1)])
	}
	return fmt.Sprintf("sched_rt_runtime_us %s of sched_rt_period_us %s", read("sched_rt_runtime_us"), read("sched_rt_period_us"))
}

// Forks runs workers that start /bin/true and wait for it, again and again:
// so many live at once, and a new one for each that ends. The last line of
// Wait is how many there were.
func Forks(ctx context.Context, o Options, workers int, limit time.Duration) (*Load, error) {
	return run(ctx, o, 1, "forks", limit, func(int) []string { return []string{"-n", strconv.Itoa(workers)} })
}

func forks(s settings) error {
	runtime.GOMAXPROCS(runtime.NumCPU())
	const program = "/bin/true"
	if _, err := os.Stat(program); err != nil {
		return err
	}
	var n atomic.Uint64
	end := time.Now().Add(s.limit)
	done := make(chan error, s.n)
	for range s.n {
		go func() {
			for time.Now().Before(end) {
				p, err := os.StartProcess(program, []string{program}, &os.ProcAttr{})
				if err == nil {
					_, err = p.Wait()
				}
				if err != nil && err != unix.EAGAIN {
					done <- err
					return
				}
				n.Add(1)
			}
			done <- nil
		}()
	}
	ready()
	for range s.n {
		if err := <-done; err != nil {
			return err
		}
	}
	fmt.Println(n.Load())
	return nil
}
