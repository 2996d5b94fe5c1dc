package vip

import (
	"slices"
	"strings"
	"testing"
)

func TestForeignAddressIsToldAndSurvives(t *testing.T) {
	h := newHost(t)
	h.ip(t, "address add 192.0.2.3/24 dev vip0")
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24", "192.0.2.4/24"))
	if ev := r.take(t, Foreign); ev.Owner != "VI_1" || ev.Address.String() != "192.0.2.3/24 dev vip0" || ev.Culprit != "" {
		t.Errorf("told %+v", ev)
	}
	hold(t, m, r, "VI_1")
	h.ip(t, "address change 192.0.2.3/24 dev vip0 valid_lft 1000 preferred_lft 1000")
	for _, s := range m.Snapshot() {
		if foreign := s.Address.Prefix.String() == "192.0.2.3/24"; !s.Present || s.Foreign != foreign {
			t.Errorf("status %+v", s)
		}
	}
	release(t, m, r, "VI_1")
	if !h.has(t, "192.0.2.3/24") || h.has(t, "192.0.2.4/24") {
		t.Errorf("after release the host has %v", h.addresses(t))
	}
	hold(t, m, r, "VI_1")
	shut(t, m)
	if !h.has(t, "192.0.2.3/24") || h.has(t, "192.0.2.4/24") {
		t.Errorf("after close the host has %v", h.addresses(t))
	}
	if n := r.count(Foreign); n != 0 {
		t.Errorf("told %d times too often", n)
	}
}

func TestAddressThatSomeoneAddsWhileWeAreBackupIsForeign(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	release(t, m, r, "VI_1")
	h.ip(t, "address add 192.0.2.3/24 dev vip0")
	if ev := r.take(t, Foreign); !strings.HasPrefix(ev.Culprit, "port id ") {
		t.Errorf("told %+v", ev)
	}
	hold(t, m, r, "VI_1")
	release(t, m, r, "VI_1")
	if !h.has(t, "192.0.2.3/24") {
		t.Error("a foreign address was removed")
	}
	// Gone by its owner's hand while wanted, it is put back, and that one is ours.
	hold(t, m, r, "VI_1")
	h.ip(t, "address del 192.0.2.3/24 dev vip0")
	r.take(t, Restored)
	release(t, m, r, "VI_1")
	if h.has(t, "192.0.2.3/24") {
		t.Error("the address that we put back was left")
	}
}

func TestAddressThatSomeoneAddsBeforeOurRequestIsForeign(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	undo := intercept(m, func(send func([]byte) error, b []byte) error {
		h.do(t, func() {
			if out, err := command("address add 192.0.2.3/24 dev vip0").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
		return send(b)
	})
	hold(t, m, r, "VI_1") // the kernel says EEXIST: it is there, as wanted
	undo()
	r.take(t, Foreign)
	if s := m.Snapshot()[0]; !s.Present || !s.Foreign {
		t.Errorf("status %+v", s)
	}
	release(t, m, r, "VI_1")
	if !h.has(t, "192.0.2.3/24") {
		t.Error("a foreign address was removed")
	}
}

func TestSamePrefixWithAnotherLengthIsAnotherAddress(t *testing.T) {
	h := newHost(t)
	h.ip(t, "address add 192.0.2.3/32 dev vip0")
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	release(t, m, r, "VI_1")
	if got := h.addresses(t); !slices.Contains(got, "192.0.2.3/32") || slices.Contains(got, "192.0.2.3/24") {
		t.Errorf("the host has %v", got)
	}
}
