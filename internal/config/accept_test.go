package config

import (
	"strings"
	"testing"
)

// What keepalived makes of accept and no_accept, with and without vrrp_strict:
// vrrp_complete_instance in its vrrp.c.
func TestWhoAcceptsPacketsToTheAddresses(t *testing.T) {
	const strict = "strict_mode\n"
	for statements, want := range map[string]struct {
		accept  bool
		warning string
	}{
		"":                                         {true, ""},
		"accept":                                   {true, ""},
		"no_accept":                                {false, ""},
		"accept\nno_accept":                        {false, ""},
		"no_accept\naccept":                        {true, ""},
		"no_accept\npriority 255":                  {true, "no_accept has no effect"},
		strict + "":                                {false, "every packet to the addresses is dropped"},
		strict + "version 3":                       {false, "every packet to the addresses is dropped"},
		strict + "no_accept":                       {false, ""},
		strict + "accept":                          {false, "accept has no effect with VRRP version 2"},
		strict + "version 3\naccept":               {true, ""},
		strict + "version 3\naccept\nno_accept":    {false, ""},
		strict + "priority 255":                    {true, ""},
		strict + "priority 255\naccept":            {true, ""},
		strict + "priority 255\nno_accept":         {true, "no_accept has no effect"},
		"strict_mode off\naccept":                  {true, ""},
		strict + "version 3\naccept\npriority 254": {true, ""},
	} {
		cfg, diags := Parse("f", []byte(instance(statements)))
		if cfg == nil {
			t.Errorf("%q: %v", statements, diags)
			continue
		}
		if got := cfg.Routers[0].Accept; got != want.accept {
			t.Errorf("%q: Accept is %t", statements, got)
		}
		var said []string
		for _, d := range diags {
			said = append(said, d.String())
		}
		if all := strings.Join(said, "\n"); !strings.Contains(all, want.warning) || want.warning == "" && strings.Contains(all, "accept has no effect") {
			t.Errorf("%q: said %s", statements, all)
		}
	}
}
