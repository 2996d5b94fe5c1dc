package config

import (
	"fmt"
	"strings"
	"testing"
)

// vmacsOf writes the macvlans of each router, and what is on them.
func vmacsOf(cfg *Config) string {
	var routers []string
	for _, r := range cfg.Routers {
		var words []string
		if own, ok := r.OwnVMAC(); ok {
			words = append(words, "from "+own.Name)
		}
		for _, v := range r.VMACs {
			words = append(words, fmt.Sprintf("%s %s", v.Name, v.MAC))
		}
		for _, a := range r.All() {
			words = append(words, fmt.Sprintf("%s on %q", a.Prefix.Addr(), a.VMAC))
		}
		routers = append(routers, strings.Join(words, ", "))
	}
	return strings.Join(routers, "; ")
}

func TestAddressesAreOnTheDevicesThatKeepalivedPutsThemOn(t *testing.T) {
	other := func(conf string, oldnew ...string) string {
		return conf + strings.NewReplacer(append(oldnew, "VI_1", "VI_2", "0.3", "0.4", "fe80::3", "fe80::4")...).Replace(conf)
	}
	excluded := "use_vmac\nvirtual_ipaddress_excluded {\n%s\n}"
	for _, c := range []struct{ name, text, want string }{
		{"none", minimal, `10.0.0.3 on ""`},
		{"plain", instance("use_vmac"), `from vrrp.51, vrrp.51 00:00:5e:00:01:33, 10.0.0.3 on "vrrp.51"`},
		{"IPv6", router6("fe80::3/64", "use_vmac"), `from vrrp6.51, vrrp6.51 00:00:5e:00:02:33, fe80::3 on "vrrp6.51"`},
		{"named", instance("use_vmac vm0"), `from vm0, vm0 00:00:5e:00:01:33, 10.0.0.3 on "vm0"`},
		{"named name", instance("use_vmac name"), `from name, name 00:00:5e:00:01:33, 10.0.0.3 on "name"`},
		{"named by name", instance("use_vmac name vm0"), `from vm0, vm0 00:00:5e:00:01:33, 10.0.0.3 on "vm0"`},
		{"MAC", instance("use_vmac 2:0:0:0:0:a1"), `from vrrp.51, vrrp.51 02:00:00:00:00:a1, 10.0.0.3 on "vrrp.51"`},
		{"5 octets", instance("use_vmac vm0 02:00:00:00:0b"), `from vm0, vm0 02:00:00:00:0b:33, 10.0.0.3 on "vm0"`},
		{"prefix", "global_defs {\nvmac_prefix lan\n}\n" + instance("use_vmac"), `from lan.51, lan.51 00:00:5e:00:01:33, 10.0.0.3 on "lan.51"`},
		{"long prefix", "global_defs {\nvmac_prefix abcdefghijklmnopq\n}\n" + instance("use_vmac"), `from abcdefghijkl.51, abcdefghijkl.51 00:00:5e:00:01:33, 10.0.0.3 on "abcdefghijkl.51"`},
		{"dev of the router", strings.Replace(instance("use_vmac"), "10.0.0.3/24", "10.0.0.3/24 dev eth0", 1), `from vrrp.51, vrrp.51 00:00:5e:00:01:33, 10.0.0.3 on "vrrp.51"`},
		{"another dev", strings.Replace(instance("use_vmac"), "10.0.0.3/24", "10.0.0.3/24 dev eth1", 1), `from vrrp.51, vrrp.51 00:00:5e:00:01:33, 10.0.0.3 on ""`},
		{"of the other family", instance(fmt.Sprintf(excluded, "2001:db8::1")), `from vrrp.51, vrrp.51 00:00:5e:00:01:33, 10.0.0.3 on "vrrp.51", 2001:db8::1 on ""`},
		{"of the other family, told", instance(fmt.Sprintf(excluded, "2001:db8::1 use_vmac")), `from vrrp.51, vrrp.51 00:00:5e:00:01:33, vrrp6.51 00:00:5e:00:02:33, 10.0.0.3 on "vrrp.51", 2001:db8::1 on "vrrp6.51"`},
		{"use_vmac_addr", instance("use_vmac_addr\n" + fmt.Sprintf(excluded, "2001:db8::1\n2001:db8::2")), `from vrrp.51, vrrp.51 00:00:5e:00:01:33, vrrp6.51 00:00:5e:00:02:33, 10.0.0.3 on "vrrp.51", 2001:db8::1 on "vrrp6.51", 2001:db8::2 on "vrrp6.51"`},
		{"of an address alone", address("10.0.0.3 use_vmac\n10.0.0.4"), `vrrp.51 00:00:5e:00:01:33, 10.0.0.3 on "vrrp.51", 10.0.0.4 on ""`},
		{"with a prefix", "global_defs {\nvmac_prefix aa\nvmac_addr_prefix bb\n}\n" + address("10.0.0.3 use_vmac"), `bb.51 00:00:5e:00:01:33, 10.0.0.3 on "bb.51"`},
		{"a VRID on two interfaces", other(instance("use_vmac"), "eth0", "eth1"), `from vrrp.51, vrrp.51 00:00:5e:00:01:33, 10.0.0.3 on "vrrp.51"; from vrrp1.51, vrrp1.51 00:00:5e:00:01:33, 10.0.0.4 on "vrrp1.51"`},
		{"a name that a later one is given", other(instance("use_vmac"), "51", "52", "use_vmac", "use_vmac vrrp.51"), `from vrrp1.51, vrrp1.51 00:00:5e:00:01:33, 10.0.0.3 on "vrrp1.51"; from vrrp.51, vrrp.51 00:00:5e:00:01:34, 10.0.0.4 on "vrrp.51"`},
	} {
		cfg, diags := Parse("f", []byte(c.text))
		if cfg == nil {
			t.Errorf("%s: %s", c.name, show(diags))
			continue
		}
		if got := vmacsOf(cfg); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestImpossibleVMACsAreRefusedByName(t *testing.T) {
	second := func(statement string) string {
		return strings.NewReplacer("VI_1", "VI_2", "51", "52", "0.3", "0.4").Replace(instance(statement))
	}
	for _, c := range []struct{ name, text, want string }{
		{"its own interface", instance("use_vmac eth0"), "it is the interface itself"},
		{"another interface", instance("use_vmac eth1") + strings.ReplaceAll(second(""), "eth0", "eth1"), "it is an interface of this configuration"},
		{"a name twice", instance("use_vmac vm0") + second("use_vmac vm0"), "the name is taken at f:4:1"},
		{"a MAC twice", instance("use_vmac 02:00:00:00:00:01") + second("use_vmac 02:00:00:00:00:01"), "is taken at f:4:1"},
		{"16 bytes", instance("use_vmac abcdefghijklmnop"), "1 to 15 bytes"},
		{"a group's MAC", instance("use_vmac 03:00:00:00:00:01"), "expected one MAC address"},
		{"no MAC", instance("use_vmac ::::1"), "expected one MAC address"},
		{"two MACs", instance("use_vmac 02:00:00:00:00:01 02:00:00:00:00:02"), "expected one MAC address"},
		{"two names", instance("use_vmac a b"), "expected [NAME] [MAC]"},
		{"group", instance("use_vmac vm0 group 5"), "use_vmac group is not supported yet"},
		{"another interface's address", address("10.0.0.3 dev eth1 use_vmac"), "use_vmac on another interface than eth0 is not supported yet"},
		{"another interface's address, by use_vmac_addr", strings.Replace(instance("use_vmac_addr"), "10.0.0.3/24", "10.0.0.3/24 dev eth1", 1), "use_vmac on another interface than eth0 is not supported yet"},
		{"a prefix", "global_defs {\nvmac_prefix a/b\n}\n" + minimal, `vmac_prefix "a/b": expected the name`},
	} {
		cfg, diags := Parse("f", []byte(c.text))
		if cfg != nil || !strings.Contains(show(diags), c.want) {
			t.Errorf("%s: taken %v: %s", c.name, cfg != nil, show(diags))
		}
	}
}

func TestXmitBaseNeedsAVMACAndNoStrictMode(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{instance("vmac_xmit_base"), false},
		{instance("vmac_xmit_base\nuse_vmac"), true},
		{instance("vmac_xmit_base\nuse_vmac\nstrict_mode"), false},
	} {
		cfg, diags := Parse("f", []byte(c.text))
		if cfg == nil || cfg.Routers[0].XmitBase != c.want || strings.Contains(show(diags), "vmac_xmit_base") == c.want {
			t.Errorf("%s\n%s", c.text, show(diags))
		}
	}
}
