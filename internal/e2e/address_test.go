package e2e

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestDeletedAddressIsPutBackWithoutATransition(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	da, _ := startPair(t, v3, "native", a, b)
	await(t, "the address", func() bool { return a.HasAddr(vip) })
	check, from := unmoved(t, a, b), testnet.Now()

	must(t, a.DelAddr("eth0", netip.MustParsePrefix(vip+"/32")))
	await(t, "the address to be put back", func() bool { return a.HasAddr(vip) })
	await(t, "neighbours to be told", func() bool {
		at := garps(tap, a, vip)
		return len(at) > 0 && at[len(at)-1] > from
	})
	comm, err := os.ReadFile("/proc/self/comm") // who deleted it: this process
	must(t, err)
	await(t, "the culprit in the log", func() bool {
		log := da.Log()
		return strings.Contains(log, "was removed by") && strings.Contains(log, strings.TrimSpace(string(comm)))
	})
	time.Sleep(v3.masterDown(100))
	check()
	cadence(t, advertsOf(tap, a), from, testnet.Now(), v3.interval, v3.masterDown(100))
}

func TestAddressThatWasThereBeforeStays(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	must(t, a.AddAddr("eth0", netip.MustParsePrefix(vip+"/32")))
	d := start(t, a, "native", v3.conf(150))
	awaitState(t, a, "MASTER")
	if as := router(t, a).Addresses; len(as) != 1 || !as[0].Foreign || !as[0].Present {
		t.Errorf("status of an address that was there before: %+v", as)
	}
	must(t, d.Stop())
	if !a.HasAddr(vip) {
		t.Error("an address that was there before was removed at the end")
	}

	must(t, d.Start())
	awaitState(t, a, "MASTER")
	d.Kill9()
	if out, code := vrrpx(t, a, "cleanup"); code != 0 || !a.HasAddr(vip) {
		t.Errorf("cleanup: exit %d, address still there: %v: %s", code, a.HasAddr(vip), out)
	}
}
