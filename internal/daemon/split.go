package daemon

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// split is what a router knows of others that hold its addresses or call
// themselves MASTER, and what it does about it. The loop's.
type split struct {
	watches []loader.Watch // in force
	tied    uint32         // to this slot of the clock
	// questions for them that were dropped, in earlier masterships
	unanswered uint64
	others     []other // who claim our addresses, by ARP and neighbour discovery
	rivals     []rival // who advertise beside us, or in turns
	turns      int     // BACKUP: times that the advertiser changed
	seen       uint64  // claims so far

	asked vrrp.Instant // when we last asked
	turn  int          // which address is asked for next
	askAt vrrp.Instant // when we ask next; 0: not planned
	hear  vrrp.Instant // until then a new claimant may say who it is; 0: nobody is heard out

	before refusedCount // adverts refused some 10 s before the conflict began, which are no cause of it
	lately refusedCount // and what becomes that in 10 s

	gate    gate
	fence   fence
	peer    peerState
	until   vrrp.Instant  // who has yielded does not preempt before
	backoff time.Duration // what that was the last time
	yieldAt vrrp.Instant

	timer *time.Timer
	due   vrrp.Instant // of the timer; 0: not armed
}

// other is a host that claims an address of ours.
type other struct {
	mac         [6]byte
	addr        netip.Addr // last claimed
	first, last vrrp.Instant
	held        vrrp.Instant // last sign that it holds the address
	frames      uint64
	answers     int          // to questions of ours
	asked       vrrp.Instant // when we first asked because of it
	claim       netio.Claim
	claimAt     vrrp.Instant // 0: none, it does not speak so
}

// rival is another that advertises for the virtual router.
type rival struct {
	vrrp.Advert
	first, last vrrp.Instant
	adverts     uint64
}

// maxOthers bounds both lists: the oldest goes.
const maxOthers = 8

// grace is how long after a takeover from a living master its claims are no
// conflict: it has to hear of us first.
const grace = time.Second

// hearOut is how long a claimant is given to say who it is, when it is asked,
// before the alarm is raised with what is known of it.
const hearOut = 100 * time.Millisecond

// conflictAsk is how often a MASTER without arp_probe asks while a conflict
// stands, so that its end is noticed. freshAsk is the pace of the first questions
// of one that might yield.
const (
	conflictAsk = time.Second
	freshAsk    = 200 * time.Millisecond
	freshAsks   = 3
)

// settings are those of split_brain, or the defaults.
func (r *router) settings() *config.SplitBrain {
	if r.cfg.SplitBrain != nil {
		return r.cfg.SplitBrain
	}
	return &config.SplitBrain{}
}

// askEvery is the pace of questions now; 0: none.
func (r *router) askEvery() time.Duration {
	every := r.settings().ARPProbe
	if !r.alarms.Stands(alarm.Conflict) {
		return every
	}
	if every == 0 || every > conflictAsk {
		every = conflictAsk
	}
	if r.mayYield() && !slices.ContainsFunc(r.split.others, func(o other) bool { return o.claimAt != 0 || o.answers > freshAsks }) {
		every = min(every, freshAsk)
	}
	return every
}

// conflictStands is how long a claim is taken to hold: three questions unanswered.
func (r *router) conflictStands() time.Duration {
	return 3*max(r.askEvery(), time.Second) + time.Second
}

// claimed takes a frame by which another claims an address that we watch.
func (r *router) claimed(at vrrp.Instant, h netio.Held) {
	s := &r.split
	s.seen++
	o := s.meet(h.MAC, at)
	o.addr, o.last = h.Addr, at
	o.frames++
	if h.Claim != nil {
		o.claim, o.claimAt = *h.Claim, at
	}
	if !h.Question && s.asked != 0 && at.Sub(s.asked) < time.Second {
		o.answers++
	}
	lastWords := r.machine.State() == vrrp.Master && !h.Question && at < r.graceEnds()
	if !lastWords && (!h.Question || h.Claim.Holds) {
		o.held = at
	}
	switch {
	case s.gate.asking:
		r.gateHears(at, o)
	case r.machine.State() != vrrp.Master:
	case h.Question && h.Claim.Yields:
		// Its last gratuitous ARP may have led others astray.
		r.forget(o.mac)
		r.announceAnew()
		if r.holder(at) == nil {
			r.conflictOver(at)
		}
	case h.Question && !h.Claim.Holds:
		r.alarms.Raise(at, alarm.Alarm{
			Kind: alarm.NotHeard, Cause: "one_way", Stands: alarm.Lasts, Level: slog.LevelWarn, Same: string(o.mac[:]),
			Text: fmt.Sprintf("%s asks for %s, which we hold, before it would take over: it does not hear our adverts; a firewall or switch drops protocol 112 on the way to it", o, o.addr),
		})
	case lastWords:
		r.plan(r.graceEnds())
	default:
		if at.Sub(s.asked) >= time.Second || s.asked == 0 {
			r.ask(at, o.addr, false) // it answers, and is told of us
			if !r.alarms.Stands(alarm.Conflict) && o.claimAt == 0 && o.asked == 0 {
				s.hear, o.asked = at.Add(hearOut), at
			}
		}
		if s.hear != 0 && o.claimAt != 0 {
			s.hear = 0
		}
		r.reviewSplit(at)
		r.planNext()
	}
	r.armSplit(at)
}

// graceEnds is until when the last words of a master that we took over from come.
func (r *router) graceEnds() vrrp.Instant {
	switch r.machine.Reason().Code {
	case vrrp.ReasonMasterDown, vrrp.ReasonNoMaster:
		return 0 // it had fallen silent
	}
	return r.machine.Since().Add(grace)
}

// planNext plans the next question of a MASTER.
func (r *router) planNext() {
	if every := r.askEvery(); every > 0 && r.machine.State() == vrrp.Master {
		r.plan(r.split.asked.Add(every))
	}
}

func (s *split) meet(mac [6]byte, at vrrp.Instant) *other {
	for i := range s.others {
		if s.others[i].mac == mac {
			return &s.others[i]
		}
	}
	if len(s.others) == maxOthers {
		oldest := 0
		for i := range s.others {
			if s.others[i].last < s.others[oldest].last {
				oldest = i
			}
		}
		s.others = slices.Delete(s.others, oldest, oldest+1)
	}
	s.others = append(s.others, other{mac: mac, first: at})
	return &s.others[len(s.others)-1]
}

func (r *router) forget(mac [6]byte) {
	r.split.others = slices.DeleteFunc(r.split.others, func(o other) bool { return o.mac == mac })
}

// String is who it is, as far as it has said.
func (o *other) String() string {
	mac := net.HardwareAddr(o.mac[:]).String()
	if o.claimAt == 0 || !o.claim.From.IsValid() {
		return mac
	}
	return fmt.Sprintf("%s (%s, priority %d)", o.claim.From, mac, o.claim.Priority)
}

// holder is who claims an address now, the latest; nil for nobody.
func (r *router) holder(at vrrp.Instant) *other {
	var found *other
	for i := range r.split.others {
		o := &r.split.others[i]
		if o.held != 0 && at.Sub(o.held) < r.conflictStands() && (found == nil || o.held > found.held) {
			found = o
		}
	}
	return found
}

// reviewSplit brings the alarms of a MASTER up to date with who claims its
// addresses, and decides whether it yields.
func (r *router) reviewSplit(at vrrp.Instant) {
	if r.machine.State() != vrrp.Master || at < r.split.hear {
		return
	}
	r.split.hear = 0
	o := r.holder(at)
	if o == nil {
		if r.alarms.Stands(alarm.Conflict) {
			r.conflictOver(at)
			r.announceAnew() // others may have been led astray
		}
		return
	}
	if !r.alarms.Stands(alarm.Conflict) {
		if o.claimAt == 0 && o.held <= o.asked {
			return // it may have given way meanwhile: it shall claim it again
		}
	}
	cause, why := r.conflictCause(o)
	r.alarms.Raise(at, alarm.Alarm{
		Kind: alarm.Conflict, Cause: cause, Level: slog.LevelError, Same: string(o.mac[:]) + cause,
		Text: fmt.Sprintf("%s is held by %s as well: %s by ARP or ND since %s; %s", o.addr, o, plural(int(o.frames), "claim"), hour(o.first), why),
	})
	if why, yields := r.yields(at, o); yields {
		r.yield(at, o, why)
		return
	}
	r.fenceNow(at, alarm.Conflict)
}

func (r *router) conflictOver(at vrrp.Instant) {
	r.alarms.End(at, alarm.Conflict)
	r.split.others, r.split.askAt, r.split.hear = nil, 0, 0
	r.planNext()
}

// hour is an instant as people read it in a sentence.
func hour(at vrrp.Instant) string { return clock.Wall(at).Format("15:04:05") }

// splitTransition follows a change of state.
func (r *router) splitTransition(at vrrp.Instant, t vrrp.Transition) {
	s := &r.split
	s.turns = 0
	r.alarms.End(at, alarm.TwoMasters)
	if t.From == vrrp.Master {
		s.rivals = nil
		r.alarms.End(at, alarm.Conflict, alarm.NotHeard)
		s.askAt, s.hear = 0, 0
	}
	switch t.To {
	case vrrp.Master:
		s.others, s.rivals = nil, nil
		r.alarms.End(at, alarm.Yielded, alarm.VRRPLost)
		if every := r.settings().ARPProbe; every > 0 {
			r.plan(at.Add(every))
		}
		r.tookFrom(at, t.Reason)
	case vrrp.Faulted, vrrp.Init:
		r.alarms.End(at, alarm.Yielded, alarm.VRRPLost)
	}
	r.armSplit(at)
}

// released comes when the host has given the addresses up.
func (r *router) released() {
	if !r.split.gate.asking {
		r.unwatch()
	}
}

// plan asks at an instant, or earlier where that is planned already.
func (r *router) plan(at vrrp.Instant) {
	if r.split.askAt == 0 || at < r.split.askAt {
		r.split.askAt = at
	}
}

// splitPace is how often what stands is looked at.
const splitPace = time.Second

// tickSplit does what is due.
func (r *router) tickSplit(at vrrp.Instant) {
	s := &r.split
	s.due = 0
	r.catchUp() // the adverts that the datapath keeps count too
	r.gateTick(at)
	if r.machine.State() == vrrp.Master && s.askAt != 0 && at >= s.askAt {
		s.askAt = 0
		r.ask(at, netip.Addr{}, false)
	}
	if _, heard, ok := r.machine.Accepted(); ok {
		r.peerSpeaks(heard)
	}
	r.forgetSilent(at)
	r.review(at)
	r.reviewSplit(at)
	r.planNext()
	r.armSplit(at)
	r.settle()
}

// armSplit sets the timer for what is due next.
func (r *router) armSplit(at vrrp.Instant) {
	s := &r.split
	due := s.gate.next
	sooner := func(t vrrp.Instant) {
		if t != 0 && (due == 0 || t < due) {
			due = t
		}
	}
	sooner(s.askAt)
	sooner(s.hear)
	if len(s.rivals) > 0 && r.machine.State() == vrrp.Master || slices.ContainsFunc(splitAlarms, r.alarms.Stands) {
		sooner(at.Add(splitPace))
	}
	if due == 0 || s.due != 0 && s.due <= due || r.out.post == nil {
		return
	}
	s.due = due
	wait := max(due.Sub(clock.Now()), 0)
	run := func() { r.out.post(func() { r.tickSplit(clock.Now()) }) }
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, run)
	} else {
		s.timer.Reset(wait)
	}
}

var splitAlarms = []string{alarm.TwoMasters, alarm.Conflict, alarm.VRRPLost, alarm.NotHeard, alarm.Yielded, alarm.Fence}

// openSplit begins what split_brain of one router asks for, on the loop or before
// it runs.
func (h *host) openSplit(r *router) {
	r.split.fence.run, r.split.fence.post = h.runner.Run, h.loop.post
	r.openPeer()
}

// closeSplit ends what openSplit and the loop have started for one router. Its
// addresses are watched until they have gone.
func (r *router) closeSplit() {
	r.closePeer()
	if r.split.timer != nil {
		r.split.timer.Stop()
	}
}

// changeSplit puts another split_brain in force, and what is asked of the LAN.
func (h *host) changeSplit(r *router) {
	r.closePeer()
	h.openSplit(r)
	r.split.askAt = 0
	r.planNext()
	r.armSplit(clock.Now())
}

// better tells whether another's claim beats ours: by priority, then by the higher
// address, as adverts do (RFC 9568 section 6.4.3), and where those are alike by
// the higher MAC address, so that never both stay or go.
func (r *router) better(o *other) bool {
	c := r.machine.Config()
	if o.claim.Priority != c.Priority {
		return o.claim.Priority > c.Priority
	}
	if n := o.claim.From.Compare(c.Primary); n != 0 {
		return n > 0
	}
	return r.link != nil && bytes.Compare(o.mac[:], r.link.MAC) > 0
}
