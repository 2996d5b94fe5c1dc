package model

// send puts an advert on the wire, of the process if it says so.
func (w *world) send(m *move, i int, process bool) {
	for j := range w.Hosts {
		if j != i && m.to.h[j].life < killed {
			m.to.air[i][j] |= 1
		}
	}
	w.announce(m, i, process)
}

// announce is what others see of a host that takes itself for MASTER: an advert,
// or GARP.
func (w *world) announce(m *move, i int, process bool) {
	if !w.announcing() {
		return
	}
	h := &m.to.h[i]
	if !process && h.owed == 1 && w.Owed != None {
		if h.debt++; int(h.debt) > w.Owed {
			m.broken = "owed"
		}
	}
	if process && w.others(m, i) && w.spent(h) {
		if h.stray++; w.Stray != None && int(h.stray) > w.Stray {
			m.broken = "stray"
		}
		h.stray = min(h.stray, uint8(max(w.Stray, 0)+1))
		return
	}
	if h.on == 0 || h.watched.last >= w.limits.last {
		h.on, h.start = 1, 0
	}
	h.watched.last = 0
	for j := range w.Hosts {
		o := &m.to.h[j]
		if j == i || o.on == 0 || o.watched.last >= w.limits.last || o.watched.last > h.start {
			continue
		}
		// From the later one's first to the last of this other; its next is counted then.
		if beside := int(min(h.start, o.start)) - int(o.watched.last); w.Overlap != None && beside > w.Overlap {
			m.broken, m.beyond = "overlap", beside
		}
	}
}

// others tells whether another announces.
func (w *world) others(m *move, i int) bool {
	for j := range w.Hosts {
		if o := &m.to.h[j]; j != i && o.on == 1 && o.watched.last < w.limits.last {
			return true
		}
	}
	return false
}

// spent tells whether a host has no right to announce any more, whatever the
// process knows of it.
func (w *world) spent(h *host) bool {
	return w.Lease > 0 && int(h.lease) > w.Lease || h.gate.latched() || w.Guard && h.gate == open && int(h.gap) >= w.pause()
}

// owes: the kernel, or who looks on, has found that the host's right is over.
func (w *world) owes(h *host) {
	if w.Owed != None {
		h.owed = 1
	}
}

// ends: it does not announce any more, as the kernel or the process has it.
func (w *world) ends(h *host) { h.on, h.start, h.watched.last = 0, 0, 0 }

func (w *world) fresh(m *move, i int) {
	if w.Fresh != None && int(m.to.h[i].honest) > w.Lease+w.Fresh {
		m.broken = "fresh"
	}
}

func (w *world) changed(m *move) {
	if w.Steady == 0 {
		m.broken = "steady"
	}
}

// wrong: host i ends its wait for a better master who is well and has
// advertised for long enough to be known.
func (w *world) wrong(m *move, i int) {
	if w.Wrong == None {
		return
	}
	for j := range w.Hosts {
		if o := &w.h[j]; j != i && o.life == alive && o.gate == open && o.on == 1 && w.beats(j, i) &&
			int(o.watched.last) <= w.Interval && int(o.start) >= w.Config.down(i) {
			m.broken = "wrong"
		}
	}
}

// addresses tells whether a property looks at them.
func (c *Config) addresses() bool { return c.Settle != None || c.Dark != None }

// serves tells whether there is a holder: it advertises and has the addresses.
func (w *world) serves(s *state) bool {
	for i := range w.Hosts {
		if h := &s.h[i]; h.life == alive && h.gate == open && h.hold == 1 {
			return true
		}
	}
	return false
}

// settled tells whether one host holds, and all others that live follow.
func (w *world) settled(s *state) bool {
	masters, live := 0, 0
	for i := range w.Hosts {
		h := &s.h[i]
		if h.life != alive {
			continue
		}
		live++
		switch {
		case h.gate == open && h.role == 1 && h.hold == 1:
			masters++
		case h.gate > armed || h.role == 1 || h.hold == 1:
			return false
		}
	}
	return masters == min(live, 1)
}

var hears = [Hosts]string{"hears A", "hears B", "hears C"}
