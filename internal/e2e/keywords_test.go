package e2e

import (
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// virtual_ipaddress_excluded: held and announced, in no advert; so its being on
// one host only is no difference that the other notes.
func TestExcludedAddressIsHeldAndNotAdvertised(t *testing.T) {
	const extra = "10.99.9.2"
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	d := start(t, a, "native", v3.conf(150, "virtual_ipaddress_excluded {", extra, "}"))
	start(t, b, "native", v3.conf(100))
	await(t, "both addresses", func() bool { return a.HasAddr(vip) && a.HasAddr(extra) })
	await(t, "neighbours to be told of both", func() bool { return len(garps(tap, a, vip)) > 0 && len(garps(tap, a, extra)) > 0 })
	awaitRouter(t, b, "to hear a", func(r stats.Router) bool { return r.Master != nil })
	if alarms := router(t, b).Alarms; strings.Contains(strings.Join(alarms, "\n"), "addresses") {
		t.Errorf("alarms %q", alarms)
	}
	must(t, d.Stop())
	if a.HasAddr(vip) || a.HasAddr(extra) {
		t.Error("an address is left behind")
	}
}

// no_virtual_ipaddress: a router that only elects.
func TestRouterWithoutAddressesElects(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	conf := func(priority int) string {
		text := v3.conf(priority, "no_virtual_ipaddress")
		before, rest, _ := strings.Cut(text, "virtual_ipaddress {")
		_, after, _ := strings.Cut(rest, "}")
		return before + after
	}
	da := start(t, a, "native", conf(150))
	awaitState(t, a, "MASTER")
	start(t, b, "native", conf(100))
	awaitRouter(t, b, "to hear a", func(r stats.Router) bool { return r.Master != nil })
	da.Kill9()
	awaitState(t, b, "MASTER")
}
