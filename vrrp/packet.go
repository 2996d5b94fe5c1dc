package vrrp

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"
)

// AuthType is VRRPv2's authentication type (RFC 2338 section 5.3.6); VRRPv3
// has none.
type AuthType uint8

// The authentication types.
const (
	AuthNone AuthType = 0
	AuthPass AuthType = 1 // eight octets in clear text
	AuthAH   AuthType = 2 // IP Authentication Header in front of VRRP
)

// Sizes and limits on the wire.
const (
	headerLen   = 8
	authDataLen = 8

	Protocol    = 112  // IP protocol of VRRP
	ProtocolAH  = 51   // IP protocol of the Authentication Header
	MaxInterval = 4095 // centiseconds: twelve bits (RFC 9568 section 5.2.7)

	typeAdvert = 1
)

// Packet is a VRRP advertisement: RFC 3768 section 5.1 (v2) and RFC 9568
// section 5.1 (v3).
type Packet struct {
	Version  uint8 // 2 or 3
	VRID     uint8 // 1 to 255
	Priority uint8 // 0 releases, 255 owns
	// Interval between adverts: whole seconds in v2, 10 ms to 40.95 s in v3.
	Interval time.Duration
	Addrs    []netip.Addr // in configured order, at most 255, one family
	Auth     AuthType     // v2 only
	AuthData [8]byte      // v2 only: the password, zero padded
}

// Checksum is the form of a v3 checksum over IPv4, on which implementations
// differ.
type Checksum uint8

// The forms. IPv6 always includes its pseudo-header; v2 never has one.
const (
	// ChecksumPseudo includes an IPv4 pseudo-header, keepalived's reading of
	// RFC 5798 and its default.
	ChecksumPseudo Checksum = iota
	// ChecksumPlain covers the VRRP message only (RFC 9568 section 5.2.8).
	ChecksumPlain
	// ChecksumOld is keepalived's form for unicast before 1.3.7: a pseudo-header
	// with the multicast group as its destination. Append makes it when it is told
	// ChecksumPseudo and the group for dst.
	ChecksumOld
)

// ErrInterval is an interval that the version's field cannot carry.
var ErrInterval = errors.New("vrrp: interval does not fit the version's field")

// ErrAddrs is an address list that a packet cannot carry.
var ErrAddrs = errors.New("vrrp: more than 255 addresses, or families mixed")

// WireInterval returns the interval as the version's field has it: seconds in
// v2 (1 to 255), centiseconds in v3 (1 to 4095). It fails with ErrInterval.
func WireInterval(version uint8, d time.Duration) (uint16, error) {
	unit, most := 10*time.Millisecond, time.Duration(MaxInterval)
	if version == 2 {
		unit, most = time.Second, 255
	}
	if d%unit != 0 || d < unit || d/unit > most {
		return 0, ErrInterval
	}
	return uint16(d / unit), nil
}

// Append appends the packet's message, checksum included, to b. src and dst
// are the addresses of the IP header that will carry it; form matters to v3
// over IPv4 alone. It fails with ErrInterval or ErrAddrs.
func (p *Packet) Append(b []byte, src, dst netip.Addr, form Checksum) ([]byte, error) {
	wire, err := WireInterval(p.Version, p.Interval)
	if err != nil {
		return b, err
	}
	if len(p.Addrs) > 255 {
		return b, ErrAddrs
	}
	start := len(b)
	b = append(b, p.Version<<4|typeAdvert, p.VRID, p.Priority, uint8(len(p.Addrs)))
	if p.Version == 2 {
		b = append(b, uint8(p.Auth), uint8(wire), 0, 0)
	} else {
		b = append(b, uint8(wire>>8), uint8(wire), 0, 0)
	}
	for _, a := range p.Addrs {
		if a.BitLen() != src.BitLen() { // 0 for the zero Addr, 32 or 128
			return b[:start], ErrAddrs
		}
		b = append(b, a.AsSlice()...)
	}
	if p.Version == 2 {
		b = append(b, p.AuthData[:]...)
	}
	msg := b[start:]
	var seed uint32
	if p.Version == 3 && (src.Is6() || form == ChecksumPseudo) {
		seed = pseudoSum(src, dst, len(msg))
	}
	binary.BigEndian.PutUint16(msg[6:], ^fold(sum(seed, msg)))
	return b, nil
}

// Parse reads a message that Judge accepted; trailing bytes are ignored. It
// fails with a Drop (length, version or type) on a message that cannot be
// read, whoever made it.
func Parse(msg []byte, f Family) (Packet, error) {
	var p Packet
	if d := checkShape(msg, f); d != Accepted {
		return p, d
	}
	p.Version, p.VRID, p.Priority = msg[0]>>4, msg[1], msg[2]
	size, n := addrSize(f), int(msg[3])
	if p.Version == 2 {
		p.Auth = AuthType(msg[4])
		p.Interval = time.Duration(msg[5]) * time.Second
		copy(p.AuthData[:], msg[headerLen+n*size:])
	} else {
		p.Interval = time.Duration(wireInterval(msg)) * 10 * time.Millisecond
	}
	p.Addrs = make([]netip.Addr, n)
	for i := range p.Addrs {
		p.Addrs[i], _ = netip.AddrFromSlice(msg[headerLen+i*size:][:size])
	}
	return p, nil
}

// checkShape tells whether msg is a whole advertisement of version 2 or 3.
func checkShape(msg []byte, f Family) Drop {
	switch {
	case len(msg) < 1:
		return DropLength
	case msg[0]>>4 != 3 && (msg[0]>>4 != 2 || f != IPv4):
		return DropVersion
	case msg[0]&15 != typeAdvert:
		return DropType
	case len(msg) < headerLen || len(msg) < messageLen(msg, f):
		return DropLength
	}
	return Accepted
}

// messageLen is the length that the header of msg asks for.
func messageLen(msg []byte, f Family) int {
	n := headerLen + int(msg[3])*addrSize(f)
	if msg[0]>>4 == 2 {
		n += authDataLen
	}
	return n
}

// wireInterval reads the interval field as it is on the wire, without v3's
// four reserved bits.
func wireInterval(msg []byte) uint16 {
	if msg[0]>>4 == 2 {
		return uint16(msg[5])
	}
	return binary.BigEndian.Uint16(msg[4:]) & MaxInterval
}

func addrSize(f Family) int {
	if f == IPv6 {
		return 16
	}
	return 4
}
