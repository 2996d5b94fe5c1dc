package netio

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// TestFramesOnTheWireAreKeepaliveds runs the real keepalived, captures what it
// sends, sends ours with the same content, and compares what a third host saw.
//
//vrrp:row 1 2 12
func TestFramesOnTheWireAreKeepaliveds(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	lan := testnet.ForTest(t, "a")
	a, tap := lan.Host("a"), lan.TapForTest(t)
	conf := testnet.Conf(3, testnet.Instance{Priority: 150, AdvertInt: "0.1", VIPs: []string{"10.99.0.100/16", "10.99.0.101/16"}})
	daemon := a.StartForTest(t, testnet.Keepalived, conf)
	theirAdvert := await(t, tap, testnet.Frame.IsAdvert)
	theirGARP := await(t, tap, func(f testnet.Frame) bool { return f.IsGARP("10.99.0.101") })
	daemon.Kill9()
	tap.Clear()

	msg := theirAdvert.Bytes[etherLen+ipv4Len:]
	ours := AdvertFrame(a.MAC, a.Addr, group4, 255, msg)
	countIPv4(ours, binary.BigEndian.Uint16(theirAdvert.Bytes[etherLen+4:]))
	s := senderOn(t, a)
	for _, frame := range [][]byte{ours, GARPFrame(a.MAC, netip.MustParseAddr("10.99.0.101"))} {
		if err := s.Send(frame); err != nil {
			t.Fatal(err)
		}
	}
	ourAdvert := await(t, tap, testnet.Frame.IsAdvert)
	ourGARP := await(t, tap, func(f testnet.Frame) bool { return f.IsGARP("10.99.0.101") })
	if !bytes.Equal(ourAdvert.Bytes, theirAdvert.Bytes) {
		t.Errorf("advert: ours   %x\n        theirs %x", ourAdvert.Bytes, theirAdvert.Bytes)
	}
	if n := len(theirGARP.Bytes); !bytes.Equal(ourGARP.Bytes[:n], theirGARP.Bytes) || bytes.Trim(ourGARP.Bytes[n:], "\x00") != nil {
		t.Errorf("GARP: ours   %x\n      theirs %x", ourGARP.Bytes, theirGARP.Bytes)
	}
}

// The same over IPv6. Of the router flag keepalived makes the host's
// forwarding, and we what RFC 9568 has: it is set.
//
//vrrp:row 1 2 4 12 35 42
func TestIPv6FramesOnTheWireAreKeepaliveds(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	lan := testnet.ForTest(t, "a")
	a, tap := lan.Host("a"), lan.TapForTest(t)
	const vip = "2001:db8::101"
	conf := testnet.Conf(3, testnet.Instance{Priority: 150, AdvertInt: "0.1", VIPs: []string{"fe80::100/64", vip + "/64"}})
	daemon := a.StartForTest(t, testnet.Keepalived, conf)
	theirAdvert := await(t, tap, testnet.Frame.IsAdvert)
	theirNA := await(t, tap, func(f testnet.Frame) bool { return f.IsNA(vip) })
	daemon.Kill9()
	tap.Clear()

	s := senderOn(t, a)
	for _, frame := range [][]byte{
		AdvertFrame(a.MAC, theirAdvert.SrcIP(), group6, 255, theirAdvert.Bytes[etherLen+ipv6Len:]),
		NAFrame(a.MAC, netip.MustParseAddr(vip)),
	} {
		if err := s.Send(frame); err != nil {
			t.Fatal(err)
		}
	}
	ours := await(t, tap, testnet.Frame.IsAdvert).Bytes
	theirs := theirAdvert.Bytes
	ours[etherLen+1], ours[etherLen+2], ours[etherLen+3] = theirs[etherLen+1], theirs[etherLen+2], theirs[etherLen+3] // the kernel's flow label
	if !bytes.Equal(ours, theirs) {
		t.Errorf("advert: ours   %x\n        theirs %x", ours, theirs)
	}
	na := await(t, tap, func(f testnet.Frame) bool { return f.IsNA(vip) })
	const flags = etherLen + ipv6Len + 4
	theirNA.Bytes[flags] |= 0x80
	// RFC 1624, for 0x8000 more in the message.
	sum := uint32(^binary.BigEndian.Uint16(theirNA.Bytes[flags-2:])) + 0x8000
	binary.BigEndian.PutUint16(theirNA.Bytes[flags-2:], ^uint16(sum>>16+sum))
	if !bytes.Equal(na.Bytes, theirNA.Bytes) {
		t.Errorf("NA: ours   %x\n    theirs %x", na.Bytes, theirNA.Bytes)
	}
}

// TestWiresharkTakesOurFramesWithoutComplaint has tshark dissect them with
// every checksum verified.
//
//vrrp:row 5 10
func TestWiresharkTakesOurFramesWithoutComplaint(t *testing.T) {
	testnet.Need(t, "root", "tshark")
	host := testnet.ForTest(t, "a").Host("a")
	v6 := netip.MustParseAddr("fe80::1")
	frames := [][]byte{
		AdvertFrame(mac1, host.Addr, group4, 255, message(t, 51, 150, host.Addr, "10.99.0.100", "10.99.0.101")),
		AdvertFrame(mac1, v6, group6, 255, message(t, 51, 150, v6, "fe80::100")),
		GARPFrame(mac1, netip.MustParseAddr("10.99.0.100")),
		NAFrame(mac1, netip.MustParseAddr("fe80::100")),
	}
	file := filepath.Join(t.TempDir(), "ours.pcap")
	if err := os.WriteFile(file, pcap(frames), 0o644); err != nil {
		t.Fatal(err)
	}
	tshark := func(args ...string) []string {
		out, err := host.Command(context.Background(), "tshark", append([]string{
			"-r", file, "-o", "ip.check_checksum:TRUE"}, args...)...).Output()
		if err != nil {
			t.Fatalf("tshark: %v", err)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	if got := strings.Join(tshark("-T", "fields", "-e", "_ws.col.Protocol"), " "); got != "VRRP VRRP ARP ICMPv6" {
		t.Fatalf("dissected as %s", got)
	}
	// ARP's only expert note is that it is gratuitous; VRRP has none.
	if bad := tshark("-Y", "_ws.malformed || _ws.expert.severity >= 0x400000 || ip.checksum.status == 0 || vrrp.checksum.status == 0 || icmpv6.checksum.status == 0"); bad[0] != "" {
		t.Errorf("tshark complains of:\n%s", strings.Join(bad, "\n"))
	}
	if good := tshark("-Y", "(ip.checksum.status == 1 || ipv6) && vrrp.checksum.status == 1 || arp.isgratuitous == 1 || icmpv6.checksum.status == 1"); len(good) != 4 {
		t.Errorf("tshark finds %d of 4 frames good:\n%s", len(good), strings.Join(good, "\n"))
	}
}

func await(t *testing.T, tap *testnet.Tap, is func(testnet.Frame) bool) (found testnet.Frame) {
	t.Helper()
	if !testnet.WaitFor(patience, func() bool {
		for _, f := range tap.Frames() {
			if is(f) {
				found = f
				return true
			}
		}
		return false
	}) {
		t.Fatalf("no such frame after %v", patience)
	}
	return found
}

// pcap writes a capture file (libpcap's format, Ethernet).
func pcap(frames [][]byte) []byte {
	var b []byte
	for _, v := range []uint32{0xa1b2c3d4, 2 | 4<<16, 0, 0, 65535, 1} {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	for i, f := range frames {
		for _, v := range []uint32{uint32(i), 0, uint32(len(f)), uint32(len(f))} {
			b = binary.NativeEndian.AppendUint32(b, v)
		}
		b = append(b, f...)
	}
	return b
}
