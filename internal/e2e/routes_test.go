package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// routesTop and routesOwn are all the words of routes and rules that the kernel
// takes here, of the host and of a router.
const routesTop = `static_ipaddress {
  10.60.0.1/24 dev eth1
  2001:db8:60::1/64 dev eth1
}
static_routes {
  10.61.0.0/16 via 10.60.0.9 dev eth1
  10.62.0.0/16 dev eth1 scope link src 10.60.0.1 table 600 metric 6
  2001:db8:61::/48 via 2001:db8:60::9 dev eth1 metric 6
  blackhole 10.63.0.0/16 no_track
}
static_rules {
  from 10.61.0.0/16 table 600 preference 610
  to 2001:db8:61::/48 table 601 preference 611
}
`

var routesOwn = strings.Split(`virtual_routes {
  src `+vip+` 10.71.0.0/16 via 10.99.0.77 dev eth0
  default via 10.99.0.77 dev eth0 table 700
  10.72.0.0/16 via 10.99.0.77 dev eth0 tos 0x10 mtu lock 1400 advmss 1200 rtt 300ms hoplimit 9 initcwnd 5 quickack 1 features ecn congctl reno
  10.73.0.0/16 via 10.99.0.77 dev eth0 realms 1/2 append
  10.74.0.0/16 dev eth1 no_track protocol 99
  10.75.0.0/16 no_track nexthop via 10.99.0.77 dev eth0 weight 2 nexthop via 10.60.0.9 dev eth1 onlink
  unreachable 10.76.0.0/16 no_track
  2001:db8:71::/48 via fe80::77 dev eth0 pref high
  2001:db8:72::/48 from 2001:db8:73::/48 via fe80::77 dev eth0 table 701
  2001:db8:74::/48 no_track nexthop via fe80::77 dev eth0 nexthop via fe80::78 dev eth0
}
virtual_rules {
  from 10.71.0.0/16 to 10.72.0.0/16 iif eth0 tos 0x10 fwmark 0x5/0xff table 700 preference 710
  not oif eth0 blackhole preference 711
  preference 712 goto 713
  preference 713 nop
  preference 714 l3mdev
  preference 715 ipproto tcp sport 10-20 dport 53-53 uidrange 1-2 table 700 suppress_prefixlength 0 suppress_ifgroup 3 realms 1/2
  from 2001:db8:71::/48 table 701 preference 716
}`, "\n")

// routing is what a host has of routes and rules that the kernel did not make by
// itself, sorted.
func routing(t *testing.T, h *testnet.Host) (all []string) {
	t.Helper()
	for _, args := range []string{"-4 -d route show table all", "-6 -d route show table all", "-4 rule show", "-6 rule show"} {
		out, err := h.Command(context.Background(), "ip", strings.Fields(args)...).CombinedOutput()
		must(t, err)
		for _, line := range strings.Split(strings.ReplaceAll(string(out), "\n\t", " "), "\n") {
			line = strings.Join(strings.Fields(line), " ")
			if line != "" && !strings.Contains(line, "proto kernel") && !strings.HasPrefix(line, "0:") && !strings.HasPrefix(line, "3276") {
				all = append(all, line)
			}
		}
	}
	slices.Sort(all)
	return all
}

// The same file gives the kernel the same routes and rules, and nothing stays
// behind, not even of a process that was killed.
func TestRoutesAndRulesAreKeepaliveds(t *testing.T) {
	testnet.Need(t, "root", "keepalived", "ip")
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}}, Links: 2}.ForTest(t)
	a := l.Host("a")
	conf := routesTop + v3.conf(150, routesOwn...)
	before := routing(t, a)

	k := keepalived.start(t, a, conf)
	var theirs []string
	await(t, "keepalived to have made all", func() bool { theirs = routing(t, a); return len(theirs) >= 21 })
	must(t, k.Stop())
	if left := routing(t, a); !slices.Equal(left, before) {
		t.Logf("keepalived leaves %q", left)
	}
	out, err := a.Command(context.Background(), "sh", "-c", "ip address flush dev eth1 scope global; ip route flush proto keepalived; ip route flush table 600").CombinedOutput()
	if err != nil {
		t.Logf("flush: %v: %s", err, out)
	}

	d := start(t, a, "native", conf)
	var ours []string
	await(t, "vrrpx to have made all", func() bool { ours = routing(t, a); return len(ours) >= len(theirs) })
	if !slices.Equal(ours, theirs) {
		t.Errorf("vrrpx has\n%s\nkeepalived\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
	s := status(t, a)
	for _, r := range append(s.Routers[0].Routes, s.Static.Routes...) {
		if !r.Present || r.Foreign || r.Error != "" {
			t.Errorf("status: %+v", r)
		}
	}
	if n, m := len(s.Routers[0].Routes), len(s.Static.Routes); n != 17 || m != 6 || len(s.Static.Addresses) != 2 {
		t.Errorf("status has %d and %d routes and rules, static addresses %v", n, m, s.Static.Addresses)
	}
	must(t, d.Stop())
	if left := routing(t, a); !slices.Equal(left, before) || a.HasAddr("10.60.0.1") {
		t.Errorf("stop leaves %q", left)
	}

	must(t, d.Start())
	await(t, "vrrpx to have made all again", func() bool { return slices.Equal(routing(t, a), theirs) })
	d.Kill9()
	if left := routing(t, a); !slices.Equal(left, theirs) {
		t.Errorf("kill -9 leaves %q", left)
	}
	if out, code := vrrpx(t, a, "cleanup"); code != 0 || !strings.Contains(out, "route 10.61.0.0/16 via 10.60.0.9 dev eth1") {
		t.Errorf("cleanup: exit %d: %s", code, out)
	}
	if left := routing(t, a); !slices.Equal(left, before) || a.HasAddr("10.60.0.1") {
		t.Errorf("cleanup leaves %q", left)
	}
}

// What someone deletes comes back without a transition; what goes with the link
// or the device of the virtual MAC comes back with it.
func TestVirtualRoutesOutliveDeletionAndTheLink(t *testing.T) {
	testnet.Need(t, "root", "ip")
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	d := start(t, a, "native", v3.conf(150, "use_vmac", "virtual_routes {",
		"10.71.0.0/16 via 10.99.0.77 dev vrrp.51 onlink src "+vip, "10.72.0.0/16 via 10.99.0.77 dev eth0", "}",
		"virtual_rules {", "from 10.71.0.0/16 table 700 preference 710", "}"))
	all := func(r stats.Router) bool {
		return r.State == "MASTER" && len(r.Routes) == 3 && !slices.ContainsFunc(r.Routes, func(r stats.Route) bool { return !r.Present })
	}
	awaitRouter(t, a, "to have its routes", all)
	before := routing(t, a)
	if len(before) != 3 {
		t.Fatalf("%q", before)
	}
	still := unmoved(t, a)
	for _, del := range []string{"route del 10.71.0.0/16", "rule del preference 710", "address del " + vip + "/32 dev vrrp.51"} {
		out, err := a.Command(context.Background(), "ip", strings.Fields(del)...).CombinedOutput()
		if err != nil {
			t.Fatalf("ip %s: %v: %s", del, err, out)
		}
		await(t, "to be as before after "+del, func() bool { return slices.Equal(routing(t, a), before) })
	}
	still()
	for _, want := range []string{"(VI_51) route 10.71.0.0/16 via 10.99.0.77 dev vrrp.51 onlink src " + vip + " was removed by port id", "(ip); put back"} {
		if !strings.Contains(d.Log(), want) {
			t.Errorf("the log lacks %q:\n%s", want, d.Log())
		}
	}
	// A reload makes what is new and removes what is no longer there.
	must(t, os.WriteFile(filepath.Join(d.Dir, "keepalived.conf"), []byte(strings.ReplaceAll(routesTop, "eth1", "eth0")+d.Conf), 0o644))
	reload := func() {
		if out, code := vrrpx(t, a, "reload"); code != 0 {
			t.Fatalf("reload: exit %d: %s", code, out)
		}
	}
	reload()
	await(t, "the static routes", func() bool { return len(routing(t, a)) == len(before)+6 && a.HasAddr("10.60.0.1") })
	must(t, os.WriteFile(filepath.Join(d.Dir, "keepalived.conf"), []byte(strings.Replace(d.Conf, "10.72.0.0/16", "10.78.0.0/16", 1)), 0o644))
	reload()
	await(t, "the static address to have gone", func() bool { return !a.HasAddr("10.60.0.1") })
	await(t, "the route to be another", func() bool {
		now := strings.Join(routing(t, a), "\n")
		return strings.Count(now, "\n") == 2 && strings.Contains(now, "10.78.0.0/16") && !strings.Contains(now, "10.72.0.0/16")
	})
	before = routing(t, a)
	still()

	must(t, a.Links[0].Cut())
	awaitState(t, a, "FAULT")
	await(t, "its routes to have gone", func() bool { return len(routing(t, a)) == 0 })
	must(t, a.Links[0].Join())
	awaitRouter(t, a, "to have its routes again", all)
	await(t, "to be as before", func() bool { return slices.Equal(routing(t, a), before) })
	if log := d.Log(); strings.Contains(log, "trying again") {
		t.Errorf("an error was told:\n%s", log)
	}
	must(t, d.Stop())
	if left := routing(t, a); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}
