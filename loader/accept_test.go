package loader

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/vrrpx/vrrpx/vrrp"
)

const (
	vip4  = "192.0.2.100"
	vip6  = "2001:db8::100"
	vipLL = "fe80::100"
)

func (h *harness) refuse(ifindex uint32, addr string) Refusal {
	h.Helper()
	r := Refusal{ifindex, netip.MustParseAddr(addr)}
	if err := h.Refuse(r); err != nil {
		h.Fatal(err)
	}
	return r
}

func to4(addr string, change ...func([]byte) []byte) []byte {
	return ip4(make([]byte, 26), append([]func([]byte) []byte{set(9, 6), with(16, addr)}, change...)...)
}

// to6 is a packet with this next header.
func to6(addr string, next byte, payload []byte) []byte {
	return ip6(payload, set(6, next), with(24, addr))
}

// neighbour is an ICMPv6 message of that type, as far as the program looks.
func neighbour(kind byte) []byte { return append([]byte{kind}, make([]byte, 23)...) }

// What is dropped and what is not, whatever stands around the destination.
//
//vrrp:row 45 46 60
func TestPacketsToRefusedAddressesAreDropped(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	for _, addr := range []string{vip4, vip6} {
		h.refuse(h.lo, addr)
	}
	h.refuse(h.lo, vipLL)
	h.refuse(h.lo+1000, "fe80::200")
	options := func(b []byte) []byte { b[0] = 0x46; return append(b, 1, 1, 1, 1) }
	tcp := make([]byte, 20)
	for _, c := range []struct {
		name    string
		frame   []byte
		verdict uint32
	}{
		{"TCP", ether(0x0800, to4(vip4)), xdpDrop},
		{"ping", ether(0x0800, to4(vip4, set(9, 1))), xdpDrop},
		{"VRRP", ether(0x0800, to4(vip4, set(9, 112))), xdpDrop},
		{"with options", ether(0x0800, to4(vip4, options)), xdpDrop},
		{"a first fragment", ether(0x0800, to4(vip4, set(6, 0x20))), xdpDrop},
		{"a later fragment", ether(0x0800, to4(vip4, set(7, 9))), xdpDrop},
		{"with a priority tag", ether(0x0800, to4(vip4), [2]int{0x8100, 0xa000}), xdpDrop},
		{"with a priority tag of 802.1ad", ether(0x0800, to4(vip4), [2]int{0x88a8, 0}), xdpDrop},
		{"of another VLAN", ether(0x0800, to4(vip4), [2]int{0x8100, 5}), xdpPass},
		{"of another VLAN, tagged twice", ether(0x0800, to4(vip4), [2]int{0x88a8, 0}, [2]int{0x8100, 5}), xdpPass},
		{"to another address", ether(0x0800, to4("192.0.2.101")), xdpPass},
		{"from the address", ether(0x0800, to4("192.0.2.101", with(12, vip4))), xdpPass},
		{"cut short", ether(0x0800, to4(vip4)[:19]), xdpPass},
		{"ARP", ether(0x0806, to4(vip4)), xdpPass},
		{"TCP over IPv6", ether(0x86dd, to6(vip6, 6, tcp)), xdpDrop},
		{"echo request", ether(0x86dd, to6(vip6, 58, neighbour(128))), xdpDrop},
		{"router solicitation", ether(0x86dd, to6(vip6, 58, neighbour(133))), xdpDrop},
		{"neighbour solicitation", ether(0x86dd, to6(vip6, 58, neighbour(135))), xdpPass},
		{"neighbour advertisement", ether(0x86dd, to6(vip6, 58, neighbour(136))), xdpPass},
		{"neighbour solicitation with a priority tag", ether(0x86dd, to6(vip6, 58, neighbour(135)), [2]int{0x8100, 0}), xdpPass},
		{"neighbour solicitation behind an extension header", ether(0x86dd, to6(vip6, 60, ext(58, neighbour(135)))), xdpDrop},
		{"a fragment of one", ether(0x86dd, to6(vip6, 44, ext(58, neighbour(135)))), xdpDrop},
		{"of type 135 and not ICMPv6", ether(0x86dd, to6(vip6, 6, neighbour(135))), xdpDrop},
		{"ICMPv6 without a type", ether(0x86dd, to6(vip6, 58, nil)), xdpDrop},
		{"to the link-local address", ether(0x86dd, to6(vipLL, 6, tcp)), xdpDrop},
		{"solicitation of the link-local address", ether(0x86dd, to6(vipLL, 58, neighbour(135))), xdpPass},
		{"to a link-local address of another interface", ether(0x86dd, to6("fe80::200", 6, tcp)), xdpPass},
		{"to the solicited-node group", ether(0x86dd, to6("ff02::1:ff00:100", 58, neighbour(135))), xdpPass},
	} {
		if v := h.run(c.frame); v != c.verdict {
			t.Errorf("%s: verdict %d, want %d", c.name, v, c.verdict)
		}
	}
}

func TestRefusedPacketsAreCountedByAddress(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	one, other := h.refuse(h.lo, vip4), h.refuse(h.lo, vip6)
	for range 3 {
		h.run(ether(0x0800, to4(vip4)))
	}
	h.run(ether(0x86dd, to6(vip6, 58, neighbour(135))))
	if n, m := h.Refused(one), h.Refused(other); n != 3 || m != 0 {
		t.Errorf("counted %d and %d, want 3 and 0", n, m)
	}
	if c := h.counters(); c.Frames != 0 {
		t.Errorf("counted %d VRRP frames", c.Frames)
	}
}

// Two routers may ask for one address: it is refused until both have admitted it.
func TestAdmittedAddressesAreReachedAgain(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	frame := ether(0x0800, to4(vip4))
	if v := h.run(frame); v != xdpPass {
		t.Fatalf("verdict %d before anything is refused", v)
	}
	r := h.refuse(h.lo, vip4)
	h.refuse(7, vip4) // the interface does not matter to it
	for i, want := range []uint32{xdpDrop, xdpPass, xdpPass} {
		if err := h.Admit(r); err != nil {
			t.Fatal(err)
		}
		if v := h.run(frame); v != want {
			t.Errorf("verdict %d after %d calls of Admit, want %d", v, i+1, want)
		}
	}
	if n := h.Refused(r); n != 0 {
		t.Errorf("%d packets refused of an address that is not", n)
	}
}

// An advert of ours to the group passes the refusal and is judged as ever.
func TestRefusalLeavesAdvertsAlone(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	h.refuse(h.lo, vip4)
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	h.run(v4frame(unhex(v3plain)))
	if s := h.state(k); s.Received != 1 {
		t.Errorf("%d adverts received", s.Received)
	}
}

func TestRefusalOfNoAddressFails(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	for _, a := range []netip.Addr{{}, netip.MustParseAddr("::ffff:192.0.2.1")} {
		if h.Refuse(Refusal{1, a}) == nil || h.Admit(Refusal{1, a}) == nil || h.Refused(Refusal{1, a}) != 0 {
			t.Errorf("%v was refused", a)
		}
	}
}

// bpftool shows keys and values by these names.
func TestRefusalsHaveNamesInTheMap(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	handle, err := h.refusals.packets.Handle()
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	spec, err := handle.Spec(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"no_accept_key": "ifindex family address", "no_accept": "dropped"} {
		var s *btf.Struct
		if err := spec.TypeByName(name, &s); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, m := range s.Members {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("struct %s has %q, want %q", name, got, want)
		}
	}
}

// What a frame that is none of our business costs while addresses are refused
// and while none is, and what it costs to drop one.
func BenchmarkRefusal(b *testing.B) {
	for _, refuses := range []bool{false, true} {
		h := open(b, Options{NoTimer: true})
		name := "none refused/"
		if refuses {
			h.refuse(h.lo, vip4)
			h.refuse(h.lo, vip6)
			name = "refused/"
		}
		for _, c := range []struct {
			name  string
			frame []byte
		}{
			{"ARP", ether(0x0806, make([]byte, 46))},
			{"TCP to another", ether(0x0800, to4("192.0.2.101"))},
			{"TCP over IPv6 to another", ether(0x86dd, to6("2001:db8::1", 6, make([]byte, 20)))},
			{"TCP to the address", ether(0x0800, to4(vip4))},
			{"VRRP of another", v4frame(unhex(v3plain))},
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
