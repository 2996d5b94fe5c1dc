package config

import (
	"strings"
	"testing"
)

func TestFIFOs(t *testing.T) {
	cfg, diags := Parse("x.conf", []byte(`global_defs {
	notify_fifo /run/a.fifo nobody nogroup
	notify_fifo_script "/bin/reader one 'two three'" nobody
	vrrp_notify_fifo "/run/../run/b.fifo"
	fifo_write_vrrp_states_on_reload
	vrrp_notify_priority_changes
}
vrrp_instance A {
	interface eth0
	virtual_router_id 1
	no_virtual_ipaddress
	notify_priority_changes off
}
vrrp_instance B {
	interface eth0
	virtual_router_id 2
	no_virtual_ipaddress
}
`))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	g := cfg.Global
	if f := g.NotifyFIFO; f.Path != "/run/a.fifo" || f.User != "nobody" || f.Group != "nogroup" ||
		strings.Join(f.Script.Argv, "|") != "/bin/reader|one|two three" || f.Script.User != "nobody" {
		t.Errorf("notify_fifo %+v", f)
	}
	if f := g.VRRPNotifyFIFO; f.Path != "/run/b.fifo" || f.User != "" || len(f.Script.Argv) > 0 {
		t.Errorf("vrrp_notify_fifo %+v", f)
	}
	if !g.FIFOStatesOnReload || cfg.Routers[0].NotifyPriorityChanges || !cfg.Routers[1].NotifyPriorityChanges {
		t.Errorf("states on reload %v, priority changes %v", g.FIFOStatesOnReload, cfg.Routers)
	}
}

func TestFIFOsThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"notify_fifo fifo":                                        `x.conf:2:13: error: notify_fifo "fifo": expected the absolute path`,
		"notify_fifo /run/":                                       `error: notify_fifo "/run/": expected the absolute path`,
		"notify_fifo":                                             "error: notify_fifo: expected a value",
		"notify_fifo /a\nvrrp_notify_fifo /a\n":                   `x.conf:3:18: warning: vrrp_notify_fifo "/a" has no effect: notify_fifo names it too`,
		"vrrp_notify_fifo_script /bin/x":                          "warning: vrrp_notify_fifo_script has no effect without vrrp_notify_fifo",
		"notify_fifo /a\nnotify_fifo_script \"/bin/x 'b\"":        "error: notify_fifo_script: a quote in it is never closed",
		"vrrp_notify_priority_changes maybe":                      `error: vrrp_notify_priority_changes "maybe": expected on`,
		"notify_fifo_script /bin/x\nnotify_fifo /a user group\n{": "error: notify_fifo has no block",
	} {
		if _, diags := Parse("x.conf", []byte("global_defs {\n"+text+"\n}\n")); !strings.Contains(show(diags), want) {
			t.Errorf("%q: %s\nwant %s", text, show(diags), want)
		}
	}
}
