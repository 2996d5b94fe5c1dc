package netio

import (
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/vrrpx/vrrpx/vrrp"
)

// frameOf is an Ethernet frame with the given type and payload.
func frameOf(kind uint16, payload ...byte) []byte {
	return append([]byte{1, 0, 0x5e, 0, 0, 0x12, 2, 0, 0, 0, 0, 1, byte(kind >> 8), byte(kind)}, payload...)
}

func ipv4Of(proto byte) []byte {
	b := make([]byte, ipv4Len)
	b[0], b[9] = 0x45, proto
	return b
}

func ipv6Of(next byte, dst string) []byte {
	b := make([]byte, ipv6Len)
	b[0], b[6] = 0x60, next
	copy(b[24:], netip.MustParseAddr(dst).AsSlice())
	return b
}

func TestFilterLetsThroughVRRPAlone(t *testing.T) {
	vm, err := bpf.NewVM(vrrpFilter)
	if err != nil {
		t.Fatal(err)
	}
	inVLAN := func(f []byte) []byte { return tagged(0x8100, 5, f) }
	tests := []struct {
		name  string
		frame []byte
		want  bool
	}{
		{"IPv4 VRRP", frameOf(0x0800, ipv4Of(112)...), true},
		{"IPv4 AH", frameOf(0x0800, ipv4Of(51)...), true},
		{"IPv4 ICMP", frameOf(0x0800, ipv4Of(1)...), false},
		{"IPv4 hop-by-hop's number", frameOf(0x0800, ipv4Of(0)...), false},
		{"IPv6 VRRP to anyone", frameOf(0x86dd, ipv6Of(112, "fe80::1")...), true},
		{"IPv6 AH", frameOf(0x86dd, ipv6Of(51, "ff02::12")...), true},
		{"IPv6 UDP to the group", frameOf(0x86dd, ipv6Of(17, "ff02::12")...), false},
		{"IPv6 hop-by-hop to the group", frameOf(0x86dd, append(ipv6Of(0, "ff02::12"), 112)...), true},
		{"IPv6 routing to the group", frameOf(0x86dd, append(ipv6Of(43, "ff02::12"), 112)...), true},
		{"IPv6 fragment to the group", frameOf(0x86dd, append(ipv6Of(44, "ff02::12"), 112)...), true},
		{"IPv6 options to the group", frameOf(0x86dd, append(ipv6Of(60, "ff02::12"), 112)...), true},
		{"IPv6 hop-by-hop to another group", frameOf(0x86dd, append(ipv6Of(0, "ff05::16"), 51)...), true},
		{"IPv6 two extension headers", frameOf(0x86dd, append(ipv6Of(0, "ff02::12"), 60)...), true},
		{"IPv6 MLD report", frameOf(0x86dd, append(ipv6Of(0, "ff02::16"), 58)...), false},
		{"IPv6 extension header and no more", frameOf(0x86dd, ipv6Of(0, "ff02::12")...), false},
		{"IPv6 hop-by-hop to a host", frameOf(0x86dd, append(ipv6Of(0, "feff::12"), 112)...), false},
		{"ARP", frameOf(0x0806, ipv4Of(112)...), false},
		{"tagged IPv4 VRRP", inVLAN(frameOf(0x0800, ipv4Of(112)...)), true},
		{"tagged IPv4 ICMP", inVLAN(frameOf(0x0800, ipv4Of(1)...)), false},
		{"tagged IPv6 options to the group", inVLAN(frameOf(0x86dd, append(ipv6Of(60, "ff02::12"), 112)...)), true},
		{"service-tagged IPv4 VRRP", tagged(0x88a8, 5, frameOf(0x0800, ipv4Of(112)...)), true},
		{"runt", []byte{1, 2, 3}, false},
		{"cut before the protocol", frameOf(0x0800, 0x45, 0, 0), false},
	}
	for _, tt := range tests {
		n, err := vm.Run(tt.frame)
		if err != nil || (n > 0) != tt.want {
			t.Errorf("%s: %d octets, %v; want through: %v", tt.name, n, err, tt.want)
		}
	}
}

// FuzzReceiver holds the filter to the judge, and the counting to its promise:
// a frame that the judge calls VRRP passes the filter, and is either given or
// counted under exactly one name.
func FuzzReceiver(f *testing.F) {
	vm, err := bpf.NewVM(vrrpFilter)
	if err != nil {
		f.Fatal(err)
	}
	src := netip.MustParseAddr("10.99.0.1")
	good := AdvertFrame(mac1, src, group4, 255, message(f, 51, 150, src, "10.99.0.100"))
	src6 := netip.MustParseAddr("fe80::1")
	for _, seed := range [][]byte{
		good, good[:40], tagged(0x8100, 5, good), tagged(0x8100, 0, tagged(0x8100, 0, good)),
		AdvertFrame(mac1, src6, group6, 255, message(f, 51, 150, src6, "fe80::100")),
		frameOf(0x86dd, append(ipv6Of(60, "ff02::12"), 112)...), frameOf(0x0800, ipv4Of(51)...), GARPFrame(mac1, src), {},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		r := &Receiver{}
		rules := map[vrrp.Family]Rule{vrrp.IPv4: generous, vrrp.IPv6: generous}
		for family, rule := range rules {
			if family == vrrp.IPv6 {
				rule.Group = group6
			}
			if err := r.SetRouter(51, family, rule); err != nil {
				t.Fatal(err)
			}
		}
		given := r.take(captured{at: 1, bytes: frame})
		passed, err := vm.Run(frame)
		if r.frames.Load() == 1 && deepTags(frame) < 2 && (err != nil || passed == 0) {
			t.Errorf("judged to be VRRP, but the filter drops %x", frame)
		}
		counted := uint64(0)
		for _, all := range [][]uint64{loadAll(r.drops[:]), loadAll(r.router(51, vrrp.IPv4).drops[:]), loadAll(r.router(51, vrrp.IPv6).drops[:])} {
			for _, n := range all {
				counted += n
			}
		}
		if given {
			counted++
		}
		if counted != r.frames.Load() {
			t.Errorf("%d VRRP frames, %d given or counted: %x", r.frames.Load(), counted, frame)
		}
	})
}

// deepTags counts the VLAN tags in a frame. The kernel has taken the outer one
// off before its filter sees the frame, so the filter need not know two.
func deepTags(frame []byte) (n int) {
	for i := 12; i+1 < len(frame); i += 4 {
		if kind := uint16(frame[i])<<8 | uint16(frame[i+1]); kind != 0x8100 && kind != 0x88a8 {
			break
		}
		n++
	}
	return n
}
