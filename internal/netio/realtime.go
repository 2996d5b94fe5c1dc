package netio

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// RealtimePriority of all threads lies just below that of the kernel's interrupt
// threads, which deliver our frames.
const RealtimePriority = 49

// Realtime makes every thread of the process SCHED_FIFO of one priority, 1 to
// 99, and so those that they will start. It fails, and changes nothing, without
// CAP_SYS_NICE (or RLIMIT_RTPRIO) or in a cgroup without a realtime share. A
// second call with the same priority does nothing.
//
// The pacer and the event loop alone would not do. A thread that comes back
// from a system call waits in Go's scheduler for whichever thread of the
// process happens to hold its state; one of ordinary priority holds it for as
// long as other programs keep it off the CPU (seen: one slot in ten missed with
// 255 routers at 10 ms on a busy machine, none this way). And the wait is a
// spin that yields to its own priority only, so all have the same: a higher one
// could spin for ever on a single CPU.
//
// SCHED_RESET_ON_FORK is not set, since it would hold for new threads as well.
// Who starts a program from this process gives it its ordinary priority back.
func Realtime(priority int) error {
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
			did, err := makeFIFO(tid, uint32(priority))
			if err != nil {
				return fmt.Errorf("SCHED_FIFO (needs CAP_SYS_NICE and a cgroup with a realtime share): %w", err)
			}
			changed = changed || did
		}
		if !changed {
			return nil
		}
	}
}

// makeFIFO tells whether it had to change the thread. One that has ended is
// fine as it is.
func makeFIFO(tid int, priority uint32) (changed bool, err error) {
	now, err := unix.SchedGetAttr(tid, 0)
	if err == unix.ESRCH || err == nil && now.Policy == unix.SCHED_FIFO && now.Priority == priority {
		return false, nil
	}
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: priority}
	if err := unix.SchedSetAttr(tid, &attr, 0); err != nil && err != unix.ESRCH {
		return false, err
	}
	return true, nil
}
