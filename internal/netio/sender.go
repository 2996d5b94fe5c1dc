package netio

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Sender sends whole Ethernet frames on one interface. It is an AF_PACKET
// socket: what it sends passes no netfilter OUTPUT chain, needs no route and no
// neighbour, and is still seen by tcpdump. It hears nothing.
type Sender struct {
	fd int

	sent      atomic.Uint64
	noBuffers atomic.Uint64
	down      atomic.Uint64
	gone      atomic.Uint64
	other     atomic.Uint64
}

// SendCounts is what became of a Sender's frames.
type SendCounts struct {
	Sent      uint64 // handed to the interface's queue
	NoBuffers uint64 // ENOBUFS, EAGAIN: the queue or the socket's buffer was full
	Down      uint64 // ENETDOWN: the interface is down
	Gone      uint64 // ENXIO, ENODEV: the interface was removed
	Other     uint64 // any other error, such as EMSGSIZE
}

// Errors is the sum of the frames that were not sent.
func (c SendCounts) Errors() uint64 { return c.NoBuffers + c.Down + c.Gone + c.Other }

// sendBuffer holds the frames of several hundred routers and their ARPs while a
// driver is slow to free them: the kernel accounts 768 octets and more each.
const sendBuffer = 2 << 20

const prioControl = 7 // TC_PRIO_CONTROL, linux/pkt_sched.h

// OpenSender opens the socket of an interface in the network namespace of the
// calling thread. The interface may be down. It needs CAP_NET_RAW and
// CAP_NET_ADMIN. When the interface vanishes and returns it is another one: its
// Sender is closed and opened again.
func OpenSender(ifindex int) (*Sender, error) {
	// Protocol 0 registers no packet hook: the socket costs received frames
	// nothing.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket (needs CAP_NET_RAW): %w", err)
	}
	s := &Sender{fd: fd}
	if err := s.prepare(ifindex); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Sender) prepare(ifindex int) error {
	if ifindex <= 0 {
		return fmt.Errorf("interface index %d: %w", ifindex, unix.ENODEV)
	}
	// Control traffic goes first in pfifo_fast, in fq and in mqprio's default
	// map; the TOS of a prebuilt frame would not tell the queues so.
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_PRIORITY, prioControl); err != nil {
		return fmt.Errorf("priority of the packet socket (needs CAP_NET_ADMIN): %w", err)
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer); err != nil {
		return fmt.Errorf("send buffer of the packet socket (needs CAP_NET_ADMIN): %w", err)
	}
	if err := unix.Bind(s.fd, &unix.SockaddrLinklayer{Ifindex: ifindex}); err != nil {
		return fmt.Errorf("packet socket on interface index %d: %w", ifindex, err)
	}
	bound, err := unix.Getsockname(s.fd)
	if err != nil {
		return fmt.Errorf("packet socket on interface index %d: %w", ifindex, err)
	}
	if ll, ok := bound.(*unix.SockaddrLinklayer); !ok || ll.Hatype != unix.ARPHRD_ETHER {
		return fmt.Errorf("interface index %d is not Ethernet: VRRP needs multicast frames and MAC addresses", ifindex)
	}
	return nil
}

// Send hands one whole Ethernet frame to the interface. It never blocks and
// does not allocate. Errors are bare errno values, and counted: ENOBUFS,
// EAGAIN, ENETDOWN, ENXIO, EMSGSIZE, EINVAL for a frame shorter than a header.
// Any goroutine may call it.
func (s *Sender) Send(frame []byte) error {
	_, err := unix.Write(s.fd, frame)
	return s.count(err)
}

// count counts a result by its cause, and returns it.
func (s *Sender) count(err error) error {
	switch err {
	case nil:
		s.sent.Add(1)
	case unix.ENOBUFS, unix.EAGAIN:
		s.noBuffers.Add(1)
	case unix.ENETDOWN:
		s.down.Add(1)
	case unix.ENXIO, unix.ENODEV:
		s.gone.Add(1)
	default:
		s.other.Add(1)
	}
	return err
}

// Counts returns the counters. Any goroutine may call it.
func (s *Sender) Counts() SendCounts {
	return SendCounts{
		Sent: s.sent.Load(), NoBuffers: s.noBuffers.Load(), Down: s.down.Load(),
		Gone: s.gone.Load(), Other: s.other.Load(),
	}
}

// Close closes the socket. Whoever might still send has been stopped before:
// Pacer.Stop and Announcer.Cancel see to theirs.
func (s *Sender) Close() error { return unix.Close(s.fd) }
