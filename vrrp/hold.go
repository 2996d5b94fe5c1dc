package vrrp

// A router that asks (Config.Ask) takes over by its timer only with leave: the
// split-brain guard may have to find out whether the silent master still holds
// the addresses, or to fence it. And a MASTER may be told to yield to another
// that it does not hear. Who owns the addresses (255) waits for nobody.

// AskTakeover asks for leave to take over, for this reason. Until Permit comes the
// router is BACKUP and has no deadline; an advert that it accepts, a fault, or
// that it need not ask any more ends the asking.
type AskTakeover struct{ Reason Reason }

// Permit answers AskTakeover: the router takes over, or waits for another
// master-down interval and asks again. When nothing is asked it does nothing.
type Permit struct{ Granted bool }

// Yield makes a MASTER BACKUP, and says nothing to others: a farewell would bring
// in those who hear it. In other states it does nothing.
type Yield struct{ Cause string }

func (AskTakeover) effect() {}
func (Permit) input()       {}
func (Yield) input()        {}

// Asking is the reason for which leave to take over is waited for, if it is.
func (m *Machine) Asking() (Reason, bool) { return m.asked, m.asking }

// expired is the timer of a BACKUP running out.
func (m *Machine) expired(now Instant, out []Effect) []Effect {
	why := m.takeover(now)
	if !m.cfg.Ask || m.cfg.Priority == 255 {
		return m.claim(now, why, out)
	}
	m.asking, m.asked = true, why
	return append(out, AskTakeover{why})
}

func (m *Machine) permit(now Instant, granted bool, out []Effect) []Effect {
	if !m.asking {
		return out
	}
	m.asking = false
	if granted {
		return m.claim(now, m.asked, out)
	}
	m.base, m.released, m.waiting = now, false, 0
	return out
}

func (m *Machine) yield(now Instant, cause string, out []Effect) []Effect {
	if m.state != Master {
		return out
	}
	m.follow(now, m.cfg.Interval)
	out = m.enter(now, Backup, Reason{Code: ReasonYielded, Cause: cause}, out)
	return append(out, ReleaseVIPs{})
}
