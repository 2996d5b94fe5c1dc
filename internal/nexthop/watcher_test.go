package nexthop

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

const long = 20 * time.Second // for a busy machine

// seen remembers what a Watcher tells.
type seen struct {
	mu   sync.Mutex
	hops map[netip.Addr]Hop
	n    int
}

func (s *seen) tell(h Hop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hops[h.Peer] = h
	s.n++
}

func (s *seen) hop(peer netip.Addr) (Hop, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.hops[peer]
	return h, ok
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func watch(t *testing.T, h *testnet.Host, source netip.Addr, peers ...netip.Addr) (*Watcher, *seen) {
	t.Helper()
	s := &seen{hops: map[netip.Addr]Hop{}}
	var w *Watcher
	if err := h.Do(func() (err error) { w, err = Open(s.tell); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	var targets []Target
	for _, p := range peers {
		targets = append(targets, Target{h.Ifindex, source, p})
	}
	w.Watch(h.Ifindex, targets)
	return w, s
}

func (s *seen) await(t *testing.T, peer, via netip.Addr, mac net.HardwareAddr) {
	t.Helper()
	if !testnet.WaitFor(long, func() bool {
		h, ok := s.hop(peer)
		return ok && h.Via == via && h.MAC.String() == mac.String()
	}) {
		h, _ := s.hop(peer)
		t.Fatalf("the way to %v is %+v, want %v at %v", peer, h, via, mac)
	}
}

func ip(t *testing.T, h *testnet.Host, args ...string) {
	t.Helper()
	if out, err := h.Command(t.Context(), "ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

func TestPeersOnTheLink(t *testing.T) {
	lan := testnet.ForTest(t, "a", "b", "c")
	a, b, c := lan.Host("a"), lan.Host("b"), lan.Host("c")
	six := netip.MustParseAddr("fd00::2")
	for i, h := range []*testnet.Host{a, b} {
		if err := h.AddAddr("eth0", netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(i + 1)}), 64)); err != nil {
			t.Fatal(err)
		}
	}
	absent := netip.MustParseAddr("10.99.7.7")
	_, s := watch(t, a, a.Addr, b.Addr, c.Addr, six, absent)
	s.await(t, b.Addr, b.Addr, b.MAC)
	s.await(t, c.Addr, c.Addr, c.MAC)
	s.await(t, six, six, b.MAC)
	s.await(t, absent, absent, nil)
}

// It asks at once when it may, and tells nothing twice.
func TestHopIsToldWhenItChanges(t *testing.T) {
	testnet.Need(t, "root", "ip")
	lan := testnet.ForTest(t, "a", "b")
	a, b := lan.Host("a"), lan.Host("b")
	w, s := watch(t, a, a.Addr, b.Addr)
	s.await(t, b.Addr, b.Addr, b.MAC)
	before := s.count()
	for range 3 {
		w.hurry()
		time.Sleep(3 * gap)
	}
	if n := s.count(); n != before {
		t.Errorf("told %d times of no change", n-before)
	}
	other, _ := net.ParseMAC("02:00:00:00:00:77")
	ip(t, b, "link", "set", "eth0", "down")
	ip(t, b, "link", "set", "eth0", "address", other.String(), "up")
	ip(t, a, "neigh", "flush", "dev", "eth0") // as if it had been found out
	s.await(t, b.Addr, b.Addr, other)
	w.Watch(a.Ifindex, nil)
	ip(t, a, "neigh", "replace", b.Addr.String(), "lladdr", "02:00:00:00:00:78", "dev", "eth0")
	time.Sleep(5 * gap)
	if h, _ := s.hop(b.Addr); h.MAC.String() != other.String() {
		t.Errorf("told of %v, which is watched no more", h)
	}
}

// A neighbour that is no longer what it was is found although nothing is sent
// by way of the kernel.
func TestStaleNeighbourIsConfirmed(t *testing.T) {
	testnet.Need(t, "root", "ip")
	lan := testnet.ForTest(t, "a", "b")
	a, b := lan.Host("a"), lan.Host("b")
	quick(t, a)
	_, s := watch(t, a, a.Addr, b.Addr)
	s.await(t, b.Addr, b.Addr, b.MAC)
	other, _ := net.ParseMAC("02:00:00:00:00:77")
	ip(t, b, "link", "set", "eth0", "address", other.String()) // and tells nobody
	s.await(t, b.Addr, b.Addr, other)
}

// quick makes neighbours stale after a second and not half a minute.
func quick(t *testing.T, h *testnet.Host) {
	t.Helper()
	if err := h.Do(func() error {
		for name, v := range map[string]string{"base_reachable_time_ms": "1000", "delay_first_probe_time": "1", "retrans_time_ms": "100"} {
			if err := os.WriteFile("/proc/sys/net/ipv4/neigh/eth0/"+name, []byte(v), 0); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestPeerBehindAGateway(t *testing.T) {
	testnet.Need(t, "root", "ip")
	lan := testnet.ForTest(t, "a", "gw", "gw2")
	a, gw, gw2 := lan.Host("a"), lan.Host("gw"), lan.Host("gw2")
	far := netip.MustParseAddr("192.0.2.7")
	_, s := watch(t, a, a.Addr, far)
	s.await(t, far, far, nil) // without a route the kernel looks for it on the link
	ip(t, a, "route", "add", "192.0.2.0/24", "via", gw.Addr.String())
	s.await(t, far, gw.Addr, gw.MAC)
	ip(t, a, "route", "replace", "192.0.2.0/24", "via", gw2.Addr.String())
	s.await(t, far, gw2.Addr, gw2.MAC)
	ip(t, a, "route", "del", "192.0.2.0/24")
	s.await(t, far, far, nil)
}

func TestSourceMayBeUnknown(t *testing.T) {
	lan := testnet.ForTest(t, "a", "b")
	a, b := lan.Host("a"), lan.Host("b")
	_, s := watch(t, a, netip.MustParseAddr("192.0.2.99"), b.Addr)
	s.await(t, b.Addr, b.Addr, b.MAC)
}
