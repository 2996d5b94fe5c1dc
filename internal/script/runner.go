// Package script runs the programs that a configuration names: checks and
// notifications. It starts them away from the threads that keep time, ends
// those that take too long, and says first whether they may be trusted.
package script

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is a program with its arguments, and how to run it.
type Command struct {
	Argv []string // absolute path of the program, and its arguments
	Env  []string // as of execve(2)
	User *User    // nil: this process's own
	// Timeout is how long it may run, 0 for any time. Then its process group is
	// sent SIGTERM, and after Grace SIGKILL.
	Timeout time.Duration
	// Stop, when closed, ends it in the same way.
	Stop <-chan struct{}
	// Outlives lets the program go on when this process dies; others get
	// SIGTERM.
	Outlives bool
}

// User is whom a program runs as.
type User struct {
	UID, GID uint32
	Groups   []uint32 // supplementary
}

// Grace is the time from SIGTERM to SIGKILL, keepalived's.
const Grace = 2 * time.Second

// Result is how a program ended.
type Result struct {
	Exit     int            // its exit status, -1 when a signal ended it or it never ran
	Signal   syscall.Signal // 0 for none
	TimedOut bool
	Took     time.Duration
	Err      error // why it could not be started or waited for
}

// OK tells whether the program ran and succeeded.
func (r Result) OK() bool { return r.Err == nil && !r.TimedOut && r.Exit == 0 }

func (r Result) String() string {
	switch {
	case r.Err != nil:
		return r.Err.Error()
	case r.TimedOut:
		return fmt.Sprintf("still ran after %v", r.Took.Round(time.Millisecond))
	case r.Signal != 0:
		return "ended by signal " + r.Signal.String()
	}
	return fmt.Sprintf("exit status %d", r.Exit)
}

// Runner starts programs. Its methods are for any goroutine.
type Runner struct{ spawns chan spawn }

// NewRunner starts the thread that starts programs, which stays.
func NewRunner() *Runner {
	r := &Runner{spawns: make(chan spawn)}
	go r.spawner()
	return r
}

// Run runs a program to its end. It blocks only its goroutine: no thread waits
// for a program, however many hang.
func (r *Runner) Run(c Command) Result {
	begin := time.Now()
	res := r.run(c)
	res.Took = time.Since(begin)
	return res
}

func (r *Runner) run(c Command) Result {
	if len(c.Argv) == 0 {
		return Result{Exit: -1, Err: errors.New("no program to run")}
	}
	ready := make(chan started, 1)
	r.spawns <- spawn{c, ready}
	s := <-ready
	if s.err != nil {
		return Result{Exit: -1, Err: s.err}
	}
	ended, err := watch(s.pidfd)
	if err != nil {
		_ = syscall.Kill(-s.pid, syscall.SIGKILL)
		var status unix.WaitStatus
		_, _ = unix.Wait4(s.pid, &status, 0, nil)
		return Result{Exit: -1, Err: err}
	}
	timedOut := outlast(ended, s.pid, c.Timeout, c.Stop)
	res := reap(s.pid)
	res.TimedOut = timedOut
	return res
}

// outlast waits for the program, and ends its group when its time is over or it
// is to stop.
func outlast(ended <-chan struct{}, pid int, timeout time.Duration, stop <-chan struct{}) (timedOut bool) {
	var over <-chan time.Time
	if timeout > 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-ended:
		return false
	case <-over:
		timedOut = true
	case <-stop:
	}
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	if !within(ended, Grace) {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		<-ended
	}
	return timedOut
}

func within(ended <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ended:
		return true
	case <-t.C:
		return false
	}
}

// watch closes the channel when the process of a pidfd has ended: then the
// descriptor is readable (pidfd_open(2)), and Go's poller tells.
func watch(pidfd int) (<-chan struct{}, error) {
	if err := unix.SetNonblock(pidfd, true); err != nil {
		_ = unix.Close(pidfd)
		return nil, fmt.Errorf("pidfd: %w", err)
	}
	file := os.NewFile(uintptr(pidfd), "pidfd")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("pidfd: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer file.Close()
		_ = raw.Read(func(fd uintptr) bool {
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(p, 0)
			return n > 0 || err != nil && err != unix.EINTR
		})
	}()
	return ended, nil
}

// reap takes the status of a process that has ended.
func reap(pid int) Result {
	var ws unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &ws, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Result{Exit: -1, Err: fmt.Errorf("waiting for process %d: %w", pid, err)}
		}
		break
	}
	if ws.Signaled() {
		return Result{Exit: -1, Signal: syscall.Signal(ws.Signal())}
	}
	return Result{Exit: ws.ExitStatus()}
}
