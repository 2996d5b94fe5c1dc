// Package logring keeps a slow log reader away from the protocol. A call that
// logs formats one line into a bounded buffer and returns; a goroutine of its
// own writes the buffer out. A writer that blocks for ever costs lines, which
// are counted, and never time: a hung syslog reader is what silences
// keepalived's adverts.
package logring

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Ring is the bounded buffer in front of one writer.
//
// When it is full the newest lines are lost, not the oldest. What a stuck log
// holds back is then the beginning of the trouble, in order and without a
// hole, followed by one line that says how many came after. Losing the oldest
// would keep the end, which `vrrpx status` shows anyway, and lose the cause.
type Ring struct {
	w    io.Writer
	size int

	mu      sync.Mutex
	pending []byte // whole lines that wait
	lines   uint64 // how many
	missed  uint64 // lost since the last line of pending
	closed  bool

	wake    chan struct{} // holds at most one token
	done    chan struct{} // closed when the writing goroutine has ended
	written atomic.Uint64
	dropped atomic.Uint64
}

// noticeRoom is kept beyond size for the line that counts the lost ones.
const noticeRoom = 128

// New returns a Ring that holds up to size octets of lines for w, and starts
// its goroutine. Twice that is reserved, and touched only when used. The
// caller ends it with Close.
func New(w io.Writer, size int) *Ring {
	r := &Ring{
		w: w, size: size,
		pending: make([]byte, 0, size+noticeRoom),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	go r.write(make([]byte, 0, size+noticeRoom))
	return r
}

// Counts returns the lines handed to the writer, and those lost because the
// buffer was full, the writer failed or the ring was closed. Any goroutine may
// call it.
func (r *Ring) Counts() (written, dropped uint64) { return r.written.Load(), r.dropped.Load() }

// add takes one line with its newline, or counts it as lost. It never waits
// for the writer.
func (r *Ring) add(line []byte) {
	r.mu.Lock()
	if r.closed || len(r.pending)+len(line) > r.size {
		r.missed++
		r.dropped.Add(1)
	} else {
		r.pending = append(r.pending, line...)
		r.lines++
	}
	r.mu.Unlock()
	r.signal()
}

func (r *Ring) signal() {
	select {
	case r.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// write runs until the ring is closed and empty. spare is the second of the
// two buffers: one is filled while the other is written.
func (r *Ring) write(spare []byte) {
	defer close(r.done)
	for range r.wake {
		batch, lines, closed := r.swap(spare)
		if len(batch) > 0 {
			r.put(batch, lines)
		}
		if closed {
			return // nothing is added to a closed ring
		}
		spare = batch[:0]
	}
}

// swap takes what waits and leaves spare to be filled. Room returns only here,
// so the lost lines all belong after the batch, and so does the line that
// counts them.
func (r *Ring) swap(spare []byte) (batch []byte, lines uint64, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	batch, lines = r.pending, r.lines
	r.pending, r.lines = spare, 0
	if r.missed > 0 {
		batch = appendHead(batch, time.Now(), "WARN")
		batch = fmt.Appendf(batch, "%d lines dropped: the reader of this log did not keep up\n", r.missed)
		r.missed = 0
	}
	return batch, lines, r.closed
}

func (r *Ring) put(batch []byte, lines uint64) {
	n, err := r.w.Write(batch)
	if err == nil {
		r.written.Add(lines)
		return
	}
	// There is nowhere left to complain; the count tells.
	whole := min(uint64(bytes.Count(batch[:max(n, 0)], []byte{'\n'})), lines)
	r.written.Add(whole)
	r.dropped.Add(lines - whole)
}

// Close refuses further lines and waits until those that wait are written, but
// no longer than timeout. It returns an error when time ran out; the goroutine
// is then left to its blocked writer, which is fit only for a process about to
// exit. It is called once.
func (r *Ring) Close(timeout time.Duration) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.signal()
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case <-r.done:
		return nil
	case <-late.C:
		return fmt.Errorf("logring: the log's reader took nothing for %v: lines are lost", timeout)
	}
}
