package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hogWord as first argument makes this program take one CPU.
const hogWord = "hog"

// hogPriority of SCHED_FIFO: above what daemons that ask for a realtime
// priority take (vrrpx 49, keepalived as configured), below urgent.
const (
	hogPriority    = 60
	urgentPriority = 70
)

// hog takes a CPU for as long as it is told, at SCHED_FIFO: nothing of a lower
// priority runs there, but for the share (5 % of each second, where
// kernel.sched_rt_runtime_us is as the kernel sets it) that realtime throttling
// leaves to the rest.
func hog(cpu int, d time.Duration) error {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("CPU %d: %w", cpu, err)
	}
	end := time.Now().Add(d)
	if err := fifo(hogPriority); err != nil {
		return err
	}
	for time.Now().Before(end) {
	}
	return nil
}

// fifo makes the calling thread SCHED_FIFO. What it starts is not.
func fifo(priority uint32) error {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: priority}
	if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
		return fmt.Errorf("SCHED_FIFO: %w", err)
	}
	return nil
}

// Hogs starts a SCHED_FIFO loop on every CPU. They end by themselves after d,
// with this process, or by stop, which waits for them.
func Hogs(d time.Duration) (stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var cmds []*exec.Cmd
	// The death signal is tied to the thread that starts a process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithCancel(context.Background())
	end := func() (err error) {
		for _, c := range cmds {
			err = errors.Join(err, c.Wait())
		}
		cancel()
		return err
	}
	for cpu := range runtime.NumCPU() {
		c := exec.CommandContext(ctx, self, hogWord, strconv.Itoa(cpu), d.String())
		c.Stderr = os.Stderr
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := c.Start(); err != nil {
			cancel()
			_ = end() // killed
			return nil, err
		}
		cmds = append(cmds, c)
	}
	return end, nil
}

// urgent runs f on a thread that no hog keeps from running.
func urgent(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its priority
		err := fifo(urgentPriority)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}
