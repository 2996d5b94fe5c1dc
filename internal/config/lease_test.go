package config

import (
	"strings"
	"testing"
	"time"
)

func TestLease(t *testing.T) {
	const fast = "version 3\nadvert_int 0.01\npriority 150\n"
	for _, c := range []struct {
		global, instance string
		want             time.Duration
		why              string
		pacer            PacerChoice
	}{
		{want: 3609375 * time.Microsecond}, // version 2, 1 s, priority 100
		{instance: fast, want: 2 * time.Second},
		{instance: fast + "vrrpx_lease 0.2", want: 200 * time.Millisecond},
		{instance: fast + "vrrpx_lease 0", why: "vrrpx_lease 0"},
		{instance: "version 3\nadvert_int 0.1\ndown_timer_adverts 30", want: 3060937500 * time.Nanosecond},
		{instance: "advert_int 2", why: "the master-down interval, 6.609375 s, is longer than the longest lease"},
		{instance: "version 3\nadvert_int 2", why: "the master-down interval, 7.21875 s"},
		{global: "vrrpx_lease 4", want: 4 * time.Second},
		{global: "vrrpx_lease 4", instance: fast, want: 4 * time.Second},
		{global: "vrrpx_lease 4", instance: "vrrpx_lease 5", want: 5 * time.Second},
		{global: "vrrpx_lease 4", instance: "advert_int 2", why: "the master-down"},
		{global: "vrrpx_lease 0", why: "vrrpx_lease 0"},
		{global: "vrrpx_pacer thread", instance: fast, want: 2 * time.Second, pacer: PacerThread},
		{global: "vrrpx_pacer thread", instance: fast + "vrrpx_pacer kernel", want: 2 * time.Second, pacer: PacerKernel},
		{instance: fast + "vrrpx_pacer auto", want: 2 * time.Second},
		{global: "vrrpx_pacer kernel", instance: fast, want: 2 * time.Second, pacer: PacerKernel},
		{global: "vrrpx_pacer kernel", instance: "advert_int 2", why: "the master-down"}, // as far as it can
		{global: "vrrpx_pacer kernel", instance: "authentication {\nauth_type AH\nauth_pass x\n}", want: 3609375 * time.Microsecond},
	} {
		r := router(t, c.global, c.instance)
		got, why := r.LeaseTime()
		if got != c.want || !strings.HasPrefix(why, c.why) || (why == "") != (c.why == "") || r.Pacer != c.pacer {
			t.Errorf("%q %q: lease %v (%s), pacer %v; want %v (%s), %v", c.global, c.instance, got, why, r.Pacer, c.want, c.why, c.pacer)
		}
		if d := Validate(&Config{Routers: []Router{*r}}); len(d) > 0 {
			t.Errorf("%q %q: validated: %s", c.global, c.instance, show(d))
		}
	}
}

func TestLeaseThatMakesNoSense(t *testing.T) {
	const fast = "version 3\nadvert_int 0.1\n"
	for _, c := range []struct{ text, want, hint string }{
		{instance(fast + "vrrpx_lease 0.3"), "f:6:1: error: (VI_1) vrrpx_lease 0.3: shorter than the master-down interval, 0.3609375 s", "at least as long"},
		{instance("vrrpx_lease 3.6"), "f:4:1: error: (VI_1) vrrpx_lease 3.6: shorter than the master-down interval, 3.609375 s", "remove it"},
		{instance(fast + "vrrpx_lease 5.001"), `f:6:13: error: vrrpx_lease "5.001": expected seconds from 0 to 5`, ""},
		{instance("vrrpx_lease -1"), `f:4:13: error: vrrpx_lease "-1": expected seconds from 0 to 5`, ""},
		{instance("vrrpx_lease"), "f:4:1: error: vrrpx_lease: expected a value after it", ""},
		{instance("advert_int 2\nvrrpx_lease 5"), "f:5:1: error: (VI_1) vrrpx_lease 5: the master-down interval is 6.609375 s, and no lease may be shorter than that or longer than 5 s", "remove it"},
		{"global_defs {\nvrrpx_lease 1\n}\n" + minimal, "f:2:1: error: (VI_1) vrrpx_lease 1: shorter than the master-down interval", "at least as long"},
		{instance(fast + "vrrpx_lease 2\nvrrpx_pacer thread"), "f:6:1: warning: (VI_1) vrrpx_lease has no effect with vrrpx_pacer thread", "remove one"},
		{instance("vrrpx_pacer bpf"), `f:4:13: error: vrrpx_pacer "bpf": expected auto or kernel or thread`, ""},
		{instance(fast + "vrrpx_lease 0\nvrrpx_pacer kernel"), "f:7:1: error: (VI_1) vrrpx_pacer kernel: vrrpx_lease 0", "vrrpx_pacer auto"},
		{instance("advert_int 2\nvrrpx_pacer kernel"), "f:5:1: error: (VI_1) vrrpx_pacer kernel: the master-down interval, 6.609375 s, is longer", "vrrpx_pacer auto"},
		{instance("vrrpx_pacer kernel\nauthentication {\nauth_type AH\nauth_pass x\n}"), "f:4:1: error: (VI_1) vrrpx_pacer kernel: signed adverts", "vrrpx_pacer auto"},
	} {
		_, diags := Parse("f", []byte(c.text))
		found := false
		for _, d := range diags {
			found = found || strings.Contains(d.String(), c.want) && strings.Contains(d.Hint, c.hint)
		}
		if !found {
			t.Errorf("want %q with hint %q in\n%s", c.want, c.hint, show(diags))
		}
	}
	r := Defaults()
	r.Name, r.Interface, r.VRID, r.NoAddresses, r.Lease, r.Pacer = "VI_1", "eth0", 1, true, time.Second, 7
	if text := show(Validate(&Config{Routers: []Router{r}})); !strings.Contains(text, "vrrpx_lease 1s: expected 0, or the master-down interval, 3.609375s, to 5s") || !strings.Contains(text, "vrrpx_pacer 7") {
		t.Errorf("validated: %s", text)
	}
}
