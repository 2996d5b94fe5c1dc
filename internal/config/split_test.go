package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func splitBrain(lines string) string {
	return strings.Replace(minimal, "virtual_ipaddress", "split_brain {\n"+lines+"\n}\nvirtual_ipaddress", 1)
}

func TestSplitBrain(t *testing.T) {
	want := SplitBrain{Interval: time.Second, Timeout: time.Second, Count: 3, ScriptTimeout: 30 * time.Second}
	change := func(f func(*SplitBrain)) SplitBrain { c := want; f(&c); return c }
	for lines, want := range map[string]SplitBrain{
		"": want,
		"probe 10.0.0.6\nsource eth1\ninterval 0.1\ntimeout .05\ncount 2\narp_probe 5": change(func(s *SplitBrain) {
			s.Probe, s.SourceInterface = netip.MustParseAddr("10.0.0.6"), "eth1"
			s.Interval, s.Timeout, s.Count, s.ARPProbe = 100*time.Millisecond, 50*time.Millisecond, 2, 5*time.Second
		}),
		"probe [fe80::6%eth1]:22\nsource fe80::5": change(func(s *SplitBrain) {
			s.Probe, s.ProbePort, s.Source = netip.MustParseAddr("fe80::6%eth1"), 22, netip.MustParseAddr("fe80::5")
		}),
		"probe 10.0.0.6:22\ninterval 0.5": change(func(s *SplitBrain) {
			s.Probe, s.ProbePort, s.Interval, s.Timeout = netip.MustParseAddr("10.0.0.6"), 22, 500*time.Millisecond, 500*time.Millisecond
		}),
		"action yield":                change(func(s *SplitBrain) { s.Action, s.ARPProbe = ActionYield, time.Second }),
		"action yield\narp_probe 0.2": change(func(s *SplitBrain) { s.Action, s.ARPProbe = ActionYield, 200*time.Millisecond }),
		"action script\nscript \"/sbin/fence node2\" root\nscript_timeout 5\nwait_for_script": change(func(s *SplitBrain) {
			s.Action, s.ScriptTimeout, s.Wait = ActionScript, 5*time.Second, true
			s.Script = Command{Argv: []string{"/sbin/fence", "node2"}, User: "root"}
		}),
		"action script\nscript /sbin/fence\nwait_for_script go_on": change(func(s *SplitBrain) {
			s.Action, s.Wait, s.GoOn, s.Script = ActionScript, true, true, Command{Argv: []string{"/sbin/fence"}}
		}),
	} {
		cfg, diags := Parse("f", []byte(splitBrain(lines)))
		if cfg == nil || len(diags) > 0 {
			t.Errorf("%s:\n%s", lines, show(diags))
			continue
		}
		got := *cfg.Routers[0].SplitBrain
		got.Pos, got.Script.Pos = Pos{}, Pos{}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", lines, got, want)
		}
		if all := Validate(cfg); len(all) > 0 {
			t.Errorf("%s: validated: %s", lines, show(all))
		}
	}
}

func TestSplitBrainThatMakesNoSense(t *testing.T) {
	for lines, want := range map[string]string{
		"probe lb02":                     `f:5:7: error: probe "lb02": expected ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT`,
		"probe 10.0.0.3:80":              "f:5:1: error: (VI_1) split_brain: probe 10.0.0.3 is a virtual address of the router: whoever holds it answers",
		"probe 10.0.0.6:0":               `f:5:7: error: probe "10.0.0.6:0": expected ADDRESS`,
		"probe 224.0.0.18":               `f:5:7: error: probe "224.0.0.18": expected the address of one host`,
		"probe":                          "f:5:1: error: probe: expected a value after it",
		"probe 10.0.0.6\nsource fe80::1": "f:6:1: error: (VI_1) split_brain: source fe80::1 and probe 10.0.0.6 are of different families",
		"probe 10.0.0.6\nsource /eth0":   `f:6:8: error: source "/eth0": expected an own address, or the name of an interface`,
		"interval 5":                     "f:5:1: error: (VI_1) split_brain: interval without probe",
		"probe 10.0.0.6\ninterval 0":     `f:6:10: error: interval "0": expected seconds from 0.01 to 3600`,
		"probe 10.0.0.6\ncount 0":        `f:6:7: error: count "0": expected a whole number from 1 to 100`,
		"arp_probe 0.01":                 `f:5:11: error: arp_probe "0.01": expected seconds from 0.1 to 3600`,
		"action stonith":                 `f:5:8: error: action "stonith": expected alarm or yield or script`,
		"action script":                  "f:4:1: error: (VI_1) split_brain: action script without a script",
		"script /sbin/fence":             "f:5:8: error: (VI_1) split_brain: a script that nothing runs: the action is alarm",
		"wait_for_script":                "f:5:1: error: (VI_1) split_brain: wait_for_script without action script",
		"action script\nscript /sbin/f\nwait_for_script maybe": `f:7:17: error: wait_for_script "maybe": expected go_on, or nothing`,
		"nonsense":                           `f:5:1: error: unknown keyword "nonsense" in split_brain`,
		"}\nsplit_brain {":                   "f:6:1: error: split_brain is given twice, first at f:4:1",
		"probe 10.0.0.6\ntimeout 2":          "f:6:1: warning: (VI_1) split_brain: the timeout of a probe is its interval, 1 s, and no longer",
		"action yield\n}\npriority 255\nx {": `f:4:1: warning: (VI_1) split_brain: priority 255 owns the addresses`,
	} {
		_, diags := Parse("f", []byte(splitBrain(lines)))
		if text := show(diags); !strings.Contains(text, want) {
			t.Errorf("%s:\n got %s\nwant %s", lines, text, want)
		}
	}
}

func TestNotifyAlarm(t *testing.T) {
	src := "global_defs {\nnotify_alarm \"/bin/all x\"\n}\n" + minimal +
		strings.Replace(strings.ReplaceAll(minimal, "1", "2"), "interface", "notify_alarm /bin/own\ninterface", 1)
	cfg, diags := Parse("f", []byte(src))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	for i, want := range []string{"/bin/all x", "/bin/own"} {
		if got := strings.Join(cfg.Routers[i].Notify.Alarm.Argv, " "); got != want {
			t.Errorf("router %d: %q, want %q", i, got, want)
		}
	}
}
