package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// tree makes /…/a/b/check and returns its path, all of it root's alone. The
// temporary directory of a test is writable by others only in a sticky parent.
func tree(t *testing.T) (dir, path string) {
	t.Helper()
	testnet.Need(t, "root")
	dir = filepath.Join(t.TempDir(), "a")
	path = filepath.Join(dir, "b", "check")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

func TestPathIsTrustedWhenOnlyRootCanChangeIt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir, path string) error
		want   string // the component that is named
	}{
		"root alone":             {func(string, string) error { return nil }, ""},
		"file of another user":   {func(_, p string) error { return os.Chown(p, 1000, 0) }, "b/check belongs to user 1000"},
		"file of a group":        {func(_, p string) error { os.Chown(p, 0, 1000); return os.Chmod(p, 0o775) }, "b/check can be written by group 1000"},
		"file of root's group":   {func(_, p string) error { return os.Chmod(p, 0o775) }, ""},
		"file of everyone":       {func(_, p string) error { return os.Chmod(p, 0o777) }, "b/check can be written by everyone"},
		"directory of everyone":  {func(d, _ string) error { return os.Chmod(d, 0o777) }, "/a can be written by everyone"},
		"sticky directory":       {func(d, _ string) error { return os.Chmod(d, 0o777|os.ModeSticky) }, ""},
		"directory of a user":    {func(d, _ string) error { return os.Chown(filepath.Join(d, "b"), 1000, 0) }, "/a/b belongs to user 1000"},
		"file that is not there": {func(_, p string) error { return os.Remove(p) }, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := tree(t)
			if err := c.change(dir, path); err != nil {
				t.Fatal(err)
			}
			err := Untrusted(path)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestSymbolicLinksAreFollowedAndLookedAt(t *testing.T) {
	dir, path := tree(t)
	link := filepath.Join(filepath.Dir(dir), "link")
	if err := os.Symlink("a/b", link); err != nil {
		t.Fatal(err)
	}
	if err := Untrusted(filepath.Join(link, "check")); err != nil {
		t.Errorf("a link of root to what is root's: %v", err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Untrusted(filepath.Join(link, "check")); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want the file that the link leads to", err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if err := Untrusted(loop); err == nil {
		t.Error("a link to itself is trusted")
	}
	if err := Untrusted("bin/sh"); err == nil {
		t.Error("a relative path is trusted")
	}
}

func TestProgramOfTheSystemIsTrusted(t *testing.T) {
	if err := Untrusted("/bin/true"); err != nil { // through /bin -> usr/bin
		t.Error(err)
	}
}
