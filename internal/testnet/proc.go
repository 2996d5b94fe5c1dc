package testnet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// allProcesses lists the process ids of the machine.
func allProcesses() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// statFields returns the fields of /proc/PID/stat from the third, state, on
// (proc_pid_stat(5)); nil when the process is gone.
func statFields(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	// The second field is the command in parentheses and may hold anything.
	i := strings.LastIndexByte(string(b), ')')
	return strings.Fields(string(b[i+1:]))
}

// session lists the live processes of a session, its leader first if alive.
func session(leader int) []int {
	var pids []int
	for _, pid := range allProcesses() {
		f := statFields(pid)
		if len(f) > 3 && f[3] == strconv.Itoa(leader) && f[0] != "Z" {
			pids = append(pids, pid)
		}
	}
	if i := slices.Index(pids, leader); i > 0 { // /proc is in the order of strings
		pids[0], pids[i] = leader, pids[0]
	}
	return pids
}

// cpuTime returns the user and system time a process has used. The kernel
// counts precisely but reports in ticks of 10 ms (USER_HZ is 100 everywhere).
func cpuTime(pid int) time.Duration {
	f := statFields(pid)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// contextSwitches returns the switches, voluntary or not, of all live threads
// of a process.
func contextSwitches(pid int) (n uint64) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // the thread ended
		}
		for line := range strings.Lines(string(b)) {
			name, value, _ := strings.Cut(line, ":")
			if name == "voluntary_ctxt_switches" || name == "nonvoluntary_ctxt_switches" {
				v, _ := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
				n += v
			}
		}
	}
	return n
}
