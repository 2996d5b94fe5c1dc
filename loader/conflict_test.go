package loader

import (
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

var (
	otherMAC = [6]byte{2, 0, 0, 0, 0, 9}
	ownMAC   = [6]byte{2, 0, 0, 0, 0, 1}
)

func (h *harness) watch(addr string) Watch {
	h.Helper()
	w := Watch{h.lo, netip.MustParseAddr(addr), ownMAC}
	if err := h.Watch(w); err != nil {
		h.Fatal(err)
	}
	return w
}

// by sets the frame's source.
func by(mac [6]byte, frame []byte) []byte { copy(frame[6:], mac[:]); return frame }

// arpOf is an ARP packet, followed by what stands behind it in the frame.
func arpOf(op byte, sender, target string, behind ...byte) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, op}
	b = append(append(b, otherMAC[:]...), netip.MustParseAddr(sender).AsSlice()...)
	b = append(append(b, make([]byte, 6)...), netip.MustParseAddr(target).AsSlice()...)
	return append(b, behind...)
}

// ndOf is neighbour discovery about an address.
func ndOf(kind byte, target string, options ...byte) []byte {
	m := append([]byte{kind, 0, 0, 0, 0, 0, 0, 0}, netip.MustParseAddr(target).AsSlice()...)
	return to6("ff02::1", 58, append(m, options...))
}

var claim = append([]byte("vrpx"), 1, 51, 150, 1, 192, 0, 2, 1)

func TestClaimsOfWatchedAddressesAreTold(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	h.watch(vip4)
	h.watch(vip6)
	ndClaim := append([]byte{253, 4}, claim...)
	for _, c := range []struct {
		name  string
		frame []byte
		want  bool
	}{
		{"reply", by(otherMAC, ether(0x0806, arpOf(2, vip4, "192.0.2.7"))), true},
		{"gratuitous ARP", by(otherMAC, ether(0x0806, arpOf(1, vip4, vip4))), true},
		{"request from it", by(otherMAC, ether(0x0806, arpOf(1, vip4, "192.0.2.7"))), true},
		{"request for it", by(otherMAC, ether(0x0806, arpOf(1, "192.0.2.7", vip4))), false},
		{"probe of a stranger", by(otherMAC, ether(0x0806, arpOf(1, "0.0.0.0", vip4, make([]byte, 18)...))), false},
		{"probe without padding", by(otherMAC, ether(0x0806, arpOf(1, "0.0.0.0", vip4))), false},
		{"question", by(otherMAC, ether(0x0806, arpOf(1, "0.0.0.0", vip4, claim...))), true},
		{"question for another", by(otherMAC, ether(0x0806, arpOf(1, "0.0.0.0", "192.0.2.7", claim...))), false},
		{"for another", by(otherMAC, ether(0x0806, arpOf(1, "192.0.2.7", "192.0.2.7"))), false},
		{"our own", by(ownMAC, ether(0x0806, arpOf(1, vip4, vip4))), false},
		{"with a priority tag", by(otherMAC, ether(0x0806, arpOf(1, vip4, vip4), [2]int{0x8100, 0xa000})), true},
		{"of another VLAN", by(otherMAC, ether(0x0806, arpOf(1, vip4, vip4), [2]int{0x8100, 5})), false},
		{"of another medium", by(otherMAC, ether(0x0806, set(1, 6)(arpOf(1, vip4, vip4)))), false},
		{"cut short", by(otherMAC, ether(0x0806, arpOf(1, vip4, vip4)[:27])), false},
		{"advertisement", by(otherMAC, ether(0x86dd, ndOf(136, vip6))), true},
		{"advertisement of another", by(otherMAC, ether(0x86dd, ndOf(136, "2001:db8::7"))), false},
		{"advertisement from afar", by(otherMAC, ether(0x86dd, set(7, 64)(ndOf(136, vip6)))), false},
		{"solicitation", by(otherMAC, ether(0x86dd, ndOf(135, vip6, 1, 1, 2, 0, 0, 0, 0, 9))), false},
		{"question over IPv6", by(otherMAC, ether(0x86dd, ndOf(135, vip6, ndClaim...))), true},
		{"echo request", by(otherMAC, ether(0x86dd, ndOf(128, vip6))), false},
		{"TCP", ether(0x0800, to4(vip4)), false},
	} {
		if v := h.run(c.frame); v != xdpPass {
			t.Errorf("%s: verdict %d", c.name, v)
		}
		events := h.events()
		if (len(events) == 1) != c.want || len(events) > 1 {
			t.Errorf("%s: %d events, want one: %v", c.name, len(events), c.want)
			continue
		}
		if !c.want {
			continue
		}
		e := events[0]
		at := len(c.frame) - len(e.Packet)
		if e.Kind != Claim || e.Key.Ifindex != h.lo || e.Key.VRID != 0 || e.MAC != otherMAC ||
			at < 14 || hex.EncodeToString(e.Packet) != hex.EncodeToString(c.frame[at:]) {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}

// Each frame is counted; what goes up is bounded, and of one address only.
func TestClaimsAreBounded(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	w, other := h.watch(vip4), h.watch("192.0.2.101")
	frame := by(otherMAC, ether(0x0806, arpOf(2, vip4, "192.0.2.7")))
	begin := testnet.Now()
	for range 1000 {
		h.run(frame)
	}
	most := 8 + 2 + int(testnet.Now().Sub(begin)/20e6)
	if n := len(h.events()); n < 8 || n > most {
		t.Errorf("%d of 1000 claims were told, want 8 to %d", n, most)
	}
	if n, m := h.Claims(w), h.Claims(other); n != 1000 || m != 0 {
		t.Errorf("counted %d and %d, want 1000 and 0", n, m)
	}
	h.run(by(otherMAC, ether(0x0806, arpOf(2, "192.0.2.101", "192.0.2.7"))))
	if n := len(h.events()); n != 1 {
		t.Errorf("%d events of the other address", n)
	}
}

// However many addresses are claimed, there is room for adverts on the ring.
func TestClaimsOfAnInterfaceAreBounded(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	const addrs = 1000
	addr := func(i int) string { return netip.AddrFrom4([4]byte{192, 0, byte(2 + i/200), byte(1 + i%200)}).String() }
	for i := range addrs {
		h.watch(addr(i))
	}
	begin := testnet.Now()
	for i := range addrs {
		h.run(by(otherMAC, ether(0x0806, arpOf(2, addr(i), "192.0.2.250"))))
	}
	most := 200 + 2 + int(testnet.Now().Sub(begin)/2e6)
	if n := len(h.events()); n < 200 || n > min(most, addrs-1) {
		t.Errorf("%d of %d claims were told, want 200 to %d", n, addrs, most)
	}
}

func TestUnwatchedAddressesAreNotTold(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	frame := by(otherMAC, ether(0x0806, arpOf(2, vip4, "192.0.2.7")))
	w := h.watch(vip4)
	h.watch(vip4) // two have reasons
	for i, want := range []int{1, 1, 0, 0} {
		h.run(frame)
		if n := len(h.events()); n != want {
			t.Errorf("after %d calls of Unwatch: %d events, want %d", i, n, want)
		}
		if err := h.Unwatch(w); err != nil {
			t.Fatal(err)
		}
	}
	if h.Watch(Watch{1, netip.Addr{}, w.Own}) == nil {
		t.Error("no address was watched")
	}
}

// What watching costs other traffic.
func BenchmarkWatch(b *testing.B) {
	for _, watches := range []bool{false, true} {
		h := open(b, Options{NoTimer: true})
		name := "none watched/"
		if watches {
			h.watch(vip4)
			h.watch(vip6)
			name = "watched/"
		}
		for _, c := range []struct {
			name  string
			frame []byte
		}{
			{"ARP request", ether(0x0806, arpOf(1, "192.0.2.7", "192.0.2.8"))},
			{"TCP", ether(0x0800, to4("192.0.2.101"))},
			{"TCP over IPv6", ether(0x86dd, to6("2001:db8::1", 6, make([]byte, 20)))},
			{"advertisement", ether(0x86dd, ndOf(136, "2001:db8::7"))},
			{"claim", by(otherMAC, ether(0x0806, arpOf(2, vip4, "192.0.2.7")))},
		} {
			b.Run(name+c.name, func(b *testing.B) {
				_, d, err := h.rx.Benchmark(c.frame, max(b.N, 1000), b.ResetTimer)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(d), "ns/run")
			})
		}
	}
}
