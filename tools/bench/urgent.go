package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Priorities of SCHED_FIFO: the loops' is above what daemons that ask for one
// take (vrrpx 49, keepalived as configured).
const (
	loopPriority   = 60
	urgentPriority = 70
)

// urgent runs f on a thread that no loop keeps from running.
func urgent(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its priority
		// What it starts is not.
		attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: urgentPriority}
		if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
			done <- fmt.Errorf("SCHED_FIFO: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}
