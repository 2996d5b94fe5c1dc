package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse holds for any text: no panic, every position inside the text, a
// configuration exactly when there is no error, and one that is accepted
// passes Validate by itself.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, c := range comparisons {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		cfg, diags := Parse("f", src)
		lines := strings.Split(string(src), "\n")
		errors := 0
		for i, d := range diags {
			if d.Severity == Error {
				errors++
			}
			if d.Message == "" || d.Pos.File != "f" {
				t.Errorf("%+v", d)
			}
			if d.Pos.Line < 0 || d.Pos.Line > len(lines) {
				t.Errorf("%v: there are %d lines", d, len(lines))
			} else if d.Pos.Line > 0 && (d.Pos.Col < 1 || d.Pos.Col > len(lines[d.Pos.Line-1])+1) {
				t.Errorf("%v: the line has %d bytes", d, len(lines[d.Pos.Line-1]))
			}
			if last := i == len(diags)-1; i > 0 && d.Pos.Line < diags[i-1].Pos.Line && !(last && d.Severity == Notice) {
				t.Errorf("%v comes after %v", d, diags[i-1])
			}
			if strings.ContainsFunc(d.String()+d.Hint, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%q would reach the terminal", d.String()+d.Hint)
			}
		}
		if (cfg == nil) != (errors > 0) {
			t.Errorf("configuration %v with %d errors:\n%s", cfg != nil, errors, show(diags))
		}
		if cfg == nil {
			return
		}
		if len(cfg.Routers) == 0 {
			t.Error("no router")
		}
		for _, d := range Validate(cfg) {
			if d.Severity == Error {
				t.Errorf("accepted, but %v", d)
			}
		}
	})
}
