package testnet

import (
	"encoding/binary"
	"net/netip"
)

// GroupFrame wraps a payload for the VRRP group of IPv4, from src and the host's MAC
// address.
func (h *Host) GroupFrame(src netip.Addr, ttl, protocol byte, payload []byte) []byte {
	f := append([]byte{1, 0, 0x5e, 0, 0, 18}, h.MAC...)
	f = append(f, etherIPv4>>8, etherIPv4&0xff)
	ip := make([]byte, 20)
	ip[0], ip[1], ip[8], ip[9] = 0x45, 0xc0, ttl, protocol
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)+len(payload)))
	copy(ip[12:], src.AsSlice())
	copy(ip[16:], []byte{224, 0, 0, 18})
	binary.BigEndian.PutUint16(ip[10:], Checksum(ip))
	return Padded(append(append(f, ip...), payload...))
}

// Padded makes a frame as long as Ethernet demands.
func Padded(f []byte) []byte {
	for len(f) < 60 {
		f = append(f, 0)
	}
	return f
}

// Checksum is RFC 1071's, of bytes whose own checksum field is zero; an odd one at the
// end does not count.
func Checksum(b []byte) uint16 {
	var s uint32
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}
