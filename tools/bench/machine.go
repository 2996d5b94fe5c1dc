package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine is what a figure depends on and the program does not decide.
type Machine struct {
	CPU, Kernel, System string
	CPUs                int
	Memory              string
	RTRuntime           string // kernel.sched_rt_runtime_us
	VRRPX, Keepalived   string // versions
	Date                string
	Load                string // the three averages, before the scenario
	Quick               bool
}

func describe(vrrpxProgram, keepalivedProgram string, quick bool) Machine {
	m := Machine{
		CPU: "unknown", CPUs: runtime.NumCPU(), System: "unknown", Quick: quick,
		RTRuntime:  oneLine("/proc/sys/kernel/sched_rt_runtime_us"),
		VRRPX:      version(vrrpxProgram, "version"),
		Keepalived: version(keepalivedProgram, "--version"),
	}
	for line := range strings.Lines(content("/proc/cpuinfo")) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			m.CPU = strings.TrimSpace(v)
		}
		if strings.HasPrefix(line, "flags") && strings.Contains(line, " hypervisor") {
			m.CPU += " (virtual machine)"
			break
		}
	}
	for line := range strings.Lines(content("/etc/os-release")) {
		if v, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			m.System = strings.Trim(v, "\"\n")
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:]) + ", " + unix.ByteSliceToString(u.Version[:])
	}
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) == nil {
		m.Memory = fmt.Sprintf("%.1f GiB", float64(si.Totalram)*float64(si.Unit)/(1<<30))
	}
	return m
}

// now is the machine just before a scenario.
func (m Machine) now() Machine {
	m.Date = time.Now().UTC().Format("2006-01-02 15:04 UTC")
	if f := strings.Fields(oneLine("/proc/loadavg")); len(f) > 2 {
		m.Load = strings.Join(f[:3], " ")
	}
	return m
}

func content(file string) string {
	b, _ := os.ReadFile(file) // what is not there is not told
	return string(b)
}

func oneLine(file string) string { return strings.TrimSpace(content(file)) }

// version is the first line that a program says of itself.
func version(program, word string) string {
	out, err := exec.Command(program, word).CombinedOutput()
	if err != nil {
		return "unknown: " + err.Error()
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return string(bytes.TrimSpace(line))
}
