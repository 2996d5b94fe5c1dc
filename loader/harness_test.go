package loader

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cilium/ebpf"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// XDP verdicts (linux/bpf.h).
const (
	xdpDrop = 1
	xdpPass = 2
)

var (
	group4 = netip.MustParseAddr("224.0.0.18")
	group6 = netip.MustParseAddr("ff02::12")
)

// harness runs frames through the kernel program without any interface: test
// runs pretend that they came in on lo.
type harness struct {
	testing.TB
	*Kernel
	lo uint32
}

func open(t testing.TB, o Options) *harness {
	t.Helper()
	testnet.Need(t, "root")
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	k, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &harness{t, k, uint32(lo.Index)}
	h.resetInterface()
	return h
}

func (h *harness) resetInterface() {
	h.Helper()
	if err := h.interfaces.Put(h.lo, &vrrpxIfaceCounters{}); err != nil {
		h.Fatal(err)
	}
}

func (h *harness) key(vrid uint8, f vrrp.Family) Key { return Key{h.lo, vrid, f} }

// rule is one that bounds nothing in a test's time.
func rule(version uint8, f vrrp.Family) Rule {
	r := Rule{
		Version: version, Priority: 100, UpRate: 1e6, UpBurst: 1e6,
		Own: netip.MustParseAddr("198.51.100.1"), Group: group4,
	}
	if f == vrrp.IPv6 {
		r.Own, r.Group = netip.MustParseAddr("fe80::1"), group6
	}
	return r
}

// set installs a rule on a router without history.
func (h *harness) set(k Key, r Rule) {
	h.Helper()
	if err := h.Remove(k); err != nil {
		h.Fatal(err)
	}
	if err := h.SetRule(k, r); err != nil {
		h.Fatal(err)
	}
}

// run gives the verdict on a frame.
func (h *harness) run(frame []byte) uint32 {
	h.Helper()
	v, err := h.rx.Run(&ebpf.RunOptions{Data: frame})
	if err != nil {
		h.Fatal(err)
	}
	return v
}

// events empties the ring, but for the Soon events, which may come or not.
func (h *harness) events() (all []Event) {
	h.Helper()
	_, err := h.Drain(testnet.Now(), func(e *Event) {
		if e.Kind != Soon {
			all = append(all, *e)
		}
	})
	if err != nil {
		h.Fatal(err)
	}
	return all
}

// wait gives the next event that is no Soon, which must come.
func (h *harness) wait() Event {
	h.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
		var got *Event
		n, err := h.Drain(0, func(e *Event) { c := *e; got = &c }) // one at a time
		if err != nil {
			h.Fatal(err)
		}
		if n == 1 && got.Kind == Soon {
			continue
		}
		if n == 1 {
			return *got
		}
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(h.FD()), Events: unix.POLLIN}}, 1000); err != nil && err != unix.EINTR {
			h.Fatal(err)
		}
	}
	h.Fatal("no event came")
	return Event{}
}

// within waits for what must become true.
func within(t testing.TB, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(until) {
			t.Fatal("it did not come true in 10 s")
		}
		time.Sleep(10 * time.Microsecond)
	}
}

func (h *harness) state(k Key) State {
	h.Helper()
	s, err := h.State(k)
	if err != nil {
		h.Fatal(err)
	}
	return s
}

func (h *harness) counters() InterfaceCounters {
	h.Helper()
	c, err := h.Interface(int(h.lo))
	if err != nil {
		h.Fatal(err)
	}
	return c
}

// drops maps the names of what was counted, of a router and its interface.
func drops(counts ...[vrrp.NumDrops]uint64) map[vrrp.Drop]uint64 {
	m := map[vrrp.Drop]uint64{}
	for _, c := range counts {
		for d, n := range c {
			if n != 0 {
				m[vrrp.Drop(d)] += n
			}
		}
	}
	return m
}
