package loader

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

func TestRuleThatContradictsItselfIsRefused(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	k4, k6 := h.key(51, vrrp.IPv4), h.key(51, vrrp.IPv6)
	for name, c := range map[string]struct {
		key    Key
		change func(*Rule)
	}{
		"version":      {k4, func(r *Rule) { r.Version = 1 }},
		"v2 over IPv6": {k6, func(r *Rule) { r.Version = 2 }},
		"family":       {Key{h.lo, 51, 5}, func(r *Rule) {}},
		"auth":         {k4, func(r *Rule) { r.Auth = 3 }},
		"AH elided":    {k4, func(r *Rule) { r.Auth, r.Elide = vrrp.AuthAH, &Match{Src: r.Own} }},
		"no rate":      {k4, func(r *Rule) { r.UpRate = 0 }},
		"no burst":     {k4, func(r *Rule) { r.UpBurst = 0 }},
		"own":          {k4, func(r *Rule) { r.Own = group6 }},
		"group":        {k6, func(r *Rule) { r.Group = group4 }},
		"match":        {k6, func(r *Rule) { r.Elide = &Match{Src: group4} }},
	} {
		r := v3rule()
		if c.key.Family == vrrp.IPv6 {
			r = v6rule()
		}
		c.change(&r)
		if err := h.SetRule(c.key, r); err == nil {
			t.Errorf("%s: taken", name)
		}
		if _, err := h.State(c.key); err == nil {
			t.Errorf("%s: refused, but the router is there", name)
		}
	}
}

func TestRouterWithoutAnAddressYet(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	r := v3rule()
	r.Own = netip.Addr{}
	h.set(h.key(51, vrrp.IPv4), r)
	h.run(v4frame(unhex(v3plain)))
	if len(h.events()) != 1 {
		t.Error("its adverts do not go up")
	}
}

func TestRemovedRouterIsForgotten(t *testing.T) {
	h := open(t, Options{})
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	h.run(v4frame(unhex(v3plain)))
	h.events()
	if err := h.Remove(k); err != nil {
		t.Fatal(err)
	}
	h.run(v4frame(unhex(v3plain)))
	if len(h.events()) != 0 {
		t.Error("an advert of a removed router went up")
	}
	if _, err := h.State(k); !errors.Is(err, ebpf.ErrKeyNotExist) {
		t.Errorf("State: %v", err)
	}
	if _, err := h.LastMatch(k); !errors.Is(err, ebpf.ErrKeyNotExist) {
		t.Errorf("LastMatch: %v", err)
	}
	if err := h.Remove(k); err != nil {
		t.Errorf("removed again: %v", err)
	}
	if err := h.SetRule(k, v3rule()); err != nil {
		t.Fatal(err)
	}
	if s := h.state(k); s != (State{}) {
		t.Errorf("added again, it remembers %+v", s)
	}
}

func TestMoreRoutersThanFit(t *testing.T) {
	h := open(t, Options{NoTimer: true})
	r := v3rule()
	for i := range uint32(4096) {
		if err := h.SetRule(Key{i, 1, vrrp.IPv4}, r); err != nil {
			t.Fatalf("router %d: %v", i, err)
		}
	}
	if err := h.SetRule(Key{4096, 1, vrrp.IPv4}, r); !errors.Is(err, unix.E2BIG) {
		t.Errorf("router 4097: %v", err)
	}
	if err := h.SetRule(Key{7, 1, vrrp.IPv4}, r); err != nil {
		t.Errorf("rule of a router that is there: %v", err)
	}
}
