package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// router reads a configuration of one router with further statements.
func router(t *testing.T, global, instance string) *Router {
	t.Helper()
	src := "global_defs {\n" + global + "\n}\n" + strings.Replace(minimal, "interface", instance+"\ninterface", 1)
	cfg, diags := Parse("f", []byte(src))
	if cfg == nil {
		t.Fatalf("%s%s", src, show(diags))
	}
	return &cfg.Routers[0]
}

func TestDefaultsAreThoseOfKeepalived(t *testing.T) {
	got := *router(t, "", "")
	want := Defaults()
	want.Name, want.Interface, want.VRID = "VI_1", "eth0", 51
	want.Pos, want.Addresses = got.Pos, got.Addresses
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if a := got.Addresses[0]; a.Device != "eth0" || a.Prefix.String() != "10.0.0.3/24" || a.Label != "" || a.Scope != ScopeGlobal || a.Broadcast.IsValid() {
		t.Errorf("%+v", a)
	}
}

// TestInterval has the values that keepalived 2.2.7 shows in its dump.
//
//vrrp:row 8 66
func TestInterval(t *testing.T) {
	for _, c := range []struct {
		version int
		written string
		want    time.Duration
	}{
		{2, "0.4", time.Second}, {2, ".5", time.Second}, {2, "1.", time.Second}, {2, "1.4", time.Second},
		{2, "1.5", 2 * time.Second}, {2, "2.5", 3 * time.Second}, {2, "254.6", 255 * time.Second}, {2, "255", 255 * time.Second},
		{3, "0.01", 10 * time.Millisecond}, {3, "0.0149", 10 * time.Millisecond}, {3, "0.015", 20 * time.Millisecond},
		{3, "0.1", 100 * time.Millisecond}, {3, "40.954", 40950 * time.Millisecond}, {3, "+1", time.Second},
	} {
		r := router(t, "", fmt.Sprintf("version %d\nadvert_int %s", c.version, c.written))
		if r.AdvertInterval != c.want {
			t.Errorf("version %d, advert_int %s: %v, want %v", c.version, c.written, r.AdvertInterval, c.want)
		}
	}
}

//vrrp:row 8 66
func TestIntervalOutOfRangeNamesTheRange(t *testing.T) {
	for _, c := range []struct{ statements, want string }{
		{"advert_int 0", "expected seconds from 0.01 to 255"},
		{"advert_int 0.009", "expected seconds from 0.01 to 255"},
		{"advert_int 255.4", "expected seconds from 0.01 to 255"},
		{"advert_int 1e1", "expected seconds from 0.01 to 255"},
		{"advert_int 99999999999999999999", "expected seconds from 0.01 to 255"},
		{"version 3\nadvert_int 41", "expected 0.01 to 40.95 seconds with VRRP version 3"},
		{"version 3\nadvert_int 40.955", "expected 0.01 to 40.95 seconds with VRRP version 3"},
	} {
		cfg, diags := Parse("f", []byte(strings.Replace(minimal, "interface", c.statements+"\ninterface", 1)))
		if cfg != nil || !strings.Contains(show(diags), c.want) || len(diags) != 1 {
			t.Errorf("%s:\n%s", c.statements, show(diags))
		}
	}
}

func TestGlobalDefaultsHoldWhereverTheyStand(t *testing.T) {
	global := `global_defs {
		vrrp_version 3
		vrrp_skip_check_adv_addr
		vrrp_lower_prio_no_advert
		v3_checksum_as_v2
		vrrp_down_timer_adverts 5
		vrrp_garp_master_delay 1
		vrrp_garp_master_repeat 2
		vrrp_garp_master_refresh 3
		vrrp_garp_master_refresh_repeat 4
		vrrp_garp_lower_prio_delay 6
		vrrp_garp_lower_prio_repeat 7
		vrrp_garp_interval 0.005
		vrrp_gna_interval 0.1
	}
	`
	want := GARP{
		MasterDelay: time.Second, MasterRepeat: 2, Refresh: 3 * time.Second, RefreshRepeat: 4,
		LowerDelay: 6 * time.Second, LowerRepeat: 7, Interval: 5 * time.Millisecond,
	}
	for _, src := range []string{global + minimal, minimal + global} {
		cfg, diags := Parse("f", []byte(src))
		if cfg == nil {
			t.Fatal(show(diags))
		}
		r := cfg.Routers[0]
		if r.Version != 3 || !r.SkipCheckAdvAddr || r.LowerPriorityAdvert || !r.ChecksumPlain || r.DownAdverts != 5 || r.GARP != want || r.GNAInterval != 100*time.Millisecond {
			t.Errorf("%+v", r)
		}
	}
	own := `version 2
		skip_check_adv_addr off
		lower_prio_no_advert no
		v3_checksum_as_v2 false
		down_timer_adverts 3
		garp_master_delay 5
		garp_master_repeat 5
		garp_master_refresh 0
		garp_master_refresh_repeat 1
		garp_lower_prio_delay 5
		garp_lower_prio_repeat 5`
	cfg, diags := Parse("f", []byte(global+strings.Replace(minimal, "interface", own+"\ninterface", 1)))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	want = defaultGARP
	want.Interval = 5 * time.Millisecond // there is no keyword of the router's own
	if r := cfg.Routers[0]; r.Version != 2 || r.SkipCheckAdvAddr || !r.LowerPriorityAdvert || r.ChecksumPlain || r.DownAdverts != 3 || r.GARP != want {
		t.Errorf("%+v", r)
	}
}

func TestMinGARP(t *testing.T) {
	for _, c := range []struct {
		global, instance string
		delay            time.Duration
		repeat           int
	}{
		{"vrrp_min_garp", "", 0, 1},
		{"vrrp_min_garp off", "", 5 * time.Second, 5},
		{"vrrp_garp_master_repeat 3\nvrrp_min_garp", "", 0, 3},
		{"vrrp_min_garp\nvrrp_garp_master_repeat 3\nvrrp_garp_master_delay 4", "", 4 * time.Second, 3},
		{"vrrp_min_garp", "garp_master_repeat 3", 0, 3},
	} {
		if g := router(t, c.global, c.instance).GARP; g.MasterDelay != c.delay || g.MasterRepeat != c.repeat {
			t.Errorf("%q %q: %+v", c.global, c.instance, g)
		}
	}
}

//vrrp:row 6
func TestMasterWithoutPriorityIsTheOwner(t *testing.T) {
	if r := router(t, "", "state MASTER"); r.Priority != 255 || r.State != Master {
		t.Errorf("%+v", r)
	}
	if r := router(t, "", "state MASTER\npriority 150"); r.Priority != 150 || r.State != Master {
		t.Errorf("%+v", r)
	}
	if r := router(t, "", "state BACKUP"); r.Priority != 100 {
		t.Errorf("%+v", r)
	}
}

//vrrp:row 54
func TestPreempt(t *testing.T) {
	for statements, want := range map[string]bool{
		"":                            true,
		"nopreempt":                   false,
		"preempt\nnopreempt":          false,
		"nopreempt\npreempt":          true,
		"nopreempt\npriority 255":     true,
		"nopreempt\nstate MASTER":     true,
		"state BACKUP\nnopreempt":     false,
		"nopreempt\nversion 3":        false,
		"nopreempt\nstrict_mode":      false,
		"state BACKUP\npriority 254":  true,
		"state MASTER\npriority 100":  true,
		"priority 255\nstate BACKUP ": true,
	} {
		if r := router(t, "", statements); r.Preempt != want {
			t.Errorf("%q: %v", statements, r.Preempt)
		}
	}
}

// TestStrict has the values that keepalived 2.2.7 shows in its dump.
func TestStrict(t *testing.T) {
	pass := "\nauthentication {\nauth_type PASS\nauth_pass 1111\n}"
	for _, c := range []struct {
		global, instance string
		strict           bool
		state            string
	}{
		{"vrrp_strict", "state MASTER\npriority 150\ndown_timer_adverts 5\nlower_prio_no_advert off" + pass, true, Backup},
		{"vrrp_strict\nvrrp_down_timer_adverts 7", "priority 255" + pass, true, Master},
		{"vrrp_strict", "state MASTER" + pass, true, Master},
		{"", "strict_mode" + pass, true, Backup},
		{"vrrp_strict", "strict_mode off\nstate MASTER\npriority 150" + pass, false, Master},
		{"vrrp_strict off", pass, false, Backup},
	} {
		r := router(t, c.global, c.instance)
		if r.Strict != c.strict || r.State != c.state {
			t.Errorf("%q %q: strict %v, state %s", c.global, c.instance, r.Strict, r.State)
		}
		if c.strict == (r.Auth.Type == AuthPass) || c.strict == r.LowerPriorityAdvert || r.DownAdverts != 3 {
			t.Errorf("%q %q: %+v", c.global, c.instance, r)
		}
	}
}

// TestPassword has the bytes that keepalived 2.2.7 puts into its adverts.
//
//vrrp:row 67
func TestPassword(t *testing.T) {
	for written, want := range map[string]string{
		`1111`: "1111", `12345678`: "12345678", `123456789`: "12345678", `"a b"`: "a b", `'a b'`: "'a", `'a'b`: "'a'b",
		`a\b`: `a\b`, `a"b"c`: "a", `"a\\b"`: `a\\b`, `"a#b!"`: "a#b!", `a'b`: "a'b", `"a{b}"`: "a{b}", `"a\tb"`: `a\tb`, `a\#b`: "a#b",
		`$x`: "$x",
	} {
		r := router(t, "", "authentication {\nauth_type PASS\nauth_pass "+written+"\n}")
		if r.Auth.Type != AuthPass || r.Auth.Pass.Reveal() != want {
			t.Errorf("auth_pass %s: %v %q, want %q", written, r.Auth.Type, r.Auth.Pass.Reveal(), want)
		}
	}
}

func TestPasswordOnlyWhereItApplies(t *testing.T) {
	for _, instance := range []string{
		"authentication {\n}",
		"authentication {\nauth_pass 1111\n}",
		"version 3\nauthentication {\nauth_type PASS\nauth_pass 1111\n}",
	} {
		if r := router(t, "", instance); r.Auth != (Auth{}) {
			t.Errorf("%q: %v %q", instance, r.Auth.Type, r.Auth.Pass.Reveal())
		}
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	r := router(t, "", "authentication {\nauth_type PASS\nauth_pass hush\n}")
	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&printed, verb, r)
		fmt.Fprintf(&printed, verb, r.Auth.Pass)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(b)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "router", r, "pass", r.Auth.Pass)
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("x", "router", r, "pass", r.Auth.Pass)
	fmt.Fprint(&printed, r.Auth.Pass, r.Auth.Pass.String())
	for _, s := range []string{"hush", fmt.Sprintf("%x", "hush")} {
		if strings.Contains(printed.String(), s) {
			t.Errorf("%s in %s", s, printed.String())
		}
	}
	if n := strings.Count(printed.String(), redacted); n < 20 {
		t.Errorf("redacted %d times:\n%s", n, printed.String())
	}
}

func TestMailIsRead(t *testing.T) {
	cfg, diags := Parse("f", []byte("global_defs {\nnotification_email {\na@b c@d\n}\nnotification_email_from e@f\nsmtp_server mail 587\nsmtp_connect_timeout 5\nrouter_id \"lb 01\"\n}\n"+minimal))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	g := cfg.Global
	if strings.Join(g.Mail.To, " ") != "a@b c@d" || g.Mail.From != "e@f" || g.Mail.Server != "mail" || g.Mail.Port != 587 || g.Mail.Timeout != 5*time.Second || g.RouterID != "lb 01" {
		t.Errorf("%+v", g)
	}
	for src, want := range map[string]int{"smtp_alert": 1, "smtp_alert off": 0, "smtp_alert_vrrp no": 0} {
		if _, diags := Parse("f", []byte("global_defs {\n"+src+"\n}\n"+minimal)); len(diags) != want {
			t.Errorf("%s: %s", src, show(diags))
		}
	}
}

//vrrp:row 7
func TestAddressesKeepTheirOrder(t *testing.T) {
	r := router(t, "", "virtual_ipaddress {\n10.0.0.9\n10.0.0.1/8 dev eth1 scope site\n}")
	var got []string
	for _, a := range r.Addresses {
		got = append(got, fmt.Sprintf("%v %s %v", a.Prefix, a.Device, a.Scope))
	}
	if want := "[10.0.0.9/32 eth0 global 10.0.0.1/8 eth1 site 10.0.0.3/24 eth0 global]"; fmt.Sprint(got) != want {
		t.Errorf("%v", got)
	}
}

func TestAddressCount(t *testing.T) {
	for n, accepted := range map[int]bool{255: true, 256: false} {
		var lines strings.Builder
		for i := range n {
			fmt.Fprintf(&lines, "10.1.%d.%d\n", i/250, i%250+1)
		}
		if cfg, diags := Parse("f", []byte(strings.Replace(minimal, "10.0.0.3/24\n", lines.String(), 1))); (cfg != nil) != accepted {
			t.Errorf("%d: %s", n, show(diags))
		}
	}
}
