package config

import (
	"strings"
	"testing"
	"time"
)

func TestGARPExtraIf(t *testing.T) {
	const unless = "without all it is for interfaces of virtual MACs"
	for _, c := range []struct {
		global, statements string
		want               ExtraGARP
		says               string
	}{
		{"", "", ExtraGARP{}, ""},
		{"", "garp_extra_if all 100", ExtraGARP{100 * time.Second, true}, ""},
		{"", "vmac_garp_intvl 100 all", ExtraGARP{100 * time.Second, true}, ""},
		{"", "garp_extra_if 0", ExtraGARP{}, ""},
		{"", "garp_extra_if 100", ExtraGARP{100 * time.Second, false}, "f:4:1: warning: (VI_1) garp_extra_if has no effect: " + unless},
		{"vrrp_garp_extra_if all 60", "", ExtraGARP{time.Minute, true}, ""},
		{"vrrp_vmac_garp_intvl 60", "", ExtraGARP{time.Minute, false}, "f:2:1: warning: (VI_1) garp_extra_if has no effect"},
		{"vrrp_garp_extra_if all 60", "garp_extra_if 0", ExtraGARP{}, ""},
		{"vrrp_garp_extra_if all 60", "vmac_garp_intvl all 5", ExtraGARP{5 * time.Second, true}, ""},
	} {
		text := instance(c.statements)
		if c.global != "" {
			text = "global_defs {\n" + c.global + "\n}\n" + text
		}
		cfg, diags := Parse("f", []byte(text))
		if cfg == nil || cfg.Routers[0].Extra != c.want || !strings.Contains(show(diags), c.says) || c.says == "" && len(diags) > 0 {
			t.Errorf("%q, %q: %+v, said %q", c.global, c.statements, cfg, show(diags))
		}
	}
	for _, wrong := range []string{"garp_extra_if all", "garp_extra_if 86401", "garp_extra_if -1", "garp_extra_if some 5"} {
		if cfg, diags := Parse("f", []byte(instance(wrong))); cfg != nil || !strings.Contains(show(diags), "expected a whole number of seconds") {
			t.Errorf("%s: said %q", wrong, show(diags))
		}
	}
}
