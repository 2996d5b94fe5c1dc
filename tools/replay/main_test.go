package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What -print writes is a file that runs to the same trace as its seed.
func TestSeedAndItsFileAreOneTrace(t *testing.T) {
	var text, bySeed, byFile strings.Builder
	if err := run([]string{"-seed", "17", "-print"}, &text); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seed.txt")
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-seed", "17"}, &bySeed); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{file}, &byFile); err != nil {
		t.Fatal(err)
	}
	if bySeed.String() != byFile.String() || !strings.Contains(byFile.String(), "BACKUP -> MASTER") {
		t.Errorf("the seed's trace\n%s\nthe file's\n%s", bySeed.String(), byFile.String())
	}
}

func TestMistakesAreTold(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.txt")
	if err := os.WriteFile(bad, []byte("version 3\nrouter one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"want a scenario's file": nil,
		"or -seed":               {"-seed", "1", bad},
		"no such file":           {bad + "x"},
		"line 2":                 {bad},
	} {
		var out strings.Builder
		if err := run(args, &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}
