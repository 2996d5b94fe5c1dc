package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/sched"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
)

// System is the host that this process runs on, in its network namespace.
type System struct {
	// Daemon asks the running vrrpx; nil, nil where none runs.
	Daemon func(context.Context) (*stats.Status, error)
}

var _ Host = (*System)(nil)

// ReadFile is os.ReadFile.
func (*System) ReadFile(path string) ([]byte, error) { return os.ReadFile(path) }

// Readlink is os.Readlink.
func (*System) Readlink(path string) (string, error) { return os.Readlink(path) }

// Glob is filepath.Glob of a good pattern.
func (*System) Glob(pattern string) []string {
	found, _ := filepath.Glob(pattern)
	return found
}

// runTime bounds a program: a ruleset of many thousand elements takes a second.
const runTime = 15 * time.Second

// Run runs a program of PATH, or of where administrators' ones are.
func (*System) Run(ctx context.Context, name string, args ...string) ([]byte, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if err != nil {
			path, err = exec.LookPath(dir + name)
		}
	}
	if err != nil {
		return nil, exec.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		line, _, _ := strings.Cut(string(bytes.TrimSpace(exit.Stderr)), "\n")
		return nil, fmt.Errorf("%w: %s", err, line)
	}
	return out, err
}

// Release is that of uname -r.
func (*System) Release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "of unknown version"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// Features is loader.Features.
func (*System) Features() []loader.Feature { return loader.Features() }

// Realtime makes a thread a real-time one that is gone thereafter.
func (*System) Realtime() error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := sched.MakeRealtime(0)
		if err == nil {
			err = sched.MakeOrdinary(0, 0)
		}
		if err != nil {
			err = fmt.Errorf("SCHED_RR: %w", err)
		}
		done <- err
	}()
	return <-done
}

// Synchronised asks the kernel (adjtimex).
func (*System) Synchronised() (bool, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, err
	}
	return t.Status&unix.STA_UNSYNC == 0, nil
}

// Status asks Daemon.
func (s *System) Status(ctx context.Context) (*stats.Status, error) { return s.Daemon(ctx) }
