package netio

import (
	"net/netip"
	"testing"

	"github.com/mdlayher/ndp"
)

// A probe claims nothing, with a claim behind it neither.
func TestProbesClaimNothing(t *testing.T) {
	for _, a := range []string{"10.99.9.1", "fe80::99:1", "2001:db8::1:2:3"} {
		addr := netip.MustParseAddr(a)
		for _, own := range []netip.Addr{{}, netip.MustParseAddr("fe80::1")} {
			frame := ProbeFrame(mac1, own, addr)
			if len(frame) < etherLen+arpLen {
				t.Fatalf("%s: %d octets", a, len(frame))
			}
			if h, ok := ParseHeld(frame[etherLen:], addr.Is4()); ok {
				t.Errorf("%s: heard as %+v", a, h)
			}
			if addr.Is4() {
				continue
			}
			m, err := ndp.ParseMessage(frame[etherLen+ipv6Len:])
			ns, ok := m.(*ndp.NeighborSolicitation)
			if err != nil || !ok || ns.TargetAddress != addr || (len(ns.Options) == 1) != own.IsValid() {
				t.Errorf("%s from %v: %+v (%v)", a, own, m, err)
			}
			src, dst := netip.AddrFrom16([16]byte(frame[etherLen+8:])), netip.AddrFrom16([16]byte(frame[etherLen+24:]))
			if sum := checksumICMPv6(src, dst, frame[etherLen+ipv6Len:]); sum != 0 {
				t.Errorf("%s: the checksum is off by %#x", a, sum)
			}
		}
	}
	for _, bad := range []netip.Addr{{}, group4, netip.IPv4Unspecified()} {
		if ProbeFrame(mac1, netip.Addr{}, bad) != nil || ProbeFrame(mac1[:5], netip.Addr{}, netip.MustParseAddr("10.0.0.1")) != nil {
			t.Errorf("%v is probed for", bad)
		}
	}
}
