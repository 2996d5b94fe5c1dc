package fair

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/sched"
)

// name of the process, and what it knows itself by.
const name = "vrrpx-fair"

// environment of the process. It has one thing to do at a time, and makes next to no garbage.
var environment = []string{"GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=16MiB"}

// What the process is started with, beside the null device.
const (
	memoryFile = 3 // the page
	tasksFile  = 4 // /proc/PID/task of the daemon
	wakeFile   = 5 // a pipe: has a byte when the daemon has a need again, ends with the daemon
	workFile   = 6 // an epoll: ready when there is something for the event loop to do
)

// entered tells that the program calls Main. Who starts one that does not has it run
// what it is otherwise for.
var entered bool

// Main is the way into the watch. A program that calls Start calls it before anything else;
// where the process is to be the watch it does not return.
func Main() {
	entered = true
	if os.Args[0] != name {
		return
	}
	if err := watch(); err != nil {
		fmt.Fprintf(os.Stderr, "%s is a part of vrrpx, which starts it: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// watch returns nil when the daemon has ended.
func watch() error {
	signal.Ignore() // those to all of the daemon's processes: it ends with the daemon
	memory := os.NewFile(memoryFile, "page")
	p, err := mapPage(memory)
	if err != nil {
		return err
	}
	memory.Close()
	// Neither can be refused in a way that would matter.
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0)
	if err := mayPromote(); err != nil {
		return err
	}
	for _, tid := range (&threads{dir: "/proc/self/task"}).list() {
		_ = makeOrdinary(tid, 0) // what little there is goes to us first
	}
	_ = unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
	w := watcher{
		page: p, threads: threads{dir: fmt.Sprintf("/proc/self/fd/%d", tasksFile)}, queue: newQueue(),
		poll: []unix.PollFd{{Fd: wakeFile, Events: unix.POLLIN}, {Fd: workFile, Events: unix.POLLIN}},
	}
	for w.look() {
	}
	return nil
}

// mayPromote tells why threads could be made ordinary ones, and never again realtime.
func mayPromote() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := sched.MakeRealtime(0); err != nil {
		return fmt.Errorf("it may not make threads realtime: %w", err)
	}
	return makeOrdinary(0, 0)
}

// wait waits for the time, at most until the daemon wakes us; for that alone with a
// negative time. It tells whether the daemon lives.
func (w *watcher) wait(d time.Duration) bool { return w.waitFor(w.poll[:1], d) }

// waitWork is wait without a time that also ends when there is something for the loop to do.
func (w *watcher) waitWork() bool { return w.waitFor(w.poll, -1) }

func (w *watcher) waitFor(files []unix.PollFd, d time.Duration) bool {
	timeout := &w.timeout
	if *timeout = unix.NsecToTimespec(int64(d)); d < 0 {
		timeout = nil
	}
	if n, err := unix.Ppoll(files, timeout, nil); n <= 0 {
		return err == nil || err == unix.EINTR
	}
	if files[0].Revents == 0 {
		return true
	}
	n, _ := unix.Read(wakeFile, w.read[:]) // 0: the pipe has ended
	return n > 0
}

// work tells whether there is something for the event loop to do. It does not wait, so Go's
// scheduler, which would take the thread's place meanwhile, need not hear of it.
func (w *watcher) work() bool {
	w.timeout = unix.Timespec{}
	n, _, err := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&w.poll[1])), 1, uintptr(unsafe.Pointer(&w.timeout)), 0, 0, 0)
	return err == 0 && n > 0
}
