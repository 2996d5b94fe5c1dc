package daemon

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

func noAccept(c *config.Router) {
	c.Accept = false
	c.Excluded = []config.Address{{Prefix: netip.MustParsePrefix("10.0.1.3/24"), Device: "eth0"}}
}

// Packets are refused from before the addresses are there until they have
// gone, the excluded ones' too, and not while a BACKUP.
//
//vrrp:row 45
func TestPacketsAreRefusedAsLongAsTheAddressesAreHere(t *testing.T) {
	g := newRig(t, true, noAccept)
	h := &host{log: g.r.log, routers: []*router{g.r}}
	g.down(50 * ms)
	g.round(50 * ms)
	g.want(vrrp.Master)
	g.wantScript("advert 100; garp; garp; refuse 10.0.0.3; refuse 10.0.1.3; hold; announce 4 more and again after 5s; pace every 10ms")
	g.master(60*ms, 200)
	g.round(61 * ms)
	g.want(vrrp.Backup)
	g.wantScript("cancel announcing; stop pacing; release")
	h.addrEvent(vip.Event{Kind: vip.Released, Owner: "VI_1"})
	g.wantScript("admit 10.0.0.3; admit 10.0.1.3")
	if n := g.r.refusal.before[netip.MustParseAddr("10.0.0.3")]; n != 3 {
		t.Errorf("%d packets remembered, want 3", n)
	}
	h.addrEvent(vip.Event{Kind: vip.Released, Owner: "VI_1"})
	g.wantScript("")
}

// The word that the addresses have gone may come when they are wanted again.
func TestRefusalOutlivesAReleaseThatIsOvertaken(t *testing.T) {
	g := newRig(t, true, noAccept)
	h := &host{log: g.r.log, routers: []*router{g.r}}
	g.down(50 * ms)
	g.round(50 * ms)
	g.take()
	h.addrEvent(vip.Event{Kind: vip.Released, Owner: "VI_1"})
	g.wantScript("")
	if n := len(g.r.refusal.inForce); n != 2 {
		t.Errorf("%d addresses refused", n)
	}
}

func TestOwnerRefusesNothing(t *testing.T) {
	g := newRig(t, true, func(c *config.Router) { c.Accept, c.Priority = false, 255 })
	g.want(vrrp.Master)
	if did := g.take(); strings.Contains(did, "refuse") {
		t.Errorf("did %q", did)
	}
}

// Of a link-local address the interface matters; without XDP there is an alarm.
func TestRefusalNamesTheInterface(t *testing.T) {
	g := newRig(t, true, noAccept)
	door := &device{name: "eth0", link: &link.Link{Name: "eth0", Index: 7, XDP: loader.Native}}
	g.r.refusal.doors = []*device{door}
	if i := g.r.doorIndex(config.Address{Device: "eth0"}); i != 7 {
		t.Errorf("interface %d", i)
	}
	if why := g.r.open(); why != "" {
		t.Errorf("alarm %q", why)
	}
	door.link.XDP, door.link.Note = loader.Off, "refused by the driver"
	if why := g.r.open(); !strings.Contains(why, "no XDP on eth0 (refused by the driver)") {
		t.Errorf("alarm %q", why)
	}
	door.link, door.note = nil, "not Ethernet"
	if why := g.r.open(); !strings.Contains(why, "no XDP on eth0 (not Ethernet)") {
		t.Errorf("alarm %q", why)
	}
}
