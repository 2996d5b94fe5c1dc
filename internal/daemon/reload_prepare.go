package daemon

import (
	"context"
	"maps"
	"slices"

	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/nexthop"
	"github.com/vrrpx/vrrpx/internal/plan"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/internal/track"
	"github.com/vrrpx/vrrpx/internal/vip"
)

// prepared is all that a reload needs and that may fail or take its time, made
// away from the loop before anything is changed.
type prepared struct {
	cfg      *config.Config
	plan     *plan.Plan
	told     map[plan.ID]tell.Programs // of every router: global_defs say whom programs run as
	guards   map[plan.ID]auth.Guard    // of those that are to have a new one
	groups   map[string]tell.Programs  // by name
	checks   []track.Script
	fifos    []tell.WantedFIFO
	fittings map[string]*link.Fitting // by device
	devices  []string                 // all that are watched while it is applied
	hops     *nexthop.Watcher         // nil: there is one, or need be none
	metrics  *moved                   // nil: they stay where they are
}

// prepare fails, and leaves nothing behind, where a start from this configuration
// would fail.
func (h *host) prepare(cfg *config.Config, p *plan.Plan) (*prepared, error) {
	prep := &prepared{cfg: cfg, plan: p, told: map[plan.ID]tell.Programs{}, fittings: map[string]*link.Fitting{}}
	addrs := map[string][]vip.Address{}
	for i := range cfg.Routers {
		addrs[cfg.Routers[i].Name] = addressesOf(cfg.Routers[i])
	}
	addrs[vip.Host] = addressList(cfg.Static.Addresses)
	if err := vip.Check(addrs); err != nil {
		return nil, err
	}
	kernel, why := h.pacer.Clock("")
	if err := preflight.KernelPacer(cfg.Routers, kernel, why); err != nil {
		return nil, err
	}
	programs := preflight.NewPrograms(&cfg.Global)
	var err error
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		if prep.told[plan.IDOf(r)], err = tell.Resolve(programs, &r.Notify, r.Fence()); err != nil {
			return nil, err
		}
	}
	if prep.groups, err = tell.ResolveGroups(programs, cfg.Groups); err != nil {
		return nil, err
	}
	if prep.checks, err = checksOf(programs, cfg); err != nil {
		return nil, err
	}
	if prep.fifos, err = tell.WantedFIFOs(programs, &cfg.Global); err != nil {
		return nil, err
	}
	outfits := map[string]link.Outfit{}
	if err := h.onLoop(context.Background(), func() {
		for name, d := range h.devices {
			outfits[name] = d.outfit()
		}
	}); err != nil {
		return nil, err
	}
	known := func(name string) bool { _, ok := outfits[name]; return ok }
	if err := h.noInterface(cfg, known); err != nil {
		return nil, err
	}
	if err := h.prepareLinks(prep, outfits); err != nil {
		prep.close()
		return nil, err
	}
	if err := h.prepareHops(prep); err != nil {
		prep.close()
		return nil, err
	}
	if prep.metrics, err = h.serveMetrics(cfg.Global.Metrics); err != nil && p.Metrics {
		prep.close()
		return nil, err
	} else if err != nil { // it could not be had before, either
		h.log.Error(err.Error() + ": no metrics are served until a reload")
	}
	if err := h.prepareGuards(prep); err != nil {
		prep.close()
		return nil, err
	}
	return prep, nil
}

// close is for a reload that is refused after all.
func (p *prepared) close() {
	for _, f := range p.fittings {
		f.Close()
	}
	if p.hops != nil {
		p.hops.Close()
	}
	if p.metrics != nil {
		p.metrics.undo()
	}
}

// prepareLinks makes what links lack, and links for new devices. One that has
// been in use and cannot be opened now is tried by the way, and is no obstacle.
func (h *host) prepareLinks(p *prepared, has map[string]link.Outfit) error {
	wanted := h.needsOf(p.cfg)
	p.devices = slices.Collect(maps.Keys(wanted))
	for name := range has {
		if _, ok := wanted[name]; !ok {
			p.devices = append(p.devices, name)
		}
	}
	// From here on every change of them is an event.
	h.addrs.Watch(p.devices...)
	for name, n := range wanted {
		dev, ok := h.addrs.Link(name)
		o, known := has[name]
		if !n.Linked || !ok || known && !o.Exists || o.Link != nil && o.Link.Index != dev.Index {
			continue // tracked alone, or away: when it comes it is opened
		}
		f, err := h.links.Fit(dev, o, n)
		switch {
		case err != nil && known && o.Link == nil, err != nil && len(n.Groups) == 0:
			continue
		case err != nil:
			return err
		case f != nil:
			p.fittings[name] = f
		}
	}
	return nil
}

func (h *host) prepareHops(p *prepared) (err error) {
	if !slices.ContainsFunc(p.cfg.Routers, func(r config.Router) bool { return hasPeers(&r) }) {
		return nil
	}
	follows := false
	if err := h.onLoop(context.Background(), func() { follows = h.hops != nil }); err != nil || follows {
		return err
	}
	p.hops, err = nexthop.Open(h.hopNews)
	return err
}

// prepareGuards makes the guards of new routers and new keys. The numbers of
// those that have any are reserved before they are used. It comes last, since it
// leaves something on the disk.
func (h *host) prepareGuards(p *prepared) error {
	p.guards = map[plan.ID]auth.Guard{}
	fresh := map[string]auth.Guard{} // that inherit from nobody
	for i := range p.plan.Added {
		r := &p.plan.Added[i]
		p.guards[plan.IDOf(r)] = auth.New(*r)
		fresh[authKey(r)] = p.guards[plan.IDOf(r)]
	}
	for i := range p.plan.Changed {
		c := &p.plan.Changed[i]
		if !c.Areas.Has(plan.Auth | plan.Begin) {
			continue
		}
		g := auth.New(c.To)
		p.guards[plan.IDOf(&c.To)] = g
		if was := c.From.HMAC; was == nil || !was.Monotonic {
			fresh[authKey(&c.To)] = g
		}
	}
	if !auth.Needed(fresh) {
		return nil
	}
	if h.keeper != nil {
		return h.keeper.Add(fresh)
	}
	k, err := auth.OpenKeeper(fresh, h.opts.StateDir, h.opts.RunDir, h.log)
	if err != nil {
		return err
	}
	h.keeper = k
	h.startKeeper()
	return nil
}
