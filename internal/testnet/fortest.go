package testnet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// ForTest builds a LAN for one test and closes it with the test. The prefix of
// its namespaces is "t-PACKAGE-", so tests that use it must not be parallel.
func ForTest(t TB, hosts ...string) *LAN {
	t.Helper()
	spec := Spec{}
	for _, h := range hosts {
		spec.Hosts = append(spec.Hosts, HostSpec{Name: h})
	}
	return spec.ForTest(t)
}

// ForTest is Build for one test; an empty Prefix becomes "t-PACKAGE-".
func (s Spec) ForTest(t TB) *LAN {
	t.Helper()
	Need(t, "root")
	if s.Prefix == "" {
		s.Prefix = "t-" + testPackage() + "-"
	}
	l, err := s.Build()
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("%v", err)
		}
	})
	return l
}

// testPackage is the last word of the import path under test: go test names
// its binaries so.
func testPackage() string {
	return strings.TrimSuffix(filepath.Base(os.Args[0]), ".test")
}

// TapForTest starts a tap that is closed with the test.
func (l *LAN) TapForTest(t TB) *Tap {
	t.Helper()
	tap, err := l.Tap()
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { tap.Close() })
	return tap
}

// StartForTest starts a daemon that is killed with the test; its log is shown
// when the test has failed. For vrrpx it builds the program, and cleans up
// what the killed process leaves in /run and in the BPF file system.
func (h *Host) StartForTest(t TB, kind Kind, conf string, args ...string) *Daemon {
	t.Helper()
	d := &Daemon{Host: h, Kind: kind, Conf: conf, Dir: t.TempDir(), Args: args}
	if kind == VRRPX {
		d.Binary = Binary(t)
	} else {
		Need(t, kind.programs()...)
	}
	if err := d.Start(); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		d.Kill9()
		if kind == VRRPX {
			if out, err := h.Command(context.Background(), d.Binary, "cleanup").CombinedOutput(); err != nil {
				t.Errorf("vrrpx cleanup on %s: %v: %s", h.Name, err, out)
			}
		}
		if t.Failed() {
			t.Logf("log of %s on %s:\n%s", kind, h.Name, abridged(d.Log()))
		}
	})
	return d
}

// abridged leaves of a long log its beginning, its warnings and its end: what CI
// keeps of a failed test is a few pages, and the reason has to be among them.
func abridged(log string) string {
	const head, tail, warnings = 8, 24, 16
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	if len(lines) <= head+tail+warnings {
		return log
	}
	middle := lines[head : len(lines)-tail]
	told := slices.DeleteFunc(slices.Clone(middle), func(l string) bool {
		return !strings.Contains(l, " WARN ") && !strings.Contains(l, " ERROR ")
	})
	told = told[:min(len(told), warnings)]
	left := fmt.Sprintf("... %d lines ...", len(middle)-len(told))
	return strings.Join(slices.Concat(lines[:head], told, []string{left}, lines[len(lines)-tail:]), "\n")
}

// buildBinary builds vrrpx once per process. The place is kept from run to
// run: a test binary has no end at which to remove it.
var buildBinary = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "vrrpx-test", testPackage(), "vrrpx")
	out, err := exec.Command("go", "build", "-o", path, "github.com/vrrpx/vrrpx/cmd/vrrpx").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build ./cmd/vrrpx: %w\n%s", err, out)
	}
	return path, nil
})

// Binary returns the path of a vrrpx to test: $VRRPX_BINARY if that is set,
// else one built from this tree, once per process.
func Binary(t TB) string {
	t.Helper()
	if path := os.Getenv("VRRPX_BINARY"); path != "" {
		return path
	}
	Need(t, "go")
	path, err := buildBinary()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return path
}
