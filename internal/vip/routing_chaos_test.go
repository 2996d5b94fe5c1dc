package vip

import (
	"math/rand/v2"
	"testing"

	"github.com/vrrpx/vrrpx/internal/iproute"
	"github.com/vrrpx/vrrpx/internal/testnet"
)

// TestWhateverHappensRoutesEndAsWanted has owners and strangers change the same
// routes and rules at random, with links that go down, addresses that go and
// notifications that are lost, and looks when all have stopped.
func TestWhateverHappensRoutesEndAsWanted(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	h := newHost(t)
	m, _ := h.start(t)
	h.ip(t, "address add 2001:db8::1/64 dev vip0 nodad")
	declare(t, m, "A", addrs("192.0.2.3/24", "2001:db8::3/64"))
	declare(t, m, "B", addrs("192.0.2.4/24"))
	shared := route("10.9.0.0/16", "192.0.2.9", "vip0")
	rules := []iproute.Rule{rule(4, func(*iproute.Rule) {}), rule(6, func(r *iproute.Rule) { r.Priority = 78 })}
	m.DeclareRouting("A", []iproute.Route{
		route("10.1.0.0/16", "192.0.2.9", "vip0"), shared,
		with(route("10.2.0.0/16", "192.0.2.9", ""), func(r *iproute.Route) { r.Source = addr("192.0.2.3") }),
		with(route("2001:db8:1::/48", "2001:db8::9", "vip0"), func(r *iproute.Route) { r.Source = addr("2001:db8::3") }),
		with(route("2001:db8:2::/48", "", ""), func(r *iproute.Route) {
			r.Hops = []iproute.Hop{{Via: addr("2001:db8::8"), Device: device}, {Via: addr("2001:db8::9"), Device: device}}
		}),
		with(route("0.0.0.0/0", "192.0.2.9", ""), func(r *iproute.Route) { r.Table = 1000 }),
	}, rules)
	m.DeclareRouting("B", []iproute.Route{shared, with(route("10.1.0.0/16", "192.0.2.9", "vip0"), func(r *iproute.Route) { r.Metric = 5 })}, rules[:1])
	held := map[string]bool{}
	strangers := []string{
		"route del 10.1.0.0/16", "route del 10.9.0.0/16", "route del 10.2.0.0/16", "-6 route del 2001:db8:1::/48", "-6 route del 2001:db8:2::/48",
		"-6 route del 2001:db8:2::/48 via 2001:db8::8 dev vip0", "route flush table 1000", "rule del pref 77", "-6 rule del pref 78",
		"route replace 10.9.0.0/16 via 192.0.2.77", "address del 192.0.2.3/24 dev vip0", "address del 2001:db8::3/64 dev vip0", "link set vip0 down",
	}
	for range 150 {
		o := []string{"A", "B"}[rnd.IntN(2)]
		switch n := rnd.IntN(8); n {
		case 0, 1, 2:
			held[o] = n > 0
			if held[o] {
				m.Hold(o)
			} else {
				m.Release(o)
			}
		case 3:
			overflow(t, m.routing.monitor)
		default:
			line := strangers[rnd.IntN(len(strangers))]
			h.do(t, func() {
				_ = command(line).Run() // there may be none
				if line == "link set vip0 down" {
					_ = command("link set vip0 up").Run()
					_ = command("address add 2001:db8::1/64 dev vip0 nodad").Run()
				}
			})
		}
	}
	for o := range held { // ends what is put off because of the war
		m.Release(o)
	}
	if !testnet.WaitFor(patience, func() bool { return h.routing(t) == "" }) {
		t.Fatalf("the host has\n%s\nstatus %+v", h.routing(t), m.Routing("A"))
	}
	h.do(t, func() { _ = command("route flush 10.9.0.0/16").Run() }) // the stranger's
	m.Hold("A")
	m.Hold("B")
	if !testnet.WaitFor(patience, func() bool {
		n := 0
		for _, s := range append(m.Routing("A"), m.Routing("B")...) {
			if !s.Present || s.Foreign {
				return false
			}
			n++
		}
		return n == 11
	}) {
		for _, s := range append(m.Routing("A"), m.Routing("B")...) {
			t.Logf("%+v", s)
		}
		t.Fatalf("the host has\n%s\n%v\n%+v", h.routing(t), h.addresses(t), m.Snapshot())
	}
	want := h.routing(t)
	h.ip(t, "link set vip0 down")
	h.ip(t, "link set vip0 up")
	h.ip(t, "address add 2001:db8::1/64 dev vip0 nodad")
	if !testnet.WaitFor(patience, func() bool { return h.routing(t) == want }) {
		t.Errorf("the host has\n%s\nbefore\n%s\nstatus %+v", h.routing(t), want, m.Routing("A"))
	}
	shut(t, m)
	if got := h.routing(t); got != "" {
		t.Errorf("left %q", got)
	}
}
