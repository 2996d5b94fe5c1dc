// Package history keeps what happened, in memory and in a file that outlives the process:
// what `vrrpx events` lists and `vrrpx explain --at` argues from. To add an event takes no
// lock that a reader or the disk could hold.
package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

const (
	// fileName of the generation that grows; the one before it has oldSuffix.
	fileName  = "history.jsonl"
	oldSuffix = ".1"
	// fileMost is when a generation is full, in bytes: some 4,000 events.
	fileMost = 1 << 20
	// memoryMost is how many events are kept in memory, octetsMost about how much they take.
	memoryMost = 4096
	octetsMost = 4 << 20
	// changesMost is how much of the changes of a reload is kept, in bytes: some 200 lines.
	changesMost = 16 << 10
	// queueMost is how many may wait to be numbered, which takes microseconds each: two for
	// each of 255 routers, twice over. What comes beyond that is lost and counted.
	queueMost = 1024
	// pendingMost is how many may wait for the disk: what comes then is in memory alone.
	pendingMost = 1024
)

// Store is a history under way.
type Store struct {
	path    string
	queue   chan stats.Event
	dropped atomic.Uint64

	mu      sync.Mutex
	events  []stats.Event // the last memoryMost, in order; never changed in place
	octets  int           // that these take
	seq     uint64        // of the last
	pending []stats.Event
	unsaved uint64        // that did not get to the file
	problem string        // why nothing gets there now; empty: it does
	changed chan struct{} // closed by the next event

	ends  sync.Once
	end   chan struct{} // closed by End
	wake  chan struct{} // of capacity 1: something is pending; closed at the end
	kept  chan struct{} // closed when all that was added is in memory
	saved chan struct{} // and in the file

	torn bool // the file may end in the middle of a line; save's
}

// Open goes on with the history in a directory, which the first event makes when it is
// missing. The store is good whatever the error says, which is that of a history that cannot
// be read: it begins anew then.
func Open(dir string) (*Store, error) {
	events, err := Read(dir)
	s := &Store{
		path: filepath.Join(dir, fileName), queue: make(chan stats.Event, queueMost),
		changed: make(chan struct{}), end: make(chan struct{}), wake: make(chan struct{}, 1),
		kept: make(chan struct{}), saved: make(chan struct{}), torn: true,
	}
	if n := len(events); n > 0 {
		s.seq = events[n-1].Seq
		for i := range events {
			s.octets += octets(&events[i])
		}
		s.events = events
		s.forget()
		s.events = slices.Clone(s.events)
	}
	go s.keep()
	go s.save()
	return s, err
}

// Add adds an event, and gives it a number. It is for any goroutine and never waits: an
// event for which there is no room is lost, and counted.
func (s *Store) Add(e stats.Event) {
	select {
	case s.queue <- e:
	default:
		s.dropped.Add(1)
	}
}

// keep takes events into memory, in a goroutine of its own.
func (s *Store) keep() {
	defer close(s.wake)
	defer close(s.kept)
	for {
		select {
		case e := <-s.queue:
			s.take(e)
		case <-s.end:
			for {
				select {
				case e := <-s.queue:
					s.take(e)
				default:
					return
				}
			}
		}
	}
}

func (s *Store) take(e stats.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	e.Seq = s.seq
	e.Changes = shortened(e.Changes)
	s.events = append(s.events, e)
	s.octets += octets(&e)
	s.forget()
	if len(s.pending) < pendingMost {
		s.pending = append(s.pending, e)
	} else {
		s.unsaved++
	}
	close(s.changed)
	s.changed = make(chan struct{})
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// forget makes room: append copies what is left alone when it has to.
func (s *Store) forget() {
	for len(s.events) > memoryMost || s.octets > octetsMost && len(s.events) > 1 {
		s.octets -= octets(&s.events[0])
		s.events = s.events[1:]
	}
}

// octets is about what an event takes in memory.
func octets(e *stats.Event) int {
	n := 400 + len(e.Text) + len(e.Cause) + 100*len(e.Tracked)
	for _, c := range e.Changes {
		n += len(c)
	}
	return n
}

// shortened leaves the first of so many changes that one reload would push out all else.
func shortened(changes []string) []string {
	n := 0
	for i, c := range changes {
		if n += len(c); n > changesMost {
			return append(slices.Clone(changes[:i]), fmt.Sprintf("and %d more", len(changes)-i))
		}
	}
	return changes
}

// After returns the events with a higher number that are in memory, in order. They are not
// to be changed.
func (s *Store) After(seq uint64) []stats.Event {
	events, _ := s.after(seq)
	return events
}

func (s *Store) after(seq uint64) ([]stats.Event, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, _ := slices.BinarySearchFunc(s.events, seq, func(e stats.Event, seq uint64) int {
		if e.Seq <= seq {
			return -1
		}
		return 1
	})
	return slices.Clip(s.events[from:]), s.changed
}

// Wait is After, and waits until there is one. It returns none when the context ends, and
// when the store does.
func (s *Store) Wait(ctx context.Context, seq uint64) []stats.Event {
	for last := false; ; {
		events, changed := s.after(seq)
		if len(events) > 0 || last {
			return events
		}
		select {
		case <-changed:
		case <-s.kept:
			last = true
		case <-ctx.Done():
			return nil
		}
	}
}

// Status returns how the store fares.
func (s *Store) Status() stats.History {
	s.mu.Lock()
	defer s.mu.Unlock()
	return stats.History{Lost: s.unsaved + s.dropped.Load(), Problem: s.problem}
}

// End takes no more events, and waits for nothing: what was added is kept, and who follows
// (Wait) is told that it was the last.
func (s *Store) End() { s.ends.Do(func() { close(s.end) }) }

// Close is End, and writes what waits; the events stay readable. It waits for the disk no
// longer than patience.
func (s *Store) Close(patience time.Duration) error {
	s.End()
	select {
	case <-s.saved:
		return nil
	case <-time.After(patience):
		return errors.New("history: the disk is too slow, the last events are lost")
	}
}

// save writes to the file, in a goroutine of its own.
func (s *Store) save() {
	defer close(s.saved)
	for range s.wake {
		s.write()
	}
	s.write()
}

func (s *Store) write() {
	s.mu.Lock()
	todo := s.pending
	s.pending = nil
	s.mu.Unlock()
	if len(todo) == 0 {
		return
	}
	err := s.append(lines(todo))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem = ""; err != nil {
		s.problem = err.Error()
		s.unsaved += uint64(len(todo))
	}
}

// append writes lines to the file, in one call, so that a reader or a crash sees whole ones
// but for the last.
func (s *Store) append(lines []byte) error {
	f, err := open(s.path)
	if err != nil {
		return err
	}
	defer func() { f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > 0 && info.Size()+int64(len(lines)) > fileMost {
		if err := os.Rename(s.path, s.path+oldSuffix); err != nil {
			return err
		}
		f.Close()
		if f, err = open(s.path); err != nil {
			return err
		}
	}
	if s.torn {
		lines = append([]byte{'\n'}, lines...) // an empty line is no event
	}
	_, err = f.Write(lines)
	s.torn = err != nil
	return err
}

// open opens the file to append to it, and makes its directory again where that has gone.
func open(path string) (*os.File, error) {
	const flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	f, err := os.OpenFile(path, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(path, flags, 0o600)
	}
	return f, err
}
