package track

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// File is one whose number counts (track_file).
type File struct{ Name, Path string }

// Reading is what a file was found to say. Where it says no number, or is not
// there, that is 0, as with keepalived; Note tells why.
type Reading struct {
	Name  string
	Value int64 // -2^31 to 2^31
	Note  string
}

// again is how often a directory is looked for that is not there, or whose
// changes cannot be watched.
const again = time.Second

// Files watches files until it is closed, and tells what they say when that
// changes. Its methods are for one goroutine.
type Files struct {
	report func(Reading)
	fd     *os.File
	quit   chan struct{}
	done   sync.WaitGroup

	mu    sync.Mutex
	files []*watchedFile
	dirs  map[int32]string // by watch descriptor
}

// watchedFile is a file, and where changes of it are seen.
type watchedFile struct {
	File
	last  Reading
	known bool
	at    map[string]bool // directory/name: as written, and with links followed
	blind bool            // one of the directories is not watched
}

// WatchFiles begins to watch nothing; Set says what. report is called from
// several goroutines, and in order for each file.
func WatchFiles(report func(Reading)) (*Files, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w", err)
	}
	w := &Files{report: report, fd: os.NewFile(uintptr(fd), "inotify"), quit: make(chan struct{}), dirs: map[int32]string{}}
	w.done.Go(w.listen)
	w.done.Go(w.poll)
	return w, nil
}

// Set changes which files are watched, and reports what new ones say before it
// returns.
func (w *Files) Set(files []File) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := map[File]*watchedFile{}
	for _, f := range w.files {
		old[f.File] = f
	}
	w.files = nil
	for _, f := range files {
		if was := old[f]; was != nil {
			w.files = append(w.files, was)
			continue
		}
		fresh := &watchedFile{File: f}
		w.files = append(w.files, fresh)
		w.look(fresh)
	}
	w.prune()
}

// Close ends it. Nothing is reported afterwards.
func (w *Files) Close() {
	close(w.quit)
	_ = w.fd.Close()
	w.done.Wait()
}

// look reads a file, watching its directories first, so that no change is missed.
func (w *Files) look(f *watchedFile) {
	f.at, f.blind = map[string]bool{}, false
	paths := []string{f.Path}
	if real, err := filepath.EvalSymlinks(f.Path); err == nil && real != f.Path {
		paths = append(paths, real)
	}
	for _, path := range paths {
		f.at[path] = true
		f.blind = !w.watch(filepath.Dir(path)) || f.blind
	}
	r, ok := read(f.File)
	if !ok { // a number that is none: the one before counts
		r.Value = f.last.Value
	}
	if f.known && r == f.last {
		return
	}
	f.last, f.known = r, true
	w.report(r)
}

// watch asks for the events of a directory.
func (w *Files) watch(dir string) (ok bool) {
	wd := -1
	err := control(w.fd, func(fd int) (err error) {
		wd, err = unix.InotifyAddWatch(fd, dir, unix.IN_CLOSE_WRITE|unix.IN_DELETE|unix.IN_MOVE|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_ONLYDIR)
		return err
	})
	if err != nil {
		return false
	}
	w.dirs[int32(wd)] = dir
	return true
}

// prune ends the watches that no file needs.
func (w *Files) prune() {
	for wd, dir := range w.dirs {
		needed := false
		for _, f := range w.files {
			for path := range f.at {
				needed = needed || filepath.Dir(path) == dir
			}
		}
		if !needed {
			_ = control(w.fd, func(fd int) error { _, err := unix.InotifyRmWatch(fd, uint32(wd)); return err })
			delete(w.dirs, wd)
		}
	}
}

func control(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// listen takes the kernel's events.
func (w *Files) listen() {
	b := make([]byte, 1<<16)
	for {
		n, err := w.fd.Read(b)
		if err != nil {
			return // closed
		}
		w.mu.Lock()
		if w.closed() {
			w.mu.Unlock()
			return
		}
		w.events(b[:n])
		w.mu.Unlock()
	}
}

func (w *Files) closed() bool {
	select {
	case <-w.quit:
		return true
	default:
		return false
	}
}

// events looks at the files that events speak of: at all of them when a
// directory has gone, or events were lost.
func (w *Files) events(b []byte) {
	touched := map[string]bool{}
	all := false
	for len(b) >= unix.SizeofInotifyEvent {
		e := (*unix.InotifyEvent)(unsafe.Pointer(&b[0]))
		end := min(unix.SizeofInotifyEvent+int(e.Len), len(b))
		name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:end]), "\x00")
		b = b[end:]
		switch {
		case e.Mask&unix.IN_IGNORED != 0:
			delete(w.dirs, e.Wd)
			all = true
		case e.Mask&(unix.IN_Q_OVERFLOW|unix.IN_DELETE_SELF) != 0:
			all = true
		case e.Mask&unix.IN_MOVE_SELF != 0:
			_ = control(w.fd, func(fd int) error { _, err := unix.InotifyRmWatch(fd, uint32(e.Wd)); return err })
		default:
			touched[filepath.Join(w.dirs[e.Wd], name)] = true
		}
	}
	for _, f := range w.files {
		look := all
		for path := range f.at {
			look = look || touched[path]
		}
		if look {
			w.look(f)
		}
	}
}

// poll looks again at the files whose directories cannot be watched.
func (w *Files) poll() {
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-tick.C:
		}
		w.mu.Lock()
		for _, f := range w.files {
			if f.blind && !w.closed() {
				w.look(f)
			}
		}
		w.mu.Unlock()
	}
}

// read reads a file; it is false when the file has a number that is out of range.
func read(f File) (r Reading, ok bool) {
	r.Name = f.Name
	file, err := os.OpenFile(f.Path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		r.Note = note(err)
		return r, true
	}
	defer file.Close()
	b := make([]byte, 127)
	n, err := file.Read(b)
	if err != nil && err != io.EOF {
		r.Note = note(err)
		return r, true
	}
	text := string(b[:n])
	value, digits, fits := number(text)
	switch {
	case !fits:
		r.Note = "the number is out of range, and the one before counts"
		return r, false
	case !digits && strings.TrimSpace(text) == "":
		r.Note = "empty"
	case !digits:
		r.Note = "no number"
	}
	r.Value = value
	return r, true
}

// note is an error without the path, which the name stands for.
func note(err error) string {
	if e := new(os.PathError); errors.As(err, &e) {
		err = e.Err
	}
	return err.Error()
}

// number reads the number that a text begins with as strtol(3) does with base 0:
// decimal, octal after 0, hexadecimal after 0x. digits tells whether there is any,
// fits whether it is from -2^31 to 2^31.
func number(s string) (n int64, digits, fits bool) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	base := int64(10)
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit(s[2]) < 16 {
		base, s = 16, s[2:]
	} else if strings.HasPrefix(s, "0") {
		base = 8
	}
	for i := 0; i < len(s) && digit(s[i]) < base; i++ {
		digits = true
		if n = n*base + digit(s[i]); n > 1<<40 {
			n = 1 << 40
		}
	}
	if negative {
		n = -n
	}
	return n, digits, n >= -1<<31 && n <= 1<<31
}

func digit(c byte) int64 {
	switch {
	case c >= '0' && c <= '9':
		return int64(c - '0')
	case c >= 'a' && c <= 'f':
		return int64(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int64(c-'A') + 10
	}
	return 99
}

// InitFile writes a number to a file: to one that is missing, or with overwrite
// to any regular file.
func InitFile(path string, value int, overwrite bool) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && !overwrite:
		return nil
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file", path)
	}
	return os.WriteFile(path, fmt.Appendf(nil, "%d\n", value), 0o644)
}
