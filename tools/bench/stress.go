package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/heldcpu"
	"github.com/vrrpx/vrrpx/tools/bench/load"
)

// A stress is one rung of the ladder.
type stress struct {
	name string // in tables and file names
	what string // a sentence of the summary
	// pause is for how long the daemon is stopped (SIGSTOP); 0: the stress is another.
	pause time.Duration
	// up is for how long at least the ideal master of a backup advertises between
	// its silences; 0: shortUp.
	up time.Duration
	// ready is called before the daemon starts, and may have it wrapped.
	ready func(*victim) error
	// begin begins the stress, which ends by itself after limit; victim.end ends it.
	begin func(ctx context.Context, v *victim, limit time.Duration) error
}

// victim is a daemon under a stress.
type victim struct {
	lab        *Lab
	contestant Contestant
	node       *Node

	group *load.Group
	pipe  *os.File // the daemon's standard error, which nobody reads
	dir   string
	loads []*load.Load
	ended []func() string // called by end; what they say becomes the note
	notes []string
	void  string // why what is measured does not count
}

func (v *victim) note(format string, args ...any) {
	v.notes = append(v.notes, fmt.Sprintf(format, args...))
}

// fail is a note of what makes the measurement count for nothing.
func (v *victim) fail(what string) {
	v.note("%s", what)
	v.void = notes(v.void, what)
}

// end ends the stress, not the daemon. What has ended before was none.
func (v *victim) end() {
	for _, l := range v.loads {
		if l.Ended() {
			v.fail("the stress ended before its time")
		}
	}
	for _, f := range v.ended {
		if s := f(); s != "" {
			v.note("%s", s)
		}
	}
	v.ended = nil
	for _, l := range v.loads {
		l.Stop()
	}
	v.loads = nil
}

// close removes what the stress needed, when the daemon has ended.
func (v *victim) close() error {
	v.end()
	if v.pipe != nil {
		v.pipe.Close()
	}
	return errors.Join(v.group.Remove(), os.RemoveAll(v.dir))
}

// start runs a load beside the daemon.
func (v *victim) start(l *load.Load, err error) error {
	if err == nil {
		v.loads = append(v.loads, l)
	}
	return err
}

func (v *victim) options() load.Options { return load.Options{Host: v.lab.Client} }

// stresses are the rungs, in the order of the tables.
func stresses() []stress {
	cpus := runtime.NumCPU()
	return []stress{
		{name: "none", what: "nothing else runs"},
		busyLoops("4 busy loops", 4),
		busyLoops(fmt.Sprintf("%d busy loops", 8*cpus), 8*cpus),
		// Between two silences a process that gets 5 % of each second must have run.
		{name: "SCHED_FIFO", up: 1500 * time.Millisecond, what: fmt.Sprintf("a SCHED_FIFO loop of priority %d on every core; %s", loopPriority, load.Throttling()),
			begin: func(ctx context.Context, v *victim, limit time.Duration) error {
				return v.start(load.FIFO(ctx, v.options(), loopPriority, limit))
			}},
		{name: "memory", what: "the daemon is in a cgroup with a process that reads a file over and over, and the limit is 4 MiB above what they hold",
			ready: inGroup(load.Memory, "memory"), begin: squeeze},
		{name: "CPU quota", what: fmt.Sprintf("the daemon is in a cgroup with %d busy loops, and all may have 10 ms of each 100 ms", cpus),
			ready: inGroup(load.CPU, "cpu"), begin: quota},
		stop(100 * time.Millisecond), stop(500 * time.Millisecond), stop(time.Second), stop(2 * time.Second), stop(5 * time.Second),
		{name: "hung log", what: "nobody reads what the daemon logs (a full pipe; as packaged the reader of /dev/log is stopped), and 200 broken adverts come in each second",
			ready: pipeLog, begin: hangLog},
		{name: "held CPU", what: fmt.Sprintf("one processor after the other is held for %v twice a second, with interrupts off, as the host of a virtual machine holds it", holdFor),
			ready: func(*victim) error { return canHold() }, begin: hold},
		{name: "fork storm", what: fmt.Sprintf("%d processes that end at once are started anew without a pause", 8*cpus),
			begin: func(ctx context.Context, v *victim, limit time.Duration) error {
				return v.start(load.Forks(ctx, v.options(), 8*cpus, limit))
			}},
	}
}

func stressNames() (names []string) {
	for _, s := range stresses() {
		names = append(names, s.name)
	}
	return names
}

func busyLoops(name string, n int) stress {
	return stress{name: name, what: fmt.Sprintf("%d loops of ordinary priority, each a session of its own", n),
		begin: func(ctx context.Context, v *victim, limit time.Duration) error {
			return v.start(load.Busy(ctx, v.options(), n, limit))
		}}
}

func stop(d time.Duration) stress {
	return stress{name: fmt.Sprintf("stopped %g s", d.Seconds()), what: "SIGSTOP to all processes of the daemon, then SIGCONT", pause: d}
}

// inGroup has the daemon start in a cgroup of its own.
func inGroup(c load.Controller, name string) func(*victim) error {
	return func(v *victim) (err error) {
		if v.group, err = load.NewGroup(c, name); err != nil {
			return err
		}
		v.contestant.Wrap = append(load.Wrap(v.group), v.contestant.Wrap...)
		return nil
	}
}

// Of the memory stress.
const (
	hogMemory = 48 << 20 // of the process beside the daemon
	hogFile   = 192 << 20
	headroom  = 4 << 20
)

// squeeze lowers the limit to little more than what cannot be taken away.
func squeeze(ctx context.Context, v *victim, limit time.Duration) error {
	o := v.options()
	o.Groups = []*load.Group{v.group}
	hog, err := load.Hog(ctx, o, hogMemory, hogFile, limit)
	if err := v.start(hog, err); err != nil {
		return err
	}
	hold, err := v.group.Hold()
	if err != nil {
		return err
	}
	bound := hold + headroom
	for err = v.group.Limit(bound); errors.Is(err, unix.EBUSY) && bound < hold+64<<20; err = v.group.Limit(bound) {
		bound += headroom // what the kernel itself holds cannot be told from the file's pages
	}
	if err != nil {
		return err
	}
	before := v.group.Pressed()
	v.ended = append(v.ended, func() string {
		s := fmt.Sprintf("limit %d MiB, met %d times", bound>>20, v.group.Pressed()-before)
		if hog.Alive() == 0 {
			s += ", and the kernel killed the process beside the daemon"
		}
		return s
	})
	return nil
}

func quota(ctx context.Context, v *victim, limit time.Duration) error {
	if err := v.group.Quota(10*time.Millisecond, 100*time.Millisecond); err != nil {
		return err
	}
	o := v.options()
	o.Groups = []*load.Group{v.group}
	if err := v.start(load.Busy(ctx, o, runtime.NumCPU(), limit)); err != nil {
		return err
	}
	throttled, periods := v.group.Throttled()
	v.ended = append(v.ended, func() string {
		t, p := v.group.Throttled()
		return fmt.Sprintf("throttled in %d of %d periods", t-throttled, p-periods)
	})
	return nil
}

// holdFor is beyond the master-down interval.
const holdFor = 50 * time.Millisecond

// canHold: with one processor there is none left to go on.
func canHold() error {
	if runtime.NumCPU() < 2 {
		return errors.New("there is one processor")
	}
	cpu, err := heldcpu.Open(0)
	if err == nil {
		cpu.Close()
	}
	return err
}

// hold holds the processors in turn.
func hold(ctx context.Context, v *victim, limit time.Duration) error {
	var cpus []*heldcpu.CPU
	free := func() {
		for _, c := range cpus {
			c.Close()
		}
	}
	for n := range runtime.NumCPU() {
		c, err := heldcpu.Open(n)
		if err != nil {
			free()
			return err
		}
		cpus = append(cpus, c)
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	ended := make(chan string)
	go func() {
		var n int
		var err error
		for err == nil && Sleep(ctx, 500*time.Millisecond-holdFor) == nil {
			if _, _, err = cpus[n%len(cpus)].Hold(holdFor); err == nil {
				n++
			}
		}
		free()
		ended <- notes(fmt.Sprintf("held %d times", n), text(err))
	}()
	v.ended = append(v.ended, func() string { stop(); return <-ended })
	return nil
}

// text is that of an error, empty for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// pipeLog gives the daemon a pipe for standard output and error.
func pipeLog(v *victim) (err error) {
	if v.contestant.Syslog {
		return nil // what it says goes to /dev/log
	}
	name := filepath.Join(v.dir, "stderr")
	if err := unix.Mkfifo(name, 0o600); err != nil {
		return err
	}
	if v.pipe, err = os.OpenFile(name, os.O_RDWR|unix.O_NONBLOCK, 0); err != nil {
		return err
	}
	v.contestant.Wrap = append([]string{"sh", "-c", `exec "$@" >"$0" 2>&1`, name}, v.contestant.Wrap...)
	return nil
}

// hangLog stops whoever reads the log, and gives the daemon something to write.
func hangLog(ctx context.Context, v *victim, limit time.Duration) error {
	if p := v.node.Syslog(); p != nil {
		if err := p.Signal(unix.SIGSTOP); err != nil {
			return err
		}
		v.ended = append(v.ended, func() string { _ = p.Signal(unix.SIGCONT); return "" })
	} else if err := fill(v.pipe); err != nil {
		return err
	}
	junk, err := junkFrames(v.lab.Client)
	if err != nil {
		return err
	}
	o := v.options()
	o.Frames = junk
	return v.start(load.Flood(ctx, o, 200, limit))
}

// fill leaves no room in a pipe. It opens the pipe anew, because not to wait is
// a property of the open file.
func fill(pipe *os.File) error {
	fd, err := unix.Open(pipe.Name(), unix.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, size := range []int{4096, 1} {
		for err = nil; err == nil; {
			_, err = unix.Write(fd, []byte(strings.Repeat("\n", size)))
		}
		if err != unix.EAGAIN {
			return err
		}
	}
	return nil
}
