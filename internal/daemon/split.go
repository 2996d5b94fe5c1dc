package daemon

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

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
	others  []other        // who claim our addresses, by ARP and neighbour discovery
	rivals  []rival        // who advertise beside us, or in turns
	turns   int            // BACKUP: times that the advertiser changed
	seen    uint64         // claims so far

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
	if !r.stands(alarmConflict) {
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
		r.raise(at, alarm{
			kind: alarmNotHeard, cause: "one_way", stands: alarmStands, level: slog.LevelWarn, same: string(o.mac[:]),
			text: fmt.Sprintf("%s asks for %s, which we hold, before it would take over: it does not hear our adverts; a firewall or switch drops protocol 112 on the way to it", o, o.addr),
		})
	case lastWords:
		r.plan(r.graceEnds())
	default:
		if at.Sub(s.asked) >= time.Second || s.asked == 0 {
			r.ask(at, o.addr, false) // it answers, and is told of us
			if !r.stands(alarmConflict) && o.claimAt == 0 && o.asked == 0 {
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
		if r.stands(alarmConflict) {
			r.conflictOver(at)
			r.announceAnew() // others may have been led astray
		}
		return
	}
	if !r.stands(alarmConflict) {
		if o.claimAt == 0 && o.held <= o.asked {
			return // it may have given way meanwhile: it shall claim it again
		}
	}
	cause, why := r.conflictCause(o)
	r.raise(at, alarm{
		kind: alarmConflict, cause: cause, level: slog.LevelError, same: string(o.mac[:]) + cause,
		text: fmt.Sprintf("%s is held by %s as well: %d claims by ARP or ND since %s; %s", o.addr, o, o.frames, hour(o.first), why),
	})
	if why, yields := r.yields(at, o); yields {
		r.yield(at, o, why)
		return
	}
	r.fenceNow(at, alarmConflict)
}

func (r *router) conflictOver(at vrrp.Instant) {
	r.endAlarm(at, alarmConflict)
	r.split.others, r.split.askAt, r.split.hear = nil, 0, 0
	r.planNext()
}

// hour is an instant as people read it in a sentence.
func hour(at vrrp.Instant) string { return wall(at).Format("15:04:05") }

// conflictCause is why two hold an address, as likely as can be told.
func (r *router) conflictCause(o *other) (cause, why string) {
	now := r.refusedAdverts()
	for _, d := range []vrrp.Drop{
		vrrp.DropAuthData, vrrp.DropAuthInvalid, vrrp.DropAuthKey, vrrp.DropAuthMissing, vrrp.DropAuthStale, vrrp.DropAuthReplay,
		vrrp.DropAuthType, vrrp.DropVersion, vrrp.DropInterval, vrrp.DropChecksum, vrrp.DropTTL, vrrp.DropUnknownPeer,
	} {
		n := now[d] - r.split.before.n[d]
		if n == 0 {
			continue
		}
		what := map[vrrp.Drop]string{vrrp.DropVersion: "version", vrrp.DropInterval: "interval", vrrp.DropAuthType: "authentication"}[d]
		switch {
		case what != "":
			cause = what + "_mismatch"
		case d >= vrrp.DropAuthData && d <= vrrp.DropAuthReplay:
			cause, what = "password_mismatch", "password or key"
		default:
			cause, what = "refused", d.String()
		}
		return cause, fmt.Sprintf("adverts for VRID %d are refused here (%s, %d of them): %s differs, or another group uses the VRID", r.cfg.VRID, d, n, what)
	}
	speaker := slices.ContainsFunc(r.speakers, func(s speaker) bool { return s.last.MAC == o.mac })
	switch {
	case len(r.split.rivals) > 0:
		return r.rivalCause(&r.split.rivals[len(r.split.rivals)-1])
	case o.claimAt != 0 && o.claim.VRID != r.cfg.VRID:
		return "vrid_mismatch", fmt.Sprintf("it holds it for VRID %d and not %d: the configurations differ", o.claim.VRID, r.cfg.VRID)
	case o.claimAt != 0 || speaker:
		return "firewall", "its adverts do not arrive and its ARP does: a firewall or switch drops protocol 112 between us"
	case r.split.peer.verdict == probeUp:
		return "firewall_or_manual", "no advert of it was ever heard: a firewall drops protocol 112, or the address was configured by hand"
	}
	return "manual", "no advert of it was ever heard: the address is configured there by hand, or a firewall has dropped protocol 112 from the start"
}

// refusedCount are the adverts refused until an instant, by cause.
type refusedCount struct {
	at vrrp.Instant
	n  [vrrp.NumDrops]uint64
}

// ageRefused forgets what was refused long before any conflict.
func (r *router) ageRefused(at vrrp.Instant) {
	s := &r.split
	if !r.stands(alarmConflict) && at.Sub(s.lately.at) >= logDrops {
		s.before, s.lately = s.lately, refusedCount{at, r.refusedAdverts()}
	}
}

// refusedAdverts are the adverts for the router that were dropped so far, by cause.
func (r *router) refusedAdverts() [vrrp.NumDrops]uint64 {
	n := r.dropCounts()
	if r.link != nil {
		if st, err := r.link.path.State(r.key); err == nil {
			for d, more := range st.Drops {
				n[d] += more
			}
		}
	}
	return n
}

// compare looks whether an advert shows a second MASTER; it comes after the
// machine has stepped it.
func (r *router) compare(a vrrp.Advert, at vrrp.Instant) {
	s := &r.split
	if a.Src == r.machine.Config().Primary {
		return
	}
	r.peerSpeaks(at)
	if a.Priority == 0 {
		s.rivals = slices.DeleteFunc(s.rivals, func(v rival) bool { return v.Src == a.Src })
		return
	}
	state := r.machine.State()
	if state != vrrp.Master && state != vrrp.Backup {
		return
	}
	patience := max(a.Interval, r.machine.Config().Interval)
	if last := len(s.rivals) - 1; last >= 0 && s.rivals[last].Src != a.Src {
		s.turns++
		if i := s.rival(a.Src); i < 0 || at.Sub(s.rivals[i].last) > 3*patience {
			s.turns = 0 // one follows the other, and no more
		}
	}
	v := s.hears(a, at)
	switch {
	case state == vrrp.Master && v.adverts > 1 && at.Sub(v.first) >= mustHear(r.machine.Config().Interval):
		cause, why := r.rivalCause(v)
		r.raise(at, alarm{
			kind: alarmTwoMasters, cause: cause, level: slog.LevelError, stands: 3*patience + time.Second, same: a.Src.String() + cause,
			text: fmt.Sprintf("%s (%s) is MASTER too and does not give way: %d adverts since %s, priority %d to our %d; %s",
				a.Src, net.HardwareAddr(a.MAC[:]), v.adverts, hour(v.first), a.Priority, r.machine.Config().Priority, why),
		})
		r.fenceNow(at, alarmTwoMasters)
	case state == vrrp.Backup && s.turns > 3 && len(s.rivals) > 1:
		b := &s.rivals[len(s.rivals)-2]
		r.raise(at, alarm{
			kind: alarmTwoMasters, cause: "firewall", level: slog.LevelError, stands: 3*patience + time.Second, same: "in turns",
			text: fmt.Sprintf("%s (%s, priority %d) and %s (%s, priority %d) are both MASTER: adverts in turns since %s; they do not hear each other",
				b.Src, net.HardwareAddr(b.MAC[:]), b.Priority, a.Src, net.HardwareAddr(a.MAC[:]), a.Priority, hour(b.first)),
		})
	}
	r.armSplit(at)
}

// mustHear is by when a rival has heard us, if it can: an interval after its first
// advert, and some time for ours to get there.
func mustHear(interval time.Duration) time.Duration { return interval + interval/4 }

// rival is where an advertiser is in the list; -1 for nowhere.
func (s *split) rival(src netip.Addr) int {
	return slices.IndexFunc(s.rivals, func(v rival) bool { return v.Src == src })
}

// hears puts an advertiser at the end of the list.
func (s *split) hears(a vrrp.Advert, at vrrp.Instant) *rival {
	v := rival{Advert: a, first: at}
	if i := s.rival(a.Src); i >= 0 {
		v = s.rivals[i]
		s.rivals = slices.Delete(s.rivals, i, i+1)
	} else if len(s.rivals) == maxOthers {
		s.rivals = slices.Delete(s.rivals, 0, 1)
	}
	v.Advert, v.last = a, at
	v.adverts++
	s.rivals = append(s.rivals, v)
	return &s.rivals[len(s.rivals)-1]
}

// rivalCause is why a rival that we hear does not give way.
func (r *router) rivalCause(v *rival) (cause, why string) {
	if !slices.Equal(v.Addrs, r.machine.Config().Addrs) {
		return "vrid_in_use", fmt.Sprintf("it backs up %v: another group uses VRID %d, or the configurations differ", v.Addrs, r.cfg.VRID)
	}
	return "one_way", "we hear it and it does not hear us, though it would have to yield: a one-way link, a firewall on its side that drops protocol 112, or it refuses our adverts (password, version, interval)"
}

// forgetSilent drops the rivals that have fallen silent, and what they were told of.
func (r *router) forgetSilent(at vrrp.Instant) {
	s := &r.split
	was := len(s.rivals)
	s.rivals = slices.DeleteFunc(s.rivals, func(v rival) bool {
		return at.Sub(v.last) >= 3*max(v.Interval, r.machine.Config().Interval)+time.Second
	})
	if len(s.rivals) < 2 {
		s.turns = 0
	}
	if was > 0 && len(s.rivals) == 0 && r.machine.State() == vrrp.Master {
		r.endAlarm(at, vrrp.NoteSecondMaster.String(), alarmTwoMasters)
	}
}

// splitTransition follows a change of state.
func (r *router) splitTransition(at vrrp.Instant, t vrrp.Transition) {
	s := &r.split
	s.turns = 0
	r.endAlarm(at, alarmTwoMasters)
	if t.From == vrrp.Master {
		s.rivals = nil
		r.endAlarm(at, alarmConflict, alarmNotHeard)
		s.askAt, s.hear = 0, 0
	}
	switch t.To {
	case vrrp.Master:
		s.others, s.rivals = nil, nil
		r.endAlarm(at, alarmYielded, alarmVRRPLost)
		if every := r.settings().ARPProbe; every > 0 {
			r.plan(at.Add(every))
		}
		r.tookFrom(at, t.Reason)
	case vrrp.Faulted, vrrp.Init:
		r.endAlarm(at, alarmYielded, alarmVRRPLost)
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
	if len(s.rivals) > 0 && r.machine.State() == vrrp.Master || slices.ContainsFunc(splitAlarms, r.stands) {
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

var splitAlarms = []string{alarmTwoMasters, alarmConflict, alarmVRRPLost, alarmNotHeard, alarmYielded, alarmFence}

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
	return r.link != nil && bytes.Compare(o.mac[:], r.link.mac) > 0
}
