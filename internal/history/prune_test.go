package history

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOldHistoriesOfNamespacesGo(t *testing.T) {
	const more = 5
	plant := func(all string) (dirs []string) {
		for i := range pruneMost + more {
			dir := filepath.Join(all, fmt.Sprintf("netns-%d", 1000-i)) // by name the other way round
			for _, name := range []string{fileName, fileName + oldSuffix} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				recording := filepath.Join(dir, Recordings, "flight-1.pcapng")
				if err := os.MkdirAll(filepath.Dir(recording), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(recording, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				at := time.Unix(int64(1e9+i), 0)
				if err := os.Chtimes(path, at, at); err != nil {
					t.Fatal(err)
				}
			}
			dirs = append(dirs, dir)
		}
		return dirs
	}
	dirs := plant(filepath.Join(t.TempDir(), "history"))
	own := dirs[1] // old, and about to be written
	if err := os.WriteFile(filepath.Join(dirs[2], "else"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	Prune(own)
	for i, dir := range dirs {
		_, err := os.Stat(filepath.Join(dir, fileName))
		if kept := err == nil; kept != (i >= more || dir == own) {
			t.Errorf("the %d. of %d: kept %v", i+1, len(dirs), kept)
		}
		_, err = os.Stat(dir)
		if kept := err == nil; kept != (i >= more || dir == own || i == 2) {
			t.Errorf("the directory of the %d.: kept %v", i+1, kept)
		}
	}

	dirs = plant(filepath.Join(t.TempDir(), "lib"))
	Prune(dirs[0])
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("not of namespaces, and removed: %v", err)
		}
	}
}

// The recordings of many namespaces are in memory: those of the oldest go, and histories
// stay.
func TestOldRecordingsOfNamespacesGo(t *testing.T) {
	all := filepath.Join(t.TempDir(), "history")
	const n = 10
	var dirs []string
	for i := range n {
		dir := filepath.Join(all, fmt.Sprintf("netns-%d", i))
		dirs = append(dirs, dir)
		if err := os.MkdirAll(filepath.Join(dir, Recordings), 0o700); err != nil {
			t.Fatal(err)
		}
		recording := filepath.Join(dir, Recordings, "flight-1.pcapng")
		for _, path := range []string{filepath.Join(dir, fileName), recording} {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Truncate(recording, recordingsMost/4); err != nil { // a hole
			t.Fatal(err)
		}
		at := time.Unix(int64(1e9-i), 0) // the first is the newest
		if err := os.Chtimes(filepath.Join(dir, fileName), at, at); err != nil {
			t.Fatal(err)
		}
	}
	own := dirs[n-1]
	Prune(own)
	for i, dir := range dirs {
		_, err := os.Stat(filepath.Join(dir, Recordings))
		if kept := err == nil; kept != (i < 4 || dir == own) {
			t.Errorf("the recordings of the %d. of %d: kept %v", i+1, n, kept)
		}
		if _, err := os.Stat(filepath.Join(dir, fileName)); err != nil {
			t.Errorf("the history of the %d. has gone", i+1)
		}
	}
}
