// Package sched says how the kernel schedules the threads of this process.
package sched

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// Policy of all threads (sched(7)). It is not SCHED_FIFO, with which the process can
	// stand still for good: Go's runtime waits for its other threads in loops that do not
	// yield to the kernel (runtime.bgsweep for who still sweeps, issue 73499 of Go), and one
	// that is waited for on the same CPU, at the same priority, never runs. Another CPU helps
	// unless it is taken in the same way: two daemons that began at one time on two CPUs kept
	// both from then on. SCHED_RR gives the CPU to the next after sched_rr_timeslice_ms, 100.
	Policy = unix.SCHED_RR
	// Priority lies just below that of the kernel's interrupt threads, which deliver
	// our frames.
	Priority = 49
)

// Realtime gives every thread of the process the Policy and Priority, and so those that
// they will start. It fails, and changes nothing, without CAP_SYS_NICE (or RLIMIT_RTPRIO)
// or in a cgroup without a realtime share. A second call does nothing.
//
// The pacer and the event loop alone would not do. A thread that comes back
// from a system call waits in Go's scheduler for whichever thread of the
// process happens to hold its state; one of ordinary priority holds it for as
// long as other programs keep it off the CPU (seen: one slot in ten missed with
// 255 routers at 10 ms on a busy machine, none this way). And the wait is a
// spin that yields to its own priority only, so all have the same: a higher one
// could spin for ever on a single CPU.
//
// SCHED_RESET_ON_FORK is not set, since it would hold for new threads as well: see
// OrdinaryChildren.
func Realtime() error {
	// A thread may start another while we look: until all are seen to be done.
	for {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("listing the threads: %w", err)
		}
		changed := false
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil {
				return fmt.Errorf("listing the threads: %w", err)
			}
			if is, err := unix.SchedGetAttr(tid, 0); err == nil && IsRealtime(is) {
				continue
			}
			switch err := MakeRealtime(tid); err {
			case nil:
				changed = true
			case unix.ESRCH: // it has ended
			default:
				return fmt.Errorf("SCHED_RR (needs CAP_SYS_NICE and a cgroup with a realtime share): %w", err)
			}
		}
		if !changed {
			return nil
		}
	}
}

// IsRealtime tells whether a thread is as Realtime makes it.
func IsRealtime(a *unix.SchedAttr) bool { return a.Policy == Policy && a.Priority == Priority }

// MakeRealtime is Realtime for one thread, 0 for that of the caller; ESRCH when it has ended.
func MakeRealtime(tid int) error {
	return set(tid, &unix.SchedAttr{Policy: Policy, Priority: Priority})
}

// MakeOrdinary makes a thread SCHED_OTHER, 0 for that of the caller; ESRCH when it has ended.
// To raise a nice value that is negative takes nothing, to lower it CAP_SYS_NICE.
func MakeOrdinary(tid int, nice int32) error {
	return set(tid, &unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: nice})
}

// OrdinaryChildren sees to it that processes, and threads, that the calling thread starts are
// SCHED_OTHER of nice 0 however it is scheduled itself, now or later. It is to be locked to its
// goroutine (runtime.LockOSThread), and never unlocked: Go starts no threads from such a one.
//
// To make the thread itself ordinary would be simpler. But then the realtime ones could
// wait for what it holds of Go's scheduler, while others keep it off the CPUs.
func OrdinaryChildren() error {
	is, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return err
	}
	is.Size, is.Flags = unix.SizeofSchedAttr, unix.SCHED_FLAG_RESET_ON_FORK
	return unix.SchedSetAttr(0, is, 0)
}

// set keeps what OrdinaryChildren has said of the thread.
func set(tid int, to *unix.SchedAttr) error {
	is, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		return err
	}
	to.Size, to.Flags = unix.SizeofSchedAttr, is.Flags&unix.SCHED_FLAG_RESET_ON_FORK
	return unix.SchedSetAttr(tid, to, 0)
}
