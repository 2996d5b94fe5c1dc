package rundir

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
)

// Cleanup removes what a killed daemon left: addresses and devices that the state
// file says were its own, pins, the pair of its advert clock, and files. It returns
// what it removed, and *RunningError while a daemon runs.
func Cleanup(runDir, pinDir string) (removed []string, err error) {
	unlock, err := Lock(runDir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	removed, errAddrs := vip.Cleanup(filepath.Join(runDir, State))
	pins, errPins := loader.Cleanup(pinDir)
	removed = append(removed, pins...)
	pairs, errPairs := loader.CleanupClock()
	removed = append(removed, pairs...)
	removed = append(removed, removeSocket(runDir)...)
	removed = append(removed, CleanupMetrics(runDir)...)
	removed = append(removed, tell.CleanupFIFOs(runDir)...)
	others, errOthers := cleanupOthers(runDir, pinDir)
	return append(removed, others...), errors.Join(errAddrs, errPins, errPairs, errOthers)
}

func removeSocket(runDir string) []string {
	socket := filepath.Join(runDir, Socket)
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
		unlock, err := Lock(filepath.Join(runDir, name))
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
		removed = append(removed, CleanupMetrics(filepath.Join(runDir, name))...)
		errs = append(errs, err)
		unlock()
	}
	return removed, errors.Join(errs...)
}
