package plan

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
)

// parse reads a configuration that has no error.
func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, diags := config.Parse("test.conf", []byte(text))
	if cfg == nil {
		t.Fatal(diags)
	}
	return cfg
}

const (
	one = `vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 100
    virtual_ipaddress {
        10.0.0.3/24
    }
}
`
	two = `vrrp_instance VI_2 {
    interface eth1
    virtual_router_id 51
    priority 100
    virtual_ipaddress {
        10.1.0.3/24
    }
}
`
	script = `vrrp_script check {
    script "/bin/true"
    interval 2
}
`
	key = "0123456789abcdef0123456789abcdeX"
)

func TestDiff(t *testing.T) {
	with := func(line string) string { return strings.Replace(one, "    priority", "    "+line+"\n    priority", 1) }
	v3 := func(text string) string { return "global_defs {\n vrrp_version 3\n}\n" + text }
	for name, c := range map[string]struct {
		from, to string
		want     string // lines of the plan, and what follows
		areas    Area
	}{
		"nothing":           {one + two, one + two, "", 0},
		"moved in the file": {one + two, "# a comment\n\n" + two + one, "", 0},
		"with other words":  {one, with("state BACKUP"), "", 0},
		"routes moved in the file": {with("virtual_routes {\n10.9.0.0/16 nexthop via 10.0.0.8 nexthop via 10.0.0.9\n}\nvirtual_rules {\ntable 5 preference 5\n}"),
			"# a comment\n\n" + with("virtual_routes {\n10.9.0.0/16 nexthop via 10.0.0.8 nexthop via 10.0.0.9\n}\nvirtual_rules {\ntable 5 preference 5\n}"), "", 0},
		"another route":           {with("virtual_routes {\n10.9.0.0/16 dev eth0 mtu 1400\n}"), with("virtual_routes {\n10.9.0.0/16 dev eth0 mtu 1300\n}"), "(VI_1) changed: virtual_routes", Routing},
		"static routes":           {one, "static_routes {\n10.9.0.0/16 dev eth0\n}\n" + one, "static addresses, routes and rules changed", 0},
		"added":                   {one, one + two, "(VI_2) added", 0},
		"removed":                 {one + two, two, "(VI_1) removed", 0},
		"another VRID":            {one, strings.Replace(one, "id 51", "id 52", 1), "(VI_1) removed; (VI_1) added", 0},
		"another interface":       {one, strings.Replace(one, "eth0", "eth2", 1), "(VI_1) removed; (VI_1) added", 0},
		"another name":            {one, strings.Replace(one, "VI_1", "web", 1), "(VI_1, now web) changed: name", Name},
		"names exchanged":         {one + two, strings.NewReplacer("VI_1", "VI_2", "VI_2", "VI_1").Replace(one + two), "(VI_1, now VI_2) changed: name; (VI_2, now VI_1) changed: name", Name},
		"priority":                {one, strings.Replace(one, "ty 100", "ty 101", 1), "(VI_1) changed: priority", Machine},
		"interval":                {one, with("advert_int 2"), "(VI_1) changed: advert_int", Machine},
		"interval for all":        {v3(one), v3(with("advert_int 0.01")), "(VI_1) changed: advert_int", Machine},
		"nopreempt":               {one, with("nopreempt"), "(VI_1) changed: nopreempt", Machine},
		"source":                  {one, with("mcast_src_ip 10.0.0.9"), "(VI_1) changed: mcast_src_ip, unicast_src_ip", Machine},
		"one more address":        {one, strings.Replace(one, "10.0.0.3/24", "10.0.0.3/24\n10.0.0.4/24", 1), "(VI_1) changed: virtual_ipaddress", Addresses | Machine | Tracking},
		"another order":           {strings.Replace(one, "10.0.0.3/24", "10.0.0.3/24\n10.0.0.4/24", 1), strings.Replace(one, "10.0.0.3/24", "10.0.0.4/24\n10.0.0.3/24", 1), "(VI_1) changed: virtual_ipaddress", Addresses | Machine | Tracking},
		"excluded":                {one, with("virtual_ipaddress_excluded {\n10.0.0.9/24\n}"), "(VI_1) changed: virtual_ipaddress_excluded", Addresses | Tracking},
		"use_vmac":                {one, with("use_vmac"), "(VI_1) changed: virtual_ipaddress, use_vmac", Addresses | Machine | Tracking},
		"no_accept":               {v3(one), v3(with("no_accept")), "(VI_1) changed: no_accept", Accept},
		"peers":                   {one, with("unicast_peer {\n10.0.0.7\n}"), "(VI_1) changed: unicast_peer", Peers},
		"password":                {one, with("authentication {\nauth_type PASS\nauth_pass x\n}"), "(VI_1) changed: authentication", Auth},
		"another key":             {with("auth_hmac {\nkey 1 " + key + "\nactive_key 1\n}"), with("auth_hmac {\nkey 1 " + key + "Y\nactive_key 1\n}"), "(VI_1) changed: auth_hmac", Auth},
		"the same key":            {with("auth_hmac {\nkey 1 " + key + "\nactive_key 1\n}"), with("auth_hmac {\nactive_key 1\nkey 1 " + key + "\n}"), "", 0},
		"version":                 {one, v3(one), "(VI_1) begun anew: version", Begin},
		"notify":                  {one, with(`notify_master "/bin/true"`), "(VI_1) changed: notify", Notify},
		"garp":                    {one, with("garp_master_refresh 5"), "(VI_1) changed: garp", Announce},
		"a script is tracked":     {one + script, with("track_script {\ncheck\n}") + script, "(VI_1) changed: track_script", Tracking},
		"another weight":          {with("track_script {\ncheck\n}") + script, with("track_script {\ncheck weight -5\n}") + script, "(VI_1) changed: track_script", Tracking},
		"a script runs otherwise": {with("track_script {\ncheck\n}") + script, with("track_script {\ncheck\n}") + strings.Replace(script, "al 2", "al 3", 1), "vrrp_script check begun anew", 0},
		"as another user":         {one + script, "global_defs {\nscript_user nobody\n}\n" + one + script, "vrrp_script check begun anew", 0},
		"metrics":                 {one, "global_defs {\nvrrpx_metrics :9652\n}\n" + one, "vrrpx_metrics changed", 0},
		"metrics moved in file":   {"global_defs {\nvrrpx_metrics :9652\n}\n" + one, "\nglobal_defs {\nvrrpx_metrics :9652\n}\n" + one, "", 0},
		"a start's own":           {one, "global_defs {\nvrrp_startup_delay 7\n}\n" + one, "at the next start: vrrp_startup_delay", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := Diff(parse(t, c.from), parse(t, c.to))
			lines := p.Lines()
			for _, keyword := range p.Restart {
				lines = append(lines, "at the next start: "+keyword)
			}
			if got := strings.Join(lines, "; "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if p.Empty() != (c.want == "") {
				t.Errorf("empty: %v", p.Empty())
			}
			for _, ch := range p.Changed {
				if ch.Areas != c.areas {
					t.Errorf("areas %b, want %b", ch.Areas, c.areas)
				}
			}
			if routers := len(parse(t, c.to).Routers); p.Untouched+len(p.Changed)+len(p.Added) != routers {
				t.Errorf("%d untouched, %d changed, %d added of %d", p.Untouched, len(p.Changed), len(p.Added), routers)
			}
		})
	}
}

// A field that nobody has thought of would be changed by a restart alone, and
// no operator would learn why.
func TestEveryFieldHasItsPlace(t *testing.T) {
	var router, global []string
	for i := range reflect.TypeFor[config.Router]().NumField() {
		router = append(router, reflect.TypeFor[config.Router]().Field(i).Name)
	}
	for i := range reflect.TypeFor[config.Global]().NumField() {
		if f := reflect.TypeFor[config.Global]().Field(i); f.IsExported() {
			global = append(global, f.Name)
		}
	}
	for _, name := range router {
		if _, ok := fields[name]; !ok {
			t.Errorf("config.Router.%s: say in fields what a change of it is", name)
		}
	}
	for name := range fields {
		if !slices.Contains(router, name) {
			t.Errorf("there is no config.Router.%s", name)
		}
	}
	for _, name := range global {
		if _, ok := globals[name]; !ok {
			t.Errorf("config.Global.%s: say in globals what a change of it is", name)
		}
	}
	var whole []string
	for i := range reflect.TypeFor[config.Config]().NumField() {
		whole = append(whole, reflect.TypeFor[config.Config]().Field(i).Name)
	}
	if want := []string{"Global", "Routers", "Groups", "Scripts", "Files", "Processes", "Static"}; !slices.Equal(whole, want) {
		t.Errorf("config.Config has %v, Diff compares %v", whole, want)
	}
}

func TestGroupLinesTellOfMembers(t *testing.T) {
	both := config.SyncGroup{Name: "G", Members: []config.GroupMember{{Name: "VI_1"}, {Name: "VI_2"}}}
	other := both
	other.Members = slices.Clone(other.Members[:1])
	same := both
	same.Notify.Any = config.Command{Argv: []string{"/x"}}
	fresh := config.SyncGroup{Name: "N"}
	for _, c := range []struct {
		from, to []config.SyncGroup
		want     string
	}{
		{[]config.SyncGroup{both}, []config.SyncGroup{same}, ""},
		{[]config.SyncGroup{both}, []config.SyncGroup{other, fresh}, "vrrp_sync_group G changed: members; vrrp_sync_group N added"},
		{[]config.SyncGroup{both}, nil, "vrrp_sync_group G removed"},
	} {
		if got := strings.Join(GroupLines(c.from, c.to), "; "); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
