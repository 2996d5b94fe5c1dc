package vip

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The address that adverts come from is neither a virtual one nor one that
// duplicate address detection has not let through.
//
//vrrp:row 4
func TestLinkLocalIsTheHostsOwn(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	eventually(t, "the kernel's link-local address", func() bool { _, ok := m.LinkLocal("vip0"); return ok })
	m.Watch("vip0")
	h.ip(t, "address flush dev vip0 scope link")
	if ev := r.take(t, LinkLocalChanged); ev.Primary.IsValid() || ev.Link.Name != "vip0" {
		t.Errorf("told %+v, want none", ev)
	}
	h.ip(t, "address add fe80::77/64 dev vip0-peer nodad")
	h.ip(t, "address add fe80::77/64 dev vip0")
	eventually(t, "the duplicate to be found", func() bool {
		return strings.Contains(h.ip(t, "-o address show dev vip0"), "dadfailed")
	})
	declare(t, m, "VI_1", addrs("fe80::3/64"))
	hold(t, m, r, "VI_1")
	h.ip(t, "address add 2001:db8::9/64 dev vip0 nodad")
	h.ip(t, "address add fe80::9/64 dev vip0 nodad")
	want := netip.MustParsePrefix("fe80::9/64")
	if ev := r.take(t, LinkLocalChanged); ev.Primary != want || ev.Link.Index == 0 {
		t.Errorf("told %+v, want %v: %s", ev, want, h.ip(t, "-o address show dev vip0"))
	}
	h.ip(t, "address add fe80::8/64 dev vip0 nodad") // second: no change
	eventually(t, "the second to be heard of", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		_, ok := m.host[spot{m.links.index("vip0"), netip.MustParsePrefix("fe80::8/64")}]
		return ok
	})
	h.ip(t, "address del fe80::9/64 dev vip0")
	if ev := r.take(t, LinkLocalChanged); ev.Primary.Addr().String() != "fe80::8" {
		t.Errorf("told %+v, want fe80::8", ev)
	}
	if n := r.count(PrimaryChanged); n != 0 {
		t.Errorf("%d changes of the IPv4 address", n)
	}
}

func TestTentativeAddressIsWaitedFor(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	m.Watch("vip0")
	h.ip(t, "address flush dev vip0 scope link")
	eventually(t, "no link-local address", func() bool { _, ok := m.LinkLocal("vip0"); return !ok })
	at := hostAddress{prefix: netip.MustParsePrefix("fe80::5/64"), index: m.links.index("vip0"), scope: 253, tentative: true}
	come := func() {
		m.mu.Lock()
		m.came(at, false, func() string { return "" })
		m.tellPrimaries()
		m.mu.Unlock()
		m.flush()
	}
	come()
	if p, ok := m.LinkLocal("vip0"); ok {
		t.Errorf("%v is tentative", p)
	}
	at.tentative = false
	come()
	for ev := r.take(t, LinkLocalChanged); ev.Primary != at.prefix; ev = r.take(t, LinkLocalChanged) {
	}
	if p, ok := m.LinkLocal("vip0"); !ok || p != at.prefix {
		t.Errorf("%v, %v", p, ok)
	}
}

// A /128 is deprecated, so that the host's own traffic does not come from it,
// and stays so for ever.
func TestHostLengthIPv6AddressIsNoSource(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("2001:db8::3/128", "2001:db8::4/64"))
	hold(t, m, r, "VI_1")
	text := strings.Join(strings.Fields(h.ip(t, "-6 -o address show dev vip0 scope global")), " ")
	for _, want := range []string{
		`2001:db8::3/128 scope global nodad deprecated \ valid_lft forever preferred_lft 0sec`,
		`2001:db8::4/64 scope global nodad \ valid_lft forever preferred_lft forever`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
}

// The kernel tells of an IPv6 address after it has answered the request, when
// the router may have let go of it again.
func TestIPv6AddressIsReleasedBeforeItIsToldOf(t *testing.T) {
	h := newHost(t)
	r := &recorder{}
	var m *Manager
	open := func() (err error) {
		m, err = Open(Options{StateFile: filepath.Join(t.TempDir(), "addresses.json"), Events: func(ev Event) {
			if ev.Kind == Held {
				m.Release(ev.Owner)
			}
			r.add(ev)
		}})
		return err
	}
	h.do(t, func() {
		if err := open(); err != nil {
			t.Error(err)
		}
	})
	defer shut(t, m)
	declare(t, m, "VI_1", addrs("fe80::3/64", "2001:db8::3/64", "2001:db8::4/128"))
	for range 200 {
		m.Hold("VI_1")
		r.take(t, Released)
	}
	if n := r.count(Foreign); n != 0 {
		t.Errorf("%d times our own address was taken for another's", n)
	}
	if got := h.addresses(t); !slices.Equal(got, []string{"192.0.2.1/24"}) {
		t.Errorf("left on the host: %v", got)
	}
}

// One that is removed as soon as it is there, before anything was told of it,
// is not taken to be there, and is put back.
func TestIPv6AddressThatIsGoneAtOnceIsPutBack(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("2001:db8::3/64"))
	hold(t, m, r, "VI_1")
	h.ip(t, "address add 2001:db8::77/64 dev vip0 nodad") // of which the kernel tells after the other
	eventually(t, "the kernel's word of both", func() bool { return m.Has(Source{device, netip.MustParseAddr("2001:db8::77")}) })
	m.mu.Lock()
	e := m.owners["VI_1"].entries[0]
	delete(m.host, m.at(e)) // as before the kernel's word of it
	e.ours, e.busy, e.fled = false, true, false
	m.mu.Unlock()
	h.ip(t, "address del 2001:db8::3/64 dev vip0")
	eventually(t, "the removal to be heard", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return e.fled })
	m.mu.Lock()
	_ = m.conclude(op{change: change{address: e.Address, index: m.links.index("vip0")}, entry: e}, nil)
	m.mu.Unlock()
	m.bell.ring()
	r.take(t, Restored)
	if !h.has(t, "2001:db8::3/64") {
		t.Error("not put back")
	}
}
