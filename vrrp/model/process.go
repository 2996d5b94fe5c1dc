package model

// loopWork tells whether the loop has a reason for a round, hasWork whether any
// thread of the process has something to do.
func (w *world) loopWork(h *host) bool {
	return h.ring[0] != nothing || w.Lease > 0 && int(h.lease) >= w.Renew || h.listen == 1
}

func (w *world) hasWork(h *host) bool {
	return h.pc != idle || w.loopWork(h) || h.want != h.hold || h.garp == 1
}

// look is what the process can know of its right to announce.
func (w *world) look(h *host) verdict {
	mine := h.role == 1 || h.gate == open || h.gate.latched()
	gates := w.Fault != ForgetfulLoop
	switch {
	case !mine:
		return good
	case w.Lease > 0 && int(h.lease) > w.Lease || gates && h.gate == lapsed:
		return over
	case w.Guard && h.listen == 0 && (gates && h.gate == halted && w.Fault != GuardInKernel ||
		h.gate == open && int(h.gap) >= w.pause() && w.Fault != GuardInKernel && w.Fault != NoGuard):
		return paused
	}
	return good
}

// processMoves are the next steps of the process's threads.
func (w *world) processMoves(i int) {
	h := &w.h[i]
	if h.want != h.hold {
		what := "addresses removed"
		if h.want == 1 {
			what = "addresses added"
		}
		w.emit(i, what, func(s *state) { s.h[i].hold = h.want })
	}
	if h.garp == 1 {
		w.announcer(i)
	}
	switch h.pc {
	case idle:
		if w.loopWork(h) {
			w.round(i)
		}
	case demote:
		w.emit(i, "shuts its gate", func(s *state) {
			s.h[i].gate, s.h[i].pc, s.h[i].stale = shut, yield, good
			w.ends(&s.h[i])
		})
	case yield:
		m := w.emit(i, "process: BACKUP, lease over or paused", func(s *state) {
			h := &s.h[i]
			w.backup(h, i)
			h.pc = store
			w.refresh(h, i)
		})
		w.changed(m)
	case freeze:
		w.froze(i)
	case store:
		w.renew(i)
	case drain:
		w.drain(i)
	case answer:
		m := w.emit(i, "answers: advert, GARP", func(s *state) { s.h[i].pc = drain })
		w.send(m, i, true)
	case lose:
		w.emit(i, "shuts its gate", func(s *state) {
			s.h[i].gate, s.h[i].pc = shut, follow
			w.ends(&s.h[i])
		})
	case follow:
		w.changed(w.emit(i, "process: BACKUP, heard a better one", func(s *state) { w.backup(&s.h[i], i); s.h[i].pc = drain }))
	case opening:
		w.changed(w.emit(i, "process: MASTER, opens its gate", func(s *state) {
			h := &s.h[i]
			if h.pc = claim; w.Fault == SendFirst {
				h.pc = drain
			} else {
				w.master(h)
			}
			h.gate = open
		}))
	case claim:
		m := w.emit(i, "sends advert and GARP", func(s *state) {
			h := &s.h[i]
			if h.pc = drain; w.Fault == SendFirst {
				h.pc = opening
				w.master(h)
			}
			w.goOn(h)
		})
		w.send(m, i, true)
	case accept:
		m := w.emit(i, "process: MASTER after its kernel; advert, GARP", func(s *state) {
			h := &s.h[i]
			due, gap := h.due, h.gap
			w.master(h)
			h.due, h.gap, h.pc = due, gap, drain
			w.goOn(h)
		})
		w.send(m, i, true)
	}
}

// master is the machine becoming or staying it, with a schedule that begins now.
func (w *world) master(h *host) {
	h.role, h.armed, h.late, h.put, h.listen, h.seen = 1, 0, 0, 0, 0, 0
	h.stray, h.owed, h.debt = 0, 0, 0
	h.due = uint8(w.Interval)
	h.gap = 0
	w.wants(h, 1)
}

// goOn leaves the announcer more to send.
func (w *world) goOn(h *host) {
	if w.Announcer {
		h.garp = 1
	}
}

// wants: where nobody asks for the addresses they follow at once.
func (w *world) wants(h *host, want uint8) {
	if h.want = want; !w.addresses() {
		h.hold = want
	}
}

func (w *world) backup(h *host, i int) {
	h.role, h.garp, h.looked, h.listen, h.stray = 0, 0, 0, 0, 0
	h.owed, h.debt = 0, 0
	w.wants(h, 0)
	h.gate, h.armed = w.rest(i), 1
	w.ends(h)
}

// round begins one: the clock is read, and all is judged by this reading.
func (w *world) round(i int) {
	w.emit(i, "", func(s *state) {
		h := &s.h[i]
		switch h.stale = w.look(h); w.Fault {
		default:
			h.pc = w.judged(h)
		case RenewFirst:
			h.pc = store
		case DrainFirst:
			h.stale, h.pc = unjudged, drain
		}
	})
}

// judged is what follows a look.
func (w *world) judged(h *host) pc {
	switch {
	case h.stale == over, h.stale == paused && h.role == 0:
		return demote
	case h.stale == paused:
		return freeze
	}
	return store
}

func (w *world) renew(i int) {
	w.emit(i, "", func(s *state) {
		h := &s.h[i]
		h.lease, h.honest, h.read, h.pc = h.read, h.read, 0, drain
		switch {
		case w.Fault == LateStamp:
			h.lease = 0
		case w.Fault == RenewFirst && h.stale != good:
			h.pc = w.judged(h)
		}
		h.stale = good
		if w.Lease == 0 {
			h.lease, h.honest = 0, 0
		}
	})
}

// froze: somebody was heard since our last advert, or we listen for an interval.
func (w *world) froze(i int) {
	w.emit(i, "finds that it was frozen", func(s *state) {
		h := &s.h[i]
		h.gate, h.stale, h.pc = halted, good, demote
		w.ends(h)
		if h.seen == 0 {
			h.pc, h.listen = store, uint8(1+w.Interval+w.Skew[i])
		}
	})
}

func (w *world) announcer(i int) {
	h := &w.h[i]
	if h.looked == 0 && w.Fault != BoldAnnouncer {
		w.emit(i, "", func(s *state) {
			if w.look(h) == good && h.listen == 0 && !h.gate.latched() {
				s.h[i].looked = 1
			} else {
				s.h[i].garp = 0
			}
		})
		return
	}
	m := w.emit(i, "announcer: GARP", func(s *state) { s.h[i].garp, s.h[i].looked = 0, 0 })
	w.announce(m, i, true)
}

// drain takes up the next event, after another look.
func (w *world) drain(i int) {
	m := w.emit(i, "", func(*state) {})
	h := &m.to.h[i]
	if w.Fault != DrainFirst {
		switch w.look(h) {
		case good:
			if h.role == 0 && w.Lease > 0 && int(h.lease) > w.Lease {
				h.read, h.pc = 0, store // who takes over does so with a lease
				return
			}
		case over:
			h.pc = demote
			return
		case paused:
			if h.pc = freeze; h.role == 0 {
				h.pc = demote
			}
			return
		}
	}
	e := h.pop()
	switch {
	case e == nothing && h.stale == unjudged:
		h.stale = w.look(h)
		h.pc = w.judged(h)
	case e == nothing && h.listen == 1:
		m.what = "heard nobody: the pause is survived"
		h.pc = opening
	case e == nothing:
		h.pc = idle
	case e <= advert2 && h.role == 1:
		m.what = "process hears an advert"
		switch {
		case h.listen > 0: // after a pause whoever is heard has taken over
			h.pc = lose
			w.refresh(h, i)
		case w.beats(int(e-advert0), i):
			h.pc = lose
		default:
			h.pc = answer
		}
	case e == down && h.role == 0:
		if h.kernel.down == 0 && h.armed == 0 {
			h.pc = opening
			if w.Fault == SendFirst {
				h.pc = claim
			}
		} else {
			h.armed = 1
		}
	case e == taken && h.role == 0:
		if h.gate == open || w.Fault == BlindTaken {
			h.pc = accept
			break
		}
		m.what = "drops a takeover that is over"
		h.gate, h.armed = w.rest(i), 1
	case e == hasLapsed && h.gate == lapsed, e == hasFrozen && h.gate == halted && h.role == 0:
		h.pc = demote
	case e == hasFrozen && h.gate == halted && h.listen == 0:
		h.pc = freeze
	}
}
