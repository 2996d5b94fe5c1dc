package daemon

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// syncGroup is a vrrp_sync_group on the loop: what one member does the others
// follow at once, before any of them settles.
type syncGroup struct {
	cfg     config.SyncGroup
	log     *slog.Logger
	out     outputs
	core    *vrrp.Group
	routers []*router // as the members of core
	tells   tell.Programs
	acted   []*router // who has something to settle, in order
	told    []told    // likewise the group's own transitions
	history []stats.Transition
}

// group brings the groups to a configuration, whose routers are there. A group
// that has the same members goes on as it is.
func (h *host) group(all []config.SyncGroup, tells map[string]tell.Programs) {
	old := h.groups
	h.groups = nil
	t := clock.Now()
	for _, c := range all {
		var members []*router
		for _, m := range c.Members {
			members = append(members, h.named(m.Name))
		}
		g := &syncGroup{}
		if i := slices.IndexFunc(old, func(g *syncGroup) bool { return g.cfg.Name == c.Name }); i >= 0 {
			g = old[i]
			if !slices.Equal(g.routers, members) || !slices.Equal(g.cfg.Names(), c.Names()) {
				g.dissolve(t)
			}
			old = slices.Delete(slices.Clone(old), i, i+1)
		}
		g.cfg, g.log, g.out, g.tells = c, h.log, h.out, tells[c.Name]
		h.groups = append(h.groups, g)
	}
	for _, g := range old {
		g.dissolve(t)
	}
	// Only now has everyone left his old one.
	for _, g := range h.groups {
		if g.core == nil {
			g.join(t, h.named)
		}
	}
}

// named is the router of a name, which the configuration has.
func (h *host) named(name string) *router {
	i := slices.IndexFunc(h.routers, func(r *router) bool { return r.cfg.Name == name })
	return h.routers[i]
}

// join makes one of the members, who may be running.
func (g *syncGroup) join(t vrrp.Instant, named func(string) *router) {
	var members []vrrp.Member
	for _, m := range g.cfg.Members {
		r := named(m.Name)
		r.band = g
		g.routers = append(g.routers, r)
		members = append(members, vrrp.Member{Name: m.Name, Machine: r.machine})
	}
	g.core = vrrp.NewGroup(g.cfg.Name, members...)
	g.fly(t)
	g.follow(t, g.routers[0], nil)
	g.settle(g.routers[0])
	for _, r := range g.routers {
		r.settleAlone() // their deadlines are others now
	}
}

// dissolve lets the members that there still are go on alone.
func (g *syncGroup) dissolve(t vrrp.Instant) {
	routers := g.routers
	g.core.Dissolve(t, func(i int, out []vrrp.Effect) { routers[i].carryOut(t, out) })
	g.core, g.routers, g.acted, g.told = nil, nil, nil, nil
	for _, r := range routers {
		r.band = nil
		r.settle()
	}
}

// follow brings the other members along after a step of one, which did that. All their frames
// leave here; to settle them is left to the caller.
func (g *syncGroup) follow(at vrrp.Instant, first *router, did []vrrp.Effect) {
	if len(first.told) > 0 {
		g.act(first)
	}
	i := slices.Index(g.routers, first)
	t, changed := g.core.Settle(at, i, did, func(i int, out []vrrp.Effect) {
		g.routers[i].carryOut(at, out)
		g.act(g.routers[i])
	})
	if changed {
		g.told = append(g.told, told{at, t})
	}
}

func (g *syncGroup) act(r *router) {
	if !slices.Contains(g.acted, r) {
		g.acted = append(g.acted, r)
	}
}

// settle settles all who acted, and r in any case, and tells of the group: when
// it begins as BACKUP before its members, as keepalived does, otherwise after.
func (g *syncGroup) settle(r *router) {
	acted, all := g.acted, g.told
	g.acted, g.told = nil, nil
	if len(all) > 0 {
		if t := all[0].effect.(vrrp.Transition); t.From == vrrp.Init && t.To == vrrp.Backup {
			g.record(all[0].at, t)
			all = all[1:]
		}
	}
	if !slices.Contains(acted, r) {
		acted = append(acted, r)
	}
	for _, m := range acted {
		m.settleAlone()
	}
	for _, t := range all {
		g.record(t.at, t.effect.(vrrp.Transition))
	}
}

// record puts a change of the group into history and log, and tells of it.
func (g *syncGroup) record(at vrrp.Instant, t vrrp.Transition) {
	if len(g.history) == historyLen {
		g.history = append(g.history[:0], g.history[1:]...)
	}
	g.history = append(g.history, stats.Transition{At: clock.Wall(at), From: t.From.String(), To: t.To.String(), Reason: t.Reason.String()})
	g.log.Info(fmt.Sprintf("VRRP_Group(%s) Syncing instances to %s state", g.cfg.Name, t.To), "from", t.From.String(), "reason", t.Reason.String())
	if t.Reason.Code != vrrp.ReasonWithdrawn {
		g.out.news.State(g.subject(), t.To)
	}
}

// view is the group for status.
func (g *syncGroup) view() stats.Group {
	v := stats.Group{Name: g.cfg.Name, State: g.core.State().String(), Since: clock.Wall(g.core.Since()), Members: g.cfg.Names(), History: slices.Clone(g.history)}
	if n := len(g.history); n > 0 {
		v.Reason = g.history[n-1].Reason
	}
	if m, ok := g.core.Blocker(); ok && g.core.State() == vrrp.Backup {
		v.Waits = m.Name + " would not be MASTER: " + g.named(m.Name).whyNot()
	}
	return v
}

func (g *syncGroup) named(name string) *router {
	return g.routers[slices.IndexFunc(g.routers, func(r *router) bool { return r.cfg.Name == name })]
}

// whyNot is why a router is not ready to be MASTER.
func (r *router) whyNot() string {
	m := r.machine
	if a, _, ok := m.Accepted(); ok {
		return fmt.Sprintf("it hears %s (priority %d, ours %d)", a.Src, a.Priority, m.Config().Priority)
	}
	if m.State() != vrrp.Backup {
		return "it is in " + m.State().String()
	}
	return "its master-down time has not passed"
}

// groupView is what a member shows of its group: which, and that it waits for it.
func (r *router) groupView() (name, waits string) {
	if r.band == nil {
		return "", ""
	}
	name = r.band.cfg.Name
	if why, ready := r.machine.Ready(); ready {
		waits = "would be MASTER (" + why.String() + ")"
		if m, ok := r.band.core.Blocker(); ok {
			waits += ", but for " + m.Name
		}
	}
	return name, waits
}

// groupViews are all of them, in the order of the file.
func (h *host) groupViews() (all []stats.Group) {
	for _, g := range h.groups {
		all = append(all, g.view())
	}
	return all
}
