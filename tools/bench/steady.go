package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/tools/bench/meter"
)

// steady measures what masters and backups need while nothing happens.
type steadyRun struct{}

func (steadyRun) Name() string { return "steady" }

// cell is a master's and a backup's need with so many routers.
type cell struct {
	contestant     Contestant
	routers        int
	interval       time.Duration
	wall           time.Duration // of each measurement
	pacing         pacing
	idle           float64       // processors in use before either ran
	idleAfter      float64       // and when both had ended
	alone, pair    float64       // processors in use with the master, and with both
	master, backup meter.Process // over wall, with the master alone, and with both
	masterMemory   meter.Memory
	backupMemory   meter.Memory
	sent           uint64 // by the master's interface over wall, alone
}

// drift is how much the machine's idle load differed before and after, in percent
// of one processor. What is read off the machine is no finer than that.
func (c cell) drift() float64 { return 100 * math.Abs(c.idleAfter-c.idle) }

// tooFew tells of a master that did not send what it had to; empty: it did.
func (c cell) tooFew() string {
	sent, want := float64(c.sent)/c.wall.Seconds(), float64(c.routers)/c.interval.Seconds()
	if sent >= 0.99*want {
		return ""
	}
	return fmt.Sprintf("%s sent only %.0f of %.0f adverts a second", c.contestant.Name, sent, want)
}

// percent of one processor.
func (c cell) percent(cpu time.Duration) float64 { return 100 * float64(cpu) / float64(c.wall) }

// onMachine is what the master, and the backup, cost the whole machine, in percent
// of one processor: softirqs, the bridge and the other host's receive path too.
func (c cell) onMachine() (master, backup float64) {
	return 100 * (c.alone - c.idle), 100 * (c.pair - c.alone)
}

func (c cell) switches(p meter.Process) float64 {
	return float64(p.Voluntary+p.Involuntary) / c.wall.Seconds()
}

// calmLimit is how much of a processor others may use while a figure of the whole
// machine is taken, for it to count.
const calmLimit = 0.1

// calm tells whether the machine did nothing else, before and after.
func (c cell) calm() bool { return max(c.idle, c.idleAfter) <= calmLimit }

func (s steadyRun) Run(ctx context.Context, env *Env) (*Report, error) {
	lab, err := env.NewLab()
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	type load struct {
		routers  int
		interval time.Duration
	}
	var loads []load
	for _, routers := range []int{1, 64, 255} {
		for _, interval := range []time.Duration{time.Second, 100 * time.Millisecond, 10 * time.Millisecond} {
			loads = append(loads, load{routers, interval})
		}
	}
	if env.Quick {
		loads = []load{{1, 10 * time.Millisecond}, {64, 100 * time.Millisecond}, {255, 10 * time.Millisecond}}
	}
	var cells []cell
	for n, l := range loads {
		for _, c := range rotate(env.Contestants(), n) {
			if env.Quick && c.Syslog && len(env.named) == 0 {
				continue
			}
			// The second round of announcements comes 5 s after the first by
			// default: not amid the measurement.
			c.Lines = append(slices.Clone(c.Lines), "garp_master_delay 1")
			got := cell{contestant: c, routers: l.routers, interval: l.interval, wall: time.Duration(env.Pick(2, 5)) * time.Second}
			baseline := time.Duration(env.Pick(1, 2)) * time.Second
			err := s.await(ctx, baseline, &got.idle)
			if err == nil {
				err = s.measure(ctx, lab, &got)
			}
			if err == nil {
				got.idleAfter, err = busy(ctx, baseline)
			}
			if err != nil {
				return nil, fmt.Errorf("%d routers at %v, %s: %w", l.routers, l.interval, c.Name, err)
			}
			cells = append(cells, got)
		}
		env.Progress("%d routers at %v", l.routers, l.interval)
	}
	return steadyReport(cells)
}

// settled is how long a daemon has been what it is before it is measured.
const settled = 2500 * time.Millisecond

// await waits a little for the machine to have nothing else to do, and tells
// how busy it is.
func (steadyRun) await(ctx context.Context, baseline time.Duration, idle *float64) (err error) {
	for range 5 {
		if *idle, err = busy(ctx, baseline); err != nil || *idle <= calmLimit {
			break
		}
	}
	return err
}

func (steadyRun) measure(ctx context.Context, lab *Lab, c *cell) (err error) {
	master, err := lab.Start(lab.A, c.contestant, Routers(c.routers, 1, masterPriority, c.interval))
	if err != nil {
		return err
	}
	defer func() {
		if e := lab.Clear(master); err == nil {
			err = e
		}
	}()
	down := MasterDown(3, backupPriority, c.interval)
	if !Wait(ctx, down+patience, func() bool { return holds(lab.A, c.routers) }) {
		return whyNot(ctx, "no master", master)
	}
	if err := Sleep(ctx, settled); err != nil {
		return err
	}
	if c.pacing, err = master.pacing(ctx); err != nil {
		return err
	}
	before, err := transmitted(lab.A)
	if err != nil {
		return err
	}
	if c.alone, c.master, err = need(ctx, c.wall, master); err != nil {
		return err
	}
	after, err := transmitted(lab.A)
	if err != nil {
		return err
	}
	c.sent = after - before
	backup, err := lab.Start(lab.B, c.contestant, Routers(c.routers, 1, backupPriority, c.interval))
	if err != nil {
		return err
	}
	defer func() {
		if e := lab.Clear(backup); err == nil {
			err = e
		}
	}()
	if !Wait(ctx, down+patience, func() bool { return strings.Count(backup.Log(), "Entering BACKUP STATE") >= c.routers }) {
		return whyNot(ctx, "no backup", backup)
	}
	if err := Sleep(ctx, down+settled); err != nil {
		return err
	}
	if c.pair, c.backup, err = need(ctx, c.wall, backup); err != nil {
		return err
	}
	if c.masterMemory, err = meter.MemoryOf(master.PIDs()...); err != nil {
		return err
	}
	if c.backupMemory, err = meter.MemoryOf(backup.PIDs()...); err != nil {
		return err
	}
	if holds(lab.B, 1) || !backup.Running() || !master.Running() {
		return whyNot(ctx, "the backup did not stay one", backup)
	}
	return nil
}

// busy is how many processors are in use.
func busy(ctx context.Context, d time.Duration) (float64, error) {
	before, err := meter.ReadMachine()
	if err != nil {
		return 0, err
	}
	if err := Sleep(ctx, d); err != nil {
		return 0, err
	}
	after, err := meter.ReadMachine()
	return after.Busy(before), err
}

// need is what the machine, and a node's processes, used over a time.
func need(ctx context.Context, d time.Duration, n *Node) (machine float64, p meter.Process, err error) {
	pids := n.PIDs()
	before, err := meter.ProcessOf(pids...)
	if err != nil {
		return 0, p, err
	}
	if machine, err = busy(ctx, d); err != nil {
		return 0, p, err
	}
	after, err := meter.ProcessOf(pids...)
	return machine, after.Sub(before), err
}

// transmitted is how many frames eth0 of a host has sent.
func transmitted(h *testnet.Host) (n uint64, err error) {
	var b []byte
	if err := h.Do(func() (err error) { b, err = os.ReadFile("/proc/thread-self/net/dev"); return err }); err != nil {
		return 0, err
	}
	return parseTransmitted(string(b))
}

func parseTransmitted(dev string) (uint64, error) {
	for line := range strings.Lines(dev) {
		name, numbers, ok := strings.Cut(line, ":")
		if f := strings.Fields(numbers); ok && strings.TrimSpace(name) == "eth0" && len(f) > 9 {
			return strconv.ParseUint(f[9], 10, 64)
		}
	}
	return 0, fmt.Errorf("no eth0 in /proc/net/dev")
}
