package model

// move is one thing that happens, and what of the properties it breaks.
type move struct {
	to     state
	who    int
	what   string
	broken string // a property's name
	beyond int    // by how much, its bound included
}

// world makes the moves out of a state.
type world struct {
	*Config
	limits
	state
	out []move
}

// limits are beyond which ages make no difference.
type limits struct{ gap, lease, honest, start, last, late, iced uint8 }

func (c *Config) caps() limits {
	longest := 0
	for i := range c.Hosts {
		longest = max(longest, c.down(i))
	}
	return limits{
		gap: uint8(c.pause()), lease: uint8(c.Lease + 1), honest: uint8(c.Lease + max(c.Fresh, 0) + 1),
		start: uint8(max(longest, c.Overlap+1)), last: uint8(c.pause()),
		late: uint8(c.Interval + 2), iced: uint8(max(c.Freeze.Min, c.Freeze.Max, c.pause())),
	}
}

// moves are all that can happen next, in an order that is always the same.
// Hosts take turns within a tick; what one does another sees a tick later at
// least, so the order of the turns makes no difference.
func (w *world) moves(s state) []move {
	w.state, w.out = s, w.out[:0]
	if int(s.turn) == w.Hosts {
		w.tick()
		return w.out
	}
	i := int(s.turn)
	if w.Calm && s.calm == 0 && i == 0 {
		w.endOfTrouble()
	}
	switch s.h[i].life {
	case alive:
		if w.h[i].lap == 1 {
			w.sendLap(i)
			w.maybeFreeze(i)
			break
		}
		mid := w.Whole && w.h[i].midStep()
		if !mid {
			w.arrivals(i)
			w.kernelMoves(i)
		}
		n := len(w.out)
		w.processMoves(i)
		for k := range w.out[n:] {
			if w.Stops > 0 {
				w.out[n+k].to.h[i].stall = 0
			}
		}
		w.maybeFreeze(i)
		w.maybeDie(i)
		w.endTurn(i)
	case frozen:
		w.iceArrivals(i)
		w.thaw(i)
	default:
		w.emit(i, "", func(*state) {})
		w.last().turn++
	}
	return w.out
}

// emit adds what f makes of the state.
func (w *world) emit(who int, what string, f func(s *state)) *move {
	w.out = append(w.out, move{to: w.state, who: who, what: what})
	m := &w.out[len(w.out)-1]
	f(&m.to)
	return m
}

func (w *world) last() *state { return &w.out[len(w.out)-1].to }

func inc(a *uint8, most uint8) {
	if *a < most {
		*a++
	}
}

func dec(a *uint8) {
	if *a > 0 {
		*a--
	}
}

// tick lets a tick of time pass.
func (w *world) tick() {
	m := w.emit(-1, "tick", func(s *state) {
		s.turn = 0
		for i := range w.Hosts {
			w.age(i, &s.h[i])
			for j := range w.Hosts {
				a := &s.air[i][j]
				*a = *a&inCard | *a&^inCard<<1
			}
		}
	})
	s := &m.to
	if s.calm > 0 && w.Settle != None {
		if s.calm++; int(s.calm)-1 > w.Settle && !w.settled(s) {
			m.broken = "settle"
		}
		s.calm = min(s.calm, uint8(w.Settle)+2)
	}
	if w.Dark != None {
		if w.serves(s) {
			s.dark = 0
		} else if s.dark++; int(s.dark) > w.Dark {
			m.broken = "dark"
		}
	}
}

func (w *world) age(i int, h *host) {
	if h.life == dead {
		return
	}
	if h.on == 1 {
		inc(&h.start, w.limits.start)
		inc(&h.watched.last, w.limits.last)
	}
	if h.life == frozen {
		inc(&h.iced, w.iced)
		if w.Blind {
			return
		}
		// The timer looks once before the deadline, when the last advert but one is overdue.
		if h.armed == 1 && int(h.kernel.down) <= w.Skew[i]+w.Interval {
			inc(&h.late, w.late)
		}
	}
	if h.life == killed {
		return
	}
	dec(&h.due)
	dec(&h.kernel.down)
	if w.Guard {
		inc(&h.gap, w.gap)
	}
	if w.Lease > 0 {
		inc(&h.lease, w.limits.lease)
		inc(&h.honest, w.limits.honest)
	}
	if h.pc >= demote && h.pc <= store {
		inc(&h.read, w.limits.lease)
	}
	if h.listen > 1 {
		h.listen--
	}
}

// endTurn passes the turn on when the kernel has done what is due; and a
// process that does not stop, too.
func (w *world) endTurn(i int) {
	h := &w.h[i]
	if h.gate == open && h.due == 0 || h.armed == 1 && (h.kernel.down == 0 || w.overslept(h) && w.Fault != PatientBackup) || h.torn == 1 {
		return
	}
	for from := range w.Hosts {
		if w.air[from][i]&(inCard|1<<w.Delay.Max) != 0 {
			return
		}
	}
	stops := w.hasWork(h)
	if stops && (!w.Stalls[i] || w.calm > 0 || w.Stall > 0 && int(h.stall) >= w.Stall ||
		w.Stops > 0 && h.stall == 0 && int(w.stopped) >= w.Stops || w.Whole && h.midStep()) {
		return
	}
	what := ""
	if stops {
		what = "stopped"
	}
	w.emit(i, what, func(s *state) {
		s.turn++
		switch h := &s.h[i]; {
		case !stops:
			h.stall = 0
		case w.Stall > 0:
			h.stall++
		case w.Stops > 0 && h.stall == 0:
			h.stall = 1
			s.stopped++
		}
	})
}

// endOfTrouble: from now on all that lives runs, and nothing is lost.
func (w *world) endOfTrouble() {
	for i := range w.Hosts {
		if w.h[i].life == frozen && int(w.h[i].iced) < w.Freeze.Min {
			return
		}
	}
	w.emit(-1, "from here on all that lives runs", func(s *state) {
		s.calm = 1
		for i := range w.Hosts {
			if s.h[i].life == frozen {
				s.h[i].life, s.h[i].iced = alive, 0
			}
		}
	})
}

func (w *world) maybeFreeze(i int) {
	if w.Freezes[i] && w.calm == 0 && int(w.frozen) < w.Frozen {
		w.emit(i, "FREEZES", func(s *state) { s.h[i].life = frozen; s.frozen++ })
	}
}

// iceArrivals is what becomes of an advert for a frozen host.
func (w *world) iceArrivals(i int) {
	for from := range w.Hosts {
		if w.air[from][i]&(1<<w.Delay.Max) == 0 {
			continue
		}
		w.emit(i, "", func(s *state) { s.air[from][i] = s.air[from][i]&^(1<<w.Delay.Max) | inCard })
		if w.Lossy {
			w.emit(i, "loses an advert", func(s *state) { s.air[from][i] &^= 1 << w.Delay.Max })
		}
		return
	}
	if w.Freeze.Max == 0 || int(w.h[i].iced) < w.Freeze.Max {
		w.emit(i, "", func(s *state) { s.turn++ })
	}
}

func (w *world) thaw(i int) {
	if int(w.h[i].iced) < w.Freeze.Min {
		return
	}
	goOn := func(s *state) {
		h := &s.h[i]
		if int(h.iced) >= w.pause() && h.gate == open && !w.Blind {
			w.owes(h)
		}
		h.life, h.iced = alive, 0
	}
	if !w.Lossy {
		w.emit(i, "goes on", goOn)
		return
	}
	w.emit(i, "goes on; its card has adverts", goOn)
	w.emit(i, "goes on", func(s *state) {
		goOn(s)
		for from := range w.Hosts {
			s.air[from][i] &^= inCard
		}
	})
}

func (w *world) maybeDie(i int) {
	if w.calm > 0 {
		return
	}
	if w.Kills[i] {
		w.emit(i, "process KILLED", func(s *state) {
			h := &s.h[i]
			*h = host{life: killed, process: process{hold: h.hold}}
		})
	}
	if w.Deaths[i] {
		w.emit(i, "host DIES", func(s *state) { s.h[i] = host{life: dead} })
	}
}
