package load

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Controller is what a cgroup limits.
type Controller string

// The controllers.
const (
	CPU    Controller = "cpu"
	Memory Controller = "memory"
)

// Group is a cgroup of one controller, version 1 or 2, made for a run.
type Group struct {
	Dir        string
	Version    int
	controller Controller
}

// hierarchy is where a controller's cgroups are.
type hierarchy struct {
	root    string
	version int
}

// find reads mountinfo (proc_pid_mountinfo(5)): a controller that has a hierarchy
// of version 1 is not in that of version 2.
func find(mountinfo string, c Controller, v2has func(root string) bool) (hierarchy, error) {
	var v2 string
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 5 || len(g) < 3 {
			continue
		}
		switch {
		case g[0] == "cgroup" && slices.Contains(strings.Split(g[2], ","), string(c)):
			return hierarchy{f[4], 1}, nil
		case g[0] == "cgroup2":
			v2 = f[4]
		}
	}
	if v2 != "" && v2has(v2) {
		return hierarchy{v2, 2}, nil
	}
	return hierarchy{}, fmt.Errorf("no cgroup hierarchy has the %s controller for us", c)
}

// delegated tells whether children of a version 2 root get the controller.
func delegated(c Controller) func(root string) bool {
	return func(root string) bool {
		b, err := os.ReadFile(filepath.Join(root, "cgroup.subtree_control"))
		return err == nil && slices.Contains(strings.Fields(string(b)), string(c))
	}
}

// NewGroup makes a cgroup. It fails where the controller cannot be had or the
// hierarchy not be written to.
func NewGroup(c Controller, name string) (*Group, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	h, err := find(string(b), c, delegated(c))
	if err != nil {
		return nil, err
	}
	g := &Group{filepath.Join(h.root, fmt.Sprintf("vrrpx-bench-%d-%s", os.Getpid(), name)), h.version, c}
	if err := os.Mkdir(g.Dir, 0o755); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Group) write(file, value string) error {
	return os.WriteFile(filepath.Join(g.Dir, file), []byte(value), 0)
}

// Quota lets the group's processes run for so long in each period, all
// processors together.
func (g *Group) Quota(quota, period time.Duration) error {
	q, p := strconv.FormatInt(quota.Microseconds(), 10), strconv.FormatInt(period.Microseconds(), 10)
	if g.Version == 2 {
		return g.write("cpu.max", q+" "+p)
	}
	if err := g.write("cpu.cfs_period_us", p); err != nil {
		return err
	}
	return g.write("cpu.cfs_quota_us", q)
}

// Limit bounds the memory of the group. What cannot be freed at once makes it
// fail with EBUSY in version 1.
func (g *Group) Limit(bytes uint64) error {
	file := "memory.limit_in_bytes"
	if g.Version == 2 {
		file = "memory.max"
	}
	return g.write(file, strconv.FormatUint(bytes, 10))
}

// Usage is the memory that is charged to the group, pages of files included.
func (g *Group) Usage() (uint64, error) {
	file := "memory.usage_in_bytes"
	if g.Version == 2 {
		file = "memory.current"
	}
	b, err := os.ReadFile(filepath.Join(g.Dir, file))
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
}

// Hold is the part of Usage that cannot be dropped: no pages of files.
func (g *Group) Hold() (uint64, error) {
	usage, err := g.Usage()
	if err != nil {
		return 0, err
	}
	b, err := os.ReadFile(filepath.Join(g.Dir, "memory.stat"))
	if err != nil {
		return 0, err
	}
	dropable := stat(b, "inactive_file") + stat(b, "active_file")
	return usage - min(dropable, usage), nil
}

// stat is a number of a file of lines "name number", 0 without it.
func stat(b []byte, name string) uint64 {
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name {
			n, _ := strconv.ParseUint(f[1], 10, 64)
			return n
		}
	}
	return 0
}

// Pressed is how often the limit was met: memory.failcnt in version 1, the
// event max in version 2.
func (g *Group) Pressed() uint64 {
	if g.Version == 2 {
		b, _ := os.ReadFile(filepath.Join(g.Dir, "memory.events"))
		return stat(b, "max")
	}
	b, _ := os.ReadFile(filepath.Join(g.Dir, "memory.failcnt"))
	n, _ := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return n
}

// Throttled is in how many periods the quota was used up, and in how many
// there was something to run.
func (g *Group) Throttled() (throttled, periods uint64) {
	b, _ := os.ReadFile(filepath.Join(g.Dir, "cpu.stat"))
	return stat(b, "nr_throttled"), stat(b, "nr_periods")
}

// Remove kills what is in the group and removes it. A nil Group is removed
// already.
func (g *Group) Remove() error {
	if g == nil {
		return nil
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		b, _ := os.ReadFile(filepath.Join(g.Dir, "cgroup.procs"))
		for _, f := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(f); err == nil {
				_ = unix.Kill(pid, unix.SIGKILL) // gone already is as good
			}
		}
		err := os.Remove(g.Dir)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if time.Now().After(end) {
			return err
		}
	}
}

// RemoveLeft removes the groups of runs whose process is gone, killed.
func RemoveLeft() error {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range []Controller{CPU, Memory} {
		h, err := find(string(b), c, func(string) bool { return true })
		if err != nil {
			continue // none, so nothing is left in it
		}
		dirs, _ := filepath.Glob(filepath.Join(h.root, "vrrpx-bench-*-*"))
		for _, dir := range dirs {
			pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), "vrrpx-bench-"), "-")
			n, err := strconv.Atoi(pid)
			if err != nil || unix.Kill(n, 0) != unix.ESRCH {
				continue
			}
			errs = append(errs, (&Group{Dir: dir, Version: h.version, controller: c}).Remove())
		}
	}
	return errors.Join(errs...)
}

// Wrap is a command that is given another as its arguments and runs it inside
// groups from its first instruction on; none for no groups.
func Wrap(groups ...*Group) []string {
	if len(groups) == 0 {
		return nil
	}
	script := ""
	for _, g := range groups {
		script += "echo $$ >" + filepath.Join(g.Dir, "cgroup.procs") + " || exit 126; "
	}
	return []string{"/bin/sh", "-c", script + `exec "$@"`, "sh"}
}
