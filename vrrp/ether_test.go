package vrrp

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// ether makes a plausible LAN: senders that repeat their adverts, change them,
// fall silent and release; and now and then something else for the router.
type ether struct {
	rng     *rand.Rand
	cfg     Config
	now     Instant
	senders []sender
	stopped bool
	down    bool
}

type sender struct {
	Advert
	next   Instant
	silent int // adverts left out
}

func newEther(rng *rand.Rand) *ether {
	e := &ether{rng: rng, now: t0, cfg: base()}
	if rng.IntN(4) == 0 {
		e.cfg.Version = 2
	}
	e.cfg.Preempt = rng.IntN(3) > 0
	e.cfg.PreemptDelay = e.delay()
	e.cfg.ReplyToHigher = rng.IntN(3) == 0
	e.cfg.OwnerIgnores = rng.IntN(3) == 0
	e.cfg.CheckAddrsOnce = rng.IntN(3) == 0
	for i := range 3 {
		a := advert(netip.AddrFrom4([4]byte{10, 0, 0, byte(5 + 3*i)}), e.priority())
		a.MAC[5] = byte(i)
		e.senders = append(e.senders, sender{Advert: a, next: t0.Add(time.Duration(rng.IntN(1e9))), silent: rng.IntN(40)})
	}
	return e
}

func (e *ether) priority() uint8 {
	return []uint8{1, 50, 99, 100, 101, 150, 254, 255}[e.rng.IntN(8)]
}

// delay is shorter and longer than a master-down interval, and none.
func (e *ether) delay() time.Duration {
	return []time.Duration{0, 0, 500 * time.Millisecond, 5 * time.Second, 30 * time.Second}[e.rng.IntN(5)]
}

// next is the next thing to happen, in the order of time.
func (e *ether) next() (Instant, Input) {
	switch {
	case e.stopped:
		e.stopped = false
		return e.now, Startup{}
	case e.down && e.rng.IntN(5) == 0:
		e.down = false
		return e.now, Fault{"link down", false}
	}
	if e.rng.IntN(40) == 0 {
		return e.now, e.other()
	}
	for {
		s := &e.senders[0]
		for i := range e.senders {
			if e.senders[i].next < s.next {
				s = &e.senders[i]
			}
		}
		e.now = max(e.now, s.next)
		s.next = s.next.Add(s.Interval*9/10 + time.Duration(e.rng.Int64N(int64(s.Interval)/5)))
		if s.silent > 0 {
			s.silent--
			continue
		}
		switch e.rng.IntN(60) {
		case 0:
			s.Priority = e.priority()
		case 1, 5:
			s.silent = e.rng.IntN(120)
		case 2:
			if e.cfg.Version == 3 { // in v2 another interval is dropped before it comes here
				s.Interval = []time.Duration{100 * time.Millisecond, time.Second, 3 * time.Second, 20 * time.Second}[e.rng.IntN(4)]
			}
		case 3:
			s.Addrs = []netip.Addr{vip, below}[:1+e.rng.IntN(2)]
		case 4:
			released := s.Advert
			released.Priority = 0
			return e.now, Heard{released}
		}
		return e.now, Heard{s.Advert}
	}
}

// other is what comes from the router's own host.
func (e *ether) other() Input {
	switch e.rng.IntN(7) {
	case 0:
		e.stopped = true
		return Shutdown{}
	case 1:
		e.down = true
		return Fault{"link down", true}
	case 2:
		e.cfg.Preempt = !e.cfg.Preempt
	case 3:
		if e.cfg.Version == 3 {
			e.cfg.Interval = []time.Duration{100 * time.Millisecond, time.Second}[e.rng.IntN(2)]
			e.cfg.MaxLearn = e.rng.IntN(12)
		}
	case 4:
		e.cfg.PreemptDelay = e.delay()
	default:
		e.cfg.Priority = e.priority()
		return SetPriority{e.cfg.Priority}
	}
	return SetConfig{e.cfg}
}
