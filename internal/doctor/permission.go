package doctor

import (
	"fmt"
	"strconv"
	"strings"
)

// Capability bits (linux/capability.h).
const (
	capKill        = 5
	capSetgid      = 6
	capSetuid      = 7
	capNetAdmin    = 12
	capNetRaw      = 13
	capIPCLock     = 14
	capSysAdmin    = 21
	capSysNice     = 23
	capSysResource = 24
	capPerfmon     = 38
	capBPF         = 39
)

// ownDir is what /proc says of this process.
const ownDir = "/proc/self"

// process is what /proc says of one.
type process struct {
	who  string // "vrrpx (pid 4711)", or this process
	dir  string // /proc/4711, /proc/self
	caps uint64
	root bool
}

func (p process) can(bit int) bool { return p.caps>>bit&1 == 1 }

// process is the running daemon, or without one this process, which stands for
// it where it is root's.
func (v *visit) process() (p process, err error) {
	p = process{who: "this process", dir: ownDir}
	if st := v.status(); st != nil {
		p = process{who: fmt.Sprintf("vrrpx (pid %d)", st.PID), dir: fmt.Sprintf("/proc/%d", st.PID)}
	}
	b, err := v.host.ReadFile(p.dir + "/status")
	if err != nil {
		return p, err
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		switch fields := strings.Fields(value); {
		case len(fields) == 0:
		case name == "CapEff":
			p.caps, err = strconv.ParseUint(fields[0], 16, 64)
		case name == "Uid" && len(fields) > 1:
			p.root = fields[1] == "0"
		}
	}
	return p, err
}

// subject is the process that a permission is looked for in; false where it would
// say nothing of the daemon.
func (v *visit) subject() (process, bool) {
	p, err := v.process()
	switch {
	case err != nil:
		v.skip("", "", "%s cannot be looked at: %v", p.who, err)
	case v.status() == nil && !p.root:
		v.skip("", "run it as root, or while vrrpx runs", "no vrrpx runs here, and what this user may do says nothing of it")
	default:
		return p, true
	}
	return p, false
}

func (v *visit) capabilities() {
	p, ok := v.subject()
	if !ok {
		return
	}
	mark := len(v.results)
	const noBPF = "no XDP, no deadlines and no advert clock in the kernel"
	lacks := func(verdict Verdict, name, loss string) {
		v.add(Result{Verdict: verdict, Subject: name, Finding: fmt.Sprintf("%s does not have %s: %s", p.who, name, loss),
			Evidence: []string{fmt.Sprintf("%s/status: CapEff %016x", p.dir, p.caps)},
			Fix:      "CapabilityBoundingSet= in the systemd unit, --cap-add of a container: docs/capabilities.md lists all ten"})
	}
	if !p.can(capNetAdmin) {
		lacks(Bad, "CAP_NET_ADMIN", "it cannot set addresses, and does not start")
	}
	if !p.can(capNetRaw) {
		lacks(Bad, "CAP_NET_RAW", "it cannot send or hear adverts, and does not start")
	}
	switch {
	case p.can(capSysAdmin): // stands for both
	case !p.can(capBPF):
		lacks(Warn, "CAP_BPF", noBPF)
	case !p.can(capPerfmon):
		lacks(Warn, "CAP_PERFMON", noBPF)
	}
	if v.Scripts {
		for _, c := range []struct {
			name, loss string
			bit        int
		}{
			{"CAP_SETUID", "scripts of another user fail", capSetuid},
			{"CAP_SETGID", "scripts of another user fail", capSetgid},
			{"CAP_KILL", "a script of another user that hangs is never ended", capKill},
		} {
			if !p.can(c.bit) {
				lacks(Warn, c.name, c.loss)
			}
		}
	}
	v.clear(mark, "%s has what it needs", p.who)
}

// locked reads the greatest RLIMIT_MEMLOCK of a process.
func (v *visit) locked(p process) string {
	b := v.ownLimits
	if p.dir != ownDir {
		b, _ = v.host.ReadFile(p.dir + "/limits")
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Max locked memory"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				return f[0] // the soft limit is what counts
			}
		}
	}
	return ""
}

func (v *visit) memory() {
	p, ok := v.subject()
	if !ok {
		return
	}
	mark := len(v.results)
	limit := v.locked(p)
	if !v.kernelAt(5, 11) && !p.can(capSysResource) && limit != "unlimited" {
		v.add(Result{Verdict: Warn, Finding: fmt.Sprintf("before Linux 5.11 BPF maps count against RLIMIT_MEMLOCK, which is %s: they may not fit, and there is no XDP then", limit),
			Evidence: []string{p.dir + "/limits"}, Fix: "LimitMEMLOCK=infinity in the systemd unit, or CAP_SYS_RESOURCE"})
	}
	locks := p.can(capIPCLock) || limit == "unlimited"
	evidence := fmt.Sprintf("CapEff %016x, max locked memory %s", p.caps, limit)
	if st := v.status(); st != nil {
		locks, evidence = st.Pacer.Locked, fmt.Sprintf("vrrpx status: memory_locked %v; %s", st.Pacer.Locked, evidence)
	}
	if !locks {
		verdict, loss := Note, "pages of the program can be dropped and read again from the disk, and an advert then is late"
		if b, err := v.host.ReadFile("/proc/swaps"); err == nil && strings.Count(string(b), "\n") > 1 {
			verdict, loss = Warn, "its memory can be swapped out, and an advert that waits for the disk is late"
		}
		v.add(Result{Verdict: verdict, Finding: p.who + " cannot lock its memory: " + loss, Evidence: []string{evidence},
			Fix: "CAP_IPC_LOCK, or LimitMEMLOCK=infinity in the systemd unit"})
	}
	v.clear(mark, "%s can lock its memory", p.who)
}

func (v *visit) realtime() {
	mark := len(v.results)
	const loss = "on a busy machine other programs come first, and adverts are late"
	share, hasShare := v.number("/proc/sys/kernel/sched_rt_runtime_us")
	fix := "CAP_SYS_NICE (or LimitRTPRIO=50), and a cgroup with a real-time share"
	if hasShare && share == 0 {
		fix = "sysctl -w kernel.sched_rt_runtime_us=950000; 0 forbids real-time threads to all"
	}
	if st := v.status(); st != nil {
		p := st.Pacer
		switch {
		case !p.Realtime:
			v.add(Result{Verdict: Warn, Finding: "the threads of vrrpx are ordinary ones: " + loss, Evidence: []string{"vrrpx status: scheduling " + p.Scheduling}, Fix: fix})
		case p.Starved > 0:
			v.add(Result{Verdict: Warn, Finding: fmt.Sprintf("real-time processes of others kept the CPUs from vrrpx, which became ordinary for it %d times", p.Starved),
				Evidence: []string{"vrrpx status: scheduling " + p.Scheduling}, Fix: "find them with ps -eLo rtprio,pid,comm | sort -n, and give them a priority below 49, or a CPU of their own"})
		case p.WatchLost:
			v.add(Result{Verdict: Note, Finding: "the process vrrpx-fair does not run: nothing watches whether real-time loops of others starve vrrpx",
				Evidence: []string{"vrrpx status: watch_lost"}, Fix: "the log says why it ended; restart vrrpx"})
		}
		v.clear(mark, "the threads of vrrpx are %s", p.Scheduling)
		return
	}
	if _, ok := v.subject(); !ok {
		return
	}
	if err := v.host.Realtime(); err != nil {
		v.add(Result{Verdict: Warn, Finding: "threads cannot be real-time ones: " + loss, Evidence: []string{err.Error()}, Fix: fix})
	}
	v.clear(mark, "threads can be real-time ones (SCHED_RR)")
}
