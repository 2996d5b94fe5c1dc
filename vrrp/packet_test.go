package vrrp

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"
)

//vrrp:row 8 66
func TestWireInterval(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		version uint8
		d       time.Duration
		want    uint16 // 0: refused
	}{
		{3, 10 * ms, 1},
		{3, time.Second, 100},
		{3, 40950 * ms, 4095},
		{3, 40960 * ms, 0},
		{3, 0, 0},
		{3, -10 * ms, 0},
		{3, 9 * ms, 0},
		{3, 15 * ms, 0}, // not in centiseconds: never rounded in silence
		{3, 10*ms + 1, 0},
		{3, 1 << 62, 0},
		{2, time.Second, 1},
		{2, 255 * time.Second, 255},
		{2, 256 * time.Second, 0},
		{2, 0, 0},
		{2, -time.Second, 0},
		{2, 500 * ms, 0},
		{2, 1500 * ms, 0},
	} {
		got, err := WireInterval(c.version, c.d)
		if got != c.want || (err == nil) != (c.want != 0) || err != nil && !errors.Is(err, ErrInterval) {
			t.Errorf("v%d %v: %d, %v, want %d", c.version, c.d, got, err, c.want)
		}
	}
}

// random is a packet that a router may send, and its addresses' family.
func random(rng *rand.Rand) (Packet, Family) {
	f, size := IPv4, 4
	p := Packet{Version: 3, VRID: uint8(rng.IntN(256)), Priority: uint8(rng.IntN(256))}
	switch rng.IntN(3) {
	case 0:
		f, size = IPv6, 16
	case 1:
		p.Version = 2
	}
	if p.Version == 2 {
		p.Interval = time.Duration(1+rng.IntN(255)) * time.Second
		p.Auth = AuthType(rng.IntN(256))
		for i := range p.AuthData {
			p.AuthData[i] = byte(rng.IntN(256))
		}
	} else {
		p.Interval = time.Duration(1+rng.IntN(4095)) * 10 * time.Millisecond
	}
	p.Addrs = []netip.Addr{}
	for range rng.IntN(256) {
		p.Addrs = append(p.Addrs, randomAddr(rng, size))
	}
	return p, f
}

func randomAddr(rng *rand.Rand, size int) netip.Addr {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rng.IntN(256))
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func ends(f Family) (src, dst netip.Addr) {
	if f == IPv6 {
		return netip.MustParseAddr("fe80::10"), group6
	}
	return own, group
}

// Any packet, in any checksum form, with or without trailing bytes, comes back
// as it went.
//
//vrrp:row 7 16
func TestRoundTrip(t *testing.T) {
	eachSeed(t, 300, func(t *testing.T, rng *rand.Rand) {
		p, f := random(rng)
		src, dst := ends(f)
		form := Checksum(rng.IntN(2))
		msg, err := p.Append(nil, src, dst, form)
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		want := form
		switch {
		case p.Version == 2:
			want = ChecksumPlain
		case f == IPv6:
			want = ChecksumPseudo
		}
		sent := Frame{Message: msg, Family: f, Src: src, Dst: dst}
		if got, ok := sent.checksumForm(nil); !ok || got != want {
			t.Fatalf("v%d %v: checksum form %d fits: %v, want %d", p.Version, f, got, ok, want)
		}
		got, err := Parse(append(msg, make([]byte, rng.IntN(40))...), f)
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Fatalf("sent %+v\ngot  %+v, %v", p, got, err)
		}
	})
}

// A message cut anywhere is too short, and nothing past the cut is read: the
// slices have no capacity beyond their length.
//
//vrrp:row 16
func TestParseRefusesEveryTruncation(t *testing.T) {
	for _, g := range goldens {
		whole := g.bytes()
		for n := range whole {
			if _, err := Parse(slices.Clip(slices.Clone(whole[:n])), g.family()); err != DropLength {
				t.Errorf("%s cut to %d: %v, want %v", g.name, n, err, DropLength)
			}
		}
	}
}

//vrrp:row 14 15
func TestParseRefusesOtherVersionsAndTypes(t *testing.T) {
	msg := goldens[0].bytes()
	for first := range 256 {
		msg[0] = byte(first)
		var want error
		switch version, kind := first>>4, first&15; {
		case version != 2 && version != 3:
			want = DropVersion
		case kind != 1:
			want = DropType
		case version == 2:
			want = DropLength // its authentication data is missing
		}
		if _, err := Parse(msg, IPv4); err != want {
			t.Errorf("first octet %#02x: %v, want %v", first, err, want)
		}
	}
	v2 := slices.Concat([]byte{0x21, 51, 100, 1, 0, 1, 0, 0}, make([]byte, 24))
	if _, err := Parse(v2, IPv6); err != DropVersion {
		t.Errorf("VRRPv2 over IPv6: %v, want %v", err, DropVersion)
	}
}

// The four bits before the interval are reserved: zero out, ignored in.
//
//vrrp:row 5 22
func TestReservedBitsAreIgnored(t *testing.T) {
	msg := goldens[0].bytes()
	msg[4] |= 0xf0
	if p, err := Parse(msg, IPv4); err != nil || p.Interval != time.Second {
		t.Errorf("interval %v, %v", p.Interval, err)
	}
}

func TestAppendTakes255AddressesAndNoMore(t *testing.T) {
	p := goldens[0].packet
	p.Addrs = slices.Repeat(addrs("192.0.2.7"), 255)
	msg, err := p.Append(nil, own, group, ChecksumPlain)
	if err != nil || len(msg) != 8+255*4 || msg[3] != 255 {
		t.Errorf("255 addresses: %d octets, %v", len(msg), err)
	}
	if got, err := Parse(msg, IPv4); err != nil || !slices.Equal(got.Addrs, p.Addrs) {
		t.Errorf("255 addresses came back as %d, %v", len(got.Addrs), err)
	}
	p.Addrs = append(p.Addrs, p.Addrs[0])
	refuses(t, p, own, ErrAddrs)
}

func TestAppendRefuses(t *testing.T) {
	good := goldens[0].packet
	mixed, foreign, zero, never := good, good, good, good
	mixed.Addrs = addrs("192.0.2.1 fe80::1")
	refuses(t, mixed, own, ErrAddrs)
	refuses(t, mixed, netip.MustParseAddr("fe80::10"), ErrAddrs)
	foreign.Addrs = addrs("::ffff:192.0.2.1") // an IPv6 address that looks like IPv4
	refuses(t, foreign, own, ErrAddrs)
	zero.Addrs = []netip.Addr{{}}
	refuses(t, zero, own, ErrAddrs)
	refuses(t, zero, netip.MustParseAddr("fe80::10"), ErrAddrs)
	never.Interval = 0
	refuses(t, never, own, ErrInterval)
}

// refuses demands the error and that the buffer is given back as it was.
func refuses(t *testing.T, p Packet, src netip.Addr, want error) {
	t.Helper()
	b := []byte("before")
	got, err := p.Append(b, src, group, ChecksumPlain)
	if err != want || string(got) != "before" {
		t.Errorf("%v: got %q, %v, want %v", p.Addrs, got, err, want)
	}
}
