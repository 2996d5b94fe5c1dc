package vrrp

import "time"

// member is what a machine has of its Group. A member does not take over by
// itself: it is ready, and goes on listening, until all are.
type member struct {
	held  bool
	ready bool   // BACKUP: it would be MASTER but for the others
	why   Reason // and why
	pull  string // why the others keep it in FAULT; empty: they do not

	contested Instant // BACKUP: the group lost an election then, which may be crossed; 0: none
	handicap  float64 // see contest
}

// Ready is the reason for which a BACKUP would be MASTER if the other members of
// its group could be; false when it would not, or has no group.
func (m *Machine) Ready() (Reason, bool) { return m.why, m.ready }

// claim makes a BACKUP MASTER, or ready when it has a group.
func (m *Machine) claim(now Instant, why Reason, out []Effect) []Effect {
	if !m.held {
		return m.rule(now, why, out)
	}
	m.ready, m.why = true, why
	return out
}

// reclaim ends readiness that a change of our own configuration has taken the
// ground from: a master that we do not preempt any more shall be heard again.
func (m *Machine) reclaim(now Instant) {
	gone := m.why.Code == ReasonPreempt && !m.preempts(m.why.Priority) || m.why.Code == ReasonOwner && m.cfg.Priority != 255
	if m.ready && gone {
		m.ready, m.base, m.released = false, now, false
	}
}

// preemptsAfterWait tells whether a master of this priority has been let be for
// long enough.
func (m *Machine) preemptsAfterWait(now Instant, priority uint8) bool {
	at, ok := m.PreemptAt()
	return ok && now >= at && m.preempts(priority)
}

// hold makes the machine one of a group, or ends that: a router that was ready
// then takes over at its next Timer.
func (m *Machine) hold(on bool) { m.held, m.ready, m.contested = on, m.ready && on, 0 }

// deference is what a BACKUP waits beyond its master-down time for a better
// router that has not yet shown that it stays.
func (m *Machine) deference() time.Duration {
	if m.contested == 0 || m.heard == 0 || !wins(m.master.Priority, m.master.Src, m.cfg) {
		return 0
	}
	return time.Duration(m.handicap * float64(m.learned))
}

// calm ends a contest: a MASTER that yields at once sends no advert after half an
// interval.
func (m *Machine) calm(now Instant) {
	if m.contested != 0 && now.Sub(m.contested) >= m.learned/2 {
		m.contested = 0
	}
}

// setPull sets why the group keeps the machine in FAULT, or with "" that it does
// not.
func (m *Machine) setPull(now Instant, cause string, out []Effect) []Effect {
	was := m.pull
	m.pull = cause
	switch {
	case was == cause || !m.begun || len(m.faults) > 0:
	case cause == "":
		return m.start(now, Reason{Code: ReasonFaultCleared, Cause: was}, out)
	case m.state == Faulted:
		m.reason = Reason{Code: ReasonGroup, Cause: cause}
	default:
		return m.leave(now, Faulted, Reason{Code: ReasonGroup, Cause: cause}, out)
	}
	return out
}

// stepDown makes a MASTER BACKUP and says nothing to others: the master that the
// group yields to sends adverts for this member too.
func (m *Machine) stepDown(now Instant, cause string, out []Effect) []Effect {
	m.follow(now, m.cfg.Interval)
	out = m.enter(now, Backup, Reason{Code: ReasonGroup, Cause: cause}, out)
	return append(out, ReleaseVIPs{})
}
