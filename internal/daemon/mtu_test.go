package daemon

import (
	"net/netip"
	"testing"

	"github.com/vrrpx/vrrpx/internal/vip"
)

// Adverts that an interface drops for their length are the thread's, to which that is
// an error, also when its MTU changes.
func TestAdvertsBeyondTheMTUAreNotTheKernels(t *testing.T) {
	g := leased(t, nil)
	gate := &fakeGate{fakePacer: fakePacer{g.record}}
	g.r.out.pacer = gate
	d := &device{name: "eth0", exists: true, up: true, link: g.r.link, primary: netip.MustParseAddr("10.0.0.5"), routers: []*router{g.r}}
	g.r.device = d
	h := &host{log: g.r.log, devices: map[string]*device{"eth0": d}, loop: g.loop, routers: []*router{g.r}}
	size := len(g.r.advert.frames[0]) - etherLen
	for _, c := range []struct {
		mtu int
		why string
	}{{size, ""}, {size - 1, "its adverts are longer than the MTU of eth0, 31"}, {1500, ""}} {
		h.linkEvent(vip.Event{Kind: vip.LinkChanged, Link: vip.Link{Name: "eth0", Index: 2, MAC: g.r.link.MAC, MTU: c.mtu, Up: true}})
		if _, why := g.r.lease(g.r.advert.frames); why != c.why || (gate.given.Lease > 0) != (c.why == "") || len(gate.given.Frames) != 1 {
			t.Errorf("MTU %d: %q, lease %v", c.mtu, why, gate.given.Lease)
		}
	}
}
