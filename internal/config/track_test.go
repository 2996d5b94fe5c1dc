package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCommandsAreCutAsKeepalivedCutsThem(t *testing.T) {
	for text, want := range map[string][]string{
		"/bin/check":                    {"/bin/check"},
		"  /bin/check  a\tb ":           {"/bin/check", "a", "b"},
		`/bin/sh -c "killall -0 nginx"`: {"/bin/sh", "-c", "killall -0 nginx"},
		`/bin/sh -c 'a "b" c'`:          {"/bin/sh", "-c", `a "b" c`},
		`/bin/check a\ b '' "" c""d`:    {"/bin/check", "a b", "", "", "cd"},
		`/bin/check '\'`:                {"/bin/check", `\`},
		"":                              nil,
	} {
		if got, ok := splitCommand(text); !ok || !slices.Equal(got, want) {
			t.Errorf("%q: %q %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{`a "b`, `a 'b`, `'`} {
		if got, ok := splitCommand(text); ok {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestScriptsHaveKeepalivedsDefaults(t *testing.T) {
	cfg, diags := Parse("f", []byte(scripts("interval 2\nweight -20", "check")))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	s := cfg.Scripts[0]
	if s.Timeout != 2*time.Second || s.Rise != 1 || s.Fall != 1 || s.InitFail || s.Command.Argv[0] != "/bin/true" {
		t.Errorf("%+v", s)
	}
	if w := cfg.Routers[0].Scripts[0].Weight; w != (Weight{N: -20}) {
		t.Errorf("weight %+v, want that of the script", w)
	}
	cfg, _ = Parse("f", []byte(scripts("weight -20", "check weight 7 reverse")))
	if w := cfg.Routers[0].Scripts[0].Weight; w != (Weight{N: 7, Reverse: true}) {
		t.Errorf("weight %+v, want that of the line", w)
	}
}

func TestWeightsAreShownByWhatTheyDo(t *testing.T) {
	for track, want := range map[string]string{
		"check weight -20":         "falls from 150 to 130",
		"check weight 50":          "falls from 200 to 150",
		"check weight -200":        "falls from 150 to 1:",
		"check weight 200":         "falls from 254 to 150",
		"check":                    "",
		"check weight -20 reverse": "",
	} {
		conf := strings.Replace(scripts("", track), "interface eth0", "interface eth0\npriority 150", 1)
		_, diags := Parse("f", []byte(conf))
		if text := show(diags); want == "" && strings.Contains(text, "falls") || !strings.Contains(text, want) {
			t.Errorf("%s: want %q in\n%s", track, want, text)
		}
	}
}

func TestTrackingThatCannotWorkIsRefusedByPlace(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no such script":  {scripts("", "other"), `f:13:1: error: (VI_1) track_script "other": there is no such vrrp_script`},
		"no program":      {"vrrp_script s {\ninterval 1\n}\n" + minimal, `f:1:1: error: vrrp_script "s": script is missing`},
		"an open quote":   {"vrrp_script s {\nscript \"a 'b\"\n}\n" + minimal, "f:2:8: error: script: a quote in it is never closed"},
		"an empty script": {"vrrp_script s {\nscript \"\"\n}\n" + minimal, "f:2:8: error: script: expected a program"},
		"two of a name":   {"vrrp_script s {\nscript a\n}\nvrrp_script s {\nscript b\n}\n" + minimal, `f:4:13: error: vrrp_script "s" is defined twice, first at f:1:1`},
		"an owner":        {strings.Replace(scripts("", "check weight 5"), "interface eth0", "interface eth0\npriority 255", 1), "priority 255 is never adjusted"},
	} {
		if _, diags := Parse("f", []byte(c.text)); !strings.Contains(show(diags), c.want) {
			t.Errorf("%s: want %q in\n%s", name, c.want, show(diags))
		}
	}
}
