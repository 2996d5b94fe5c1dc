package daemon

import (
	"fmt"
	"log/slog"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/probe"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

const probeUp = probe.Up

// peerState is what the probe of split_brain has found: whether the peer lives,
// whatever becomes of its adverts.
type peerState struct {
	target  probe.Target
	verdict probe.Verdict
	since   vrrp.Instant
	note    string // why it is down
	stop    func()
}

// openPeer begins to probe, if there is anybody to be probed.
func (r *router) openPeer() {
	sb := r.settings()
	if !sb.Probe.IsValid() {
		return
	}
	p := &r.split.peer
	p.target = probe.Target{Addr: sb.Probe, Port: sb.ProbePort, Source: sb.Source, Interface: sb.SourceInterface}
	p.since = clock.Now()
	target := p.target
	p.stop = probe.Probe{Target: p.target, Interval: sb.Interval, Timeout: sb.Timeout, Count: sb.Count}.Run(func(v probe.Verdict, err error) {
		r.out.post(func() {
			if r.split.peer.target == target { // a reload may have named another since
				r.probed(clock.Now(), v, err)
			}
		})
	})
}

// closePeer ends the probe, and what it has found.
func (r *router) closePeer() {
	if r.split.peer.stop != nil {
		r.split.peer.stop()
	}
	r.split.peer = peerState{}
}

// probed takes a new verdict, on the loop.
func (r *router) probed(at vrrp.Instant, v probe.Verdict, err error) {
	p := &r.split.peer
	p.verdict, p.since, p.note = v, at, ""
	if err != nil {
		p.note = err.Error()
	}
	if v == probe.Down {
		// It is dead, and not only out of reach of VRRP.
		r.alarms.End(at, alarm.VRRPLost)
	}
	r.log.Info(fmt.Sprintf("(%s) probe of %s: %v", r.cfg.Name, p.target, v), "error", p.note)
}

// tookFrom says whether who was silent is dead or only out of reach of VRRP. It
// comes when the addresses have been taken.
func (r *router) tookFrom(at vrrp.Instant, why vrrp.Reason) {
	p := &r.split.peer
	if why.Code != vrrp.ReasonMasterDown || p.verdict == probe.Unknown {
		return
	}
	if p.verdict == probe.Down {
		r.log.Info(fmt.Sprintf("(%s) %s does not answer the probe either: dead", r.cfg.Name, p.target))
		return
	}
	r.alarms.Raise(at, alarm.Alarm{
		Kind: alarm.VRRPLost, Cause: "firewall", Level: slog.LevelError, Stands: alarm.Lasts,
		Text: fmt.Sprintf("%s, and the probe of %s is answered: the host lives, and its adverts do not arrive; its VRRP has ended, or a firewall or switch drops protocol 112 between us", why, p.target),
	})
	r.fenceNow(at, alarm.VRRPLost)
	r.plan(at.Add(grace)) // does it hold the addresses still?
}

// view is the probe for status; nil for none.
func (p *peerState) view() *stats.Probe {
	if !p.target.Addr.IsValid() {
		return nil
	}
	return &stats.Probe{Target: p.target.String(), State: p.verdict.String(), Since: clock.Wall(p.since), Note: p.note}
}
