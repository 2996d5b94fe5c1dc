package daemon

import (
	"slices"

	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Packet sockets are read one after another, each to its end. After the loop was
// held up, a router would hear one line's old adverts after another's new ones,
// and its deadline would go back. So its adverts of one round are put in order.
// The ring of the kernel is in order as it is.

// unordered tells whether a router's adverts come by several datapaths.
func (r *router) unordered() bool {
	if len(r.lines) == 0 {
		return false
	}
	bySocket := func(l *link.Link) bool { return l != nil && l.Socket != nil }
	return bySocket(r.link) || slices.ContainsFunc(r.lines, func(l *line) bool { return bySocket(l.link) })
}

// hear gives an advert to its router now, or keeps a copy for hearMerged.
func (l *loop) hear(r *router, via *line, e *loader.Event) {
	if !r.unordered() {
		l.heardBy(r, via, e)
		return
	}
	c := *e
	c.Packet, c.Message = slices.Clone(e.Packet), slices.Clone(e.Message)
	l.merging = append(l.merging, c)
}

func (l *loop) heardBy(r *router, via *line, e *loader.Event) {
	r.hear(e, via)
	if n := len(l.heard); n == 0 || l.heard[n-1] != r {
		l.heard = append(l.heard, r)
	}
}

func (l *loop) hearMerged() {
	slices.SortStableFunc(l.merging, func(a, b loader.Event) int { return int(a.At.Sub(b.At)) })
	for i := range l.merging {
		e := &l.merging[i]
		if r, via := l.owner(e.Key); r != nil {
			l.heardBy(r, via, e)
		}
	}
	clear(l.merging)
	l.merging = l.merging[:0]
}

// owner is the router that a key belongs to, and by which line; nil for none.
func (l *loop) owner(k loader.Key) (*router, *line) {
	if via := l.byLine[k]; via != nil {
		return via.router, via
	}
	return l.byKey[k], nil
}

// lookLines looks at the lines of those routers whose time has come.
func (l *loop) lookLines(t vrrp.Instant) {
	for _, r := range l.routers {
		if due, ok := r.lookDue(); ok && t >= due {
			r.lookLines(t)
		}
	}
}
