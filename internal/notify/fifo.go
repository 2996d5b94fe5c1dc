package notify

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// waitingLines bounds what waits for a FIFO's goroutine, which waits for nobody
// but the file system.
const waitingLines = 4096

// FIFO is a named pipe to which lines are written. As with keepalived the pipe
// keeps what nobody reads (64 KiB), and once it is full lines are lost: a line
// is written whole or not at all, and nobody waits for a reader. Its methods
// are for any goroutine and never block but Close.
type FIFO struct {
	o     FIFOOptions
	lines chan string
	quit  chan struct{}
	done  chan struct{}

	fd      int  // the goroutine's; -1 while it cannot be opened
	made    bool // likewise: by us, to be removed
	lost    uint64
	written atomic.Uint64
	dropped atomic.Uint64
	problem atomic.Pointer[string]
}

// FIFOOptions is what a FIFO is told.
type FIFOOptions struct {
	Path     string
	UID, GID int // who owns it if it has to be made
	// Ours tells that it was made by an earlier run of ours, which was killed.
	Ours bool
	// Tell is called by the goroutine with what the operator should know.
	Tell func(error)
}

// FIFOStatus is a snapshot.
type FIFOStatus struct {
	Written, Dropped uint64 // lines
	Problem          string // why it cannot be written to; empty: it can
}

// OpenFIFO makes the FIFO where it is missing and opens it. Where it cannot,
// that is told, and tried again for each line.
func OpenFIFO(o FIFOOptions) *FIFO {
	f := &FIFO{
		o: o, fd: -1, made: o.Ours, lines: make(chan string, waitingLines),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	f.open()
	go f.work()
	return f
}

// Write has a line written, which ends in a newline and is no longer than
// PIPE_BUF (4096 bytes).
func (f *FIFO) Write(line string) {
	select {
	case f.lines <- line:
	default:
		f.dropped.Add(1)
	}
}

// Status is for any time.
func (f *FIFO) Status() FIFOStatus {
	s := FIFOStatus{Written: f.written.Load(), Dropped: f.dropped.Load()}
	if p := f.problem.Load(); p != nil {
		s.Problem = *p
	}
	return s
}

// Close writes what waits, for so long at most, and removes the FIFO if we made
// it: first, so that a reader that opens it again and again ends. It returns how
// many lines were never written.
func (f *FIFO) Close(wait time.Duration) (lost int) {
	close(f.quit)
	select {
	case <-f.done:
	case <-time.After(wait):
	}
	return len(f.lines)
}

func (f *FIFO) work() {
	defer close(f.done)
	for {
		select {
		case l := <-f.lines:
			f.write(l)
			continue
		case <-f.quit:
		}
		break
	}
	for len(f.lines) > 0 {
		f.write(<-f.lines)
	}
	if f.made {
		_ = unix.Unlink(f.o.Path) // somebody else may have
	}
	if f.fd >= 0 {
		_ = unix.Close(f.fd)
	}
}

// write writes one line, or counts it and tells when the loss begins and ends.
func (f *FIFO) write(line string) {
	err := error(unix.EAGAIN)
	if f.fd >= 0 || f.open() {
		err = f.put(line)
	}
	if err == nil {
		f.written.Add(1)
		if f.lost > 0 {
			f.o.Tell(fmt.Errorf("%s is read again: %d lines were lost", f.o.Path, f.lost))
			f.lost = 0
			f.problem.Store(nil)
		}
		return
	}
	f.dropped.Add(1)
	f.lost++
	if f.lost == 1 && f.fd >= 0 {
		if err == unix.EAGAIN {
			err = errors.New("it is full: nobody reads it")
		}
		f.complain(fmt.Errorf("writing to %s: %w; lines are lost", f.o.Path, err))
	}
}

func (f *FIFO) put(line string) error {
	for {
		n, err := unix.Write(f.fd, []byte(line))
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n < len(line): // longer than PIPE_BUF
			return fmt.Errorf("%d of %d bytes fitted", n, len(line))
		}
		return nil
	}
}

// open is false, with a complaint, where there is no FIFO that we can write to.
func (f *FIFO) open() bool {
	err := f.tryOpen()
	if err != nil {
		f.complain(fmt.Errorf("notify FIFO %s: %w", f.o.Path, err))
		return false
	}
	f.problem.Store(nil)
	return true
}

// complain tells of a problem that is new.
func (f *FIFO) complain(err error) {
	text := err.Error()
	if old := f.problem.Swap(&text); old == nil || *old != text {
		f.o.Tell(err)
	}
}

func (f *FIFO) tryOpen() error {
	err := unix.Mkfifo(f.o.Path, 0o600)
	made := err == nil
	if err != nil && err != unix.EEXIST {
		return fmt.Errorf("mkfifo: %w", err)
	}
	// For reading too, so that the pipe is there without a reader, and what was
	// written stays for the next one.
	const mode = unix.O_RDWR | unix.O_NONBLOCK | unix.O_CLOEXEC | unix.O_NOFOLLOW
	fd, err := unix.Open(f.o.Path, mode, 0)
	if err == unix.EACCES && f.made && !made {
		// Left by a killed daemon to its owner, and we are root without
		// CAP_DAC_OVERRIDE.
		_ = unix.Unlink(f.o.Path)
		if err = unix.Mkfifo(f.o.Path, 0o600); err == nil {
			made = true
			fd, err = unix.Open(f.o.Path, mode, 0)
		}
	}
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		_ = unix.Close(fd)
		return errors.New("there is a file of another kind")
	}
	if made {
		if err := unix.Fchown(fd, f.o.UID, f.o.GID); err != nil {
			f.o.Tell(fmt.Errorf("notify FIFO %s: chown to %d:%d: %w", f.o.Path, f.o.UID, f.o.GID, err))
		}
	}
	f.fd, f.made = fd, f.made || made
	return nil
}
