package daemon

import (
	"context"
	"fmt"
	"slices"

	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/plan"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Reload makes a reload and waits for its result, for the control socket.
func (h *host) Reload(ctx context.Context) (*stats.Reload, error) { return h.reloads.Reload(ctx) }

// reconfigure brings the routers to a configuration, or leaves them as they are and
// says why. It is the reloader's.
func (h *host) reconfigure(cfg *config.Config, p *plan.Plan) error {
	prep, err := h.prepare(cfg, p)
	if err != nil {
		return err
	}
	h.apply(prep)
	return nil
}

// apply changes the running set. Nothing in it can fail any more, and nothing
// that it does on the loop takes long: each router has a turn of its own, and
// the loop is waited for in between, so that it hears and acts for the others.
func (h *host) apply(p *prepared) {
	if p.metrics != nil {
		p.metrics.commit()
	}
	turn := func(f func()) { _ = h.onLoop(context.Background(), f) }
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
		turn(func() { h.remove(h.find(&p.plan.Removed[i])) })
	}
	for i := range p.plan.Changed {
		c := &p.plan.Changed[i]
		turn(func() {
			if c.Areas.Has(plan.Addresses) {
				h.giveUp(h.find(&c.From), &c.To) // before others, who may want them, are told that they may
			}
		})
	}
	for name, f := range p.fittings {
		turn(func() {
			if d := h.meet(name); h.fit(d, f) && f.Old == nil {
				h.refresh(d) // it could not be used before
			}
		})
	}
	turn(func() { h.rerun(p.checks, p.plan.Scripts) })
	turn(func() { h.keepThings(p.cfg) })
	h.rewatch(p.cfg)
	h.desk.Change(&p.cfg.Global, p.fifos)
	var stayed []*router
	turn(func() { h.desk.Words(&p.cfg.Global); stayed = h.routers })
	for i := range p.plan.Changed {
		c := &p.plan.Changed[i]
		turn(func() {
			r, id := h.find(&c.From), plan.IDOf(&c.To)
			if c.Areas.Has(plan.Begin) {
				h.restart(r, &c.To, p.guards[id], p.told[id])
			} else {
				h.change(r, c, p.guards[id])
			}
		})
	}
	for i := range p.cfg.Routers {
		c := &p.cfg.Routers[i]
		turn(func() {
			r := h.find(c)
			if r == nil {
				r = h.add(c, p.guards[plan.IDOf(c)], p.told[plan.IDOf(c)], nil)
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

// add begins a router, as a start does; or, in the place of one that was, as that
// goes on.
func (h *host) add(c *config.Router, g auth.Guard, tells tell.Programs, was *router) *router {
	r := newRouter(*c, h.log, h.out)
	r.tells, r.begins = tells, h.begins
	fresh := false
	if was != nil {
		auth.Inherit(g, was.guard)
		r.owner, r.history, r.resumes, fresh = was.owner, was.history, was.resumes, len(was.history) > 0
	}
	r.authenticateBy(g)
	h.fly(r, was, 1)
	for was == nil && (h.router(r.owner) != nil || h.leaving[r.owner] != nil) {
		r.owner += "'" // another's first name, or of one whose addresses have not gone yet
	}
	h.openSplit(r)
	h.enter(r, fresh)
	h.enterLines(r)
	h.setRouters(append(slices.Clone(h.routers), r))
	h.findSource(r)
	h.declare(r, r.cfg)
	r.declareRouting()
	if l := r.device.link; l != nil {
		h.attach(r, l)
		h.watchPeers(r.device)
	}
	h.attachLines(r)
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

// remove ends a router. Its peers are told nothing: priority 0 would have them
// take over at once what may be back in a moment.
func (h *host) remove(r *router) {
	h.end(r, "removed by a reload")
	r.notifyDeleted()
	h.leaving[r.owner] = r
	r.out.addresses.Forget(r.owner)
}

// restart begins a router anew that cannot be changed while it runs. What was
// MASTER goes on as MASTER: its peers miss no advert, and its addresses stay where
// they are.
func (h *host) restart(r *router, c *config.Router, g auth.Guard, tells tell.Programs) {
	r.catchUp()
	r.resumes = r.machine.State() == vrrp.Master && !listening(r.machine)
	addresses := r.out.addresses
	r.out.addresses = stay{addresses} // they are the new one's
	h.end(r, "begun anew by a reload")
	n := h.add(c, g, tells, r)
	if n.machine.State() != vrrp.Master {
		addresses.Release(n.owner)
	}
	r.admit() // what the new one refuses too stays refused
}

// stay keeps addresses from going with their router.
type stay struct{ addresses }

func (stay) Release(...string) {}

// end takes a router out of the election and out of the host.
func (h *host) end(r *router, why string) {
	t := clock.Now()
	r.step(t, vrrp.Withdraw{Cause: why})
	r.alarms.EndAll(t)
	r.closeSplit()
	d := r.device
	for _, b := range r.besides {
		h.announcer.Forget(b.names[0])
		h.announcer.Forget(b.names[1])
	}
	h.removeLines(r)
	h.leave(r)
	h.setRouters(slices.DeleteFunc(slices.Clone(h.routers), func(x *router) bool { return x == r }))
	h.attach(r, nil)
	h.watchPeers(d)
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
