package daemon

import (
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/vrrp"
)

// storm is what routers that act at once put off for each other's sake. When the
// master of 255 routers dies, the adverts and the first gratuitous ARPs of all of
// them are what neighbours wait for, and the last of them must not wait for what
// else the first have to do.
//
// While it gathers, a step only decides and queues its frames (router.carryOut).
// flush sends those of all, an interface's in few system calls. What follows is done
// after that, bit by bit, and in between the loop hears and acts for others: first
// the addresses, then what datapath, pacer, logs and programs are told.
//
// It is the loop's.
type storm struct {
	gathering int
	acted     []*router // whose frames are queued, in the order of their steps
	queued    int       // frames
	following []*router // whose frames have left: addresses and repeats come next
	unsettled []*router

	frames  [][]byte // scratch
	owners  []*router
	refused []int
}

// owed is what a router's last step still asks for.
type owed struct {
	acted, following, unsettled bool // it is in that list
	effects                     []vrrp.Effect
}

const (
	// flushAt is how many frames are gathered before they are sent: the first do
	// not wait for hundreds of steps.
	flushAt = 64
	// followAt is how many addresses are asked for, or a router's all, before the
	// loop looks for adverts and deadlines again, and slice is for how long it does
	// what was put off before that.
	followAt = 64
	slice    = 200 * time.Microsecond
)

// gather lets the steps in f act together.
func (s *storm) gather(f func()) {
	if s.begin(f); s.gathering == 0 {
		s.flush()
	}
}

// begin lets the steps in f act together with those that follow before flush.
func (s *storm) begin(f func()) {
	s.gathering++
	f()
	s.gathering--
}

// gathers tells whether the router's frames wait for those of others.
func (r *router) gathers() bool { return r.out.storm.gathering > 0 }

// acts notes that a router has something to send, or to do behind it.
func (s *storm) acts(r *router) {
	r.owed.acted = true
	s.acted = append(s.acted, r)
	s.queued += len(r.advert.queue[adverts]) + len(r.advert.queue[firstGARPs])
	if s.queued >= flushAt {
		s.flush()
	}
}

// flush sends what is queued: the adverts of all before the first GARP of any.
func (s *storm) flush() {
	for _, r := range s.acted {
		r.beginAdverts()
		r.forgetStale()
		r.sealQueue()
		r.flushLines()
	}
	s.send(adverts)
	s.send(firstGARPs)
	for _, r := range s.acted {
		r.flushBeside()
		r.owed.acted, r.owed.following = false, true
	}
	s.following = append(s.following, s.acted...)
	clear(s.acted)
	s.acted, s.queued = s.acted[:0], 0
}

// send sends the frames of one kind: those of an interface in one call, but for
// the adverts to unicast peers, of which each router finds the way.
func (s *storm) send(kind int) {
	for i, r := range s.acted {
		switch {
		case r.link == nil || len(r.advert.queue[kind]) == 0: // or sent with an earlier one
		case kind == adverts && r.unicast != nil:
			s.sendAll(r.sender(), kind, s.acted[i:i+1])
		default:
			s.sendAll(r.link.Sender, kind, s.acted[i:])
		}
	}
	for _, r := range s.acted {
		r.advert.clear(kind)
	}
}

// sendAll sends the frames of those who send by the interface of the first, and
// counts for each what was taken.
func (s *storm) sendAll(by sender, kind int, all []*router) {
	for _, r := range all {
		if r.link != all[0].link || len(all) > 1 && kind == adverts && r.unicast != nil {
			continue
		}
		for _, f := range r.advert.queue[kind] {
			s.frames, s.owners = append(s.frames, f), append(s.owners, r)
		}
		r.advert.clear(kind)
	}
	s.refused = by.SendEach(s.frames, s.refused[:0])
	for _, at := range s.refused {
		s.owners[at] = nil
	}
	for _, r := range s.owners {
		if r != nil {
			r.advert.left[kind].Add(1)
		}
	}
	clear(s.frames)
	clear(s.owners)
	s.frames, s.owners = s.frames[:0], s.owners[:0]
}

// later puts settling off.
func (s *storm) later(r *router) {
	if !r.owed.unsettled {
		r.owed.unsettled = true
		s.unsettled = append(s.unsettled, r)
	}
}

// more tells whether something was put off.
func (s *storm) more() bool { return len(s.following)+len(s.unsettled) > 0 }

// next does the next bit of it.
func (s *storm) next() {
	if len(s.following) > 0 {
		n := 1
		for size := len(s.following[0].advert.garps); n < len(s.following); n++ {
			if size += len(s.following[n].advert.garps); size > followAt {
				break
			}
		}
		s.follow(s.following[:n])
		s.following = slices.Delete(s.following, 0, n)
		return
	}
	r := s.unsettled[0]
	s.unsettled = slices.Delete(s.unsettled, 0, 1)
	if r.owed.unsettled { // else someone has settled it since
		r.settle()
	}
}

// follow asks for the addresses of several routers at once, and begins their
// repeats.
func (s *storm) follow(all []*router) {
	var holds, gives []string
	for _, r := range all {
		for _, e := range r.owed.effects {
			switch e.(type) {
			case vrrp.TakeVIPs:
				r.watch()
				r.refuse()
				holds = append(holds, r.owner)
			case vrrp.ReleaseVIPs:
				gives = append(gives, r.owner)
			}
		}
	}
	if len(gives) > 0 {
		all[0].out.addresses.Release(gives...)
	}
	if len(holds) > 0 {
		all[0].out.addresses.Hold(holds...)
	}
	for _, r := range all {
		for _, e := range r.owed.effects {
			if e, ok := e.(vrrp.Announce); ok && r.announces(e) {
				r.announce(e.Lower)
			}
		}
		clear(r.owed.effects)
		r.owed.effects, r.owed.following = r.owed.effects[:0], false
	}
}

// finish does at once what of a router waits for others, before it steps again:
// nothing may follow a farewell.
func (r *router) finish() {
	s := r.out.storm
	same := func(x *router) bool { return x == r }
	switch {
	case r.owed.acted:
		s.acted = slices.DeleteFunc(s.acted, same)
		s.queued -= len(r.advert.queue[adverts]) + len(r.advert.queue[firstGARPs])
		r.owed.acted = false
		r.flush()
		s.follow([]*router{r})
	case r.owed.following:
		s.following = slices.DeleteFunc(s.following, same)
		s.follow([]*router{r})
	}
}

// urgent tells whether adverts or deadlines are there to be looked at.
func (l *loop) urgent() bool {
	return slices.ContainsFunc(l.paths, link.Datapath.Ready)
}

// catchUp does what was put off until that is so, or a slice of time is over: not
// every datapath tells, nor does the loop's own timer.
func (l *loop) catchUp() {
	for end := clock.Now().Add(slice); l.storm.more(); {
		if l.storm.next(); l.urgent() || clock.Now() >= end {
			return
		}
	}
}

// runPosts runs what was posted, in its order, with the same bounds. In a storm it
// waits until the addresses of all have been asked for.
func (l *loop) runPosts() {
	l.posted = append(l.posted, l.takePosts()...)
	if len(l.storm.following) > 0 {
		return
	}
	for end := clock.Now().Add(slice); len(l.posted) > 0; {
		f := l.posted[0]
		l.posted = slices.Delete(l.posted, 0, 1)
		if f(); l.urgent() || clock.Now() >= end {
			return
		}
	}
}
