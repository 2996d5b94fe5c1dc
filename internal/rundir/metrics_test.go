package rundir

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// left makes the socket of a process that was killed.
func left(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func is(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, os.ErrNotExist)
}

// The next configuration may name another socket, or none: cleanup alone knows.
func TestCleanupRemovesTheSocketOfTheMetrics(t *testing.T) {
	dir := t.TempDir()
	run, pins := filepath.Join(dir, "run"), filepath.Join(dir, "pins")
	other := filepath.Join(run, "netns-7")
	if err := os.MkdirAll(other, 0o755); err != nil {
		t.Fatal(err)
	}
	dead, dead2, file, gone := filepath.Join(dir, "dead"), filepath.Join(dir, "dead2"), filepath.Join(dir, "file"), filepath.Join(dir, "gone")
	left(t, dead)
	left(t, dead2)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	living := filepath.Join(dir, "living")
	l, err := net.Listen("unix", living)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, err := range []error{KeepMetrics(run, dead, living, file, gone), KeepMetrics(other, dead2)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	removed, err := Cleanup(run, pins)
	if err != nil || !slices.Equal(removed, []string{dead, dead2}) {
		t.Errorf("removed %v, %v", removed, err)
	}
	if is(dead) || is(dead2) || !is(living) || !is(file) {
		t.Error("not those that nobody listens at")
	}
	if is(run) {
		t.Error("the run directory is not empty")
	}
}

func TestMetricsThatAreNowhereLeaveNothing(t *testing.T) {
	run := t.TempDir()
	for _, sockets := range [][]string{{"/nonexistent/s"}, nil, nil} {
		if err := KeepMetrics(run, sockets...); err != nil {
			t.Fatal(err)
		}
	}
	if all, _ := os.ReadDir(run); len(all) != 0 {
		t.Errorf("%v", all)
	}
	if err := os.WriteFile(filepath.Join(run, metricsName), []byte(`["/half`), 0o600); err != nil {
		t.Fatal(err)
	}
	if gone := CleanupMetrics(run); len(gone) != 0 || is(filepath.Join(run, metricsName)) {
		t.Errorf("half a file: %v", gone)
	}
}
