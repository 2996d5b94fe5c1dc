package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// Snapshot is all that a Machine knows, as a value that can be kept, written down
// and made a machine again. What its fields mean is said at those of Machine.
// Lists of addresses are shared with the machine, which never writes to them.
type Snapshot struct {
	Config Config
	State  State
	Since  Instant
	Reason Reason
	Faults []string
	Begun  bool

	Base     Instant
	Released bool
	Releaser netip.Addr
	Master   Advert
	Heard    Instant
	Lower    Advert
	LowerAt  Instant
	Waiting  Instant
	Learned  time.Duration
	Asking   bool
	Asked    Reason

	Held, Ready bool
	Why         Reason
	Pull        string
	Contested   Instant
	Handicap    float64

	Next, Replied Instant
	Losing        Advert
	Listening     bool
	Pause         Paused
	Woke          Instant
}

// Snapshot puts the machine as it is into s, all of which it overwrites. The memory
// of s.Faults is used again, so that a snapshot need not allocate.
func (m *Machine) Snapshot(s *Snapshot) {
	*s = Snapshot{
		Config: m.cfg, State: m.state, Since: m.since, Reason: m.reason, Faults: append(s.Faults[:0], m.faults...), Begun: m.begun,
		Base: m.base, Released: m.released, Releaser: m.releaser, Master: m.master, Heard: m.heard, Lower: m.lower, LowerAt: m.lowerAt,
		Waiting: m.waiting, Learned: m.learned, Asking: m.asking, Asked: m.asked,
		Held: m.held, Ready: m.ready, Why: m.why, Pull: m.pull, Contested: m.contested, Handicap: m.handicap,
		Next: m.next, Replied: m.replied, Losing: m.losing, Listening: m.quiet.on, Pause: m.quiet.pause, Woke: m.quiet.woke,
	}
}

// Restore is a machine that goes on from s as the one that s is of.
func Restore(s *Snapshot) *Machine {
	return &Machine{
		cfg: s.Config, state: s.State, since: s.Since, reason: s.Reason, faults: slices.Clone(s.Faults), begun: s.Begun,
		base: s.Base, released: s.Released, releaser: s.Releaser, master: s.Master, heard: s.Heard, lower: s.Lower, lowerAt: s.LowerAt,
		waiting: s.Waiting, learned: s.Learned, asking: s.Asking, asked: s.Asked,
		member: member{held: s.Held, ready: s.Ready, why: s.Why, pull: s.Pull, contested: s.Contested, handicap: s.Handicap},
		next:   s.Next, replied: s.Replied, losing: s.Losing, quiet: quiet{s.Listening, s.Pause, s.Woke},
	}
}
