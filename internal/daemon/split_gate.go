package daemon

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// gate is a takeover that waits for leave: until nobody answers for the addresses,
// or until the script has ended.
type gate struct {
	asking bool
	why    vrrp.Reason
	left   int          // questions to be asked
	next   vrrp.Instant // when; with none left, when nobody has answered. 0: the script is waited for
}

// A LAN answers ARP within a millisecond, from the kernel, however busy the host
// is otherwise. Three questions bear the loss of two.
const (
	gateAsks  = 3
	gateEvery = 50 * time.Millisecond
)

// How long a router that has yielded lets a lower master be, so that two that hear
// each other one way only do not take the addresses in turns for ever.
const (
	backoffFirst = 10 * time.Second
	backoffMost  = 5 * time.Minute
)

// mustAsk tells whether a takeover needs leave.
func (r *router) mustAsk() bool {
	sb := r.settings()
	return r.cfg.Priority != 255 && (sb.Action == config.ActionYield || sb.Wait)
}

// mayYield tells whether a MASTER would give way to a holder that it does not hear.
func (r *router) mayYield() bool {
	return r.settings().Action == config.ActionYield && r.cfg.Priority != 255
}

// askTakeover is the machine's question. A release and a preemption are no split
// brain: there the other's adverts arrive.
func (r *router) askTakeover(at vrrp.Instant, why vrrp.Reason) {
	sb, f := r.settings(), &r.split.fence
	silent := why.Code == vrrp.ReasonMasterDown || why.Code == vrrp.ReasonNoMaster
	switch {
	case !silent && at >= r.split.until:
		r.permit(at, true)
	case sb.Wait && silent && f.state != fenceNone:
		r.gateFenced(at, why)
	case sb.Wait && why.Code == vrrp.ReasonMasterDown:
		r.split.gate = gate{asking: true, why: why}
		r.startFence(at, "takeover", why.Src, nil)
	default:
		r.watch()
		r.ask(at, netip.Addr{}, false)
		r.split.others = nil
		r.split.gate = gate{asking: true, why: why, left: gateAsks - 1, next: at.Add(gateEvery)}
		r.armSplit(at)
	}
}

// permit answers the machine. A process that was stopped for longer than its lease
// hears first what has come meanwhile: there may be a MASTER by now.
func (r *router) permit(at vrrp.Instant, granted bool) {
	if granted && r.out.renew != nil {
		if lease, _ := r.lease(r.advert.frames); lease > 0 && r.out.away() > lease {
			r.out.post(func() {
				if _, asking := r.machine.Asking(); asking {
					r.permit(r.now(), true)
				}
			})
			return
		}
		if r.out.away() > leastLease {
			r.out.renew() // as in loop.expire: nobody is to take over with a lease that has run out
		}
	}
	r.split.gate = gate{}
	r.perform(at, vrrp.Permit{Granted: granted})
	if r.machine.State() != vrrp.Master {
		r.unwatch()
	}
}

// gateTick asks again, or finds that nobody has answered.
func (r *router) gateTick(at vrrp.Instant) {
	g := &r.split.gate
	switch {
	case !g.asking || g.next == 0 || at < g.next:
	case g.left > 0:
		g.left--
		g.next = at.Add(gateEvery)
		r.ask(at, netip.Addr{}, false)
	default:
		r.permit(at, true)
	}
}

// gateHears is an answer while we ask before a takeover. Who only asks as we do
// holds nothing.
func (r *router) gateHears(at vrrp.Instant, o *other) {
	g := &r.split.gate
	if o.held == 0 || g.next == 0 {
		return
	}
	if r.settings().Wait {
		g.next = 0
		r.startFence(at, alarm.Conflict, o.claim.From, o)
		return
	}
	kind, cause := alarm.VRRPLost, "firewall"
	why := fmt.Sprintf("%s, and %s answers for %s: not taken over; a firewall or switch drops protocol 112 between us", g.why, o, o.addr)
	if r.alarms.Stands(alarm.Yielded) {
		kind, why = alarm.Yielded, fmt.Sprintf("%s answers for %s still: left to it", o, o.addr)
	}
	r.alarms.Raise(at, alarm.Alarm{
		Kind: kind, Cause: cause, Level: slog.LevelError, Text: why, Same: string(o.mac[:]),
		Stands: 2*r.machine.MasterDown() + 2*time.Second,
	})
	r.permit(at, false)
}

// settleSplit follows the machine where it asks no more, without having been
// answered: an advert came, or a fault.
func (r *router) settleSplit() {
	if _, asking := r.machine.Asking(); asking || !r.split.gate.asking {
		return
	}
	r.split.gate = gate{}
	if r.machine.State() != vrrp.Master {
		r.unwatch()
	}
}

// yields decides whether we are the one that goes, when another holds an address
// that we hold, and why. Both of two that may yield decide alike, by the claims in
// their questions. One that makes no claim, or never yields, cannot go: we do, once
// it has answered questions of ours, which shows that it hears us and serves.
func (r *router) yields(at vrrp.Instant, o *other) (string, bool) {
	if !r.mayYield() || o.claimAt != 0 && o.claim.VRID != r.cfg.VRID {
		return "", false
	}
	switch {
	case o.claimAt != 0 && o.claim.MayYield:
		return fmt.Sprintf("%s holds %s and is better", o, o.addr), o.claim.Holds && r.better(o)
	case o.claimAt != 0:
		return fmt.Sprintf("%s holds %s and does not yield (its action is not yield)", o, o.addr), o.claim.Holds && o.answers >= freshAsks
	}
	return fmt.Sprintf("%s answers for %s and does not yield", o, o.addr), o.answers >= freshAsks
}

// yield leaves the addresses to another holder.
func (r *router) yield(at vrrp.Instant, o *other, why string) {
	s := &r.split
	who, addr := o.String(), o.addr
	if s.backoff == 0 || at.Sub(s.yieldAt) > 2*backoffMost {
		s.backoff = backoffFirst
	} else {
		s.backoff = min(2*s.backoff, backoffMost)
	}
	s.yieldAt, s.until = at, at.Add(s.backoff)
	r.ask(at, addr, true)
	r.perform(at, vrrp.Yield{Cause: why})
	r.settle() // the transition first
	r.alarms.Raise(at, alarm.Alarm{
		Kind: alarm.Yielded, Cause: "firewall", Level: slog.LevelError,
		Text: fmt.Sprintf("left %s to %s, which we do not hear: taken again when nobody answers for it any more; preempted no sooner than in %v", addr, who, s.backoff),
	})
}
