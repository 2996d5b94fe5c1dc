package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func valid() *Config {
	r := Defaults()
	r.Name, r.Interface, r.VRID = "VI_1", "eth0", 51
	r.Addresses = []Address{{Prefix: netip.MustParsePrefix("10.0.0.3/24"), Device: "eth0"}}
	return &Config{Routers: []Router{r}}
}

func TestValidateAcceptsDefaultsThatAreFilledIn(t *testing.T) {
	if diags := Validate(valid()); len(diags) != 0 {
		t.Error(show(diags))
	}
}

// A configuration that did not come from a file is held to the same rules.
//
//vrrp:row 7 8 66
func TestValidateRefuses(t *testing.T) {
	for want, spoil := range map[string]func(*Config, *Router){
		"interface is missing":           func(_ *Config, r *Router) { r.Interface = "" },
		"interface \"a b\"":              func(_ *Config, r *Router) { r.Interface = "a b" },
		"expected a name":                func(_ *Config, r *Router) { r.Name = "" },
		"virtual_router_id is missing":   func(_ *Config, r *Router) { r.VRID = 0 },
		"priority is missing":            func(_ *Config, r *Router) { r.Priority = 0 },
		"version 4":                      func(_ *Config, r *Router) { r.Version = 4 },
		"family 6 with version 2":        func(_ *Config, r *Router) { r.Family = 6 },
		"family 5 with version 2":        func(_ *Config, r *Router) { r.Family = 5 },
		"state \"FAULT\"":                func(_ *Config, r *Router) { r.State = "FAULT" },
		"advert interval 1.5s":           func(_ *Config, r *Router) { r.AdvertInterval = 1500 * time.Millisecond },
		"advert interval 0s":             func(_ *Config, r *Router) { r.AdvertInterval = 0 },
		"advert interval 41s":            func(_ *Config, r *Router) { r.Version, r.AdvertInterval = 3, 41*time.Second },
		"advert interval 15ms":           func(_ *Config, r *Router) { r.Version, r.AdvertInterval = 3, 15*time.Millisecond },
		"password of 9 bytes":            func(_ *Config, r *Router) { r.Auth = Auth{AuthPass, "123456789"} },
		"password of 0 bytes":            func(_ *Config, r *Router) { r.Auth = Auth{AuthPass, ""} },
		"without authentication type":    func(_ *Config, r *Router) { r.Auth = Auth{AuthNone, "1"} },
		"with VRRP version 3":            func(_ *Config, r *Router) { r.Version, r.Auth = 3, Auth{AuthPass, "1"} },
		"nopreempt with state MASTER":    func(_ *Config, r *Router) { r.Preempt, r.Priority = false, 255 },
		"preempt_delay 16m41s":           func(_ *Config, r *Router) { r.PreemptDelay = 1001 * time.Second },
		"preempt_delay with nopreempt":   func(_ *Config, r *Router) { r.PreemptDelay, r.Preempt = time.Second, false },
		"multicast group 10.0.0.1":       func(_ *Config, r *Router) { r.Group = netip.MustParseAddr("10.0.0.1") },
		"multicast group invalid":        func(_ *Config, r *Router) { r.Group = netip.Addr{} },
		"source address 224.0.0.1":       func(_ *Config, r *Router) { r.Source = netip.MustParseAddr("224.0.0.1") },
		"garp_lower_prio_repeat -1":      func(_ *Config, r *Router) { r.GARP.LowerRepeat = -1 },
		"delay of the start":             func(c *Config, _ *Router) { c.Global.StartupDelay = -1 },
		"preferred_lft 1ms":              func(_ *Config, r *Router) { r.Addresses[0].Preferred = Lifetime{true, time.Millisecond} },
		"down_timer_adverts 0":           func(_ *Config, r *Router) { r.DownAdverts = 0 },
		"repeats of gratuitous ARP":      func(_ *Config, r *Router) { r.GARP.MasterRepeat = 0 },
		"delays of gratuitous ARP":       func(_ *Config, r *Router) { r.GARP.Refresh = -1 },
		"no address":                     func(_ *Config, r *Router) { r.Addresses = nil },
		"expected IPv4":                  func(_ *Config, r *Router) { r.Addresses[0].Prefix = netip.MustParsePrefix("fe80::1/64") },
		"127.0.0.1: expected an address": func(_ *Config, r *Router) { r.Addresses[0].Prefix = netip.MustParsePrefix("127.0.0.1/8") },
		"dev \"a/b\"":                    func(_ *Config, r *Router) { r.Addresses[0].Device = "a/b" },
		"label \"eth0:0123456789a\"":     func(_ *Config, r *Router) { r.Addresses[0].Label = "eth0:0123456789a" },
		"is given twice":                 func(_ *Config, r *Router) { r.Addresses = append(r.Addresses, r.Addresses[0]) },
		"brd fe80::1":                    func(_ *Config, r *Router) { r.Addresses[0].Broadcast = netip.MustParseAddr("fe80::1") },
		"is defined twice":               func(c *Config, _ *Router) { c.Routers = append(c.Routers, c.Routers[0]) },
		"virtual_router_id 51 on eth0 is taken by \"VI_1\" at ": func(c *Config, _ *Router) {
			c.Routers = append(c.Routers, c.Routers[0])
			c.Routers[1].Name = "VI_2"
		},
	} {
		cfg := valid()
		spoil(cfg, &cfg.Routers[0])
		diags := Validate(cfg)
		if len(diags) == 0 || diags[0].Severity != Error || !strings.Contains(show(diags), want) {
			t.Errorf("%s: got\n%s", want, show(diags))
		}
	}
}

func TestOneVRIDOnTwoInterfaces(t *testing.T) {
	cfg := valid()
	second := valid().Routers[0]
	second.Name, second.Interface = "VI_2", "eth1"
	second.Addresses = []Address{{Prefix: netip.MustParsePrefix("10.0.1.3/24"), Device: "eth1"}}
	cfg.Routers = append(cfg.Routers, second)
	if diags := Validate(cfg); len(diags) != 0 {
		t.Error(show(diags))
	}
}
