package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// Machine is one virtual router's state machine (RFC 9568 section 6.4). It is
// not safe for concurrent use.
type Machine struct {
	cfg    Config
	state  State
	since  Instant
	reason Reason
	faults []string // causes that hold, in the order they came
	begun  bool     // between Startup and Shutdown

	// BACKUP: the timer runs from base, for the skew alone once released.
	base     Instant
	released bool
	releaser netip.Addr
	master   Advert  // last accepted advert
	heard    Instant // when; 0 when none since we came to BACKUP
	lower    Advert  // last advert that we mean to preempt
	lowerAt  Instant
	waiting  Instant       // since when we let a lower master be (PreemptDelay); 0: we do not
	learned  time.Duration // the master's interval: RFC 9568 Active_Adver_Interval

	asking bool   // BACKUP: leave to take over is waited for
	asked  Reason // and why we would

	member // of a Group

	// MASTER: the next advert's slot, and when we last answered a losing one.
	next    Instant
	replied Instant
	losing  Advert
	quiet   quiet // after a pause
}

// New returns a machine in INIT. It does nothing before Startup.
func New(cfg Config) *Machine {
	return &Machine{cfg: cfg, learned: cfg.Interval}
}

// Step applies one input that happened at now and appends the effects to out.
// Inputs are stepped in the order in which they happened; an advert at its
// arrival stamp. No input in any state panics.
func (m *Machine) Step(now Instant, in Input, out []Effect) []Effect {
	switch in := in.(type) {
	case Startup:
		if m.begun {
			return out
		}
		m.begun = true
		if in.Resume && !m.held && m.pull == "" && len(m.faults) == 0 {
			return m.rule(now, Reason{Code: ReasonResumed}, out)
		}
		return m.start(now, Reason{Code: ReasonStartup}, out)
	case Shutdown:
		m.begun = false
		return m.leave(now, Init, Reason{Code: ReasonShutdown}, out)
	case Withdraw:
		return m.withdraw(now, in.Cause, out)
	case Fault:
		return m.fault(now, in, out)
	case SetPriority:
		cfg := m.cfg
		cfg.Priority = in.Priority
		return m.configure(now, cfg, out)
	case SetConfig:
		return m.configure(now, in.Config, out)
	case Timer:
		return m.timer(now, out)
	case Heard:
		return m.hear(now, in.Advert, out)
	case HeldUp:
		return m.lose(now, Reason{Code: ReasonHeldUp, Silence: in.Silence}, out)
	case Paused:
		return m.paused(now, in, out)
	case Lapsed:
		return m.lose(now, Reason{Code: ReasonLapsed, Silence: in.Away, Lease: in.Lease}, out)
	case WaitAnew:
		return m.waitAnew(now, out)
	case Permit:
		return m.permit(now, in.Granted, out)
	case Yield:
		return m.yield(now, in.Cause, out)
	}
	return m.obey(now, in, out)
}

// Deadline is when Timer is due: in BACKUP the master-down time, or the end of
// the preempt delay if that is earlier; the next advert's slot in MASTER, which
// after a pause is when it has listened for long enough. Other
// states have none, nor has a BACKUP that asks for leave to take over or that
// waits for its group.
func (m *Machine) Deadline() (Instant, bool) {
	switch m.state {
	case Backup:
		if m.asking || m.ready {
			return 0, false
		}
		due := m.downAt()
		if at, ok := m.PreemptAt(); ok {
			due = min(due, at)
		}
		return due, true
	case Master:
		return m.next, true
	}
	return 0, false
}

// downAt is when a BACKUP takes its master for dead.
func (m *Machine) downAt() Instant {
	if m.released {
		return m.base.Add(m.Skew())
	}
	return m.base.Add(m.MasterDown() + m.deference())
}

// PreemptAt is when a BACKUP has let a master of lower priority be for long
// enough; false while it lets none be. The skew is in it so that of several
// backups with the same delay the best is first, as it is after a silence.
func (m *Machine) PreemptAt() (Instant, bool) {
	return m.waiting.Add(m.cfg.PreemptDelay + m.Skew()), m.state == Backup && m.waiting != 0
}

// start enters the election, or FAULT when a fault holds.
func (m *Machine) start(now Instant, why Reason, out []Effect) []Effect {
	if len(m.faults) > 0 {
		return m.enter(now, Faulted, Reason{Code: ReasonFault, Cause: m.faults[0]}, out)
	}
	if m.pull != "" {
		return m.enter(now, Faulted, Reason{Code: ReasonGroup, Cause: m.pull}, out)
	}
	if m.cfg.Priority == 255 && !m.held {
		return m.rule(now, Reason{Code: ReasonOwner}, out)
	}
	m.follow(now, m.cfg.Interval)
	out = m.enter(now, Backup, why, out)
	if m.cfg.Priority == 255 {
		return m.claim(now, Reason{Code: ReasonOwner}, out)
	}
	return out
}

// follow resets what BACKUP knows; the timer runs from now.
func (m *Machine) follow(now Instant, interval time.Duration) {
	m.base, m.released, m.learned = now, false, interval
	m.heard, m.lowerAt, m.master, m.waiting, m.contested = 0, 0, Advert{}, 0, 0
}

// rule becomes MASTER (RFC 9568 sections 6.4.1 and 6.4.2).
func (m *Machine) rule(now Instant, why Reason, out []Effect) []Effect {
	m.next, m.replied, m.losing = now.Add(m.cfg.Interval), 0, Advert{}
	out = m.enter(now, Master, why, out)
	return append(out, SendAdvert{m.cfg.Priority}, TakeVIPs{}, Announce{})
}

// leave goes to INIT or FAULT; a MASTER releases first, unless it has fallen
// silent after a pause.
func (m *Machine) leave(now Instant, to State, why Reason, out []Effect) []Effect {
	was, silent := m.state, m.quiet.on
	if was == to {
		return out
	}
	out = m.enter(now, to, why, out)
	if was == Master && !silent {
		out = append(out, SendAdvert{0})
	}
	if was == Master {
		out = append(out, ReleaseVIPs{})
	}
	return out
}

// withdraw is leave without a word.
func (m *Machine) withdraw(now Instant, cause string, out []Effect) []Effect {
	m.begun = false
	was := m.state
	if was == Init {
		return out
	}
	out = m.enter(now, Init, Reason{Code: ReasonWithdrawn, Cause: cause}, out)
	if was == Master {
		out = append(out, ReleaseVIPs{})
	}
	return out
}

func (m *Machine) enter(now Instant, to State, why Reason, out []Effect) []Effect {
	from := m.state
	m.state, m.since, m.reason, m.asking, m.ready, m.quiet = to, now, why, false, false, quiet{}
	return append(out, Transition{from, to, why})
}

func (m *Machine) fault(now Instant, f Fault, out []Effect) []Effect {
	i := slices.Index(m.faults, f.Cause)
	switch {
	case f.Active && i < 0:
		m.faults = append(m.faults, f.Cause)
		if m.state == Faulted && len(m.faults) == 1 {
			m.reason = Reason{Code: ReasonFault, Cause: f.Cause} // no longer for its group alone
		}
		if m.begun {
			return m.leave(now, Faulted, Reason{Code: ReasonFault, Cause: f.Cause}, out)
		}
	case !f.Active && i >= 0:
		m.faults = slices.Delete(m.faults, i, i+1)
		if m.state == Faulted && len(m.faults) > 0 {
			m.reason.Cause = m.faults[0] // what holds it now
		}
		if m.state == Faulted && len(m.faults) == 0 && m.pull != "" {
			m.reason = Reason{Code: ReasonGroup, Cause: m.pull}
			return out
		}
		if m.begun && len(m.faults) == 0 {
			return m.start(now, Reason{Code: ReasonFaultCleared, Cause: f.Cause}, out)
		}
	}
	return out
}

// configure changes the configuration. Who becomes the owner has nobody to wait
// for; a BACKUP that is one already has lost to another owner.
func (m *Machine) configure(now Instant, cfg Config, out []Effect) []Effect {
	cfg.Version, cfg.Family, cfg.VRID = m.cfg.Version, m.cfg.Family, m.cfg.VRID
	old := m.cfg
	m.cfg = cfg
	if m.heard == 0 {
		m.learned = cfg.Interval
	} else {
		m.learned, _ = m.learn(m.master.Interval)
	}
	if m.state == Master && cfg.Interval != old.Interval && !m.quiet.on {
		m.next = now.Add(cfg.Interval)
	}
	m.reconsider()
	m.asking = m.asking && cfg.Ask
	m.reclaim(now)
	if m.state == Backup && cfg.Priority == 255 && old.Priority != 255 {
		return m.claim(now, Reason{Code: ReasonOwner}, out)
	}
	return out
}

// reconsider ends the wait for a master that a change of our own configuration
// has put above us, or that we need no longer wait for.
func (m *Machine) reconsider() {
	if !m.waits(m.master.Priority) {
		m.waiting = 0
	}
}

func (m *Machine) timer(now Instant, out []Effect) []Effect {
	due, ok := m.Deadline()
	if !ok || now < due {
		return out
	}
	if m.state == Backup {
		return m.expired(now, out)
	}
	if m.quiet.on {
		return m.heardNobody(now, out)
	}
	// The schedule is absolute: a late advert does not shift the next, and
	// slots that passed are not made up for.
	late := now.Sub(m.next)
	slot := max(m.cfg.Interval, 10*time.Millisecond) // the shortest there is; 0 must not divide
	m.next = m.next.Add(slot * (late/slot + 1))
	return append(out, SendAdvert{m.cfg.Priority})
}

// takeover is why the timer of a BACKUP ran out.
func (m *Machine) takeover(now Instant) Reason {
	r := Reason{Src: m.master.Src, Priority: m.master.Priority, Silence: now.Sub(m.base)}
	switch {
	case m.released:
		r = Reason{Code: ReasonReleased, Src: m.releaser}
	case m.preemptsNow():
		r.Code = ReasonPreempt
	case m.lowerAt > m.base:
		r = Reason{Code: ReasonPreempt, Src: m.lower.Src, Priority: m.lower.Priority}
	case m.heard == 0:
		r = Reason{Code: ReasonNoMaster, Silence: r.Silence}
	default:
		r.Code, r.Silence = ReasonMasterDown, now.Sub(m.heard)
	}
	return r
}

// preemptsNow tells whether it is the preempt delay that ends first.
func (m *Machine) preemptsNow() bool {
	at, ok := m.PreemptAt()
	return ok && at <= m.downAt()
}

// Config, State, Since, Reason and Faults show the machine as it is.
func (m *Machine) Config() Config   { return m.cfg }
func (m *Machine) State() State     { return m.state }
func (m *Machine) Since() Instant   { return m.since }
func (m *Machine) Reason() Reason   { return m.reason }
func (m *Machine) Faults() []string { return slices.Clone(m.faults) }

// Skew and MasterDown are the formulas that arm the timer, at the interval
// learned.
func (m *Machine) Skew() time.Duration { return Skew(m.cfg.Version, m.cfg.Priority, m.learned) }
func (m *Machine) MasterDown() time.Duration {
	return MasterDown(m.cfg.Version, m.cfg.Priority, m.cfg.DownAdverts, m.learned)
}

// Base is the instant from which a BACKUP's timer runs: the last accepted
// advert, the release, or the start.
func (m *Machine) Base() Instant { return m.base }

// LearnedInterval is the interval of the master that a BACKUP hears, our own
// before it heard one.
func (m *Machine) LearnedInterval() time.Duration { return m.learned }

// Accepted is the last advert that a BACKUP took and when; false before the
// first, after a release, once we would preempt its sender, be it after a
// delay, and in other states. While it is true, the same advert again changes
// nothing but the deadline: the datapath may keep it. While a preempt delay runs
// it may keep none, because an advert then moves only one half of the deadline,
// and the first after a better router's begins the delay anew.
func (m *Machine) Accepted() (Advert, Instant, bool) {
	return m.master, m.heard, m.state == Backup && m.heard != 0 && !m.released && !m.ready && m.contested == 0 && !m.preempts(m.master.Priority)
}

// wins tells whether an advert beats a MASTER: by priority, then by the higher
// address, unsigned in network order (RFC 9568 section 6.4.3).
func wins(priority uint8, src netip.Addr, over Config) bool {
	return priority > over.Priority || priority == over.Priority && src.Compare(over.Primary) > 0
}
