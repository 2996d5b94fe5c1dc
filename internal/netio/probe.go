package netio

import (
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
	"golang.org/x/sys/unix"
)

// ProbeFrame asks who holds an address, and says nothing of who asks: an ARP probe
// (RFC 5227 section 2.1.1), or a neighbour solicitation from own, a link-local
// address, or without one from :: as duplicate address detection does (RFC 4862
// section 5.4.2). It changes nothing in anybody's caches but, over IPv6 with own,
// that of who answers. It is nil when addr is no unicast address or mac is not six
// octets.
func ProbeFrame(mac net.HardwareAddr, own, addr netip.Addr) []byte {
	switch {
	case len(mac) != 6 || !addr.IsValid() || addr.IsMulticast() || addr.IsUnspecified() || addr.Is4In6():
		return nil
	case addr.Is4():
		return arpProbe(mac, addr)
	}
	return ndProbe(mac, own, addr)
}

func arpProbe(mac net.HardwareAddr, addr netip.Addr) []byte {
	probe, err := arp.NewPacket(arp.OperationRequest, mac, netip.IPv4Unspecified(), make(net.HardwareAddr, 6), addr)
	if err != nil {
		return nil
	}
	payload, err := probe.MarshalBinary()
	if err != nil {
		return nil
	}
	frame := ethernet.Frame{Destination: ethernet.Broadcast, Source: mac, EtherType: ethernet.EtherTypeARP, Payload: payload}
	b, err := frame.MarshalBinary()
	if err != nil {
		return nil
	}
	return b
}

func ndProbe(mac net.HardwareAddr, own, addr netip.Addr) []byte {
	ask := &ndp.NeighborSolicitation{TargetAddress: addr}
	if !own.Is6() || own.Is4In6() {
		own = netip.IPv6Unspecified()
	} else {
		ask.Options = []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: mac}}
	}
	group := solicitedNode(addr)
	message, err := ndp.MarshalMessageChecksum(ask, own, group)
	if err != nil {
		return nil
	}
	b := appendEther6(make([]byte, 0, etherLen+ipv6Len+len(message)), mac, group)
	b = appendIPv6(b, 0, unix.IPPROTO_ICMPV6, own, group, 255, len(message))
	return append(b, message...)
}

// solicitedNode is the group of RFC 4291 section 2.7.1.
func solicitedNode(addr netip.Addr) netip.Addr {
	group := addr.As16()
	copy(group[:], []byte{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff})
	return netip.AddrFrom16(group)
}
