package netio

import (
	"net/netip"
	"testing"

	"github.com/mdlayher/ndp"
)

var asked = Claim{VRID: 51, Priority: 150, Holds: true, MayYield: true}

func TestQuestionsAreReadBack(t *testing.T) {
	for _, c := range []struct{ own, vip, from string }{
		{"", "10.99.9.1", "10.99.0.1"},
		{"fe80::1", "fe80::99:1", "fe80::1"},
		{"", "2001:db8::1", ""},
		{"", "2001:db8::2", "10.99.0.1"},
		{"", "10.99.9.2", "fe80::1"},
	} {
		claim := asked
		claim.Yields = c.own != ""
		var own netip.Addr
		if c.own != "" {
			own = netip.MustParseAddr(c.own)
		}
		if c.from != "" {
			claim.From = netip.MustParseAddr(c.from)
		}
		vip := netip.MustParseAddr(c.vip)
		frame := QuestionFrame(mac1, own, vip, claim)
		if len(frame) < etherLen+arpLen {
			t.Fatalf("%s: %d octets", c.vip, len(frame))
		}
		h, ok := ParseHeld(frame[etherLen:], vip.Is4())
		if !ok || h.Addr != vip || !h.Question || h.Solicited || h.Claim == nil || *h.Claim != claim {
			t.Errorf("%s came back as %+v %+v (%v)", c.vip, h, h.Claim, ok)
		}
	}
}

// Another's implementation has to find the solicitation well-formed.
func TestSolicitationIsWellFormed(t *testing.T) {
	own, vip := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("2001:db8::1:2:3")
	frame := QuestionFrame(mac1, own, vip, asked)
	dst := netip.AddrFrom16([16]byte(frame[etherLen+24:]))
	if want := netip.MustParseAddr("ff02::1:ff02:3"); dst != want {
		t.Errorf("to %v, want %v", dst, want)
	}
	m, err := ndp.ParseMessage(frame[etherLen+ipv6Len:])
	if err != nil {
		t.Fatal(err)
	}
	ns, ok := m.(*ndp.NeighborSolicitation)
	if !ok || ns.TargetAddress != vip || len(ns.Options) != 2 {
		t.Fatalf("%+v", m)
	}
	if sum := checksumICMPv6(own, dst, frame[etherLen+ipv6Len:]); sum != 0 {
		t.Errorf("the checksum is off by %#x", sum)
	}
}

func TestHeld(t *testing.T) {
	vip := netip.MustParseAddr("10.99.9.1")
	garp := GARPFrame(mac1, vip)[etherLen:]
	if h, ok := ParseHeld(garp, true); !ok || h.Addr != vip || h.MAC != [6]byte(mac1) || h.Solicited || h.Question || h.Claim != nil {
		t.Errorf("gratuitous ARP: %+v %v", h, ok)
	}
	reply := append([]byte{}, garp...)
	reply[7], reply[27] = 2, 77
	if h, ok := ParseHeld(reply, true); !ok || !h.Solicited || h.Addr != vip {
		t.Errorf("reply: %+v %v", h, ok)
	}
	six := netip.MustParseAddr("fe80::99:1")
	na := NAFrame(mac1, six)[etherLen:]
	if h, ok := ParseHeld(na, false); !ok || h.Addr != six || h.MAC != [6]byte(mac1) || h.Solicited {
		t.Errorf("advertisement: %+v %v", h, ok)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "cut": garp[:27], "a probe of a stranger": append(append([]byte{}, garp[:14]...), make([]byte, 32)...),
	} {
		if h, ok := ParseHeld(b, true); ok {
			t.Errorf("%s was read as %+v", name, h)
		}
	}
	if h, ok := ParseHeld(na[:ipv6Len+10], false); ok {
		t.Errorf("a cut advertisement was read as %+v", h)
	}
}

func TestQuestionAboutNoAddressIsNone(t *testing.T) {
	for _, vip := range []netip.Addr{{}, group4, group6, netip.IPv4Unspecified(), netip.MustParseAddr("::ffff:10.0.0.1")} {
		if f := QuestionFrame(mac1, netip.Addr{}, vip, asked); f != nil {
			t.Errorf("%v: %d octets", vip, len(f))
		}
	}
}

func FuzzParseHeld(f *testing.F) {
	f.Add(QuestionFrame(mac1, netip.Addr{}, netip.MustParseAddr("10.99.9.1"), asked)[etherLen:], true)
	f.Add(QuestionFrame(mac1, netip.Addr{}, netip.MustParseAddr("fe80::1"), asked)[etherLen:], false)
	f.Fuzz(func(t *testing.T, b []byte, four bool) {
		if h, ok := ParseHeld(b, four); ok && (!h.Addr.IsValid() || h.Question != (h.Claim != nil)) {
			t.Fatalf("%x was read as %+v", b, h)
		}
	})
}
