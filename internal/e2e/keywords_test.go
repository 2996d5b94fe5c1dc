package e2e

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// virtual_ipaddress_excluded: held and announced, in no advert; so its being on
// one host only is no difference that the other notes.
func TestExcludedAddressIsHeldAndNotAdvertised(t *testing.T) {
	const extra = "10.99.9.2"
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	d := start(t, a, "native", v3.conf(150, "virtual_ipaddress_excluded {", extra, "}"))
	start(t, b, "native", v3.conf(100))
	await(t, "both addresses", func() bool { return a.HasAddr(vip) && a.HasAddr(extra) })
	await(t, "neighbours to be told of both", func() bool { return len(garps(tap, a, vip)) > 0 && len(garps(tap, a, extra)) > 0 })
	awaitRouter(t, b, "to hear a", func(r stats.Router) bool { return r.Master != nil })
	if alarms := router(t, b).Alarms; strings.Contains(strings.Join(alarms, "\n"), "addresses") {
		t.Errorf("alarms %q", alarms)
	}
	must(t, d.Stop())
	if a.HasAddr(vip) || a.HasAddr(extra) {
		t.Error("an address is left behind")
	}
}

// no_virtual_ipaddress: a router that only elects.
func TestRouterWithoutAddressesElects(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	conf := func(priority int) string {
		text := v3.conf(priority, "no_virtual_ipaddress")
		before, rest, _ := strings.Cut(text, "virtual_ipaddress {")
		_, after, _ := strings.Cut(rest, "}")
		return before + after
	}
	da := start(t, a, "native", conf(150))
	awaitState(t, a, "MASTER")
	start(t, b, "native", conf(100))
	awaitRouter(t, b, "to hear a", func(r stats.Router) bool { return r.Master != nil })
	da.Kill9()
	awaitState(t, b, "MASTER")
}

// mcast_dst_ip and mcast_src_ip, beside the real keepalived where there is one:
// who speaks to another group is not heard, and who speaks to ours is.
func TestOtherGroupAndSource(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	const source, group = "10.99.0.77", "224.0.0.81"
	start(t, a, "native", v3.conf(150, "mcast_dst_ip "+group, "mcast_src_ip "+source))
	awaitState(t, a, "MASTER")
	b.StartForTest(t, testnet.Keepalived, v3.conf(100, "mcast_dst_ip "+group))
	c := start(t, b, "off", v3.conf(100, "mcast_dst_ip "+group))
	awaitRouter(t, b, "to follow "+source, func(r stats.Router) bool {
		return r.State == "BACKUP" && r.Master != nil && r.Master.Address == source
	})
	must(t, c.Stop())
	if n := len(tap.Adverts(netip.MustParseAddr(source))); n == 0 {
		t.Error("no advert from the source that is configured")
	}
	if n := len(advertsOf(tap, b)); n != 0 {
		t.Errorf("keepalived, which hears the same group, has sent %d adverts", n)
	}
	start(t, b, "native", v3.conf(100))
	awaitState(t, b, "MASTER")
}

// vrrp_startup_delay: nobody is heard and nothing is taken before it is over.
func TestStartupDelayKeepsOutOfTheElection(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	const delay = 3 * time.Second
	from := testnet.Now()
	start(t, a, "native", "global_defs {\nvrrp_startup_delay 3\n}\n"+v3.conf(150))
	start(t, b, "native", v3.conf(100))
	awaitRouter(t, a, "to wait", func(r stats.Router) bool {
		return r.State == "INIT" && strings.Contains(r.Reason, "vrrp_startup_delay")
	})
	awaitState(t, b, "MASTER") // although a is better
	awaitState(t, a, "MASTER")
	if first := firstAdvert(t, tap, a, from); first.Sub(from) < delay+v3.masterDown(150) {
		t.Errorf("the first advert came after %v", first.Sub(from))
	}
}

func TestStopDuringTheStartupDelay(t *testing.T) {
	l := testnet.ForTest(t, "a")
	d := start(t, l.Host("a"), "native", "global_defs {\nvrrp_startup_delay 60\n}\n"+v3.conf(255))
	awaitState(t, l.Host("a"), "INIT")
	must(t, d.Stop())
}

// noprefixroute and preferred_lft, as the kernel shows them.
func TestAddressOptionsReachTheKernel(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	conf := testnet.Conf(3, testnet.Instance{Priority: 255, AdvertInt: "0.1", VIPs: []string{
		"10.98.0.1/24 noprefixroute", "10.97.0.1/24 preferred_lft 0", "10.96.0.1/24",
	}})
	start(t, a, "native", conf)
	await(t, "the addresses", func() bool { return a.HasAddr("10.98.0.1") && a.HasAddr("10.97.0.1") && a.HasAddr("10.96.0.1") })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	run := func(args ...string) string {
		out, err := a.Command(ctx, "ip", args...).CombinedOutput()
		must(t, err)
		return string(out)
	}
	routes := run("-4", "route", "show", "dev", "eth0")
	if strings.Contains(routes, "10.98.0.0/24") || !strings.Contains(routes, "10.97.0.0/24") {
		t.Errorf("routes:\n%s", routes)
	}
	if out := run("-4", "address", "show", "deprecated"); !strings.Contains(out, "10.97.0.1/24") || strings.Contains(out, "10.96.0.1") || strings.Contains(out, "10.98.0.1") {
		t.Errorf("deprecated:\n%s", out)
	}
}

// peer, -nodad, home and mngtmpaddr, as the kernel shows them; all are removed at
// the end, and by cleanup after kill -9.
func TestPeerAndFlagsReachTheKernel(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	conf := testnet.Conf(3,
		testnet.Instance{Name: "four", Priority: 255, AdvertInt: "0.1", VIPs: []string{"10.98.0.1 peer 10.97.0.1"}},
		testnet.Instance{Name: "six", Priority: 255, AdvertInt: "0.1", VIPs: []string{
			"fe80::98:1/64", "2001:db8:98::1/64 home -nodad", "2001:db8:97::1/64 mngtmpaddr", "2001:db8:96::1 peer 2001:db8:95::1",
		}})
	d := start(t, a, "native", conf)
	await(t, "the addresses", func() bool {
		out := ipIn(t, a, "address show dev eth0")
		return strings.Contains(out, "10.98.0.1 peer 10.97.0.1/32") && strings.Contains(out, "2001:db8:96::1 peer 2001:db8:95::1/128") &&
			strings.Contains(out, "2001:db8:98::1/64 scope global home") && !strings.Contains(out, "2001:db8:98::1/64 scope global nodad") &&
			strings.Contains(out, "2001:db8:97::1/64 scope global nodad mngtmpaddr")
	})
	gone := func() bool {
		out := ipIn(t, a, "address show dev eth0")
		return !strings.Contains(out, "10.98.0.1") && !strings.Contains(out, "2001:db8:9")
	}
	must(t, d.Stop())
	if !gone() {
		t.Error("an address is left behind")
	}
	must(t, d.Start())
	await(t, "the address", func() bool { return a.HasAddr("10.98.0.1") })
	d.Kill9()
	if out, code := vrrpx(t, a, "cleanup"); code != 0 || !gone() {
		t.Errorf("cleanup: exit %d: %s", code, out)
	}
}

// preempt_delay beside the real keepalived: the better router lets the worse
// one be for so long, by the kernel's deadline and by the loop's, and takes over
// at once when that one dies.
func TestPreemptDelay(t *testing.T) {
	const delay = 2 * time.Second
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			peer := b.StartForTest(t, testnet.Keepalived, v3.conf(100))
			await(t, "keepalived to be MASTER", func() bool { return b.HasAddr(vip) })
			from := testnet.Now()
			d := start(t, a, mode, v3.conf(150, "preempt_delay 2"))
			awaitRouter(t, a, "to let keepalived be", func(r stats.Router) bool { return r.State == "BACKUP" && r.PreemptIn != nil })
			awaitState(t, a, "MASTER")
			if first := firstAdvert(t, tap, a, from); first.Sub(from) < delay {
				t.Errorf("preempted after %v", first.Sub(from))
			}
			if r := router(t, a); !strings.Contains(r.Reason, "preempting "+b.Addr.String()) {
				t.Errorf("reason %q", r.Reason)
			}
			must(t, d.Stop())
			await(t, "keepalived to be MASTER again", func() bool { return b.HasAddr(vip) })
			start(t, a, mode, v3.conf(150, "preempt_delay 1000"))
			awaitRouter(t, a, "to let keepalived be", func(r stats.Router) bool { return r.PreemptIn != nil })
			peer.Kill9()
			awaitState(t, a, "MASTER")
		})
	}
}
