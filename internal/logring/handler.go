package logring

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// Handler returns a slog.Handler whose lines go through the ring, from the
// given level up:
//
//	2026-11-23T04:05:06.789012Z INFO (VI_1) Entering MASTER STATE from=BACKUP
//
// Time is UTC with microseconds. The message stands as it was given, so that
// what keepalived's users grep for is there; only control characters in it are
// escaped, so that nothing heard on the network can forge a line.
func (r *Ring) Handler(level slog.Leveler) slog.Handler {
	return &handler{ring: r, level: level}
}

type handler struct {
	ring  *Ring
	level slog.Leveler
	attrs []byte // those of WithAttrs, formatted
	group string // of WithGroup, with its final dot
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

var lineBuffers = sync.Pool{New: func() any {
	b := make([]byte, 0, 512)
	return &b
}}

// Handle formats outside the ring's lock, since a value may format itself in
// its own code. It never fails: a lost line is counted.
func (h *handler) Handle(_ context.Context, rec slog.Record) error {
	buf := lineBuffers.Get().(*[]byte)
	b := appendHead((*buf)[:0], rec.Time, rec.Level.String())
	b = appendText(b, rec.Message)
	b = append(b, h.attrs...)
	rec.Attrs(func(a slog.Attr) bool {
		b = appendAttr(b, h.group, a)
		return true
	})
	b = append(b, '\n')
	h.ring.add(b)
	*buf = b
	lineBuffers.Put(buf)
	return nil
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		with.attrs = appendAttr(with.attrs, h.group, a)
	}
	return &with
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.group += name + "."
	return &with
}
