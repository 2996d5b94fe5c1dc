package testnet

import (
	"os"
	"os/exec"
	"path/filepath"
)

// TB is the part of testing.TB that this package uses. It keeps package
// testing out of the vrrpx binary, whose demo command builds on this package.
type TB interface {
	Helper()
	Cleanup(func())
	Failed() bool
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Skipf(format string, args ...any)
	TempDir() string
}

// Need stops the test unless everything named is there: "root" is user id 0,
// "realtime" permission to be scheduled so, a path is a file, any other word is a program in PATH. It skips by name on a person's machine
// and fails where the environment has CI=true, so that no CI run passes by
// having tested nothing.
func Need(t TB, what ...string) {
	t.Helper()
	for _, w := range what {
		missing := ""
		if w == "root" {
			if os.Getuid() != 0 {
				missing = "needs root (user id 0)"
			}
		} else if w == "realtime" {
			if err := exec.Command("chrt", "--rr", "1", "true").Run(); err != nil {
				missing = "needs chrt, CAP_SYS_NICE and a cgroup with a realtime share (" + err.Error() + ")"
			}
		} else if filepath.IsAbs(w) {
			if _, err := os.Stat(w); err != nil {
				missing = "needs " + w
			}
		} else if _, err := exec.LookPath(w); err != nil {
			missing = "needs the program " + w + " in PATH"
		}
		switch {
		case missing == "":
		case os.Getenv("CI") == "true":
			t.Fatalf("%s, and CI=true forbids skipping", missing)
		default:
			t.Skipf("%s", missing)
		}
	}
}
