package vrrp

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// golden is a message that an independent encoder made (protocol.md section
// 6; the last is holo's own), and the packet that it is.
type golden struct {
	name   string
	src    string
	form   Checksum
	packet Packet
	hex    string
}

func (g golden) bytes() []byte {
	b, err := hex.DecodeString(g.hex)
	if err != nil {
		panic(err)
	}
	return b
}

func (g golden) family() Family {
	if netip.MustParseAddr(g.src).Is4() {
		return IPv4
	}
	return IPv6
}

func (g golden) dst() netip.Addr {
	if g.family() == IPv6 {
		return group6
	}
	return group
}

func addrs(list string) []netip.Addr {
	var out []netip.Addr
	for _, s := range strings.Fields(list) {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

var goldens = func() []golden {
	v3 := func(vrid, priority uint8, interval time.Duration, list string) Packet {
		return Packet{Version: 3, VRID: vrid, Priority: priority, Interval: interval, Addrs: addrs(list)}
	}
	v2 := func(vrid, priority uint8, list string) Packet {
		return Packet{Version: 2, VRID: vrid, Priority: priority, Interval: time.Second, Addrs: addrs(list)}
	}
	const ms = time.Millisecond
	return []golden{
		{"v3 plain", "198.51.100.10", ChecksumPlain, v3(51, 200, time.Second, "192.0.2.100"),
			"3133c80100644402c0000264"},
		{"v3 pseudo", "198.51.100.10", ChecksumPseudo, v3(51, 200, time.Second, "192.0.2.100"),
			"3133c80100643935c0000264"},
		{"v3 IPv6", "fe80::10", ChecksumPseudo, v3(51, 200, time.Second, "fe80::100"),
			"3133c801006408b8fe800000000000000000000000000100"},
		{"v3 10 ms plain", "192.0.2.1", ChecksumPlain, v3(10, 200, 10*ms, "192.0.2.100 192.0.2.101"),
			"310ac80200018227c0000264c0000265"},
		{"v3 10 ms pseudo", "192.0.2.1", ChecksumPseudo, v3(10, 200, 10*ms, "192.0.2.100 192.0.2.101"),
			"310ac8020001df92c0000264c0000265"},
		{"v3 release plain", "192.0.2.1", ChecksumPlain, v3(10, 0, time.Second, "192.0.2.100"),
			"310a000100640c2cc0000264"},
		{"v3 release pseudo", "192.0.2.1", ChecksumPseudo, v3(10, 0, time.Second, "192.0.2.100"),
			"310a00010064699bc0000264"},
		{"v3 longest interval", "192.0.2.1", ChecksumPlain, v3(255, 255, 40950*ms, "192.0.2.1"),
			"31ffff010ffffcfdc0000201"},
		{"v2", "192.0.2.1", ChecksumPlain, v2(10, 200, "192.0.2.100"),
			"210ac8010001548ec00002640000000000000000"},
		{"v2 two addresses", "192.0.2.1", ChecksumPlain, v2(10, 200, "192.0.2.100 192.0.2.101"),
			"210ac80200019227c0000264c00002650000000000000000"},
		{"v2 of holo", "10.0.1.1", ChecksumPlain, v2(51, 30, "10.0.1.5"),
			"21331e010001b5c50a0001050000000000000000"},
	}
}()

//vrrp:row 5 7 8 10 11 65
func TestGoldenBytesOut(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			got, err := g.packet.Append([]byte("before"), netip.MustParseAddr(g.src), g.dst(), g.form)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := bytes.CutPrefix(got, []byte("before")); !ok || !bytes.Equal(got, g.bytes()) {
				t.Errorf("got  %x\nwant %s", got, g.hex)
			}
		})
	}
}

func TestGoldenBytesIn(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			got, err := Parse(g.bytes(), g.family())
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, g.packet) {
				t.Errorf("got  %+v\nwant %+v", got, g.packet)
			}
		})
	}
}

// Every octet is covered by the checksum: with any bit changed the golden
// message is refused, in the form it has and in the other.
//
//vrrp:row 17
func TestGoldenChecksums(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			msg := g.bytes()
			sums := func(msg []byte) (Checksum, bool) {
				f := Frame{Message: msg, Family: g.family(), Src: netip.MustParseAddr(g.src), Dst: g.dst()}
				return f.checksumForm(nil)
			}
			if form, ok := sums(msg); !ok || form != g.form {
				t.Fatalf("checksum form %d fits: %v, want form %d", form, ok, g.form)
			}
			for bit := range 8 * len(msg) {
				bad := slices.Clone(msg)
				bad[bit/8] ^= 1 << (bit % 8)
				if bad[0]>>4 != msg[0]>>4 || bad[3] != msg[3] {
					continue // another version or length: judged before the checksum
				}
				if _, ok := sums(bad); ok {
					t.Errorf("accepted with bit %d of octet %d changed", bit%8, bit/8)
				}
			}
		})
	}
}
