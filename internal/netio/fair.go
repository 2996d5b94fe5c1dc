package netio

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
)

// Fair is a watch over Realtime. Beside SCHED_FIFO loops of a higher priority on
// every CPU, realtime threads like ours get nothing at all: what the kernel keeps
// from such loops (sched_rt_runtime_us; the fair server since Linux 6.12, some 50 ms
// of each second) is for ordinary threads alone. The watch notices that the event
// loop has been kept from running, makes all threads SCHED_OTHER, so that they have
// that share, and SCHED_FIFO again when the loop has been on time for a while.
//
// The watch is a process, a fork of ours that makes raw system calls and nothing
// else. No goroutine could do it: one that comes back from its sleep needs a P of
// Go's scheduler, and the starved threads hold them. It ends with the process.
type Fair struct {
	page *fairPage
	pid  int
	end  chan struct{}
	done chan struct{}
}

// fairPage is the memory that both have. What the watch alone uses is behind.
type fairPage struct {
	beat    int64  // when the loop last ran, CLOCK_MONOTONIC in ns
	limit   int64  // how long ago that may be, ns; 0: nothing depends on it
	wake    uint32 // futex: counted when limit changes
	quit    uint32
	fair    uint32 // the threads are SCHED_OTHER
	changes uint64 // how often they became SCHED_OTHER
	age     int64  // of the beat then, ns

	watch fairWatch
}

// FairStatus is what the watch did.
type FairStatus struct {
	Fair    bool          // the threads are SCHED_OTHER now
	Changes uint64        // how often they were made so
	Age     time.Duration // for how long the loop had not run, at the last of them
}

// WatchRealtime starts the watch. To be called before Realtime, and early: a fork
// keeps what memory there is.
func WatchRealtime() (*Fair, error) {
	size := (int(unsafe.Sizeof(fairPage{})) + os.Getpagesize() - 1) &^ (os.Getpagesize() - 1)
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	tasks, err := os.Open("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("listing the threads: %w", err)
	}
	defer tasks.Close()
	f := &Fair{page: (*fairPage)(unsafe.Pointer(&mem[0])), end: make(chan struct{}), done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The death signal of the fork is tied to the thread that made it. This one
		// ends with the goroutine, since it is never unlocked.
		runtime.LockOSThread()
		pid, errno := forkWatch(f.page, tasks.Fd(), uintptr(os.Getpid()))
		if errno != 0 {
			started <- fmt.Errorf("clone: %w", errno)
			return
		}
		f.pid = int(pid)
		started <- nil
		<-f.end
		atomic.StoreUint32(&f.page.quit, 1)
		f.rouse()
		_, _ = unix.Wait4(f.pid, nil, unix.WALL, nil) // a clone without a signal
		close(f.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return f, nil
}

// Beat tells the watch that the event loop runs. It costs one store.
func (f *Fair) Beat() {
	if f != nil {
		atomic.StoreInt64(&f.page.beat, int64(clock.Now()))
	}
}

// Need says how long the loop may be away without the threads' being made
// SCHED_OTHER: 0 for as long as it likes. It costs one load when nothing changes.
func (f *Fair) Need(limit time.Duration) {
	if f == nil || atomic.LoadInt64(&f.page.limit) == int64(limit) {
		return
	}
	was := atomic.SwapInt64(&f.page.limit, int64(limit))
	if was == 0 {
		f.rouse()
	}
}

func (f *Fair) rouse() {
	atomic.AddUint32(&f.page.wake, 1)
	_, _, _ = syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&f.page.wake)), futexWake, 1, 0, 0, 0)
}

// Status is for any goroutine.
func (f *Fair) Status() FairStatus {
	if f == nil {
		return FairStatus{}
	}
	return FairStatus{
		Fair: atomic.LoadUint32(&f.page.fair) != 0, Changes: atomic.LoadUint64(&f.page.changes),
		Age: time.Duration(atomic.LoadInt64(&f.page.age)),
	}
}

// Watched tells whether the watch lives.
func (f *Fair) Watched() bool {
	if f == nil {
		return false
	}
	var info unix.Siginfo // WNOWAIT leaves it for Close
	err := unix.Waitid(unix.P_PID, f.pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL, nil)
	return err == nil && info.Signo == 0
}

// Close ends the watch. It is called once. Threads stay what they are.
func (f *Fair) Close() {
	if f != nil {
		close(f.end)
		<-f.done
	}
}

const (
	futexWait = 0 // FUTEX_WAIT, not private: two processes
	futexWake = 1
)
