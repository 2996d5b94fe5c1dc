package notify

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fifo is one in a directory of its own, with what it has told.
func fifo(t *testing.T, change func(*FIFOOptions)) (f *FIFO, path string, told func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	var mu sync.Mutex
	var all []string
	o := FIFOOptions{Path: path, UID: os.Getuid(), GID: os.Getgid(), Tell: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, err.Error())
	}}
	if change != nil {
		change(&o)
	}
	f = OpenFIFO(o)
	return f, path, func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(all, "\n")
	}
}

// reads opens the FIFO as a reader and returns what it has now.
func reads(t *testing.T, path string) string {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var got []byte
	b := make([]byte, 1<<17)
	for {
		n, err := unix.Read(fd, b)
		if n <= 0 || err != nil {
			return string(got)
		}
		got = append(got, b[:n]...)
	}
}

// settled waits until the goroutine has taken n lines.
func settled(t *testing.T, f *FIFO, n uint64) FIFOStatus {
	t.Helper()
	for range 2000 {
		if s := f.Status(); s.Written+s.Dropped >= n {
			return s
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%+v, want %d lines", f.Status(), n)
	return FIFOStatus{}
}

func TestLinesWaitInThePipeForAReader(t *testing.T) {
	f, path, told := fifo(t, nil)
	f.Write("one\n")
	f.Write("two\n")
	settled(t, f, 2)
	if got := reads(t, path); got != "one\ntwo\n" {
		t.Errorf("read %q", got)
	}
	f.Write("three\n") // the reader has gone, and another comes
	settled(t, f, 3)
	if got := reads(t, path); got != "three\n" {
		t.Errorf("read %q", got)
	}
	if lost := f.Close(time.Second); lost != 0 || told() != "" {
		t.Errorf("%d lost, told %q", lost, told())
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the FIFO that we made is there after Close: %v", err)
	}
}

func TestFullPipeLosesWholeLinesAndTellsOnce(t *testing.T) {
	f, path, told := fifo(t, nil)
	defer f.Close(time.Second)
	line := func(i int) string { return fmt.Sprintf("%06d%s\n", i, strings.Repeat(".", 121)) }
	const n = 1000 // of 128 bytes, which pages hold without a rest: more than 64 KiB
	for i := range n {
		f.Write(line(i))
	}
	s := settled(t, f, n)
	if s.Written != 512 || s.Dropped != n-512 || !strings.Contains(s.Problem, "nobody reads it") {
		t.Errorf("%+v", s)
	}
	want := ""
	for i := range 512 {
		want += line(i)
	}
	if got := reads(t, path); got != want {
		t.Errorf("%d bytes, want %d: the oldest whole lines", len(got), len(want))
	}
	f.Write("again\n")
	settled(t, f, n+1)
	if got, lines := reads(t, path), strings.Split(told(), "\n"); got != "again\n" || len(lines) != 2 || !strings.Contains(lines[1], "488 lines were lost") {
		t.Errorf("read %q, told %q", got, lines)
	}
}

func TestFIFOOfOthersIsNotRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "theirs")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, _, told := fifo(t, func(o *FIFOOptions) { o.Path = path })
	f.Write("x\n")
	f.Close(time.Second)
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != 0o600 || told() != "" {
		t.Errorf("%v %v, told %q", info, err, told())
	}
}

func TestWhatIsNoFIFOIsToldAndTriedAgain(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file: "a file of another kind", link: "too many levels of symbolic links", dir: "open: is a directory",
		filepath.Join(dir, "none", "fifo"): "mkfifo: no such file",
	} {
		f, _, told := fifo(t, func(o *FIFOOptions) { o.Path = path })
		f.Write("x\n")
		f.Write("y\n")
		s := settled(t, f, 2)
		if s.Dropped != 2 || !strings.Contains(s.Problem, want) || strings.Count(told(), "\n") != 0 || !strings.Contains(told(), want) {
			t.Errorf("%s: %+v, told %q", path, s, told())
		}
		if path == filepath.Join(dir, "none", "fifo") {
			if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			f.Write("z\n")
			if s := settled(t, f, 3); s.Written != 1 || s.Problem != "" || reads(t, path) != "z\n" {
				t.Errorf("after its directory was made: %+v", s)
			}
		}
		f.Close(time.Second)
	}
	if b, _ := os.ReadFile(file); string(b) != "precious" {
		t.Errorf("the file has become %q", b)
	}
}
