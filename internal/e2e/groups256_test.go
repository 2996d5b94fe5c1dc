package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// One file of 256 routers in 16 groups for two hosts, whose lines begin with
// @high and @low: vrrpx runs it beside keepalived, in each role. A group is on
// both interfaces, and so a cable that is pulled moves all of it.
func TestGroupsOf256RoutersMoveTogetherBesideKeepalived(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	const routers = 256
	conf := testnet.GroupsConf(16, 16, "0.5", "eth0", "eth1")
	for _, c := range []struct {
		high, low party
		prefix    string
	}{{native, keepalived, "t-g256x-"}, {keepalived, native, "t-g256k-"}} {
		t.Run(fmt.Sprintf("%v over %v", c.high, c.low), func(t *testing.T) {
			t.Parallel()
			l := testnet.Spec{Prefix: c.prefix, Hosts: []testnet.HostSpec{{Name: "high"}, {Name: "low"}}, Links: 2}.ForTest(t)
			high, low := l.Host("high"), l.Host("low")
			for host, p := range map[*testnet.Host]party{high: c.high, low: c.low} {
				if p == keepalived {
					host.StartForTest(t, testnet.Keepalived, conf, "-i", host.Name)
				} else {
					start(t, host, p.mode, conf, "--config-id", host.Name)
				}
			}
			hold := func(what string, a, b int) {
				t.Helper()
				begun := time.Now()
				await(t, what, func() bool {
					time.Sleep(50 * time.Millisecond)
					return virtual(t, high) == a && virtual(t, low) == b
				})
				t.Logf("%s: %v", what, time.Since(begun).Round(10*time.Millisecond))
				time.Sleep(time.Second) // longer than an advert
				if x, y := virtual(t, high), virtual(t, low); x != a || y != b {
					t.Errorf("%s: %d and %d addresses a second later, want %d and %d", what, x, y, a, b)
				}
			}
			hold("all on high", routers, 0)
			must(t, high.Links[1].Cut())
			hold("all on low, though every second router has its cable", 0, routers)
			must(t, high.Links[1].Join())
			hold("all on high again", routers, 0)
		})
	}
}

// virtual counts the virtual addresses of testnet.GroupsConf on a host.
func virtual(t *testing.T, h *testnet.Host) (n int) {
	t.Helper()
	addrs, err := h.Addrs()
	must(t, err)
	for _, a := range addrs {
		if ip := a.Addr(); ip.Is4() && ip.As4()[0] == 10 && ip.As4()[1] == 200 {
			n++
		}
	}
	return n
}
