package testnet

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Host is one namespace of a LAN.
type Host struct {
	Name      string
	Namespace string           // its name for `ip netns exec`
	Addr      netip.Addr       // first address of eth0
	MAC       net.HardwareAddr // of eth0
	Ifindex   int              // of eth0
	Links     []*Port          // eth0, eth1 and so on

	ns netns.NsHandle
	nl *netlink.Handle
}

// Port is one interface of a host and the bridge port it is plugged into.
type Port struct {
	Name    string // on the host: eth0
	Ifindex int
	MAC     net.HardwareAddr
	Addrs   []netip.Prefix // those it was built with

	port string // name in the switch namespace
	host *Host
	lan  *LAN
}

// configure makes a fresh namespace fit for tests.
func (h *Host) configure() error {
	lo, err := h.nl.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := h.nl.LinkSetUp(lo); err != nil {
		return err
	}
	// Duplicate address detection holds an address back for a second or more.
	// The kernel takes the larger of "all" and the interface's own value.
	return h.Do(func() error {
		for _, name := range []string{"all", "default"} {
			err := os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/accept_dad", []byte("0"), 0)
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6
				return err
			}
		}
		return nil
	})
}

// Do runs f on this goroutine with its thread in the host's namespace. What f
// opens there stays there; goroutines that f starts run elsewhere.
func (h *Host) Do(f func() error) error { return inNamespace(h.ns, f) }

// AddAddr puts an address on an interface of the host.
func (h *Host) AddAddr(ifname string, a netip.Prefix) error {
	return h.changeAddr(ifname, a, h.nl.AddrAdd)
}

// DelAddr takes an address, with exactly that prefix length, off an interface.
func (h *Host) DelAddr(ifname string, a netip.Prefix) error {
	return h.changeAddr(ifname, a, h.nl.AddrDel)
}

func (h *Host) changeAddr(ifname string, a netip.Prefix, change func(netlink.Link, *netlink.Addr) error) error {
	link, err := h.nl.LinkByName(ifname)
	if err != nil {
		return fmt.Errorf("%s on %s: %w", ifname, h.Name, err)
	}
	ipnet := &net.IPNet{IP: a.Addr().AsSlice(), Mask: net.CIDRMask(a.Bits(), a.Addr().BitLen())}
	if err := change(link, &netlink.Addr{IPNet: ipnet}); err != nil {
		return fmt.Errorf("address %s, %s on %s: %w", a, ifname, h.Name, err)
	}
	return nil
}

// Addrs lists the addresses, IPv4 and IPv6, of all the host's interfaces.
func (h *Host) Addrs() ([]netip.Prefix, error) {
	list, err := h.nl.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("addresses of %s: %w", h.Name, err)
	}
	var addrs []netip.Prefix
	for _, a := range list {
		ip, _ := netip.AddrFromSlice(a.IP)
		bits, _ := a.Mask.Size()
		addrs = append(addrs, netip.PrefixFrom(ip.Unmap(), bits))
	}
	return addrs, nil
}

// HasAddr tells whether the host has ip on any interface, whatever the prefix
// length. It panics when ip is no address, and is false when the host is gone.
func (h *Host) HasAddr(ip string) bool {
	want := netip.MustParseAddr(ip)
	addrs, err := h.Addrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if a.Addr() == want {
			return true
		}
	}
	return false
}

// HasCarrier tells whether an interface of the host is up and has a carrier.
func (h *Host) HasCarrier(ifname string) bool {
	link, err := h.nl.LinkByName(ifname)
	return err == nil && link.Attrs().OperState == netlink.OperUp
}

func (h *Host) close() error {
	if h.nl != nil {
		h.nl.Close()
	}
	if h.ns.IsOpen() {
		h.ns.Close()
	}
	return removeNamespace(h.Namespace)
}
