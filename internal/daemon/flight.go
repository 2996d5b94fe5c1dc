package daemon

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/flight"
	"github.com/vrrpx/vrrpx/internal/history"
	"github.com/vrrpx/vrrpx/internal/version"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// The flight recorder. The loop writes into rings; what is read of them is a copy that
// the loop makes, a router a turn, and all else is done by those who asked for it.

// flown is what a router has of it. The zero value records nothing.
type flown struct {
	ring  *flight.Ring
	moved chan<- string // the host's, told of unplanned transitions
}

// step writes down a step of the machine, right after it.
func (f *flown) step(at vrrp.Instant, r *router, in vrrp.Input, out []vrrp.Effect) {
	if f.ring != nil {
		f.ring.Step(at, r.now(), r.machine, in, out)
	}
}

// refuse writes down an advert that the machine never saw.
func (f *flown) refuse(d vrrp.Drop, r *router, e *loader.Event) {
	if f.ring == nil {
		return
	}
	refused := flight.Refused{Why: d, Src: e.Src, MAC: e.MAC}
	if len(e.Message) > 2 {
		refused.Priority = e.Message[2]
	}
	f.ring.Refuse(e.At, r.now(), r.machine, refused)
}

// transition has an unplanned one written to a file. It does not block.
func (f *flown) transition(r *router, t vrrp.Transition) {
	if f.moved == nil || !unplanned(t.Reason.Code) {
		return
	}
	select {
	case f.moved <- r.cfg.Name:
	default: // of so many at once some are enough
	}
}

// unplanned tells of a reason that nobody wanted. A group's is that of the member who
// led; a router that hears no MASTER at its start is as it should be.
func unplanned(c vrrp.ReasonCode) bool {
	switch c {
	case vrrp.ReasonMasterDown, vrrp.ReasonBetterMaster, vrrp.ReasonFault, vrrp.ReasonHeldUp, vrrp.ReasonYielded, vrrp.ReasonSucceeded, vrrp.ReasonLapsed:
		return true
	}
	return false
}

// fly gives a router that is new its ring, or that of the one in whose place it is. n
// are those who have none yet, the router among them. It is the loop's, or before it.
func (h *host) fly(r, was *router, n int) {
	switch {
	case was != nil && was.flight.ring != nil:
		r.flight, was.flight = was.flight, flown{} // its group may still step the old one
	default:
		used := 0
		for _, x := range h.routers {
			used += x.flight.ring.Cap()
		}
		r.flight = flown{flight.NewRing(flight.Size(used, n)), h.flights}
	}
	r.flight.ring.Begin(r.now(), r.machine)
}

// flyAll is fly at the start.
func (h *host) flyAll() {
	for i, r := range h.routers {
		h.fly(r, nil, len(h.routers)-i)
	}
}

// fly has what the group makes its members do written down too. They have just become
// members, which changed them.
func (g *syncGroup) fly(t vrrp.Instant) {
	for _, r := range g.routers {
		r.flight.ring.Begin(t, r.machine)
	}
	g.core.Watch(func(i int, now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) {
		g.routers[i].flight.step(now, g.routers[i], in, out)
	})
}

const (
	flightSettle = 2 * time.Second  // what a file has of what follows the transition
	flightPause  = 30 * time.Second // between two files: who flaps must not push the first out
	flightRest   = 300 * time.Microsecond
	flightTurn   = 64 // records between two rests
)

// restingWriter gives the CPU away with each write (see restFor in cmd/vrrpx): this
// process has one realtime priority, and adverts are due.
type restingWriter struct{ io.Writer }

func (w restingWriter) Write(b []byte) (int, error) {
	time.Sleep(flightRest)
	return w.Writer.Write(b)
}

// captures copies what there is of one router, or with "" of all; not what happened
// before from. It blocks, and is for other goroutines than the loop's.
func (h *host) captures(ctx context.Context, from vrrp.Instant, wanted func(name string) bool) ([]flight.Capture, error) {
	type seat struct {
		ring *flight.Ring
		room int
	}
	var seats []seat
	var all []flight.Capture
	if err := h.onLoop(ctx, func() {
		for _, r := range h.routers {
			if r.flight.ring != nil && wanted(r.cfg.Name) {
				seats = append(seats, seat{r.flight.ring, r.flight.ring.Cap()})
				all = append(all, flight.Capture{Router: r.cfg.Name, Interface: r.cfg.Interface})
			}
		}
	}); err != nil {
		return nil, err
	}
	for i, s := range seats {
		b := make([]byte, 0, s.room) // not by the loop
		if err := h.onLoop(ctx, func() { b = s.ring.Copy(b) }); err != nil {
			return nil, err
		}
		for r, err := range flight.Records(b) {
			if err != nil {
				return nil, fmt.Errorf("the recording of %s: %w", all[i].Router, err)
			}
			if all[i].Records = append(all[i].Records, r); len(all[i].Records)%flightTurn == 0 {
				time.Sleep(flightRest)
			}
		}
		all[i].Since(from)
	}
	return all, nil
}

// writeFlight is flight.Write, by a process that has other things to do.
func writeFlight(w io.Writer, all []flight.Capture) error {
	clocks := flight.Clocks{Wall: time.Now(), At: clock.Now()}
	return flight.Write(restingWriter{w}, "vrrpx "+version.String(), clocks, all)
}

// Record is for the control socket: what happened in the last while, or with 0 all
// that there is, of one router, or with "" of all.
func (h *host) Record(ctx context.Context, since time.Duration, router string) (func(io.Writer) error, error) {
	from := vrrp.Instant(0)
	if since > 0 {
		from = clock.Now().Add(-since)
	}
	all, err := h.captures(ctx, from, func(name string) bool { return router == "" || name == router })
	if err == nil && len(all) == 0 && router != "" {
		err = fmt.Errorf("%w: %s", control.ErrNoRouter, router)
	}
	if err != nil {
		return nil, err
	}
	return func(w io.Writer) error { return writeFlight(w, all) }, nil
}

// watchFlights writes a file of each unplanned transition, and of those that come with
// it, until ctx ends. It has a goroutine of its own: a disk that hangs holds up nothing
// else.
func (h *host) watchFlights(ctx context.Context) {
	store := flight.Store{Dir: filepath.Join(h.historyDir(), history.Recordings)}
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-h.flights:
			if !pauseFor(ctx, flightSettle) {
				return
			}
			h.keepFlight(ctx, &store, name)
			if !pauseFor(ctx, flightPause) {
				return
			}
		}
	}
}

func pauseFor(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// keepFlight writes one file: of the router named, and of those that were told of
// since.
func (h *host) keepFlight(ctx context.Context, store *flight.Store, first string) {
	names := map[string]bool{first: true}
	for more := true; more; {
		select {
		case name := <-h.flights:
			names[name] = true
		default:
			more = false
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dumpTime)
	defer cancel()
	before := clock.Now().Add(-flightSettle)
	all, err := h.captures(ctx, before.Add(-flight.Span), func(name string) bool { return names[name] })
	if err == nil && len(all) == 0 {
		return // removed since
	}
	about := first
	if len(names) > 1 {
		about = fmt.Sprintf("%s-and-%d-more", first, len(names)-1)
	}
	path := ""
	if err == nil {
		path, err = store.Put(time.Now(), about, func(w io.Writer, span time.Duration) error {
			for i := range all {
				all[i].Since(before.Add(-span))
			}
			return writeFlight(w, all)
		})
	}
	if err != nil {
		h.log.Error("no flight recording of the transition: "+err.Error(), "routers", len(names))
	}
	if path != "" {
		h.log.Info("flight recording of the transition: "+path, "routers", len(names))
	}
}
