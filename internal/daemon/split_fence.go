package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/vrrp"
)

// fence is the script of split_brain, which runs once in an incident: it may power
// the other node off. An incident ends when no alarm of a split brain stands and
// the other has been heard again.
type fence struct {
	run   func(script.Command) script.Result
	post  func(func()) bool // to the loop
	state fenceState
	ended vrrp.Instant
}

type fenceState uint8

const (
	fenceNone fenceState = iota
	fenceRuns
	fenceDone
	fenceFailed
)

// fenceNow runs the script of an incident that a takeover does not wait for.
func (r *router) fenceNow(at vrrp.Instant, kind string) {
	if r.split.fence.state != fenceNone {
		return
	}
	var src netip.Addr
	o := r.holder(at)
	if n := len(r.split.rivals); n > 0 {
		src = r.split.rivals[n-1].Src
	} else if o != nil {
		src = o.claim.From
	}
	r.startFence(at, kind, src, o)
}

// startFence runs the script: ... FENCE NAME CAUSE ADDRESS MAC PROBE, of the peer as
// far as it is known, - for what is not.
func (r *router) startFence(at vrrp.Instant, cause string, peer netip.Addr, o *other) {
	f := &r.split.fence
	if r.settings().Action != config.ActionScript || r.tells.Fence == nil {
		return
	}
	mac := "-"
	if o != nil {
		mac = net.HardwareAddr(o.mac[:]).String()
	} else if i := slices.IndexFunc(r.speakers, func(s speaker) bool { return s.last.Src == peer }); i >= 0 {
		mac = net.HardwareAddr(r.speakers[i].last.MAC[:]).String()
	}
	addr := "-"
	if !peer.IsValid() {
		peer = r.settings().Probe
	}
	if peer.IsValid() {
		addr = peer.String()
	}
	c := tell.WithArgs(r.tells.Fence, "FENCE", r.cfg.Name, cause, addr, mac, r.split.peer.verdict.String())
	c.Timeout = r.settings().ScriptTimeout
	r.log.Warn(fmt.Sprintf("(%s) split brain (%s): running %s against %s (%s)", r.cfg.Name, cause, c.Argv[0], addr, mac))
	f.state = fenceRuns
	run, post := f.run, f.post
	go func() {
		res := run(c)
		post(func() { r.fenced(clock.Now(), c.Argv[0], res) })
	}()
}

// fenced takes the outcome, on the loop.
func (r *router) fenced(at vrrp.Instant, path string, res script.Result) {
	f := &r.split.fence
	f.state, f.ended = fenceDone, at
	if !res.OK() {
		f.state = fenceFailed
		then := ""
		if r.settings().Wait && !r.settings().GoOn {
			then = ": the addresses are not taken (wait_for_script)"
		}
		r.alarms.Raise(at, alarm.Alarm{
			Kind: alarm.Fence, Cause: "script", Level: slog.LevelError,
			Text: fmt.Sprintf("the script %s has failed: %v%s", path, res, then),
		})
	} else {
		r.log.Info(fmt.Sprintf("(%s) the script %s has succeeded", r.cfg.Name, path), "took", res.Took)
	}
	if g := r.split.gate; g.asking && g.next == 0 {
		r.gateFenced(at, g.why)
	}
	r.settle()
	r.armSplit(at)
}

// gateFenced answers a takeover that the script decides about.
func (r *router) gateFenced(at vrrp.Instant, why vrrp.Reason) {
	switch r.split.fence.state {
	case fenceRuns:
		r.split.gate = gate{asking: true, why: why}
	case fenceDone:
		r.permit(at, true)
	default:
		r.permit(at, r.settings().GoOn)
	}
}

// peerSpeaks: an advert of another came.
func (r *router) peerSpeaks(at vrrp.Instant) {
	if _, heard, ok := r.machine.Accepted(); ok {
		for _, kind := range []string{alarm.Yielded, alarm.VRRPLost} {
			if a := r.alarms.Standing(kind); a != nil && heard > a.Last {
				r.alarms.End(at, kind)
			}
		}
	}
	f := &r.split.fence
	over := f.state == fenceDone || f.state == fenceFailed
	if over && at > f.ended && !slices.ContainsFunc([]string{alarm.TwoMasters, alarm.Conflict}, r.alarms.Stands) {
		f.state = fenceNone
		r.alarms.End(at, alarm.Fence)
	}
}
