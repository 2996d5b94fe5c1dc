package track

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestNumbersAreReadAsStrtolDoes(t *testing.T) {
	for s, want := range map[string]struct {
		n            int64
		digits, fits bool
	}{
		"5\n": {5, true, true}, "  -7 and more": {-7, true, true}, "+3": {3, true, true}, "0x1F": {31, true, true}, "-0x10": {-16, true, true},
		"017": {15, true, true}, "089": {0, true, true}, "0x": {0, true, true}, "0xg": {0, true, true}, "": {0, false, true}, "nothing": {0, false, true},
		"-+5": {0, false, true}, "--5": {0, false, true}, "2147483648": {1 << 31, true, true}, "-2147483648": {-1 << 31, true, true},
		"2147483649": {1<<31 + 1, true, false}, "99999999999999999999999": {1 << 40, true, false}, "1e3": {1, true, true}, "1.9": {1, true, true},
	} {
		if n, digits, fits := number(s); n != want.n || digits != want.digits || fits != want.fits {
			t.Errorf("%q: %d %v %v, want %+v", s, n, digits, fits, want)
		}
	}
}

// watching is what a file is found to say while the test changes it.
type watching struct {
	t   *testing.T
	dir string
	got chan Reading
	w   *Files
}

func watchFiles(t *testing.T, path func(dir string) string) *watching {
	t.Helper()
	w := &watching{t: t, dir: t.TempDir(), got: make(chan Reading, 100)}
	var err error
	if w.w, err = WatchFiles(func(r Reading) { w.got <- r }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.w.Close)
	w.w.Set([]File{{"f", path(w.dir)}})
	return w
}

func (w *watching) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *watching) write(name, text string) {
	w.t.Helper()
	w.do(os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644))
}

// says awaits the next reading.
func (w *watching) says(what string, value int64, note string) {
	w.t.Helper()
	select {
	case r := <-w.got:
		if want := (Reading{"f", value, note}); r != want {
			w.t.Errorf("%s: %+v, want %+v", what, r, want)
		}
	case <-time.After(10 * time.Second):
		w.t.Fatalf("%s: nothing is reported", what)
	}
}

func (w *watching) silent(what string) {
	w.t.Helper()
	select {
	case r := <-w.got:
		w.t.Errorf("%s: %+v", what, r)
	case <-time.After(50 * time.Millisecond):
	}
}

func TestFileIsFollowed(t *testing.T) {
	w := watchFiles(t, func(dir string) string { return dir + "/f" })
	w.says("missing", 0, "no such file or directory")
	w.write("f", "5")
	w.says("made", 5, "")
	w.write("g", "9")
	w.silent("another file")
	w.write("f", "5\n")
	w.silent("the same number")
	w.do(os.Rename(w.dir+"/g", w.dir+"/f"))
	w.says("replaced", 9, "")
	w.write("f", "99999999999")
	w.says("out of range", 9, "the number is out of range, and the one before counts")
	w.write("f", "what")
	w.says("garbage", 0, "no number")
	w.write("f", "")
	w.says("emptied", 0, "empty")
	w.write("f", "-3")
	w.says("below 0", -3, "")
	w.do(os.Remove(w.dir + "/f"))
	w.says("removed", 0, "no such file or directory")
	w.do(os.Mkdir(w.dir+"/f", 0o755))
	w.write("x", "1") // nothing is said of a directory before something else happens
	w.do(os.Remove(w.dir + "/f"))
	w.write("f", "4")
	w.says("a file again", 4, "")
	w.do(os.Rename(w.dir+"/f", w.dir+"/h"))
	w.says("moved away", 0, "no such file or directory")
	w.w.Set([]File{{"f", w.dir + "/h"}})
	w.says("another path", 4, "")
	w.w.Set(nil)
	w.write("h", "6")
	w.silent("not watched any more")
}

func TestFileIsNotReadWhileItIsWritten(t *testing.T) {
	w := watchFiles(t, func(dir string) string { return dir + "/f" })
	w.says("missing", 0, "no such file or directory")
	w.write("f", "20")
	w.says("made", 20, "")
	f, err := os.Create(w.dir + "/f") // empty for a while
	w.do(err)
	w.silent("truncated")
	_, err = f.WriteString("30")
	w.do(err)
	w.do(f.Close())
	w.says("complete", 30, "")
}

func TestDirectoryThatComesAndGoesIsFollowed(t *testing.T) {
	w := watchFiles(t, func(dir string) string { return dir + "/d/f" })
	w.says("no directory", 0, "no such file or directory")
	w.do(os.Mkdir(w.dir+"/d", 0o755))
	w.write("d/f", "1")
	w.says("made", 1, "")
	w.write("d/f", "2")
	w.says("changed", 2, "")
	w.do(os.Rename(w.dir+"/d", w.dir+"/e"))
	w.says("moved away", 0, "no such file or directory")
	w.write("e/f", "7")
	w.do(os.Rename(w.dir+"/e", w.dir+"/d"))
	w.says("back", 7, "")
	w.do(os.RemoveAll(w.dir + "/d"))
	w.says("removed", 0, "no such file or directory")
}

func TestLinkIsFollowedToWhatItPointsTo(t *testing.T) {
	w := watchFiles(t, func(dir string) string {
		if err := os.Mkdir(dir+"/d", 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"d/a": "1", "d/b": "2"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("d/a", dir+"/f"); err != nil {
			t.Fatal(err)
		}
		return dir + "/f"
	})
	w.says("at first", 1, "")
	w.write("d/a", "3")
	w.says("its target", 3, "")
	w.do(os.Symlink("d/b", w.dir+"/new"))
	w.do(os.Rename(w.dir+"/new", w.dir+"/f"))
	w.says("another target", 2, "")
	w.write("d/b", "4")
	w.says("and that one's changes", 4, "")
}

func TestInitFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct {
		value     int
		overwrite bool
		want      string
	}{{-5, false, "-5\n"}, {6, false, "-5\n"}, {7, true, "7\n"}} {
		if err := InitFile(path, c.value, c.overwrite); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != c.want {
			t.Errorf("%+v: %q", c, b)
		}
	}
	if err := InitFile(t.TempDir(), 1, true); err == nil {
		t.Error("a directory was overwritten")
	}
	if err := InitFile(t.TempDir()+"/none/f", 1, false); err == nil {
		t.Error("a file without directory was made")
	}
}
