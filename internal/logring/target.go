package logring

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"log/syslog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// eachLine cuts a batch, as a Ring writes it, into lines: level and text,
// without the stamp that journal and syslog have of their own.
func eachLine(batch []byte, f func(level slog.Level, text []byte) error) (n int, err error) {
	for len(batch) > 0 {
		line, rest, _ := bytes.Cut(batch, []byte{'\n'})
		_, text, _ := bytes.Cut(line, []byte{' '})
		name, text, _ := bytes.Cut(text, []byte{' '})
		level := slog.LevelInfo
		_ = level.UnmarshalText(name) // INFO for what the handler never writes
		if err := f(level, text); err != nil {
			return n, err
		}
		n += len(batch) - len(rest)
		batch = rest
	}
	return n, nil
}

// severity is syslog's number of a level.
func severity(l slog.Level) syslog.Priority {
	switch {
	case l >= slog.LevelError:
		return syslog.LOG_ERR
	case l >= slog.LevelWarn:
		return syslog.LOG_WARNING
	case l >= slog.LevelInfo:
		return syslog.LOG_INFO
	}
	return syslog.LOG_DEBUG
}

// Journal returns a writer of lines for a stream that systemd-journald reads:
// each begins with its severity in angle brackets (sd-daemon(3)).
func Journal(w io.Writer) io.Writer { return journal{w} }

type journal struct{ w io.Writer }

func (j journal) Write(batch []byte) (int, error) {
	var b []byte
	n, _ := eachLine(batch, func(l slog.Level, text []byte) error {
		b = fmt.Appendf(b, "<%d>%s\n", severity(l), text)
		return nil
	})
	_, err := j.w.Write(b) // to a pipe: all or, with an error, some
	if err != nil {
		n = 0
	}
	return n, err
}

// IsJournal tells whether a file is the stream to the journal that the service
// manager names in $JOURNAL_STREAM.
func IsJournal(f *os.File) bool {
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil {
		return false
	}
	return os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// Facilities are those of syslog that keepalived takes, by name.
var Facilities = map[string]syslog.Priority{
	"daemon": syslog.LOG_DAEMON, "user": syslog.LOG_USER,
	"local0": syslog.LOG_LOCAL0, "local1": syslog.LOG_LOCAL1, "local2": syslog.LOG_LOCAL2, "local3": syslog.LOG_LOCAL3,
	"local4": syslog.LOG_LOCAL4, "local5": syslog.LOG_LOCAL5, "local6": syslog.LOG_LOCAL6, "local7": syslog.LOG_LOCAL7,
}

// Syslog returns a writer of lines to the host's syslog, under the name tag. It
// connects when there is something to say, again and again: a syslog that is
// not there costs lines, which the Ring counts.
func Syslog(tag string, facility syslog.Priority) io.Writer {
	return &toSyslog{dial: func() (*syslog.Writer, error) { return syslog.New(facility|syslog.LOG_INFO, tag) }}
}

type toSyslog struct {
	dial func() (*syslog.Writer, error)
	w    *syslog.Writer
}

func (s *toSyslog) Write(batch []byte) (int, error) {
	if s.w == nil {
		w, err := s.dial()
		if err != nil {
			return 0, err
		}
		s.w = w
	}
	return eachLine(batch, func(l slog.Level, text []byte) error {
		t := string(text)
		switch severity(l) {
		case syslog.LOG_ERR:
			return s.w.Err(t)
		case syslog.LOG_WARNING:
			return s.w.Warning(t)
		case syslog.LOG_INFO:
			return s.w.Info(t)
		}
		return s.w.Debug(t)
	})
}

// File is a log file that can be rotated: it is opened anew when somebody has
// renamed or removed it, within a second of the next line, and after Reopen.
type File struct {
	path   string
	mode   os.FileMode
	f      *os.File
	looked time.Time
	anew   atomic.Bool
}

// look is how often a File looks whether it was moved.
const look = time.Second

// OpenFile opens or creates a log file and appends to it. It fails for a
// symbolic link, which in a directory of others may lead anywhere.
func OpenFile(path string, mode os.FileMode) (*File, error) {
	f := &File{path: path, mode: mode}
	var err error
	if f.f, err = f.open(); err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	return f, nil
}

func (f *File) open() (*os.File, error) {
	// O_NONBLOCK: to open a named pipe would wait for its reader.
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, f.mode)
	if err != nil {
		return nil, err
	}
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() {
		file.Close()
		return nil, fmt.Errorf("%s is no regular file", f.path)
	}
	return file, nil
}

// Reopen makes the next Write open the file anew. Any goroutine may call it.
func (f *File) Reopen() { f.anew.Store(true) }

// Write is for the Ring's goroutine alone.
func (f *File) Write(batch []byte) (int, error) {
	if f.anew.Swap(false) || time.Since(f.looked) >= look {
		f.follow()
	}
	return f.f.Write(batch)
}

// follow goes to the file that now has the name, or stays where it is when
// there is none to be had.
func (f *File) follow() {
	f.looked = time.Now()
	named, errNamed := os.Lstat(f.path)
	open, errOpen := f.f.Stat()
	if errNamed == nil && errOpen == nil && os.SameFile(named, open) {
		return
	}
	anew, err := f.open()
	if err != nil {
		b := appendHead(nil, time.Now(), slog.LevelError.String())
		_, _ = f.f.Write(fmt.Appendf(b, "the log goes on here: cannot open it anew: %v\n", err))
		return
	}
	_ = f.f.Close()
	f.f = anew
}
