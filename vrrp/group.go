package vrrp

import (
	"fmt"
	"slices"
)

// Group keeps routers in one state (keepalived's vrrp_sync_group): all become
// MASTER when every one of them would, all BACKUP when one yields, all FAULT
// while one has a fault. Like a Machine it has no clock, and is not safe for
// concurrent use. After each Step of a member Settle brings the others along.
type Group struct {
	name    string
	members []Member
	ranks   []int  // indexes of members in the order of VRIDs; see contest
	joining []bool // by member; see NewGroup
	state   State
	since   Instant
	effects []Effect // scratch
	watch   func(member int, now Instant, in Input, out []Effect)
}

// Member is a machine under its router's name.
type Member struct {
	Name string
	*Machine
}

// NewGroup joins machines, in the order of the configuration: at least one. They
// may be running already, and Settle then makes them one. Where some are MASTER
// the others are to join these, and do as soon as they would be MASTER; they do
// not make them BACKUP, unless they follow a master or have a fault.
func NewGroup(name string, members ...Member) *Group {
	g := &Group{name: name, members: members}
	for i, m := range members {
		m.hold(true)
		g.ranks = append(g.ranks, i)
		g.joining = append(g.joining, m.state != Master)
		if m.state == Master || i == 0 {
			g.state, g.since = m.state, m.since
		}
	}
	if g.state != Master {
		clear(g.joining)
	}
	// All hosts of the group agree on this order, whatever that of their files.
	slices.SortStableFunc(g.ranks, func(a, b int) int {
		a, b = int(members[a].cfg.VRID)<<8+int(members[a].cfg.Family), int(members[b].cfg.VRID)<<8+int(members[b].cfg.Family)
		return a - b
	})
	return g
}

// Dissolve lets the members go on alone, from the states that they have. It has
// effects where the group kept a member in FAULT.
func (g *Group) Dissolve(now Instant, act func(member int, out []Effect)) {
	for i := range g.members {
		g.do(now, i, act, GroupLeave{})
	}
}

// Settle is called after every Step of a member, first, which did that, and before
// anything else happens to the group. It calls act with the effects of each other member in
// turn, at the same instant. Entering MASTER, first does so itself and is
// followed by the others; act is then called for it too. What the group as a
// whole did, if anything, is returned.
func (g *Group) Settle(now Instant, first int, did []Effect, act func(member int, out []Effect)) (Transition, bool) {
	g.announce(now, first, did, act)
	g.pullDown(now, first, act)
	g.yield(now, first, act)
	g.take(now, first, act)
	return g.enter(now, first)
}

// announce has all announce when one has heard a losing MASTER, which may have
// led others astray on every LAN.
func (g *Group) announce(now Instant, first int, did []Effect, act func(int, []Effect)) {
	if !slices.Contains(did, Effect(Announce{Lower: true})) {
		return
	}
	for i, m := range g.members {
		if i != first && m.state == Master && !m.quiet.on {
			g.do(now, i, act, GroupAnnounce{})
		}
	}
}

// pullDown keeps everyone in FAULT while another has a fault of its own.
func (g *Group) pullDown(now Instant, first int, act func(int, []Effect)) {
	bad, other := g.failed(first)
	for i, m := range g.members {
		j, cause := bad, ""
		if j == i {
			j = other
		}
		if j < 0 && m.pull == "" {
			continue
		}
		if j >= 0 {
			cause = fmt.Sprintf("sync group %s: %s is in FAULT: %s", g.name, g.members[j].Name, g.members[j].faults[0])
		}
		if m.pull != cause {
			g.do(now, i, act, GroupFault{cause})
		}
	}
}

// failed are two members with a fault, preferably first; -1 for none.
func (g *Group) failed(first int) (bad, other int) {
	bad, other = -1, -1
	if len(g.members[first].faults) > 0 {
		bad = first
	}
	for i, m := range g.members {
		switch {
		case len(m.faults) == 0 || i == bad:
		case bad < 0:
			bad = i
		default:
			return bad, i
		}
	}
	return bad, -1
}

// yield makes every MASTER BACKUP when one member is.
func (g *Group) yield(now Instant, first int, act func(int, []Effect)) {
	led := first
	if !g.leads(led) {
		led = slices.IndexFunc(g.ranks, g.leads)
		if led >= 0 {
			led = g.ranks[led]
		}
	}
	if led < 0 || !slices.ContainsFunc(g.members, func(m Member) bool { return m.state == Master }) {
		return
	}
	l := g.members[led]
	for i, m := range g.members {
		if m.state == Master {
			g.do(now, i, act, GroupYield{fmt.Sprintf("sync group %s: %s became BACKUP: %v", g.name, l.Name, l.reason)})
		}
	}
	if l.reason.Code == ReasonBetterMaster {
		g.contest(now, act)
	}
}

// leads tells whether a BACKUP makes the others BACKUP. One that is joining does
// so when it follows a master.
func (g *Group) leads(i int) bool {
	m := g.members[i]
	return m.state == Backup && (!g.joining[i] || m.heard != 0 && !m.ready)
}

// contest makes a group that lost an election wait longer before it comes again,
// until the winner is seen to stay. Where two hosts' priorities are crossed, each
// the better in one member, both would yield to each other and come again at the
// same time, for ever. So each member that hears a better router waits, the
// longer the lower its VRID is: no two hosts can both have lost the same one to
// each other, and who waits less is there when the other looks again.
func (g *Group) contest(now Instant, act func(int, []Effect)) {
	n := float64(len(g.members))
	for rank, i := range g.ranks {
		g.do(now, i, act, GroupContest{handicap * (n - float64(rank)) / n})
	}
}

// handicap is the longest such wait, in intervals: that of two members, and of up
// to four, differs by more than their skews can.
const handicap = 4

// take makes all MASTER when all are ready: first the last that became so.
func (g *Group) take(now Instant, first int, act func(int, []Effect)) {
	if slices.ContainsFunc(g.members, func(m Member) bool { return m.state == Master }) {
		for i, m := range g.members {
			if m.ready {
				g.do(now, i, act, GroupTake{}) // it has joined
			}
			g.joining[i] = g.joining[i] && m.state != Master
		}
		return
	}
	clear(g.joining)
	if slices.ContainsFunc(g.members, func(m Member) bool { return !m.ready }) {
		return
	}
	g.do(now, first, act, GroupTake{})
	for i := range g.members {
		if i != first {
			g.do(now, i, act, GroupTake{})
		}
	}
}

// Watch has f called for all that the group has its members do, after each: the
// effects are those that act is called with, if there are any. nil ends it.
func (g *Group) Watch(f func(member int, now Instant, in Input, out []Effect)) { g.watch = f }

// do steps one member.
func (g *Group) do(now Instant, i int, act func(int, []Effect), order Input) {
	g.effects = g.members[i].Step(now, order, g.effects[:0])
	if g.watch != nil {
		g.watch(i, now, order, g.effects)
	}
	if len(g.effects) > 0 {
		act(i, g.effects)
	}
}

// enter takes over the state that the members share. INIT is left with the first
// of them, for FAULT with the last, and entered with the last.
func (g *Group) enter(now Instant, first int) (Transition, bool) {
	state, why, starting := Init, g.members[first].reason, false
	for i, m := range g.members {
		if m.state != Init && (!g.joining[i] || m.state == Faulted) {
			state = m.state
		}
		starting = starting || m.state == Init
	}
	if state == g.state || g.state == Init && state == Faulted && starting {
		return Transition{}, false
	}
	t := Transition{g.state, state, why}
	g.state, g.since = state, now
	return t, true
}

// Name, State, Since and Members show the group as it is. MASTER, BACKUP and
// FAULT are the state of all members but those in INIT or joining; INIT is that of a group
// of which some have not begun and none is well.
func (g *Group) Name() string      { return g.name }
func (g *Group) State() State      { return g.state }
func (g *Group) Since() Instant    { return g.since }
func (g *Group) Members() []Member { return slices.Clone(g.members) }

// Blocker is the first member that keeps a BACKUP group from becoming MASTER, as
// others would: it is not ready while another is.
func (g *Group) Blocker() (Member, bool) {
	i := slices.IndexFunc(g.members, func(m Member) bool { return !m.ready })
	if i < 0 || !slices.ContainsFunc(g.members, func(m Member) bool { return m.ready }) {
		return Member{}, false
	}
	return g.members[i], true
}
