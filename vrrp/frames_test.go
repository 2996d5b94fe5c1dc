package vrrp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
)

// frame describes an Ethernet frame field by field. Its checksums are right
// unless it asks for wrong ones, so a test frame has the faults that it names
// and no other. The encoder is not that of the package.
type frame struct {
	tags   []uint32 // TPID << 16 | TCI, outermost first
	src    string
	dst    string
	ttl    uint8
	ipVer  uint8 // 0: as the addresses have it
	opts   int   // octets of IPv4 options; -4: a header that is too short
	frag   uint16
	next   uint8  // IPv6: an extension header of this kind in front
	ah     []byte // Authentication Header in front
	badIP  bool   // wrong IPv4 header checksum
	total  int    // added to the IP length field
	pad    int    // octets after the IP packet
	proto  uint8  // 0: VRRP
	ver    uint8
	typ    uint8
	vrid   uint8
	prio   uint8
	count  int // added to the count of addresses
	auth   uint8
	every  uint16 // interval as on the wire
	addrs  string
	secret string // v2
	form   Checksum
	badSum bool
	tail   int // octets after the message, inside the IP packet
	cut    int // the message ends after so many octets; 0: not cut
}

func frameV3() frame {
	return frame{src: "10.0.0.1", dst: "224.0.0.18", ttl: 255, ver: 3, typ: 1, vrid: 51, prio: 100, every: 100, addrs: "10.0.0.100"}
}

func frameV2() frame {
	f := frameV3()
	f.ver, f.vrid, f.every = 2, 52, 1
	return f
}

func frameV6() frame {
	f := frameV3()
	f.src, f.dst, f.addrs = "fe80::1", "ff02::12", "fe80::100"
	return f
}

// ahFor is an Authentication Header with the 12-octet ICV of RFC 2403.
func ahFor(next uint8) []byte {
	return append([]byte{next, 4, 0, 0}, make([]byte, 20)...)
}

func (f frame) bytes() []byte {
	b := slices.Concat([]byte{1, 0, 0x5e, 0, 0, 18}, []byte{2, 0, 0, 0, 0, 1})
	for _, tag := range f.tags {
		b = binary.BigEndian.AppendUint32(b, tag)
	}
	src, dst := netip.MustParseAddr(f.src), netip.MustParseAddr(f.dst)
	payload := append(f.ah[:len(f.ah):len(f.ah)], f.message(src, dst)...)
	proto := uint8(112)
	switch {
	case f.proto != 0:
		proto = f.proto
	case f.ah != nil:
		proto = 51
	}
	if src.Is4() {
		b = binary.BigEndian.AppendUint16(b, 0x0800)
		b = append(b, f.ipv4(proto, len(payload), src, dst)...)
	} else {
		b = binary.BigEndian.AppendUint16(b, 0x86dd)
		if f.next != 0 {
			payload = append([]byte{proto, 0, 0, 0, 0, 0, 0, 0}, payload...)
			proto = f.next % 128 // 128 stands for hop-by-hop, which is 0
		}
		b = append(b, f.version(6)<<4, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(len(payload)+f.total))
		b = append(b, proto, f.ttl)
		b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
	}
	b = append(b, payload...)
	return slices.Clip(append(b, make([]byte, f.pad)...))
}

func (f frame) version(right uint8) uint8 {
	if f.ipVer != 0 {
		return f.ipVer
	}
	return right
}

func (f frame) ipv4(proto uint8, payload int, src, dst netip.Addr) []byte {
	n := 20 + f.opts
	h := []byte{f.version(4)<<4 | uint8(n/4), 0xc0}
	h = binary.BigEndian.AppendUint16(h, uint16(n+payload+f.total))
	h = binary.BigEndian.AppendUint16(h, 1)
	h = binary.BigEndian.AppendUint16(h, f.frag)
	h = append(h, f.ttl, proto, 0, 0)
	h = append(append(h, src.AsSlice()...), dst.AsSlice()...)
	h = append(h, make([]byte, max(f.opts, 0))...)
	binary.BigEndian.PutUint16(h[10:], checksum(h[:n]))
	if f.badIP {
		h[11] ^= 1
	}
	return h
}

func (f frame) message(src, dst netip.Addr) []byte {
	list := addrs(f.addrs)
	m := []byte{f.ver<<4 | f.typ, f.vrid, f.prio, uint8(len(list) + f.count)}
	if f.ver == 2 {
		m = append(m, f.auth, uint8(f.every), 0, 0)
	} else {
		m = append(m, uint8(f.every>>8), uint8(f.every), 0, 0)
	}
	for _, a := range list {
		m = append(m, a.AsSlice()...)
	}
	if f.ver == 2 {
		var data [8]byte
		copy(data[:], f.secret)
		m = append(m, data[:]...)
	}
	covered := [][]byte{m}
	if src.Is6() {
		m = append(m, bytes.Repeat([]byte{0xa5}, f.tail)...)
		covered[0] = m
	}
	if src.Is6() || f.ver == 3 && f.form == ChecksumPseudo {
		covered = append(covered, src.AsSlice(), dst.AsSlice(), []byte{0, 112, uint8(len(m) >> 8), uint8(len(m))})
	}
	binary.BigEndian.PutUint16(m[6:], checksum(covered...))
	if f.badSum {
		m[7] ^= 1
	}
	if src.Is4() {
		m = append(m, bytes.Repeat([]byte{0xa5}, f.tail)...)
	}
	if f.cut > 0 {
		m = m[:f.cut]
	}
	return m
}

// checksum is RFC 1071's, as arithmetic modulo 65535.
func checksum(parts ...[]byte) uint16 {
	var s uint64
	for _, p := range parts {
		for i, o := range p {
			s += uint64(o) << (8 * (1 - i%2))
		}
	}
	if s %= 65535; s == 0 {
		s = 65535
	}
	return 65535 - uint16(s)
}
