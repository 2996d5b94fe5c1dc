package flight

import (
	"encoding/binary"
	"net/netip"

	"github.com/vrrpx/vrrpx/vrrp"
)

var (
	group4 = netip.AddrFrom4([4]byte{224, 0, 0, 18}) // RFC 9568 section 5.1.1.2
	group6 = netip.MustParseAddr("ff02::12")
)

// rebuild is a frame that carries an advert as it was heard, for tools that dissect
// frames. Not recorded, and so not as it was: destination, TTL, authentication, the
// form of the checksum. False for an advert that no frame can carry.
func rebuild(a *vrrp.Advert) ([]byte, bool) {
	src, dst := a.Src, group4
	if !src.Is4() {
		dst = group6
	}
	if !src.IsValid() || src.Zone() != "" || a.Version != 3 && (a.Version != 2 || !src.Is4()) {
		return nil, false
	}
	msg, err := a.Packet.Append(nil, src, dst, vrrp.ChecksumPseudo)
	if err != nil {
		return nil, false
	}
	if src.Is4() {
		return append(header4(a.MAC, src, len(msg)), msg...), true
	}
	return append(header6(a.MAC, src, len(msg)), msg...), true
}

func header4(mac [6]byte, src netip.Addr, n int) []byte {
	b := ethernet([6]byte{0x01, 0, 0x5e, 0, 0, 0x12}, mac, 0x0800)
	ip := len(b)
	b = append(b, 0x45, 0xc0)
	b = binary.BigEndian.AppendUint16(b, uint16(20+n))
	b = append(b, 0, 0, 0, 0, 255, vrrp.Protocol, 0, 0)
	b = append(append(b, src.AsSlice()...), group4.AsSlice()...)
	var sum uint32
	for i := ip; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[ip+10:], ^uint16(sum))
	return b
}

func header6(mac [6]byte, src netip.Addr, n int) []byte {
	b := ethernet([6]byte{0x33, 0x33, 0, 0, 0, 0x12}, mac, 0x86dd)
	b = append(b, 0x6c, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = append(b, vrrp.Protocol, 255)
	return append(append(b, src.AsSlice()...), group6.AsSlice()...)
}

func ethernet(dst, src [6]byte, kind uint16) []byte {
	return binary.BigEndian.AppendUint16(append(append([]byte{}, dst[:]...), src[:]...), kind)
}
