package vip

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// rtnetlink's own numbers of its multicast groups (linux/rtnetlink.h), as bits.
const (
	groupLink = 1 << (unix.RTNLGRP_LINK - 1)
	groupIPv4 = 1 << (unix.RTNLGRP_IPV4_IFADDR - 1)
	groupIPv6 = 1 << (unix.RTNLGRP_IPV6_IFADDR - 1)
)

// receiveBuffer holds some 5,000 notifications: a host that moves every
// address it has at once. What does not fit is not lost for good: the kernel
// says so (ENOBUFS) and the host is read anew.
const receiveBuffer = 4 << 20

// socket is an rtnetlink socket that never waits. It is a plain descriptor
// because nl.NetlinkSocket lies in Go's poller, which would wake a second
// thread for each notification, and makes 64 KiB of garbage each time.
type socket struct {
	fd   int
	port uint32 // its port id: the nlmsg_pid of what it causes
	buf  []byte
}

// openSocket opens one in the network namespace of the calling thread,
// subscribed to the groups.
func openSocket(groups uint32) (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("rtnetlink socket: %w", err)
	}
	s := &socket{fd: fd, buf: make([]byte, 64<<10)}
	if err := s.bind(groups); err != nil {
		s.close()
		return nil, fmt.Errorf("rtnetlink socket: %w", err)
	}
	return s, nil
}

func (s *socket) bind(groups uint32) error {
	// Without CAP_NET_ADMIN in the first user namespace the size is bounded by
	// net.core.rmem_max: less room, the same behaviour.
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
			return err
		}
	}
	if err := unix.Bind(s.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return err
	}
	addr, err := unix.Getsockname(s.fd)
	if err != nil {
		return err
	}
	s.port = addr.(*unix.SockaddrNetlink).Pid
	return nil
}

func (s *socket) close() { unix.Close(s.fd) }

var errLost = errors.New("netlink messages were lost")

// receive returns the messages of one datagram, valid until the next call;
// none when nothing waits. errLost says that there were more than the socket
// or its buffer could hold.
func (s *socket) receive() ([]syscall.NetlinkMessage, error) {
	for {
		n, from, err := unix.Recvfrom(s.fd, s.buf, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return nil, nil
		case errors.Is(err, unix.ENOBUFS) || n > len(s.buf):
			return nil, errLost
		case err != nil:
			return nil, fmt.Errorf("rtnetlink socket: %w", err)
		}
		// Any process may write to our port; only the kernel is believed.
		if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != portKernel {
			continue
		}
		msgs, err := syscall.ParseNetlinkMessage(s.buf[:n])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errMessage, err)
		}
		if len(msgs) > 0 {
			return msgs, nil
		}
	}
}

var errMessage = errors.New("a netlink message that makes no sense")

// attributes splits a run of attributes. The library's parser trusts that the
// last one is padded; the kernel always does it.
func attributes(b []byte) ([]syscall.NetlinkRouteAttr, error) {
	if len(b)%unix.RTA_ALIGNTO != 0 {
		return nil, errMessage
	}
	attrs, err := nl.ParseRouteAttr(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMessage, err)
	}
	return attrs, nil
}
