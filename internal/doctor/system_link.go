package doctor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/loader"
)

// Links lists the interfaces of the network namespace over netlink: sysfs may be
// that of another.
func (*System) Links() ([]Link, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	messages, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil && !errors.Is(err, nl.ErrDumpInterrupted) {
		return nil, fmt.Errorf("list of interfaces: %w", err)
	}
	var links []Link
	for _, m := range messages {
		if l, ok := parseLink(m); ok {
			links = append(links, l)
		}
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("list of addresses: %w", err)
	}
	for _, a := range addrs {
		ip, _ := netip.AddrFromSlice(a.IP)
		bits, _ := a.Mask.Size()
		for i := range links {
			if links[i].Index == a.LinkIndex && ip.IsValid() {
				links[i].Addresses = append(links[i].Addresses, Address{
					Prefix:    netip.PrefixFrom(ip.Unmap(), bits),
					Tentative: a.Flags&unix.IFA_F_TENTATIVE != 0, Duplicate: a.Flags&unix.IFA_F_DADFAILED != 0,
				})
			}
		}
	}
	return links, nil
}

// attributes are those of a netlink message, by number (linux/if_link.h).
type attributes map[uint16][]byte

func readAttributes(b []byte) attributes {
	all := attributes{}
	list, err := nl.ParseRouteAttr(b)
	if err != nil {
		return all
	}
	for _, a := range list {
		const typeMask = 0x3fff // NLA_TYPE_MASK
		all[a.Attr.Type&typeMask] = a.Value
	}
	return all
}

func (a attributes) nested(n uint16) attributes { return readAttributes(a[n]) }

func (a attributes) text(n uint16) string { return strings.TrimRight(string(a[n]), "\x00") }

func (a attributes) number(n uint16) int {
	switch b := a[n]; {
	case len(b) >= 4:
		return int(binary.NativeEndian.Uint32(b))
	case len(b) >= 1:
		return int(b[0])
	}
	return 0
}

// parseLink reads one message of RTM_NEWLINK.
func parseLink(m []byte) (l Link, ok bool) {
	if len(m) < unix.SizeofIfInfomsg {
		return l, false
	}
	info := nl.DeserializeIfInfomsg(m)
	a := readAttributes(m[unix.SizeofIfInfomsg:])
	l = Link{
		Index: int(info.Index), Name: a.text(unix.IFLA_IFNAME), MTU: a.number(unix.IFLA_MTU), Master: a.number(unix.IFLA_MASTER),
		Up: info.Flags&unix.IFF_UP != 0, Carrier: info.Flags&unix.IFF_LOWER_UP != 0,
		Multicast: info.Flags&unix.IFF_MULTICAST != 0, NoARP: info.Flags&unix.IFF_NOARP != 0,
	}
	if mac := a[unix.IFLA_ADDRESS]; len(mac) == 6 {
		l.MAC = [6]byte(mac)
	}
	kind := a.nested(unix.IFLA_LINKINFO)
	l.Kind, l.MasterKind = kind.text(unix.IFLA_INFO_KIND), kind.text(unix.IFLA_INFO_SLAVE_KIND)
	if _, elsewhere := a[unix.IFLA_LINK_NETNSID]; !elsewhere && l.Kind != "veth" {
		l.Lower = a.number(unix.IFLA_LINK)
	}
	if l.Kind == "bridge" {
		b := kind.nested(unix.IFLA_INFO_DATA)
		l.Bridge = &Bridge{Snooping: b.number(unix.IFLA_BR_MCAST_SNOOPING) != 0, Querier: b.number(unix.IFLA_BR_MCAST_QUERIER) != 0}
		const address, address6 = 1, 5 // BRIDGE_QUERIER_IP_ADDRESS, BRIDGE_QUERIER_IPV6_ADDRESS (linux/if_bridge.h)
		q := b.nested(unix.IFLA_BR_MCAST_QUERIER_STATE)
		_, l.Bridge.Heard = q[address]
		_, l.Bridge.Heard6 = q[address6]
	}
	if l.MasterKind == "bridge" {
		flood, known := kind.nested(unix.IFLA_INFO_SLAVE_DATA)[unix.IFLA_BRPORT_MCAST_FLOOD]
		l.Port = &Port{NoMulticastFlood: known && len(flood) > 0 && flood[0] == 0}
	}
	return l, true
}

// XDP asks the kernel what the driver can do (netdev family, Linux 6.3), and what
// is attached.
func (*System) XDP(l Link) (x XDP, err error) {
	x.Driver = driver(l.Name)
	if bits, err := xdpFeatures(l.Index); err != nil {
		x.Why = err.Error()
	} else {
		const basic = 1 // NETDEV_XDP_ACT_BASIC (linux/netdev.h)
		x.Known, x.Native = true, bits&basic != 0
	}
	x.Program, err = loader.Occupant(l.Index)
	return x, err
}

func driver(name string) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, name)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(info.Driver[:])
}

// xdpFeatures asks for NETDEV_A_DEV_XDP_FEATURES (linux/netdev.h).
func xdpFeatures(ifindex int) (uint64, error) {
	family, err := netlink.GenlFamilyGet("netdev")
	if err != nil {
		return 0, fmt.Errorf("netlink family netdev (Linux 6.3): %w", err)
	}
	const get, index, features = 1, 1, 3 // NETDEV_CMD_DEV_GET, NETDEV_A_DEV_IFINDEX, NETDEV_A_DEV_XDP_FEATURES
	req := nl.NewNetlinkRequest(int(family.ID), 0)
	// Not nl.Genlmsg: its two octets are sent as four, and the kernel refuses a reserved
	// field that is not 0.
	req.AddRawData([]byte{get, uint8(family.Version), 0, 0})
	req.AddRawData(nl.NewRtAttr(index, nl.Uint32Attr(uint32(ifindex))).Serialize())
	messages, err := req.Execute(unix.NETLINK_GENERIC, 0)
	if err != nil {
		return 0, fmt.Errorf("netlink family netdev, DEV_GET: %w", err)
	}
	for _, m := range messages {
		if b := readAttributes(m[min(nl.SizeofGenlmsg, len(m)):])[features]; len(b) == 8 {
			return binary.NativeEndian.Uint64(b), nil
		}
	}
	return 0, fmt.Errorf("netlink family netdev: no XDP features in %v", messages)
}
