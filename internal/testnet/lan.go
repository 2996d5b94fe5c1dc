package testnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Spec describes a LAN to build.
type Spec struct {
	// Prefix begins the name of every namespace of the LAN and ends in "-".
	// Build removes whatever else has it, so it must be the caller's alone.
	Prefix string
	Hosts  []HostSpec
	// Links is the number of interfaces of each host: eth0, eth1 and so on,
	// each on a bridge of its own. Zero means one.
	Links int
	// Leftover, if set, is called for each namespace that a killed run left,
	// before it is removed: for what a daemon there keeps outside of it.
	Leftover func(*Host)
}

// HostSpec describes one host. Addrs are the addresses of its eth0; with none
// it gets 10.99.0.N/16, N counting hosts from 1. Interface ethL for L>0 always
// gets 10.(100+L).0.N/16.
type HostSpec struct {
	Name  string
	Addrs []netip.Prefix
}

// LAN is a switch in a namespace of its own and hosts that hang off it. Its
// methods may be called from several goroutines, except Close.
type LAN struct {
	hosts []*Host
	sw    *Host // no host: the namespace with the bridges and their ports
	lock  net.Listener
}

// New builds a LAN of hosts that have one interface and a default address.
func New(prefix string, hosts ...string) (*LAN, error) {
	s := Spec{Prefix: prefix}
	for _, h := range hosts {
		s.Hosts = append(s.Hosts, HostSpec{Name: h})
	}
	return s.Build()
}

// Build makes the namespaces (visible to `ip netns`), bridges and links, after
// it has removed what a killed run with the same prefix left behind. It fails
// when a live process has a LAN of that prefix. On error nothing is left.
func (s Spec) Build() (_ *LAN, err error) {
	if len(s.Prefix) < 2 || !strings.HasSuffix(s.Prefix, "-") {
		return nil, fmt.Errorf("testnet: prefix %q must be a word and a hyphen", s.Prefix)
	}
	l := &LAN{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("testnet: %w", err), l.Close())
		}
	}()
	// An abstract socket is a lock that the kernel drops with the process.
	l.lock, err = net.Listen("unix", "@vrrpx-testnet-"+s.Prefix)
	if err != nil {
		return nil, fmt.Errorf("LAN %q is in use by another process: %w", s.Prefix, err)
	}
	for _, name := range Namespaces(s.Prefix) {
		if err := s.removeLeftover(name); err != nil {
			return nil, fmt.Errorf("leftover of a killed run: %w", err)
		}
	}
	if l.sw, err = newHost(s.Prefix, "sw"); err != nil {
		return nil, err
	}
	links := max(s.Links, 1)
	for i := range links {
		if err := l.addBridge(i); err != nil {
			return nil, err
		}
	}
	for n, spec := range s.Hosts {
		h, err := newHost(s.Prefix, spec.Name)
		if err != nil {
			return nil, err
		}
		l.hosts = append(l.hosts, h)
		for i := range links {
			if err := l.addPort(h, n+1, i, spec.addrs(n+1, i)); err != nil {
				return nil, fmt.Errorf("eth%d of %s: %w", i, spec.Name, err)
			}
		}
	}
	for _, h := range l.hosts {
		for _, p := range h.Links {
			if err := p.waitUp(); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

func (s Spec) removeLeftover(name string) error {
	h := &Host{Name: strings.TrimPrefix(name, s.Prefix), Namespace: name, ns: netns.None()}
	// Errors are those of a namespace that was never finished.
	if ns, err := netns.GetFromName(name); err == nil {
		h.ns = ns
		if h.nl, err = netlink.NewHandleAt(ns, unix.NETLINK_ROUTE); err == nil && s.Leftover != nil {
			s.Leftover(h)
		}
	}
	return h.close()
}

func (s HostSpec) addrs(n, link int) []netip.Prefix {
	switch {
	case link > 0:
		return []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(100 + link), 0, byte(n)}), 16)}
	case len(s.Addrs) > 0:
		return s.Addrs
	}
	return []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 99, 0, byte(n)}), 16)}
}

func bridgeName(link int) string { return fmt.Sprintf("br%d", link) }

func (l *LAN) addBridge(link int) error {
	snooping := false // snooping forgets groups when no querier is on the LAN
	br := &netlink.Bridge{
		LinkAttrs:         netlink.LinkAttrs{Name: bridgeName(link)},
		MulticastSnooping: &snooping,
	}
	if err := l.sw.nl.LinkAdd(br); err != nil {
		return fmt.Errorf("bridge %s: %w", br.Name, err)
	}
	return l.sw.nl.LinkSetUp(br)
}

// addPort makes ethI of the host, its peer on bridge I, and brings both up.
func (l *LAN) addPort(h *Host, n, link int, addrs []netip.Prefix) error {
	p := &Port{host: h, Name: fmt.Sprintf("eth%d", link), port: fmt.Sprintf("p%d-%d", link, n), lan: l, Addrs: addrs}
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: p.port},
		PeerName:      p.Name,
		PeerNamespace: netlink.NsFd(h.ns),
	}
	if err := l.sw.nl.LinkAdd(veth); err != nil {
		return fmt.Errorf("veth: %w", err)
	}
	br, err := l.sw.nl.LinkByName(bridgeName(link))
	if err != nil {
		return err
	}
	if err := l.sw.nl.LinkSetMaster(veth, br); err != nil {
		return fmt.Errorf("bridge port: %w", err)
	}
	if err := l.sw.nl.LinkSetUp(veth); err != nil {
		return err
	}
	eth, err := h.nl.LinkByName(p.Name)
	if err != nil {
		return err
	}
	p.Ifindex, p.MAC = eth.Attrs().Index, eth.Attrs().HardwareAddr
	if err := h.nl.LinkSetUp(eth); err != nil {
		return err
	}
	for _, a := range addrs {
		if err := h.AddAddr(p.Name, a); err != nil {
			return err
		}
	}
	h.Links = append(h.Links, p)
	if link == 0 {
		h.MAC, h.Ifindex, h.Addr = p.MAC, p.Ifindex, addrs[0].Addr()
	}
	return nil
}

// Host returns the host of that name. It panics when there is none: the name
// is a constant of the test that built the LAN.
func (l *LAN) Host(name string) *Host {
	for _, h := range l.hosts {
		if h.Name == name {
			return h
		}
	}
	panic("testnet: no host " + name)
}

// Close kills what still runs on the LAN's hosts and removes the namespaces
// and with them every link. A second call does nothing.
func (l *LAN) Close() error {
	var errs []error
	for _, h := range append(l.hosts, l.sw) {
		if h != nil {
			errs = append(errs, h.close())
		}
	}
	l.hosts, l.sw = nil, nil
	if l.lock != nil {
		l.lock.Close()
		l.lock = nil
	}
	return errors.Join(errs...)
}

func newHost(prefix, name string) (*Host, error) {
	h := &Host{Name: name, Namespace: prefix + name, ns: netns.None()}
	var err error
	if h.ns, err = createNamespace(h.Namespace); err != nil {
		return nil, err
	}
	if h.nl, err = netlink.NewHandleAt(h.ns, unix.NETLINK_ROUTE); err == nil {
		err = h.configure()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("host %s: %w", name, err), h.close())
	}
	return h, nil
}
