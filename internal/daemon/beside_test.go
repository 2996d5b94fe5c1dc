package daemon

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/vrrp"
)

// besideRig is a BACKUP with an address on eth0 and two on eth1, whose sender has
// a script of its own.
func besideRig(t *testing.T, change func(*config.Router)) (*rig, *record, *host) {
	g := newRig(t, true, func(c *config.Router) {
		c.Excluded = []config.Address{
			{Prefix: netip.MustParsePrefix("10.0.1.3/24"), Device: "eth1"},
			{Prefix: netip.MustParsePrefix("10.0.1.4/24"), Device: "eth1"},
		}
		if change != nil {
			change(c)
		}
	})
	there := &record{}
	mac, _ := net.ParseMAC("02:00:00:00:00:07")
	d := &device{name: "eth1", link: &link.Link{Name: "eth1", Index: 3, MAC: mac, Sender: fakeSender{there}}}
	for _, a := range g.r.cfg.Excluded {
		g.r.addBeside(d, a)
	}
	g.r.advert.built = frameOf{} // as at the start, before it knew
	h := &host{log: g.r.log, loop: g.loop, routers: []*router{g.r}, devices: map[string]*device{"eth1": d}}
	g.r.settle()
	g.take()
	return g, there, h
}

func TestAddressesOnAnotherInterfaceAreAnnouncedThere(t *testing.T) {
	g, there, _ := besideRig(t, nil)
	g.down(50 * ms)
	g.round(50 * ms)
	g.want(vrrp.Master)
	g.wantScript("advert 100; garp; hold; announce 4 more and again after 5s; announce 4 more and again after 5s; pace every 10ms")
	if got := there.take(); got != "garp; garp" {
		t.Errorf("on eth1: %q", got)
	}
	b := g.r.besides[0]
	if mac := net.HardwareAddr(b.frames[0][6:12]); mac.String() != "02:00:00:00:00:07" || len(b.frames) != 2 {
		t.Errorf("%d frames from %v", len(b.frames), mac)
	}
	g.master(60*ms, 200)
	g.round(61 * ms)
	g.want(vrrp.Backup)
	g.wantScript("cancel announcing; cancel announcing; cancel announcing; stop pacing; release")
}

func TestExtraGARPIsOneAnInterface(t *testing.T) {
	g, _, _ := besideRig(t, func(c *config.Router) { c.Extra = config.ExtraGARP{Every: time.Minute, All: true} })
	g.down(50 * ms)
	g.round(50 * ms)
	g.wantScript("advert 100; garp; hold; announce 4 more and again after 5s; announce 4 more and again after 5s; refresh 1 every 1m0s; pace every 10ms")
}

// An interface that goes and comes back is another one to send on.
func TestInterfaceBesideThatReturnsIsAnnouncedOnAnew(t *testing.T) {
	g, there, h := besideRig(t, nil)
	d := h.devices["eth1"]
	g.down(50 * ms)
	g.round(50 * ms)
	g.take()
	there.take()
	old := d.link
	h.leftBeside(d)
	d.link = nil
	g.wantScript("cancel announcing; cancel announcing")
	g.r.queueGARPs()
	g.r.flush()
	g.wantScript("garp")
	again := *old
	d.link = &again
	h.returned(d)
	if got := there.take(); got != "garp; garp" {
		t.Errorf("on eth1: %q", got)
	}
	g.wantScript("announce 4 more and again after 5s; announce 4 more and again after 5s")
}

// A virtual MAC that no advert comes from is shown to the switches now and again.
func TestExtraGARPIsForVirtualMACsWithoutAdverts(t *testing.T) {
	for xmitBase, want := range map[bool]int{true: 1, false: 0} {
		g := newRig(t, true, func(c *config.Router) {
			withVMAC(c)
			c.XmitBase, c.Extra = xmitBase, config.ExtraGARP{Every: time.Minute}
		})
		g.down(50 * ms)
		g.round(50 * ms)
		g.want(vrrp.Master)
		g.r.announcePostponed()
		if got := strings.Count(g.take(), "every 1m0s"); got != want {
			t.Errorf("vmac_xmit_base %v: %d schedules for the switches, want %d", xmitBase, got, want)
		}
		g.master(60*ms, 200)
		g.round(61 * ms)
		if got := strings.Count(g.take(), "cancel announcing"); got != 1+want {
			t.Errorf("vmac_xmit_base %v: %d schedules cancelled", xmitBase, got)
		}
	}
}
