package vip

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// bell wakes a goroutine that waits for a socket. The one who rings never
// waits.
type bell struct{ fd int }

func newBell() (bell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return bell{}, fmt.Errorf("eventfd: %w", err)
	}
	return bell{fd}, nil
}

func (b bell) ring() {
	// It fails only where the counter is full, and then the bell rings already.
	// In either byte order this is a number above 0.
	unix.Write(b.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// wait returns when fd is readable, the bell has been rung, timeout is over
// (negative: never) or for no reason at all.
func (b bell) wait(fd int, timeout time.Duration) {
	ms := -1
	if timeout >= 0 {
		ms = int(min((timeout + time.Millisecond - 1).Milliseconds(), math.MaxInt32))
	}
	fds := []unix.PollFd{{Fd: int32(b.fd), Events: unix.POLLIN}, {Fd: int32(fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds, ms); err != nil {
		return
	}
	if fds[0].Revents != 0 {
		var count [8]byte
		unix.Read(b.fd, count[:])
	}
}

func (b bell) close() { unix.Close(b.fd) }
