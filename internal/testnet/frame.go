package testnet

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Protocol and type numbers (IANA).
const (
	protoVRRP   = 112
	protoAH     = 51
	protoICMPv6 = 58

	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherIPv6 = 0x86dd

	etherLen = 14
	ipv6Len  = 40
)

// Frame is an Ethernet frame as the bridge saw it, stamped by the kernel on
// receipt. The decoding here is deliberately not that of package vrrp, which
// it is used to test.
type Frame struct {
	At    vrrp.Instant
	Bytes []byte
}

// Advert holds the fields of an advert that VRRPv2 and VRRPv3 share.
type Advert struct {
	Src      netip.Addr
	SrcMAC   net.HardwareAddr
	Version  uint8
	Type     uint8
	VRID     uint8
	Priority uint8
	Count    uint8 // of addresses
}

func (f Frame) etherType() int {
	if len(f.Bytes) < etherLen {
		return 0
	}
	return int(binary.BigEndian.Uint16(f.Bytes[12:]))
}

// SrcMAC returns the sender's MAC address, nil for a runt.
func (f Frame) SrcMAC() net.HardwareAddr {
	if len(f.Bytes) < etherLen {
		return nil
	}
	return net.HardwareAddr(f.Bytes[6:12])
}

// SrcIP returns the sender's address of an IPv4, IPv6 or ARP frame, else the
// zero Addr.
func (f Frame) SrcIP() netip.Addr {
	at, size := 0, 4
	switch f.etherType() {
	case etherIPv4:
		at = etherLen + 12
	case etherARP:
		at = etherLen + 14
	case etherIPv6:
		at, size = etherLen+8, 16
	default:
		return netip.Addr{}
	}
	if len(f.Bytes) < at+size {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(f.Bytes[at : at+size])
	return a
}

// Advert decodes a VRRP packet, with or without AH in front of it; ok is false
// for any other frame and for one too short for the fields.
func (f Frame) Advert() (a Advert, ok bool) {
	var proto byte
	var p []byte
	switch b := f.Bytes; f.etherType() {
	case etherIPv4:
		if len(b) < etherLen+20 {
			return a, false
		}
		proto = b[etherLen+9]
		if hlen := int(b[etherLen]&15) * 4; len(b) > etherLen+hlen {
			p = b[etherLen+hlen:]
		}
	case etherIPv6:
		if len(b) < etherLen+ipv6Len {
			return a, false
		}
		proto, p = b[etherLen+6], b[etherLen+ipv6Len:]
	}
	if proto == protoAH && len(p) > 2 {
		// RFC 4302 section 2.2: length in 32-bit words, minus 2.
		if hlen := (int(p[1]) + 2) * 4; len(p) > hlen {
			proto, p = p[0], p[hlen:]
		}
	}
	if proto != protoVRRP || len(p) < 4 {
		return a, false
	}
	return Advert{
		Src: f.SrcIP(), SrcMAC: f.SrcMAC(),
		Version: p[0] >> 4, Type: p[0] & 15, VRID: p[1], Priority: p[2], Count: p[3],
	}, true
}

// IsAdvert tells whether the frame carries a VRRP packet.
func (f Frame) IsAdvert() bool {
	_, ok := f.Advert()
	return ok
}

// IsGARP tells whether the frame is a gratuitous ARP, request or reply, for ip.
func (f Frame) IsGARP(ip string) bool {
	if f.etherType() != etherARP || len(f.Bytes) < etherLen+28 {
		return false
	}
	target, _ := netip.AddrFromSlice(f.Bytes[etherLen+24 : etherLen+28])
	return f.SrcIP() == target && target == netip.MustParseAddr(ip)
}

// IsNA tells whether the frame is an unsolicited neighbour advertisement for
// ip: sent to all nodes, override set (RFC 4861 section 4.4).
func (f Frame) IsNA(ip string) bool {
	const icmp = etherLen + ipv6Len
	b := f.Bytes
	if f.etherType() != etherIPv6 || len(b) < icmp+24 || b[etherLen+6] != protoICMPv6 || b[icmp] != 136 {
		return false
	}
	const solicited, override = 0x40, 0x20
	target, _ := netip.AddrFromSlice(b[icmp+8 : icmp+24])
	return b[icmp+4]&(solicited|override) == override && target == netip.MustParseAddr(ip)
}

// Announces tells whether the frame is of a protocol that says who holds an
// address: VRRP, also behind AH, ARP or neighbour discovery.
func (f Frame) Announces() bool {
	b := f.Bytes
	switch f.etherType() {
	case etherARP:
		return true
	case etherIPv4:
		return len(b) > etherLen+9 && (b[etherLen+9] == protoVRRP || b[etherLen+9] == protoAH)
	case etherIPv6:
		if len(b) <= etherLen+ipv6Len {
			return false
		}
		icmpType := b[etherLen+ipv6Len]
		return b[etherLen+6] == protoVRRP || b[etherLen+6] == protoICMPv6 && icmpType >= 133 && icmpType <= 137
	}
	return false
}
