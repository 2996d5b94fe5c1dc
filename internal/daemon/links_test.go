package daemon

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
)

// A router that names its source needs none of the interface.
func TestConfiguredSourceNeedsNoAddressOnTheInterface(t *testing.T) {
	plain := newRig(t, true, nil).r
	named := newRig(t, true, func(c *config.Router) { c.Source = netip.MustParseAddr("10.0.0.77") }).r
	d := &device{name: "eth0", exists: true, up: true, link: plain.link, routers: []*router{plain, named}}
	if f := d.faults(plain); len(f) != 1 {
		t.Errorf("faults without an address: %q", f)
	}
	if f := d.faults(named); len(f) != 0 {
		t.Errorf("faults with mcast_src_ip: %q", f)
	}
	d.primary = netip.MustParseAddr("10.0.0.5")
	if f := d.faults(plain); len(f) != 0 {
		t.Errorf("faults with an address: %q", f)
	}
}

func TestEveryGroupIsJoinedOnce(t *testing.T) {
	other := netip.MustParseAddr("224.0.0.81")
	a, b := newRig(t, true, nil).r, newRig(t, true, nil).r
	c := newRig(t, true, func(c *config.Router) { c.Group = other }).r
	d := &device{routers: []*router{a, b, c}}
	if got := d.groups(); !slices.Equal(got, []netip.Addr{config.DefaultGroup, other}) {
		t.Errorf("groups %v", got)
	}
}

// An excluded address is held and announced; the advert does not name it.
func TestExcludedAddressIsHeldAndAnnounced(t *testing.T) {
	g := newRig(t, true, func(c *config.Router) {
		c.Excluded = []config.Address{{Prefix: netip.MustParsePrefix("10.0.0.4/24"), Device: "eth0"}}
	})
	if as := addressesOf(g.r.cfg); len(as) != 2 || as[1].Prefix.String() != "10.0.0.4/24" {
		t.Errorf("holds %v", as)
	}
	if as := g.r.machine.Config().Addrs; len(as) != 1 {
		t.Errorf("advertises %v", as)
	}
	g.down(37 * ms)
	g.round(37 * ms)
	g.wantScript("advert 100; garp; garp; hold; announce 4 more and again after 5s; pace every 10ms")
}

func TestGroupIsInTheRuleAndOnTheWire(t *testing.T) {
	other := netip.MustParseAddr("224.0.0.81")
	g := newRig(t, true, func(c *config.Router) { c.Group = other })
	if got := g.path.rules[g.key].Group; got != other {
		t.Errorf("the rule wants %v", got)
	}
	if f := g.r.frames(100)[0]; netip.AddrFrom4([4]byte(f[30:34])) != other || f[5] != 81 {
		t.Errorf("frame % x", f[:34])
	}
}
