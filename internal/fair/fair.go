// Package fair keeps the daemon's event loop going beside SCHED_FIFO loops of a higher
// priority on every CPU. Such loops leave realtime threads like ours nothing at all: what
// the kernel keeps from them (sched_rt_runtime_us; the fair server since Linux 6.12, some
// 50 ms of each second) is for ordinary threads alone. A watch notices that the loop has
// been kept from running, for longer than it may or while there was something for it to do,
// makes all threads SCHED_OTHER, so that they have that share, and realtime again when the
// loop has been on time for a while.
//
// The watch is a process, the daemon's own program started anew. No goroutine of the daemon
// could do it: one that comes back from its sleep needs a P of Go's scheduler, and the
// starved threads hold them.
package fair

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/sched"
)

// Watch is the daemon's end of it. A nil one watches nothing.
type Watch struct {
	page    *page
	wake    int      // a pipe that never blocks
	work    *os.File // an epoll, see Wakes
	process *os.Process
	done    chan struct{} // closed when the process has ended
}

// Status is what the watch did.
type Status struct {
	Fair    bool          // the threads are SCHED_OTHER now
	Changes uint64        // how often they were made so
	Age     time.Duration // for how long the loop had not run, at the last of them
}

// Start starts the watch over this process's realtime threads (sched.Realtime). The program
// must call Main.
func Start() (*Watch, error) {
	if !entered {
		return nil, errors.New("the program does not call fair.Main")
	}
	p, memory, err := newPage()
	if err != nil {
		return nil, err
	}
	defer memory.Close()
	tasks, err := os.Open("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("listing the threads: %w", err)
	}
	defer tasks.Close()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	woken := os.NewFile(uintptr(pipe[0]), "pipe")
	defer woken.Close()
	w := &Watch{page: p, wake: pipe[1], done: make(chan struct{})}
	work, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		unix.Close(w.wake)
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	w.work = os.NewFile(uintptr(work), "epoll")
	started := make(chan error)
	go w.run(started, memory, tasks, woken, w.work) // see memoryFile
	if err := <-started; err != nil {
		unix.Close(w.wake)
		w.work.Close()
		return nil, err
	}
	return w, nil
}

// run starts the process and waits for its end. The thread is its own until then: the
// death signal of the process is tied to it.
func (w *Watch) run(started chan<- error, files ...*os.File) {
	runtime.LockOSThread() // never unlocked
	if err := sched.OrdinaryChildren(); err != nil {
		started <- fmt.Errorf("SCHED_RESET_ON_FORK: %w", err)
		return
	}
	cmd := exec.Cmd{
		Path: "/proc/self/exe", Args: []string{name}, Env: environment, Dir: "/", ExtraFiles: files,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	}
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	w.process = cmd.Process
	started <- nil
	_ = cmd.Wait() // it was killed; that it ended by itself is seen by Watched
	if w.page.fair.Swap(false) {
		_ = sched.Realtime() // nobody else would
	}
	close(w.done)
}

// Beat tells the watch that the event loop runs. It costs one store.
func (w *Watch) Beat() {
	if w != nil {
		w.page.beat.Store(int64(clock.Now()))
	}
}

// Wakes tells the watch of a file that wakes the loop when it is ready, until it is closed or
// WakesNoMore. The watch looks at such files by an epoll of its own: that of the loop has a lock,
// which a watch that is kept from running must not hold.
func (w *Watch) Wakes(fd int) error {
	if w == nil {
		return nil
	}
	e := unix.EpollEvent{Events: unix.EPOLLIN}
	if err := unix.EpollCtl(int(w.work.Fd()), unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// WakesNoMore ends Wakes.
func (w *Watch) WakesNoMore(fd int) {
	if w != nil {
		_ = unix.EpollCtl(int(w.work.Fd()), unix.EPOLL_CTL_DEL, fd, nil) // or it is not among them
	}
}

// Need says how long the loop may be away without the threads' being made SCHED_OTHER, 0
// for as long as it likes; and whether it owes a round to whatever wakes it. It costs two
// loads when nothing changes.
func (w *Watch) Need(limit time.Duration, owes bool) {
	if w == nil || w.page.limit.Load() == int64(limit) && w.page.owes.Load() == owes {
		return
	}
	had := w.page.limit.Swap(int64(limit)) != 0
	if owed := w.page.owes.Swap(owes); !had && limit != 0 || !owed && owes {
		_, _ = unix.Write(w.wake, []byte{0}) // a full pipe wakes, too
	}
}

// Status is for any goroutine.
func (w *Watch) Status() Status {
	if w == nil {
		return Status{}
	}
	s := Status{Changes: w.page.changes.Load()} // first, see watcher.help
	s.Fair, s.Age = w.page.fair.Load(), time.Duration(w.page.age.Load())
	return s
}

// Watched tells whether the watch lives.
func (w *Watch) Watched() bool {
	if w == nil {
		return false
	}
	select {
	case <-w.done:
		return false
	default:
		return true
	}
}

// Close ends the watch. It is called once, when nobody calls Need any more. Threads stay
// what they are.
func (w *Watch) Close() {
	if w != nil {
		_ = w.process.Kill() // or it has ended
		<-w.done
		unix.Close(w.wake)
		w.work.Close()
	}
}
