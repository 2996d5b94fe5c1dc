package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ListenError tells of an address that cannot be listened at.
type ListenError struct {
	Network, Address string
	Cause            error
}

func (e *ListenError) Error() string {
	cause := e.Cause
	var sys *os.SyscallError // without the address, which is said once
	if errors.As(cause, &sys) {
		cause = sys.Err
	}
	return fmt.Sprintf("metrics cannot be served at %s: %v", e.Address, cause)
}

func (e *ListenError) Unwrap() error { return e.Cause }

// Hint is what to do about it.
func (e *ListenError) Hint() string {
	unix := e.Network == "unix"
	switch {
	case errors.Is(e.Cause, syscall.EADDRINUSE) && unix:
		return "another process listens there: stop it, or write another path"
	case errors.Is(e.Cause, syscall.EADDRINUSE):
		return fmt.Sprintf("`ss -ltnp 'sport = %s'` shows who listens there: stop it, or write another port", e.Address[strings.LastIndex(e.Address, ":"):])
	case errors.Is(e.Cause, syscall.EADDRNOTAVAIL):
		return "this host, or this network namespace, does not have the address: `ip address` shows those that it has"
	case errors.Is(e.Cause, syscall.EACCES):
		return "it is not permitted: see the directory, the port, and the sandbox of the unit (systemctl cat vrrpx)"
	case errors.Is(e.Cause, fs.ErrNotExist):
		return "make its directory first"
	case errors.Is(e.Cause, errNoSocket):
		return "write another path, or remove it"
	}
	return "write an address of this host with a port that is free, or unix:/run/vrrpx-metrics/sock"
}

var errNoSocket = errors.New("it is there, and no socket")

// socketMode lets every user of the host read: there is no secret in it, and the
// directory can keep them out.
const socketMode = 0o666

// listen is net.Listen, but that a socket which a killed process left is replaced.
func listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	if network != "unix" {
		return l, err
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		if err := RemoveDead(address); err != nil {
			return nil, err
		}
		l, err = net.Listen(network, address)
	}
	if err != nil {
		return nil, err
	}
	if err := chmodSocket(address, socketMode); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// chmodSocket is chmod(2) of a socket and of nothing else. Who may write its directory
// can have put a symbolic link in its place; fchmodat2(2), which follows none, is of
// Linux 6.6.
func chmodSocket(path string, mode uint32) error {
	if strings.HasPrefix(path, "@") {
		return nil // an abstract one has no mode
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return errNoSocket
	}
	return unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), mode)
}

// RemoveDead removes a socket that nobody listens at. It fails with EADDRINUSE where
// somebody does, and where the path is no socket.
func RemoveDead(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errNoSocket
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return syscall.EADDRINUSE
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}
