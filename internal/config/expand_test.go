package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// expanded is what a file becomes on the host "high", by lines, each with its
// place when withPlace.
func expanded(src string, limit int) (lines []string, places []string, diags *diagnostics) {
	diags = newDiagnostics("f")
	x := newExpander(diags, "high")
	if limit > 0 {
		x.left = limit
	}
	for in := newSource("/etc/f", src); ; {
		l, ok := in.next()
		if !ok {
			return lines, places, diags
		}
		x.expand(l, func(l line) {
			if text := strings.TrimSpace(l.text); text != "" {
				lines, places = append(lines, text), append(places, l.at(len(l.text)-len(strings.TrimLeft(l.text, " "))).String())
			}
		})
	}
}

// The first ones are the examples of keepalived.conf(5).
func TestExpand(t *testing.T) {
	t.Setenv("VRRPX_TEST", "from outside")
	for name, c := range map[string]struct{ src, want string }{
		"late substitution":      {"$A=10.2.${B}\n$B=0\n${A}.100/32\n$B=10\n${A}.100/32\n", "10.2.0.100/32|10.2.10.100/32"},
		"conditional definition": {"@main $P=240\n@high $P=200\npriority $P\n", "priority 200"},
		"parameter as condition": {"$IF=@high\n$NO=@low\n$IF a\n$NO b\n", "a"},
		"several lines":          {"$I= \\\na ${N} { \\\n  b \\\n} \n$N=1\n$I\n$N=2\n$I\n", "a 1 {|b|}|a 2 {|b|}"},
		"nested lines":           {"$R= \\\nr ${N} \\\ns\n$V= \\\nv \\\n$N=1 \\\n$R \\\n$N=2 \\\n$R\n$V\n", "v|r 1|s|r 2|s"},
		"text around lines":      {"$I= \\\na \\\nb\nx ${I} y\n", "x a|b y"},
		"sequence":               {"~SEQ(S, 0, 3) 10.0.${S}.1\n", "10.0.0.1|10.0.1.1|10.0.2.1|10.0.3.1"},
		"sequence in hex":        {"~SEQx(S, 0x90, 0x10, 0xc0) fe80::${S}\n", "fe80::90|fe80::a0|fe80::b0|fe80::c0"},
		"two sequences":          {"~SEQ(A, 2) ~SEQx(B, 0x12, -1, 0x11) ${A}.${B}\n", "1.12|1.11|2.12|2.11"},
		"down by default":        {"~SEQ(A, -2) ${A}\n~SEQ(A, 3, 2) ${A}\n", "-1|-2|3|2"},
		"lists":                  {"~LST({I, J}, {10,1},{20,4}) ~SEQ(K,168,2,170) 192.${K}.${I}.${J}\n", "192.168.10.1|192.170.10.1|192.168.20.4|192.170.20.4"},
		"one list":               {"~LST(I, eth0, eth1) interface $I\n", "interface eth0|interface eth1"},

		"undefined":          {"a $A ${A} $\n", "a $A ${A} $"},
		"name needs a blank": {"$A=1\na$A b$A/24 ${A}/24\n", "a1 b$A/24 1/24"},
		"empty value":        {"$A=\na $A b${A}c\n", "a  bc"},
		"comments":           {"$A=1 # one\na # $A\n$A # $A\n", "a # $A|1 # $A"},
		"in quotes":          {"$A=1 2\nx \"${A} #\" $A\n", `x "1 2 #" 1 2`},
		"escaped":            {"$A=1\nx \\${A}\n", `x \${A}`},
		"other host":         {"@low a\n@^high b\n@^low c\n@high d\n@highest e\n", "c|d"},
		"include":            {"$A=1\ninclude ${A}\n", "include ${A}"},
		"sequence's own":     {"$A=x\n~SEQ(A, 2) $A\n$A\n~SEQ(B, 1) y\n$B\n", "1|2|x|y|$B"},
		"joined line":        {"a \\\n b\n# c \\\n@low d\ne\n", "a \\\n b|# c \\|e"},

		"predefined": {"${_PWD} ${_INSTANCE} ${_RANDOM 7 7} ${_ENV VRRPX_TEST} ${_HASH}${_BANG} ${_NONE}\n", `/etc high 7 from outside \#\! ${_NONE}`},
	} {
		lines, _, diags := expanded(c.src, 0)
		if got := strings.Join(lines, "|"); got != c.want || len(diags.errors) > 0 {
			t.Errorf("%s: %q, want %q; %v", name, got, c.want, diags.errors)
		}
	}
}

func TestExpandedTextKnowsItsPlace(t *testing.T) {
	_, places, _ := expanded("$I= \\\n  a ${N} \\\n  b\n\n$N=1\n$I\n  c $N\n~SEQ(S, 2) d\n", 0)
	if got := strings.Join(places, " "); got != "/etc/f:2:3 /etc/f:3:3 /etc/f:7:3 /etc/f:8:12 /etc/f:8:12" {
		t.Errorf("places %s", got)
	}
	l := join(newLine("a ", Pos{"f", 1, 1}), newLine("xy", Pos{"g", 5, 7}), newLine(" b\n", Pos{"f", 1, 4}))
	for off, want := range []string{"f:1:1", "f:1:2", "g:5:7", "g:5:8", "f:1:4", "f:1:5", "f:1:6", "f:2:1"} {
		if got := l.at(off).String(); got != want {
			t.Errorf("byte %d stands at %s, want %s", off, got, want)
		}
	}
}

func TestExpansionIsBounded(t *testing.T) {
	limits := map[string]int{"a sequence without end": 10000, "sequences of sequences": 10000} // the real one takes a while
	for name, src := range map[string]string{
		"a parameter of itself":     "$A=x $A y\n$A\n",
		"parameters of each other":  "$A=$B $B\n$B=$A $A\n$A\n",
		"lines of themselves":       "$A= \\\nx \\\n$A\n$A\n",
		"first lines of themselves": "$A= \\\n$A \\\nx\n$A\n",
		"a sequence without end":    "~SEQ(I, 1, 2000000000) foo\n",
		"sequences of sequences":    "~SEQ(I, 1, 100000) ~SEQ(J, 1, 100000) foo\n",
	} {
		lines, _, diags := expanded(src, limits[name])
		if len(diags.errors) != 1 || !strings.Contains(diags.errors[0].Message, "make too much of this") || len(lines) > 10000 {
			t.Errorf("%s: %d lines, %v", name, len(lines), diags.errors)
		}
	}
}

func TestParametersOfAnIncludedFileHoldBehindIt(t *testing.T) {
	dir := t.TempDir()
	main := filepath.Join(dir, "main.conf")
	for path, text := range map[string]string{
		main:                              "include params.conf\n" + strings.Replace(minimal, "51", "$ID", 1),
		filepath.Join(dir, "params.conf"): "$ID=77\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cfg, diags := Load(main, "")
	if cfg == nil || cfg.Routers[0].VRID != 77 {
		t.Errorf("%s", show(diags))
	}
}
