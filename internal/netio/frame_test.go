package netio

import (
	"bytes"
	"encoding/hex"
	"net"
	"net/netip"
	"testing"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Frames of keepalived 2.2.7 on veth, written down with tcpdump. A live
// comparison is in keepalived_test.go.
const (
	keepalivedAdvert = "01005e000012f644c7b25aaa080045c0002400010000ff70d08c0a090001e0000012" +
		"31339602000a39480a0900640a090065"
	keepalivedGARP = "fffffffffffff644c7b25aaa08060001080006040001f644c7b25aaa0a090064ffffffffffff0a090064"
)

var keepalivedMAC = net.HardwareAddr{0xf6, 0x44, 0xc7, 0xb2, 0x5a, 0xaa}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

//vrrp:row 1 2 12
func TestAdvertFrameIsKeepaliveds(t *testing.T) {
	want := unhex(t, keepalivedAdvert)
	src := netip.MustParseAddr("10.9.0.1")
	got := AdvertFrame(keepalivedMAC, src, group4, 255, want[etherLen+ipv4Len:])
	countIPv4(got, 1)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

//vrrp:row 1 2 12
func TestAdvertFrameIPv6(t *testing.T) {
	src := netip.MustParseAddr("fe80::10")
	msg := message(t, 51, 200, src, "fe80::100")
	got := AdvertFrame(mac1, src, group6, 255, msg)
	want := unhex(t, "333300000012020000000001"+"86dd"+
		"6c000000"+"0018"+"70"+"ff"+"fe800000000000000000000000000010"+"ff020000000000000000000000000012")
	if want = append(want, msg...); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	before := bytes.Clone(got)
	if countIPv4(got, 7); !bytes.Equal(got, before) {
		t.Error("countIPv4 changed an IPv6 frame")
	}
}

//vrrp:row 1 2
func TestAdvertFrameSatisfiesTheJudge(t *testing.T) {
	for _, tt := range []struct{ src, dst, vip string }{
		{"192.0.2.1", "224.0.0.18", "192.0.2.100"},
		{"fe80::1", "ff02::12", "fe80::100"},
	} {
		src, dst := netip.MustParseAddr(tt.src), netip.MustParseAddr(tt.dst)
		frame := AdvertFrame(mac1, src, dst, 255, message(t, 7, 100, src, tt.vip))
		for id := range uint16(3) {
			countIPv4(frame, id*0x7fff)
			_, drop, ours := vrrp.Judge(frame, func(vrid uint8, f vrrp.Family) (vrrp.Expect, bool) {
				return vrrp.Expect{Version: 3, Group: dst}, vrid == 7
			})
			if !ours || drop != vrrp.Accepted {
				t.Errorf("from %s, identification %#x: judged %v, %v", tt.src, id*0x7fff, ours, drop)
			}
		}
	}
}

func TestGARPFrameIsKeepaliveds(t *testing.T) {
	want := unhex(t, keepalivedGARP)
	want = append(want, make([]byte, 60-len(want))...) // padding to Ethernet's least
	if got := GARPFrame(keepalivedMAC, netip.MustParseAddr("10.9.0.100")); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestImpossibleFramesAreNil(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1")
	short := net.HardwareAddr{1, 2, 3}
	for name, frame := range map[string][]byte{
		"advert, no MAC":          AdvertFrame(nil, v4, group4, 255, []byte{0}),
		"advert, short MAC":       AdvertFrame(short, v4, group4, 255, []byte{0}),
		"advert, families differ": AdvertFrame(mac1, v6, group4, 255, []byte{0}),
		"advert, unicast":         AdvertFrame(mac1, v4, v4, 255, []byte{0}),
		"advert, no source":       AdvertFrame(mac1, netip.Addr{}, group4, 255, []byte{0}),
		"advert, no group":        AdvertFrame(mac1, v4, netip.Addr{}, 255, []byte{0}),
		"advert, too long":        AdvertFrame(mac1, v4, group4, 255, make([]byte, 0xffff)),
		"ARP, no MAC":             GARPFrame(nil, v4),
		"ARP, short MAC":          GARPFrame(short, v4),
		"ARP, IPv6":               GARPFrame(mac1, v6),
		"ARP, no address":         GARPFrame(mac1, netip.Addr{}),
	} {
		if frame != nil {
			t.Errorf("%s: got %x, want nil", name, frame)
		}
	}
}

// The bytes of RFC 4861 section 4.4 with a target link-layer address; the sum
// was worked out by hand.
//
//vrrp:row 35 42
func TestNAFrame(t *testing.T) {
	got := NAFrame(mac1, netip.MustParseAddr("fe80::100"))
	want := unhex(t, "333300000001"+"020000000001"+"86dd"+
		"60000000"+"0020"+"3a"+"ff"+"fe800000000000000000000000000100"+"ff020000000000000000000000000001"+
		"8800"+"0000"+"a0000000"+"fe800000000000000000000000000100"+"0201020000000001")
	// ff02::1, length and next header, type, flags, target and option.
	sum := 0xfe80 + 0x0100 + 0xff02 + 0x0001 + 0x20 + 0x3a + 0x8800 + 0xa000 + 0xfe80 + 0x0100 + 0x0201 + 0x0200 + 0x0001
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	sum ^= 0xffff
	want[56], want[57] = byte(sum>>8), byte(sum)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	for name, f := range map[string][]byte{
		"IPv4":        NAFrame(mac1, netip.MustParseAddr("10.0.0.1")),
		"mapped IPv4": NAFrame(mac1, netip.MustParseAddr("::ffff:10.0.0.1")),
		"multicast":   NAFrame(mac1, netip.MustParseAddr("ff02::1")),
		"unspecified": NAFrame(mac1, netip.MustParseAddr("::")),
		"no address":  NAFrame(mac1, netip.Addr{}),
		"no MAC":      NAFrame(nil, netip.MustParseAddr("fe80::1")),
	} {
		if f != nil {
			t.Errorf("%s: %x", name, f)
		}
	}
}

func TestSetProtocolLeavesAGoodHeader(t *testing.T) {
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	f := AdvertFrame(mac, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("224.0.0.18"), 255, make([]byte, 44))
	SetProtocol(f, vrrp.ProtocolAH)
	fr, _, ours := vrrp.Judge(f, func(uint8, vrrp.Family) (vrrp.Expect, bool) { return vrrp.Expect{}, false })
	if f[14+9] != 51 || ours || fr.Family != vrrp.IPv4 { // ours: not while its header names no VRRP
		t.Errorf("protocol %d, %+v", f[14+9], fr)
	}
	six := AdvertFrame(mac, netip.MustParseAddr("fe80::1"), netip.MustParseAddr("ff02::12"), 255, make([]byte, 44))
	was := bytes.Clone(six)
	SetProtocol(six, vrrp.ProtocolAH)
	if !bytes.Equal(six, was) {
		t.Error("an IPv6 frame was changed")
	}
}
