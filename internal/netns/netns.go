// Package netns names the network namespace a daemon runs in, and the places
// outside the process that belong to it, so that several daemons on one host
// never share a file or a pin.
package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	runDir = "/run/vrrpx"
	pinDir = "/sys/fs/bpf/vrrpx"

	stateDir = "/var/lib/vrrpx"
)

// RunDir is where the daemon of the calling thread's network namespace keeps
// its control socket and state: /run/vrrpx in the namespace of PID 1, otherwise
// /run/vrrpx/netns-COOKIE. It is not created. An error says that the namespace
// cannot be told: /proc is not mounted or hides PID 1.
func RunDir() (string, error) { return place(runDir) }

// PinDir is where that daemon pins its BPF objects: /sys/fs/bpf/vrrpx in the
// namespace of PID 1, otherwise /sys/fs/bpf/vrrpx/netns-COOKIE. It is not
// created. Errors as of RunDir.
func PinDir() (string, error) { return place(pinDir) }

// StateDir is where that daemon keeps what has to outlive a boot: /var/lib/vrrpx
// in the namespace of PID 1. Another namespace does not outlive one, so there it
// is RunDir. It is not created. Errors as of RunDir.
func StateDir() (string, error) {
	host, err := IsHost()
	if err == nil && host {
		return stateDir, nil
	}
	return RunDir()
}

// HistoryDir is where that daemon keeps what happened: StateDir in the namespace of PID
// 1. Elsewhere it is /run/vrrpx/history/netns-COOKIE, since the run directory goes with
// the daemon, and what happened has to outlive that. It is not created. Errors as of RunDir.
func HistoryDir() (string, error) {
	host, err := IsHost()
	if err == nil && host {
		return stateDir, nil
	}
	return place(filepath.Join(runDir, "history"))
}

func place(root string) (string, error) {
	host, err := IsHost()
	if err != nil || host {
		return root, err
	}
	cookie, err := Cookie()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, fmt.Sprintf("netns-%d", cookie)), nil
}

// IsHost tells whether the calling thread is in the network namespace of PID 1.
//
// It compares a file under /proc/1/net with ours: each namespace has inodes of
// its own there (fs/proc/proc_net.c). /proc/1/ns/net would be plainer, but may
// be read only by who has every capability of PID 1, which neither a hardened
// systemd unit nor an ordinary user has.
func IsHost() (bool, error) {
	ours, err := os.Stat("/proc/thread-self/net/dev")
	if err != nil {
		return false, fmt.Errorf("own network namespace: %w", err)
	}
	first, err := os.Stat("/proc/1/net/dev")
	if err != nil {
		return false, fmt.Errorf("network namespace of PID 1: %w", err)
	}
	return os.SameFile(ours, first), nil
}

// Cookie identifies the network namespace of the calling thread until the next
// boot: SO_NETNS_COOKIE (Linux 5.14), which is never used twice, or the inode
// of the namespace where the kernel lacks it.
func Cookie() (uint64, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("network namespace: %w", err)
	}
	defer unix.Close(fd)
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if errors.Is(err, unix.ENOPROTOOPT) {
		return inode()
	}
	if err != nil {
		return 0, fmt.Errorf("cookie of the network namespace: %w", err)
	}
	return cookie, nil
}

func inode() (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		return 0, fmt.Errorf("own network namespace: %w", err)
	}
	return st.Ino, nil
}
