package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// rewrite replaces the configuration of a running daemon, as an editor does.
func rewrite(t *testing.T, d *testnet.Daemon, conf string) {
	t.Helper()
	file := filepath.Join(d.Dir, "keepalived.conf")
	must(t, os.WriteFile(file+".new", []byte(conf), 0o644))
	must(t, os.Rename(file+".new", file))
}

// reload makes a reload that is to succeed, and returns what it said.
func reload(t *testing.T, d *testnet.Daemon, conf string) string {
	t.Helper()
	rewrite(t, d, conf)
	out, code := vrrpx(t, d.Host, "reload")
	if code != 0 {
		t.Fatalf("vrrpx reload: exit %d: %s", code, out)
	}
	return out
}

// routerNamed is one of several routers of a host.
func routerNamed(t *testing.T, h *testnet.Host, name string) (r stats.Router, ok bool) {
	t.Helper()
	for _, r := range status(t, h).Routers {
		if r.Name == name {
			return r, true
		}
	}
	return r, false
}

// instance is a router at 10 ms adverts.
func instance(vrid, priority int, vips ...string) testnet.Instance {
	return testnet.Instance{
		VRID: vrid, Priority: priority, AdvertInt: "0.01", VIPs: vips,
		Lines: []string{"garp_master_delay 0", "garp_master_repeat 1", "garp_lower_prio_delay 0"},
	}
}

// Reloads that change everything else leave a MASTER and a BACKUP at 10 ms
// adverts as they are: no advert late, no transition, no announcement, no address
// gone for a moment; and none sends priority 0.
func TestReloadsLeaveOtherRoutersAlone(t *testing.T) {
	testnet.Need(t, "root", "ip")
	const reloads, rules, follows = 200, 51, 52
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}}, Links: 2}.ForTest(t)
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	stay := []testnet.Instance{instance(rules, 150, vip), instance(follows, 100, "10.99.9.2")}
	conf := func(n int) string {
		all := slices.Clone(stay)
		more := func(vrid, priority int, iface string, vips ...string) {
			i := instance(vrid, priority, vips...)
			i.Interface = iface
			all = append(all, i)
		}
		more(60, 100+n%7, "eth0", "10.99.9.60")
		if n%2 == 0 {
			more(61, 100, "eth0", "10.99.9.61")
		} else {
			more(61, 100, "eth0", "10.99.9.61", "10.99.9.71")
		}
		if n%3 != 0 {
			more(62, 100, "eth0", "10.99.9.62")
		}
		if n%10 == 5 {
			more(63, 100, "eth1", "10.99.9.63") // an interface that is opened and closed again
		}
		if n%4 == 3 {
			slices.Reverse(all)
		}
		return testnet.Conf(3, all...)
	}
	da := start(t, a, "native", conf(0))
	await(t, "the router to rule", func() bool { return a.HasAddr(vip) })
	start(t, b, "native", testnet.Conf(3, instance(rules, 100, vip), instance(follows, 150, "10.99.9.2")))
	await(t, "the other to follow", func() bool {
		r, ok := routerNamed(t, a, fmt.Sprint("VI_", follows))
		return ok && r.Master != nil
	})
	ruler := func(h *testnet.Host, vrid int) stats.Router {
		r, _ := routerNamed(t, h, fmt.Sprint("VI_", vrid))
		return r
	}
	type states [4]int
	moved := func() states {
		return states{len(ruler(a, rules).History), len(ruler(a, follows).History), len(ruler(b, rules).History), len(ruler(b, follows).History)}
	}
	beside, err := l.TapLink(1)
	must(t, err)
	defer beside.Close()
	addresses := watchAddresses(t, a)
	before, began := moved(), ruler(a, follows).Received
	tap.Clear()

	for n := range reloads {
		time.Sleep(40 * time.Millisecond) // in which a new router becomes MASTER
		rewrite(t, da, conf(n+1))
		if n%2 == 1 {
			must(t, syscall.Kill(da.PIDs()[0], syscall.SIGHUP)) // with the next, or before it
		} else if out, code := vrrpx(t, a, "reload"); code != 0 {
			t.Fatalf("reload %d: exit %d: %s", n, code, out)
		}
	}
	reload(t, da, conf(reloads))

	st := status(t, a)
	if r := st.Reload; r == nil || !r.OK || r.Count <= reloads/2 || r.Count > reloads+1 {
		t.Errorf("status: %+v", r)
	}
	zero, garps := 0, 0
	for _, f := range append(tap.Frames(), beside.Frames()...) {
		if ad, ok := f.Advert(); ok && ad.Priority == 0 {
			zero++
		}
		if f.IsGARP(vip) {
			garps++
		}
	}
	ours, theirs := rhythmOf(t, tap, a.Addr, rules), rhythmOf(t, tap, b.Addr, follows)
	t.Logf("%d reloads in %v; the untouched MASTER sent %d adverts, %.3f of its slots, gaps %v to %v; that of the untouched BACKUP gaps %v to %v",
		reloads, ours.span.Round(time.Millisecond), ours.count, ours.share(), ours.least, ours.most, theirs.least, theirs.most)
	if ours.most > slack {
		t.Errorf("a gap of %v between adverts every 10 ms", ours.most)
	}
	if slots := int(ours.span/(10*time.Millisecond)) + 2; ours.count > slots {
		t.Errorf("%d adverts in %d slots: some were sent twice", ours.count, slots)
	}
	if zero > 0 {
		t.Errorf("%d adverts of priority 0", zero)
	}
	if now := moved(); now != before {
		t.Errorf("transitions %v, before %v", now, before)
	}
	if log := da.Log(); !strings.Contains(log, "(VI_60) Entering MASTER STATE") || !strings.Contains(log, "(VI_63) Entering MASTER STATE") {
		t.Error("the routers that are changed were never MASTER")
	}
	if garps > 0 {
		t.Errorf("%d gratuitous ARPs for an address that has not moved", garps)
	}
	if gone := addresses(); strings.Contains(gone, vip+"/") {
		t.Errorf("the kernel's record of addresses:\n%s", gone)
	}
	if now := ruler(a, follows).Received; now <= began {
		t.Errorf("the untouched BACKUP had received %d adverts, and now %d", began, now)
	}
}

// rhythm is how the adverts of a router came, by the kernel's stamps.
type rhythm struct {
	count             int
	span, least, most time.Duration
}

// share is how many of the slots every 10 ms had an advert.
func (r rhythm) share() float64 {
	return float64(r.count-1) * float64(10*time.Millisecond) / float64(r.span)
}

func rhythmOf(t *testing.T, tap *testnet.Tap, from netip.Addr, vrid uint8) (r rhythm) {
	t.Helper()
	var last vrrp.Instant
	for _, f := range tap.Adverts(from) {
		if ad, _ := f.Advert(); ad.VRID != vrid {
			continue
		}
		if r.count++; r.count > 1 {
			gap := f.At.Sub(last)
			r.span += gap
			r.most = max(r.most, gap)
			if r.least == 0 || gap < r.least {
				r.least = gap
			}
		}
		last = f.At
	}
	if r.count < 100 {
		t.Fatalf("%d adverts of VRID %d from %v", r.count, vrid, from)
	}
	return r
}

// watchAddresses records what comes and goes of a host's addresses, until it is
// asked.
func watchAddresses(t *testing.T, h *testnet.Host) (record func() string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "addresses")
	out, err := os.Create(file)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	cmd := h.Command(ctx, "ip", "-o", "monitor", "address")
	cmd.Stdout = out
	must(t, cmd.Start())
	time.Sleep(200 * time.Millisecond) // it says nothing when it listens
	return func() string {
		cancel()
		_ = cmd.Wait() // it was killed
		b, err := os.ReadFile(file)
		must(t, err)
		return string(b)
	}
}

// A file that a start would refuse changes nothing, and all that is wrong with it
// is told where it was asked.
func TestBadFileIsRefusedAndEverythingRunsOn(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	good := v3.conf(150)
	d := start(t, a, "native", good)
	awaitState(t, a, "MASTER")
	same := unmoved(t, a)
	for name, c := range map[string]struct {
		conf string
		says []string
	}{
		"two mistakes":     {strings.Replace(strings.Replace(good, "priority 150", "priority 900", 1), "interface", "interfase", 1), []string{"keepalived.conf:", ": error: ", "interfase", "priority"}},
		"no interface":     {strings.Replace(good, "eth0", "eth7", 1), []string{"keepalived.conf:4:1: error: interface eth7 of VI_51 does not exist", "hint: "}},
		"no program":       {v3.conf(150, `notify_master "/no/such/program"`), []string{`error: "/no/such/program": `, "keepalived.conf:"}},
		"one address, two": {testnet.Conf(3, testnet.Instance{VRID: 51, VIPs: []string{vip}}, testnet.Instance{VRID: 52, VIPs: []string{vip}}), []string{"belongs to VI_51 already"}},
	} {
		rewrite(t, d, c.conf)
		out, code := vrrpx(t, a, "reload")
		if code != 1 || !strings.Contains(out, "vrrpx: error: refused") {
			t.Errorf("%s: exit %d: %s", name, code, out)
		}
		for _, s := range c.says {
			if !strings.Contains(out, s) {
				t.Errorf("%s: %q is not in: %s", name, s, out)
			}
		}
		if r := status(t, a).Reload; r == nil || r.OK || r.Error == "" || !strings.Contains(d.Log(), r.Error) {
			t.Errorf("%s: status %+v", name, r)
		}
	}
	same()
	if r := router(t, a); r.Priority != 150 || !a.HasAddr(vip) {
		t.Errorf("priority %d", r.Priority)
	}
	rewrite(t, d, strings.Replace(good, "priority 150", "priority 151", 1))
	for range 50 {
		must(t, syscall.Kill(d.PIDs()[0], syscall.SIGHUP))
	}
	awaitRouter(t, a, "to have priority 151", func(r stats.Router) bool { return r.Priority == 151 })
	same()
	if out, code := vrrpx(t, a, "status"); code != 0 || !strings.Contains(out, "reloaded 0s ago: ok, ") && !strings.Contains(out, "reloaded 1s ago: ok, ") {
		t.Errorf("status: %s", out)
	}
	must(t, d.Stop())
	out, code := vrrpx(t, a, "reload")
	if code != 1 || !strings.Contains(out, "no vrrpx runs") {
		t.Errorf("without a daemon: exit %d: %s", code, out)
	}
}

// What can be changed while the router is MASTER is changed then, and neither
// host moves.
func TestMasterIsChangedInPlace(t *testing.T) {
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) { changeInPlace(t, mode) })
	}
}

func changeInPlace(t *testing.T, mode string) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	const second = "10.99.9.2"
	conf := func(priority int, interval string, vips []string, lines ...string) string {
		return testnet.Conf(3, testnet.Instance{Priority: priority, AdvertInt: interval, VIPs: vips, Lines: lines})
	}
	signed := func(keys string) []string { return []string{"auth_hmac {\n" + keys + "\nanti_replay monotonic\n}"} }
	one, two := "key 1 0123456789abcdef0123456789abcdeX", "key 2 fedcba9876543210fedcba987654321X"
	da := start(t, a, mode, conf(150, "0.1", []string{vip}, signed(one+"\nactive_key 1")...))
	awaitState(t, a, "MASTER")
	db := start(t, b, mode, conf(100, "0.1", []string{vip}, signed(one+"\nactive_key 1")...))
	awaitRouter(t, b, "to follow", func(r stats.Router) bool { return r.Master != nil })
	same := unmoved(t, a, b)

	// Keys: both have the new one, both sign with it, the old one goes.
	for _, keys := range []string{one + "\n" + two + "\nactive_key 1", one + "\n" + two + "\nactive_key 2", two + "\nactive_key 2"} {
		for d, priority := range map[*testnet.Daemon]int{da: 150, db: 100} {
			if said := reload(t, d, conf(priority, "0.1", []string{vip}, signed(keys)...)); !strings.Contains(said, "(VI_51) changed: auth_hmac") {
				t.Errorf("said %s", said)
			}
		}
	}
	heard := router(t, b).Received
	awaitRouter(t, b, "to hear more", func(r stats.Router) bool { return r.Received > heard+10 })
	for _, h := range []*testnet.Host{a, b} {
		for name, n := range router(t, h).Drops {
			if n > 0 {
				t.Errorf("%s dropped %d: %s", h.Name, n, name)
			}
		}
	}
	same()

	keys := signed(two + "\nactive_key 2")
	tap.Clear()
	reload(t, da, conf(150, "0.1", []string{vip, second}, keys...))
	await(t, "the second address", func() bool { return a.HasAddr(second) })
	await(t, "its announcement", func() bool {
		return slices.ContainsFunc(tap.Frames(), func(f testnet.Frame) bool { return f.IsGARP(second) })
	})
	await(t, "it in the adverts", func() bool {
		return slices.ContainsFunc(tap.Frames(), func(f testnet.Frame) bool { ad, ok := f.Advert(); return ok && ad.Count == 2 })
	})
	reload(t, da, conf(150, "0.1", []string{second}, keys...))
	await(t, "the first address to go", func() bool { return !a.HasAddr(vip) && a.HasAddr(second) })
	reload(t, da, conf(150, "0.1", []string{vip}, append(keys, "use_vmac")...))
	await(t, "the address to be behind a virtual MAC", func() bool { return a.HasAddr(vip) && !a.HasAddr(second) })
	tap.Clear()
	await(t, "the virtual MAC on the wire", func() bool {
		return slices.ContainsFunc(tap.Frames(), func(f testnet.Frame) bool {
			ad, ok := f.Advert()
			return ok && ad.SrcMAC.String() == "00:00:5e:00:01:33"
		})
	})
	reload(t, da, strings.Replace(conf(160, "0.1", []string{vip}, keys...), "VI_51", "web", 1))
	await(t, "priority 160 on the wire", func() bool {
		return slices.ContainsFunc(tap.Frames(), func(f testnet.Frame) bool { ad, ok := f.Advert(); return ok && ad.Priority == 160 })
	})
	if r := router(t, a); r.Name != "web" || len(r.VMACs) != 0 || len(r.Addresses) != 1 || !r.Addresses[0].Present {
		t.Errorf("renamed and without VMAC: %+v", r)
	}
	// b has learned 100 ms, and would take over before a second has passed.
	reload(t, da, strings.Replace(conf(160, "0.9", []string{vip}, keys...), "VI_51", "web", 1))
	awaitRouter(t, b, "to learn the interval", func(r stats.Router) bool { return r.LearnedInterval == stats.Seconds(900*time.Millisecond) })
	reload(t, da, strings.Replace(conf(160, "0.1", []string{vip}, keys...), "VI_51", "web", 1))
	awaitRouter(t, b, "to learn it again", func(r stats.Router) bool { return r.LearnedInterval == stats.Seconds(100*time.Millisecond) })
	same()
	must(t, da.Stop())
	awaitState(t, b, "MASTER")
	if r := router(t, b); !strings.Contains(r.Reason, "released") {
		t.Errorf("after a stop: %s", r.Reason)
	}
}
