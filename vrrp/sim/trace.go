package sim

import (
	"fmt"
	"io"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// trace is the record of a run: a hash always, text when somebody reads it.
type trace struct {
	hash uint64
	to   io.Writer
}

func newTrace(to io.Writer) trace { return trace{14695981039346656037, to} }

// add is FNV-1a over numbers instead of octets: a run has thousands of lines,
// and nobody chooses them.
func (t *trace) add(numbers ...int64) {
	for _, n := range numbers {
		t.hash = (t.hash ^ uint64(n)) * 1099511628211
		t.hash ^= t.hash >> 29
	}
}

func (t *trace) line(at time.Duration, format string, args ...any) {
	if t.to != nil {
		fmt.Fprintf(t.to, "%-14.9f %s\n", at.Seconds(), fmt.Sprintf(format, args...))
	}
}

func (t *trace) event(at time.Duration, e Event) {
	t.add(int64(at), 1, int64(e.Kind), int64(e.Router), int64(e.To), int64(e.Priority))
	if t.to != nil {
		t.line(at, "-- %v", e)
	}
}

func (t *trace) arrival(at time.Duration, to int, a vrrp.Advert) {
	from := a.Src.As4()
	t.add(int64(at), 2, int64(to), int64(from[3]), int64(a.Priority))
	if t.to != nil {
		t.line(at, "r%d   gets %v priority %d", to+1, a.Src, a.Priority)
	}
}

// step records a step that had effects.
func (t *trace) step(n *node, in vrrp.Input, out []vrrp.Effect) {
	for _, e := range out {
		switch e := e.(type) {
		case vrrp.Transition:
			t.add(int64(n.now), 3, int64(n.id), int64(e.From), int64(e.To), int64(e.Reason.Code))
		case vrrp.SendAdvert:
			t.add(int64(n.now), 4, int64(n.id), int64(e.Priority))
		case vrrp.Note:
			t.add(int64(n.now), 5, int64(n.id), int64(e.Kind))
		case vrrp.TakeVIPs:
			t.add(6)
		case vrrp.ReleaseVIPs:
			t.add(7)
		case vrrp.Announce:
			t.add(8)
		}
		if t.to == nil {
			continue
		}
		switch e := e.(type) {
		case vrrp.Transition:
			t.line(n.now, "r%d %v -> %v: %v", n.id+1, e.From, e.To, e.Reason)
		case vrrp.SendAdvert:
			t.line(n.now, "r%d   sends priority %d (%s)", n.id+1, e.Priority, cause(in))
		case vrrp.Note:
			t.line(n.now, "r%d   notes %v from %v", n.id+1, e.Kind, e.Advert.Src)
		case vrrp.TakeVIPs:
			t.line(n.now, "r%d   takes the addresses", n.id+1)
		case vrrp.ReleaseVIPs:
			t.line(n.now, "r%d   releases the addresses", n.id+1)
		}
	}
}

func cause(in vrrp.Input) string {
	switch in := in.(type) {
	case vrrp.Heard:
		return fmt.Sprintf("heard %v priority %d", in.Src, in.Priority)
	case vrrp.Timer:
		return "timer"
	}
	return fmt.Sprintf("%T", in)[len("vrrp."):]
}
