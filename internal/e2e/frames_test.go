package e2e

import (
	"encoding/binary"
	"net/netip"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

const (
	protoAH   = 51
	protoVRRP = 112
)

// message is a VRRPv3 advert for vip, or a VRRPv2 one with the password of
// protocol.conf, summed over itself alone.
func (p protocol) message(priority byte) []byte {
	a := netip.MustParseAddr(vip).As4()
	m := []byte{byte(p.version<<4 | 1), 51, priority, 1, 0, 0, 0, 0, a[0], a[1], a[2], a[3]}
	if p.version == 2 {
		m[4], m[5] = 1, byte(p.interval.Seconds())
		m = append(m, "1111\x00\x00\x00\x00"...)
	} else {
		binary.BigEndian.PutUint16(m[4:], uint16(p.interval.Milliseconds()/10))
	}
	binary.BigEndian.PutUint16(m[6:], testnet.Checksum(m))
	return m
}

// frame6 wraps a payload for the VRRP group of IPv6.
func frame6(from *testnet.Host, payload []byte) []byte {
	f := append([]byte{0x33, 0x33, 0, 0, 0, 0x12}, from.MAC...)
	f = append(f, 0x86, 0xdd)
	h := make([]byte, 40)
	h[0], h[6], h[7] = 0x60, protoVRRP, 255
	binary.BigEndian.PutUint16(h[4:], uint16(len(payload)))
	copy(h[8:], netip.MustParseAddr("fe80::99").AsSlice())
	copy(h[24:], netip.MustParseAddr("ff02::12").AsSlice())
	return testnet.Padded(append(append(f, h...), payload...))
}

// behindAH puts an Authentication Header (RFC 4302 section 2) with an ICV of
// 12 zero bytes, as keepalived's, in front of a message.
func behindAH(m []byte) []byte {
	ah := make([]byte, 24)
	ah[0], ah[1], ah[11] = protoVRRP, 4, 1
	return append(ah, m...)
}
