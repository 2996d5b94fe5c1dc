package netio

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// RawSender sends IP packets of ours, header and all, and leaves it to the
// kernel to find the next hop and its MAC address. Unlike a Sender's its
// packets pass netfilter's OUTPUT chain.
type RawSender struct {
	fd4, fd6 int
	ifindex  int
}

// OpenRawSender opens the sockets of an interface in the network namespace of
// the calling thread. It needs CAP_NET_RAW. A kernel without IPv6 has it send
// IPv4 alone.
func OpenRawSender(ifindex int) (*RawSender, error) {
	r := &RawSender{fd4: -1, fd6: -1, ifindex: ifindex}
	var err error
	if r.fd4, err = rawSocket(unix.AF_INET, ifindex); err != nil {
		return nil, err
	}
	if r.fd6, err = rawSocket(unix.AF_INET6, ifindex); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// rawSocket: IPPROTO_RAW means that packets come with their header, for both
// families, and that nothing is received.
func rawSocket(family, ifindex int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return -1, fmt.Errorf("raw socket (needs CAP_NET_RAW): %w", err)
	}
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, ifindex); err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, prioControl)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("raw socket on interface index %d: %w", ifindex, err)
	}
	return fd, nil
}

// Send sends one packet of IPv4 or IPv6 to the destination in its header. It
// never blocks. Errors are bare errno values.
func (r *RawSender) Send(packet []byte) error {
	switch {
	case len(packet) >= ipv4Len && packet[0]>>4 == 4:
		return unix.Sendto(r.fd4, packet, 0, &unix.SockaddrInet4{Addr: [4]byte(packet[16:20])})
	case len(packet) >= ipv6Len && packet[0]>>4 == 6:
		to := unix.SockaddrInet6{Addr: [16]byte(packet[24:40])}
		if netip.AddrFrom16(to.Addr).IsLinkLocalUnicast() {
			to.ZoneId = uint32(r.ifindex)
		}
		return unix.Sendto(r.fd6, packet, 0, &to)
	}
	return unix.EINVAL
}

// Close closes the sockets.
func (r *RawSender) Close() error {
	var errs []error
	for _, fd := range []int{r.fd4, r.fd6} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}

// RoutedSender sends the frames of one router with unicast peers: those of a
// known next hop as they are, the others of UnicastFrame as packets by way of a
// RawSender, so that no advert waits for a MAC address.
type RoutedSender struct {
	sender interface {
		Transmitter
		SendEach(frames [][]byte, refused []int) []int
	}
	raw Transmitter

	routed, failed atomic.Uint64
}

// NewRoutedSender sends by way of a Sender and a RawSender of one interface.
func NewRoutedSender(s *Sender, raw *RawSender) *RoutedSender {
	return &RoutedSender{sender: s, raw: raw}
}

// Send is Sender.Send.
func (s *RoutedSender) Send(frame []byte) error {
	if !Unresolved(frame) {
		return s.sender.Send(frame)
	}
	if err := s.raw.Send(frame[etherLen:]); err != nil {
		s.failed.Add(1)
		return err
	}
	s.routed.Add(1)
	return nil
}

// SendAll is Sender.SendAll.
func (s *RoutedSender) SendAll(frames [][]byte) (sent int) {
	return len(frames) - len(s.SendEach(frames, nil))
}

// SendEach is Sender.SendEach: runs of frames with a known next hop still leave in
// one system call.
func (s *RoutedSender) SendEach(frames [][]byte, refused []int) []int {
	for at := 0; at < len(frames); {
		n := 0
		for at+n < len(frames) && !Unresolved(frames[at+n]) {
			n++
		}
		if n > 0 {
			behind := len(refused)
			refused = s.sender.SendEach(frames[at:at+n], refused)
			for i := range refused[behind:] {
				refused[behind+i] += at
			}
			at += n
			continue
		}
		if s.Send(frames[at]) != nil {
			refused = append(refused, at)
		}
		at++
	}
	return refused
}

// Unresolved tells of a frame to a peer whose MAC is not known: RoutedSender gives
// its packet to the kernel.
func Unresolved(frame []byte) bool {
	return len(frame) > etherLen && [6]byte(frame) == unresolved
}

// Routed is how many packets the kernel was given to find the next hop of, and
// how many of such it refused.
func (s *RoutedSender) Routed() (sent, failed uint64) { return s.routed.Load(), s.failed.Load() }
