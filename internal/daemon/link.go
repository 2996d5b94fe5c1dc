package daemon

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
)

// link is one network interface as it exists now. When it vanishes its link
// is closed; when it returns, under another index, a new one is opened.
type link struct {
	name   string
	index  int
	mac    net.HardwareAddr
	mtu    int // bytes, without the Ethernet header; 0: not known
	sender sender
	packet *netio.Sender                    // the sender, to be closed
	raw    *netio.RawSender                 // for unicast peers whose MAC address is not known; nil without peers
	member map[netip.Addr]*netio.Membership // by group; 0.0.0.0 and :: for unicast peers
	path   Datapath
	xdp    loader.Mode // Off: none
	note   string      // why not a better mode
	socket *socketPath
	// neighbours hears, without XDP, who else claims addresses.
	neighbours *netio.Neighbours
	kernel     *loader.Kernel // when XDP is attached
}

// openLink makes an interface ready: sockets to send from, the groups joined,
// and a datapath to hear with, XDP if it may be had. It may block, since
// attaching can reset a real driver's link: it is called before the interface's
// routers join the election, and never on the loop.
func openLink(dev vip.Link, groups []netip.Addr, kernel *loader.Kernel, mode loader.Mode) (l *link, err error) {
	l = &link{name: dev.Name, index: dev.Index, mac: dev.MAC, mtu: dev.MTU, member: map[netip.Addr]*netio.Membership{}}
	if l.packet, err = netio.OpenSender(l.index); err == nil {
		l.sender = l.packet
		if err = l.join(groups); err == nil {
			err = l.attach(kernel, mode)
		}
	}
	if err != nil {
		_ = l.close()
		return nil, fmt.Errorf("%s: %w", dev.Name, err)
	}
	return l, nil
}

func (l *link) join(groups []netip.Addr) error {
	for _, g := range groups {
		m, err := l.hold(g)
		if err != nil {
			return err
		}
		l.member[g] = m
	}
	return nil
}

// hold joins a group or, for 0.0.0.0 and ::, makes ready for unicast peers.
func (l *link) hold(group netip.Addr) (m *netio.Membership, err error) {
	if !group.IsUnspecified() {
		return netio.Join(l.index, group)
	}
	if l.raw == nil {
		if l.raw, err = netio.OpenRawSender(l.index); err != nil {
			return nil, err
		}
	}
	return netio.Hold(l.index, group.Is6())
}

// attach hears with XDP, or where it is off or refused with a packet socket.
func (l *link) attach(kernel *loader.Kernel, mode loader.Mode) error {
	if kernel != nil && mode != loader.Off {
		got, note, err := kernel.Attach(l.index, mode)
		if err == nil {
			l.kernel, l.path, l.xdp, l.note = kernel, kernel, got, note
			return nil
		}
		if mode != loader.Auto {
			return err
		}
		l.note = err.Error()
	}
	s, err := openSocketPath(l.index)
	if err != nil {
		return err
	}
	l.socket, l.path, l.xdp = s, s, loader.Off
	return nil
}

// openBeside makes an interface ready on which a router has addresses and nothing
// else: a socket to announce them from, where it is Ethernet, and as a door XDP to
// refuse packets with. The mode that is demanded of a router's interface is more
// than such a one can always do: a VLAN or macvlan device has the generic alone.
func openBeside(dev vip.Link, door bool, kernel *loader.Kernel, mode loader.Mode) (*link, error) {
	l := &link{name: dev.Name, index: dev.Index, mac: dev.MAC, mtu: dev.MTU, note: "no router runs on it"}
	if s, err := netio.OpenSender(l.index); err == nil {
		l.packet, l.sender = s, s
	}
	if !door {
		return l, nil
	}
	if kernel == nil || mode == loader.Off {
		l.note = "--xdp=off, or no BPF"
		return l, nil
	}
	if mode == loader.Native {
		mode = loader.Auto
	}
	got, note, err := kernel.Attach(l.index, mode)
	if err != nil {
		l.note = err.Error()
		return l, nil // who refuses packets there raises the alarm
	}
	l.kernel, l.path, l.xdp, l.note = kernel, kernel, got, note
	return l, nil
}

// close gives everything back. The interface may be gone already.
func (l *link) close() error {
	var errs []error
	if l.kernel != nil {
		errs = append(errs, l.kernel.Detach(l.index))
	}
	if l.socket != nil {
		errs = append(errs, l.socket.Close())
	}
	if l.neighbours != nil {
		errs = append(errs, l.neighbours.Close())
	}
	for _, m := range l.member {
		errs = append(errs, m.Close())
	}
	if l.raw != nil {
		errs = append(errs, l.raw.Close())
	}
	if l.packet != nil {
		errs = append(errs, l.packet.Close())
	}
	return errors.Join(errs...)
}
