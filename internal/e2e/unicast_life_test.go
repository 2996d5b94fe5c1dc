package e2e

import (
	"context"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

//vrrp:row 53
func TestUnicastInterfaceThatVanishesAndReturns(t *testing.T) {
	testnet.Need(t, "root", "ip")
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			startUnicast(t, v3, mode, a, b)
			onlyHolder(t, tap, a, b)
			sw := strings.TrimSuffix(a.Namespace, "a") + "sw"
			ip := func(ns, args string) {
				t.Helper()
				out, err := a.Command(context.Background(), "ip", append([]string{"-n", ns}, strings.Fields(args)...)...).CombinedOutput()
				if err != nil {
					t.Fatalf("ip -n %s %s: %v: %s", ns, args, err, out)
				}
			}
			ip(a.Namespace, "link del eth0")
			awaitState(t, a, "FAULT")
			onlyHolder(t, tap, b, a)

			ip(sw, "link add p0-1 type veth peer name eth0 netns "+a.Namespace)
			ip(sw, "link set p0-1 master br0 up")
			ip(a.Namespace, "link set eth0 up")
			ip(a.Namespace, "addr add "+a.Links[0].Addrs[0].String()+" dev eth0")
			onlyHolder(t, tap, a, b)
			// It has another MAC address now.
			awaitRouter(t, a, "to know b", func(r stats.Router) bool { return r.Peers[0].MAC == b.MAC.String() })
			mac := strings.Fields(ipIn(t, a, "-o link show dev eth0")[strings.Index(ipIn(t, a, "-o link show dev eth0"), "link/ether"):])[1]
			awaitRouter(t, b, "to know a anew", func(r stats.Router) bool { return r.Peers[0].MAC == mac })
		})
	}
}

// Without unicast_src_ip adverts come from the interface's first address, and
// follow it.
//
//vrrp:row 4
func TestUnicastFollowsTheInterfacesAddress(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	later := netip.MustParsePrefix("10.99.0.211/16")
	start(t, a, "native", v3.conf(150, "unicast_peer {", b.Addr.String(), a.Addr.String(), "}"))
	awaitState(t, a, "MASTER")
	start(t, b, "native", v3.conf(100, "unicast_peer {", a.Addr.String(), later.Addr().String(), "}"))
	from := func(ip netip.Addr) func(stats.Router) bool {
		return func(r stats.Router) bool {
			return r.State == "BACKUP" && r.Master != nil && r.Master.Address == ip.String()
		}
	}
	awaitRouter(t, b, "to follow a", from(a.Addr))
	if r := router(t, a); r.Source != a.Addr.String() || len(r.Peers) != 2 {
		t.Errorf("a sends from %s to %+v", r.Source, r.Peers)
	}
	must(t, a.AddAddr("eth0", netip.PrefixFrom(later.Addr(), 32)))
	must(t, a.DelAddr("eth0", a.Links[0].Addrs[0]))
	must(t, a.AddAddr("eth0", netip.MustParsePrefix("10.99.0.212/16"))) // for a way to b
	awaitRouter(t, b, "to follow a's other address", from(later.Addr()))
	awaitRouter(t, a, "to hear b at it", func(r stats.Router) bool { return r.State == "MASTER" && r.Source == later.Addr().String() })
}

// Adverts to us are nobody's unreachable protocol.
func TestUnicastAdvertsAreNotAnsweredByICMP(t *testing.T) {
	for _, p := range []protocol{v3, v3six} {
		for _, mode := range []string{"native", "off"} {
			t.Run(p.name+" "+mode, func(t *testing.T) {
				l := testnet.ForTest(t, "a", "b")
				a, b := l.Host("a"), l.Host("b")
				conf := p.pair(t)
				confA, confB := conf(a, b, 150), conf(b, a, 100)
				errors, err := a.Tap("eth0", func(f testnet.Frame) bool {
					if len(f.Bytes) < 14+41 {
						return false
					}
					if binary.BigEndian.Uint16(f.Bytes[12:]) == 0x0800 {
						return f.Bytes[14+9] == unix.IPPROTO_ICMP
					}
					return f.Bytes[14+6] == unix.IPPROTO_ICMPV6 && f.Bytes[14+40] < 128
				})
				must(t, err)
				defer errors.Close()
				start(t, b, mode, confB)
				awaitState(t, b, "MASTER")
				start(t, a, mode, confA)
				awaitState(t, a, "MASTER")
				time.Sleep(5 * p.interval)
				if n := len(errors.Frames()); n != 0 {
					t.Errorf("b answered with %d errors of ICMP", n)
				}
				if r := router(t, b); r.Received == 0 {
					t.Error("b has heard nothing: the test proves nothing")
				}
			})
		}
	}
}

//vrrp:row 50 51
func TestUnicastPairIsPartedAndHeals(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	for _, other := range []party{native, keepalived} {
		t.Run(other.String(), func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			native.start(t, a, v3.unicast(a.Addr, b.Addr, 150))
			awaitState(t, a, "MASTER")
			other.start(t, b, v3.unicast(b.Addr, a.Addr, 100))
			onlyHolder(t, tap, a, b)
			must(t, a.Links[0].Mute())
			must(t, a.Links[0].Deafen())
			await(t, "both to hold the address", func() bool { return a.HasAddr(vip) && b.HasAddr(vip) })
			time.Sleep(3 * time.Second)
			must(t, l.Join("a"))
			onlyHolder(t, tap, a, b)
		})
	}
}
