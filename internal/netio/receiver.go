package netio

import (
	"fmt"
	"net/netip"
	"sync/atomic"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Receiver hears the adverts of one interface through a packet socket, for
// where XDP is off or refused. Like the kernel program it judges, counts,
// stamps and bounds them, and stands in front of netfilter; unlike it, it
// keeps no adverts to itself and no deadline, and leaves every frame to the
// host. It does not hear frames that another's XDP program drops.
//
// Drain, SetRouter, Remove, Tell and Close belong to one goroutine; the counters are
// for any.
type Receiver struct {
	ring    *packetRing
	packet  Packet                        // scratch, so that Drain allocates nothing
	routers [2][256]atomic.Pointer[heard] // by family (IPv4, IPv6) and VRID

	tell  func(vrrp.Instant, *vrrp.Frame, vrrp.Drop) // may be nil
	noted vrrp.Frame                                 // scratch, likewise

	frames atomic.Uint64
	drops  [vrrp.NumDrops]atomic.Uint64
}

// Rule is what a router wants of its adverts, and how many.
type Rule struct {
	vrrp.Expect
	Priority uint8 // our effective one: what is not below it can change a decision
	// Rate is how many adverts a second are delivered of each class, Burst how
	// many at once; both above 0. The classes are those like Master's, releases, those of a
	// priority not below ours, and the others: a flood of one does not hide
	// another, least of all the master.
	Rate, Burst uint32
	Master      Match
}

// Match tells the adverts of the master that a BACKUP has accepted. The zero
// value matches none.
type Match struct {
	Src      netip.Addr
	Priority uint8
	MAC      [6]byte // zero for any
}

// Packet is an accepted advert. All it points to is good until the function
// that it was given to returns.
type Packet struct {
	At vrrp.Instant // arrival
	vrrp.Frame
}

// OpenReceiver begins to hear an interface in the network namespace of the
// calling thread. The interface may be down. It needs CAP_NET_RAW.
func OpenReceiver(ifindex int) (*Receiver, error) {
	ring, err := openPacketRing(ifindex)
	if err != nil {
		return nil, err
	}
	return &Receiver{ring: ring}, nil
}

// FD is readable when Drain has something to do.
func (r *Receiver) FD() int { return r.ring.fd }

// Drain gives f the adverts that wait, oldest first, and stops after the first
// one stamped later than until: a flood cannot hold the caller. It never waits.
// It returns how many it gave, and an error of the socket, which remains in
// use. Stamps never decrease and are never in the future, whatever happens to
// the wall clock.
func (r *Receiver) Drain(until vrrp.Instant, f func(*Packet)) (int, error) {
	given, read := 0, 0
	by := readClocks()
	for {
		c, ok := r.ring.next(by)
		if !ok {
			break
		}
		read++
		if r.take(c) {
			given++
			f(&r.packet)
		}
		r.ring.release(c)
		if c.at > until {
			break
		}
	}
	if read == 0 {
		return 0, r.ring.takeError()
	}
	return given, nil
}

// take judges and counts a frame; it is true for an advert, then in packet.
func (r *Receiver) take(c captured) bool {
	fr, drop, ours := vrrp.Judge(c.bytes, r.expect)
	if !ours {
		return false
	}
	r.frames.Add(1)
	if !drop.OfRouter() && drop != vrrp.Accepted {
		r.drops[drop].Add(1)
		r.note(c.at, fr, drop)
		return false
	}
	h := r.router(fr.VRID, fr.Family)
	if drop == vrrp.Accepted {
		drop = h.accept(c.at, &fr)
	}
	if drop != vrrp.Accepted || !h.rule.Master.matches(&fr) {
		r.note(c.at, fr, drop)
	}
	if drop != vrrp.Accepted {
		h.drops[drop].Add(1)
		return false
	}
	r.packet = Packet{At: c.at, Frame: fr}
	return true
}

// Tell has f told of each frame with VRRP, and what became of it, but for the adverts
// of Rule.Master. f is called by Drain and must be quick; the frame is good until it
// returns, and its Message is nil where none was found.
func (r *Receiver) Tell(f func(vrrp.Instant, *vrrp.Frame, vrrp.Drop)) { r.tell = f }

func (r *Receiver) note(at vrrp.Instant, fr vrrp.Frame, d vrrp.Drop) {
	if r.tell != nil {
		r.noted = fr
		r.tell(at, &r.noted, d)
	}
}

func (r *Receiver) expect(vrid uint8, f vrrp.Family) (vrrp.Expect, bool) {
	if h := r.router(vrid, f); h != nil {
		return h.rule.Expect, true
	}
	return vrrp.Expect{}, false
}

func (r *Receiver) slot(vrid uint8, f vrrp.Family) *atomic.Pointer[heard] {
	if f == vrrp.IPv6 {
		return &r.routers[1][vrid]
	}
	return &r.routers[0][vrid]
}

func (r *Receiver) router(vrid uint8, f vrrp.Family) *heard { return r.slot(vrid, f).Load() }

// SetRouter begins to hear a router or replaces its rule; the counters stay.
// It fails when the rule delivers nothing.
func (r *Receiver) SetRouter(vrid uint8, f vrrp.Family, rule Rule) error {
	if rule.Rate == 0 || rule.Burst == 0 {
		return fmt.Errorf("VRID %d %v: a rule of %d adverts a second, %d at once, delivers none", vrid, f, rule.Rate, rule.Burst)
	}
	if h := r.router(vrid, f); h != nil {
		h.rule, h.since = rule, clock.Now()
	} else {
		r.slot(vrid, f).Store(&heard{rule: rule, since: clock.Now()})
	}
	return nil
}

// Remove forgets a router and its counters.
func (r *Receiver) Remove(vrid uint8, f vrrp.Family) { r.slot(vrid, f).Store(nil) }

// Close stops hearing.
func (r *Receiver) Close() error { return r.ring.close() }
