package daemon

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/loader"
)

func newLoop(log *slog.Logger) (*loop, error) {
	l := &loop{log: log, epoll: -1, timer: -1, wake: -1, byKey: map[loader.Key]*router{}, byLine: map[loader.Key]*line{}}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	_ = unix.SetNonblock(l.epoll, true) // cannot fail; it lets Go poll the file
	l.file = os.NewFile(uintptr(l.epoll), "epoll")
	if l.ready, err = l.file.SyscallConn(); err != nil {
		l.close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		l.close()
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		l.close()
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	for _, fd := range []int{l.timer, l.wake} {
		if err := l.watch(fd); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *loop) close() {
	if l.file != nil {
		_ = l.file.Close()
	}
	for _, fd := range []int{l.timer, l.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

func (l *loop) watch(fd int) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// addPath and removePath are for the loop itself, or before it runs.
func (l *loop) addPath(p link.Datapath) error {
	if err := l.watch(p.FD()); err != nil {
		return err
	}
	l.watched(p.FD())
	l.paths = append(l.paths, p)
	return nil
}

func (l *loop) removePath(p link.Datapath) {
	for i, q := range l.paths {
		if q == p {
			_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, p.FD(), nil)
			l.fair.WakesNoMore(p.FD())
			l.paths = append(l.paths[:i], l.paths[i+1:]...)
			return
		}
	}
}

// post runs f on the loop, in the order of posting. It does not wait for it
// and never blocks; after the loop has ended it does nothing and is false.
func (l *loop) post(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return false
	}
	l.posts = append(l.posts, f)
	if len(l.posts) == 1 {
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = unix.Write(l.wake, one[:]) // EAGAIN: it is awake already
	}
	return true
}

// stop ends run after the functions posted before it.
func (l *loop) stop() {
	l.post(func() {
		l.mu.Lock()
		l.done = true
		l.mu.Unlock()
	})
}
