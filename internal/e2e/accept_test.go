package e2e

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// ping sends two echo requests and tells whether one was answered.
func ping(t *testing.T, from *testnet.Host, to string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return from.Command(ctx, "ping", "-c", "2", "-i", "0.2", "-W", "1", to).Run() == nil
}

// dial is what comes of a connection to a port that nobody listens on.
func dial(t *testing.T, from *testnet.Host, to string) (err error) {
	t.Helper()
	must(t, from.Do(func() error {
		c, dialErr := net.DialTimeout("tcp", net.JoinHostPort(to, "81"), time.Second)
		if err = dialErr; err == nil {
			c.Close()
		}
		return nil
	}))
	return err
}

// neighbour is what a host's kernel knows of an address on its link.
func neighbour(t *testing.T, h *testnet.Host, ip string) string {
	t.Helper()
	return ipIn(t, h, "neigh show "+ip)
}

// refused is how many packets a host's status counts as dropped.
func refused(r stats.Router) (n uint64) {
	for _, a := range r.Addresses {
		n += a.Refused
	}
	return n
}

//vrrp:row 45 46
func TestAddressesWithoutAcceptModeAnswerARPAndNothingElse(t *testing.T) {
	testnet.Need(t, "root", "ping", "ip")
	for _, mode := range []string{"native", "generic"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "c")
			a, c := l.Host("a"), l.Host("c")
			d := start(t, a, mode, v3.conf(150, "no_accept"))
			await(t, "the address", func() bool { return a.HasAddr(vip) })
			if ping(t, c, vip) {
				t.Error("the address answers ping")
			}
			if err := dial(t, c, vip); !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
				t.Errorf("a connection ends with %v, want silence", err)
			}
			if n := neighbour(t, c, vip); !strings.Contains(n, a.MAC.String()) {
				t.Errorf("ARP for the address: %q, want %s", n, a.MAC)
			}
			if !ping(t, c, a.Addr.String()) {
				t.Error("the host's own address does not answer ping")
			}
			r := router(t, a)
			if n := refused(r); n < 3 || !r.Addresses[0].NoAccept || len(r.Alarms) != 0 {
				t.Errorf("status: %d packets dropped, %+v, alarms %q", n, r.Addresses, r.Alarms)
			}
			// What is killed leaves the address, and nothing in front of it.
			d.Kill9()
			if !a.HasAddr(vip) || !ping(t, c, vip) {
				t.Error("after kill -9 packets to the address are still dropped")
			}
			must(t, d.Start())
			await(t, "it to be refused again", func() bool { return a.HasAddr(vip) && !ping(t, c, vip) })
			must(t, d.Stop())
		})
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// accept, the default, and the owner.
//
//vrrp:row 45
func TestAddressesWithAcceptModeAnswer(t *testing.T) {
	testnet.Need(t, "root", "ping")
	for name, conf := range map[string]string{
		"default":             v3.conf(150),
		"accept under strict": "global_defs {\nvrrp_strict\n}\n" + v3.conf(150, "accept"),
		"owner":               v3.conf(255, "no_accept"),
		"owner under strict":  "global_defs {\nvrrp_strict\n}\n" + v3.conf(255),
	} {
		t.Run(name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "c")
			a, c := l.Host("a"), l.Host("c")
			start(t, a, "native", conf)
			await(t, "the address", func() bool { return a.HasAddr(vip) })
			if !ping(t, c, vip) {
				t.Error("the address does not answer ping")
			}
			if err := dial(t, c, vip); !errors.Is(err, unix.ECONNREFUSED) {
				t.Errorf("a connection ends with %v", err)
			}
			if r := router(t, a); r.Addresses[0].NoAccept {
				t.Error("status says no_accept")
			}
		})
	}
}

//vrrp:row 46
func TestIPv6AddressesWithoutAcceptModeAnswerNeighbourDiscovery(t *testing.T) {
	testnet.Need(t, "root", "ping", "ip")
	l := testnet.ForTest(t, "a", "c")
	a, c := l.Host("a"), l.Host("c")
	linkLocal(t, a)
	linkLocal(t, c)
	start(t, a, "native", v3six.conf(150, "no_accept"))
	await(t, "the address", func() bool { return a.HasAddr(vip6) })
	ipIn(t, c, "route add 2001:db8:99::/64 dev eth0")
	for to, zone := range map[string]string{vip6: "%eth0", "2001:db8:99::1": ""} {
		if ping(t, c, to+zone) {
			t.Errorf("%s answers ping", to)
		}
		// A neighbour that has gone stale is asked by unicast, to the address.
		for _, state := range []string{"reachable", "probe"} {
			if state == "probe" {
				ipIn(t, c, "neigh change "+to+" lladdr "+a.MAC.String()+" nud probe dev eth0")
			}
			await(t, to+" to be known as "+state, func() bool {
				n := neighbour(t, c, to)
				return strings.Contains(n, a.MAC.String()) && (strings.Contains(n, "REACHABLE") || strings.Contains(n, "STALE") && state != "probe")
			})
		}
	}
	if n := refused(router(t, a)); n < 4 {
		t.Errorf("%d packets dropped", n)
	}
}

// The router's packets on their way to a MASTER elsewhere are none of a BACKUP's
// business, be it that it was MASTER before.
//
//vrrp:row 40 60
func TestBackupForwardsPacketsToTheAddress(t *testing.T) {
	testnet.Need(t, "root", "ping", "ip")
	l := testnet.ForTest(t, "a", "b", "c")
	a, b, c := l.Host("a"), l.Host("b"), l.Host("c")
	start(t, b, "native", v3.conf(100, "no_accept"))
	await(t, "the address", func() bool { return b.HasAddr(vip) })
	if ping(t, c, vip) {
		t.Fatal("the address answers ping while b is MASTER")
	}
	start(t, a, "native", v3.conf(150))
	awaitRouter(t, b, "to follow a", func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil })
	await(t, "the address to have moved", func() bool { return a.HasAddr(vip) && !b.HasAddr(vip) })
	out, err := b.Command(context.Background(), "sysctl", "-w", "net.ipv4.ip_forward=1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ipIn(t, c, "route add "+vip+"/32 via "+b.Addr.String())
	before := refused(router(t, b))
	if !ping(t, c, vip) {
		t.Error("the address is not reached through b")
	}
	if now := refused(router(t, b)); now != before || now == 0 {
		t.Errorf("b counts %d dropped packets, %d before it forwarded", now, before)
	}
}

// An address on another interface than the router's: that one gets the program.
func TestNoAcceptHoldsOnTheInterfaceOfTheAddress(t *testing.T) {
	testnet.Need(t, "root", "ping")
	const there = "10.101.9.1"
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "c"}}, Links: 2}.ForTest(t)
	a, c := l.Host("a"), l.Host("c")
	conf := func(lines ...string) string {
		return testnet.Conf(3, testnet.Instance{Priority: 150, AdvertInt: "0.1", VIPs: []string{vip, there + " dev eth1"}, Lines: lines})
	}
	d := start(t, a, "native", conf())
	await(t, "both addresses", func() bool { return a.HasAddr(vip) && a.HasAddr(there) })
	if !ping(t, c, there) {
		t.Fatal("the address does not answer with Accept_Mode")
	}
	must(t, d.Stop())
	start(t, a, "native", conf("no_accept"))
	await(t, "both addresses", func() bool { return a.HasAddr(vip) && a.HasAddr(there) })
	if ping(t, c, vip) || ping(t, c, there) {
		t.Error("an address answers ping")
	}
	if got := xdpPrograms(t, a); len(got) != 2 {
		t.Errorf("XDP on %v", got)
	}
	if alarms := router(t, a).Alarms; len(alarms) != 0 {
		t.Errorf("alarms %q", alarms)
	}
}

// Without XDP it cannot be had: the router runs, and says so.
func TestNoAcceptWithoutXDPIsAnAlarm(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	d := start(t, a, "off", v3.conf(150, "no_accept"))
	awaitRouter(t, a, "to be MASTER and alarmed", func(r stats.Router) bool {
		return r.State == "MASTER" && len(r.Alarms) == 1 && strings.Contains(r.Alarms[0], "no_accept is not enforced")
	})
	if log := d.Log(); !strings.Contains(log, "ERROR") || !strings.Contains(log, "no_accept is not enforced") {
		t.Errorf("the log does not say so:\n%s", log)
	}
}

// Two strict routers, one of them the real keepalived: they elect, and whoever
// is MASTER answers no ping.
//
//vrrp:row 45
func TestStrictBesideKeepalived(t *testing.T) {
	testnet.Need(t, "root", "keepalived", "ping")
	l := testnet.ForTest(t, "a", "b", "c")
	a, b, c := l.Host("a"), l.Host("b"), l.Host("c")
	conf := func(priority int) string { return "global_defs {\nvrrp_strict\n}\n" + v3.conf(priority) }
	d := start(t, a, "native", conf(150))
	awaitState(t, a, "MASTER")
	b.StartForTest(t, testnet.Keepalived, conf(100))
	await(t, "the address on a alone", func() bool { return a.HasAddr(vip) && !b.HasAddr(vip) })
	check := unmoved(t, a)
	if ping(t, c, vip) {
		t.Error("vrrpx under vrrp_strict answers ping")
	}
	check()
	must(t, d.Stop())
	await(t, "keepalived to take over", func() bool { return b.HasAddr(vip) })
	if ping(t, c, vip) {
		t.Error("keepalived under vrrp_strict answers ping: the comparison does not hold")
	}
	must(t, d.Start())
	await(t, "the address on a alone", func() bool { return a.HasAddr(vip) && !b.HasAddr(vip) })
}
