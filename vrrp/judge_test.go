package vrrp

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// scene is a frame and what the routers of its interface expect: VRID 51 v3,
// 52 v2, 53 v2 with PASS, 54 v2 with AH, and 51 v3 over IPv6; of those with
// unicast peers 61 v3, 62 v2, 63 v3 that listens to anyone, and 61 v3 over IPv6.
type scene struct {
	frame
	own bool // the frame's source is our own address
}

func (s *scene) lookup(vrid uint8, f Family) (Expect, bool) {
	want := Expect{Version: 3, Own: netip.MustParseAddr("10.0.0.9"), Group: group}
	if vrid > 51 && vrid < 55 {
		want.Version, want.Auth, want.Interval = 2, AuthType(vrid-52), 1
	}
	if f == IPv6 {
		want.Own, want.Group = netip.MustParseAddr("fe80::9"), group6
	}
	if vrid >= 61 && vrid <= 63 {
		want.Group, want.Unicast = want.Own, peersOf(f)
		if vrid == 62 {
			want.Version, want.Interval = 2, 1
		}
		if want.Unicast.AnySource = vrid == 63; vrid == 63 {
			want.Unicast.OldGroup = netip.Addr{}
		}
	}
	if s.own {
		want.Own = netip.MustParseAddr(s.src)
	}
	return want, vrid == 51 || vrid == 61 || f == IPv4 && (vrid >= 52 && vrid <= 54 || vrid == 62 || vrid == 63)
}

func (s *scene) judge() (Frame, Drop, bool) { return Judge(s.bytes(), s.lookup) }

// good are frames to take up, as senders make them.
var good = []struct {
	name string
	frame
}{
	{"v3, pseudo-header", frameV3()},
	{"v3, plain checksum", change(frameV3(), func(f *frame) { f.form = ChecksumPlain })},
	{"v3, release", change(frameV3(), func(f *frame) { f.prio = 0 })},
	{"v3, reserved bits set", change(frameV3(), func(f *frame) { f.every |= 0xf000 })},
	{"v3, no address", change(frameV3(), func(f *frame) { f.addrs = "" })},
	{"v3, 46 octets of padding", change(frameV3(), func(f *frame) { f.pad = 46 })},
	{"v3, trailing octets", change(frameV3(), func(f *frame) { f.tail = 28 })},
	{"v3, don't fragment", change(frameV3(), func(f *frame) { f.frag = 0x4000 })},
	{"v3, priority tag", change(frameV3(), func(f *frame) { f.tags = []uint32{0x8100_e000} })},
	{"v3, provider's priority tag", change(frameV3(), func(f *frame) { f.tags = []uint32{0x88a8_2000} })},
	{"v2", frameV2()},
	{"v2 PASS", change(frameV2(), func(f *frame) { f.vrid, f.auth, f.secret = 53, 1, "1111" })},
	{"v2 AH", change(frameV2(), func(f *frame) { f.vrid, f.auth, f.ah = 54, 2, ahFor(112) })},
	{"v3 over IPv6", frameV6()},
	{"v3 over IPv6, trailing octets", change(frameV6(), func(f *frame) { f.tail = 27 })},
	{"v3 over IPv6, padding", change(frameV6(), func(f *frame) { f.pad = 9 })},
}

func change(f frame, by func(*frame)) frame {
	by(&f)
	return f
}

//vrrp:row 13 14 15 16 17 18 22 27
func TestJudgeTakesGoodFrames(t *testing.T) {
	for _, g := range good {
		t.Run(g.name, func(t *testing.T) {
			s := scene{frame: g.frame}
			f, drop, vrrp := s.judge()
			if !vrrp || drop != Accepted {
				t.Fatalf("%v, VRRP: %v", drop, vrrp)
			}
			src, dst := netip.MustParseAddr(s.src), netip.MustParseAddr(s.dst)
			family := IPv6
			if src.Is4() {
				family = IPv4
			}
			if f.MAC != [6]byte{2, 0, 0, 0, 0, 1} || f.Src != src || f.Dst != dst || f.TTL != 255 || f.Family != family || f.VRID != s.vrid {
				t.Errorf("found %+v", f)
			}
			if want := s.message(src, dst); !bytes.Equal(f.Message, want) || !bytes.Equal(f.AH, s.ah) {
				t.Errorf("message %x\nwant    %x\nAH      %x\nwant    %x", f.Message, want, f.AH, s.ah)
			}
			if want := s.form; s.ver == 3 && f.Checksum != want || s.ver == 2 && f.Checksum != ChecksumPlain {
				t.Errorf("checksum form %d, want %d", f.Checksum, want)
			}
			if _, err := Parse(f.Message, f.Family); err != nil {
				t.Errorf("Parse: %v", err)
			}
		})
	}
}

// fault is one way to spoil a good frame.
type fault struct {
	drop  Drop
	name  string
	spoil func(*scene)
}

// Every way of the IPv4 router of VRRPv3, then those that only the others
// know. Within a list no fault hides an earlier one, and it is in the order of
// the checks.
var (
	faultsV3 = []fault{
		{DropIPHeader, "header checksum", func(s *scene) { s.badIP = true }},
		{DropIPOptions, "router alert", func(s *scene) { s.opts = 4 }},
		{DropFragment, "more fragments", func(s *scene) { s.frag = 0x2000 }},
		{DropTruncated, "ends before the VRID", func(s *scene) { s.cut = 1 }},
		{DropVLAN, "VLAN 5", func(s *scene) { s.tags = []uint32{0x8100_0005} }},
		{DropVRID, "VRID 77", func(s *scene) { s.vrid = 77 }},
		{DropTTL, "TTL 254", func(s *scene) { s.ttl = 254 }},
		{DropAuthType, "AH where none is configured", func(s *scene) { s.ah = ahFor(112) }},
		{DropVersion, "version 4", func(s *scene) { s.ver = 4 }},
		{DropType, "type 2", func(s *scene) { s.typ = 2 }},
		{DropLength, "counts one address more", func(s *scene) { s.count = 1 }},
		{DropChecksum, "one bit", func(s *scene) { s.badSum = true }},
		{DropDestination, "another group", func(s *scene) { s.dst = "224.0.0.19" }},
		{DropSource, "loopback", func(s *scene) { s.src = "127.0.0.1" }},
		{DropOwn, "looped back", func(s *scene) { s.own = true }},
		{DropIntervalZero, "interval 0", func(s *scene) { s.every = 0 }},
	}
	faultsV2 = slices.Concat(faultsV3[:len(faultsV3)-1], []fault{
		{DropAuthType, "PASS where none is configured", func(s *scene) { s.auth = 1 }},
		{DropInterval, "2 s", func(s *scene) { s.every = 2 }},
	})
	faultsV6 = slices.Concat([]fault{
		{DropIPHeader, "IP version 5", func(s *scene) { s.ipVer = 5 }},
		{DropExtHeader, "destination options", func(s *scene) { s.next = 60 }},
	}, faultsV3[3:12], []fault{
		{DropDestination, "another group", func(s *scene) { s.dst = "ff02::13" }},
		{DropSource, "unspecified", func(s *scene) { s.src = "::" }},
	}, faultsV3[14:])
)

// A frame with one fault has its name, and one with two the name of the first.
//
//vrrp:row 13 14 15 16 17 18 19 26 27 64 66
func TestJudgeNamesTheFirstFault(t *testing.T) {
	for _, c := range []struct {
		name   string
		frame  frame
		faults []fault
	}{
		{"v3", frameV3(), faultsV3},
		{"v2", frameV2(), faultsV2},
		{"IPv6", frameV6(), faultsV6},
	} {
		for i, first := range c.faults {
			for _, second := range c.faults[i:] {
				if first.drop == DropExtHeader && second.drop == DropDestination {
					continue // to another group it is not VRRP's
				}
				t.Run(fmt.Sprintf("%s/%s: %s, %s", c.name, first.drop.String(), first.name, second.name), func(t *testing.T) {
					s := scene{frame: c.frame}
					second.spoil(&s)
					first.spoil(&s)
					if _, drop, vrrp := s.judge(); drop != first.drop || !vrrp {
						t.Errorf("%v, VRRP: %v, want %v", drop, vrrp, first.drop)
					}
				})
			}
		}
	}
}

// The other ways to each name.
//
//vrrp:row 13 14 16 17 18 26 27 64 66
func TestJudgeNamesEveryKindOfFault(t *testing.T) {
	v3, v2, v6 := frameV3, frameV2, frameV6
	pass := func() frame { return change(v2(), func(f *frame) { f.vrid, f.auth, f.secret = 53, 1, "1111" }) }
	ah := func() frame { return change(v2(), func(f *frame) { f.vrid, f.auth, f.ah = 54, 2, ahFor(112) }) }
	for _, c := range []struct {
		drop  Drop
		name  string
		frame frame
		spoil func(*frame)
	}{
		{DropIPHeader, "IP version 6", v3(), func(f *frame) { f.ipVer = 6 }},
		{DropIPHeader, "header length below 20", v3(), func(f *frame) { f.opts = -4 }},
		{DropIPHeader, "total length past the frame", v3(), func(f *frame) { f.total = 1 }},
		{DropIPHeader, "total length inside the header", v3(), func(f *frame) { f.total = -21 }},
		{DropIPHeader, "payload length past the frame", v6(), func(f *frame) { f.total = 1 }},
		{DropIPOptions, "the longest", v3(), func(f *frame) { f.opts = 40 }},
		{DropFragment, "last", v3(), func(f *frame) { f.frag = 0x0001 }},
		{DropFragment, "far", v3(), func(f *frame) { f.frag = 0x1fff }},
		{DropExtHeader, "hop-by-hop", v6(), func(f *frame) { f.next = 128 }},
		{DropExtHeader, "hop-by-hop and another", v6(), func(f *frame) { f.next, f.proto = 128, 60 }},
		{DropExtHeader, "before AH", v6(), func(f *frame) { f.next, f.proto = 60, 51 }},
		{DropExtHeader, "routing", v6(), func(f *frame) { f.next = 43 }},
		{DropExtHeader, "fragment", v6(), func(f *frame) { f.next = 44 }},
		{DropTruncated, "empty", v3(), func(f *frame) { f.total = -12 }}, // the VRID is in the padding
		{DropTruncated, "AH longer than the packet", ah(), func(f *frame) { f.ah[1] = 255 }},
		{DropTruncated, "AH shorter than an AH", ah(), func(f *frame) { f.ah[1] = 0 }},
		{DropTruncated, "AH and nothing", ah(), func(f *frame) { f.cut = 1 }},
		{DropVLAN, "the highest", v3(), func(f *frame) { f.tags = []uint32{0x8100_0fff} }},
		{DropVLAN, "with a priority", v3(), func(f *frame) { f.tags = []uint32{0x8100_e001} }},
		{DropVLAN, "802.1ad", v3(), func(f *frame) { f.tags = []uint32{0x88a8_0005} }},
		{DropVLAN, "QinQ", v3(), func(f *frame) { f.tags = []uint32{0x88a8_0005, 0x8100_0006} }},
		{DropVLAN, "QinQ of priority tags", v3(), func(f *frame) { f.tags = []uint32{0x8100_0000, 0x8100_0000} }},
		{DropVLAN, "IPv6", v6(), func(f *frame) { f.tags = []uint32{0x8100_0005} }},
		{DropVRID, "0", v3(), func(f *frame) { f.vrid = 0 }},
		{DropVRID, "of the other family", v6(), func(f *frame) { f.vrid = 52 }},
		{DropTTL, "0", v3(), func(f *frame) { f.ttl = 0 }},
		{DropTTL, "hop limit 1", v6(), func(f *frame) { f.ttl = 1 }},
		{DropAuthType, "no AH where one is configured", ah(), func(f *frame) { f.ah = nil }},
		{DropAuthType, "AH in front, none in the header", ah(), func(f *frame) { f.auth = 0 }},
		{DropAuthType, "none where PASS is configured", pass(), func(f *frame) { f.auth = 0 }},
		{DropAuthType, "AH where PASS is configured", pass(), func(f *frame) { f.ah = ahFor(112) }},
		{DropAuthType, "AH in the header where PASS is configured", pass(), func(f *frame) { f.auth = 2 }},
		{DropAuthType, "unknown", pass(), func(f *frame) { f.auth = 255 }},
		{DropVersion, "2 to a router of 3", v3(), func(f *frame) { f.ver = 2 }},
		{DropVersion, "3 to a router of 2", v2(), func(f *frame) { f.ver = 3 }},
		{DropVersion, "0", v2(), func(f *frame) { f.ver = 0 }},
		{DropVersion, "2 over IPv6", v6(), func(f *frame) { f.ver = 2 }},
		{DropType, "0", v3(), func(f *frame) { f.typ = 0 }},
		{DropLength, "ends after the VRID", v3(), func(f *frame) { f.cut = 2 }},
		{DropLength, "ends in the last address", v3(), func(f *frame) { f.cut = 11 }},
		{DropLength, "the last address is in the padding", v3(), func(f *frame) { f.cut, f.pad = 11, 40 }},
		{DropLength, "v2 without authentication data", v2(), func(f *frame) { f.cut = 12 }},
		{DropLength, "v2 ends in its authentication data", v2(), func(f *frame) { f.cut = 19 }},
		{DropLength, "IPv6 ends in the last address", v6(), func(f *frame) { f.cut = 23 }},
		{DropLength, "longer than any", v3(), func(f *frame) { f.tail = messageMax - 11 }},
		{DropChecksum, "v2", v2(), func(f *frame) { f.badSum = true }},
		{DropChecksum, "IPv6", v6(), func(f *frame) { f.badSum = true }},
		{DropDestination, "all hosts", v3(), func(f *frame) { f.dst = "224.0.0.1" }},
		{DropDestination, "unicast", v3(), func(f *frame) { f.dst = "10.0.0.9" }},
		{DropSource, "unspecified", v3(), func(f *frame) { f.src = "0.0.0.0" }},
		{DropSource, "multicast", v3(), func(f *frame) { f.src = "224.0.0.18" }},
		{DropSource, "loopback of IPv6", v6(), func(f *frame) { f.src = "::1" }},
		{DropSource, "multicast of IPv6", v6(), func(f *frame) { f.src = "ff02::12" }},
		{DropOwn, "exactly", v3(), func(f *frame) { f.src = "10.0.0.9" }},
		{DropIntervalZero, "but for the reserved bits", v3(), func(f *frame) { f.every = 0xf000 }},
		{DropInterval, "0", v2(), func(f *frame) { f.every = 0 }},
	} {
		t.Run(c.drop.String()+"/"+c.name, func(t *testing.T) {
			s := scene{frame: c.frame}
			c.spoil(&s.frame)
			if _, drop, vrrp := s.judge(); drop != c.drop || !vrrp {
				t.Errorf("%v, VRRP: %v, want %v", drop, vrrp, c.drop)
			}
		})
	}
}

// VRRPv2's own checksum must not be taken with a pseudo-header: that is
// another protocol's.
//
//vrrp:row 17
func TestV2ChecksumHasNoPseudoHeader(t *testing.T) {
	s := scene{frame: frameV2()}
	b := s.bytes()
	m := b[34:]
	m[6], m[7] = 0, 0
	sum := checksum(m, b[26:34], []byte{0, 112, 0, byte(len(m))})
	m[6], m[7] = byte(sum>>8), byte(sum)
	if _, drop, _ := Judge(b, s.lookup); drop != DropChecksum {
		t.Errorf("%v, want %v", drop, DropChecksum)
	}
}

// Interval 0 in Expect demands none.
func TestJudgeLeavesTheIntervalAlone(t *testing.T) {
	s := scene{frame: change(frameV2(), func(f *frame) { f.every = 77 })}
	_, drop, _ := Judge(s.bytes(), func(vrid uint8, f Family) (Expect, bool) {
		want, ok := s.lookup(vrid, f)
		want.Interval = 0
		return want, ok
	})
	if drop != Accepted {
		t.Errorf("%v", drop)
	}
}

// Frames that are none of VRRP's business must not be counted as its drops.
//
//vrrp:row 18 27
func TestJudgeLeavesOtherFramesAlone(t *testing.T) {
	for name, f := range map[string]frame{
		"TCP":                             change(frameV3(), func(f *frame) { f.proto = 6 }),
		"TCP in a VLAN":                   change(frameV3(), func(f *frame) { f.proto, f.tags = 6, []uint32{0x8100_0005} }),
		"TCP with options":                change(frameV3(), func(f *frame) { f.proto, f.opts = 6, 4 }),
		"IPv6 TCP":                        change(frameV6(), func(f *frame) { f.proto = 6 }),
		"IPv6 extension header to a host": change(frameV6(), func(f *frame) { f.next, f.dst = 60, "fe80::99" }),
		"MLD to the group":                change(frameV6(), func(f *frame) { f.next, f.proto = 128, 58 }),
		"IPv6 TCP behind options":         change(frameV6(), func(f *frame) { f.next, f.proto = 60, 6 }),
		"IPsec":                           change(frameV3(), func(f *frame) { f.ah = ahFor(6) }),
		"IPsec over IPv6":                 change(frameV6(), func(f *frame) { f.ah = ahFor(6) }),
		"AH of one octet, 112":            change(frameV3(), func(f *frame) { f.proto, f.ver, f.typ, f.cut = 51, 7, 0, 1 }),
		"three tags":                      change(frameV3(), func(f *frame) { f.tags = []uint32{0x8100_0000, 0x8100_0000, 0x8100_0000} }),
		"another EtherType":               change(frameV3(), func(f *frame) { f.tags = []uint32{0x0806_0001} }),
	} {
		t.Run(name, func(t *testing.T) {
			_, drop, vrrp := Judge(f.bytes(), func(uint8, Family) (Expect, bool) {
				t.Error("a router was looked for")
				return Expect{}, false
			})
			if vrrp || drop != Accepted {
				t.Errorf("%v, VRRP: %v", drop, vrrp)
			}
		})
	}
}

// A frame cut anywhere is never an advert, and nothing past the cut is read:
// the slices have no capacity beyond their length. Padding may be cut.
//
//vrrp:row 16 27
func TestJudgeReadsNothingPastTheFrame(t *testing.T) {
	for _, g := range good {
		s := scene{frame: g.frame}
		whole := s.bytes()
		for n := range whole {
			_, drop, vrrp := Judge(slices.Clip(slices.Clone(whole[:n])), s.lookup)
			taken := vrrp && drop == Accepted
			if padding := n >= len(whole)-g.pad; taken != padding {
				t.Errorf("%s cut to %d of %d octets: %v, VRRP: %v", g.name, n, len(whole), drop, vrrp)
			}
		}
	}
}

func TestDropsHaveNamesAndSides(t *testing.T) {
	seen := map[string]bool{}
	for d := range Drop(NumDrops) {
		if name := d.String(); name == "" || name == "unknown" || seen[name] {
			t.Errorf("drop %d is called %q", d, name)
		}
		seen[d.String()] = true
		if got, want := d.OfRouter(), d > DropVRID; got != want {
			t.Errorf("%v laid to a router: %v", d, got)
		}
	}
	if got := Drop(NumDrops).String(); got != "unknown" {
		t.Errorf("a number past the list is called %q", got)
	}
	if got := DropTTL.Error(); got != "vrrp: dropped: ttl" {
		t.Errorf("error text %q", got)
	}
}
