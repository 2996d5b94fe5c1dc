package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
)

// RunningError says that another vrrpx runs in this network namespace.
type RunningError struct{ PID int }

func (e *RunningError) Error() string {
	return fmt.Sprintf("another vrrpx (pid %d) runs in this network namespace", e.PID)
}

// lock makes the run directory and takes it for this process. The kernel frees
// it when the process dies, however it dies.
func lock(dir string) (unlock func(), err error) {
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

// Cleanup removes what a killed daemon left: addresses and devices that the state
// file says were its own, pins, the pair of its advert clock, and files. It returns what it removed, and *RunningError
// while a daemon runs.
func Cleanup(runDir, pinDir string) (removed []string, err error) {
	unlock, err := lock(runDir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	removed, errAddrs := vip.Cleanup(filepath.Join(runDir, stateName))
	pins, errPins := loader.Cleanup(pinDir)
	removed = append(removed, pins...)
	pairs, errPairs := loader.CleanupClock()
	removed = append(removed, pairs...)
	removed = append(removed, removeSocket(runDir)...)
	removed = append(removed, tell.CleanupFIFOs(runDir)...)
	others, errOthers := cleanupOthers(runDir, pinDir)
	return append(removed, others...), errors.Join(errAddrs, errPins, errPairs, errOthers)
}

func removeSocket(runDir string) []string {
	socket := filepath.Join(runDir, SocketName)
	if os.Remove(socket) != nil {
		return nil
	}
	return []string{socket}
}

// cleanupOthers removes the pins of daemons that were killed in other network
// namespaces, whose directories lie below ours when ours is that of PID 1:
// those namespaces may be gone, and nobody else would. Addresses can be removed
// only from within; a state file that speaks of them stays for a cleanup there.
func cleanupOthers(runDir, pinDir string) (removed []string, err error) {
	pins, _ := filepath.Glob(filepath.Join(pinDir, "netns-*")) // the pattern is good
	runs, _ := filepath.Glob(filepath.Join(runDir, "netns-*"))
	names := map[string]bool{}
	for _, d := range append(pins, runs...) {
		names[filepath.Base(d)] = true
	}
	var errs []error
	for name := range names {
		unlock, err := lock(filepath.Join(runDir, name))
		if running := (*RunningError)(nil); errors.As(err, &running) {
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		gone, err := loader.Cleanup(filepath.Join(pinDir, name))
		if inUse := (*loader.InUseError)(nil); errors.As(err, &inUse) {
			err = nil // it runs where our run directory is another
		}
		removed = append(append(removed, gone...), removeSocket(filepath.Join(runDir, name))...)
		errs = append(errs, err)
		unlock()
	}
	return removed, errors.Join(errs...)
}
