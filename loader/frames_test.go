package loader

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
)

// Frames are made by hand here, by neither of the two programs that judge them.

var peerMAC = [6]byte{0x52, 0x54, 0, 0, 0, 0x10}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// inetSum is the one's complement sum of RFC 1071.
func inetSum(parts ...[]byte) uint16 {
	var s uint32
	for _, b := range parts {
		if len(b)%2 == 1 {
			b = append(slices.Clone(b), 0)
		}
		for ; len(b) > 0; b = b[2:] {
			s += uint32(binary.BigEndian.Uint16(b))
			s = s&0xffff + s>>16
		}
	}
	return uint16(s)
}

func be16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// ether is a frame of an EtherType, behind the tags (EtherType and TCI each).
func ether(etherType int, payload []byte, tags ...[2]int) []byte {
	b := append([]byte{1, 0, 0x5e, 0, 0, 18}, peerMAC[:]...)
	for _, t := range tags {
		b = append(append(b, be16(t[0])...), be16(t[1])...)
	}
	return append(append(b, be16(etherType)...), payload...)
}

// ip4 is a packet of protocol 112 from 198.51.100.10 to the group, then
// changed; its header checksum is right afterwards.
func ip4(payload []byte, change ...func(header []byte) []byte) []byte {
	h := unhex("45c00000000000" + "00ff700000" + "c633640a" + "e0000012")
	copy(h[2:], be16(20+len(payload)))
	for _, c := range change {
		h = c(h)
	}
	sum4(h)
	return append(h, payload...)
}

func sum4(h []byte) {
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], ^inetSum(h[:min(len(h), int(h[0]&15)*4)]))
}

// ip6 is a packet of next header 112 from fe80::10 to the group, then changed.
func ip6(payload []byte, change ...func(header []byte) []byte) []byte {
	h := unhex("6c000000" + "0000" + "70" + "ff" + "fe800000000000000000000000000010" + "ff020000000000000000000000000012")
	copy(h[4:], be16(len(payload)))
	for _, c := range change {
		h = c(h)
	}
	return append(h, payload...)
}

// set changes one byte.
func set(i int, v byte) func([]byte) []byte {
	return func(b []byte) []byte { b[i] = v; return b }
}

func with(at int, addr string) func([]byte) []byte {
	return func(b []byte) []byte { copy(b[at:], netip.MustParseAddr(addr).AsSlice()); return b }
}

func v4frame(payload []byte, change ...func([]byte) []byte) []byte {
	return ether(0x0800, ip4(payload, change...))
}

func v6frame(payload []byte, change ...func([]byte) []byte) []byte {
	return ether(0x86dd, ip6(payload, change...))
}

// ext puts an extension header of 8 bytes that names next in front.
func ext(next byte, payload []byte) []byte {
	return append([]byte{next, 0, 1, 4, 0, 0, 0, 0}, payload...)
}

// ah puts an Authentication Header with an ICV of n words in front.
func ah(words int, payload []byte) []byte {
	b := []byte{112, byte(words + 1), 0, 0, 0, 0, 0, 51, 0, 0, 0, 1}
	return append(append(b, make([]byte, 4*words)...), payload...)
}

// message changes a message and sets its checksum as v2 and RFC 9568 have it.
func message(golden string, change ...func([]byte) []byte) []byte {
	b := unhex(golden)
	for _, c := range change {
		b = c(b)
	}
	b[6], b[7] = 0, 0
	copy(b[6:], be16(int(^inetSum(b[:min(len(b), size(b))]))))
	return b
}

// size of an IPv4 message, by its own count.
func size(b []byte) int {
	n := 8 + 4*int(b[3])
	if b[0]>>4 == 2 {
		n += 8
	}
	return n
}

// message6 does the same for IPv6 between the addresses of ip6.
func message6(golden string, src string, change ...func([]byte) []byte) []byte {
	b := unhex(golden)
	for _, c := range change {
		b = c(b)
	}
	b[6], b[7] = 0, 0
	copy(b[6:], be16(int(^inetSum(netip.MustParseAddr(src).AsSlice(), group6.AsSlice(), be16(len(b)), be16(112), b))))
	return b
}

// Golden messages: section 6 of the conformance checklist.
const (
	v3plain   = "3133c80100644402c0000264" // VRID 51, priority 200, 1 s
	v3pseudo  = "3133c80100643935c0000264"
	v3ipv6    = "3133c801006408b8fe800000000000000000000000000100"
	v3two     = "310ac80200018227c0000264c0000265"
	v3twoP    = "310ac8020001df92c0000264c0000265"
	v3zero    = "310a000100640c2cc0000264"
	v3zeroP   = "310a00010064699bc0000264"
	v3max     = "31ffff010ffffcfdc0000201"
	v2one     = "210ac8010001548ec00002640000000000000000" // VRID 10, priority 200, 1 s
	v2two     = "210ac80200019227c0000264c00002650000000000000000"
	v2holo    = "21331e010001b5c50a0001050000000000000000"
	v3signed  = "3133c80100644402c0000264010100006800000080000000" + "1b84bc4e8e43892dc6d98448f8ee2265"
	v3signed6 = "3133c8010064a2e9fe800000000000000000000000000100" + "010100006800000080000000c8c56146ebfd66ee10ec4d8186461b78"
)
