package testnet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// netnsDir is where iproute2 looks for named namespaces (ip-netns(8)).
const netnsDir = "/run/netns"

// inNamespace runs f on this goroutine with its thread in ns. Goroutines that
// f starts are not in ns. Where the thread cannot be brought back it stays
// locked to the goroutine, so that it dies with it and never serves another.
func inNamespace(ns netns.NsHandle, f func() error) (err error) {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("own network namespace: %w", err)
	}
	defer home.Close()
	if err := netns.Set(ns); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter network namespace: %w", err)
	}
	defer func() {
		if back := netns.Set(home); back != nil {
			err = errors.Join(err, fmt.Errorf("leave network namespace: %w", back))
			return
		}
		runtime.UnlockOSThread()
	}()
	return f()
}

// createNamespace makes the named namespace and leaves the calling thread
// where it was.
func createNamespace(name string) (netns.NsHandle, error) {
	ns := netns.None()
	home, err := netns.Get()
	if err != nil {
		return ns, err
	}
	defer home.Close()
	err = inNamespace(home, func() (err error) {
		ns, err = netns.NewNamed(name)
		return err
	})
	if err != nil {
		return ns, fmt.Errorf("create network namespace %s: %w", name, err)
	}
	return ns, nil
}

// Namespaces lists the named network namespaces that begin with prefix.
func Namespaces(prefix string) []string {
	entries, err := os.ReadDir(netnsDir)
	if err != nil {
		return nil // no directory: nobody has named one yet
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names
}

// removeNamespace kills what still runs in the namespace and removes its name.
// The kernel frees it with its last user.
func removeNamespace(name string) error {
	path := filepath.Join(netnsDir, name)
	for range 50 { // a process that forks can outrun one round
		pids := processesIn(path)
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL) // gone already is as good
		}
		time.Sleep(2 * time.Millisecond)
	}
	// EINVAL: a run killed between making the file and mounting on it.
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && err != unix.EINVAL {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	return os.Remove(path)
}

// processesIn lists the processes, but not this one, whose network namespace
// is the one mounted at path.
func processesIn(path string) []int {
	want, err := os.Stat(path)
	if err != nil {
		return nil
	}
	var in []int
	for _, pid := range allProcesses() {
		ns, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err == nil && os.SameFile(want, ns) && pid != os.Getpid() {
			in = append(in, pid)
		}
	}
	return in
}
