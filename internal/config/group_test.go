package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// grouped is a file with a sync group of these statements and two routers with
// statements of their own.
func grouped(group, first, second string) string {
	text := scriptGlobals + "vrrp_script check {\nscript \"/bin/true\"\nweight 10\n}\nvrrp_sync_group G {\n" + group + "\n}\n"
	for i, lines := range []string{first, second} {
		text += fmt.Sprintf("vrrp_instance VI_%d {\ninterface eth%d\nvirtual_router_id %d\n%s\nvirtual_ipaddress {\n10.%d.0.3/24\n}\n}\n", i+1, i, 51+i, lines, i)
	}
	return text
}

const both = "group {\nVI_1\nVI_2\n}\n"

// groupComparisons are those of vrrp_sync_group.
var groupComparisons = []comparison{
	{grouped(both, "", ""), ""},
	{grouped("group {\nVI_1 VI_2\n}", "", ""), ""},
	{grouped("group { VI_1\nVI_2\n}", "", ""), ""},
	{grouped("group {\nVI_1\n}", "", ""), corrected},
	{grouped("group {\n}", "", ""), ""},
	{grouped("", "", ""), ""},
	{grouped("group {\nVI_1\nVI_9\n}", "", ""), ""},
	{grouped("group {\nVI_1\nVI_2\nVI_1\n}", "", ""), ""},
	{grouped(both+"}\nvrrp_sync_group H {\n"+both, "", ""), ""},
	{grouped(both+"}\nvrrp_sync_group G {\n"+both, "", ""), ""},
	{strings.Replace(grouped(both, "", ""), "group G ", "group ", 1), ""},
	{grouped(both+"nonsense", "", ""), ""},
	{grouped(both+"notify \"/bin/true a\" root\nnotify_master /bin/true\nnotify_backup /bin/true\nnotify_fault /bin/true\nnotify_stop /bin/true root root", "", ""), ""},
	{grouped(both+"notify_master", "", ""), ""},
	{grouped(both+"smtp_alert off\nnotify_priority_changes on\nsync_group_tracking_weight", "", ""), ""},
	{grouped(both+"global_tracking", "", ""), corrected},
	{grouped(both+"track_script {\ncheck\n}\ntrack_interface {\nlo weight -5\n}", "", ""), ""},
	{grouped(both+"track_interface {\neth1\n}", "", ""), "it says what is so in any case"},
	{grouped(both+"track_script {\nother\n}", "", ""), ""},
	{grouped(both+"track_script {\ncheck\n}", "track_script {\ncheck weight 5\n}", ""), corrected},
	{grouped(both, "track_script {\ncheck\n}", ""), corrected},
	{grouped(both, "track_script {\ncheck weight 0\n}", ""), ""},
	{grouped(both+"sync_group_tracking_weight", "track_script {\ncheck\n}", ""), ""},
	{grouped(both+"track_script {\ncheck\n}", "priority 255", "priority 255"), corrected},
	{grouped(both, "priority 255", "priority 100"), ""},
	{grouped(both, "nopreempt", ""), ""},
	{grouped(both, "priority 150", "priority 100"), ""},
	{watchedThings + grouped(both+"track_file {\nf\n}\ntrack_process {\np weight -3\n}", "", ""), ""},
}

const watchedThings = "track_file f {\nfile /run/f\nweight 2\n}\nvrrp_track_process p {\nprocess nginx\nweight -20\n}\n"

func TestMembersTrackTheFilesAndProcessesOfTheirGroup(t *testing.T) {
	cfg, diags := Parse("f", []byte(watchedThings+grouped(both+"track_file {\nf\n}\ntrack_process {\np weight -3\n}", "", "")))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	for _, r := range cfg.Routers {
		if len(r.Files) != 1 || r.Files[0].Weight.N != 2 || len(r.Processes) != 1 || r.Processes[0].Weight.N != -3 {
			t.Errorf("%s tracks %+v and %+v", r.Name, r.Files, r.Processes)
		}
	}
}

func TestGroupsAreRead(t *testing.T) {
	cfg, diags := Parse("f", []byte(grouped(both+"notify \"/bin/true a\" root\nnotify_fault /bin/false", "", "")))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	g := cfg.Groups[0]
	names := []string{g.Members[0].Name, g.Members[1].Name}
	if g.Name != "G" || !slices.Equal(names, []string{"VI_1", "VI_2"}) || len(cfg.Groups) != 1 {
		t.Errorf("%+v", g)
	}
	if n := g.Notify; !slices.Equal(n.Any.Argv, []string{"/bin/true", "a"}) || n.Any.User != "root" || n.Fault.Argv[0] != "/bin/false" || n.Master.Argv != nil {
		t.Errorf("%+v", n)
	}
	if cfg.Routers[0].Notify.Any.Argv != nil {
		t.Error("the group's programs are a router's")
	}
}

func TestMembersTrackWhatTheirGroupTracks(t *testing.T) {
	list := func(ts []Track) (s []string) {
		for _, t := range ts {
			s = append(s, fmt.Sprintf("%s %d", t.Name, t.Weight.N))
		}
		return s
	}
	for name, c := range map[string]struct {
		group, own string
		want       [2][]string // of the scripts of both routers
		says       string
	}{
		"the group's":         {"track_script {\ncheck\n}", "", [2][]string{{"check 10"}, {"check 10"}}, ""},
		"its own weight":      {"track_script {\ncheck weight 3\n}", "", [2][]string{{"check 3"}, {"check 3"}}, ""},
		"both":                {"track_script {\ncheck weight 3\n}", "track_script {\ncheck weight 5\n}", [2][]string{{"check 3"}, {"check 3"}}, "has no effect beside that of its sync group"},
		"a member's weight":   {"", "track_script {\ncheck\n}", [2][]string{nil, nil}, "weights of one member do not count"},
		"a member's fault":    {"", "track_script {\ncheck weight 0\n}", [2][]string{{"check 0"}, nil}, ""},
		"weights are allowed": {"sync_group_tracking_weight", "track_script {\ncheck\n}", [2][]string{{"check 10"}, nil}, ""},
		"by its old name":     {"global_tracking", "track_script {\ncheck\n}", [2][]string{{"check 10"}, nil}, "means sync_group_tracking_weight"},
		"an owner":            {"track_script {\ncheck\n}", "priority 255", [2][]string{{"check 0"}, {"check 0"}}, "counts as 0"},
	} {
		cfg, diags := Parse("f", []byte(grouped(both+c.group, c.own, "")))
		if cfg == nil {
			t.Errorf("%s: %s", name, show(diags))
			continue
		}
		for i, want := range c.want {
			if got := list(cfg.Routers[i].Scripts); !slices.Equal(got, want) {
				t.Errorf("%s: VI_%d tracks %q, want %q", name, i+1, got, want)
			}
		}
		if text := show(diags); !strings.Contains(text, c.says) {
			t.Errorf("%s: want %q in\n%s", name, c.says, text)
		}
	}
	cfg, _ := Parse("f", []byte(grouped(both+"track_interface {\neth2\neth3 weight 7\n}", "", "track_interface {\neth4\neth5 weight 9\n}")))
	if got := list(cfg.Routers[1].Interfaces); !slices.Equal(got, []string{"eth4 0", "eth2 0", "eth3 7"}) {
		t.Errorf("%q", got)
	}
}

func TestGroupsThatCannotWorkAreToldByPlace(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown":             {grouped("group {\nVI_1\nVI_9\n}", "", ""), `f:12:1: error: vrrp_sync_group "G": there is no vrrp_instance "VI_9"`},
		"in two":              {grouped(both+"}\nvrrp_sync_group H {\n"+both, "", ""), `f:17:1: error: vrrp_sync_group "H": "VI_1" is in "G" already, defined at f:9:1`},
		"given twice":         {grouped("group {\nVI_1 VI_2 VI_1\n}", "", ""), `f:11:11: error: vrrp_sync_group "G": "VI_1" is given twice`},
		"empty":               {grouped("", "", ""), `f:9:1: error: vrrp_sync_group "G": expected group with the names`},
		"one name":            {grouped(both+"}\nvrrp_sync_group G {\n"+both, "", ""), `f:15:1: error: vrrp_sync_group "G" is defined twice, first at f:9:1`},
		"one member":          {grouped("group {\nVI_1\n}", "", ""), `f:9:1: warning: vrrp_sync_group "G" has one member`},
		"nopreempt in one":    {grouped(both, "nopreempt", ""), `warning: (VI_2) and "VI_1" of the same sync group "G" differ in nopreempt`},
		"priorities":          {grouped(both, "priority 150", ""), `notice: (VI_2) has priority 100 and "VI_1" of the same sync group "G" has 150`},
		"an owner":            {grouped(both, "priority 255", ""), `warning: (VI_2) has priority 100 and "VI_1" of the same sync group "G" has 255: an owner in it must wait`},
		"differing delays":    {grouped(both, "preempt_delay 5", ""), "differ in preempt_delay"},
		"an old keyword":      {grouped(both+"global_tracking", "", ""), "f:14:1: warning: global_tracking is deprecated"},
		"what is not there":   {grouped(both+"track_bfd {\nx\n}", "", ""), "f:14:1: error: track_bfd is not supported yet"},
		"no script of a name": {grouped(both+"track_script {\nother\n}", "", ""), `f:15:1: error: (G) track_script "other": there is no such vrrp_script`},
	} {
		if _, diags := Parse("f", []byte(c.text)); !strings.Contains(show(diags), c.want) {
			t.Errorf("%s: want %q in\n%s", name, c.want, show(diags))
		}
	}
}

func TestGroupsOfTwoHostsAreCompared(t *testing.T) {
	t.Chdir(t.TempDir())
	apart := strings.Replace(grouped(both, "", ""), "vrrp_sync_group G {\n"+both+"\n}\n", "", 1)
	for name, c := range map[string]struct{ ours, theirs, want string }{
		"alike":    {grouped(both, "priority 150", "priority 150"), grouped(both, "", ""), ""},
		"crossed":  {grouped(both, "priority 150", "priority 90"), grouped(both, "", ""), "a:27:1: warning: (VI_2) priority 90, and 100 at b:24:1; (VI_1) the other way about"},
		"no group": {grouped(both, "priority 150", "priority 150"), apart, `a:16:1: warning: (VI_1) is in the sync group "G", and alone on the other host`},
		"two groups": {grouped(both, "priority 150", "priority 150"),
			grouped("group {\nVI_1\n}\n}\nvrrp_sync_group H {\ngroup {\nVI_2\n}\n", "", ""), "(VI_1) and (VI_2) are in one sync group, and not on the other host"},
	} {
		must(t, os.WriteFile("a", []byte(c.ours), 0o600))
		must(t, os.WriteFile("b", []byte(c.theirs), 0o600))
		_, diags := LoadPair("a", "", "b", "")
		text := show(diags)
		if !strings.Contains(text, c.want) || c.want == "" && strings.Contains(text, "other host") {
			t.Errorf("%s: want %q in\n%s", name, c.want, text)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
