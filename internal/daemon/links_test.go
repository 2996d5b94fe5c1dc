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
