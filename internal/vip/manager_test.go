package vip

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

func many(n int) []Address {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("192.0.2.%d/24", 10+i))
	}
	return addrs(all...)
}

func TestRoutersAddressesMoveInOneSendmsg(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	sends := countSends(m)
	declare(t, m, "VI_1", many(16))

	hold(t, m, r, "VI_1")
	if n := sends.Load(); n != 1 {
		t.Errorf("16 addresses added with %d calls of sendmsg, want 1", n)
	}
	if got := h.addresses(t); len(got) != 17 {
		t.Errorf("17 addresses wanted on the host, there are %v", got)
	}
	release(t, m, r, "VI_1")
	if n := sends.Load(); n != 2 {
		t.Errorf("16 addresses removed with %d calls of sendmsg, want 1", n-1)
	}
	if got := h.addresses(t); !slices.Equal(got, []string{"192.0.2.1/24"}) {
		t.Errorf("left on the host: %v", got)
	}
}

//vrrp:row 61
func TestAddressIsAsDeclared(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", []Address{{
		Prefix: netip.MustParsePrefix("10.0.0.3/24"), Device: device, Label: "vip0:1",
		Scope: unix.RT_SCOPE_LINK, Broadcast: netip.MustParseAddr("10.0.0.255"),
	}, {
		Prefix: netip.MustParsePrefix("10.0.0.4/32"), Device: device,
	}, {
		Prefix: netip.MustParsePrefix("2001:db8::3/64"), Device: device,
	}})
	hold(t, m, r, "VI_1")
	out := h.ip(t, "-o address show dev vip0")
	text := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{
		"inet 10.0.0.3/24 brd 10.0.0.255 scope link vip0:1",
		"inet 10.0.0.4/32 scope global vip0",
		"inet6 2001:db8::3/64 scope global nodad",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
	if want := map[string]uint8{"10.0.0.3/24": 18, "10.0.0.4/32": 18, "2001:db8::3/64": 18}; !maps.Equal(marked(t, h), want) {
		t.Errorf("marked as VRRP's: %v, want %v", marked(t, h), want)
	}
	release(t, m, r, "VI_1")
	if got := h.addresses(t); !slices.Equal(got, []string{"192.0.2.1/24"}) {
		t.Errorf("left on the host: %v", got)
	}
}

// marked reads IFA_PROTO of the host's global addresses that have it; the
// kernel itself marks link-local ones.
func marked(t *testing.T, h *host) map[string]uint8 {
	t.Helper()
	var bodies [][]byte
	h.do(t, func() {
		d, err := openDumper()
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		bodies, err = d.dump(unix.RTM_GETADDR, unix.RTM_NEWADDR, nl.NewIfAddrmsg(unix.AF_UNSPEC))
		if err != nil {
			t.Fatal(err)
		}
	})
	all := map[string]uint8{}
	for _, b := range bodies {
		a, err := parseAddress(b)
		if err != nil {
			t.Fatal(err)
		}
		attrs, err := attributes(b[unix.SizeofIfAddrmsg:])
		if err != nil {
			t.Fatal(err)
		}
		for _, attr := range attrs {
			if attr.Attr.Type == ifaProto && !a.prefix.Addr().IsLinkLocalUnicast() && !a.prefix.Addr().IsLoopback() {
				all[a.prefix.String()] = attr.Value[0]
			}
		}
	}
	return all
}

func TestErrorsAreToldPerAddress(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	// The kernel refuses a second scope in a subnet (inet_insert_ifa).
	all := addrs("192.0.2.3/24", "192.0.2.4/24", "192.0.2.5/24")
	all[1].Scope = unix.RT_SCOPE_LINK
	declare(t, m, "VI_1", append(all, Address{Prefix: netip.MustParsePrefix("192.0.2.6/24"), Device: "nowhere"}))
	m.Hold("VI_1")
	ev := r.take(t, Held)
	if len(ev.Errors) != 2 {
		t.Fatalf("two errors wanted, got %v", ev.Errors)
	}
	for i, want := range []struct {
		address string
		err     error
	}{{"192.0.2.6/24 dev nowhere", errNoDevice}, {"192.0.2.4/24 dev vip0", unix.EINVAL}} {
		if got := ev.Errors[i]; got.Address.String() != want.address || !errors.Is(got, want.err) {
			t.Errorf("error %d: %v, want %s: %v", i, got, want.address, want.err)
		}
	}
	if !h.has(t, "192.0.2.3/24") || !h.has(t, "192.0.2.5/24") {
		t.Errorf("the good addresses are missing: %v", h.addresses(t))
	}
	for _, s := range m.Snapshot() {
		if s.Wanted && s.Present != (s.Err == nil) {
			t.Errorf("%s: present %v, error %v", s.Address, s.Present, s.Err)
		}
	}
}

// holdRTNL makes each request wait as it does when others hold the kernel's
// RTNL lock, until free is called for it.
func holdRTNL(m *Manager) (waiting <-chan struct{}, free func()) {
	in, out := make(chan struct{}), make(chan struct{})
	intercept(m, func(send func([]byte) error, b []byte) error {
		in <- struct{}{}
		<-out
		return send(b)
	})
	return in, func() { out <- struct{}{} }
}

func TestCallersNeverWaitForTheKernelAndTheLastWordHolds(t *testing.T) {
	for _, test := range []struct {
		name  string
		words []bool // true holds
	}{
		{"held, released", []bool{true, false}},
		{"held, released, held", []bool{true, false, true}},
		{"to and fro", []bool{true, false, true, false, true, false}},
		{"released, held", []bool{false, true}},
		{"released, held, released", []bool{false, true, false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t)
			m, r := h.start(t)
			declare(t, m, "VI_1", addrs("192.0.2.3/24"))
			first, last := test.words[0], test.words[len(test.words)-1]
			if !first {
				hold(t, m, r, "VI_1") // so that there is something to release
			}
			say := func(held bool) {
				if held {
					m.Hold("VI_1")
				} else {
					m.Release("VI_1")
				}
			}
			waiting, free := holdRTNL(m)
			say(first)
			<-waiting
			for _, w := range test.words[1:] { // they return while the kernel is at the first
				say(w)
			}
			m.Snapshot()
			go func() {
				free()
				for range waiting {
					free()
				}
			}()
			kinds := map[bool]Kind{true: Held, false: Released}
			r.take(t, kinds[first])
			r.take(t, kinds[last])
			if got := h.has(t, "192.0.2.3/24"); got != last {
				t.Errorf("on the host: %v, want %v", got, last)
			}
			if n := r.count(Restored); n != 0 {
				t.Errorf("%d times told as restored what we had removed ourselves", n)
			}
			for _, k := range kinds {
				if n := r.count(k); n != 0 {
					t.Errorf("%d answers %q too many", n, k)
				}
			}
		})
	}
}

func TestOwnersAreSettledInTheOrderOfTheLastWord(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	for i, o := range []string{"A", "B", "C"} {
		declare(t, m, o, addrs(fmt.Sprintf("198.51.100.%d/24", i+1)))
	}
	declare(t, m, "first", addrs("203.0.113.1/24"))
	waiting, free := holdRTNL(m)
	m.Hold("first")
	<-waiting
	m.Hold("A")
	m.Hold("B")
	m.Hold("C")
	m.Release("A")
	m.Hold("A")
	go func() {
		free()
		for range waiting {
			free()
		}
	}()
	var order []string
	for range 4 {
		order = append(order, r.take(t, Held).Owner)
	}
	if want := []string{"first", "B", "C", "A"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	// The first of a subnet is its primary address: the order is the kernel's too.
	want := []string{"192.0.2.1/24", "203.0.113.1/24", "198.51.100.2/24", "198.51.100.3/24", "198.51.100.1/24"}
	if got := h.addresses(t); !slices.Equal(got, want) {
		t.Errorf("the host has %v, want %v", got, want)
	}
}

func TestDeclaringAnewChangesOnlyTheDifference(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24", "192.0.2.4/24"))
	hold(t, m, r, "VI_1")
	sent := countSends(m)

	next := addrs("192.0.2.4/24", "192.0.2.5/24")
	next[0].Label = "vip0:vip"
	declare(t, m, "VI_1", next)
	eventually(t, "the new addresses", func() bool {
		return slices.Equal(h.addresses(t), []string{"192.0.2.1/24", "192.0.2.4/24", "192.0.2.5/24"})
	})
	if n := sent.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	if out := h.ip(t, "-o address show dev vip0"); !strings.Contains(out, "vip0:vip") {
		t.Errorf("no label in %s", out)
	}
	// What one owner has given up, another may have.
	declare(t, m, "VI_1", nil)
	declare(t, m, "VI_2", next)
	hold(t, m, r, "VI_2")
	if !h.has(t, "192.0.2.5/24") {
		t.Errorf("the host has %v", h.addresses(t))
	}
	if n := r.count(Restored) + r.count(Foreign); n != 0 {
		t.Errorf("%d false alarms", n)
	}
}

func TestForgottenOwnerLeavesNothing(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	m.Forget("VI_1")
	answered(t, r, Released, "VI_1")
	if got := m.Snapshot(); len(got) != 0 || h.has(t, "192.0.2.3/24") {
		t.Errorf("status %v, on the host %v", got, h.addresses(t))
	}
	if n := r.count(Lost); n != 0 {
		t.Error("what was to be removed was told as lost")
	}
	m.Hold("VI_1") // of nobody: nothing happens
	declare(t, m, "VI_2", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_2")
}

func TestImpossibleDeclarationsAreRefused(t *testing.T) {
	h := newHost(t)
	m, _ := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	long := strings.Repeat("x", 16)
	addr := netip.MustParsePrefix("192.0.2.9/24")
	for _, test := range []struct {
		name  string
		addrs []Address
		want  string
	}{
		{"no prefix", []Address{{Device: device}}, "valid prefix"},
		{"no device", []Address{{Prefix: addr}}, "device name"},
		{"long device", []Address{{Prefix: addr, Device: long}}, "device name"},
		{"long label", []Address{{Prefix: addr, Device: device, Label: long}}, "label"},
		{"mapped", []Address{{Prefix: netip.MustParsePrefix("::ffff:192.0.2.9/120"), Device: device}}, "IPv6 form"},
		{"IPv6 broadcast", []Address{{Prefix: addr, Device: device, Broadcast: netip.MustParseAddr("::1")}}, "broadcast"},
		{"IPv6 label", []Address{{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Device: device, Label: "a"}}, "label"},
		{"twice", addrs("192.0.2.9/24", "192.0.2.9/24"), "twice"},
		{"another's", addrs("192.0.2.9/24", "192.0.2.3/24"), "belongs to VI_1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := m.Declare("VI_2", test.addrs)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
	if got := m.Snapshot(); len(got) != 1 {
		t.Errorf("a refused declaration left its mark: %v", got)
	}
}

func TestCloseThatCannotWaitSaysSo(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	waiting, free := holdRTNL(m)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := m.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v", err)
	}
	m.Hold("VI_1") // too late, and harmless
	if err := m.Declare("VI_2", nil); err == nil {
		t.Error("Declare after Close succeeded")
	}
	<-waiting
	free()
	shut(t, m)
	if h.has(t, "192.0.2.3/24") {
		t.Error("the address was left")
	}
}
