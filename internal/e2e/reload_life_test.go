package e2e

import (
	"context"
	"fmt"
	"net"
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
)

// at100ms is a router of one host at 100 ms adverts.
func at100ms(vrid int, vips []string, lines ...string) testnet.Instance {
	return testnet.Instance{VRID: vrid, AdvertInt: "0.1", VIPs: vips, Lines: lines}
}

func countLines(file string) int {
	b, _ := os.ReadFile(file)
	return strings.Count(string(b), "\n")
}

// A script that comes to a running MASTER by a reload is no fault before its first
// result, whatever it is to be counted as at a start; one that has not changed is
// not run again, and one that has keeps its state until it has run.
func TestReloadedScripts(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	dir := t.TempDir()
	runs, slow := filepath.Join(dir, "runs"), filepath.Join(dir, "slow")
	script := func(file, body string) {
		must(t, os.WriteFile(file, []byte("#!/bin/sh\n"+body+"\n"), 0o755))
	}
	counted := filepath.Join(dir, "counted")
	script(counted, "echo >>"+runs)
	script(slow, "sleep 1\nexit 1")
	conf := func(interval int, tracked ...string) string {
		return scriptUser + fmt.Sprintf("vrrp_script counted {\nscript %s\ninterval %d\nweight 20\n}\n", counted, interval) +
			"vrrp_script slow {\nscript " + slow + "\ninterval 60\ntimeout 5\ninit_fail\n}\n" +
			"vrrp_script lowers {\nscript \"" + slow + "\"\ninterval 60\ntimeout 5\nweight -30\n}\n" +
			v3.conf(100, "track_script {\n"+strings.Join(tracked, "\n")+"\n}")
	}
	d := start(t, a, "native", conf(60, "counted"))
	awaitRouter(t, a, "to be MASTER with the script's weight", func(r stats.Router) bool { return r.State == "MASTER" && r.Priority == 120 })
	reload(t, d, conf(60, "counted", "lowers"))
	reload(t, d, conf(60, "counted", "lowers", "slow"))
	if r := router(t, a); r.State != "MASTER" || r.Priority != 120 {
		t.Errorf("before the first results: %s with priority %d", r.State, r.Priority)
	}
	if n := countLines(runs); n != 1 {
		t.Errorf("a script that has not changed ran %d times", n)
	}
	awaitRouter(t, a, "to be told of both", func(r stats.Router) bool { return r.State == "FAULT" && r.Priority == 90 })
	reload(t, d, conf(50, "counted", "lowers"))
	awaitState(t, a, "MASTER")
	await(t, "a changed script to run again", func() bool { return countLines(runs) == 2 })
	if r := router(t, a); r.Priority != 90 {
		t.Errorf("priority %d, want 90", r.Priority)
	}
}

// A router that is removed while MASTER says nothing, and its peer takes over when
// it has waited; a version cannot be changed in place, and the router begins anew
// as quietly, as the MASTER that it is. Addresses that change hands between two MASTERs stay on the host.
func TestRemovalAndRestartAreQuiet(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	const other = "10.99.9.2"
	first, second := at100ms(51, []string{vip}), at100ms(52, []string{other})
	first.Priority = 150
	da := start(t, a, "native", testnet.Conf(3, first, second))
	await(t, "both addresses", func() bool { return a.HasAddr(vip) && a.HasAddr(other) })
	start(t, b, "native", v3.conf(100))
	awaitRouter(t, b, "to follow", func(r stats.Router) bool { return r.Master != nil })

	first.VIPs, second.VIPs = second.VIPs, first.VIPs
	reload(t, da, testnet.Conf(3, first, second))
	await(t, "each to have the other's", func() bool {
		one, _ := routerNamed(t, a, "VI_51")
		two, _ := routerNamed(t, a, "VI_52")
		return len(one.Addresses) == 1 && one.Addresses[0].Address == other+"/32" && one.Addresses[0].Present &&
			len(two.Addresses) == 1 && two.Addresses[0].Address == vip+"/32" && two.Addresses[0].Present
	})
	first.VIPs, second.VIPs = second.VIPs, first.VIPs
	reload(t, da, testnet.Conf(3, first, second))

	await(t, "each to have its own again", func() bool {
		one, _ := routerNamed(t, a, "VI_51")
		return len(one.Addresses) == 1 && one.Addresses[0].Address == vip+"/32" && one.Addresses[0].Present && a.HasAddr(other)
	})
	addresses := watchAddresses(t, a)
	second.Lines = []string{"version 2"}
	second.AdvertInt = "1"
	said := reload(t, da, testnet.Conf(3, first, second))
	if !strings.Contains(said, "(VI_52) begun anew: version, advert_int") {
		t.Errorf("said %s", said)
	}
	if r, _ := routerNamed(t, a, "VI_52"); r.Version != 2 || r.State != "MASTER" || !strings.Contains(fmt.Sprint(r.History), "begun anew by a reload") {
		t.Errorf("begun anew: version %d, %s, %v", r.Version, r.State, r.History)
	}
	await(t, "adverts of the other version", func() bool {
		return slices.ContainsFunc(tap.Frames(), func(f testnet.Frame) bool { ad, ok := f.Advert(); return ok && ad.VRID == 52 && ad.Version == 2 })
	})
	if gone := addresses(); strings.Contains(gone, "Deleted") && strings.Contains(gone, other+"/") {
		t.Errorf("the address of a MASTER that began anew:\n%s", gone)
	}
	reload(t, da, testnet.Conf(3, second))
	await(t, "the address to go", func() bool { return !a.HasAddr(vip) })
	awaitState(t, b, "MASTER")
	if r := router(t, b); !strings.Contains(r.Reason, "no advert from") {
		t.Errorf("the peer took over because: %s", r.Reason)
	}
	if !a.HasAddr(other) {
		t.Error("the other has lost its address")
	}
	// A name that somebody else had, and a router that comes back.
	first.Name, second.Name = "VI_52", "VI_51"
	reload(t, da, testnet.Conf(3, first, second))
	await(t, "both addresses again", func() bool { return a.HasAddr(vip) && a.HasAddr(other) })
	for _, f := range tap.Frames() {
		if ad, ok := f.Advert(); ok && ad.Priority == 0 && ad.Src == a.Addr {
			t.Errorf("priority 0 for VRID %d", ad.VRID)
		}
	}
	must(t, da.Stop())
	if a.HasAddr(vip) || a.HasAddr(other) {
		t.Error("addresses are left")
	}
}

// A reload while the start is delayed, while an interface is away, and together
// with a stop.
func TestReloadAtOddMoments(t *testing.T) {
	testnet.Need(t, "root", "ip")
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}}, Links: 2}.ForTest(t)
	a := l.Host("a")
	sw := strings.TrimSuffix(a.Namespace, "a") + "sw"
	ip := func(args string) {
		t.Helper()
		out, err := a.Command(context.Background(), "ip", strings.Fields(args)...).CombinedOutput()
		if err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	delayed := func(all ...testnet.Instance) string {
		return "global_defs {\nvrrp_startup_delay 2\n}\n" + testnet.Conf(3, all...)
	}
	one, two, three := at100ms(51, []string{vip}), at100ms(52, []string{"10.99.9.2"}), at100ms(53, []string{"10.99.9.3"})
	two.Interface, three.Interface = "eth1", "eth1"
	d := start(t, a, "native", delayed(one))
	await(t, "the daemon", func() bool { _, err := askStatus(t, a); return err == nil })
	reload(t, d, delayed(one, two))
	for _, r := range status(t, a).Routers {
		if r.State != "INIT" || !strings.Contains(r.Reason, "the election begins in") {
			t.Errorf("%s is %s during the delay: %s", r.Name, r.State, r.Reason)
		}
	}
	await(t, "both to begin", func() bool { return a.HasAddr(vip) && a.HasAddr("10.99.9.2") })

	ip("link del eth1")
	await(t, "the FAULT", func() bool { r, _ := routerNamed(t, a, "VI_52"); return r.State == "FAULT" })
	two.Priority = 120
	two.Lines = []string{"unicast_peer {\n10.101.0.9\n}"} // for which the interface has to be opened otherwise
	reload(t, d, delayed(one, two, three))
	if r, ok := routerNamed(t, a, "VI_53"); !ok || r.State != "FAULT" || !strings.Contains(r.Reason, "eth1 is gone") {
		t.Errorf("a new router on it is %s: %s", r.State, r.Reason)
	}
	ip("-n " + sw + " link add back type veth peer name eth1 netns " + a.Namespace)
	ip("-n " + sw + " link set back up")
	ip("addr add 10.101.0.1/16 dev eth1")
	ip("link set eth1 up")
	await(t, "both to be MASTER on it", func() bool { return a.HasAddr("10.99.9.2") && a.HasAddr("10.99.9.3") })
	if r, _ := routerNamed(t, a, "VI_52"); r.Priority != 120 || len(r.Peers) != 1 {
		t.Errorf("changed while away: priority %d, peers %v", r.Priority, r.Peers)
	}
	reload(t, d, delayed(one))
	for _, i := range status(t, a).Interfaces {
		if i.Name == "eth1" {
			t.Errorf("eth1 is kept: %+v", i)
		}
	}
	await(t, "XDP to be detached, and the group left", func() bool {
		link, err := a.Command(context.Background(), "ip", "-d", "link", "show", "eth1").CombinedOutput()
		must(t, err)
		groups, err := a.Command(context.Background(), "ip", "maddr", "show", "dev", "eth1").CombinedOutput()
		must(t, err)
		return !strings.Contains(string(link), "prog/xdp") && !strings.Contains(string(groups), "224.0.0.18")
	})

	rewrite(t, d, delayed(two, three))
	pid := d.PIDs()[0]
	must(t, syscall.Kill(pid, syscall.SIGHUP))
	time.Sleep(time.Millisecond)
	must(t, syscall.Kill(pid, syscall.SIGHUP))
	must(t, d.Stop())
	for _, addr := range []string{vip, "10.99.9.2", "10.99.9.3"} {
		if a.HasAddr(addr) {
			t.Errorf("%s is left", addr)
		}
	}
	if strings.Contains(d.Log(), "panic") {
		t.Error("it panicked")
	}
}

// Who may send packets to the addresses, and where the adverts go, is changed
// under a MASTER too.
func TestMasterChangesPeersAndAcceptance(t *testing.T) {
	testnet.Need(t, "root", "ping")
	l := testnet.ForTest(t, "a", "c")
	a, c := l.Host("a"), l.Host("c")
	tap := l.TapForTest(t)
	const second = "10.99.9.2"
	d := start(t, a, "native", v3.conf(150))
	awaitState(t, a, "MASTER")
	same := unmoved(t, a)
	both := func(lines ...string) string {
		return testnet.Conf(3, testnet.Instance{Priority: 150, AdvertInt: "0.1", VIPs: []string{vip, second}, Lines: lines})
	}
	reload(t, d, v3.conf(150, "no_accept"))
	if ping(t, c, vip) {
		t.Error("no_accept: the address answers ping")
	}
	reload(t, d, both("no_accept"))
	await(t, "the second address", func() bool { return a.HasAddr(second) })
	if ping(t, c, second) {
		t.Error("no_accept: a new address answers ping")
	}
	for _, address := range router(t, a).Addresses {
		if !address.NoAccept || !address.Present {
			t.Errorf("%+v", address)
		}
	}
	reload(t, d, both())
	await(t, "them to answer", func() bool { return ping(t, c, vip) && ping(t, c, second) })

	leaveFor := func(mac string) {
		t.Helper()
		tap.Clear()
		await(t, "adverts to "+mac, func() bool {
			frames := tap.Adverts(a.Addr)
			return len(frames) > 2 && net.HardwareAddr(frames[len(frames)-1].Bytes[:6]).String() == mac
		})
	}
	reload(t, d, both("unicast_peer {", c.Addr.String(), "}"))
	leaveFor(c.MAC.String())
	if r := router(t, a); len(r.Peers) != 1 {
		t.Errorf("peers %+v", r.Peers)
	}
	reload(t, d, both())
	leaveFor("01:00:5e:00:00:12")
	reload(t, d, both("mcast_src_ip 10.99.0.77", "priority 140"))
	await(t, "adverts from another address", func() bool { return len(tap.Adverts(netip.MustParseAddr("10.99.0.77"))) > 2 })
	same()
}

// IPv6 addresses come and go in the same way.
func TestIPv6MasterIsChangedInPlace(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	tap := l.TapForTest(t)
	d := start(t, a, "native", v3six.conf(150))
	await(t, "the addresses", func() bool { return a.HasAddr(vip6) && a.HasAddr("2001:db8:99::1") })
	same := unmoved(t, a)
	tap.Clear()
	reload(t, d, strings.Replace(v3six.conf(150), "2001:db8:99::1/64", "2001:db8:99::2/64", 1))
	await(t, "the new address and its announcement", func() bool {
		return a.HasAddr("2001:db8:99::2") && !a.HasAddr("2001:db8:99::1") &&
			slices.ContainsFunc(tap.Frames(), func(f testnet.Frame) bool { return f.IsNA("2001:db8:99::2") })
	})
	same()
}

// A member that is removed, or begins anew, does not take its group along.
func TestReloadOfAGroupsMember(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	tap := l.TapForTest(t)
	all := []testnet.Instance{at100ms(51, []string{vip}), at100ms(52, []string{"10.99.9.2"}), at100ms(53, []string{"10.99.9.3"})}
	conf := func(members ...testnet.Instance) string {
		var names []string
		for _, m := range members {
			names = append(names, fmt.Sprint("VI_", m.VRID))
		}
		return testnet.Conf(3, members...) + "vrrp_sync_group G {\ngroup {\n" + strings.Join(names, "\n") + "\n}\n}\n"
	}
	d := start(t, a, "native", conf(all...))
	await(t, "the group to be MASTER", func() bool { return a.HasAddr(vip) && a.HasAddr("10.99.9.2") && a.HasAddr("10.99.9.3") })
	before, _ := routerNamed(t, a, "VI_51")
	all[1].Lines, all[1].AdvertInt = []string{"version 2"}, "1"
	reload(t, d, conf(all...))
	if r, _ := routerNamed(t, a, "VI_52"); r.State != "MASTER" || r.Version != 2 {
		t.Errorf("the member that begins anew is %s, version %d", r.State, r.Version)
	}
	reload(t, d, conf(all[0], all[1]))
	await(t, "the third to go", func() bool { return !a.HasAddr("10.99.9.3") })
	if now, _ := routerNamed(t, a, "VI_51"); len(now.History) != len(before.History) {
		t.Errorf("the member that stays moved: %+v", now.History)
	}
	st := status(t, a)
	if len(st.Groups) != 1 || st.Groups[0].State != "MASTER" || len(st.Groups[0].Members) != 2 {
		t.Errorf("the group: %+v", st.Groups)
	}
	for _, f := range tap.Frames() {
		if ad, ok := f.Advert(); ok && ad.Priority == 0 {
			t.Errorf("priority 0 for VRID %d", ad.VRID)
		}
	}
}
