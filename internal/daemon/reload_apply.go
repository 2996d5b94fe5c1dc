package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/plan"
	"github.com/vrrpx/vrrpx/vrrp"
)

// apply changes the running set. Nothing in it can fail any more, and nothing
// that it does on the loop takes long: each router has a turn of its own, and
// the loop is waited for in between, so that it hears and acts for the others.
func (h *host) apply(p *prepared) {
	turn := func(f func()) { _ = h.onLoop(context.Background(), f) }
	before := map[plan.ID]*router{} // of those that begin anew
	turn(func() {
		if p.hops != nil {
			h.hops = p.hops
		}
		for _, name := range p.devices {
			h.meet(name)
		}
	})
	if p.plan.Static {
		h.keepStatic(&p.cfg.Static) // before routers, who may want the others
	}
	for i := range p.plan.Removed {
		turn(func() { h.remove(h.find(&p.plan.Removed[i]), "removed by a reload", true) })
	}
	for i := range p.plan.Changed {
		c := &p.plan.Changed[i]
		turn(func() {
			r := h.find(&c.From)
			switch {
			case c.Areas.Has(plan.Begin):
				h.remove(r, "begun anew by a reload", false)
				before[plan.IDOf(&c.To)] = r
			case c.Areas.Has(plan.Addresses):
				h.giveUp(r, &c.To) // before others, who may want them, are told that they may
			}
		})
	}
	for name, f := range p.fittings {
		turn(func() {
			if d := h.meet(name); h.fit(d, f) && f.old == nil {
				h.refresh(d) // it could not be used before
			}
		})
	}
	turn(func() { h.rerun(p.checks, p.plan.Scripts) })
	turn(func() { h.keepThings(p.cfg) })
	h.rewatch(p.cfg)
	h.fifos.apply(p.fifos)
	h.mailer.Set(mailOptions(&p.cfg.Global.Mail))
	var stayed []*router
	turn(func() { h.letters.set(&p.cfg.Global); stayed = h.routers })
	for i := range p.plan.Changed {
		if c := &p.plan.Changed[i]; !c.Areas.Has(plan.Begin) {
			turn(func() { h.change(h.find(&c.From), c, p.guards[plan.IDOf(&c.To)]) })
		}
	}
	for i := range p.cfg.Routers {
		c := &p.cfg.Routers[i]
		turn(func() {
			r := h.find(c)
			if r == nil {
				r = h.add(c, p.guards[plan.IDOf(c)], p.told[plan.IDOf(c)], before[plan.IDOf(c)])
			}
			r.tells = p.told[plan.IDOf(c)]
		})
	}
	if p.plan.Static {
		h.declareStatic(&p.cfg.Static)
	}
	var guards map[string]auth.Guard
	turn(func() { guards = h.tidy(p); h.shown = p.cfg })
	if p.cfg.Global.FIFOStatesOnReload {
		turn(func() { h.tellStates(stayed) })
	}
	if h.keeper != nil {
		h.keeper.Keep(guards)
	}
}

// find is the router of that identity; nil for none.
func (h *host) find(c *config.Router) *router {
	for _, r := range h.routers {
		if plan.IDOf(&r.cfg) == plan.IDOf(c) {
			return r
		}
	}
	return nil
}

// enter gives a router its place among the devices and tracked things.
func (h *host) enter(r *router, fresh bool) {
	d := h.meet(r.cfg.Interface)
	d.linked = true
	r.device = d
	d.routers = append(d.routers, r)
	h.findBesides(r)
	h.follow(r, fresh)
}

// leave takes it away.
func (h *host) leave(r *router) {
	r.device.routers = slices.DeleteFunc(r.device.routers, func(x *router) bool { return x == r })
	r.unfollow()
	r.besides, r.refusal.doors = nil, nil
}

// add begins a router, as a start does; in the place of one that was, or nil.
func (h *host) add(c *config.Router, g auth.Guard, tells programsTold, was *router) *router {
	r := newRouter(*c, h.log, h.out)
	if was != nil {
		auth.Inherit(g, was.guard)
		r.history = was.history
	}
	r.authenticateBy(g)
	r.tells, r.begins = tells, h.begins
	for h.router(r.owner) != nil || h.leaving[r.owner] != nil {
		r.owner += "'" // another's first name, or of one whose addresses have not gone yet
	}
	h.openSplit(r)
	h.enter(r, false)
	h.setRouters(append(slices.Clone(h.routers), r))
	h.findSource(r)
	h.declare(r, r.cfg)
	r.declareRouting()
	if l := r.device.link; l != nil {
		h.attach(r, l)
		h.watchPeers(r.device)
	}
	r.warnOpen(clock.Now())
	h.reconsider(r)
	return r
}

func (h *host) setRouters(all []*router) { h.routers, h.loop.routers = all, all }

// declare says which addresses a router may hold. That it cannot have them was
// found out before; what is new since then is told.
func (h *host) declare(r *router, c config.Router) {
	r.try("have its addresses", r.out.addresses.Declare(r.owner, addressesOf(c), devicesOf(c)...))
}

// remove ends a router without a word to its peers: of the protocol, priority 0
// would have them take over at once what may be back in a moment.
func (h *host) remove(r *router, why string, tell bool) {
	t := clock.Now()
	r.step(t, vrrp.Withdraw{Cause: why})
	r.endAlarm(t, slices.Collect(maps.Keys(r.alarms.standing))...)
	if tell {
		r.notifyDeleted()
	}
	r.closeSplit()
	d := r.device
	for _, b := range r.besides {
		h.announcer.Forget(b.names[0])
		h.announcer.Forget(b.names[1])
	}
	h.leave(r)
	h.setRouters(slices.DeleteFunc(slices.Clone(h.routers), func(x *router) bool { return x == r }))
	h.attach(r, nil)
	h.watchPeers(d)
	h.leaving[r.owner] = r
	r.out.addresses.Forget(r.owner)
}

// left is told when the addresses of an owner have gone.
func (h *host) left(owner string) {
	r := h.leaving[owner]
	if r == nil {
		return
	}
	delete(h.leaving, owner)
	r.admit()
	r.unwatch()
	h.pacer.Forget(owner)
	h.announcer.Forget(owner)
}

// tidy ends a reload on the loop: the order is that of the file, what nobody
// needs is given up, and everyone looks at what there is now.
func (h *host) tidy(p *prepared) map[string]auth.Guard {
	var all []*router
	for i := range p.cfg.Routers {
		all = append(all, h.find(&p.cfg.Routers[i]))
	}
	h.setRouters(all)
	h.group(p.cfg.Groups, p.groups)
	for _, name := range p.devices {
		if d := h.devices[name]; d != nil {
			h.strip(d)
		}
	}
	names := make([]string, 0, len(h.devices))
	for name := range h.devices {
		names = append(names, name)
	}
	h.addrs.Watch(names...)
	h.watchSources()
	return h.guards()
}

// giveUp leaves a router only those of its addresses that it is to keep.
func (h *host) giveUp(r *router, to *config.Router) {
	keep := r.cfg
	stays := func(a config.Address) bool {
		return slices.ContainsFunc(to.All(), func(b config.Address) bool {
			return a.Prefix == b.Prefix && carrier(a) == carrier(b)
		})
	}
	goes := func(a config.Address) bool { return !stays(a) }
	keep.Addresses = slices.DeleteFunc(slices.Clone(keep.Addresses), goes)
	keep.Excluded = slices.DeleteFunc(slices.Clone(keep.Excluded), goes)
	keep.VMACs = slices.DeleteFunc(slices.Clone(keep.VMACs), func(v config.VMAC) bool {
		return !slices.ContainsFunc(to.VMACs, func(w config.VMAC) bool { return v.Name == w.Name })
	})
	h.declare(r, keep)
	h.log.Debug(fmt.Sprintf("(%s) gives up addresses", r.cfg.Name), "keeps", len(keep.All()))
}
