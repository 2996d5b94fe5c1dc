// Package link is one network interface as it is now: what we hear with and send
// by. It knows no router.
package link

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
)

// Link is one network interface as it exists now. When it vanishes its link
// is closed; when it returns, under another index, a new one is opened. It is for
// one goroutine, the loop, once it has been handed over.
type Link struct {
	Name   string
	Index  int
	MAC    net.HardwareAddr
	MTU    int    // bytes, without the Ethernet header; 0: not known
	Sender Sender // nil where none can be: an interface that is not Ethernet and has no router
	Path   Datapath
	XDP    loader.Mode // Off: none
	Note   string      // why not a better mode
	Socket *Socket     // the Path of a router's interface without XDP; else nil

	packet *netio.Sender                    // the Sender, to be closed
	raw    *netio.RawSender                 // for unicast peers whose MAC address is not known; nil without peers
	member map[netip.Addr]*netio.Membership // by group; 0.0.0.0 and :: for unicast peers; nil where no router runs
	// neighbours hears, without XDP, who else claims addresses.
	neighbours *netio.Neighbours
	kernel     *loader.Kernel // when XDP is attached
}

// Sender sends on one interface (netio.Sender).
type Sender interface {
	netio.Transmitter
	netio.BatchTransmitter
	SendEach(frames [][]byte, refused []int) []int
}

// open makes an interface ready: sockets to send from, the groups joined,
// and a datapath to hear with, XDP if it may be had. It may block, since
// attaching can reset a real driver's link: it is called before the interface's
// routers join the election, and never on the loop.
func open(dev vip.Link, groups []netip.Addr, kernel *loader.Kernel, mode loader.Mode) (l *Link, err error) {
	l = &Link{Name: dev.Name, Index: dev.Index, MAC: dev.MAC, MTU: dev.MTU, member: map[netip.Addr]*netio.Membership{}}
	if l.packet, err = netio.OpenSender(l.Index); err == nil {
		l.Sender = l.packet
		if err = l.join(groups); err == nil {
			err = l.attach(kernel, mode)
		}
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("%s: %w", dev.Name, err)
	}
	return l, nil
}

func (l *Link) join(groups []netip.Addr) error {
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
func (l *Link) hold(group netip.Addr) (m *netio.Membership, err error) {
	if !group.IsUnspecified() {
		return netio.Join(l.Index, group)
	}
	if l.raw == nil {
		if l.raw, err = netio.OpenRawSender(l.Index); err != nil {
			return nil, err
		}
	}
	return netio.Hold(l.Index, group.Is6())
}

// attach hears with XDP, or where it is off or refused with a packet socket.
func (l *Link) attach(kernel *loader.Kernel, mode loader.Mode) error {
	if kernel != nil && mode != loader.Off {
		got, note, err := kernel.Attach(l.Index, mode)
		if err == nil {
			l.kernel, l.Path, l.XDP, l.Note = kernel, kernel, got, note
			return nil
		}
		if mode != loader.Auto {
			return err
		}
		l.Note = err.Error()
	}
	s, err := openSocket(l.Index)
	if err != nil {
		return err
	}
	l.Socket, l.Path, l.XDP = s, s, loader.Off
	return nil
}

// openBeside makes an interface ready on which a router has addresses and nothing
// else: a socket to announce them from, where it is Ethernet, and as a door XDP to
// refuse packets with. The mode that is demanded of a router's interface is more
// than such a one can always do: a VLAN or macvlan device has the generic alone.
func openBeside(dev vip.Link, door bool, kernel *loader.Kernel, mode loader.Mode) (*Link, error) {
	l := &Link{Name: dev.Name, Index: dev.Index, MAC: dev.MAC, MTU: dev.MTU, Note: "no router runs on it"}
	if s, err := netio.OpenSender(l.Index); err == nil {
		l.packet, l.Sender = s, s
	}
	if !door {
		return l, nil
	}
	if kernel == nil || mode == loader.Off {
		l.Note = "--xdp=off, or no BPF"
		return l, nil
	}
	if mode == loader.Native {
		mode = loader.Auto
	}
	got, note, err := kernel.Attach(l.Index, mode)
	if err != nil {
		l.Note = err.Error()
		return l, nil // who refuses packets there raises the alarm
	}
	l.kernel, l.Path, l.XDP, l.Note = kernel, kernel, got, note
	return l, nil
}

// Close gives everything back. It may wait for the kernel. The interface may be gone already.
func (l *Link) Close() error {
	var errs []error
	if l.kernel != nil {
		errs = append(errs, l.kernel.Detach(l.Index))
	}
	if l.Socket != nil {
		errs = append(errs, l.Socket.Close())
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

// Routed is a sender for unicast peers whose MAC address may not be known; nil
// where nobody has any. Each has its own, which counts.
func (l *Link) Routed() *netio.RoutedSender {
	if l.raw == nil {
		return nil
	}
	return netio.NewRoutedSender(l.packet, l.raw)
}

// Groups are those that have been joined; 0.0.0.0 and :: for unicast peers.
func (l *Link) Groups() []netip.Addr { return slices.Collect(maps.Keys(l.member)) }

// Keep leaves the other groups, away from the caller: it may wait for the kernel.
func (l *Link) Keep(groups []netip.Addr) {
	for g, m := range l.member {
		if !slices.Contains(groups, g) {
			delete(l.member, g)
			go func() { _ = m.Close() }()
		}
	}
}

// Ingest is how a link hears, for people.
func (l *Link) Ingest() string {
	if l.XDP != loader.Off {
		return "xdp " + l.XDP.String()
	}
	return "packet socket"
}
