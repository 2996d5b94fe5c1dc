package loader

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/vrrp"
)

// The routers of the tests, by what they demand.
var (
	v3rule = func() Rule { return rule(3, vrrp.IPv4) }
	v6rule = func() Rule { return rule(3, vrrp.IPv6) }
	v2rule = func() Rule { r := rule(2, vrrp.IPv4); r.Interval = 1; return r }
	passed = func() Rule { r := v2rule(); r.Auth = vrrp.AuthPass; return r }
	headed = func() Rule { r := v2rule(); r.Auth = vrrp.AuthAH; return r }
)

// testCase is a frame and what is to become of it.
type testCase struct {
	name  string
	rule  func() Rule // nil: v3rule, or v6rule for an IPv6 frame
	frame []byte
	want  vrrp.Drop
	// An accepted advert:
	pseudo bool
	old    bool
	ah     bool
}

const notVRRP = vrrp.Drop(255)

func vid(n int) [2]int { return [2]int{0x8100, n} }

func ttl(v byte) func([]byte) []byte { return set(8, v) }

func fragment(v int) func([]byte) []byte {
	return func(b []byte) []byte { copy(b[6:], be16(v)); return b }
}

func options(words int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[0] = 0x45 + byte(words)
		b = append(b, bytes.Repeat([]byte{1}, 4*words)...) // no-operation
		copy(b[2:], be16(int(b[2])<<8+int(b[3])+4*words))
		return b
	}
}

func badSum4(frame []byte) []byte { frame[14+10] ^= 0xff; return frame }

func addrs(n int, width int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[3] = byte(n)
		return append(b[:8], bytes.Repeat([]byte{0xc0, 0, 2, 7}, n*width/4)...)
	}
}

func surplus(n int) func([]byte) []byte {
	return func(b []byte) []byte { return append(b, bytes.Repeat([]byte{0xa5}, n)...) }
}

const (
	peer4 = "198.51.100.10"
	peer6 = "fe80::10"
)

// pseudo4 sums a message with its pseudo-header.
func pseudo4(b []byte) []byte {
	b = slices.Clone(b)
	b[6], b[7] = 0, 0
	copy(b[6:], be16(int(^inetSum(netip.MustParseAddr(peer4).AsSlice(), group4.AsSlice(), be16(len(b)), be16(112), b))))
	return b
}

func testCases() []testCase {
	v3, v2, v6 := message(v3plain), message(v2one), message6(v3ipv6, peer6)
	v2pass, v2head := message(v2one, set(4, 1)), message(v2one, set(4, 2))
	cases := []testCase{
		// Golden bytes.
		{name: "v3 message-only checksum", frame: v4frame(unhex(v3plain))},
		{name: "v3 pseudo-header checksum", frame: v4frame(unhex(v3pseudo)), pseudo: true},
		{name: "v3 IPv6", frame: v6frame(unhex(v3ipv6)), pseudo: true},
		{name: "v3 10 ms two addresses", frame: v4frame(unhex(v3two), with(12, "192.0.2.1"))},
		{name: "v3 10 ms two addresses pseudo", frame: v4frame(unhex(v3twoP), with(12, "192.0.2.1")), pseudo: true},
		{name: "v3 release", frame: v4frame(unhex(v3zero), with(12, "192.0.2.1"))},
		{name: "v3 release pseudo", frame: v4frame(unhex(v3zeroP), with(12, "192.0.2.1")), pseudo: true},
		{name: "v3 longest interval", frame: v4frame(unhex(v3max))},
		{name: "v2", rule: v2rule, frame: v4frame(unhex(v2one))},
		{name: "v2 two addresses", rule: v2rule, frame: v4frame(unhex(v2two))},
		{name: "v2 holo", rule: v2rule, frame: v4frame(unhex(v2holo))},
		{name: "signed v4", frame: v4frame(unhex(v3signed))},
		{name: "signed v6", frame: v6frame(unhex(v3signed6), with(24, "fe80::20")), pseudo: true,
			rule: func() Rule { r := v6rule(); r.Group = netip.MustParseAddr("fe80::20"); return r }},

		// Taken all the same.
		{name: "v2 PASS", rule: passed, frame: v4frame(v2pass)},
		{name: "v2 AH", rule: headed, frame: v4frame(ah(3, v2head), set(9, 51)), ah: true},
		{name: "v2 AH longest", rule: headed, frame: v4frame(ah(254, v2head), set(9, 51)), ah: true},
		{name: "v2 any interval", frame: v4frame(message(v2one, set(5, 7))),
			rule: func() Rule { r := v2rule(); r.Interval = 0; return r }},
		{name: "v3 reserved bits", frame: v4frame(message(v3plain, set(4, 0xf0)))},
		{name: "v3 no address", frame: v4frame(message("3133c80000640000"))},
		{name: "v3 255 addresses", frame: v4frame(message(v3plain, addrs(255, 4)))},
		{name: "v3 200 IPv6 addresses", frame: v6frame(message6(v3ipv6, peer6, addrs(200, 16))), pseudo: true},
		{name: "v2 255 addresses", rule: v2rule, frame: v4frame(message(v2one, addrs(255, 4), surplus(8)))},
		{name: "v3 surplus bytes", frame: v4frame(append(v3, 1, 2, 3, 4, 5))},
		{name: "v3 surplus of IPv6", frame: v6frame(message6(v3ipv6, peer6, surplus(5))), pseudo: true},
		{name: "v2 surplus bytes", rule: v2rule, frame: v4frame(append(v2, 1))},
		{name: "Ethernet padding", frame: append(v4frame(v3), make([]byte, 14)...)},
		{name: "Ethernet padding of IPv6", frame: append(v6frame(v6), 1, 2, 3), pseudo: true},
		{name: "priority tag", frame: ether(0x0800, ip4(v3), vid(0))},
		{name: "priority tag with priority", frame: ether(0x0800, ip4(v3), vid(7<<13))},
		{name: "priority tag 802.1AD", frame: ether(0x86dd, ip6(v6), [2]int{0x88a8, 0}), pseudo: true},
		{name: "do not fragment", frame: v4frame(v3, fragment(0x4000))},
		{name: "IPv4-mapped source", frame: v6frame(message6(v3ipv6, "::ffff:127.0.0.1"), with(8, "::ffff:127.0.0.1")), pseudo: true},

		// No business of ours.
		{name: "ARP", frame: ether(0x0806, make([]byte, 46)), want: notVRRP},
		{name: "TCP", frame: v4frame(v3, set(9, 6)), want: notVRRP},
		{name: "ICMPv6", frame: v6frame(v6, set(6, 58)), want: notVRRP},
		{name: "IPsec", frame: v4frame(append([]byte{6, 4}, make([]byte, 60)...), set(9, 51)), want: notVRRP},
		{name: "IPsec to IPv6", frame: v6frame(append([]byte{6, 4}, make([]byte, 60)...), set(6, 51)), want: notVRRP},
		{name: "AH of 1 byte", frame: v4frame(ah(0, nil)[:1], set(9, 51)), want: notVRRP},
		{name: "extension header to a host", frame: v6frame(ext(112, v6), set(6, 0), with(24, "fe80::1")), want: notVRRP},
		{name: "other extension header", frame: v6frame(v6, set(6, 135)), want: notVRRP},
		{name: "MLD report", frame: v6frame(ext(58, make([]byte, 20)), set(6, 0)), want: notVRRP},
		{name: "TCP behind destination options", frame: v6frame(ext(6, v6), set(6, 60)), want: notVRRP},
		{name: "extension header and no more", frame: v6frame(nil, set(6, 0)), want: notVRRP},
		{name: "tag cut", frame: ether(0x8100, []byte{0, 0}), want: notVRRP},
		{name: "three tags", frame: ether(0x0800, ip4(v3), vid(0), vid(0), vid(0)), want: notVRRP},
		{name: "TCP on another VLAN", frame: ether(0x0800, ip4(v3, set(9, 6)), vid(9)), want: notVRRP},
		{name: "IPv4 header cut", frame: v4frame(v3)[:14+19], want: notVRRP},
		{name: "IPv6 header cut", frame: v6frame(v6)[:14+39], want: notVRRP},
		{name: "Ethernet alone", frame: v4frame(v3)[:14], want: notVRRP},

		// Laid to the interface.
		{name: "IPv4 checksum", frame: badSum4(v4frame(v3)), want: vrrp.DropIPHeader},
		{name: "IPv4 version", frame: v4frame(v3, set(0, 0x65)), want: vrrp.DropIPHeader},
		{name: "IPv4 header too short", frame: v4frame(v3, set(0, 0x44)), want: vrrp.DropIPHeader},
		{name: "IPv4 shorter than its header", frame: v4frame(v3, set(3, 19)), want: vrrp.DropIPHeader},
		{name: "IPv4 longer than the frame", frame: v4frame(v3, set(3, 33)), want: vrrp.DropIPHeader},
		{name: "IPv4 options cut", frame: v4frame(nil, options(10))[:14+59], want: vrrp.DropIPHeader},
		{name: "IPv4 options checksum", frame: badSum4(v4frame(v3, options(1))), want: vrrp.DropIPHeader},
		{name: "IPv6 version", frame: v6frame(v6, set(0, 0x4c)), want: vrrp.DropIPHeader},
		{name: "IPv6 longer than the frame", frame: v6frame(v6, set(5, 25)), want: vrrp.DropIPHeader},
		{name: "IPv4 options", frame: v4frame(v3, options(1)), want: vrrp.DropIPOptions},
		{name: "IPv4 options longest", frame: v4frame(v3, options(10)), want: vrrp.DropIPOptions},
		{name: "first fragment", frame: v4frame(v3, fragment(0x2000)), want: vrrp.DropFragment},
		{name: "last fragment", frame: v4frame(v3, fragment(1)), want: vrrp.DropFragment},
		{name: "hop-by-hop", frame: v6frame(ext(112, v6), set(6, 0)), want: vrrp.DropExtHeader},
		{name: "extension header to another group", frame: v6frame(ext(112, v6), set(6, 60), with(24, "ff05::13")), want: vrrp.DropExtHeader},
		{name: "routing header", frame: v6frame(ext(112, v6), set(6, 43)), want: vrrp.DropExtHeader},
		{name: "IPv6 fragment", frame: v6frame(ext(112, v6), set(6, 44)), want: vrrp.DropExtHeader},
		{name: "destination options", frame: v6frame(ext(112, v6), set(6, 60)), want: vrrp.DropExtHeader},
		{name: "extension header before AH", frame: v6frame(ext(51, v6), set(6, 60)), want: vrrp.DropExtHeader},
		{name: "two extension headers", frame: v6frame(ext(60, ext(112, v6)), set(6, 0)), want: vrrp.DropExtHeader},
		{name: "no payload", frame: v4frame(nil), want: vrrp.DropTruncated},
		{name: "no VRID", frame: v4frame(v3[:1]), want: vrrp.DropTruncated},
		{name: "no VRID of IPv6", frame: v6frame(v6[:1]), want: vrrp.DropTruncated},
		{name: "no VRID behind AH", frame: v4frame(ah(3, v2head[:1]), set(9, 51)), want: vrrp.DropTruncated},
		{name: "AH beyond the packet", frame: v4frame(set(1, 200)(ah(3, v2head)), set(9, 51)), want: vrrp.DropTruncated},
		{name: "AH into the padding", frame: append(v4frame(ah(0, nil)[:11], set(9, 51)), v2head...), want: vrrp.DropTruncated},
		{name: "AH of 8 bytes", frame: v4frame(set(1, 0)(ah(3, v2head)), set(9, 51)), want: vrrp.DropTruncated},
		{name: "AH cut", frame: v4frame(ah(0, nil)[:11], set(9, 51)), want: vrrp.DropTruncated},
		{name: "IP header before VLAN", frame: ether(0x0800, ip4(v3)[:31], vid(9)), want: vrrp.DropIPHeader},
		{name: "IP header before extension header", frame: v6frame(ext(112, v6[:20]), set(6, 0), set(5, 44)), want: vrrp.DropIPHeader},
		{name: "another VLAN", frame: ether(0x0800, ip4(v3), vid(9)), want: vrrp.DropVLAN},
		{name: "another VLAN of IPv6", frame: ether(0x86dd, ip6(v6), vid(4095)), want: vrrp.DropVLAN},
		{name: "QinQ", frame: ether(0x0800, ip4(v3), [2]int{0x88a8, 0}, vid(0)), want: vrrp.DropVLAN},
		{name: "another VRID", frame: v4frame(message(v3plain, set(1, 52))), want: vrrp.DropVRID},
		{name: "another VRID of IPv6", frame: v6frame(message6(v3ipv6, peer6, set(1, 52))), want: vrrp.DropVRID},

		// Laid to the router.
		{name: "TTL 254", frame: v4frame(v3, ttl(254)), want: vrrp.DropTTL},
		{name: "hop limit 64", frame: v6frame(v6, set(7, 64)), want: vrrp.DropTTL},
		{name: "TTL before all else", frame: v4frame([]byte{0, 51}, ttl(1)), want: vrrp.DropTTL},
		{name: "AH where none is due", rule: v2rule, frame: v4frame(ah(3, v2), set(9, 51)), want: vrrp.DropAuthType},
		{name: "AH missing", rule: headed, frame: v4frame(v2head), want: vrrp.DropAuthType},
		{name: "version 2 for 3", frame: v4frame(message(v2one, set(1, 51))), want: vrrp.DropVersion},
		{name: "version 3 for 2", rule: v2rule, frame: v4frame(message(v3plain, set(1, 10))), want: vrrp.DropVersion},
		{name: "version 2 of IPv6", frame: v6frame(message6(v3ipv6, peer6, set(0, 0x21))), want: vrrp.DropVersion},
		{name: "version 0", frame: v4frame(message(v3plain, set(0, 0x01))), want: vrrp.DropVersion},
		{name: "type 2", frame: v4frame(message(v3plain, set(0, 0x32))), want: vrrp.DropType},
		{name: "type 0", frame: v4frame(message(v3plain, set(0, 0x30))), want: vrrp.DropType},
		{name: "7 bytes", frame: v4frame(v3[:7]), want: vrrp.DropLength},
		{name: "2 bytes", frame: v4frame(v3[:2]), want: vrrp.DropLength},
		{name: "an address cut", frame: v4frame(v3[:11]), want: vrrp.DropLength},
		{name: "an IPv6 address cut", frame: v6frame(v6[:23]), want: vrrp.DropLength},
		{name: "v2 without authentication data", rule: v2rule, frame: v4frame(v2[:19]), want: vrrp.DropLength},
		{name: "255 addresses claimed", frame: v4frame(message(v3plain, set(3, 255))), want: vrrp.DropLength},
		{name: "v3 checksum", frame: v4frame(unhex("3133c80100644403c0000264")), want: vrrp.DropChecksum},
		{name: "v3 checksum 0", frame: v4frame(unhex("3133c80100640000c0000264")), want: vrrp.DropChecksum},
		{name: "v2 checksum", rule: v2rule, frame: v4frame(unhex("210ac8010001548fc00002640000000000000000")), want: vrrp.DropChecksum},
		{name: "v2 with a pseudo-header", rule: v2rule, frame: v4frame(pseudo4(v2)), want: vrrp.DropChecksum},
		{name: "v2 authentication data summed", rule: v2rule, frame: v4frame(append(slices.Clone(v2[:19]), 1)), want: vrrp.DropChecksum},
		{name: "IPv6 without pseudo-header", frame: v6frame(message(v3ipv6, set(3, 4))), want: vrrp.DropLength},
		{name: "IPv6 message-only checksum", frame: v6frame(plain6(v6)), want: vrrp.DropChecksum},
		{name: "IPv6 surplus not summed", frame: v6frame(append(slices.Clone(v6), 1)), want: vrrp.DropChecksum},
		{name: "sent to us alone", frame: v4frame(v3, with(16, "198.51.100.1")), want: vrrp.DropDestination},
		{name: "IPv6 sent to all nodes", frame: v6frame(resum6(v6, peer6, "ff02::1"), with(24, "ff02::1")), want: vrrp.DropDestination},
		{name: "v2 interval", rule: v2rule, frame: v4frame(message(v2one, set(5, 2))), want: vrrp.DropInterval},
		{name: "v2 interval 0", rule: v2rule, frame: v4frame(message(v2one, set(5, 0))), want: vrrp.DropInterval},
		{name: "v2 PASS where none is due", rule: v2rule, frame: v4frame(v2pass), want: vrrp.DropAuthType},
		{name: "v2 none where PASS is due", rule: passed, frame: v4frame(v2), want: vrrp.DropAuthType},
		{name: "v2 unknown authentication", rule: passed, frame: v4frame(message(v2one, set(4, 9))), want: vrrp.DropAuthType},
		{name: "v2 AH that says PASS", rule: headed, frame: v4frame(ah(3, v2pass), set(9, 51)), want: vrrp.DropAuthType},
		{name: "v3 interval 0", frame: v4frame(message(v3plain, set(5, 0))), want: vrrp.DropIntervalZero},
		{name: "v3 interval 0 but for reserved bits", frame: v4frame(message(v3plain, set(4, 0xf0), set(5, 0))), want: vrrp.DropIntervalZero},
		{name: "own advert", frame: v4frame(v3, with(12, "198.51.100.1")), want: vrrp.DropOwn},
		{name: "own advert of IPv6", frame: v6frame(message6(v3ipv6, "fe80::1"), with(8, "fe80::1")), want: vrrp.DropOwn},
	}
	for _, src := range []string{"0.0.0.0", "127.0.0.1", "127.255.255.255", "224.0.0.18", "239.255.255.255"} {
		cases = append(cases, testCase{name: "from " + src, frame: v4frame(v3, with(12, src)), want: vrrp.DropSource})
	}
	for _, src := range []string{"::", "::1", "ff02::12", "ff0e::1"} {
		cases = append(cases, testCase{name: "from " + src, frame: v6frame(message6(v3ipv6, src), with(8, src)), want: vrrp.DropSource})
	}
	return append(cases, unicastCases()...)
}

// plain6 sums a message without its pseudo-header.
func plain6(b []byte) []byte {
	b = slices.Clone(b)
	b[6], b[7] = 0, 0
	copy(b[6:], be16(int(^inetSum(b))))
	return b
}

func resum6(b []byte, src, dst string) []byte {
	b = slices.Clone(b)
	b[6], b[7] = 0, 0
	copy(b[6:], be16(int(^inetSum(netip.MustParseAddr(src).AsSlice(), netip.MustParseAddr(dst).AsSlice(), be16(len(b)), be16(112), b))))
	return b
}

// routers are the ones that all cases address.
var routers = map[uint8]bool{10: true, 51: true, 255: true}

func (c testCase) family() vrrp.Family {
	if c.frame[12] == 0x86 || len(c.frame) > 16 && c.frame[16] == 0x86 {
		return vrrp.IPv6
	}
	return vrrp.IPv4
}

func (c testCase) install(h *harness) {
	r := c.rule
	if r == nil && c.family() == vrrp.IPv6 {
		r = v6rule
	} else if r == nil {
		r = v3rule
	}
	for vrid := range routers {
		h.set(h.key(vrid, c.family()), r())
	}
}

// counted is everything that was counted since install and resetInterface.
func (h *harness) counted(f vrrp.Family) (InterfaceCounters, map[vrrp.Drop]uint64, State) {
	h.Helper()
	ic := h.counters()
	all, sum := [][vrrp.NumDrops]uint64{ic.Drops}, State{}
	for vrid := range routers {
		s := h.state(h.key(vrid, f))
		all = append(all, s.Drops)
		sum.Received += s.Received
		sum.SentUp += s.SentUp
		sum.Matched += s.Matched
		sum.ChecksumPlain += s.ChecksumPlain
		sum.ChecksumPseudo += s.ChecksumPseudo
		sum.ChecksumOld += s.ChecksumOld
	}
	return ic, drops(all...), sum
}
