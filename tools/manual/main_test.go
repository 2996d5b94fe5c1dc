package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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
		if _, err := exec.LookPath("groff"); err != nil {
			continue // the lines above have been looked at
		}
		cmd := exec.Command("groff", "-man", "-Tutf8", "-ww", filepath.Join(root, name))
		var warnings strings.Builder
		cmd.Stderr = &warnings
		if out, err := cmd.Output(); err != nil || warnings.Len() > 0 || len(out) == 0 {
			t.Errorf("%s: groff: %v\n%s", name, err, &warnings)
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

// complete is what bash offers for the last word.
func complete(t *testing.T, words ...string) []string {
	t.Helper()
	script := `source packaging/completion/vrrpx.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vrrpx; printf '%s\n' "${COMPREPLY[@]}"`
	cmd := exec.Command("bash", append([]string{"-c", script, "bash"}, words...)...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("bash: %v: %s", err, out)
	}
	return strings.Fields(string(out))
}

func TestBashCompletion(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("needs bash")
	}
	for _, c := range []struct{ words, want []string }{
		{[]string{"vrrpx", "rel"}, []string{"reload"}},
		{[]string{"vrrpx", "status", "--j"}, []string{"--json"}},
		{[]string{"vrrpx", "run", "--xdp", "na"}, []string{"native"}},
		{[]string{"vrrpx", "run", "--xdp", "=", "ge"}, []string{"generic"}},
		{[]string{"vrrpx", "run", "--xdp", "="}, []string{"auto", "native", "generic", "off"}},
		{[]string{"vrrpx", "check", "-f", "packaging/exam"}, []string{"packaging/examples"}},
		{[]string{"vrrpx", "run", "--interface", "l"}, []string{"lo"}},
		{[]string{"vrrpx", "run", "--vip", "10"}, nil},
		{[]string{"vrrpx", "keepalived", "--dont-f"}, []string{"--dont-fork"}},
	} {
		if got := complete(t, c.words...); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.words, got, c.want)
		}
	}
}

func TestZshCompletionIsWellFormed(t *testing.T) {
	if _, err := exec.LookPath("zsh"); err != nil {
		t.Skip("needs zsh")
	}
	if out, err := exec.Command("zsh", "-n", filepath.Join(root, "packaging/completion/_vrrpx")).CombinedOutput(); err != nil {
		t.Errorf("zsh -n: %v: %s", err, out)
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
