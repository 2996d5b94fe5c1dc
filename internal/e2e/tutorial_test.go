package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// stock is the file that CentOS installs, as the tutorial prints it.
const stock = `! Configuration File for keepalived

global_defs {
   notification_email {
     acassen@firewall.loc
     failover@firewall.loc
     sysadmin@firewall.loc
   }
   notification_email_from Alexandre.Cassen@firewall.loc
   smtp_server 192.168.200.1
   smtp_connect_timeout 30
   router_id LVS_DEVEL
   vrrp_skip_check_adv_addr
   vrrp_strict
   vrrp_garp_interval 0
   vrrp_gna_interval 0
}

vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        192.168.200.16
        192.168.200.17
        192.168.200.18
    }
}
`

func TestTutorialStockFileRunsBesideKeepalived(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	l := testnet.Spec{Hosts: []testnet.HostSpec{
		{Name: "lb01", Addrs: []netip.Prefix{netip.MustParsePrefix("192.168.200.5/24")}},
		{Name: "lb02", Addrs: []netip.Prefix{netip.MustParsePrefix("192.168.200.6/24")}},
	}}.ForTest(t)
	lb01, lb02 := l.Host("lb01"), l.Host("lb02")
	tap := l.TapForTest(t)
	d := start(t, lb01, "native", stock)
	want := netip.MustParsePrefix("192.168.200.18/32")
	await(t, "the addresses of the stock file", func() bool { return has(t, lb01, want) })
	if !has(t, lb01, netip.MustParsePrefix("192.168.200.16/32")) || !has(t, lb01, netip.MustParsePrefix("192.168.200.17/32")) {
		t.Error("not all addresses of the stock file are there")
	}
	for _, word := range []string{"Entering MASTER STATE", "vrrp_strict"} {
		if !strings.Contains(d.Log(), word) {
			t.Errorf("the log says nothing of %s", word)
		}
	}

	// keepalived refuses vrrp_garp_interval 0. Under strict it drops the
	// password, as we must: else neither would follow the other.
	theirs := strings.NewReplacer("   vrrp_garp_interval 0\n", "", "   vrrp_gna_interval 0\n", "").Replace(stock)
	dk := lb02.StartForTest(t, testnet.Keepalived, theirs)
	await(t, "keepalived to be up", func() bool { return strings.Contains(dk.Log(), "Entering BACKUP STATE") })
	time.Sleep(4 * time.Second) // longer than its master-down interval
	if n := len(tap.Adverts(lb02.Addr)); n != 0 {
		t.Errorf("%d adverts of keepalived, which does not follow our stock file", n)
	}
	must(t, d.Stop())
	await(t, "keepalived to take over", func() bool { return has(t, lb02, want) && !has(t, lb01, want) })
	must(t, d.Start())
	awaitRouter(t, lb01, "to follow keepalived", func(r stats.Router) bool {
		return r.State == "BACKUP" && r.Master != nil && r.Master.Address == lb02.Addr.String()
	})
	must(t, dk.Stop())
	await(t, "vrrpx to take over again", func() bool { return has(t, lb01, want) && !has(t, lb02, want) })
}

func has(t *testing.T, h *testnet.Host, want netip.Prefix) bool {
	t.Helper()
	addrs, err := h.Addrs()
	must(t, err)
	return slices.Contains(addrs, want)
}

// lb is the tutorial's file for one of the pair.
func lb(name, state string, priority int) string {
	return fmt.Sprintf(`global_defs {
    router_id %s
}
vrrp_instance VI_1 {
    state %s
    interface eth0
    virtual_router_id 51
    priority %d
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        10.0.0.3/24 dev eth0 label eth0:1
    }
}
`, name, state, priority)
}

func TestTutorialPairMovesItsLabelledAddress(t *testing.T) {
	testnet.Need(t, "root", "ip")
	l := testnet.Spec{Hosts: []testnet.HostSpec{
		{Name: "lb01", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/24")}},
		{Name: "lb02", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.6/24")}},
	}}.ForTest(t)
	lb01, lb02 := l.Host("lb01"), l.Host("lb02")
	d1 := start(t, lb01, "auto", lb("lb01", "MASTER", 150))
	start(t, lb02, "auto", lb("lb02", "BACKUP", 100))
	shown := func(h *testnet.Host) bool {
		// What the tutorial has its reader type.
		out, err := h.Command(context.Background(), "ip", "addr").Output()
		must(t, err)
		return strings.Contains(string(out), "inet 10.0.0.3/24 scope global secondary eth0:1")
	}
	await(t, "lb01 to show 10.0.0.3 on eth0:1", func() bool { return shown(lb01) })
	if lb02.HasAddr("10.0.0.3") {
		t.Error("lb02 has it too")
	}
	must(t, d1.Stop())
	await(t, "lb02 to show 10.0.0.3 on eth0:1", func() bool { return shown(lb02) && !lb01.HasAddr("10.0.0.3") })
	must(t, d1.Start())
	await(t, "lb01 to take 10.0.0.3 back", func() bool { return shown(lb01) && !lb02.HasAddr("10.0.0.3") })
}
