package vrrp

import (
	"encoding/binary"
	"net/netip"
)

// Expect is what a virtual router demands of an advert before its content is
// looked at: the part of the kernel program's rule that judges.
type Expect struct {
	Version    uint8 // 2 or 3
	Auth       AuthType
	Interval   uint16     // v2: Adver Int that an advert must carry; 0: any
	Own, Group netip.Addr // our primary address; the destination to demand
	// Unicast is set of a router with unicast peers; Group is then our own address.
	Unicast *Unicast
}

// Frame is what Judge found in an Ethernet frame, whose octets its slices are.
type Frame struct {
	MAC      [6]byte // source
	Src, Dst netip.Addr
	TTL      uint8
	Family   Family
	VRID     uint8
	AH       []byte   // the Authentication Header, if one stands before VRRP
	Message  []byte   // the whole IP payload from the VRRP header on
	Packet   []byte   // from the IP header to the end of its payload
	Checksum Checksum // the form that fitted
}

const (
	etherIPv4  = 0x0800
	etherIPv6  = 0x86dd
	etherVLAN  = 0x8100
	etherQinQ  = 0x88a8
	etherLen   = 14
	ipv4Len    = 20
	ipv6Len    = 40
	ahFixedLen = 12

	// messageMax is the longest message that the kernel program passes on: 255
	// IPv6 addresses and the 28 octets that sign one (MESSAGE_MAX in bpf/abi.h).
	messageMax = headerLen + 255*16 + 28
)

// Judge looks at an Ethernet frame as bpf/ does, with the same checks in the
// same order, for interfaces without XDP. lookup finds the router of a VRID on
// the frame's interface. The last result is false when the frame carries no
// VRRP at all; the Drop is Accepted for an advert to take up.
func Judge(frame []byte, lookup func(vrid uint8, f Family) (Expect, bool)) (Frame, Drop, bool) {
	var fr Frame
	if len(frame) < etherLen {
		return fr, Accepted, false
	}
	copy(fr.MAC[:], frame[6:12])
	kind, rest, tagged := untag(binary.BigEndian.Uint16(frame[12:]), frame[etherLen:])
	var proto uint8
	var drop Drop
	switch kind {
	case etherIPv4:
		proto, rest, drop = fr.ipv4(rest)
	case etherIPv6:
		proto, rest, drop = fr.ipv6(rest)
	default:
		return fr, Accepted, false
	}
	if proto == 0 || drop != Accepted {
		return fr, drop, proto != 0
	}
	if proto == ProtocolAH {
		if len(rest) < 2 || rest[0] != Protocol {
			return fr, Accepted, false
		}
		n := (int(rest[1]) + 2) * 4
		if n < ahFixedLen || n > len(rest) {
			return fr, DropTruncated, true
		}
		fr.AH, rest = rest[:n], rest[n:]
	}
	switch {
	case len(rest) < 2:
		return fr, DropTruncated, true
	case tagged:
		return fr, DropVLAN, true
	}
	fr.Message, fr.VRID = rest, rest[1]
	want, ok := lookup(fr.VRID, fr.Family)
	if !ok {
		return fr, DropVRID, true
	}
	return fr, fr.judge(want), true
}

// untag looks through one priority tag (VID 0). Any other tag makes the frame
// that of another device.
func untag(kind uint16, b []byte) (inner uint16, rest []byte, other bool) {
	for depth := 0; depth < 2 && (kind == etherVLAN || kind == etherQinQ); depth++ {
		if len(b) < 4 {
			return 0, nil, false
		}
		other = other || depth > 0 || binary.BigEndian.Uint16(b)&0xfff != 0
		kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	return kind, b, other
}

// ipv4 reads the header; proto is 0 when VRRP is not in it.
func (fr *Frame) ipv4(b []byte) (proto uint8, payload []byte, d Drop) {
	if len(b) < ipv4Len || b[9] != Protocol && b[9] != ProtocolAH {
		return 0, nil, Accepted
	}
	proto = b[9]
	hlen, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case b[0]>>4 != 4, hlen < ipv4Len, hlen > len(b), total < hlen, total > len(b), fold(sum(0, b[:hlen])) != 0xffff:
		return proto, nil, DropIPHeader
	case hlen > ipv4Len:
		return proto, nil, DropIPOptions
	case binary.BigEndian.Uint16(b[6:])&0x3fff != 0:
		return proto, nil, DropFragment
	}
	fr.Family, fr.TTL = IPv4, b[8]
	fr.Src, fr.Dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	fr.Packet = b[:total]
	return proto, b[hlen:total], Accepted
}

// ipv6 reads the header; proto is 0 when VRRP is not in it.
func (fr *Frame) ipv6(b []byte) (proto uint8, payload []byte, d Drop) {
	if len(b) < ipv6Len {
		return 0, nil, Accepted
	}
	fr.Dst = netip.AddrFrom16([16]byte(b[24:40]))
	proto = b[6]
	ext := fr.Dst.IsMulticast() && extHeader(proto)
	switch {
	case ext && (len(b) == ipv6Len || !mayHideVRRP(b[ipv6Len])):
		return 0, nil, Accepted // MLD, for one
	case ext:
		proto = Protocol
	case proto != Protocol && proto != ProtocolAH:
		return 0, nil, Accepted
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	switch {
	case b[0]>>4 != 6, n > len(b)-ipv6Len:
		return proto, nil, DropIPHeader
	case ext:
		return proto, nil, DropExtHeader
	}
	fr.Family, fr.TTL = IPv6, b[7]
	fr.Src = netip.AddrFrom16([16]byte(b[8:24]))
	fr.Packet = b[:ipv6Len+n]
	return proto, b[ipv6Len : ipv6Len+n], Accepted
}

// extHeader tells of hop-by-hop options, routing, fragment and destination options
// (RFC 8200 section 4).
func extHeader(next uint8) bool { return next == 0 || next == 43 || next == 44 || next == 60 }

// mayHideVRRP tells whether a first extension header that names next may stand
// before VRRP. A second one may: it is not looked behind.
func mayHideVRRP(next uint8) bool {
	return next == Protocol || next == ProtocolAH || extHeader(next)
}

// judge applies the checks that need the router, in the order of the list of
// drops.
func (fr *Frame) judge(want Expect) Drop {
	msg := fr.Message
	if u := want.Unicast; u != nil {
		if d := u.admits(fr, want.Group); d != Accepted {
			return d
		}
	} else if fr.TTL != 255 {
		return DropTTL
	}
	switch {
	case (want.Auth == AuthAH) != (fr.AH != nil):
		return DropAuthType
	case msg[0]>>4 != want.Version:
		return DropVersion
	}
	if d := checkShape(msg, fr.Family); d != Accepted {
		return d
	}
	if len(msg) > messageMax {
		return DropLength
	}
	form, ok := fr.checksumForm(want.Unicast)
	fr.Checksum = form
	switch {
	case !ok:
		return DropChecksum
	case fr.Dst != want.Group:
		return DropDestination
	case badSource(fr.Src):
		return DropSource
	case fr.Src == want.Own:
		return DropOwn
	case want.Version == 3 && wireInterval(msg) == 0:
		return DropIntervalZero
	case want.Version == 2 && AuthType(msg[4]) != want.Auth:
		return DropAuthType
	case want.Version == 2 && want.Interval != 0 && wireInterval(msg) != want.Interval:
		return DropInterval
	}
	return Accepted
}

// badSource is an address that no host sends from. An IPv4-mapped IPv6 address
// is judged as the IPv6 address that it is.
func badSource(a netip.Addr) bool {
	return !a.Is4In6() && (a.IsUnspecified() || a.IsLoopback() || a.IsMulticast())
}

// checksumForm checks the checksum of a message of good shape and tells which
// form fitted. RFC 9568 section 5.2.8; IPv6 covers the whole payload, as the
// kernel's IPV6_CHECKSUM does. The old form is that of unicast alone.
func (fr *Frame) checksumForm(u *Unicast) (Checksum, bool) {
	msg := fr.Message
	if fr.Family == IPv6 {
		return ChecksumPseudo, fold(sum(pseudoSum(fr.Src, fr.Dst, len(msg)), msg)) == 0xffff
	}
	msg = msg[:messageLen(msg, fr.Family)]
	plain := sum(0, msg)
	fits := func(dst netip.Addr) bool { return fold(plain+pseudoSum(fr.Src, dst, len(msg))) == 0xffff }
	switch {
	case fold(plain) == 0xffff:
		return ChecksumPlain, true
	case msg[0]>>4 != 3:
		return ChecksumPseudo, false
	case u != nil && u.OldGroup.IsValid() && !fits(fr.Dst) && fits(u.OldGroup):
		return ChecksumOld, true
	}
	return ChecksumPseudo, fits(fr.Dst)
}
