package vrrp

import (
	"fmt"
	"net/netip"
	"testing"
)

const farTTL = 64 // the most that the far peer's adverts may arrive with

// peersOf are the peers of the scene's unicast routers: one on the link and one
// that is some hops away.
func peersOf(f Family) *Unicast {
	near, far := "10.0.0.1", "192.0.2.7"
	u := &Unicast{OldGroup: group}
	if f == IPv6 {
		near, far, u.OldGroup = "fe80::1", "2001:db8::7", netip.Addr{}
	}
	u.Peers = []Peer{
		{Addr: netip.MustParseAddr(near), MaxTTL: 255},
		{Addr: netip.MustParseAddr(far), MinTTL: 60, MaxTTL: farTTL},
	}
	return u
}

// unicastFrame is an advert to the unicast router of the scene: VRID 61, or 62
// of version 2, 63 where anyone may speak.
func unicastFrame(f frame, vrid uint8) frame {
	f.vrid, f.dst = vrid, "10.0.0.9"
	if f.src == "fe80::1" {
		f.dst = "fe80::9"
	}
	return f
}

func uni3() frame { return unicastFrame(frameV3(), 61) }

func fromFar(f *frame) { f.src, f.ttl = "192.0.2.7", farTTL }

//vrrp:row 17 27
func TestJudgeTakesUnicastOfPeers(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame frame
		form  Checksum
		old   bool // summed with the group
	}{
		{name: "pseudo-header", frame: uni3()},
		{name: "plain", frame: change(uni3(), func(f *frame) { f.form = ChecksumPlain }), form: ChecksumPlain},
		{name: "old", frame: uni3(), form: ChecksumOld, old: true},
		{name: "TTL 1", frame: change(uni3(), func(f *frame) { f.ttl = 1 })},
		{name: "far, most", frame: change(uni3(), fromFar)},
		{name: "far, least", frame: change(uni3(), func(f *frame) { fromFar(f); f.ttl = 60 })},
		{name: "v2", frame: unicastFrame(frameV2(), 62), form: ChecksumPlain},
		{name: "IPv6", frame: unicastFrame(frameV6(), 61)},
		{name: "IPv6 far", frame: change(unicastFrame(frameV6(), 61), func(f *frame) { f.src, f.ttl = "2001:db8::7", 60 })},
		{name: "anyone", frame: change(uni3(), func(f *frame) { f.vrid, f.src, f.ttl = 63, "192.0.2.99", 3 })},
	} {
		s := scene{frame: c.frame}
		b := s.bytes()
		if c.old {
			sumAsIfTo(b, group)
		}
		f, drop, _ := Judge(b, s.lookup)
		if drop != Accepted || f.Checksum != c.form {
			t.Errorf("%s: %v, checksum %d, want %d", c.name, drop, f.Checksum, c.form)
		}
	}
}

// sumAsIfTo sums the message of an IPv4 frame with a pseudo-header of another
// destination.
func sumAsIfTo(b []byte, dst netip.Addr) {
	m := b[34:]
	m[6], m[7] = 0, 0
	sum := checksum(m, b[26:30], dst.AsSlice(), []byte{0, 112, 0, byte(len(m))})
	m[6], m[7] = byte(sum>>8), byte(sum)
}

// Who speaks to whom comes first, in this order; then what is said.
//
//vrrp:row 13 17 24 27
func TestJudgeOfUnicastNamesTheFirstFault(t *testing.T) {
	faults := []fault{
		{DropVRID, "VRID 77", func(s *scene) { s.vrid = 77 }},
		{DropDestination, "to the group", func(s *scene) { s.dst = "224.0.0.18" }},
		{DropUnknownPeer, "from elsewhere", func(s *scene) { s.src = "192.0.2.8" }},
		{DropTTL, "TTL 65", func(s *scene) { s.ttl = farTTL + 1 }},
		{DropAuthType, "AH where none is configured", func(s *scene) { s.ah = ahFor(112) }},
		{DropVersion, "version 2", func(s *scene) { s.ver = 2 }},
		{DropType, "type 2", func(s *scene) { s.typ = 2 }},
		{DropLength, "counts one address more", func(s *scene) { s.count = 1 }},
		{DropChecksum, "one bit", func(s *scene) { s.badSum = true }},
		{DropIntervalZero, "interval 0", func(s *scene) { s.every = 0 }},
	}
	for i, first := range faults {
		for _, second := range faults[i:] {
			t.Run(fmt.Sprintf("%s, %s", first.name, second.name), func(t *testing.T) {
				s := scene{frame: change(uni3(), fromFar)}
				second.spoil(&s)
				first.spoil(&s)
				if _, drop, _ := s.judge(); drop != first.drop {
					t.Errorf("%v, want %v", drop, first.drop)
				}
			})
		}
	}
}

//vrrp:row 17
func TestJudgeOfUnicastNamesEveryKindOfFault(t *testing.T) {
	anyone := func(spoil func(*frame)) frame { f := uni3(); f.vrid = 63; spoil(&f); return f }
	six := unicastFrame(frameV6(), 61)
	for _, c := range []struct {
		drop  Drop
		name  string
		frame frame
		old   bool
	}{
		{DropTTL, "below the range", change(uni3(), func(f *frame) { fromFar(f); f.ttl = 59 }), false},
		{DropTTL, "hop limit above", change(six, func(f *frame) { f.src, f.ttl = "2001:db8::7", 255 }), false},
		{DropUnknownPeer, "ourselves", change(uni3(), func(f *frame) { f.src = "10.0.0.9" }), false},
		{DropUnknownPeer, "IPv6", change(six, func(f *frame) { f.src = "fe80::2" }), false},
		{DropOwn, "ourselves, where anyone may", anyone(func(f *frame) { f.src = "10.0.0.9" }), false},
		{DropSource, "loopback, where anyone may", anyone(func(f *frame) { f.src = "127.0.0.1" }), false},
		{DropDestination, "to the group, where anyone may", anyone(func(f *frame) { f.dst = "224.0.0.18" }), false},
		{DropChecksum, "old where it is never taken", change(uni3(), func(f *frame) { f.vrid = 63 }), true},
		{DropChecksum, "old of version 2", unicastFrame(frameV2(), 62), true},
		{DropChecksum, "old to a router of the group", change(frameV3(), func(f *frame) { f.dst = "224.0.0.19" }), true},
	} {
		s := scene{frame: c.frame}
		b := s.bytes()
		if c.old {
			sumAsIfTo(b, group)
		}
		if _, drop, _ := Judge(b, s.lookup); drop != c.drop {
			t.Errorf("%s: %v, want %v", c.name, drop, c.drop)
		}
	}
}
