package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// bpffs is where a BPF file system is mounted by convention.
const bpffs = "/sys/fs/bpf"

// fresh ends the name of a pin that is about to take the place of another.
const fresh = "-new"

// PinError says why the maps cannot be pinned, as where no BPF file system is
// mounted and none may be. All else works without pins.
type PinError struct{ Err error }

func (e *PinError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PinError) Unwrap() error { return e.Err }

// pin pins the maps that people look at. The timers' map and the ring are not
// among them: they must end with the process. Its error is a *PinError.
func (k *Kernel) pin() error {
	if k.pinDir == "" {
		return nil
	}
	if err := makePinDir(k.pinDir); err != nil {
		return &PinError{err}
	}
	for _, m := range []*ebpf.Map{k.routers, k.state, k.interfaces, k.peers, k.speakers} {
		if err := pinMap(m, k.pinDir); err != nil {
			return &PinError{err}
		}
	}
	return nil
}

// pinMap pins under another name and renames, so that whoever looks finds the
// old pin or the new one.
func pinMap(m *ebpf.Map, dir string) error {
	info, err := m.Info()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, info.Name)
	if err := os.Remove(path + fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := m.Pin(path + fresh); err != nil {
		return fmt.Errorf("pin a map: %w", err)
	}
	return os.Rename(path+fresh, path)
}

func makePinDir(dir string) error {
	if err := mountBPFFS(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("directory for pins: %w", err)
	}
	return nil
}

// mountBPFFS sees to it that dir is, or can be made, on a BPF file system.
func mountBPFFS(dir string) error {
	at := filepath.Clean(dir)
	for !exists(at) {
		at = filepath.Dir(at)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(at, &st); err != nil {
		return fmt.Errorf("file system of %s: %w", at, err)
	}
	if st.Type == unix.BPF_FS_MAGIC {
		return nil
	}
	if at != bpffs {
		return fmt.Errorf("%s is not on a BPF file system: mount one with `mount -t bpf bpf %s`", dir, bpffs)
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RELATIME
	if err := unix.Mount("bpf", bpffs, "bpf", flags, "mode=0700"); err != nil {
		return fmt.Errorf("mount a BPF file system on %s: %w", bpffs, err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Cleanup removes what a killed process left in pinDir, and the directory, and
// returns the paths of what it removed. Nothing there is no error. It fails with
// *InUseError where a process that runs is seen to use the pins.
func Cleanup(pinDir string) ([]string, error) {
	for end := time.Now().Add(goneTime); inUse(pinDir); time.Sleep(goneTime / 20) {
		if time.Now().After(end) {
			return nil, &InUseError{pinDir}
		}
	}
	return unpin(pinDir)
}

// goneTime is how long the kernel may take to detach what a killed process had attached.
const goneTime = time.Second

// unpin removes every pin in dir, then dir and the directories above it that
// are left empty, up to the mount. Directories in dir are not ours: they are
// the pins of other network namespaces.
func unpin(dir string) (removed []string, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("file system of %s: %w", dir, err)
	}
	if st.Type != unix.BPF_FS_MAGIC {
		return nil, fmt.Errorf("%s is not on a BPF file system, nothing there is a pin", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("pins: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if err := os.Remove(path); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, path)
	}
	for d := filepath.Clean(dir); strings.HasPrefix(d, bpffs+"/"); d = filepath.Dir(d) {
		if os.Remove(d) != nil { // not empty
			break
		}
		removed = append(removed, d)
	}
	return removed, errors.Join(errs...)
}
