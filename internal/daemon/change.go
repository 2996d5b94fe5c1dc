package daemon

import (
	"fmt"
	"slices"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/plan"
	"github.com/vrrpx/vrrpx/vrrp"
)

// change makes a running router another one, in the state that it is in. A MASTER
// stays MASTER: it sends no release, and its adverts keep their time.
func (h *host) change(r *router, c *plan.Change, g auth.Guard) {
	r.catchUp() // what was heard was heard by the router of before
	master := r.machine.State() == vrrp.Master
	areas := c.Areas
	if refuses(&c.From) != refuses(&c.To) {
		areas |= plan.Accept // by priority 255
	}
	moves := areas.Has(plan.Addresses | plan.Accept)
	announces := moves || areas.Has(plan.Announce)
	if master && announces {
		r.cancelAnnouncing() // by the names of before
	}
	interval := r.machine.Config().Interval
	r.cfg = c.To
	if areas.Has(plan.Auth) {
		auth.Inherit(g, r.guard)
		r.authenticateBy(g)
		r.alarms.End(clock.Now(), alarm.AuthRefused, alarm.AuthRemark)
	}
	if areas.Has(plan.Peers) {
		h.changePeers(r)
	}
	if areas.Has(plan.Addresses | plan.Accept | plan.Tracking) {
		h.leave(r)
		h.enter(r, r.machine.State() != vrrp.Init)
	}
	for _, l := range r.lines {
		l.built = lineFrames{}
	}
	r.advert.built = frameOf{}                                // frames, and what is announced, are made anew
	r.takeover.built, r.advert.readied = frameOf{}, frameOf{} // and what the clock has in store
	h.findSource(r)
	t := clock.Now()
	was := r.machine.Config().Priority
	r.step(t, vrrp.SetConfig{Config: r.machineConfig(r.sourceNow())})
	if is := r.machine.Config().Priority; is != was {
		r.log.Info(fmt.Sprintf("(%s) Changing effective priority from %d to %d", r.cfg.Name, was, is))
		r.rememberPriority(t, was, is)
		r.tellPriority()
	}
	if areas.Has(plan.Addresses) {
		r.compareAddresses(t)
		if master {
			r.unwatch()
			r.watch() // before they are there
			r.refuse()
		}
		h.declare(r, r.cfg)
	}
	if areas.Has(plan.Split) {
		h.changeSplit(r)
	}
	if areas.Has(plan.Routing) {
		r.declareRouting()
	}
	if master = master && r.machine.State() == vrrp.Master; master {
		if r.machine.Config().Interval != interval && !listening(r.machine) {
			// Whoever has learned the shorter one would not wait for the first
			// advert with the longer.
			r.queueAdvert(r.machine.Config().Priority)
			r.flush()
		}
		r.holdAnew(c, moves, announces)
	} else if moves && r.machine.State() != vrrp.Master {
		r.admitOthers()
	}
	h.watchPeers(r.device)
	r.settle()
	h.reconsider(r)
}

// holdAnew has a MASTER take the addresses that it has now, and announce those
// that are new. The others need no announcement: they are where they were.
func (r *router) holdAnew(c *plan.Change, moves, announces bool) {
	if moves {
		r.refuse()
		if len(c.To.VMACs) > 0 && c.Areas.Has(plan.Addresses) {
			r.vmac.taking = true
		}
		r.out.addresses.Hold(r.owner)
	}
	switch {
	case !announces || r.postpones():
	case gains(c):
		r.announceAnew()
	default:
		r.announceLater()
	}
}

// gains tells whether there is an address that was not there before, or is now at
// another MAC.
func gains(c *plan.Change) bool {
	return slices.ContainsFunc(c.To.All(), func(a config.Address) bool {
		return !slices.ContainsFunc(c.From.All(), func(b config.Address) bool {
			return a.Prefix.Addr() == b.Prefix.Addr() && carrier(a) == carrier(b)
		})
	})
}

// announceLater puts the schedule of refreshes in force without the burst before
// it.
func (r *router) announceLater() {
	if r.link == nil || listening(r.machine) {
		return
	}
	r.build()
	for _, b := range r.besides {
		b.build()
	}
	g := r.cfg.GARP
	if r.machine.Config().Family == vrrp.IPv6 {
		g.Interval = r.cfg.GNAInterval
	}
	burst := netio.Burst{
		Sender: r.link.Sender, Frames: r.advert.garps, FirstSent: true, Hold: r.hold(),
		Repeat: 1, Refresh: g.Refresh, RefreshRepeat: g.RefreshRepeat, Interval: g.Interval,
	}
	r.out.announcer.Announce(r.owner, burst)
	r.announceBeside(burst)
}

// changePeers puts other peers in force, or a group in their place. The ways to
// those that stay are known.
func (h *host) changePeers(r *router) {
	old := r.unicast
	r.unicast = newUnicast(&r.cfg)
	if r.unicast == nil {
		return
	}
	r.unicast.attach(r.link)
	if old == nil {
		return
	}
	sent, failed := old.counts()
	r.unicast.before = [2]uint64{sent, failed}
	r.unicast.turn = old.turn + 1
	for _, p := range r.cfg.Peers {
		if hop, ok := old.hops[p.Addr]; ok {
			r.unicast.hops[p.Addr] = hop
		}
		if form, ok := old.forms[p.Addr]; ok {
			r.unicast.forms[p.Addr] = form
		}
	}
}

// compareAddresses looks at the master's addresses anew when ours have changed.
func (r *router) compareAddresses(t vrrp.Instant) {
	r.alarms.End(t, vrrp.NoteAddrsDiffer.String())
	if a, _, ok := r.machine.Accepted(); ok && !slices.Equal(a.Addrs, r.machine.Config().Addrs) {
		r.recordNote(t, vrrp.Note{Kind: vrrp.NoteAddrsDiffer, Advert: a})
	}
}
