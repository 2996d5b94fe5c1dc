package netio

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

var mac2 = net.HardwareAddr{0x02, 0, 0, 0, 0, 0x02}

func TestUnicastFrame(t *testing.T) {
	for _, c := range []struct{ src, dst, header string }{
		{"10.9.0.1", "10.9.0.2", "020000000002" + "020000000001" + "0800" + "45c000200000000040700000" + "0a090001" + "0a090002"},
		{"fe80::1", "fe80::2", "020000000002" + "020000000001" + "86dd" + "6c000000" + "0018" + "70" + "40" +
			"fe800000000000000000000000000001" + "fe800000000000000000000000000002"},
	} {
		src, dst := netip.MustParseAddr(c.src), netip.MustParseAddr(c.dst)
		msg := message(t, 51, 100, src, c.src)
		if src.Is4() {
			msg = msg[:12]
		}
		got := UnicastFrame(mac1, mac2, src, dst, 64, msg)
		want := append(unhex(t, c.header), msg...)
		if src.Is4() {
			checksumIPv4(want[etherLen:])
		}
		if !bytes.Equal(got, want) {
			t.Errorf("got  %x\nwant %x", got, want)
		}
		if Unresolved(got) {
			t.Error("a frame with a MAC address is called unresolved")
		}
		unknown := UnicastFrame(mac1, nil, src, dst, 64, msg)
		countIPv4(unknown, 0) // it has one, or the kernel would give it one
		if !Unresolved(unknown) || !bytes.Equal(unknown[6:], got[6:]) {
			t.Errorf("without a MAC address: %x", unknown)
		}
	}
	a, b, six := netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("10.9.0.2"), netip.MustParseAddr("fe80::1")
	for name, f := range map[string][]byte{
		"short MAC": UnicastFrame(mac1[:5], mac2, a, b, 1, nil), "long hop": UnicastFrame(mac1, make([]byte, 8), a, b, 1, nil),
		"group": UnicastFrame(mac1, mac2, a, group4, 1, nil), "families": UnicastFrame(mac1, mac2, a, six, 1, nil),
		"no destination": UnicastFrame(mac1, mac2, a, netip.Addr{}, 1, nil), "unspecified": UnicastFrame(mac1, mac2, a, netip.IPv4Unspecified(), 1, nil),
		"long": UnicastFrame(mac1, mac2, a, b, 1, make([]byte, 0xffff)),
	} {
		if f != nil {
			t.Errorf("%s: %x", name, f)
		}
	}
}

// batches is a Sender that remembers what came in one call.
type batches struct {
	recorder
	calls   []int
	refuses string
}

func (b *batches) SendEach(frames [][]byte, refused []int) []int {
	b.calls = append(b.calls, len(frames))
	for i, f := range frames {
		if string(f) == b.refuses || b.recorder.Send(f) != nil {
			refused = append(refused, i)
		}
	}
	return refused
}

func TestRoutedSenderSortsByWhatIsKnown(t *testing.T) {
	src := netip.MustParseAddr("10.9.0.1")
	frame := func(hop net.HardwareAddr, last byte) []byte {
		return UnicastFrame(mac1, hop, src, netip.AddrFrom4([4]byte{10, 9, 0, last}), 255, []byte{last})
	}
	direct, raw := &batches{}, &recorder{}
	s := &RoutedSender{sender: direct, raw: raw}
	frames := [][]byte{frame(mac2, 2), frame(mac2, 3), frame(nil, 4), frame(mac2, 5), frame(nil, 6)}
	if n := s.SendAll(frames); n != 5 {
		t.Errorf("%d frames sent", n)
	}
	if !slices.Equal(direct.calls, []int{2, 1}) || !slices.Equal(direct.sent(), []string{string(frames[0]), string(frames[1]), string(frames[3])}) {
		t.Errorf("direct: calls of %v frames, %x", direct.calls, direct.sent())
	}
	if want := []string{string(frames[2][14:]), string(frames[4][14:])}; !slices.Equal(raw.sent(), want) {
		t.Errorf("raw: %x, want %x", raw.sent(), want)
	}
	raw.err = unix.EPERM
	if n := s.SendAll(frames); n != 3 {
		t.Errorf("%d frames sent where two are refused", n)
	}
	direct.refuses = string(frames[3])
	if which := s.SendEach(frames, []int{7}); !slices.Equal(which, []int{7, 2, 3, 4}) {
		t.Errorf("refused %v", which)
	}
	if sent, failed := s.Routed(); sent != 2 || failed != 4 {
		t.Errorf("%d routed, %d failed", sent, failed)
	}
	if err := s.Send(frames[2]); err != unix.EPERM {
		t.Errorf("Send: %v", err)
	}
}

// The kernel resolves, and leaves the packet as it is.
func TestRawSenderHasTheKernelResolve(t *testing.T) {
	lan := testnet.ForTest(t, "a", "b")
	a, b := lan.Host("a"), lan.Host("b")
	var raw *RawSender
	if err := a.Do(func() (err error) { raw, err = OpenRawSender(a.Ifindex); return err }); err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	tap := lan.TapForTest(t)
	s := NewRoutedSender(senderOn(t, a), raw)
	for _, c := range []struct{ src, dst netip.Addr }{{a.Addr, b.Addr}, {linkLocalOf(t, a), linkLocalOf(t, b)}} {
		msg := message(t, 51, 100, c.src, c.dst.String())
		frame := UnicastFrame(a.MAC, nil, c.src, c.dst, 33, msg)
		// A link-local address that is still tentative cannot be sent from.
		var err error
		if !testnet.WaitFor(patience, func() bool { err = s.Send(frame); return err == nil }) {
			t.Fatalf("%v: %v", c.dst, err)
		}
		want := UnicastFrame(a.MAC, b.MAC, c.src, c.dst, 33, msg)
		arrived := testnet.WaitFor(patience, func() bool {
			return slices.ContainsFunc(tap.Frames(), func(f testnet.Frame) bool {
				got := bytes.Clone(f.Bytes)
				if c.src.Is4() && len(got) > etherLen+ipv4Len {
					countIPv4(got, 0) // the kernel gives it an identification
				}
				return bytes.Equal(got, want)
			})
		})
		if !arrived {
			t.Errorf("to %v: not seen as\n%x", c.dst, want)
		}
	}
	for _, bad := range [][]byte{nil, {0x45}, make([]byte, 60), bytes.Repeat([]byte{0x60}, 39)} {
		if err := raw.Send(bad); err != unix.EINVAL {
			t.Errorf("%x: %v, want EINVAL", bad, err)
		}
	}
}

func linkLocalOf(t *testing.T, h *testnet.Host) (found netip.Addr) {
	t.Helper()
	if !testnet.WaitFor(patience, func() bool {
		addrs, _ := h.Addrs()
		for _, a := range addrs {
			if a.Addr().IsLinkLocalUnicast() && a.Addr().Is6() {
				found = a.Addr()
			}
		}
		return found.IsValid()
	}) {
		t.Fatal("no link-local address")
	}
	return found
}

func TestHoldSilencesProtocolUnreachable(t *testing.T) {
	lan := testnet.ForTest(t, "a", "b")
	a, b := lan.Host("a"), lan.Host("b")
	answers, err := b.Tap("eth0", func(f testnet.Frame) bool {
		return len(f.Bytes) > 35 && binary.BigEndian.Uint16(f.Bytes[12:]) == 0x0800 && f.Bytes[23] == unix.IPPROTO_ICMP
	})
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	s := senderOn(t, b)
	frame := UnicastFrame(b.MAC, a.MAC, b.Addr, a.Addr, 255, message(t, 51, 100, b.Addr, "10.99.0.100"))
	refused := func() int {
		_ = s.Send(frame)
		testnet.WaitFor(300e6, func() bool { return len(answers.Frames()) > 0 })
		n := len(answers.Frames())
		answers.Clear()
		return n
	}
	if refused() == 0 {
		t.Fatal("no ICMP protocol unreachable: the test proves nothing")
	}
	var m *Membership
	if err := a.Do(func() (err error) { m, err = Hold(a.Ifindex, false); return err }); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if refused() != 0 || readable(m.fd, 0) {
		t.Error("answered, or queued")
	}
}

// The packet socket judges unicast as the kernel program does.
func TestReceiverHearsUnicastPeers(t *testing.T) {
	lan := testnet.ForTest(t, "a", "b")
	a, b := lan.Host("a"), lan.Host("b")
	var r *Receiver
	if err := a.Do(func() (err error) { r, err = OpenReceiver(a.Ifindex); return err }); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rule := Rule{Priority: 100, Rate: 1000, Burst: 1000, Expect: vrrp.Expect{
		Version: 3, Own: a.Addr, Group: a.Addr,
		Unicast: &vrrp.Unicast{OldGroup: group4, Peers: []vrrp.Peer{{Addr: b.Addr, MaxTTL: 64}}},
	}}
	if err := r.SetRouter(51, vrrp.IPv4, rule); err != nil {
		t.Fatal(err)
	}
	s := senderOn(t, b)
	old := message(t, 51, 200, b.Addr, "10.99.0.100") // summed as if to the group
	send := func(src netip.Addr, ttl uint8) { _ = s.Send(UnicastFrame(b.MAC, a.MAC, src, a.Addr, ttl, old)) }
	send(b.Addr, 64)
	send(b.Addr, 65)
	send(netip.MustParseAddr("192.0.2.7"), 10)
	_ = s.Send(AdvertFrame(b.MAC, b.Addr, group4, 255, old))
	given := 0
	testnet.WaitFor(patience, func() bool {
		n, _ := r.Drain(testnet.Now(), func(*Packet) {})
		given += n
		c, _ := r.Router(51, vrrp.IPv4)
		return given == 1 && c.Drops[vrrp.DropTTL]+c.Drops[vrrp.DropUnknownPeer]+c.Drops[vrrp.DropDestination] == 3
	})
	c, _ := r.Router(51, vrrp.IPv4)
	if given != 1 || c.Old != 1 || c.Drops[vrrp.DropTTL] != 1 || c.Drops[vrrp.DropUnknownPeer] != 1 || c.Drops[vrrp.DropDestination] != 1 {
		t.Errorf("%d given, %+v", given, c)
	}
}
