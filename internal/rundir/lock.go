// Package rundir is the run directory of a network namespace: which daemon has it,
// what is in it, and how what a killed one left is removed.
package rundir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Files of the run directory.
const (
	Socket   = "control.sock"
	State    = "state.json" // of the addresses and devices that are ours (vip)
	lockName = "lock"
)

// RunningError says that another vrrpx runs in this network namespace.
type RunningError struct{ PID int }

func (e *RunningError) Error() string {
	return fmt.Sprintf("another vrrpx (pid %d) runs in this network namespace", e.PID)
}

// Lock makes the run directory and takes it for this process. The kernel frees
// it when the process dies, however it dies. It fails with *RunningError while
// another has it.
func Lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("run directory: lock: %w", err)
		}
		b := make([]byte, 32)
		n, _ := f.Read(b)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
		return nil, &RunningError{pid}
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0) // for the message above only
	return func() {
		// A directory of a namespace that may never return is not kept.
		_ = os.Remove(f.Name())
		_ = os.Remove(dir) // fails, rightly, while anything else is in it
		f.Close()
	}, nil
}
