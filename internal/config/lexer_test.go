package config

import (
	"slices"
	"strings"
	"testing"
)

// plainLines is a file line by line, without parameters.
func plainLines(file, src string) func() (line, bool) { return newSource(file, src).next }

// lexed is a file as tokens: words as they are, one statement a line.
func lexed(src string) (string, *diagnostics) {
	diags := newDiagnostics("f")
	lex := newLexer(diags, plainLines("f", src))
	var out []string
	for {
		switch tok := lex.next(); tok.kind {
		case tokEOF:
			return strings.Join(out, " "), diags
		case tokEnd:
			out = append(out, ";")
		case tokOpen:
			out = append(out, "OPEN")
		case tokClose:
			out = append(out, "CLOSE")
		case tokInclude:
			out = append(out, "INCLUDE<"+tok.text+">")
		default:
			out = append(out, "<"+tok.text+">")
		}
	}
}

// Each of these was seen to be what keepalived 2.2.7 makes of it, by its log or
// by the password in its adverts, unless the name says that it is ours.
func TestLexer(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"words", "priority  100\t200\n", "<priority> <100> <200> ;"},
		{"no final newline", "priority 100", "<priority> <100>"},
		{"carriage returns", "a b\r\nc\r\n", "<a> <b> ; <c> ;"},
		{"comments", "a # b {\n! c\nd!e\nf#g", "<a> ; ; <d> ; <f>"},
		{"comment signs that are escaped", `a\#b \!c`, "<a#b> <!c>"},
		{"braces in words", "a{b}c", "<a> OPEN <b> CLOSE <c>"},
		{"quotes", `auth_pass "a b"`, "<auth_pass> <a b>"},
		{"quotes hold braces and comment signs", `"a{#}!"`, "<a{#}!>"},
		{"a quote begins a new word", `a"b"c`, "<a> <b> <c>"},
		{"empty quotes", `a ""`, "<a> <>"},
		{"a single quote is no quote", `'a b'`, "<'a> <b'>"},
		{"a backslash is a character", `a\b "a\tb" "a\\b"`, `<a\b> <a\tb> <a\\b>`},
		{"a backslash at the end of a word", "a\\\nb", `<a\> ; <b>`},
		{"ours: an escaped quote", `"a\"b" c\"d`, `<a"b> <c"d>`},
		{"ours: a joined line", "a \\\n  b \\\r\nc\n", "<a> <b> <c> ;"},
		{"ours: a byte order mark", "\ufeffa", "<a>"},
		{"include", "include a{b,c}.conf # d\n  includea x y", "INCLUDE<include a{b,c}.conf> ; INCLUDE<includea x y>"},
		{"include after a brace", "a { include b\n}", "<a> OPEN INCLUDE<include b> ; CLOSE"},
		{"include after a closing brace", "} include b", "CLOSE INCLUDE<include b>"},
		{"no include", "included a\nincludex b\na include b\ninclude", "<included> <a> ; <includex> <b> ; <a> <include> <b> ; <include>"},
		{"use of a parameter", "a${B}c ${_RANDOM 1 2} ${1} ${C\n}", "<a${B}c> <${_RANDOM 1 2}> <$> OPEN <1> CLOSE <$> OPEN <C> ; CLOSE"},
		{"empty", "", ""},
		{"a backslash ends the file", "a \\", `<a> <\>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, diags := lexed(c.src)
			if got != c.want || len(diags.errors) > 0 {
				t.Errorf("%q:\ngot  %s\nwant %s\n%v", c.src, got, c.want, diags.errors)
			}
		})
	}
}

func TestLexerKnowsWhereItIs(t *testing.T) {
	lex := newLexer(newDiagnostics("f"), plainLines("f", "a \"b c\" {\n\tdd }\ne \\\n f"))
	var got []string
	for tok := lex.next(); tok.kind != tokEOF; tok = lex.next() {
		got = append(got, tok.pos.String())
	}
	want := []string{"f:1:1", "f:1:3", "f:1:9", "f:1:10", "f:2:2", "f:2:5", "f:2:6", "f:3:1", "f:4:2"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestSlips(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "abc", 3}, {"abc", "", 3}, {"state", "state", 0}, {"sttae", "state", 1},
		{"stat", "state", 1}, {"statee", "state", 1}, {"stane", "state", 1}, {"kitten", "sitting", 3},
	} {
		if got := slips(c.a, c.b); got != c.want {
			t.Errorf("slips(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
