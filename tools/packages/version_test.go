package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// A tag makes a release of the tree that it stands on, and of no other: what is changed,
// or is there unknown to git, makes it another version, which dpkg takes for a later one.
func TestPackageVersion(t *testing.T) {
	testnet.Need(t, "git", "make", "dpkg")
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skipf("not a checkout: %v", err)
	}
	tree := filepath.Join(t.TempDir(), "vrrpx")
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", cmd, err)
		}
		return string(out)
	}
	git := func(args ...string) {
		t.Helper()
		run("git", append([]string{"-C", tree, "-c", "user.name=test", "-c", "user.email=test@localhost"}, args...)...)
	}
	run("git", "-c", "safe.directory=*", "clone", "--quiet", root, tree)
	run("cp", filepath.Join(root, "Makefile"), tree)
	git("commit", "--quiet", "--allow-empty", "--all", "--message", "test")
	version := func() string {
		t.Helper()
		out := run("make", "--no-print-directory", "--dry-run", "-C", tree, "packages")
		found := regexp.MustCompile(` VERSION='([^']*)'`).FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("make packages gives nfpm no version: %s", out)
		}
		return found[1]
	}
	between := version()
	number, rest, ok := strings.Cut(between, "~")
	if !ok || !regexp.MustCompile(`^\d{14}\.g[0-9a-f]{12}$`).MatchString(rest) {
		t.Errorf("between releases: %s", between)
	}
	git("tag", "v"+number)
	if got := version(); got != number {
		t.Errorf("at the tag v%s: %s", number, got)
	}
	if err := os.WriteFile(filepath.Join(tree, "stray.go"), []byte("package stray\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	dirty := version()
	if dirty != number+"+dirty" {
		t.Errorf("at the tag, with a file that git does not know: %s", dirty)
	}
	run("dpkg", "--compare-versions", between, "lt", number)
	run("dpkg", "--compare-versions", number, "lt", dirty)
	git("commit", "--quiet", "--allow-empty", "--message", "after the tag")
	if got := version(); !strings.HasPrefix(got, number+"~") || !strings.HasSuffix(got, ".dirty") {
		t.Errorf("behind the tag, with a file that git does not know: %s", got)
	}
}
