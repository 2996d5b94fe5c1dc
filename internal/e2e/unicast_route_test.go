package e2e

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// routed is a LAN of two bridges: a on the first, b on the second, and gw, which
// forwards, on both.
func routed(t *testing.T) (l *testnet.LAN, a, b, gw *testnet.Host) {
	t.Helper()
	testnet.Need(t, "root", "ip")
	l = testnet.Spec{Links: 2, Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}, {Name: "gw"}}}.ForTest(t)
	a, b, gw = l.Host("a"), l.Host("b"), l.Host("gw")
	must(t, gw.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) }))
	ipIn(t, a, "link set eth1 down")
	ipIn(t, b, "link set eth0 down")
	ipIn(t, a, "route add 10.101.0.0/16 via 10.99.0.3")
	ipIn(t, b, "route add 10.99.0.0/16 via 10.101.0.3")
	return l, a, b, gw
}

var onEth1 = netip.MustParseAddr("10.101.0.2") // of b

// across is a configuration for either end of routed.
func across(iface string, me, peer netip.Addr, priority int, ttls string) string {
	return testnet.Conf(3, testnet.Instance{
		Priority: priority, AdvertInt: "0.1", Interface: iface, VIPs: []string{vip},
		Lines: []string{"unicast_src_ip " + me.String(), "unicast_peer {", peer.String() + ttls, "}"},
	})
}

func TestUnicastPeerBehindARouter(t *testing.T) {
	testnet.Need(t, "keepalived")
	for _, far := range []party{native, socket, keepalived} {
		t.Run(far.String(), func(t *testing.T) {
			l, a, b, gw := routed(t)
			tap, err := l.TapLink(1)
			must(t, err)
			defer tap.Close()
			// Each advert loses one hop on its way, and no more.
			da := native.start(t, a, across("eth0", a.Addr, onEth1, 150, " min_ttl 254 max_ttl 254"))
			awaitState(t, a, "MASTER")
			db := far.start(t, b, across("eth1", onEth1, a.Addr, 100, " min_ttl 254"))
			await(t, "b to be BACKUP", func() bool { return strings.Contains(db.Log(), "Entering BACKUP STATE") })
			awaitRouter(t, a, "to know the way", func(r stats.Router) bool {
				return r.Peers[0].MAC == gw.MAC.String() && r.Peers[0].Via == gw.Addr.String()
			})
			time.Sleep(v3.masterDown(100) + slack) // when b would have taken over
			if !a.HasAddr(vip) || b.HasAddr(vip) {
				t.Errorf("a has the address: %v, b: %v", a.HasAddr(vip), b.HasAddr(vip))
			}
			ads := tap.Adverts(a.Addr)
			if len(ads) == 0 || ads[0].Bytes[14+8] != 254 {
				t.Fatalf("%d adverts came through the router, TTL not 254", len(ads))
			}
			must(t, da.Stop())
			await(t, "b to take over", func() bool { return b.HasAddr(vip) && !a.HasAddr(vip) })
			must(t, da.Start())
			await(t, "a to preempt", func() bool { return a.HasAddr(vip) && !b.HasAddr(vip) })
		})
	}
}

func TestUnicastPeerOutsideItsTTLRangeIsDropped(t *testing.T) {
	_, a, b, _ := routed(t)
	native.start(t, a, across("eth0", a.Addr, onEth1, 150, ""))
	awaitState(t, a, "MASTER")
	native.start(t, b, across("eth1", onEth1, a.Addr, 100, " min_ttl 255"))
	awaitRouter(t, b, "to be MASTER, deaf to a", func(r stats.Router) bool { return r.State == "MASTER" && r.Drops["ttl"] > 0 && r.Received == 0 })
}

// The kernel of the peer tells nobody, but it asks for us from its new address;
// without that the neighbour would be found out once it is stale.
func TestUnicastPeerThatChangesItsMAC(t *testing.T) {
	testnet.Need(t, "root", "ip")
	for _, p := range []protocol{v2pass, v3six} {
		t.Run(p.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			conf := p.pair(t)
			confA, confB := conf(a, b, 150), conf(b, a, 100)
			tap := l.TapForTest(t)
			da := start(t, a, "native", confA)
			awaitState(t, a, "MASTER")
			start(t, b, "native", confB)
			awaitRouter(t, b, "to follow a", func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil })
			awaitRouter(t, a, "to know b", func(r stats.Router) bool { return r.Peers[0].MAC == b.MAC.String() })
			check := unmoved(t, a, b)
			const other = "02:00:00:00:00:77"
			ipIn(t, b, "link set eth0 address "+other)
			awaitRouter(t, a, "to know b's new address", func(r stats.Router) bool { return r.Peers[0].MAC == other })
			await(t, "an advert to it", func() bool {
				ads := advertsOf(tap, a)
				return len(ads) > 0 && string(ads[len(ads)-1].Bytes[:6]) == "\x02\x00\x00\x00\x00\x77"
			})
			check()
			must(t, da.Stop())
			await(t, "b's adverts to come from there", func() bool {
				for _, f := range tap.Frames() {
					if f.IsAdvert() && f.SrcMAC().String() == other {
						return true
					}
				}
				return false
			})
		})
	}
}
