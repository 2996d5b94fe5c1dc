package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// keepalived that is told to use the old form takes no other.
//
//vrrp:row 17
func TestOldUnicastChecksum(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	const old = "old_unicast_checksum"
	t.Run("sent", func(t *testing.T) {
		l := testnet.ForTest(t, "a", "b")
		a, b := l.Host("a"), l.Host("b")
		start(t, a, "native", v3.unicast(a.Addr, b.Addr, 150, old))
		awaitState(t, a, "MASTER")
		db := keepalived.start(t, b, v3.unicast(b.Addr, a.Addr, 100, old))
		await(t, "keepalived to be BACKUP", func() bool { return strings.Contains(db.Log(), "Entering BACKUP STATE") })
		time.Sleep(v3.masterDown(100) + slack)
		if b.HasAddr(vip) {
			t.Errorf("keepalived has not taken our adverts:\n%s", db.Log())
		}
	})
	for _, mode := range []string{"native", "off"} {
		for words, taken := range map[string]bool{"": true, old: true, old + " never": false} {
			t.Run(fmt.Sprintf("heard with %q, XDP %s", words, mode), func(t *testing.T) {
				l := testnet.ForTest(t, "a", "b")
				a, b := l.Host("a"), l.Host("b")
				keepalived.start(t, a, v3.unicast(a.Addr, b.Addr, 150, old))
				await(t, "keepalived to be MASTER", func() bool { return a.HasAddr(vip) })
				start(t, b, mode, v3.unicast(b.Addr, a.Addr, 100, words))
				if !taken {
					awaitRouter(t, b, "to be deaf to it", func(r stats.Router) bool {
						return r.State == "MASTER" && r.Drops["checksum"] > 0 && r.ChecksumOld == 0
					})
					return
				}
				awaitRouter(t, b, "to follow it", func(r stats.Router) bool {
					return r.State == "BACKUP" && r.Master != nil && r.ChecksumOld > 3 && r.Peers[0].Checksum == "old"
				})
			})
		}
	}
}

//vrrp:row 4 5 10 12
func TestTsharkFindsNoFaultInOurUnicast(t *testing.T) {
	testnet.Need(t, "root", "tshark")
	for _, p := range []protocol{v2pass, v3, v3six} {
		t.Run(p.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			me, peer := a.Addr, b.Addr
			if p.six {
				me, peer = linkLocal(t, a).Addr(), linkLocal(t, b).Addr()
			}
			tap := l.TapForTest(t)
			d := start(t, a, "native", p.unicast(me, peer, 150, "unicast_ttl 77"))
			await(t, "adverts", func() bool { return len(advertsOf(tap, a)) >= 3 })
			must(t, d.Stop())
			wire := dissect(t, a, tap.Frames())
			wire.faultless("vrrp")
			fields := []string{"eth.dst", "ip.src", "ip.dst", "ip.ttl", "ip.dsfield.dscp", "ip.checksum.status", "vrrp.checksum.status"}
			if p.six {
				fields = []string{"eth.dst", "ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.tclass.dscp", "vrrp.checksum.status"}
			}
			ads := wire.rows("vrrp", fields...)
			want := strings.Join([]string{b.MAC.String(), me.String(), peer.String(), "77", "48", "1", "1"}[:len(fields)], "\t")
			if len(ads) < 4 { // the farewell too
				t.Errorf("tshark sees %d adverts", len(ads))
			}
			for _, ad := range ads {
				if ad != want {
					t.Errorf("advert %q, want %q", ad, want)
				}
			}
		})
	}
}
