package vrrp

// WaitAnew tells a BACKUP that it has been MASTER without knowing it, by the
// kernel's doing, and is no more: what it knows of others is of before. It waits
// for a whole master-down interval from now. In other states it does nothing.
type WaitAnew struct{}

func (WaitAnew) input() {}

func (m *Machine) waitAnew(now Instant, out []Effect) []Effect {
	if m.state == Backup {
		m.follow(now, m.cfg.Interval)
		m.asking, m.ready = false, false
	}
	return out
}
