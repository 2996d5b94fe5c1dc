package vrrp

// What a Group has a member do is an input of that machine like any other, so that
// what happened to one machine can be told, and stepped again, without the others
// (Group.Watch). Nobody else sends these: only a Group knows when all are to follow.

// GroupTake makes a BACKUP that is ready MASTER. In other states it does nothing.
type GroupTake struct{}

// GroupYield makes a MASTER BACKUP; it says nothing to others, since the master that
// the group yields to sends adverts for this member too. In other states it does
// nothing.
type GroupYield struct{ Cause string }

// GroupFault keeps the machine in FAULT for another member's sake, or with an empty
// Cause does so no more.
type GroupFault struct{ Cause string }

// GroupContest tells that the group has lost an election, which may be crossed: the
// machine defers to a better router for Handicap intervals more (Group.contest).
type GroupContest struct{ Handicap float64 }

// GroupAnnounce has a MASTER announce its addresses, because another member has heard
// a losing one. Not one that listens after a pause.
type GroupAnnounce struct{}

// GroupLeave ends the membership: a router that was ready takes over at its next
// Timer, one that the group kept in FAULT leaves that.
type GroupLeave struct{}

func (GroupTake) input()     {}
func (GroupYield) input()    {}
func (GroupFault) input()    {}
func (GroupContest) input()  {}
func (GroupAnnounce) input() {}
func (GroupLeave) input()    {}

// obey steps an order of the group.
func (m *Machine) obey(now Instant, order Input, out []Effect) []Effect {
	switch in := order.(type) {
	case GroupTake:
		if m.ready {
			return m.rule(now, m.why, out)
		}
	case GroupYield:
		if m.state == Master {
			return m.stepDown(now, in.Cause, out)
		}
	case GroupFault:
		return m.setPull(now, in.Cause, out)
	case GroupContest:
		m.contested, m.handicap = now, in.Handicap
	case GroupAnnounce:
		if m.state == Master && !m.quiet.on {
			return append(out, Announce{Lower: true})
		}
	case GroupLeave:
		m.hold(false)
		return m.setPull(now, "", out)
	}
	return out
}
