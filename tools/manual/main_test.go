package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

const root = "../.."

func TestCommittedFilesAreCurrent(t *testing.T) {
	made, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range made {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != want {
			t.Errorf("%s is not what it is made from (%v): make manual", name, err)
		}
	}
}

// The pages name every command, option and keyword, and man finds nothing wrong.
func TestPages(t *testing.T) {
	p, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	page := read(t, "packaging/man/vrrpx.8")
	for _, c := range p.Commands {
		if !strings.Contains(page, ".SS vrrpx "+roff(c.Name)+"\n") {
			t.Errorf("vrrpx.8 does not have the command %s", c.Name)
		}
		for _, o := range c.Flags {
			if !strings.Contains(page, roff("--"+o.Long)) {
				t.Errorf("vrrpx.8 does not have --%s of %s", o.Long, c.Name)
			}
			if o.Long == "config-id" && o.Default != "" {
				t.Errorf("the page has the name of this host: %q", o.Default)
			}
		}
	}
	for _, name := range []string{"packaging/man/vrrpx.8", "packaging/man/vrrpx.conf.5"} {
		for line := range strings.Lines(read(t, name)) {
			if macro, _, _ := strings.Cut(strings.TrimRight(line, "\n"), " "); strings.HasPrefix(line, ".") &&
				!slices.Contains([]string{`.\"`, ".TH", ".SH", ".SS", ".TP", ".PP", ".br", ".nf", ".fi", ".RS", ".RE"}, macro) {
				t.Errorf("%s: a line of text that roff takes for a request: %q", name, line)
			}
		}
		testnet.Need(t, "groff", "mandoc") // the lines above have been looked at
		cmd := exec.Command("groff", "-man", "-Tutf8", "-ww", filepath.Join(root, name))
		var warnings strings.Builder
		cmd.Stderr = &warnings
		if out, err := cmd.Output(); err != nil || warnings.Len() > 0 || len(out) == 0 {
			t.Errorf("%s: groff: %v\n%s", name, err, &warnings)
		}
		// It says so by its exit status, of a page without a date too: the same source makes the same page.
		out, _ := exec.Command("mandoc", "-Tlint", "-Wwarning", filepath.Join(root, name)).CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "missing date") {
				t.Error(strings.TrimSpace(line))
			}
		}
	}
}

func TestRoff(t *testing.T) {
	for in, want := range map[string]string{
		".hidden": `\&.hidden`, "'quoted'": `\(aqquoted\(aq`, `a\b`: `a\eb`, "--log": `\-\-log`,
	} {
		if got := roff(in); got != want {
			t.Errorf("roff(%q) = %q, want %q", in, got, want)
		}
	}
	if got, want := synopsis("run -f FILE"), `\fBrun\fR \fB\-f\fR \fIFILE\fR`; got != want {
		t.Errorf("synopsis: %q, want %q", got, want)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
