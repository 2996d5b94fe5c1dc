package vrrp

import (
	"bytes"
	"slices"
	"time"
)

// hear steps an advert (RFC 9568 sections 6.4.2 and 6.4.3). INIT and FAULT
// ignore it (row 52), and so does everyone his own.
func (m *Machine) hear(now Instant, a Advert, out []Effect) []Effect {
	if a.Src == m.cfg.Primary {
		return out
	}
	switch m.state {
	case Backup:
		return m.hearAsBackup(now, a, out)
	case Master:
		return m.hearAsMaster(now, a, out)
	}
	return out
}

func (m *Machine) hearAsBackup(now Instant, a Advert, out []Effect) []Effect {
	switch {
	case a.Priority == 0:
		// The first release counts: were each to start the skew again, a
		// stream of them would keep everyone from taking over.
		if !m.released {
			m.base, m.released, m.releaser = now, true, a.Src
		}
		return out
	case m.ready && m.preemptsAfterWait(now, a.Priority):
		m.lower, m.lowerAt = a, now
		return out
	case m.waits(a.Priority):
		if m.waiting == 0 {
			m.waiting = now
		}
	case m.preempts(a.Priority):
		m.lower, m.lowerAt = a, now
		return out // the timer keeps running
	default:
		m.waiting = 0
	}
	first := m.heard == 0 || !sameAdvert(&a, &m.master)
	check := !m.cfg.CheckAddrsOnce || a.Src != m.master.Src
	m.base, m.released, m.asking, m.ready = now, false, false, false
	m.calm(now)
	m.master, m.heard = a, now
	var capped bool
	m.learned, capped = m.learn(a.Interval)
	if first {
		out = m.note(a, capped, check, out)
	}
	return out
}

func (m *Machine) hearAsMaster(now Instant, a Advert, out []Effect) []Effect {
	switch {
	case m.cfg.OwnerIgnores && m.cfg.Priority == 255:
		return m.noteLosing(a, out)
	case m.quiet.on:
		return m.overhear(now, a, out)
	case a.Priority == 0:
		m.next = now.Add(m.cfg.Interval)
		return append(out, SendAdvert{m.cfg.Priority})
	case wins(a.Priority, a.Src, m.cfg):
		interval, capped := m.learn(a.Interval)
		m.follow(now, interval)
		m.master, m.heard = a, now
		out = m.enter(now, Backup, Reason{Code: ReasonBetterMaster, Src: a.Src, Priority: a.Priority}, out)
		if m.cfg.ReplyToHigher {
			out = append(out, SendAdvert{m.cfg.Priority})
		}
		return m.note(a, capped, true, append(out, ReleaseVIPs{}))
	}
	// A losing advert: tell its sender at once, and the neighbours whom it may
	// have told of itself, but not at the rate at which it comes, or two masters
	// would storm.
	if m.replied == 0 || now.Sub(m.replied) >= m.cfg.Interval/2 {
		m.replied = now
		if m.cfg.ReplyToLower {
			out = append(out, SendAdvert{m.cfg.Priority})
		}
		out = append(out, Announce{Lower: true})
	}
	return m.noteLosing(a, out)
}

// noteLosing tells once of another MASTER that we do not yield to.
func (m *Machine) noteLosing(a Advert, out []Effect) []Effect {
	if a.Priority == 0 || sameAdvert(&a, &m.losing) {
		return out
	}
	check := !m.cfg.CheckAddrsOnce || a.Src != m.losing.Src
	m.losing = a
	return m.note(a, false, check, append(out, Note{NoteSecondMaster, a}))
}

// preempts tells whether a BACKUP takes over from a master of this priority,
// and so discards its adverts. An owner does whatever its mode (row 54).
func (m *Machine) preempts(priority uint8) bool {
	return priority < m.cfg.Priority && (m.cfg.Preempt || m.cfg.Priority == 255)
}

// waits tells whether we mean to preempt a master of this priority but let it be
// for PreemptDelay first.
func (m *Machine) waits(priority uint8) bool {
	return m.cfg.PreemptDelay > 0 && m.cfg.Priority != 255 && m.preempts(priority)
}

// learn is the master's interval as we take it: v2 does not learn (RFC 3768
// section 7.1 drops another interval), v3 does, up to the bound.
func (m *Machine) learn(interval time.Duration) (learned time.Duration, capped bool) {
	if m.cfg.Version == 2 {
		return m.cfg.Interval, false
	}
	if m.cfg.MaxLearn > 0 && interval > time.Duration(m.cfg.MaxLearn)*m.cfg.Interval {
		return m.cfg.Interval, true
	}
	return interval, false
}

// note says what of an advert an operator should know; of its addresses only
// when they are to be checked.
func (m *Machine) note(a Advert, capped, check bool, out []Effect) []Effect {
	if capped {
		out = append(out, Note{NoteIntervalCapped, a})
	} else if a.Interval != m.cfg.Interval {
		out = append(out, Note{NoteIntervalDiffers, a})
	}
	if check && !slices.Equal(a.Addrs, m.cfg.Addrs) {
		out = append(out, Note{NoteAddrsDiffer, a})
	}
	if m.cfg.Priority == 255 && a.Priority == 255 {
		out = append(out, Note{NoteOwner, a})
	} else if a.Priority == m.cfg.Priority {
		out = append(out, Note{NoteEqualPriority, a})
	}
	return out
}

// sameAdvert tells whether two adverts are alike in all that the machine looks
// at, their sender included.
func sameAdvert(a, b *Advert) bool {
	return a.Src == b.Src && bytes.Equal(a.MAC[:], b.MAC[:]) && a.Priority == b.Priority &&
		a.Interval == b.Interval && slices.Equal(a.Addrs, b.Addrs)
}
