package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/nexthop"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// peersOf sets unicast peers. The rig's own address is 10.0.0.5.
func peersOf(ips ...string) func(*config.Router) {
	return func(c *config.Router) {
		for _, ip := range ips {
			c.Peers = append(c.Peers, config.Peer{Addr: netip.MustParseAddr(ip), MaxTTL: 255})
		}
	}
}

func TestUnicastAdvertsGoToEachPeerButOurselves(t *testing.T) {
	g := newRig(t, true, peersOf("10.0.0.6", "10.0.0.5", "10.0.0.7"))
	g.take()
	g.down(50 * ms)
	g.round(50 * ms)
	g.want(vrrp.Master)
	g.wantScript("advert 100; advert 100; garp; hold; announce 4 more and again after 5s; pace every 10ms")
	g.r.step(g.at(60*ms), vrrp.Shutdown{})
	g.wantScript("cancel announcing; stop pacing; advert 0; advert 0; release")
}

// frameText is where a frame of IPv4 goes to, by MAC and IP address, its TTL
// and its checksum.
func frameText(f []byte) string {
	return fmt.Sprintf("%s %s %d %x", net.HardwareAddr(f[:6]), net.IP(f[14+16:14+20]), f[14+8], f[14+20+6:14+20+8])
}

func TestUnicastFramesFollowTheNextHop(t *testing.T) {
	g := newRig(t, true, func(c *config.Router) { peersOf("10.0.0.6", "192.0.2.7")(c); c.UnicastTTL = 64 })
	h := &host{log: g.loop.log, routers: g.loop.routers}
	frames := func() (all []string) {
		g.r.build()
		for _, f := range g.r.advert.frames {
			all = append(all, frameText(f)[:len("00:00:00:00:00:00 10.0.0.6 64")])
		}
		return all
	}
	if got := frames(); !slices.Equal(got, []string{"00:00:00:00:00:00 10.0.0.6 64", "00:00:00:00:00:00 192.0.2.7 6"}) {
		t.Errorf("before anything is known: %q", got)
	}
	g.down(50 * ms)
	g.round(50 * ms)
	g.take()
	hop := func(index int, source, peer, mac string) {
		m, _ := net.ParseMAC(mac)
		h.hopChanged(nexthop.Hop{MAC: m, Via: netip.MustParseAddr(peer), Target: nexthop.Target{
			Ifindex: index, Source: netip.MustParseAddr(source), Peer: netip.MustParseAddr(peer),
		}})
	}
	hop(2, "10.0.0.5", "192.0.2.7", "02:00:00:00:00:99")
	g.wantScript("pace every 10ms") // with other frames, as they are known
	if got := frames(); !slices.Equal(got, []string{"00:00:00:00:00:00 10.0.0.6 64", "02:00:00:00:00:99 192.0.2.7 6"}) {
		t.Errorf("with one of two known: %q", got)
	}
	hop(3, "10.0.0.5", "10.0.0.6", "02:00:00:00:00:98") // of another interface
	hop(2, "10.0.0.4", "10.0.0.6", "02:00:00:00:00:98") // of an address that we had
	hop(2, "10.0.0.5", "10.0.0.8", "02:00:00:00:00:98") // to no peer
	g.wantScript("")
	if v := g.r.unicast.view(vrrp.IPv4, 3); len(v) != 2 || v[0].MAC != "" || v[1].MAC != "02:00:00:00:00:99" {
		t.Errorf("status shows %+v", v)
	}
	hop(2, "10.0.0.5", "192.0.2.7", "") // lost again
	g.wantScript("pace every 10ms")
	if got := frames(); !strings.HasPrefix(got[1], "00:00:00:00:00:00") {
		t.Errorf("with none known: %q", got)
	}
}

func TestUnicastRule(t *testing.T) {
	own := netip.MustParseAddr("10.0.0.5")
	for _, c := range []struct {
		name   string
		change func(*config.Router)
		any    bool
		old    netip.Addr
	}{
		{"default", func(*config.Router) {}, false, config.DefaultGroup},
		{"check_unicast_src no", func(c *config.Router) { c.CheckSource = false }, true, config.DefaultGroup},
		{"old_unicast_checksum never", func(c *config.Router) { c.OldChecksum = config.OldChecksumNever }, false, netip.Addr{}},
	} {
		g := newRig(t, true, func(r *config.Router) { peersOf("10.0.0.6")(r); c.change(r) })
		rule := g.path.rules[g.key]
		if u := rule.Unicast; u == nil || rule.Group != own || rule.Own != own || u.AnySource != c.any || u.OldGroup != c.old || u.Peers[0].Addr.String() != "10.0.0.6" {
			t.Errorf("%s: rule %+v, unicast %+v", c.name, rule, rule.Unicast)
		}
	}
}

// Elision does not ask how an advert came.
func TestUnicastMasterIsElided(t *testing.T) {
	g := newRig(t, true, peersOf("10.0.0.6"))
	g.master(0, 200)
	g.round(1 * ms)
	if g.path.rules[g.key].Elide == nil {
		t.Fatal("the master's advert did not become the rule")
	}
	if got := g.r.unicast.forms[netip.MustParseAddr("10.0.0.6")]; got != "plain" { // as the fake has it
		t.Errorf("the checksum is remembered as %q", got)
	}
}

func TestFormsAreRememberedOfPeersAlone(t *testing.T) {
	u := newRig(t, true, peersOf("10.0.0.6")).r.unicast
	for ip, form := range map[string]string{"10.0.0.6": "old", "10.0.0.66": ""} {
		src := netip.MustParseAddr(ip)
		u.hearForm(&loader.Event{Src: src, Old: true})
		if u.forms[src] != form {
			t.Errorf("%s: %q, want %q", ip, u.forms[src], form)
		}
	}
}

func TestOldChecksumIsSentWhenAskedFor(t *testing.T) {
	sum := func(change func(*config.Router)) string {
		g := newRig(t, true, func(c *config.Router) { peersOf("10.0.0.6")(c); change(c) })
		return frameText(g.r.frames(100)[0])[len("00:00:00:00:00:00 10.0.0.6 255 "):]
	}
	multicast := newRig(t, true, nil)
	group := frameText(multicast.r.frames(100)[0])[len("01:00:5e:00:00:12 224.0.0.18 255 "):]
	now, old := sum(func(*config.Router) {}), sum(func(c *config.Router) { c.OldChecksum = config.OldChecksumSent })
	if old != group || now == old {
		t.Errorf("the old form is %s, as to the group %s; the usual one %s", old, group, now)
	}
}

func TestUnicastFaultsAreNamed(t *testing.T) {
	for want, change := range map[string]func(*router){
		"no unicast peers (unicast_fault_no_peer)":              func(r *router) { r.cfg.NoPeerFault = true },
		"source address 10.0.0.5 is not on eth0 (track_src_ip)": func(r *router) { r.cfg.Source, r.sourceGone = netip.MustParseAddr("10.0.0.5"), true },
	} {
		g := newRig(t, true, nil)
		d := &device{name: "eth0", exists: true, up: true, primary: netip.MustParseAddr("10.0.0.5"), link: g.r.link}
		if f := d.faults(g.r); len(f) != 0 {
			t.Fatalf("faults %q", f)
		}
		change(g.r)
		if f := d.faults(g.r); !slices.Equal(f, []string{want}) {
			t.Errorf("faults %q, want %q", f, want)
		}
	}
}

func TestUnicastRoutersJoinNoGroup(t *testing.T) {
	one, two := newRig(t, true, peersOf("10.0.0.6")).r, newRig(t, true, nil).r
	d := &device{routers: []*router{one, two, one}}
	if got := d.groups(); !slices.Equal(got, []netip.Addr{netip.IPv4Unspecified(), config.DefaultGroup}) {
		t.Errorf("groups %v", got)
	}
}
