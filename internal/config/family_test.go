package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// router6 is a router whose virtual_ipaddress has these lines.
func router6(lines string, statements ...string) string {
	return strings.Replace(address(lines), "virtual_ipaddress", strings.Join(append(statements, "virtual_ipaddress"), "\n"), 1)
}

func TestIPv6RouterSpeaksVersion3(t *testing.T) {
	for _, c := range []struct {
		name, text string
		warned     bool // that version 2 was not to be had
	}{
		{"by default", router6("fe80::3/64"), false},
		{"version 3", router6("fe80::3/64", "version 3"), false},
		{"version 2", router6("fe80::3/64", "version 2"), true},
		{"vrrp_version 2", "global_defs {\nvrrp_version 2\n}\n" + router6("fe80::3/64"), true},
		{"native_ipv6", router6("fe80::3/64", "native_ipv6"), false},
	} {
		cfg, diags := Parse("f", []byte(c.text))
		if cfg == nil {
			t.Errorf("%s: %s", c.name, show(diags))
			continue
		}
		if r := cfg.Routers[0]; r.Family != 6 || r.Version != 3 {
			t.Errorf("%s: family %d, version %d", c.name, r.Family, r.Version)
		}
		if warned := strings.Contains(show(diags), "speak VRRP version 3, not 2"); warned != c.warned {
			t.Errorf("%s: warned %v of the version: %s", c.name, warned, show(diags))
		}
	}
}

func TestIPv6AddressesKeepTheirOrderAndLength(t *testing.T) {
	cfg, diags := Parse("f", []byte(router6("fe80::3/64\n2001:db8::3/48 dev eth1\n2001:db8::1")))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	var got []string
	for _, a := range cfg.Routers[0].Addresses {
		got = append(got, a.Prefix.String()+" "+a.Device)
	}
	if want := []string{"fe80::3/64 eth0", "2001:db8::3/48 eth1", "2001:db8::1/128 eth0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(diags) != 0 {
		t.Error(show(diags))
	}
}

//vrrp:row 9
func TestFirstIPv6AddressIsLinkLocal(t *testing.T) {
	const strict = "global_defs {\nvrrp_strict\nvrrp_version 3\n}\n"
	global := router6("2001:db8::3/64\nfe80::3/64", "priority 100")
	cfg, diags := Parse("f", []byte(global))
	if cfg == nil || !strings.Contains(show(diags), "f:6:1: warning: (VI_1) the first IPv6 address is 2001:db8::3") {
		t.Errorf("without vrrp_strict: want it taken with a warning, got\n%s", show(diags))
	}
	cfg, diags = Parse("f", []byte(strict+global))
	if cfg != nil || !strings.Contains(show(diags), "error: (VI_1) vrrp_strict: the first IPv6 address is 2001:db8::3") {
		t.Errorf("under vrrp_strict: want it refused, got\n%s", show(diags))
	}
	if cfg, diags = Parse("f", []byte(strict+router6("fe80::3/64\n2001:db8::3/64"))); cfg == nil {
		t.Errorf("link-local first, under vrrp_strict: %s", show(diags))
	}
}

func TestOneFamilyPerRouter(t *testing.T) {
	for want, text := range map[string]string{
		"10.0.0.4: expected IPv6, as the router is":                       router6("fe80::3/64\n10.0.0.4/24"),
		"fe80::4: expected IPv4, as the router is":                        router6("10.0.0.3/24\nfe80::4/64"),
		"10.0.0.3: expected IPv6, as the router is":                       router6("10.0.0.3/24", "native_ipv6"),
		"an IPv4 address in IPv6 form":                                    router6("::ffff:10.0.0.3"),
		"label \"eth0:1\": an IPv6 address has none":                      router6("fe80::3/64 label eth0:1"),
		"IPv6 has no broadcast":                                           router6("fe80::3/64 brd +"),
		"an IPv6 address is given none":                                   router6("fe80::3/64 scope link"),
		"::1: expected an address that a host":                            router6("::1"),
		"ff02::5: expected an address that a host":                        router6("ff02::5"),
		"91 addresses: expected at most 90":                               router6(many(91)),
		"\"VI_1\" at f:1:1":                                               router6("fe80::3/64") + strings.Replace(router6("fe80::4/64"), "VI_1", "VI_2", 1),
		"prefix length from 0 to 128":                                     router6("fe80::3/129"),
		"expected an address, such as 10.0.0.3/24 or fe80::3/64":          router6("fe80::3%eth0"),
		"advert_int 41: expected 0.01 to 40.95 seconds with VRRP version": router6("fe80::3/64", "advert_int 41"),
	} {
		if cfg, diags := Parse("f", []byte(text)); cfg != nil || !strings.Contains(show(diags), want) {
			t.Errorf("want %q, got\n%s", want, show(diags))
		}
	}
	if cfg, diags := Parse("f", []byte(router6(many(90)))); cfg == nil {
		t.Errorf("90 addresses: %s", show(diags))
	}
}

func many(n int) string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("fe80::1:%x/64", i))
	}
	return strings.Join(lines, "\n")
}

// A router of each family may have the same VRID, and link-local addresses
// are each interface's own.
func TestFamiliesAreIndependent(t *testing.T) {
	second := strings.NewReplacer("VI_1", "VI_2").Replace(router6("fe80::3/64"))
	third := strings.NewReplacer("VI_1", "VI_3", "eth0", "eth1").Replace(router6("fe80::3/64"))
	cfg, diags := Parse("f", []byte(minimal+second+third))
	if cfg == nil || len(diags) != 0 {
		t.Fatal(show(diags))
	}
	if a, b := cfg.Routers[0], cfg.Routers[1]; a.Family != 4 || b.Family != 6 || a.VRID != b.VRID || a.Version != 2 || b.Version != 3 {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestGroupIsOfTheRoutersFamily(t *testing.T) {
	const global = "global_defs {\nvrrp_mcast_group4 224.0.0.81\nvrrp_mcast_group6 ff02::81\n}\n"
	for text, want := range map[string]string{
		minimal:                        "224.0.0.18",
		router6("fe80::3/64"):          "ff02::12",
		global + minimal:               "224.0.0.81",
		global + router6("fe80::3/64"): "ff02::81",
		router6("fe80::3/64", "mcast_dst_ip ff02::82"): "ff02::82",
		instance("mcast_dst_ip 224.0.0.82"):            "224.0.0.82",
	} {
		if r, said := read(t, text); r.Group.String() != want || said != "" {
			t.Errorf("group %v, want %s; said %q\n%s", r.Group, want, said, text)
		}
	}
	for text, want := range map[string]string{
		router6("fe80::3/64", "mcast_dst_ip 224.0.0.18"):    "multicast group 224.0.0.18: expected an IPv6",
		router6("fe80::3/64", "mcast_dst_ip fe80::1"):       "multicast group fe80::1: expected an IPv6",
		router6("fe80::3/64", "mcast_dst_ip ff02::12%eth0"): "mcast_dst_ip \"ff02::12%eth0\": expected an address",
		instance("mcast_dst_ip ff02::12"):                   "multicast group ff02::12: expected an IPv4",
		globals("vrrp_mcast_group6 224.0.0.18"):             "vrrp_mcast_group6 \"224.0.0.18\": expected an IPv6 multicast",
		globals("vrrp_mcast_group6 ::ffff:224.0.0.18"):      "vrrp_mcast_group6",
		globals("vrrp_mcast_group6 fe80::12"):               "vrrp_mcast_group6",
		router6("fe80::3/64", "mcast_dst_ip ff05::12"):      "multicast group ff05::12: expected an IPv6 multicast address that begins with ff02:",
		globals("vrrp_mcast_group6 ff05::12"):               "vrrp_mcast_group6",
		globals("vrrp_mcast_group6 foo"):                    "vrrp_mcast_group6",
	} {
		if cfg, diags := Parse("f", []byte(text)); cfg != nil || !strings.Contains(show(diags), want) {
			t.Errorf("want %q, got\n%s", want, show(diags))
		}
	}
}

func TestGNAIntervalIsTheRouters(t *testing.T) {
	cfg, diags := Parse("f", []byte("global_defs {\nvrrp_garp_interval 0.2\nvrrp_gna_interval 0.1\n}\n"+router6("fe80::3/64")))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	if r := cfg.Routers[0]; r.GNAInterval != 100*time.Millisecond || r.GARP.Interval != 200*time.Millisecond {
		t.Errorf("%v, %v", r.GNAInterval, r.GARP.Interval)
	}
}
