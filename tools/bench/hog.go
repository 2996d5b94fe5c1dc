package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
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

// hog takes a CPU from start on for as long as it is told, at SCHED_FIFO: nothing of a lower
// priority runs there, but for the share (5 % of each second, where
// kernel.sched_rt_runtime_us is as the kernel sets it) that realtime throttling
// leaves to the rest.
func hog(cpu int, start time.Time, d time.Duration) error {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("CPU %d: %w", cpu, err)
	}
	if err := fifo(hogPriority); err != nil {
		return err
	}
	sleepUntil(start)
	for end := start.Add(d); time.Now().Before(end); {
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

// Hogs makes a SCHED_FIFO loop on every CPU, all from start on: a moment that
// leaves time to start the processes. They end by themselves after d, or with
// this process; wait waits for them.
func (l *Lab) Hogs(start time.Time, d time.Duration) (wait func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var cmds []*testnet.Cmd
	wait = func() (err error) {
		for _, c := range cmds {
			err = errors.Join(err, c.Wait())
		}
		cancel()
		return err
	}
	for cpu := range runtime.NumCPU() {
		c := l.Client.Command(ctx, self, hogWord, strconv.Itoa(cpu), strconv.FormatInt(start.UnixNano(), 10), d.String())
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			cancel()
			_ = wait() // killed
			return nil, err
		}
		cmds = append(cmds, c)
	}
	return wait, nil
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

// sleepUntil keeps the thread, whose priority it is about.
func sleepUntil(t time.Time) {
	for {
		d := time.Until(t)
		if d <= 0 {
			return
		}
		ts := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&ts, nil) // interrupted: again
	}
}
