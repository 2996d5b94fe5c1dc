package model

// arrivals are the adverts that may reach a host now, or get lost.
func (w *world) arrivals(i int) {
	for from := range w.Hosts {
		for k := w.Delay.Min; k <= w.Delay.Max; k++ {
			w.arrival(from, i, 1<<k)
		}
		w.arrival(from, i, inCard)
	}
}

func (w *world) arrival(from, i int, bit uint8) {
	if w.air[from][i]&bit == 0 {
		return
	}
	m := w.emit(i, hears[from], func(s *state) { s.air[from][i] &^= bit })
	w.receive(m, from, i)
	if int(w.lost) < w.Losses && w.calm == 0 {
		w.emit(i, "loses an advert", func(s *state) { s.air[from][i] &^= bit; s.lost++ })
	}
}

// receive is the XDP program.
func (w *world) receive(m *move, from, i int) {
	h := &m.to.h[i]
	if w.Guard {
		h.seen = 1
	}
	quiet := h.role == 0 && !h.gate.latched() && h.gate != open
	if !w.beats(from, i) {
		if !quiet {
			h.push(advert0 + event(from))
		} else if !w.Preempt {
			w.refresh(h, i)
		}
		return
	}
	w.refresh(h, i)
	if h.gate == open && w.Fault != DeafGate {
		h.gate = yielded
		w.ends(h)
		w.changed(m)
	}
	if !quiet {
		h.push(advert0 + event(from))
	}
}

func (w *world) refresh(h *host, i int) {
	h.kernel.down, h.late, h.put = uint8(w.Config.down(i)), 0, 0
}

// kernelMoves are what is due of the clock and the deadline.
func (w *world) kernelMoves(i int) {
	h := &w.h[i]
	if h.gate == open && h.due == 0 {
		w.lap(i)
	}
	switch {
	case h.armed == 1 && w.overslept(h) && (w.Fault != PatientBackup || h.kernel.down == 0):
		w.emit(i, "deadline's timer overslept: put off once", func(s *state) {
			h := &s.h[i]
			h.put, h.late, h.kernel.down = 1, 0, max(h.kernel.down, uint8(w.Interval+w.Skew[i]))
		})
	case h.torn == 1:
		w.takeover(i, w.emit(i, "callback opens the gate", func(s *state) { s.h[i].torn = 0 }))
	case h.armed == 1 && h.kernel.down == 0:
		w.deadline(i)
	}
}

// lap is the program of the advert clock finding an advert due: its look. Its
// send is a move of its own, so that a freeze can come between.
func (w *world) lap(i int) {
	h := &w.h[i]
	switch {
	case w.Lease > 0 && int(h.lease) > w.Lease && w.Fault == NoLatch:
		w.emit(i, "lease is over: no advert", func(s *state) { s.h[i].due = uint8(w.Interval); w.ends(&s.h[i]); w.owes(&s.h[i]) })
	case w.Lease > 0 && int(h.lease) > w.Lease:
		w.latch(i, lapsed, hasLapsed, "gate LAPSED")
	case w.Guard && w.Fault != NoGuard && int(h.gap) >= w.pause():
		w.latch(i, halted, hasFrozen, "gate FROZEN")
	case !w.Freezes[i]:
		w.sendLap(i)
	default:
		m := w.emit(i, "", func(s *state) {
			s.h[i].lap = 1
			if w.Fault != LatePhoto {
				w.stamp(&s.h[i])
			}
		})
		w.fresh(m, i)
	}
}

// stamp is of the last advert.
func (w *world) stamp(h *host) { h.due, h.gap, h.seen = uint8(w.Interval), 0, 0 }

func (w *world) latch(i int, g gate, e event, what string) {
	to := func(s *state) {
		s.h[i].gate = g
		w.ends(&s.h[i])
		w.owes(&s.h[i])
	}
	w.changed(w.emit(i, what, func(s *state) { to(s); s.h[i].push(e) }))
	if w.Ring && w.calm == 0 {
		w.changed(w.emit(i, what+", and the ring is full", to))
	}
}

func (w *world) sendLap(i int) {
	m := w.emit(i, "kernel sends advert", func(s *state) {
		h := &s.h[i]
		h.lap = 0
		if w.Fault == LatePhoto || !w.Freezes[i] {
			w.stamp(h)
		}
	})
	if !w.Freezes[i] {
		w.fresh(m, i)
	}
	w.send(m, i, false)
}

// overslept tells whether a BACKUP's host stood still for so long that it may have
// missed all the adverts there were.
func (w *world) overslept(h *host) bool {
	if w.Fault == PatientBackup { // looks at the deadline alone, and that late by an interval
		return w.Guard && h.put == 0 && int(h.late) > w.Interval+1
	}
	return w.Guard && h.put == 0 && 4*int(h.late) > 3*w.Interval
}

// deadline is the timer's callback.
func (w *world) deadline(i int) {
	h := &w.h[i]
	if h.gate == armed && (int(h.lease) <= w.Lease || w.Fault == StaleTakeover) {
		if w.Fault == TornTimer {
			w.emit(i, "callback finds the deadline passed", func(s *state) { s.h[i].torn, s.h[i].armed = 1, 0 })
			return
		}
		w.takeover(i, w.emit(i, "kernel TAKES OVER", func(s *state) { s.h[i].armed = 0 }))
		return
	}
	m := w.emit(i, "down event", func(s *state) { s.h[i].armed = 0; s.h[i].push(down) })
	w.wrong(m, i)
}

func (w *world) takeover(i int, m *move) {
	w.wrong(m, i)
	if w.h[i].kernel.down > 0 && w.Wrong != None {
		m.broken = "wrong"
	}
	h := &m.to.h[i]
	h.gate, h.due, h.gap, h.seen, h.late, h.put = open, 0, 0, 0, 0, 0
	h.push(taken)
	w.fresh(m, i)
	w.changed(m)
}
