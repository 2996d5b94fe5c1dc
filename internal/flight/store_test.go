package flight

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func of(n int) func(io.Writer, time.Duration) error {
	return func(w io.Writer, _ time.Duration) error { _, err := w.Write(make([]byte, n)); return err }
}

func TestStoreKeepsTheNewest(t *testing.T) {
	s := Store{filepath.Join(t.TempDir(), "flight")}
	at := time.Unix(1e9, 0)
	for i := range 20 {
		if _, err := s.Put(at.Add(time.Duration(i)*time.Second), "VI_1", of(100)); err != nil {
			t.Fatal(err)
		}
	}
	all := names(t, s.Dir)
	if len(all) != StoreFiles || !strings.Contains(all[0], "T014644") || !strings.Contains(all[15], "T014659") {
		t.Errorf("%d files: %q", len(all), all)
	}
	if fi, err := os.Stat(filepath.Join(s.Dir, all[0])); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	for i := range 3 {
		if _, err := s.Put(at.Add(time.Duration(60+i)*time.Second), "VI_1", of(7<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if all := names(t, s.Dir); len(all) != 2 {
		t.Errorf("three files of 7 MiB leave %q", all)
	}
}

// Many routers that hear much have a recording too, of less time.
func TestLongRecordingGoesLessFarBack(t *testing.T) {
	s := Store{t.TempDir()}
	var spans []time.Duration
	path, err := s.Put(time.Unix(1e9, 0), "VI_1-and-63-more", func(w io.Writer, span time.Duration) error {
		spans = append(spans, span)
		_, err := w.Write(make([]byte, int(span/time.Second)*(StoreBytes/200)))
		return err
	})
	if err != nil || len(spans) != 3 || spans[0] != Span || spans[2] != Span/4 {
		t.Fatalf("%v, %v", spans, err)
	}
	if all := names(t, s.Dir); len(all) != 1 || all[0] != filepath.Base(path) {
		t.Errorf("there are %q", all)
	}
}

// A clock that was ahead and was set must not cost the recordings of now.
func TestRecordingsOfTheFutureGoFirst(t *testing.T) {
	s := Store{t.TempDir()}
	for i := range StoreFiles {
		if _, err := s.Put(time.Unix(3e9+int64(i), 0), "ahead", of(1)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		if _, err := s.Put(time.Unix(1e9+int64(i), 0), "now", of(1)); err != nil {
			t.Fatal(err)
		}
	}
	now := 0
	all := names(t, s.Dir)
	for _, name := range all {
		if strings.Contains(name, "now") {
			now++
		}
	}
	if now != 5 || len(all) != StoreFiles || strings.Contains(all[5], "1320.000") {
		t.Errorf("of %q 5 are of now, and the oldest of the others are to go first", all)
	}
}

func TestStoreLeavesNothingHalf(t *testing.T) {
	s := Store{t.TempDir()}
	foreign := filepath.Join(s.Dir, "flight-notes.txt")
	half := filepath.Join(s.Dir, "flight-1-x.pcapng.part")
	for _, f := range []string{foreign, half} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("broken")
	if _, err := s.Put(time.Unix(1e9, 0), "x", func(io.Writer, time.Duration) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := s.Put(time.Unix(1e9, 0), "x", of(StoreBytes+1)); err == nil {
		t.Error("a file that is too long is kept")
	}
	path, err := s.Put(time.Unix(1e9, 0), "../VI 1/é", of(1))
	if err != nil || filepath.Dir(path) != s.Dir {
		t.Fatalf("%s, %v", path, err)
	}
	if all := names(t, s.Dir); len(all) != 2 || all[1] != "flight-notes.txt" {
		t.Errorf("there are %q", all)
	}
	if _, err := (&Store{foreign}).Put(time.Unix(1, 0), "x", of(1)); err == nil {
		t.Error("a file serves as directory")
	}
}
