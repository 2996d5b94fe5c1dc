package vrrp

import (
	"encoding/binary"
	"net/netip"
)

// sum adds b to the one's complement sum s (RFC 1071). At most 64 KiB are
// added, so 32 bits hold the carries.
func sum(s uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

// fold brings the carries in.
func fold(s uint32) uint16 {
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

// pseudoSum is the sum of the pseudo-header of n octets of VRRP: RFC 8200
// section 8.1 for IPv6, that of UDP (RFC 768) for IPv4.
func pseudoSum(src, dst netip.Addr, n int) uint32 {
	return sum(sum(Protocol+uint32(n), src.AsSlice()), dst.AsSlice())
}
