package e2e

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// A firewall that drops protocol 112 makes two masters of a keepalived pair;
// internal/testnet shows that it does.
func TestFirewallAgainstVRRPChangesNothing(t *testing.T) {
	for _, mode := range []string{"native", "generic", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			must(t, a.DropVRRP())
			must(t, b.DropVRRP())
			tap := l.TapForTest(t)
			da, _ := startPair(t, v3, mode, a, b)
			onlyHolder(t, tap, a, b)
			if n := len(advertsOf(tap, b)); n != 0 {
				t.Errorf("%d adverts of the backup", n)
			}
			da.Kill9()
			must(t, l.Cut("a"))
			onlyHolder(t, tap, b, nil)
			must(t, da.Start())
			await(t, "the address of the killed daemon to go", func() bool { return !a.HasAddr(vip) })
			must(t, l.Join("a"))
			onlyHolder(t, tap, a, b)
		})
	}
}

// What goes to unicast peers passes the firewall too, once the way is known.
func TestFirewallAgainstVRRPChangesNothingOfUnicast(t *testing.T) {
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			must(t, a.DropVRRP())
			must(t, b.DropVRRP())
			tap := l.TapForTest(t)
			da, _ := startUnicast(t, v3, mode, a, b)
			check := unmoved(t, a, b)
			time.Sleep(v3.masterDown(100) + slack)
			onlyHolder(t, tap, a, b)
			check()
			must(t, da.Stop())
			onlyHolder(t, tap, b, a)
		})
	}
}
