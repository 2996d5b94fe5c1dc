package meter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Tick is USER_HZ, in which /proc counts, on every architecture of Linux.
const Tick = 10 * time.Millisecond

// Process is what some processes have used so far: processor time, in steps of 10 ms,
// and the context switches of the threads that live.
type Process struct {
	CPU                    time.Duration
	Voluntary, Involuntary uint64
}

// Memory is what processes hold, in bytes. PSS shares out pages that several
// have.
type Memory struct{ RSS, PSS uint64 }

// ProcessOf reads /proc/PID/stat and /proc/PID/task/*/status. A process that is gone
// is an error: its figures would be those of another.
func ProcessOf(pids ...int) (p Process, err error) {
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return p, err
		}
		cpu, err := parseStat(stat)
		if err != nil {
			return p, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		p.CPU += cpu
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		if err != nil {
			return p, err
		}
		for _, task := range tasks {
			b, err := os.ReadFile(task)
			if errors.Is(err, fs.ErrNotExist) || len(b) == 0 {
				continue // the thread has ended
			}
			p.Voluntary += field(b, "voluntary_ctxt_switches")
			p.Involuntary += field(b, "nonvoluntary_ctxt_switches")
		}
	}
	return p, nil
}

// Sub is what was used since. Switches of threads that have ended are gone: there is
// no less than none.
func (p Process) Sub(before Process) Process {
	since := func(now, then uint64) uint64 { return now - min(now, then) }
	return Process{p.CPU - before.CPU, since(p.Voluntary, before.Voluntary), since(p.Involuntary, before.Involuntary)}
}

// parseStat returns user and system time of proc_pid_stat(5).
func parseStat(b []byte) (time.Duration, error) {
	// The command in parentheses may hold anything.
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 13 {
		return 0, errors.New("too few fields")
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * Tick, errors.Join(err1, err2)
}

// MemoryOf reads /proc/PID/smaps_rollup.
func MemoryOf(pids ...int) (m Memory, err error) {
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return m, err
		}
		m.RSS += field(b, "Rss") << 10
		m.PSS += field(b, "Pss") << 10
	}
	return m, nil
}

// field is the number of a line "name: number", 0 without it.
func field(b []byte, name string) uint64 {
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		if f := strings.Fields(value); key == name && len(f) > 0 {
			n, _ := strconv.ParseUint(f[0], 10, 64)
			return n
		}
	}
	return 0
}

// Machine is a reading of how long all processors together were idle.
type Machine struct {
	At   time.Time
	CPUs int
	Idle time.Duration
}

// ReadMachine reads /proc/stat.
func ReadMachine() (Machine, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Machine{}, err
	}
	return parseMachine(b, time.Now())
}

func parseMachine(b []byte, now time.Time) (Machine, error) {
	m := Machine{At: now}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 6 || !strings.HasPrefix(f[0], "cpu") || f[0] == "cpu" {
			continue
		}
		m.CPUs++
		for _, column := range f[4:6] { // idle, iowait
			n, err := strconv.ParseInt(column, 10, 64)
			if err != nil {
				return m, fmt.Errorf("/proc/stat: %w", err)
			}
			m.Idle += time.Duration(n) * Tick
		}
	}
	if m.CPUs == 0 {
		return m, errors.New("/proc/stat: no processor")
	}
	return m, nil
}

// ReadStolen reads what the hypervisor took from each processor so far, by its
// account: the steal of /proc/stat, in ticks.
func ReadStolen() (map[int]time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil, err
	}
	return parseStolen(b)
}

func parseStolen(b []byte) (map[int]time.Duration, error) {
	stolen := map[int]time.Duration{}
	for line := range strings.Lines(string(b)) {
		// cpuN user nice system idle iowait irq softirq steal
		f := strings.Fields(line)
		if len(f) == 0 || !strings.HasPrefix(f[0], "cpu") {
			break // the processors come first
		}
		if f[0] == "cpu" || len(f) < 9 {
			continue
		}
		cpu, err1 := strconv.Atoi(f[0][len("cpu"):])
		ticks, err2 := strconv.ParseInt(f[8], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("/proc/stat: %w", err)
		}
		stolen[cpu] = time.Duration(ticks) * Tick
	}
	return stolen, nil
}

// Busy is what was in use since, in processors: 1 is all of one. It is what was
// not idle: idle time is measured, where the tick stops to the nanosecond, and
// work in softirqs leaves it, which the sampled columns may charge to nobody.
func (m Machine) Busy(before Machine) float64 {
	wall := m.At.Sub(before.At)
	return float64(m.CPUs) - float64(m.Idle-before.Idle)/float64(wall)
}
