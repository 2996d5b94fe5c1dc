package daemon

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

func ipv6(c *config.Router) {
	c.Family = 6
	c.Addresses = []config.Address{
		{Prefix: netip.MustParsePrefix("fe80::3/64"), Device: "eth0"},
		{Prefix: netip.MustParsePrefix("2001:db8::3/64"), Device: "eth0"},
	}
	c.GARP.Interval, c.GNAInterval = time.Hour, 20*ms
}

//vrrp:row 42 47
func TestTakeoverOverIPv6ActsInOrder(t *testing.T) {
	g := newRig(t, true, ipv6)
	rule := g.path.rules[g.key]
	if rule.Group != config.DefaultGroup6 || rule.Own != netip.MustParseAddr("fe80::5") {
		t.Errorf("the rule wants %v and not %v", rule.Group, rule.Own)
	}
	g.path.receive(g.key, g.at(0), vrrp.Packet{
		Version: 3, VRID: 51, Priority: 200, Interval: 10 * ms,
		Addrs: []netip.Addr{netip.MustParseAddr("fe80::3"), netip.MustParseAddr("2001:db8::3")},
	}, "fe80::6")
	g.round(1 * ms)
	g.want(vrrp.Backup)
	if alarms := g.r.alarmTexts(g.at(1 * ms)); len(alarms) != 0 {
		t.Errorf("alarms: %v", alarms)
	}
	g.take()
	g.down(36*ms + 200*time.Microsecond)
	g.round(36*ms + 250*time.Microsecond)
	g.want(vrrp.Master)
	g.wantScript("advert 100; na; na; hold; announce 4 more every 20ms; pace every 10ms")
	g.r.step(g.at(60*ms), vrrp.Shutdown{})
	g.wantScript("cancel announcing; stop pacing; advert 0; release")
}

//vrrp:row 35
func TestOwnerOfIPv6AddressesAnnouncesAtOnce(t *testing.T) {
	g := newRig(t, true, func(c *config.Router) { ipv6(c); c.Priority = 255 })
	g.want(vrrp.Master)
	g.wantScript("advert 255; na; na; hold; announce 4 more every 20ms; pace every 10ms")
}

// Routers of both families, with one VRID, on one device: what one lacks is no
// fault of the other, and each is found by its own key.
//
//vrrp:row 4 18
func TestFamiliesOfOneVRIDAreIndependent(t *testing.T) {
	g := newRig(t, true, nil)
	six := newRig(t, true, ipv6)
	h := &host{log: g.loop.log, loop: g.loop, devices: map[string]*device{}}
	d := &device{name: "eth0", exists: true, up: true, primary: netip.MustParseAddr("10.0.0.5"), routers: []*router{g.r, six.r}}
	g.r.device, six.r.device = d, d
	h.devices["eth0"] = d
	g.loop.routers = d.routers
	if want := []netip.Addr{config.DefaultGroup, config.DefaultGroup6}; !slices.Equal(d.groups(), want) {
		t.Errorf("groups %v, want %v", d.groups(), want)
	}
	if err := h.adopt(d, g.r.link); err != nil {
		t.Fatal(err)
	}
	if a, b := g.loop.byKey[loader.Key{Ifindex: 2, VRID: 51, Family: vrrp.IPv4}], g.loop.byKey[loader.Key{Ifindex: 2, VRID: 51, Family: vrrp.IPv6}]; a != g.r || b != six.r {
		t.Error("the routers are not found by their family")
	}
	states := func(four, sixth vrrp.State, faults ...string) {
		t.Helper()
		if a, b := g.r.machine.State(), six.r.machine.State(); a != four || b != sixth {
			t.Errorf("IPv4 %v, IPv6 %v, want %v, %v", a, b, four, sixth)
		}
		if got := six.r.machine.Faults(); !slices.Equal(got, faults) {
			t.Errorf("faults of IPv6: %q, want %q", got, faults)
		}
	}
	h.refresh(d)
	states(vrrp.Backup, vrrp.Faulted, "no IPv6 link-local address on eth0")

	link := vip.Link{Name: "eth0", Index: 2, Up: true}
	h.linkEvent(vip.Event{Kind: vip.LinkLocalChanged, Link: link, Primary: netip.MustParsePrefix("fe80::7/64")})
	states(vrrp.Backup, vrrp.Backup)
	if got := six.r.machine.Config().Primary; got != netip.MustParseAddr("fe80::7") {
		t.Errorf("adverts come from %v", got)
	}
	if got := g.path.rules[six.r.key].Own; got != netip.MustParseAddr("fe80::7") {
		t.Errorf("the datapath takes %v for our own", got)
	}
	h.linkEvent(vip.Event{Kind: vip.PrimaryChanged, Link: link})
	states(vrrp.Faulted, vrrp.Backup)
	h.linkEvent(vip.Event{Kind: vip.LinkLocalChanged, Link: link})
	states(vrrp.Faulted, vrrp.Faulted, "no IPv6 link-local address on eth0")
}
