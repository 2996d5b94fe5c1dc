package model

import "fmt"

// The gate of one slot at the grain of single loads, stores and compare-and-swaps:
// bpf/gate.h and bpf/clock.h, whose programs run on several CPUs at once and take
// no lock. All orders of these steps are looked at. Each atomic operation there is
// a full barrier, and stands between any store and the load of another's store
// that matters, so no order is left out by taking memory to be one.

// GateFault is a mistake in that.
type GateFault uint8

// The mistakes.
const (
	GateSound GateFault = iota
	LookFirst           // the deadline looks at the stamp before it marks the gate
	StampLast           // the advert's stamp is written after its look at the gate
	TellLate            // the record of a takeover is reserved when the gate is open
	NoRaise             // the clock does not say that it is about to send
	AnyWord             // the deadline opens a gate that was armed anew since
	KeepOpen            // an advert that matches is kept silently whatever the gate
	gateFaults
)

var gateFaultNames = [gateFaults]string{
	"sound", "stamp looked at before the gate is marked", "advert stamped after the look at the gate", "takeover told after the gate is open",
	"clock sends without saying so before", "armed anew, and opened by the deadline of before", "advert kept silently while the gate is open",
}

func (f GateFault) String() string { return gateFaultNames[f] }

// taking marks a gate that is about to be open.
const taking gate = halted + 1

// slot is the memory that all share, and where each of them is.
type slot struct {
	gate    gate
	changes uint8 // the count in the gate's word
	stamp   uint8 // refreshed_ns: 0 long ago, 1 the advert's
	sending uint8
	ring    [4]record

	deadline, advert, clock, user agent

	kept uint8 // 1: the advert woke nobody
	out  uint8 // adverts sent since the advert had shut the gate
	late uint8 // and since user space had
	shut uint8 // 1: it had
	last uint8 // 1: user space has shut the gate and seen that nothing is on its way
}

type record struct {
	kind event
	done uint8 // 1: submitted, 2: discarded
}

// agent is a program: its next step, 255 when it has ended, and what it knows.
type agent struct {
	pc, word, heard, record, tries uint8
	armed                          uint8 // the word that the deadline was armed with
}

const ended = 255

// GateCase is who meets.
type GateCase struct {
	Fault   GateFault
	Matches bool // the advert is the one that the rule knows
	Advert  bool // there is one
	Stop    bool // user space shuts the gate meanwhile
	Rearm   bool // or arms it anew, for a deadline that is not due
}

// CheckGate looks at all orders; what it returns is the shortest order that breaks
// something, or "".
func CheckGate(c GateCase) (states int, broken string, order []string) {
	type way struct {
		s      slot
		parent int
		step   string
	}
	first := slot{gate: armed}
	first.deadline.armed = uint8(armed)
	if !c.Advert {
		first.advert.pc = ended
	}
	if !c.Stop && !c.Rearm {
		first.user.pc = ended
	}
	all := []way{{first, -1, ""}}
	seen := map[slot]bool{first: true}
	for k := 0; k < len(all); k++ {
		moved := false
		for _, a := range []struct {
			name string
			step func(c *GateCase, s *slot) string
		}{{"deadline", stepDeadline}, {"advert", stepAdvert}, {"clock", stepClock}, {"user", stepUser}} {
			s := all[k].s
			what := a.step(&c, &s)
			if what == "" || s == all[k].s {
				continue
			}
			moved = moved || a.name != "clock"
			if !seen[s] {
				seen[s] = true
				all = append(all, way{s, k, a.name + ": " + what})
			}
		}
		if bad := all[k].s.breaks(&c, !moved); bad != "" {
			for i := k; all[i].parent >= 0; i = all[i].parent {
				order = append([]string{all[i].step}, order...)
			}
			return len(all), bad, order
		}
	}
	return len(all), "", nil
}

// breaks is what must not be; at rest, of all but the clock.
func (s *slot) breaks(c *GateCase, rest bool) string {
	told, ended := -1, -1
	for i, r := range s.ring {
		switch {
		case r.kind == event(tookOver) && r.done < 2 && told < 0:
			told = i
		case r.kind == advert0 && ended < 0:
			ended = i
		}
	}
	switch {
	case s.out > 1:
		return "an advert that had not passed its look leaves after the gate was shut"
	case s.late > 0:
		return "an advert leaves after user space has shut the gate and waited"
	case !rest:
	case c.Advert && (s.gate == open || s.gate == taking):
		return fmt.Sprintf("the gate stays open after a better advert (kept silently: %v)", s.kept == 1)
	case c.Rearm && s.gate == open:
		return "a deadline of before opens a gate that was armed anew"
	case told >= 0 && ended >= 0 && ended < told:
		return "user space hears the advert before the takeover that it ended"
	case !c.Advert && !c.Stop && !c.Rearm && (s.gate != open || told < 0):
		return "nobody takes over"
	}
	return ""
}

const tookOver = hasFrozen + 1

func (s *slot) word() uint8 { return s.changes<<4 | uint8(s.gate) }

// turn is the compare-and-swap of the gate's word.
func (s *slot) turn(word uint8, to gate) bool {
	if s.word() != word {
		return false
	}
	s.gate, s.changes = to, s.changes+1
	return true
}

func turned(word uint8, to gate) uint8 { return (word>>4+1)<<4 | uint8(to) }

func (s *slot) reserve(kind event) uint8 {
	for i := range s.ring {
		if s.ring[i].kind == nothing {
			s.ring[i].kind = kind
			return uint8(i)
		}
	}
	panic("model: the ring is too short")
}

// stepDeadline is on_timer and take_over.
func stepDeadline(c *GateCase, s *slot) string {
	a := &s.deadline
	next := func(pc uint8, what string) string { a.pc = pc; return what }
	again := func(what string) string { // 1 ms later
		if a.tries++; a.tries > 2 {
			return next(ended, what)
		}
		return next(0, what)
	}
	switch a.pc {
	case 0:
		a.heard = s.stamp
		if a.heard == 1 {
			return next(ended, "not due any more")
		}
		if c.Fault == LookFirst {
			return next(1, "due, stamp looked at")
		}
		return next(1, "due")
	case 1:
		if a.word = a.armed; c.Fault == AnyWord {
			a.word = s.word()
		}
		if s.word() != a.word || s.gate != armed {
			return next(ended, "gate is not as armed: down event")
		}
		return next(2, "gate is as armed")
	case 2:
		if c.Fault != TellLate {
			a.record = s.reserve(event(tookOver))
		}
		return next(3, "reserves the record")
	case 3:
		if c.Fault == AnyWord {
			a.word = s.word()
		}
		if !s.turn(a.word, taking) {
			s.discard(c, a.record)
			return next(ended, "gate changed: down event")
		}
		a.word = turned(a.word, taking)
		return next(4, "gate TAKING")
	case 4:
		if s.stamp == a.heard || c.Fault == LookFirst {
			return next(5, "stamp is still old")
		}
		return next(6, "an advert came")
	case 5:
		if !s.turn(a.word, open) {
			s.discard(c, a.record)
			return again("gate changed: again in 1 ms")
		}
		return next(7, "gate OPEN")
	case 6:
		if s.turn(a.word, armed) {
			a.armed = turned(a.word, armed)
		}
		s.discard(c, a.record)
		return again("gate ARMED: again in 1 ms")
	case 7:
		if c.Fault == TellLate {
			a.record = s.reserve(event(tookOver))
		}
		s.ring[a.record].done = 1
		return next(ended, "tells")
	}
	return ""
}

func (s *slot) discard(c *GateCase, record uint8) {
	if c.Fault != TellLate {
		s.ring[record].done = 2
	}
}

// stepAdvert is accept with may_keep or give_way, of an advert that beats us.
func stepAdvert(c *GateCase, s *slot) string {
	a := &s.advert
	next := func(pc uint8, what string) string { a.pc = pc; return what }
	announces := s.gate == open || s.gate == taking
	switch a.pc {
	case 0:
		if !c.Matches {
			return next(2, "does not match")
		}
		if c.Fault == StampLast {
			return next(1, "matches")
		}
		s.stamp = 1
		return next(1, "stamps")
	case 1:
		keep := !announces || c.Fault == KeepOpen
		if c.Fault == StampLast && keep {
			return next(5, "finds the gate not open")
		}
		if keep {
			s.kept = 1
			return next(ended, "kept")
		}
		return next(2, "finds the gate open")
	case 2: // yield
		a.word = s.word()
		if announces || !c.Matches && s.gate == armed {
			return next(3, "reads the gate")
		}
		return next(4, "gate is shut")
	case 3:
		if s.turn(a.word, yielded) {
			s.shut = 1
			return next(4, "gate YIELDED")
		}
		return next(2, "gate changed")
	case 4:
		s.ring[s.reserve(advert0)].done = 1
		return next(ended, "told")
	case 5:
		s.stamp, s.kept = 1, 1
		return next(ended, "stamps, kept")
	}
	return ""
}

// stepClock is a lap of the advert clock, for ever.
func stepClock(c *GateCase, s *slot) string {
	a := &s.clock
	next := func(pc uint8, what string) string { a.pc = pc; return what }
	switch a.pc {
	case 0:
		if s.gate != open {
			return ""
		}
		return next(1, "finds the gate open")
	case 1:
		if c.Fault != NoRaise {
			s.sending++
		}
		return next(2, "says that it sends")
	case 2:
		if s.gate != open {
			return next(4, "finds it shut")
		}
		return next(3, "finds it open still")
	case 3:
		s.out += s.shut
		s.late += s.last
		return next(4, "sends")
	case 4:
		if c.Fault != NoRaise {
			s.sending--
		}
		return next(0, "has done")
	}
	return ""
}

// stepUser is user space that shuts the gate, before a release, or arms it anew
// for another deadline, having cancelled none: its cancel waits for a callback that
// runs, and here it does not, which is worse.
func stepUser(c *GateCase, s *slot) string {
	a := &s.user
	next := func(pc uint8, what string) string { a.pc = pc; return what }
	switch a.pc {
	case 0:
		a.word = s.word()
		if c.Rearm {
			return next(5, "reads the gate")
		}
		return next(1, "reads the gate")
	case 1:
		if s.turn(a.word, shut) {
			return next(2, "gate SHUT")
		}
		return next(0, "gate changed")
	case 2:
		if s.sending > 0 {
			return ""
		}
		s.last = 1
		return next(ended, "nothing is on its way")
	case 5:
		if s.turn(a.word, shut) {
			return next(6, "gate SHUT")
		}
		return next(0, "gate changed")
	case 6:
		if s.turn(turned(a.word, shut), armed) {
			return next(ended, "gate ARMED anew")
		}
		return next(0, "gate changed")
	}
	return ""
}
