package vip

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/iproute"
)

func route(dst, via, dev string) iproute.Route {
	r := iproute.Route{Origin: "f:1:1", Family: 4, Type: iproute.Unicast, Protocol: iproute.Keepalived, Table: iproute.TableMain, Dst: netip.MustParsePrefix(dst)}
	r.Device = dev
	if via != "" {
		r.Via = netip.MustParseAddr(via)
	}
	if r.Dst.Addr().Is6() {
		r.Family = 6
	}
	return r
}

func with(r iproute.Route, change func(*iproute.Route)) iproute.Route {
	change(&r)
	return r
}

func rule(family uint8, change func(*iproute.Rule)) iproute.Rule {
	r := iproute.Rule{Family: family, Priority: 77, Protocol: iproute.Keepalived, Action: iproute.ToTable, Table: 100}
	change(&r)
	return r
}

// routing is what the host has of ours, as ip shows it.
func (h *host) routing(t testing.TB) string {
	t.Helper()
	var all []string
	for _, what := range []string{"-4 route show table all proto keepalived", "-6 route show table all proto keepalived", "-4 rule show", "-6 rule show"} {
		for _, line := range strings.Split(h.ip(t, what), "\n") {
			if strings.Contains(what, "route") && strings.TrimSpace(line) != "" || strings.Contains(line, "keepalived") {
				all = append(all, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	return strings.Join(all, "\n")
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// vipOfRoutes is the address that routes follow.
const vipOfRoutes = "192.0.2.3/24"

func TestRoutesAndRulesComeAfterTheAddressesAndGoWithThem(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	h.ip(t, "address add 2001:db8::1/64 dev vip0 nodad")
	declare(t, m, "VI_1", addrs(vipOfRoutes))
	hop := func(via string, weight uint8) iproute.Hop {
		return iproute.Hop{Via: addr(via), Device: device, Weight: weight}
	}
	for _, c := range []struct {
		want  string // of ip
		route iproute.Route
	}{
		{"10.1.0.0/16 via 192.0.2.9 dev vip0", route("10.1.0.0/16", "192.0.2.9", "vip0")},
		{"10.1.0.0/16 via 192.0.2.9 dev vip0", route("10.1.0.0/16", "192.0.2.9", "")},
		{"default via 192.0.2.9 dev vip0 table 1000 metric 7", with(route("0.0.0.0/0", "192.0.2.9", ""), func(r *iproute.Route) { r.Table, r.Metric = 1000, 7 })},
		{"10.1.2.3 dev vip0 scope link src 192.0.2.3", with(route("10.1.2.3/32", "", "vip0"), func(r *iproute.Route) { r.Scope, r.Source = 253, addr("192.0.2.3") })},
		{"10.1.0.0/16 tos 0x10 via 192.0.2.9 dev vip0", with(route("10.1.0.0/16", "192.0.2.9", "vip0"), func(r *iproute.Route) { r.TOS = 0x10 })},
		{"blackhole 10.1.0.0/16", with(route("10.1.0.0/16", "", ""), func(r *iproute.Route) { r.Type = 6 })},
		{"10.1.0.0/16 via 10.9.9.9 dev vip0 onlink", with(route("10.1.0.0/16", "10.9.9.9", "vip0"), func(r *iproute.Route) { r.OnLink = true })},
		{"10.1.0.0/16 via 192.0.2.9 dev vip0 mtu lock 1400 congctl reno", with(route("10.1.0.0/16", "192.0.2.9", "vip0"), func(r *iproute.Route) {
			r.Metrics, r.Lock, r.CongCtl = []iproute.Metric{{Attr: 2, Value: 1400}}, 1<<2, "reno"
		})},
		{"10.1.0.0/16 nexthop via 192.0.2.9 dev vip0 weight 3 nexthop via 192.0.2.8 dev vip0 weight 1", with(route("10.1.0.0/16", "", ""), func(r *iproute.Route) {
			r.Hops = []iproute.Hop{hop("192.0.2.9", 2), hop("192.0.2.8", 0)}
		})},
		{"2001:db8:1::/48 via 2001:db8::9 dev vip0 src 2001:db8::1 metric 1024 pref high", with(route("2001:db8:1::/48", "2001:db8::9", "vip0"), func(r *iproute.Route) {
			r.Source, r.Pref = addr("2001:db8::1"), iproute.Opt{Given: true, N: 1}
		})},
		{"2001:db8:1::/48 from 2001:db8:2::/48 via 2001:db8::9 dev vip0 metric 5 pref medium", with(route("2001:db8:1::/48", "2001:db8::9", "vip0"), func(r *iproute.Route) {
			r.From, r.Metric = netip.MustParsePrefix("2001:db8:2::/48"), 5
		})},
		{"2001:db8:1::/48 metric 1024 pref medium nexthop via 2001:db8::9 dev vip0 weight 1 nexthop via 2001:db8::8 dev vip0 weight 2",
			with(route("2001:db8:1::/48", "", ""), func(r *iproute.Route) {
				r.Hops = []iproute.Hop{hop("2001:db8::9", 0), hop("2001:db8::8", 1)}
			})},
		{"unreachable 2001:db8:1::/48 dev lo metric 1024 pref medium", with(route("2001:db8:1::/48", "", ""), func(r *iproute.Route) { r.Type = 7 })},
	} {
		m.DeclareRouting("VI_1", []iproute.Route{c.route}, nil)
		held(t, h, m, r, c.want)
	}
	for _, c := range []struct {
		want string
		rule iproute.Rule
	}{
		{"77: from 10.1.0.0/16 lookup 100 proto keepalived", rule(4, func(r *iproute.Rule) { r.From = netip.MustParsePrefix("10.1.0.0/16") })},
		{"77: not from all to 2001:db8::/32 lookup 1000 proto keepalived", rule(6, func(r *iproute.Rule) { r.To, r.Not, r.Table = netip.MustParsePrefix("2001:db8::/32"), true, 1000 })},
		{"77: from all tos 0x10 fwmark 0x5/0xff iif nowhere [detached] oif vip0 blackhole proto keepalived", rule(4, func(r *iproute.Rule) {
			r.TOS, r.Mark, r.Mask, r.IIF, r.OIF, r.Action, r.Table = 0x10, 5, 0xff, "nowhere", "vip0", iproute.Blackhole, 0
		})},
		{"77: from all fwmark 0x5 lookup 100 proto keepalived", rule(4, func(r *iproute.Rule) { r.Mark, r.Mask = 5, 1<<32-1 })},
		{"77: from all lookup [l3mdev-table] proto keepalived", rule(4, func(r *iproute.Rule) { r.L3MDev, r.Table = true, 0 })},
		{"77: from all goto 78 [unresolved] proto keepalived", rule(4, func(r *iproute.Rule) { r.Action, r.Table, r.Target = iproute.Goto, 0, 78 })},
		{"77: from all uidrange 1-2 ipproto tcp sport 10-20 dport 53 tun_id 9 lookup 100 suppress_prefixlength 0 suppress_ifgroup 3 realms 1/2 proto keepalived",
			rule(4, func(r *iproute.Rule) {
				r.UID = [2]iproute.Opt{{Given: true, N: 1}, {Given: true, N: 2}}
				r.IPProto, r.Sport, r.Dport, r.Tunnel = iproute.Opt{Given: true, N: 6}, iproute.Ports{First: 10, Last: 20}, iproute.Ports{First: 53, Last: 53}, 9
				r.SuppressLength, r.SuppressGroup, r.Realms = iproute.Opt{Given: true}, iproute.Opt{Given: true, N: 3}, 1<<16|2
			})},
	} {
		m.DeclareRouting("VI_1", nil, []iproute.Rule{c.rule})
		held(t, h, m, r, c.want)
	}
	if n := r.count(RouteFailed) + r.count(RouteForeign) + r.count(RouteRestored); n != 0 {
		t.Errorf("told %v", r.all)
	}
}

// held holds VI_1, sees that the host has that and knows it again, and releases.
func held(t *testing.T, h *host, m *Manager, r *recorder, want string) {
	t.Helper()
	hold(t, m, r, "VI_1")
	eventually(t, "routing of ours", func() bool { s := m.Routing("VI_1"); return len(s) == 1 && s[0].Present })
	if got := h.routing(t); strings.Join(strings.Fields(strings.ReplaceAll(got, "proto keepalived ", "")), " ") != strings.ReplaceAll(want, "proto keepalived ", "") &&
		strings.Join(strings.Fields(strings.ReplaceAll(got, " proto keepalived", "")), " ") != strings.ReplaceAll(want, " proto keepalived", "") {
		t.Errorf("the host has\n%s\nwant\n%s", got, want)
	}
	m.routing.mu.Lock()
	for _, o := range m.routing.objects {
		if !o.known {
			t.Errorf("%s is not known again", o.text)
		}
	}
	m.routing.mu.Unlock()
	release(t, m, r, "VI_1")
	eventually(t, "nothing of ours", func() bool { return h.routing(t) == "" })
}

// allThere waits until all of an owner's are there.
func allThere(t *testing.T, m *Manager, owner string) {
	t.Helper()
	eventually(t, "all of "+owner, func() bool {
		for _, s := range m.Routing(owner) {
			if !s.Present {
				return false
			}
		}
		return true
	})
}

func TestDeletedRouteIsPutBackAndTheCulpritNamed(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	h.ip(t, "address add 2001:db8::1/64 dev vip0 nodad")
	declare(t, m, "VI_1", addrs(vipOfRoutes))
	loose := with(route("10.4.0.0/16", "192.0.2.9", "vip0"), func(r *iproute.Route) { r.Loose = true })
	multi := with(route("2001:db8:2::/48", "", ""), func(r *iproute.Route) {
		r.Hops = []iproute.Hop{{Via: addr("2001:db8::8"), Device: device}, {Via: addr("2001:db8::9"), Device: device}}
	})
	m.DeclareRouting("VI_1", []iproute.Route{route("10.1.0.0/16", "192.0.2.9", "vip0"), route("2001:db8:1::/48", "2001:db8::9", "vip0"), multi, loose},
		[]iproute.Rule{rule(4, func(*iproute.Rule) {})})
	hold(t, m, r, "VI_1")
	allThere(t, m, "VI_1")
	before := h.routing(t)
	for _, del := range []string{
		"route del 10.1.0.0/16", "-6 route del 2001:db8:1::/48", "rule del pref 77", "-6 route del 2001:db8:2::/48 via 2001:db8::8 dev vip0",
		"route replace 10.1.0.0/16 via 192.0.2.77 proto static",
	} {
		h.ip(t, del)
		if ev := r.take(t, RouteRestored); ev.Owner != "VI_1" || ev.Origin == "" && !strings.Contains(del, "rule") || !strings.Contains(ev.Culprit, "port id") {
			t.Errorf("%s: told %+v", del, ev)
		}
		eventually(t, "it is as before", func() bool { return h.routing(t) == before })
	}
	h.ip(t, "route del 10.4.0.0/16")
	release(t, m, r, "VI_1")
	eventually(t, "nothing of ours", func() bool { return h.routing(t) == "" })
	if r.count(RouteRestored) != 0 {
		t.Error("no_track was put back")
	}
}

func TestRoutesComeBackWithTheInterfaceAndTheirSource(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs(vipOfRoutes, "2001:db8::3/64"))
	m.DeclareRouting("VI_1", []iproute.Route{
		route("10.1.0.0/16", "192.0.2.9", "vip0"),
		with(route("10.2.0.0/16", "192.0.2.9", ""), func(r *iproute.Route) { r.Source = addr("192.0.2.3") }),
		with(route("2001:db8:1::/48", "2001:db8::9", "vip0"), func(r *iproute.Route) { r.Source = addr("2001:db8::3") }),
	}, nil)
	hold(t, m, r, "VI_1")
	allThere(t, m, "VI_1")
	before := h.routing(t)
	for _, event := range [][]string{
		{"link set vip0 down", "link set vip0 up"},
		{"address del 192.0.2.3/24 dev vip0"},
		{"address del 2001:db8::3/64 dev vip0"},
		{"link del vip0", "link add vip0 type veth peer name vip0-peer", "address add 192.0.2.1/24 dev vip0", "link set vip0 up", "link set vip0-peer up"},
	} {
		for _, line := range event {
			h.ip(t, line)
		}
		eventually(t, "routes as before", func() bool { return h.routing(t) == before })
	}
	for r.count(RouteRestored) > 0 {
		if ev := r.take(t, RouteRestored); !strings.HasPrefix(ev.Culprit, "the kernel") {
			t.Errorf("%s is laid to %s", ev.What, ev.Culprit)
		}
	}
	release(t, m, r, "VI_1")
	eventually(t, "nothing of ours", func() bool { return h.routing(t) == "" })
}

func TestRouteOfAnotherIsLeftAlone(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs(vipOfRoutes))
	const foreign = "10.1.0.0/16 via 192.0.2.9 dev vip0"
	h.ip(t, "route add "+foreign+" proto keepalived")
	h.ip(t, "rule add pref 77 table 100 proto keepalived")
	m.DeclareRouting("VI_1", []iproute.Route{route("10.1.0.0/16", "192.0.2.9", "vip0")}, []iproute.Rule{rule(4, func(*iproute.Rule) {})})
	hold(t, m, r, "VI_1")
	for range 2 {
		r.take(t, RouteForeign)
	}
	if s := m.Routing("VI_1"); len(s) != 2 || !s[0].Foreign {
		t.Errorf("%+v", s)
	}
	release(t, m, r, "VI_1")
	time.Sleep(10 * time.Millisecond) // for what must not happen
	if got := h.routing(t); got != foreign+"\n77: from all lookup 100 proto keepalived" {
		t.Errorf("the host has %q", got)
	}
}

func TestRouteThatCannotBeIsToldOnceAndMadeWhenItCan(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, Host, nil)
	m.DeclareRouting(Host, []iproute.Route{route("10.1.0.0/16", "198.51.100.9", "")}, nil)
	m.Hold(Host)
	ev := r.take(t, RouteFailed)
	if !errors.Is(ev.Err, unix.ENETUNREACH) && !errors.Is(ev.Err, unix.EINVAL) || ev.Origin != "f:1:1" {
		t.Errorf("told %+v", ev)
	}
	if s := m.Routing(Host); len(s) != 1 || s[0].Err == nil || s[0].Present {
		t.Errorf("%+v", s)
	}
	h.ip(t, "address add 198.51.100.1/24 dev vip0")
	r.take(t, RouteMade)
	if n := r.count(RouteFailed); n != 0 {
		t.Errorf("told %d times more", n)
	}
	if p, ok := m.PrimaryIPv4(device); !ok || p.Addr() != addr("192.0.2.1") {
		t.Errorf("primary %v", p)
	}
}

func TestRoutesThatAKilledProcessLeftAreRemoved(t *testing.T) {
	h := newHost(t)
	r := &recorder{}
	file := t.TempDir() + "/state.json"
	m, err := h.open(t, file, r)
	if err != nil {
		t.Fatal(err)
	}
	declare(t, m, "VI_1", addrs(vipOfRoutes))
	h.ip(t, "route add blackhole 10.3.0.0/16 proto keepalived")
	m.DeclareRouting("VI_1", []iproute.Route{route("10.1.0.0/16", "192.0.2.9", "vip0"), with(route("10.3.0.0/16", "", ""), func(r *iproute.Route) { r.Type = 6 })},
		[]iproute.Rule{rule(4, func(*iproute.Rule) {})})
	hold(t, m, r, "VI_1")
	allThere(t, m, "VI_1")
	state, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	left := h.routing(t)
	shut(t, m)
	if got := h.routing(t); got != "blackhole 10.3.0.0/16" {
		t.Errorf("Close left %q", got)
	}
	// As it would be after kill -9.
	if err := os.WriteFile(file, state, 0o600); err != nil {
		t.Fatal(err)
	}
	h.ip(t, "route add 10.1.0.0/16 via 192.0.2.9 dev vip0 proto keepalived")
	h.ip(t, "route add 10.1.0.0/16 via 192.0.2.9 dev vip0 metric 5") // the operator's
	h.ip(t, "rule add pref 77 table 100 proto keepalived")
	if got := h.routing(t); got != left {
		t.Fatalf("%q is not %q", got, left)
	}
	removed, err := h.cleanup(t, file)
	if err != nil || len(removed) != 2 {
		t.Errorf("removed %q, %v", removed, err)
	}
	if got := h.routing(t); got != "blackhole 10.3.0.0/16" {
		t.Errorf("left %q", got)
	}
	if got := h.ip(t, "route show 10.1.0.0/16"); !strings.Contains(got, "metric 5") {
		t.Errorf("the operator's route: %q", got)
	}
}

func TestAddressesDoNotWaitForRoutes(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs(vipOfRoutes))
	declare(t, m, "VI_2", addrs("192.0.2.4/24"))
	m.DeclareRouting("VI_1", []iproute.Route{route("10.1.0.0/16", "192.0.2.9", "vip0")}, nil)
	stuck, busy := make(chan struct{}), make(chan struct{}, 100)
	m.routing.mu.Lock() // each request comes after it had this lock
	send := m.routing.kernel.send
	m.routing.kernel.send = func(b []byte) error { busy <- struct{}{}; <-stuck; return send(b) }
	m.routing.mu.Unlock()
	hold(t, m, r, "VI_1")
	<-busy // the kernel has been asked for the route, and does not answer
	hold(t, m, r, "VI_2")
	release(t, m, r, "VI_1")
	if got := h.addresses(t); len(got) != 2 || got[1] != "192.0.2.4/24" {
		t.Errorf("the host has %v", got)
	}
	close(stuck)
	eventually(t, "nothing of ours", func() bool { return h.routing(t) == "" && !m.Routing("VI_1")[0].Present })
}

// Adverts may come from a static address, which the host has all the time.
func TestStaticAddressIsTheHostsOwn(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	h.ip(t, "address flush dev vip0")
	m.Watch(device)
	declare(t, m, Host, addrs("192.0.2.7/24"))
	declare(t, m, "VI_1", addrs("192.0.2.8/24"))
	hold(t, m, r, Host)
	for r.take(t, PrimaryChanged).Primary.String() != "192.0.2.7/24" { // before that there may be none
	}
	hold(t, m, r, "VI_1")
	if p, _ := m.PrimaryIPv4(device); p.String() != "192.0.2.7/24" {
		t.Errorf("primary %v", p)
	}
	h.ip(t, "address del 192.0.2.7/24 dev vip0")
	r.take(t, Restored)
	eventually(t, "both", func() bool { return len(h.addresses(t)) == 2 })
}

// More than the socket of notifications holds: what is lost is read, and nothing
// is taken for gone.
func TestThousandsOfRoutes(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs(vipOfRoutes))
	var routes []iproute.Route
	for i := range 10000 {
		routes = append(routes, route(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24).String(), "192.0.2.9", "vip0"))
	}
	m.DeclareRouting("VI_1", routes, nil)
	begin := time.Now()
	hold(t, m, r, "VI_1")
	t.Logf("addresses after %v", time.Since(begin))
	allThere(t, m, "VI_1")
	t.Logf("routes after %v", time.Since(begin))
	h.ip(t, "link set vip0 down")
	h.ip(t, "link set vip0 up")
	eventually(t, "all to be back", func() bool {
		return strings.Count(h.ip(t, "route show proto keepalived"), "\n") == len(routes) && r.count(RouteRestored) > 0
	})
	if n := r.count(RouteRestored); n > 10*(maxTold+1) {
		t.Errorf("told %d times", n)
	}
	for r.count(RouteRestored) > 0 {
		r.take(t, RouteRestored)
	}
	begin = time.Now()
	release(t, m, r, "VI_1")
	eventually(t, "nothing of ours", func() bool { return h.ip(t, "route show proto keepalived") == "" })
	t.Logf("gone after %v", time.Since(begin))
	if n := r.count(RouteRestored); n != 0 {
		t.Errorf("told %d times that some were taken for gone", n)
	}
}
