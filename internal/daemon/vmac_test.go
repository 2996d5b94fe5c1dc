package daemon

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/vrrp"
)

func withVMAC(c *config.Router) {
	c.UseVMAC = true
	c.VMACs = []config.VMAC{{Name: "vrrp.51", MAC: [6]byte{0, 0, 0x5e, 0, 1, 51}, Family: 4}}
	c.Addresses[0].VMAC = "vrrp.51"
}

// hostOf is a host of one router, on the interface that the rig gave it.
func hostOf(g *rig) *host {
	d := &device{name: "eth0", exists: true, up: true, primary: g.r.machine.Config().Primary, link: g.r.link, routers: []*router{g.r}}
	g.r.device = d
	return &host{log: g.r.log, routers: []*router{g.r}, devices: map[string]*device{"eth0": d}}
}

//vrrp:row 35 57
func TestNothingIsAnnouncedBeforeAddressAndVirtualMACAreThere(t *testing.T) {
	owner := func(c *config.Router) {
		withVMAC(c)
		c.Priority = 255
	}
	g := newRig(t, true, owner)
	h := hostOf(g)
	g.wantScript("advert 255; hold; pace every 10ms")
	h.addrEvent(vip.Event{Kind: vip.Held, Owner: "VI_1"})
	g.wantScript("garp; announce 4 more and again after 5s")
	h.addrEvent(vip.Event{Kind: vip.Held, Owner: "VI_1"})
	g.wantScript("")
}

func TestAddressesThatComeAfterYieldingAreNotAnnounced(t *testing.T) {
	g := newRig(t, true, withVMAC)
	h := hostOf(g)
	g.r.step(g.at(g.r.machine.MasterDown()), vrrp.Timer{})
	g.want(vrrp.Master)
	g.r.step(g.at(g.r.machine.MasterDown()), vrrp.Shutdown{})
	g.take()
	h.addrEvent(vip.Event{Kind: vip.Held, Owner: "VI_1"})
	g.wantScript("")
}

func TestRouterWithoutItsDeviceIsInFault(t *testing.T) {
	g := newRig(t, true, withVMAC)
	h := hostOf(g)
	h.addrEvent(vip.Event{Kind: vip.Missing, Owner: "VI_1", Device: "vrrp.51", Err: errors.New("it is another's")})
	g.want(vrrp.Faulted)
	if got := g.r.machine.Reason().String(); got != "no device vrrp.51: it is another's" {
		t.Errorf("reason %q", got)
	}
	h.addrEvent(vip.Event{Kind: vip.Made, Owner: "VI_1", Device: "vrrp.51"})
	g.want(vrrp.Backup)
}

//vrrp:row 3
func TestFramesComeFromTheVirtualMAC(t *testing.T) {
	const base, virtual, virtual6 = "02:00:00:00:00:05", "00:00:5e:00:01:33", "00:00:5e:00:02:33"
	for _, c := range []struct {
		name     string
		change   func(*config.Router)
		advert   string
		announce []string // for 10.0.0.3 and 2001:db8::3
	}{
		{"none", func(*config.Router) {}, base, []string{base, base}},
		{"use_vmac", func(c *config.Router) { withVMAC(c) }, virtual, []string{virtual, base}},
		{"vmac_xmit_base", func(c *config.Router) { withVMAC(c); c.XmitBase = true }, base, []string{virtual, base}},
		{"of both families", func(c *config.Router) {
			withVMAC(c)
			c.VMACs = append(c.VMACs, config.VMAC{Name: "vrrp6.51", MAC: [6]byte{0, 0, 0x5e, 0, 2, 51}, Family: 6})
			c.Excluded[0].VMAC = "vrrp6.51"
		}, virtual, []string{virtual, virtual6}},
	} {
		g := newRig(t, true, func(r *config.Router) {
			r.Excluded = []config.Address{{Prefix: netip.MustParsePrefix("2001:db8::3/64"), Device: "eth0"}}
			c.change(r)
		})
		from := func(frame []byte) string { return macText(frame[6:12]) }
		for _, priority := range []uint8{100, 0} {
			for _, f := range g.r.frames(priority) {
				if got := from(f); got != c.advert {
					t.Errorf("%s: an advert of priority %d comes from %s, want %s", c.name, priority, got, c.advert)
				}
			}
		}
		for i, f := range g.r.advert.garps {
			said := f[14+8 : 14+14] // ARP's sender hardware address
			if i == 1 {
				said = f[len(f)-6:] // the option at the end of a neighbour advertisement
			}
			if from(f) != c.announce[i] || macText(said) != c.announce[i] {
				t.Errorf("%s: announcement %d comes from %s and says %s, want %s", c.name, i, from(f), macText(said), c.announce[i])
			}
		}
	}
}

func macText(b []byte) string { return net.HardwareAddr(b).String() }
