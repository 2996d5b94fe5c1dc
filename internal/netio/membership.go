package netio

import (
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Membership keeps an interface in a VRRP group for as long as it is held. The
// NIC and snooping switches then let the group's frames through, and the kernel
// has a taker for protocol 112, so that it answers no advert with ICMP protocol
// unreachable. A filter drops every packet before it is queued: it costs
// nothing to hold and is never read.
type Membership struct{ fd int }

// Join joins group, 224.0.0.18, ff02::12 or another, on an interface in the network
// namespace of the calling thread. It needs CAP_NET_RAW. The membership
// survives the interface going down, not its removal.
func Join(ifindex int, group netip.Addr) (*Membership, error) {
	if !group.IsMulticast() {
		return nil, fmt.Errorf("%v is no multicast group", group)
	}
	m, err := Hold(ifindex, group.Is6())
	if err != nil {
		return nil, err
	}
	if err := m.join(ifindex, group); err != nil {
		_ = m.Close()
		return nil, err
	}
	return m, nil
}

// Hold is Join without a group, for routers that speak unicast over IPv4, or
// over IPv6.
func Hold(ifindex int, six bool) (*Membership, error) {
	family := unix.AF_INET
	if six {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, vrrp.Protocol)
	if err != nil {
		return nil, fmt.Errorf("raw socket (needs CAP_NET_RAW): %w", err)
	}
	m := &Membership{fd: fd}
	if err := m.hold(ifindex); err != nil {
		_ = m.Close()
		return nil, err
	}
	return m, nil
}

func (m *Membership) hold(ifindex int) error {
	if err := attachFilter(m.fd, []bpf.Instruction{bpf.RetConstant{Val: 0}}); err != nil {
		return err
	}
	// Or the sockets of all interfaces would each be offered each packet.
	if err := unix.SetsockoptInt(m.fd, unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, ifindex); err != nil {
		return fmt.Errorf("raw socket on interface index %d: %w", ifindex, err)
	}
	return nil
}

func (m *Membership) join(ifindex int, group netip.Addr) error {
	var err error
	if group.Is6() {
		mreq := unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(ifindex)}
		err = unix.SetsockoptIPv6Mreq(m.fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &mreq)
	} else {
		mreq := unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(ifindex)}
		err = unix.SetsockoptIPMreqn(m.fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &mreq)
	}
	if err != nil {
		return fmt.Errorf("joining %s on interface index %d: %w", group, ifindex, err)
	}
	return nil
}

// Close leaves the group, if any.
func (m *Membership) Close() error { return unix.Close(m.fd) }
