package rundir

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestSecondLockNamesTheHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(dir)
	var running *RunningError
	if !errors.As(err, &running) || running.PID != os.Getpid() {
		t.Errorf("second lock: %v, want pid %d named", err, os.Getpid())
	}
	if _, err := Cleanup(dir, filepath.Join(t.TempDir(), "pins")); !errors.As(err, &running) {
		t.Errorf("cleanup while a daemon runs: %v", err)
	}
	unlock()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the run directory is still there: %v", err)
	}
}

// A daemon that was killed in a namespace that has gone leaves its directory
// below that of PID 1's namespace.
func TestCleanupTidiesDeadNamespacesAndSparesLivingOnes(t *testing.T) {
	run, pins := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "pins")
	for _, name := range []string{"netns-1", "netns-2"} {
		if err := os.MkdirAll(filepath.Join(run, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(run, name, Socket), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := Lock(filepath.Join(run, "netns-2"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	removed, err := Cleanup(run, pins)
	if err != nil {
		t.Fatal(err)
	}
	if len(removed) != 1 || removed[0] != filepath.Join(run, "netns-1", Socket) {
		t.Errorf("removed %v", removed)
	}
	if _, err := os.Stat(filepath.Join(run, "netns-1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead namespace's directory is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(run, "netns-2", Socket)); err != nil {
		t.Errorf("the living one's socket: %v", err)
	}
}
