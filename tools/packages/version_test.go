package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Packages have the number of a release only where they are of its commit, all of it,
// whatever kind of tag it has.
func TestVersionOfPackages(t *testing.T) {
	for _, program := range []string{"make", "git"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s", program)
		}
	}
	dir := t.TempDir()
	for _, file := range []string{"Makefile", "internal/version/version.go"} {
		b, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, file), string(b))
	}
	in := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		// No configuration but this, and not that of a make which runs us.
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "MAKEFLAGS=", "MAKELEVEL=",
			"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@localhost", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@localhost")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	version := func() string {
		t.Helper()
		return in("make", "-s", "--no-print-directory", "--eval", "tell: ; @echo '$(PACKAGE_VERSION)'", "tell")
	}
	in("git", "init", "-q")
	in("git", "add", "-A")
	in("git", "commit", "-qm", "one")
	number := in("make", "-s", "--no-print-directory", "--eval", "tell: ; @echo '$(NUMBER)'", "tell")
	if number == "" {
		t.Fatal("no number")
	}
	if v, want := version(), regexp.MustCompile(`^`+regexp.QuoteMeta(number)+`~[0-9]{14}\.g[0-9a-f]{12}$`); !want.MatchString(v) {
		t.Errorf("no release is %s", v)
	}
	for _, tag := range [][]string{{"tag"}, {"tag", "-f", "-am", "annotated"}} {
		in("git", append(tag, "v"+number)...)
		if v := version(); v != number {
			t.Errorf("the release by git %v is %s", tag, v)
		}
	}
	write(t, filepath.Join(dir, "more.go"), "package more\n")
	if v := version(); v != number+"+dirty" {
		t.Errorf("with a file that is nowhere committed it is %s", v)
	}
	if err := os.Remove(filepath.Join(dir, "more.go")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "internal/version/version.go"), "const number = \""+number+"\"\n")
	if v := version(); v != number+"+dirty" {
		t.Errorf("with a file that was changed it is %s", v)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
