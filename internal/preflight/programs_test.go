package preflight

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestProgramsAreResolvedOrRefusedByName(t *testing.T) {
	testnet.Need(t, "root")
	dir := t.TempDir()
	good, plain, loose := filepath.Join(dir, "good"), filepath.Join(dir, "plain"), filepath.Join(dir, "loose")
	for path, mode := range map[string]os.FileMode{good: 0o755, plain: 0o644, loose: 0o777} {
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	secure := config.Global{ScriptSecurity: true, ScriptUser: "root"}
	for name, c := range map[string]struct {
		global config.Global
		argv   []string
		user   string
		want   string // of the error; of argv[0] with >
	}{
		"a whole path":         {secure, []string{good, "a b"}, "", ">" + good},
		"a name in PATH":       {secure, []string{"true"}, "", "/true"},
		"not executable":       {secure, []string{plain}, "", "permission denied"},
		"not there":            {secure, []string{"/nowhere/x"}, "", "no such file"},
		"not in PATH":          {secure, []string{"no-such-program"}, "", "not found"},
		"others may change it": {secure, []string{loose}, "", loose + " can be written by everyone"},
		"as another user":      {secure, []string{loose}, "nobody", ">" + loose},
		"without security":     {config.Global{}, []string{loose}, "root", ">" + loose},
		"a user that is none":  {secure, []string{good}, "no-such-user", "unknown user"},
	} {
		got, err := NewPrograms(&c.global).Command(config.Command{Argv: c.argv, User: c.user, Pos: config.Pos{File: "k.conf", Line: 3, Col: 5}})
		if path, ok := strings.CutPrefix(c.want, ">"); ok || c.want == "/true" {
			if err != nil || !strings.HasSuffix(got.Argv[0], path) && !strings.HasSuffix(got.Argv[0], c.want) || len(got.Argv) != len(c.argv) {
				t.Errorf("%s: %q, %v", name, got.Argv, err)
			}
			if nobody := c.user == "nobody"; err == nil && nobody == (got.User.UID == 0) {
				t.Errorf("%s: runs as user %d", name, got.User.UID)
			}
			continue
		}
		var pe *ProgramError
		if !errors.As(err, &pe) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "k.conf:3:5") || pe.Hint == "" {
			t.Errorf("%s: %v, want %q with place and hint", name, err, c.want)
		}
	}
}
