package config

import (
	"strings"
	"testing"
)

// TestMalformedFileNamesItsLine has one file for each way in which a
// configuration can be broken as a text. want is the beginning of a
// diagnostic that has to be there; none names any other line than those.
func TestMalformedFileNamesItsLine(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"block left open", "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.3\n}\n", []string{
			`f:1:20: error: the block of vrrp_instance "VI_1" is never closed: expected } before the end of f at line 7`}},
		{"inner block left open", "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.3\npriority 100\n}\n" + strings.ReplaceAll(minimal, "1", "2"), []string{
			`f:1:20: error: the block of vrrp_instance "VI_1" is never closed: expected } before the end of f at line 15`,
			`f:6:1: error: priority in virtual_ipaddress: expected an address`,
			`f:8:1: error: vrrp_instance belongs at the top level: it stands in the block of vrrp_instance "VI_1" that opens at f:1:20`}},
		{"two blocks left open", "global_defs {\nrouter_id a\nvrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.3\n}\n", []string{
			`f:1:13: error: the block of global_defs is never closed`,
			`f:3:1: error: vrrp_instance belongs at the top level`,
			`f:3:20: error: the block of vrrp_instance "VI_1" is never closed`}},
		{"fault in a swallowed block", "global_defs {\nvrrp_instance VI_1 {\npriority 0\n}\n}\n", []string{
			"f:2:1: error: vrrp_instance belongs at the top level", "f:2:1: error: (VI_1) interface is missing",
			"f:2:1: error: (VI_1) virtual_router_id is missing", "f:2:1: error: (VI_1) no address", `f:3:10: error: priority "0": expected a whole number from 1 to 255`}},
		{"stray brace", minimal + "}\n", []string{"f:8:1: error: stray }: no block is open here"}},
		{"stray brace at the start", "}\n" + minimal, []string{"f:1:1: error: stray }"}},
		{"brace without keyword", "{\nfoo\n}\n" + minimal, []string{"f:1:1: error: unexpected {"}},
		{"two braces", "vrrp_instance VI_1 {{\n}\n}\n" + strings.ReplaceAll(minimal, "1", "2"), []string{
			"f:1:1: error: (VI_1) interface is missing", "f:1:1: error: (VI_1) virtual_router_id is missing",
			"f:1:1: error: (VI_1) no address", "f:1:21: error: unexpected {"}},
		{"block where none belongs", minimal + "vrrp_instance VI_2 {\ninterface eth1\npriority 100 {\nfoo\n}\nvirtual_router_id 2\nvirtual_ipaddress {\n10.0.0.4\n}\n}\n", []string{
			"f:10:14: error: priority has no block: unexpected {"}},
		{"block missing", minimal + "global_defs\nvrrp_instance VI_2\n", []string{
			"f:8:1: error: global_defs: expected { after it", "f:9:1: error: vrrp_instance: expected { after it"}},
		{"name missing", "vrrp_instance {\n}\n", []string{"f:1:1: error: vrrp_instance: expected a name after it"}},
		{"name empty", strings.Replace(minimal, "VI_1", `""`, 1), []string{"f:1:1: error: vrrp_instance: expected a name"}},
		{"two names", strings.Replace(minimal, "VI_1", "VI_1 VI_2", 1), []string{"f:1:20: error: vrrp_instance: expected { and no further word"}},
		{"quote left open", strings.Replace(minimal, "eth0", `"eth0`, 1), []string{`f:2:11: error: this " is never closed: expected another before the end of line 2`}},
		{"quote before a brace left open", strings.Replace(minimal, "VI_1", `"VI_1`, 1), []string{`f:1:15: error: this " is never closed`}},
		{"control character", strings.Replace(minimal, "eth0", "eth0\x00\x01", 1), []string{"f:2:15: error: control character 0x00: expected text"}},
		{"value missing", strings.Replace(minimal, "eth0", "", 1), []string{"f:2:1: error: interface: expected a value after it"}},
		{"nothing", "", []string{"f: error: no vrrp_instance: expected at least one"}},
		{"condition for nobody", "@ global_defs\n" + minimal, []string{"f:1:1: error: @: expected a configuration id after it"}},
		{"conditional value of another host", strings.Replace(minimal, "virtual_router_id", "@a virtual_router_id", 1), []string{"f:1:1: error: (VI_1) virtual_router_id is missing"}},
		{"error in every turn of a sequence", "~SEQ(I, 1, 9) foo\n" + minimal, []string{`f:1:15: error: unknown keyword "foo" at the top level`}},
		{"sequence without end", "~SEQ(I, 1, 0, 9) foo\n" + minimal, []string{"f:1:1: error: ~SEQ: a step of 0 never ends"}},
		{"sequence of words", "~SEQ(I, a, b) foo\n" + minimal, []string{`f:1:1: error: ~SEQ: "a" is no whole number`}},
		{"sequence of nothing", "~SEQ(I) foo\n" + minimal, []string{"f:1:1: error: ~SEQ: expected the name of a parameter and one to three numbers"}},
		{"sequence that is open", "~SEQ(I, 1, 9 foo\n" + minimal, []string{"f:1:1: error: expected ~SEQ, ~SEQx or ~LST with its arguments in ()"}},
		{"list without values", "~LST(I) foo\n" + minimal, []string{"f:1:1: error: ~LST: expected the name of a parameter and at least one value"}},
		{"list of unequal parts", "~LST({I, J}, {1,2}, {3}) foo\n" + minimal, []string{`f:1:1: error: ~LST: "{3}": expected 2 values`, `f:1:26: error: unknown keyword "foo" at the top level`}},
		{"parameter of keepalived's", "$_A=1\n" + minimal, []string{"f:1:1: error: parameter $_A: names with _ in front are keepalived's own"}},
		{"value of a parameter", "$ID=\t999\n" + strings.Replace(minimal, "51", "$ID", 1), []string{`f:1:6: error: virtual_router_id "999": expected a whole number from 1 to 255`}},
		{"line of a parameter", "$B= \\\nvrrp_instance VI_2 { \\\n  wirtual_router_id 1 \\\n  interface eth0 \\\n virtual_router_id 9 \\\n no_virtual_ipaddress \\\n}\n$B\n" + minimal, []string{
			`f:3:3: error: unknown keyword "wirtual_router_id" in vrrp_instance`}},
		{"undefined parameter", strings.Replace(minimal, "51", "${ID}", 1), []string{`f:3:19: error: virtual_router_id "${ID}": expected a whole number from 1 to 255`}},
		{"include in memory", "include a.conf\n" + minimal, []string{"f:1:1: error: include is possible in a file only"}},
		{"empty addresses", strings.Replace(minimal, "10.0.0.3/24\n", "", 1), []string{"f:4:1: error: virtual_ipaddress: expected at least one address"}},
		{"block among addresses", strings.Replace(minimal, "/24", "/24 {\n}", 1), []string{"f:5:13: error: virtual_ipaddress: unexpected {"}},
		{"block among mail addresses", "global_defs {\nnotification_email {\na@b {\n}\n}\n}\n" + minimal, []string{"f:3:5: error: notification_email: unexpected {"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, diags := Parse("f", []byte(c.src))
			if cfg != nil {
				t.Error("accepted")
			}
			var errors []string
			for _, d := range diags {
				if d.Severity == Error {
					errors = append(errors, d.String())
				}
			}
			for i, want := range c.want {
				if i >= len(errors) || !strings.HasPrefix(errors[i], want) {
					t.Errorf("want %s\nin:\n%s\nof:\n%s", want, show(diags), c.src)
				}
			}
			if len(errors) > len(c.want) {
				t.Errorf("want %d errors:\n%s", len(c.want), show(diags))
			}
		})
	}
}

func TestUnknownKeywordSuggestsTheNearest(t *testing.T) {
	for word, want := range map[string]string{
		"PRIORITY":         "did you mean priority?",
		"prioriti":         "did you mean priority?",
		"preiority":        "did you mean priority?",
		"sttae":            "did you mean state?",
		"virtual_routerid": "did you mean virtual_router_id?",
		"vrrp_rlimit_rtim": "did you mean vrrp_rlimit_rtime? It belongs in global_defs",
		"lb_alg":           "did you mean lb_algo? It belongs in virtual_server",
		"priority=100":     "write a blank and not = between priority and its value",
		"nonsense":         "",
	} {
		_, diags := Parse("f", []byte(instance(word)))
		if len(diags) != 1 || diags[0].Hint != want {
			t.Errorf("%s: want %q\n%s", word, want, show(diags))
		}
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	src := strings.Repeat("virtual_server x {\n", 100_000) + strings.Repeat("}\n", 100_000) + minimal
	_, diags := Parse("f", []byte(src))
	if want := "f:17:18: error: blocks are nested more than 16 deep\n"; !strings.Contains(show(diags), want) {
		t.Errorf("want %s in:\n%s", want, show(diags))
	}
	if strings.Contains(show(diags), "stray") || strings.Contains(show(diags), "never closed") {
		t.Errorf("the braces are balanced:\n%s", show(diags))
	}
}

func TestDiagnosticsAreBoundedAndErrorsComeFirst(t *testing.T) {
	warnings := strings.Repeat("router_id a\n", 300)
	src := "global_defs {\n" + warnings + strings.Repeat("nonsense\n", 40) + "}\n" + minimal
	_, diags := Parse("f", []byte(src))
	count := map[Severity]int{}
	for _, d := range diags {
		count[d.Severity]++
	}
	if count[Error] != 40 || len(diags) != maxDiagnostics+1 {
		t.Errorf("%d errors in %d diagnostics", count[Error], len(diags))
	}
	if last := diags[len(diags)-1].String(); last != "f: notice: 239 more not shown" {
		t.Error(last)
	}
	_, diags = Parse("f", []byte(strings.Repeat("nonsense\n", 1000)))
	if len(diags) != maxDiagnostics+1 || diags[99].Pos.Line != 100 {
		t.Errorf("%d diagnostics", len(diags))
	}
}

// A password must not be shown, however it is mistyped.
func TestPasswordIsInNoDiagnostic(t *testing.T) {
	for _, text := range []string{
		`auth_pass hush hush`, `auth_pass "hush`, `auth_pass hush{hush`, `auth_pass hushhushhush`, `auth_pass 'hush'`,
		"auth_pass hush\nauth_pass hush", `auth_pas hush`, `auth_pass hush#hush`,
	} {
		src := strings.Replace(minimal, "interface", "authentication {\nauth_type PASS\n"+text+"\n}\ninterface", 1)
		src = strings.Replace(src, "PASS", []string{"PASS", "AH"}[len(text)%2], 1)
		for _, strict := range []string{"", "strict_mode\n", "version 3\n"} {
			_, diags := Parse("f", []byte(strings.Replace(src, "interface", strict+"interface", 1)))
			if s := show(diags); strings.Contains(s, "hush") {
				t.Errorf("%s:\n%s", text, s)
			}
		}
	}
}
