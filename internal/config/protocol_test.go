package config

import (
	"strings"
	"testing"
	"time"
)

// read parses a configuration that must be taken, and returns its first router
// and what was said about it.
func read(t *testing.T, text string) (Router, string) {
	t.Helper()
	cfg, diags := Parse("test.conf", []byte(text))
	if cfg == nil {
		t.Fatalf("refused:\n%s\n%s", show(diags), text)
	}
	return cfg.Routers[0], show(diags)
}

func TestPreemptDelay(t *testing.T) {
	for _, c := range []struct {
		statements string
		want       time.Duration
		says       string
	}{
		{"preempt_delay 5", 5 * time.Second, ""},
		{"preempt_delay 0.25", 250 * time.Millisecond, ""},
		{"preempt_delay 5\nstate MASTER\npriority 100", 0, "no effect with state MASTER"},
		{"preempt_delay 5\nnopreempt", 0, "no effect with nopreempt"},
		{"preempt_delay 5\npriority 255", 0, "no effect with priority 255"},
		{"preempt_delay 5\nstrict_mode", 0, "no effect with vrrp_strict"},
	} {
		r, said := read(t, instance(c.statements))
		if r.PreemptDelay != c.want {
			t.Errorf("%s: %v, want %v", c.statements, r.PreemptDelay, c.want)
		}
		if !strings.Contains(said, c.says) || c.says == "" && said != "" {
			t.Errorf("%s: said %q, want %q", c.statements, said, c.says)
		}
	}
}

func TestExcludedAddresses(t *testing.T) {
	r, said := read(t, address("10.0.0.3/24\n}\nvirtual_ipaddress_excluded {\n10.0.1.3/24 label eth0:x\n10.0.2.3 dev eth1"))
	if said != "" || len(r.Addresses) != 1 || len(r.Excluded) != 2 || len(r.All()) != 3 {
		t.Fatalf("addresses %v, excluded %v, said %q", r.Addresses, r.Excluded, said)
	}
	if a, b := r.Excluded[0], r.Excluded[1]; a.Prefix.String() != "10.0.1.3/24" || a.Device != "eth0" || a.Label != "eth0:x" || b.Device != "eth1" {
		t.Errorf("excluded %v", r.Excluded)
	}
	for text, want := range map[string]string{
		address("10.0.0.3\n}\nvirtual_ipaddress_excluded {\n10.0.0.3"):                                                                               "10.0.0.3 is given twice",
		address("10.0.0.3\n}\nvirtual_ipaddress_excluded {\nfoo"):                                                                                    "foo\" in virtual_ipaddress_excluded: expected an address",
		strings.Replace(minimal, "ipaddress {", "ipaddress_excluded {", 1):                                                                           "no address",
		minimal + strings.NewReplacer("VI_1", "VI_2", "51", "52", "0.3/24\n}", "0.4\n}\nvirtual_ipaddress_excluded {\n10.0.0.3\n}").Replace(minimal): "10.0.0.3 is also an address of \"VI_1\"",
	} {
		if _, diags := Parse("test.conf", []byte(text)); !strings.Contains(show(diags), want) {
			t.Errorf("%q is not said:\n%s\n%s", want, show(diags), text)
		}
	}
}

// The usual way to carry IPv6 addresses with an IPv4 router.
func TestExcludedAddressesMayBeOfTheOtherFamily(t *testing.T) {
	r, said := read(t, address("10.0.0.3/24\n}\nvirtual_ipaddress_excluded {\nfd00::3/64"))
	if said != "" || r.Family != 4 || len(r.Excluded) != 1 || r.Excluded[0].Prefix.String() != "fd00::3/64" {
		t.Errorf("family %d, excluded %v, said %q", r.Family, r.Excluded, said)
	}
}

func TestRouterWithoutAddresses(t *testing.T) {
	r, _ := read(t, strings.NewReplacer("virtual_ipaddress {", "no_virtual_ipaddress", "10.0.0.3/24\n}\n", "").Replace(minimal))
	if len(r.All()) != 0 || !r.NoAddresses {
		t.Errorf("addresses %v", r.All())
	}
}

func TestGroupAndSource(t *testing.T) {
	for _, c := range []struct{ global, statements, group, source string }{
		{"", "", "224.0.0.18", "invalid IP"},
		{"vrrp_mcast_group4 224.0.0.19", "", "224.0.0.19", "invalid IP"},
		{"vrrp_mcast_group4 224.0.0.19", "mcast_dst_ip 239.1.1.1", "239.1.1.1", "invalid IP"},
		{"", "mcast_src_ip 10.0.0.7", "224.0.0.18", "10.0.0.7"},
	} {
		r, said := read(t, "global_defs {\n"+c.global+"\n}\n"+instance(c.statements))
		if said != "" || r.Group.String() != c.group || r.Source.String() != c.source {
			t.Errorf("%s, %s: group %v, source %v, said %q", c.global, c.statements, r.Group, r.Source, said)
		}
	}
}

func TestSourceIsOfIPv4(t *testing.T) {
	for _, statement := range []string{"mcast_src_ip 10.0.0.7"} {
		_, diags := Parse("f", []byte(strings.Replace(instance(statement), "10.0.0.3/24", "fe80::3/64", 1)))
		if want := strings.Fields(statement)[0] + " of an IPv6 router is not supported yet"; !strings.Contains(show(diags), want) {
			t.Errorf("%q is not said: %s", want, show(diags))
		}
	}
}

// keepalived takes skip_check_adv_addr off for on.
func TestSkipCheckAdvAddrMayBeOff(t *testing.T) {
	for _, c := range []struct {
		global, statements string
		want               bool
	}{
		{"", "", false},
		{"", "skip_check_adv_addr", true},
		{"", "skip_check_adv_addr off", false},
		{"vrrp_skip_check_adv_addr", "", true},
		{"vrrp_skip_check_adv_addr", "skip_check_adv_addr off", false},
		{"vrrp_skip_check_adv_addr off", "skip_check_adv_addr on", true},
	} {
		if r, _ := read(t, "global_defs {\n"+c.global+"\n}\n"+instance(c.statements)); r.SkipCheckAdvAddr != c.want {
			t.Errorf("%q, %q: %v", c.global, c.statements, r.SkipCheckAdvAddr)
		}
	}
}

func TestOwnerIgnoreAdverts(t *testing.T) {
	for _, c := range []struct {
		global, statements string
		want               bool
	}{
		{"", "priority 255", false},
		{"", "owner_ignore_adverts", true},
		{"vrrp_owner_ignore_adverts", "priority 255", true},
		{"vrrp_owner_ignore_adverts", "owner_ignore_adverts off\npriority 255", false}, // keepalived forces it back
	} {
		if r, _ := read(t, "global_defs {\n"+c.global+"\n}\n"+instance(c.statements)); r.OwnerIgnores != c.want {
			t.Errorf("%q, %q: %v", c.global, c.statements, r.OwnerIgnores)
		}
	}
}

// TestLowerPriorityGARP has the values that keepalived 2.2.7 shows in its dump:
// a router takes the global value, which takes garp_master's of global_defs,
// not the router's own.
func TestLowerPriorityGARP(t *testing.T) {
	for _, c := range []struct {
		global, statements string
		delay              time.Duration
		repeat             int
	}{
		{"", "", 5 * time.Second, 5},
		{"vrrp_garp_master_repeat 4", "garp_master_repeat 3\ngarp_master_delay 7", 5 * time.Second, 4},
		{"vrrp_min_garp", "", 0, 1},
		{"vrrp_min_garp\nvrrp_garp_lower_prio_delay 3", "", 3 * time.Second, 1},
		{"vrrp_garp_lower_prio_repeat 2", "", 5 * time.Second, 2},
		{"vrrp_garp_lower_prio_repeat 2", "garp_lower_prio_repeat 0\ngarp_lower_prio_delay 1", time.Second, 0},
	} {
		r, said := read(t, "global_defs {\n"+c.global+"\n}\n"+instance(c.statements))
		if said != "" || r.GARP.LowerDelay != c.delay || r.GARP.LowerRepeat != c.repeat {
			t.Errorf("%q, %q: %v and %d, want %v and %d (%s)", c.global, c.statements, r.GARP.LowerDelay, r.GARP.LowerRepeat, c.delay, c.repeat, said)
		}
	}
}

func TestHigherPrioSendAdvert(t *testing.T) {
	for _, c := range []struct {
		global, statements string
		want               bool
		says               string
	}{
		{"", "", false, ""},
		{"", "higher_prio_send_advert", true, ""},
		{"vrrp_higher_prio_send_advert", "", true, ""},
		{"vrrp_higher_prio_send_advert", "higher_prio_send_advert off", false, ""},
		{"vrrp_strict", "higher_prio_send_advert", false, "vrrp_strict: higher_prio_send_advert is off"},
	} {
		r, said := read(t, "global_defs {\n"+c.global+"\n}\n"+instance(c.statements))
		if r.HigherPriorityAdvert != c.want || !strings.Contains(said, c.says) {
			t.Errorf("%q, %q: %v, said %q", c.global, c.statements, r.HigherPriorityAdvert, said)
		}
	}
}

func TestStartDelays(t *testing.T) {
	cfg, diags := Parse("test.conf", []byte(globals("vrrp_startup_delay 5.5\nvrrp_delay_after_boot 60")))
	if cfg == nil || len(diags) != 0 || cfg.Global.StartupDelay != 5500*time.Millisecond || cfg.Global.DelayAfterBoot != time.Minute {
		t.Errorf("%+v %s", cfg, show(diags))
	}
}

func TestAddressOptions(t *testing.T) {
	r, said := read(t, address("10.0.0.3/24 noprefixroute no_track preferred_lft 90\n10.0.0.4 preferred_lft 0\n10.0.0.5 preferred_lft forever\n10.0.0.6 preferred_lft 4294967295"))
	if said != "" || len(r.Addresses) != 4 {
		t.Fatalf("%v %s", r.Addresses, said)
	}
	if !r.Addresses[0].NoPrefixRoute || r.Addresses[1].NoPrefixRoute {
		t.Errorf("noprefixroute %v", r.Addresses)
	}
	for i, want := range []Lifetime{{true, 90 * time.Second}, {true, 0}, {}, {}} {
		if got := r.Addresses[i].Preferred; got != want {
			t.Errorf("%v is preferred for %v, want %v", r.Addresses[i].Prefix, got, want)
		}
	}
}

func TestPeerAndFlagsOfAnAddress(t *testing.T) {
	r, said := read(t, router6("fe80::3/64 -nodad home mngtmpaddr\nfe80::4\nfe80::5 peer fe80::6"))
	if said != "" {
		t.Fatal(said)
	}
	if a, b := r.Addresses[0], r.Addresses[1]; !a.DAD || !a.Home || !a.ManageTemp || b.DAD || b.Home || b.ManageTemp || b.Peer.IsValid() {
		t.Errorf("%+v", r.Addresses)
	}
	if p := r.Addresses[2].Peer.String(); p != "fe80::6" {
		t.Errorf("peer %s", p)
	}
	for line, want := range map[string]string{
		"10.0.0.3/24 peer 10.0.0.4":           "an address with a peer is given no length",
		"10.0.0.3 peer fe80::1":               "peer \"fe80::1\" of 10.0.0.3/32: expected an address of its family",
		"10.0.0.3 peer 10.0.0.4/32":           "expected an address of its family",
		"10.0.0.3 peer 10.0.0.4 brd 10.0.0.9": "neither length nor brd beside it",
		"10.0.0.3 peer 224.0.0.1":             "expected a host's address",
		"10.0.0.3 home":                       "home of 10.0.0.3/32 has no effect",
		"10.0.0.3 -nodad":                     "-nodad of 10.0.0.3/32 has no effect",
		"fe80::3 mngtmpaddr":                  "mngtmpaddr of fe80::3/128: expected an IPv6 address with the length 64",
		"fe80::3 autojoin":                    "the kernel refuses an address with it",
	} {
		if _, diags := Parse("f", []byte(address(line))); !strings.Contains(show(diags), want) {
			t.Errorf("%s: want %q, got %s", line, want, show(diags))
		}
	}
}

func TestTimerExpiredBackup(t *testing.T) {
	for _, c := range []struct {
		statements string
		want       uint8
		says       string
	}{
		{"timer_expired_backup\nnopreempt", 254, ""},
		{"timer_expired_backup 150\nnopreempt", 150, ""},
		{"thread_timer_expired 150\nnopreempt", 150, ""},
		{"thread_timer_expired 150", 0, "no effect without nopreempt"},
		{"timer_expired_backup\nnopreempt\npriority 255", 0, "no effect without nopreempt"},
		{"timer_expired_backup\nnopreempt\nstate MASTER\npriority 100", 0, "no effect without nopreempt"},
	} {
		r, said := read(t, instance(c.statements))
		if r.ExpiredBackup != c.want || !strings.Contains(said, c.says) || c.says == "" && said != "" {
			t.Errorf("%s: %d, want %d; said %q", c.statements, r.ExpiredBackup, c.want, said)
		}
	}
}
