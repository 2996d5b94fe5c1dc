package netio

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"

	"github.com/vrrpx/vrrpx/vrrp"
)

const (
	etherLen = 14
	ipv4Len  = 20
	ipv6Len  = 40

	// trafficClass is DSCP CS6, network control, which keepalived and FRR use.
	trafficClass = 0xc0
)

// AdvertFrame is the Ethernet frame of an advert from mac and src to the
// multicast group dst, over IPv4 or IPv6. Its header is keepalived's: TOS 0xC0,
// no options, DF clear; the identification is 0 and for the pacer to count.
// ttl is 255 for every advert (RFC 9568 sections 5.1.1.3 and 5.1.2.3). It is
// nil when mac is not six octets, dst is no multicast address, the families
// differ, or the message is too long for a packet.
func AdvertFrame(mac net.HardwareAddr, src, dst netip.Addr, ttl uint8, message []byte) []byte {
	if len(mac) != 6 || !dst.IsMulticast() || src.BitLen() != dst.BitLen() || len(message) > 0xffff-ipv6Len {
		return nil
	}
	if src.Is4() {
		group := dst.As4()
		// The low 23 bits of the group (RFC 1112 section 6.4).
		return advert([]byte{0x01, 0x00, 0x5e, group[1] & 0x7f, group[2], group[3]}, mac, src, dst, ttl, message)
	}
	return advert(group6MAC(dst), mac, src, dst, ttl, message)
}

// UnicastFrame is AdvertFrame for one peer, dst, by way of the next hop's MAC
// address. Without one (nil) it is a frame that only a RoutedSender can send. It
// is nil when mac or hop has another length, dst is no unicast address, the
// families differ, or the message is too long.
func UnicastFrame(mac, hop net.HardwareAddr, src, dst netip.Addr, ttl uint8, message []byte) []byte {
	if hop == nil {
		hop = unresolved[:]
	}
	if len(mac) != 6 || len(hop) != 6 || !dst.IsValid() || dst.IsMulticast() || dst.IsUnspecified() ||
		src.BitLen() != dst.BitLen() || len(message) > 0xffff-ipv6Len {
		return nil
	}
	return advert(hop, mac, src, dst, ttl, message)
}

// unresolved stands for the MAC address of a next hop that is not known. No
// device has it.
var unresolved [6]byte

// advert is a frame to a MAC address.
func advert(to, mac net.HardwareAddr, src, dst netip.Addr, ttl uint8, message []byte) []byte {
	b := make([]byte, 0, etherLen+ipv6Len+len(message))
	b = append(append(b, to...), mac...)
	if src.Is4() {
		b = binary.BigEndian.AppendUint16(b, uint16(ethernet.EtherTypeIPv4))
		b = appendIPv4(b, src, dst, ttl, len(message))
	} else {
		b = binary.BigEndian.AppendUint16(b, uint16(ethernet.EtherTypeIPv6))
		b = appendIPv6(b, trafficClass, vrrp.Protocol, src, dst, ttl, len(message))
	}
	if [6]byte(b) == unresolved {
		countIPv4(b, 1) // the kernel would fill in a 0, behind the back of who signs
	}
	return append(b, message...)
}

func appendIPv4(b []byte, src, dst netip.Addr, ttl uint8, payload int) []byte {
	start := len(b)
	b = append(b, 0x45, trafficClass)
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4Len+payload))
	b = append(b, 0, 0, 0, 0, ttl, vrrp.Protocol, 0, 0)
	b = append(b, src.AsSlice()...)
	b = append(b, dst.AsSlice()...)
	checksumIPv4(b[start:])
	return b
}

// group6MAC is the MAC address of an IPv6 group (RFC 2464 section 7).
func group6MAC(dst netip.Addr) net.HardwareAddr {
	group := dst.As16()
	return append(net.HardwareAddr{0x33, 0x33}, group[12:]...)
}

// appendEther6 is the Ethernet header to an IPv6 group.
func appendEther6(b []byte, mac net.HardwareAddr, dst netip.Addr) []byte {
	b = append(append(b, group6MAC(dst)...), mac...)
	return binary.BigEndian.AppendUint16(b, uint16(ethernet.EtherTypeIPv6))
}

func appendIPv6(b []byte, class, proto uint8, src, dst netip.Addr, hopLimit uint8, payload int) []byte {
	b = append(b, 0x60|class>>4, class<<4, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(payload))
	b = append(b, proto, hopLimit)
	b = append(b, src.AsSlice()...)
	return append(b, dst.AsSlice()...)
}

// checksumIPv4 sets the checksum of a header of ipv4Len octets (RFC 791).
func checksumIPv4(header []byte) {
	header[10], header[11] = 0, 0
	var s uint32
	for i := 0; i < ipv4Len; i += 2 {
		s += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	s = s>>16 + s&0xffff
	s += s >> 16
	binary.BigEndian.PutUint16(header[10:], ^uint16(s))
}

// SetProtocol says what stands behind the IPv4 header of a frame that AdvertFrame
// made. Other frames are left alone.
func SetProtocol(frame []byte, proto uint8) {
	if header := headerIPv4(frame); header != nil {
		header[9] = proto
		checksumIPv4(header)
	}
}

// headerIPv4 is the IPv4 header of a frame, nil when it has none.
func headerIPv4(frame []byte) []byte {
	if len(frame) < etherLen+ipv4Len || binary.BigEndian.Uint16(frame[12:]) != uint16(ethernet.EtherTypeIPv4) {
		return nil
	}
	return frame[etherLen : etherLen+ipv4Len]
}

// countIPv4 gives the next identification to a frame that AdvertFrame made, as
// keepalived does: equal frames a few milliseconds apart are what the
// de-duplication of a mirror port throws away. Other frames are left alone.
func countIPv4(frame []byte, id uint16) {
	if header := headerIPv4(frame); header != nil {
		binary.BigEndian.PutUint16(header[4:], id)
		checksumIPv4(header)
	}
}

// GARPFrame is a gratuitous ARP for vip, in the form keepalived sends: a
// broadcast request whose sender and target address are vip and whose target
// MAC is broadcast too. (Errata 7947 and 7949 of RFC 9568 want the router's own
// there; receivers of a request ignore the field, RFC 5227 section 2.1.1.) It is
// padded with zeros to Ethernet's least length. It is nil when vip is no IPv4
// address or mac is not six octets.
func GARPFrame(mac net.HardwareAddr, vip netip.Addr) []byte {
	if len(mac) != 6 {
		return nil
	}
	request, err := arp.NewPacket(arp.OperationRequest, mac, vip, ethernet.Broadcast, vip)
	if err != nil {
		return nil
	}
	payload, err := request.MarshalBinary()
	if err != nil {
		return nil
	}
	frame := ethernet.Frame{
		Destination: ethernet.Broadcast, Source: mac, EtherType: ethernet.EtherTypeARP, Payload: payload,
	}
	b, err := frame.MarshalBinary()
	if err != nil {
		return nil
	}
	return b
}
