package vrrp

import "time"

// A MASTER that did not run for a while may have been succeeded. Nobody told it: it
// has to find out before it says a word, since a word of its own is what would make
// two of it and its successor.

// Paused tells a MASTER that it has sent nothing for a master-down interval or
// longer, because it or its host did not run. It sends nothing, answers nothing and
// announces nothing until it has listened for one interval and its skew. An advert
// of another, whatever its priority, makes it BACKUP; without one it goes on, and
// announces the addresses, of which switches may have lost sight. In other states
// it does nothing.
type Paused struct {
	Since  Instant       // its last advert
	Length time.Duration // of the silence, of that in suspension too
	Seen   Instant       // when the datapath last saw an advert of another; 0 for never
}

// Lapsed tells a MASTER that its process did not run for so long, longer than the
// lease for which its adverts went on without it: they have ended, and it gives way
// before it says anything. In other states it does nothing.
type Lapsed struct{ Away, Lease time.Duration }

func (Paused) input() {}
func (Lapsed) input() {}

// quiet is a MASTER that listens after a pause.
type quiet struct {
	on    bool
	pause Paused
	woke  Instant
}

// Listening tells whether a MASTER says nothing because it finds out, after a pause
// of this length, whether another has taken over.
func (m *Machine) Listening() (pause time.Duration, is bool) {
	return m.quiet.pause.Length, m.quiet.on
}

// listen is how long an advert of another may be in coming: its interval is ours or
// was learned, and its skew at most as long.
func (m *Machine) listen() time.Duration {
	c := &m.cfg
	return c.Interval + Skew(c.Version, c.Priority, c.Interval)
}

// down is our master-down interval at our own interval, whoever was followed before.
func (m *Machine) down() time.Duration {
	c := &m.cfg
	return MasterDown(c.Version, c.Priority, c.DownAdverts, c.Interval)
}

func (m *Machine) paused(now Instant, p Paused, out []Effect) []Effect {
	switch {
	case m.state != Master || m.quiet.on:
		return out
	case p.Seen > p.Since:
		return m.lose(now, Reason{Code: ReasonSucceeded, Silence: p.Length}, out)
	}
	m.quiet = quiet{true, p, now}
	m.next = now.Add(m.listen())
	return out
}

// lose makes a MASTER BACKUP that says nothing: who took over needs no release, and
// others would take one for that of the new master.
func (m *Machine) lose(now Instant, why Reason, out []Effect) []Effect {
	if m.state != Master {
		return out
	}
	m.follow(now, m.cfg.Interval)
	out = m.enter(now, Backup, why, out)
	return append(out, ReleaseVIPs{})
}

// overhear steps an advert while it listens. A release says that another was MASTER
// and is not any more; whether a third is by now is what it listens for. What came
// before our last advert was said by one that did not know of it.
func (m *Machine) overhear(now Instant, a Advert, out []Effect) []Effect {
	if a.Priority == 0 || now <= m.quiet.pause.Since && !wins(a.Priority, a.Src, m.cfg) {
		return out
	}
	from := max(now, m.quiet.woke) // its master-down interval begins no sooner
	why := Reason{Code: ReasonSucceeded, Src: a.Src, Priority: a.Priority, Silence: m.quiet.pause.Length}
	out = m.lose(now, why, out)
	m.base = from
	return m.hearAsBackup(from, a, out)
}

// heardNobody ends the listening: the pause was survived. Where the timer itself
// comes so late that it was another pause, it begins again.
func (m *Machine) heardNobody(now Instant, out []Effect) []Effect {
	if now.Sub(m.next) >= m.down() {
		m.quiet.woke, m.next = now, now.Add(m.listen())
		return out
	}
	m.quiet = quiet{}
	m.next, m.replied = now.Add(m.cfg.Interval), 0
	return append(out, SendAdvert{m.cfg.Priority}, Announce{})
}
