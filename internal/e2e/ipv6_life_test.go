package e2e

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// ipIn runs ip in a host's namespace.
func ipIn(t *testing.T, h *testnet.Host, args string) string {
	t.Helper()
	out, err := h.Command(context.Background(), "ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s on %s: %v: %s", args, h.Name, err, out)
	}
	return string(out)
}

// A host that knows the address turns to the new MASTER without asking.
//
//vrrp:row 42 61
func TestNeighboursFollowTheIPv6Address(t *testing.T) {
	testnet.Need(t, "root", "ip", "ping")
	l := testnet.ForTest(t, "a", "b", "client")
	a, b, client := l.Host("a"), l.Host("b"), l.Host("client")
	const ip = "2001:db8:99::1"
	must(t, client.AddAddr("eth0", netip.MustParsePrefix("2001:db8:99::7/64")))
	da, _ := startPair(t, v3six, "native", a, b)
	await(t, "the address", func() bool { return a.HasAddr(ip) })
	out, err := client.Command(context.Background(), "ping", "-6", "-c", "1", "-W", "5", ip).CombinedOutput()
	if err != nil {
		t.Fatalf("ping: %v: %s", err, out)
	}
	entry := func() string { return ipIn(t, client, "-6 neigh show to "+ip) }
	if !strings.Contains(entry(), a.MAC.String()) {
		t.Fatalf("the client knows %s, want it at %v", entry(), a.MAC)
	}
	must(t, da.Stop())
	await(t, "the client to know the address at b", func() bool { return strings.Contains(entry(), b.MAC.String()) })
	// A BACKUP has the address no more, and so answers no solicitation.
	if a.HasAddr(ip) {
		t.Error("the host that stopped has the address")
	}
}

//vrrp:row 50 55
func TestIPv6PartitionHealsToTheBetterMaster(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	for _, c := range []struct{ a, b party }{{native, keepalived}, {keepalived, native}} {
		t.Run(c.a.String()+" and "+c.b.String(), func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			c.a.start(t, a, v3six.conf(150))
			onlyHolder(t, tap, a, b)
			db := c.b.start(t, b, v3six.conf(100))
			await(t, "the backup to be up", func() bool { return strings.Contains(db.Log(), "Entering BACKUP STATE") })
			must(t, b.Links[0].Mute())
			must(t, b.Links[0].Deafen())
			await(t, "both sides to have the address", func() bool { return a.HasAddr(vip6) && b.HasAddr(vip6) })
			time.Sleep(3 * time.Second)
			must(t, b.Links[0].Join())
			onlyHolder(t, tap, a, b)
		})
	}
}

// Of two masters with one priority the one with the higher address stays.
//
//vrrp:row 50 55
func TestIPv6TieIsDecidedByTheLinkLocalAddress(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	for _, c := range []struct{ high, low party }{{native, keepalived}, {keepalived, native}} {
		t.Run(c.high.String()+" above "+c.low.String(), func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			high, low := l.Host("a"), l.Host("b")
			if linkLocal(t, high).Addr().Less(linkLocal(t, low).Addr()) {
				high, low = low, high
			}
			tap := l.TapForTest(t)
			must(t, high.Links[0].Mute())
			must(t, high.Links[0].Deafen())
			c.high.start(t, high, v3six.conf(100))
			c.low.start(t, low, v3six.conf(100))
			await(t, "both sides to have the address", func() bool { return high.HasAddr(vip6) && low.HasAddr(vip6) })
			must(t, high.Links[0].Join())
			onlyHolder(t, tap, high, low)
		})
	}
}

// Unlike IPv4's, IPv6 addresses leave an interface that is set down.
//
//vrrp:row 4 53
func TestIPv6InterfaceSetDownOrReplaced(t *testing.T) {
	testnet.Need(t, "root", "ip")
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			da, _ := startPair(t, v3six, mode, a, b)
			one := func(holder, other *testnet.Host) {
				t.Helper()
				awaitState(t, holder, "MASTER")
				await(t, holder.Name+" alone to have the addresses", func() bool {
					return holder.HasAddr(vip6) && holder.HasAddr("2001:db8:99::1") && !holds(other) && !other.HasAddr("2001:db8:99::1")
				})
			}
			one(a, b)
			ipIn(t, a, "link set eth0 down")
			awaitState(t, a, "FAULT")
			one(b, a)
			ipIn(t, a, "link set eth0 up")
			one(a, b)

			sw := strings.TrimSuffix(a.Namespace, "a") + "sw"
			ipIn(t, a, "link del eth0")
			awaitState(t, a, "FAULT")
			one(b, a)
			ipIn(t, a, fmt.Sprintf("-n %s link add p0-1 type veth peer name eth0 netns %s", sw, a.Namespace))
			ipIn(t, a, fmt.Sprintf("-n %s link set p0-1 master br0 up", sw))
			ipIn(t, a, "link set eth0 up")
			one(a, b)
			if log := da.Log(); strings.Contains(log, "still MASTER") || strings.Contains(log, "left alone") {
				t.Errorf("the log tells of addresses removed by others:\n%s", log)
			}
		})
	}
}

// vrrp_mcast_group6 and mcast_dst_ip of an IPv6 router, beside the real keepalived:
// joined, sent to, heard there and nowhere else, with XDP and without.
func TestOtherGroupOfIPv6(t *testing.T) {
	const group = "ff02::81"
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "c")
			a, b, c := l.Host("a"), l.Host("b"), l.Host("c")
			linkLocal(t, c)
			tap := l.TapForTest(t)
			global := "global_defs {\nvrrp_mcast_group6 " + group + "\n}\n"
			start(t, a, mode, global+v3six.conf(150))
			awaitState(t, a, "MASTER")
			b.StartForTest(t, testnet.Keepalived, global+v3six.conf(100))
			start(t, c, mode, v3six.conf(90, "mcast_dst_ip "+group))
			awaitRouter(t, c, "to follow a", func(r stats.Router) bool {
				return r.State == "BACKUP" && r.Master != nil && r.Master.MAC == a.MAC.String()
			})
			time.Sleep(v3six.masterDown(90))
			for _, f := range tap.Frames() {
				if !f.IsAdvert() {
					continue
				}
				if !isFrom(f, a) {
					t.Fatalf("an advert of %v, who hears the same group", f.SrcMAC())
				}
				if mac := net.HardwareAddr(f.Bytes[:6]); mac.String() != "33:33:00:00:00:81" {
					t.Fatalf("an advert to %v", mac)
				}
			}
			if alarms := router(t, a).Alarms; len(alarms) != 0 {
				t.Errorf("alarms %q", alarms)
			}
		})
	}
}
