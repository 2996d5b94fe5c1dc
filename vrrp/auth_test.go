package vrrp

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// signed is an advert of protocol.md section 6, the wire images of the draft:
// key 00 01 to 1f, id 1, sequence 0x6800000080000000.
type signed struct{ src, dst, hex string }

var signedGoldens = map[string]signed{
	"IPv4": {"198.51.100.10", "224.0.0.18", "3133c80100644402c0000264" +
		"010100006800000080000000" + "1b84bc4e8e43892dc6d98448f8ee2265"},
	"IPv6": {"fe80::10", "fe80::20", "3133c8010064a2e9fe800000000000000000000000000100" +
		"010100006800000080000000" + "c8c56146ebfd66ee10ec4d8186461b78"},
}

const goldenSeq = 0x6800000080000000

var goldenSecret = func() (b []byte) {
	for i := range byte(32) {
		b = append(b, i)
	}
	return b
}()

func (s signed) message() []byte {
	b, err := hex.DecodeString(s.hex)
	if err != nil {
		panic(err)
	}
	return b
}

func (s signed) source() netip.Addr { return netip.MustParseAddr(s.src) }

func (s signed) family() Family { return familyOf(s.source()) }

func familyOf(a netip.Addr) Family {
	if a.Is6() {
		return IPv6
	}
	return IPv4
}

// ipPacket has only those fields of the IP header that signing looks at.
func ipPacket(src, dst netip.Addr, msg []byte) []byte {
	var b []byte
	if src.Is6() {
		b = make([]byte, ipv6Len)
		b[0] = 0x60
		copy(b[8:], src.AsSlice())
		copy(b[24:], dst.AsSlice())
	} else {
		b = make([]byte, ipv4Len)
		b[0], b[8] = 0x45, 255
		copy(b[12:], src.AsSlice())
		copy(b[16:], dst.AsSlice())
	}
	return append(b, msg...)
}

func TestSignedGoldenBytesOut(t *testing.T) {
	for name, g := range signedGoldens {
		dst := netip.MustParseAddr(g.dst)
		p := Packet{Version: 3, VRID: 51, Priority: 200, Interval: time.Second}
		p.Addrs = addrs(map[Family]string{IPv4: "192.0.2.100", IPv6: "fe80::100"}[g.family()])
		msg, err := p.Append(nil, g.source(), dst, ChecksumPlain)
		if err != nil {
			t.Fatal(err)
		}
		packet := ipPacket(g.source(), dst, append(msg, make([]byte, TrailerLen)...))
		NewKey(1, goldenSecret).Sign(packet, goldenSeq)
		if got := hex.EncodeToString(packet[len(packet)-len(g.message()):]); got != g.hex {
			t.Errorf("%s: got  %s\nwant %s", name, got, g.hex)
		}
	}
}

func TestSignedGoldenBytesIn(t *testing.T) {
	for name, g := range signedGoldens {
		msg := g.message()
		tr, d := TrailerOf(msg, g.family())
		if tr != (Trailer{1, goldenSeq}) || d != Accepted {
			t.Errorf("%s: %+v, %v", name, tr, d)
		}
		if !NewKey(1, goldenSecret).Verify(msg, g.family(), g.source().AsSlice()) {
			t.Errorf("%s: not verified", name)
		}
		fr := Frame{Message: msg, Family: g.family(), Src: g.source(), Dst: netip.MustParseAddr(g.dst)}
		if _, ok := fr.checksumForm(nil); !ok {
			t.Errorf("%s: checksum does not fit", name)
		}
	}
}

// Of a signed advert every octet is under the HMAC but those of the checksum,
// which an IPv6 sender's kernel writes after the signature.
func TestSignatureCoversEveryOctet(t *testing.T) {
	for name, g := range signedGoldens {
		key, src := NewKey(1, goldenSecret), g.source().AsSlice()
		good := g.message()
		trailer := len(good) - TrailerLen
		for i := range good {
			bad := slices.Clone(good)
			bad[i] ^= 1
			if bad[0]>>4 != 3 || i == 3 {
				continue // another version or length: judged before
			}
			tr, d := TrailerOf(bad, g.family())
			verified := d == Accepted && tr.KeyID == 1 && key.Verify(bad, g.family(), src)
			wantShape, wantVerified := Accepted, i == 6 || i == 7
			switch i {
			case 0: // the type: not an advert any more
				wantShape = DropAuthMalformed
			case trailer, trailer + 2, trailer + 3:
				wantShape = DropAuthMalformed
			}
			if d != wantShape || verified != wantVerified {
				t.Errorf("%s, octet %d: %v, verified %v; want %v, %v", name, i, d, verified, wantShape, wantVerified)
			}
		}
		for i := range src {
			bad := slices.Clone(src)
			bad[i] ^= 1
			if key.Verify(good, g.family(), bad) {
				t.Errorf("%s: verified for source %x", name, bad)
			}
		}
		if other := append(slices.Clone(goldenSecret), 0x20); NewKey(1, other).Verify(good, g.family(), src) {
			t.Errorf("%s: verified with another key", name)
		}
	}
}

func TestTrailerIsExactlyItsLength(t *testing.T) {
	for name, g := range signedGoldens {
		msg := g.message()
		plain := len(msg) - TrailerLen
		for n := plain; n <= len(msg)+4; n++ {
			want := DropAuthMalformed
			switch n {
			case plain:
				want = DropAuthMissing
			case len(msg):
				want = Accepted
			}
			if _, d := TrailerOf(append(slices.Clone(msg), 0, 0, 0, 0)[:n], g.family()); d != want {
				t.Errorf("%s: %d octets: %v, want %v", name, n, d, want)
			}
		}
	}
}

func ahPacket() []byte {
	src, dst := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("224.0.0.18")
	p := Packet{Version: 2, VRID: 51, Priority: 150, Interval: time.Second, Addrs: addrs("10.0.0.3"), Auth: AuthAH}
	msg, err := p.Append(nil, src, dst, ChecksumPlain)
	if err != nil {
		panic(err)
	}
	packet := ipPacket(src, dst, append(make([]byte, AHLen), msg...))
	packet[1], packet[5], packet[9] = 0xc0, 7, ProtocolAH
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
	NewAH("1111").Seal(packet, 9)
	return packet
}

// ahGoldens are the first two adverts that keepalived 2.2.7 sent with auth_pass
// 1111, from the IP header on.
var ahGoldens = []string{
	"45c0004000010000ff33d0530a630001e000001270" + "0400000a63000100000001b40564b534c843a6f98b9be3" +
		"21339601020133660a6309010000000000000000",
	"45c0004000020000ff33d0520a630001e000001270" + "0400000a63000100000002df71159db1f98c634036d026" +
		"21339601020133660a6309010000000000000000",
}

//vrrp:row 65 67
func TestAHIsThatOfKeepalived(t *testing.T) {
	a := NewAH("1111")
	for i, g := range ahGoldens {
		want, err := hex.DecodeString(g)
		if err != nil {
			t.Fatal(err)
		}
		if seq, d := a.Verify(want); seq != uint32(i+1) || d != Accepted {
			t.Errorf("advert %d: sequence %d, %v", i+1, seq, d)
		}
		p := Packet{Version: 2, VRID: 51, Priority: 150, Interval: time.Second, Addrs: addrs("10.99.9.1"), Auth: AuthAH}
		msg, err := p.Append(nil, netip.MustParseAddr("10.99.0.1"), group, ChecksumPlain)
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Concat(want[:ipv4Len], make([]byte, AHLen), msg)
		a.Seal(got, uint32(i+1))
		if !slices.Equal(got, want) {
			t.Errorf("got  %x\nwant %x", got, want)
		}
	}
}

//vrrp:row 67
func TestAHCoversEveryOctetThatDoesNotChangeOnTheWay(t *testing.T) {
	good := ahPacket()
	if seq, d := NewAH("1111").Verify(good); seq != 9 || d != Accepted {
		t.Fatalf("sequence %d, %v", seq, d)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 1
		want := DropAuthInvalid
		switch i {
		case 1, 6, 7, 10, 11: // TOS, fragment, checksum
			want = Accepted
		case ipv4Len + 1: // length of the header
			want = DropAuthMalformed
		}
		if _, d := NewAH("1111").Verify(bad); d != want {
			t.Errorf("octet %d: %v, want %v", i, d, want)
		}
	}
}

func TestAHOfAnotherPasswordSPIOrLengthIsRefused(t *testing.T) {
	good := ahPacket()
	if _, d := NewAH("1112").Verify(good); d != DropAuthInvalid {
		t.Errorf("another password: %v", d)
	}
	if _, d := NewAH("11110000").Verify(good); d != DropAuthInvalid {
		t.Errorf("a longer password: %v", d)
	}
	long, cut := slices.Clone(good), slices.Clone(good)
	NewAH("123456789").Seal(long, 9)
	NewAH("12345678").Seal(cut, 9)
	if !slices.Equal(long, cut) {
		t.Error("the ninth octet of a password matters")
	}
	spi, a := slices.Clone(good), NewAH("1111")
	spi[ipv4Len+ahSPI]++
	copy(spi[ipv4Len+ahICV:], a.icv(spi))
	if _, d := a.Verify(spi); d != DropAuthMalformed {
		t.Errorf("another SPI, rightly sealed: %v", d)
	}
	for n := range good {
		if _, d := a.Verify(good[:n]); d == Accepted {
			t.Errorf("accepted %d octets of %d", n, len(good))
		}
	}
}

// Over unicast keepalived leaves the TTL out of the ICV.
func TestAHOverUnicastLeavesTheTTLOut(t *testing.T) {
	p := ahPacket()
	copy(p[16:], []byte{10, 0, 0, 2})
	a := NewAH("1111")
	a.Seal(p, 1)
	p[8] = 64
	if _, d := a.Verify(p); d != Accepted {
		t.Errorf("with TTL 64: %v", d)
	}
}

func TestSealingIsFreeOfAllocations(t *testing.T) {
	g := signedGoldens["IPv6"]
	packet := ipPacket(g.source(), netip.MustParseAddr(g.dst), g.message())
	key, ah, v2 := NewKey(1, goldenSecret), NewAH("1111"), ahPacket()
	src := g.source().AsSlice()
	if n := testing.AllocsPerRun(100, func() {
		key.Sign(packet, 1)
		key.Verify(packet[ipv6Len:], IPv6, src)
		ah.Seal(v2, 1)
		ah.Verify(v2)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzVerify: no packet panics, and none is accepted but what the key made.
func FuzzVerify(f *testing.F) {
	for _, g := range signedGoldens {
		f.Add(g.message(), g.family() == IPv6)
	}
	f.Add(ahPacket(), false)
	genuine := [][]byte{ahPacket()}
	for _, g := range signedGoldens {
		genuine = append(genuine, g.message())
	}
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		family, src := IPv4, netip.MustParseAddr("198.51.100.10").AsSlice()
		if six {
			family, src = IPv6, netip.MustParseAddr("fe80::10").AsSlice()
		}
		b = slices.Clip(b)
		known := slices.ContainsFunc(genuine, func(g []byte) bool { return slices.Equal(mutable(g), mutable(b)) })
		if _, d := TrailerOf(b, family); d == Accepted && NewKey(1, goldenSecret).Verify(b, family, src) && !known {
			t.Errorf("a forged message is verified: %x", b)
		}
		if _, d := NewAH("1111").Verify(b); d == Accepted && !known {
			t.Errorf("a forged packet is verified: %x", b)
		}
	})
}

// mutable blanks what neither AH nor trailer covers.
func mutable(b []byte) []byte {
	b = slices.Clone(b)
	for i, of := range map[int]byte{1: 4, 6: 0, 7: 0, 10: 4, 11: 4} {
		if i < len(b) && (of == 0 || b[0]>>4 == of) {
			b[i] = 0
		}
	}
	return b
}

func BenchmarkSign(b *testing.B) {
	g := signedGoldens["IPv4"]
	packet := ipPacket(g.source(), netip.MustParseAddr(g.dst), g.message())
	key := NewKey(1, goldenSecret)
	b.ReportAllocs()
	for b.Loop() {
		key.Sign(packet, goldenSeq)
	}
}

func BenchmarkVerify(b *testing.B) {
	g := signedGoldens["IPv4"]
	key, msg, src := NewKey(1, goldenSecret), g.message(), g.source().AsSlice()
	b.ReportAllocs()
	for b.Loop() {
		if !key.Verify(msg, IPv4, src) {
			b.Fatal("not verified")
		}
	}
}

func BenchmarkSealAH(b *testing.B) {
	packet, ah := ahPacket(), NewAH("1111")
	b.ReportAllocs()
	for b.Loop() {
		ah.Seal(packet, 1)
	}
}
