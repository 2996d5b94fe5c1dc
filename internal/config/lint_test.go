package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every lint, with the line that it names and a word on what to do.
func TestWhatHurtsPeopleIsToldByPlace(t *testing.T) {
	const globals = "global_defs {\nvrrp_strict\n}\n"
	for name, c := range map[string]struct{ text, want, hint string }{
		"strict":                  {globals + minimal, "f:2:1: warning: vrrp_strict: ", "remove it"},
		"strict answers no ping":  {globals + minimal, "they route, and answer neither ping nor any service", ""},
		"MASTER with nopreempt":   {instance("state MASTER\npriority 150\nnopreempt"), "f:6:1: warning: (VI_1) nopreempt has no effect with state MASTER", "state BACKUP on every host"},
		"preempt_delay of MASTER": {instance("state MASTER\npriority 150\npreempt_delay 5"), "f:6:1: warning: (VI_1) preempt_delay has no effect with state MASTER", "state BACKUP on every host"},
		"a long password":         {auth("auth_type PASS\nauth_pass 123456789"), "f:6:11: warning: (VI_1) auth_pass is cut to its first 8 bytes", "shorten it on every host"},
		"an interval of v2":       {instance("advert_int 0.4"), "f:4:1: warning: (VI_1) adverts go out every 1 s, not 0.4", "use version 3"},
		"an interval of v3":       {instance("version 3\nadvert_int 0.015"), "f:5:1: warning: (VI_1) adverts go out every 0.02 s, not 0.015", "steps of 0.01"},
		"repeats under strict":    {instance("strict_mode\ngarp_lower_prio_repeat 3"), "f:5:1: warning: (VI_1) vrrp_strict: garp_lower_prio_repeat is 0", "or vrrp_strict"},
		"a script nobody tracks":  {scriptGlobals + "vrrp_script s {\nscript /bin/true\n}\n" + minimal, `f:5:1: warning: vrrp_script "s" never runs`, "track_script { s }"},
		"a sum above the range":   {scripts("weight 50", "check\n}\npriority 240\ntrack_interface {\neth1 weight 40"), `: warning: (VI_1) that "eth1" alone fails changes nothing: the priority is 254 before and after, since 330 and 290`, "below 255"},
		"scripts of root":         {tutorialLB01, "f:5:8: notice: scripts run as root, unless the host has a user keepalived_script", "enable_script_security"},
		"a router without one":    {tutorialLB01, "f:9:1: notice: VI_1: no script is tracked, though others here do", "every vrrp_instance"},
		"the mirrored file":       {tutorialLB02, `: warning: (VI_2) when "check_web" alone fails nothing moves: 250-50 = 200, not below the 200 that the other host has if it mirrors this file, with priority 100 as VI_1`, "which is 50; vrrpx check --peer FILE"},
	} {
		_, diags := Parse("f", []byte(c.text))
		i := slices.IndexFunc(diags, func(d Diagnostic) bool { return strings.Contains(d.String(), c.want) })
		if i < 0 || !strings.Contains(diags[i].Hint, c.hint) {
			t.Errorf("%s: want %q with hint %q in\n%s", name, c.want, c.hint, show(diags))
		}
	}
	twice := minimal + strings.NewReplacer("VI_1", "VI_2", "10.0.0.3", "10.0.0.4").Replace(minimal)
	if _, diags := Parse("f", []byte(twice)); !strings.Contains(show(diags), "error: (VI_2) virtual_router_id 51 on eth0 is taken by \"VI_1\" at f:1:1") {
		t.Errorf("the same VRID twice: %s", show(diags))
	}
}

// A good pair is not complained of: not one warning.
func TestGoodFilesAreNotComplainedOf(t *testing.T) {
	good := strings.NewReplacer("weight 50", "weight 60").Replace
	for name, text := range map[string]string{
		"plain":               minimal,
		"dual master":         strings.Replace(good(tutorialLB01), "check_web\n}\n}", "check_web\n}\n}\n", 1),
		"a weight subtracted": scripts("weight -60", "check\n}\nstate MASTER\npriority 150\ntrack_interface {\neth1"),
		"a fault":             scripts("", "check\n}\nstate MASTER\npriority 150\ntrack_interface {\neth1"),
		"a reversed weight":   scripts("weight 10 reverse", ""),
		"a group":             "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n" + scripts("", "") + strings.NewReplacer("VI_1", "VI_2", "51", "52", "0.3", "0.4").Replace(minimal),
		"two scripts":         scripts("interval 2\n}\nvrrp_script more {\nscript /bin/true\ninterval 2", "check\nmore"),
	} {
		_, diags := Parse("f", []byte(text))
		for _, d := range diags {
			if d.Severity != Notice {
				t.Errorf("%s: %v", name, d)
			}
		}
	}
}

// tutorialLB01 and tutorialLB02 are the files of chapter 7 of the tutorial.
const (
	tutorialScript = "vrrp_script check_web {\nscript \"/server/scripts/check_web.sh\"\ninterval 5\nweight 50\n}\n"
	tutorialLB01   = "global_defs {\nrouter_id lb01\n}\n" + tutorialScript +
		"vrrp_instance VI_1 {\nstate MASTER\ninterface eth0\nvirtual_router_id 50\npriority 150\nadvert_int 1\nauthentication {\nauth_type PASS\nauth_pass 1111\n}\nvirtual_ipaddress {\n10.0.0.3\n}\n}\n" +
		"vrrp_instance VI_2 {\nstate BACKUP\ninterface eth1\nvirtual_router_id 55\npriority 100\nadvert_int 1\nauthentication {\nauth_type PASS\nauth_pass 2222\n}\nvirtual_ipaddress {\n172.16.1.4\n}\ntrack_script {\ncheck_web\n}\n}\n"
	tutorialLB02 = "global_defs {\nrouter_id lb02\n}\n" + tutorialScript +
		"vrrp_script check_brain {\nscript \"/server/scripts/check_split_brain.sh\"\ninterval 5\nweight 50\n}\n" +
		"vrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 50\npriority 100\nadvert_int 1\nauthentication {\nauth_type PASS\nauth_pass 1111\n}\nvirtual_ipaddress {\n10.0.0.3\n}\n}\n" +
		"vrrp_instance VI_2 {\nstate MASTER\ninterface eth1\nvirtual_router_id 55\npriority 150\nadvert_int 1\nauthentication {\nauth_type PASS\nauth_pass 2222\n}\nvirtual_ipaddress {\n172.16.1.4\n}\ntrack_script {\ncheck_web\ncheck_brain\n}\n}\n"
)

// compared is what is said of two files beyond what each says of itself.
func compared(t *testing.T, ours, theirs string) (text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{"a": ours, "b": theirs} {
		if err := os.WriteFile(filepath.Join(".", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, diags := LoadPair("a", "", "b", "")
	if cfg == nil {
		t.Fatal(show(diags))
	}
	_, alone := Load("a", "")
	var b strings.Builder
	for _, d := range diags {
		if !slices.Contains(alone, d) {
			b.WriteString(d.String() + "\n  " + d.Hint + "\n")
		}
	}
	return b.String()
}

func TestTwoHostsThatDoNotFit(t *testing.T) {
	const apart = "both are MASTER"
	with := func(lines string) string { return instance("state BACKUP\n" + lines) }
	weighted := func(priority, weight string) string {
		return scripts("weight "+weight, "check\n}\npriority "+priority+"\nnotify_stop /bin/true\ntrack_interface {\neth1")
	}
	hmac := func(key string) string {
		return with("priority 90\nversion 3\nauth_hmac {\nkey 1 ascii:" + key + "\nactive_key 1\n}")
	}
	two := func(priority string) string {
		return with("priority "+priority) + strings.NewReplacer("VI_1", "VI_2", "51", "52", "0.3", "0.4").Replace(with("priority "+priority))
	}
	group := func(names ...string) string {
		return "vrrp_sync_group G {\ngroup {\n" + strings.Join(names, "\n") + "\n}\n}\n"
	}
	const key1, key2 = "abcdefghijklmnopqrstuvwxyz0123456789", "bbcdefghijklmnopqrstuvwxyz0123456789"
	for name, c := range map[string]struct{ ours, theirs, want string }{
		"router_id":        {"global_defs {\nrouter_id lb01\n}\n" + with("priority 150"), "global_defs {\nrouter_id lb01\n}\n" + with("priority 90"), `a: warning: router_id is "lb01" on both hosts`},
		"VRID":             {with("priority 150"), strings.Replace(with("priority 90"), "51", "52", 1), "a:3:1: warning: (VI_1) virtual_router_id 51, and 52 at b:3:1: neither hears the other, and " + apart},
		"one router more":  {with("priority 150") + strings.NewReplacer("VI_1", "VI_2", "51", "52", "0.3", "0.4").Replace(with("")), with("priority 90"), "(VI_2) virtual_router_id 52 is not in the other host's file"},
		"one router less":  {with("priority 90"), with("priority 150") + strings.NewReplacer("VI_1", "VI_2", "51", "52", "0.3", "0.4").Replace(with("")), ":10:1: warning: (VI_2) virtual_router_id 52 is not in the other host's file"},
		"version":          {with("priority 150"), with("priority 90\nversion 3"), "(VI_1) version 2, and 3 at b:6:1: each drops what the other sends, and " + apart},
		"interval of v2":   {with("priority 150\nadvert_int 2"), with("priority 90"), "a:6:1: warning: (VI_1) advert_int 2, and 1 at b:1:1: each drops"},
		"interval of v3":   {with("priority 150\nversion 3\nadvert_int 2"), with("priority 90\nversion 3"), "each uses its own while it is MASTER"},
		"password":         {with("priority 150\nauthentication {\nauth_type PASS\nauth_pass 1111\n}"), with("priority 90\nauthentication {\nauth_type PASS\nauth_pass 2222\n}"), "a:8:1: warning: (VI_1) auth_pass is not the one at b:8:1: each drops"},
		"authentication":   {with("priority 150\nauthentication {\nauth_type PASS\nauth_pass 1111\n}"), with("priority 90"), "(VI_1) authentication PASS, and none at b:1:1"},
		"strict":           {"global_defs {\nvrrp_strict\n}\n" + with("priority 150\nauthentication {\nauth_type PASS\nauth_pass 1111\n}"), with("priority 90\nauthentication {\nauth_type PASS\nauth_pass 1111\n}"), "(VI_1) authentication none, and PASS"},
		"key":              {strings.Replace(hmac(key1), "90", "150", 1), hmac(key2), "auth_hmac has not the keys of that"},
		"key of one":       {strings.Replace(hmac(key1), "90", "150", 1), with("priority 90\nversion 3"), "auth_hmac on one host alone"},
		"group":            {with("priority 150\nmcast_dst_ip 224.0.0.81"), with("priority 90"), "multicast group 224.0.0.81, and 224.0.0.18 at b:1:1: neither hears the other"},
		"unicast of one":   {with("priority 150\nunicast_peer {\n10.0.0.6\n}"), with("priority 90"), "unicast on one host, multicast on the other"},
		"no peer":          {with("priority 150\nunicast_peer {\n10.0.0.7\n}"), with("priority 90\nunicast_src_ip 10.0.0.6\nunicast_peer {\n10.0.0.5\n}"), "the other host speaks from 10.0.0.6, given at b:6:1, which is no peer here"},
		"an address more":  {strings.Replace(with("priority 150"), "10.0.0.3/24", "10.0.0.3/24\n10.0.0.4", 1), with("priority 90"), "(VI_1) the other host does not have 10.0.0.4: it is gone after a takeover"},
		"an address less":  {with("priority 150"), strings.Replace(with("priority 90"), "10.0.0.3/24", "10.0.0.3/24\n10.0.0.4", 1), "b:8:1: warning: (VI_1) the other host does not have 10.0.0.4"},
		"one priority":     {with("priority 150"), with("priority 150"), "a:5:1: warning: (VI_1) priority 150, and the same at b:5:1"},
		"nopreempt":        {with("priority 150\nnopreempt"), with("priority 90\nnopreempt"), "nopreempt on both hosts: the addresses stay where they are"},
		"nopreempt there":  {weighted("150", "-60"), with("priority 100\nnopreempt"), `the weight of "check" moves nothing: VI_1 has nopreempt at b:6:1`},
		"too small":        {weighted("150", "-20"), with("priority 100"), `(VI_1) when "check" alone fails nothing moves: 150-20 = 130, still above the other host's 100 at b:5:1` + "\n  31 more will do"},
		"an equal":         {weighted("150", "50"), weighted("100", "50"), `nothing moves: 200-50 = 150, no lower than the other host's 150`},
		"there":            {with("priority 100"), weighted("150", "-20"), "150-20 = 130, still above the other host's 100 at a:5:1"},
		"groups":           {group("VI_1", "VI_2") + two("150"), two("90"), "a:7:1: warning: (VI_1) is in the sync group \"G\", and alone on the other host, at b:1:1"},
		"the tutorial":     {tutorialLB01, tutorialLB02, `(VI_2) when "check_web" alone fails nothing moves: 250-50 = 200, still above the other host's 150`},
		"the tutorial, 2":  {tutorialLB01, tutorialLB01, `router_id is "lb01" on both hosts`},
		"the tutorial's 3": {tutorialLB02, tutorialLB02, "priority 100, and the same"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := compared(t, c.ours, c.theirs); !strings.Contains(got, c.want) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
		})
	}
	fine := map[string][2]string{
		"priorities apart": {with("priority 150"), with("priority 90")},
		"another name":     {with("priority 150"), strings.ReplaceAll(with("priority 90"), "eth0", "ens3")},
		"subtracted":       {weighted("150", "-60"), weighted("100", "-60")},
		"added":            {weighted("150", "51"), weighted("100", "51")},
		"a fault":          {weighted("150", "0"), weighted("100", "0")},
		"groups":           {group("VI_1", "VI_2") + two("150"), strings.ReplaceAll(group("VI_2", "VI_1")+two("90"), "VI_2", "other")},
		"keys":             {strings.Replace(hmac(key1), "90", "150", 1), hmac(key1)},
		"unicast":          {with("priority 150\nunicast_src_ip 10.0.0.5\nunicast_peer {\n10.0.0.6\n}"), with("priority 90\nunicast_src_ip 10.0.0.6\nunicast_peer {\n10.0.0.5\n}")},
	}
	for name, c := range fine {
		t.Run(name, func(t *testing.T) {
			if got := compared(t, c[0], c[1]); got != "" {
				t.Errorf("said %s", got)
			}
		})
	}
}

func TestPairWithABadFile(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"good": minimal, "bad": "vrrp_instance {\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range [][2]string{{"good", "bad"}, {"bad", "good"}, {"good", "missing"}} {
		cfg, diags := LoadPair(c[0], "", c[1], "")
		if cfg != nil || !strings.Contains(show(diags), "error: ") {
			t.Errorf("%v: %s", c, show(diags))
		}
	}
}

func TestMemberOfAGroupThatTracksNeedsNoScript(t *testing.T) {
	text := scripts("", "") + strings.NewReplacer("VI_1", "VI_2", "51", "52", "0.3", "0.4").Replace(minimal)
	const said = "VI_2: no script is tracked"
	if _, diags := Parse("f", []byte(text)); !strings.Contains(show(diags), said) {
		t.Errorf("without a group: %s", show(diags))
	}
	if _, diags := Parse("f", []byte("vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n"+text)); strings.Contains(show(diags), said) {
		t.Errorf("in a group: %s", show(diags))
	}
}
