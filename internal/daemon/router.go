package daemon

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// router is one virtual router on the loop: the machine, what datapath and
// pacer were last told, and what the operator is shown. Only the loop touches
// it, but for the counters marked atomic.
type router struct {
	cfg     config.Router
	owner   string // what pacer, announcer and addresses know it by: its first name, which a reload may change
	log     *slog.Logger
	out     outputs
	machine *vrrp.Machine
	flight  flown
	band    *syncGroup // its vrrp_sync_group; nil without
	device  *device
	lines   []*line    // heartbeat lines beside the first, which is the link
	link    *link.Link // nil while the interface does not exist
	key     loader.Key
	unicast *unicast     // nil for a group
	begins  vrrp.Instant // when the election begins, after a delayed start
	resumed vrrp.Instant // when it last gave way; what waited until then is heard then

	resumes bool // begun anew by a reload while MASTER, and not started yet

	sourceGone bool // the address of track_src_ip is not on the interface

	taken taken
	stall stall

	takeover takeover
	advert   advert
	refusal  refusal
	vmac     vmac
	besides  []*beside

	speakers    speakers
	lastRelease lastRelease
	watching    watching
	split       split

	passwd [8]byte            // PASS
	guard  auth.Guard         // AH or auth_hmac; nil for neither
	seal   func(frame []byte) // the loop's; nil as of auth.Guard.Sealer
	paced  func(frame []byte) // the pacer's
	wallAt func(vrrp.Instant) auth.WallTime
	now    func() vrrp.Instant // clock.Now

	trackers []tracker
	tells    tell.Programs

	drops   [vrrp.NumDrops]atomic.Uint64 // found above the datapath
	alarms  alarm.Board
	history []stats.Transition
	counted counted
	effects []vrrp.Effect // scratch, so that a step need not allocate
	owed    owed
	told    []told // what settle has to record
}

// historyLen bounds the transitions kept for `vrrpx status`.
const historyLen = 64

// maxLearn bounds the learned interval (protocol.md, "Ours beyond the list").
const maxLearn = 10

func newRouter(cfg config.Router, log *slog.Logger, out outputs) *router {
	r := &router{cfg: cfg, owner: cfg.Name, log: log, out: out, unicast: newUnicast(&cfg)}
	if r.out.storm == nil {
		r.out.storm = &storm{}
	}
	r.alarms = alarm.Board{Log: r.logAs, Tell: r.tellAlarm}
	r.refusal.before = map[netip.Addr]uint64{}
	r.wallAt, r.now = auth.WallAt, clock.Now
	r.authenticateBy(auth.New(cfg))
	r.machine = vrrp.New(r.machineConfig(r.source(netip.Addr{})))
	return r
}

// authenticateBy puts the configured password and a guard in force; nil for none.
func (r *router) authenticateBy(g auth.Guard) {
	r.passwd, r.guard, r.seal, r.paced = [8]byte{}, g, nil, nil
	if r.authType() == vrrp.AuthPass {
		copy(r.passwd[:], r.cfg.Auth.Pass.Reveal())
	}
	if g != nil {
		r.seal, r.paced = g.Sealer(), g.Sealer()
	}
}

// source is where the router's adverts come from, on an interface whose first
// address is primary.
func (r *router) source(primary netip.Addr) netip.Addr {
	if r.cfg.Source.IsValid() {
		return r.cfg.Source
	}
	return primary
}

func (r *router) authType() vrrp.AuthType {
	if r.cfg.Version != 2 {
		return vrrp.AuthNone
	}
	return vrrp.AuthType(r.cfg.Auth.Type) // the numbers of RFC 2338 in both
}

// machineConfig is the core's view of the configuration.
func (r *router) machineConfig(primary netip.Addr) vrrp.Config {
	c := vrrp.Config{
		Version: r.cfg.Version, Family: vrrp.Family(r.cfg.Family), VRID: r.cfg.VRID, Priority: r.effective(),
		Interval: r.cfg.AdvertInterval, Primary: primary, Preempt: r.cfg.Preempt, PreemptDelay: r.cfg.PreemptDelay,
		DownAdverts: r.cfg.DownAdverts, MaxLearn: maxLearn, ReplyToLower: r.cfg.LowerPriorityAdvert,
		CheckAddrsOnce: r.cfg.SkipCheckAdvAddr, OwnerIgnores: r.cfg.OwnerIgnores,
		ReplyToHigher: r.cfg.HigherPriorityAdvert, Ask: r.mustAsk(),
	}
	for _, a := range r.cfg.Addresses {
		c.Addrs = append(c.Addrs, a.Prefix.Addr())
	}
	return c
}

// step applies an input, carries out its effects, and settles.
func (r *router) step(at vrrp.Instant, in vrrp.Input) {
	r.act(at, in)
	if r.gathers() {
		r.out.storm.later(r)
		return
	}
	r.settle()
}

// act is the half of step that others wait for: frames and addresses. When
// many routers take over at once, the frames of all leave first, then their
// addresses are asked for, and only then does any settle (storm).
func (r *router) act(at vrrp.Instant, in vrrp.Input) {
	r.giveWay()
	r.perform(at, in)
}

func (r *router) perform(at vrrp.Instant, in vrrp.Input) {
	r.finish() // as what it was when that was decided
	r.effects = r.machine.Step(at, in, r.effects[:0])
	r.flight.step(at, r, in, r.effects)
	r.effects = r.boundAnswers(at, in, r.effects)
	r.carryOut(at, r.effects)
	if r.band != nil {
		r.band.follow(at, r, r.effects)
	}
}

// carryOut carries out the effects of a step, of the router's own or of its
// group's. Frames leave in the order of the effects, and what goes to other threads
// follows them: to wake a thread takes longer than to send a frame, and no address
// is there before it runs anyway.
func (r *router) carryOut(at vrrp.Instant, effects []vrrp.Effect) {
	r.finish()
	var asks *vrrp.AskTakeover
	acts := false
	for _, e := range effects {
		switch e := e.(type) {
		case vrrp.Transition:
			if e.From == vrrp.Master {
				// Nothing may follow the farewell. The announcer first: it asks the pacer
				// whether the router was held up, which that forgets as it stops.
				r.cancelAnnouncing()
				r.stopAdverts()
				r.disarm() // a gate that the kernel opened and no settle has seen
			}
			r.vmac.taking = e.To == vrrp.Master
			r.told = append(r.told, told{at, e})
		case vrrp.Note:
			r.told = append(r.told, told{at, e})
		case vrrp.AskTakeover:
			asks = &e
		case vrrp.SendAdvert:
			r.queueAdvert(e.Priority)
			acts = true
		case vrrp.Announce:
			if r.announces(e) {
				r.queueGARPs()
			}
			acts = true
		default:
			acts = true
		}
	}
	if acts {
		r.owed.effects = append(r.owed.effects, effects...)
		r.out.storm.acts(r)
	}
	if !r.gathers() || asks != nil {
		r.finish()
	}
	if asks != nil {
		r.askTakeover(at, asks.Reason) // it may perform again
	}
}

// settle is the other half: it brings the datapath to what the machine now
// wants, and tells the operator; of the router, and of who acted with it.
func (r *router) settle() {
	if r.band != nil {
		r.band.settle(r)
		return
	}
	r.settleAlone()
}

func (r *router) settleAlone() {
	r.owed.unsettled = false
	r.sync()
	for _, t := range r.told {
		switch e := t.effect.(type) {
		case vrrp.Transition:
			r.recordTransition(t.at, e)
		case vrrp.Note:
			r.recordNote(t.at, e)
		}
	}
	r.told = r.told[:0]
	r.settleSplit()
}

// told is an effect that only people see.
type told struct {
	at     vrrp.Instant
	effect vrrp.Effect
}

// hear takes an advert that the datapath sent up: what the datapath could not
// judge is judged here, then the machine steps it at its arrival stamp.
// It came by the line; nil is the first.
func (r *router) hear(e *loader.Event, via *line) {
	r.giveWay()
	if !listening(r.machine) { // which counts from when it woke, and asks what came before its last advert
		e.At = max(e.At, r.resumed)
	}
	src := via.first(e.Src)
	if !r.authentic(e, src) {
		return
	}
	p, err := vrrp.Parse(e.Message, r.key.Family)
	if err != nil {
		// The datapath has judged the shape; only a fault in it comes here.
		r.drops[vrrp.DropLength].Add(1)
		return
	}
	if r.authType() == vrrp.AuthPass && subtle.ConstantTimeCompare(p.AuthData[:], r.passwd[:]) != 1 {
		r.reject(vrrp.DropAuthData, e)
		return
	}
	if len(r.lines) > 0 {
		r.hearOn(via, e, src)
		if r.late(src, via, p.Priority, e.At) {
			return
		}
	}
	if r.unicast != nil && via == nil {
		r.unicast.hearForm(e)
	}
	// An advert that the datapath kept is stepped in its place: before this
	// one if it came before it, else when a later one or no more have come.
	r.notice()
	if r.taken.kept.at <= e.At {
		r.stepKept()
	}
	a := vrrp.Advert{Packet: p, Src: src, MAC: r.macOn(via, src, e.MAC)}
	r.counted.heard(&p)
	r.meet(a, e, via)
	r.taken.offered = newOffer(a, e, via)
	r.forgetSilent(e.At)
	r.step(e.At, vrrp.Heard{Advert: a})
	r.compare(a, e.At)
}

// expire is called when the deadline may have passed: on a down event, by the
// loop's own timer and by its backstop. The caller has drained the datapath,
// and settles the router afterwards.
func (r *router) expire(t vrrp.Instant) {
	if t > r.taken.known {
		r.notice()
	}
	r.actKept() // to settle here would arm a deadline that has passed
	due, ok := r.deadline()
	if ok && r.keptByLoop() {
		due = r.held(due)
	}
	if ok && t >= due {
		r.act(t, vrrp.Timer{})
	}
}

// deadline is the master-down deadline of a BACKUP. The pacer, not the loop,
// keeps the schedule of a MASTER.
func (r *router) deadline() (vrrp.Instant, bool) {
	if r.machine.State() != vrrp.Backup {
		return 0, false
	}
	return r.machine.Deadline()
}

// try logs what the kernel refused; the next sync tries again.
func (r *router) try(what string, err error) bool {
	if err != nil {
		r.log.Error(fmt.Sprintf("(%s) cannot %s: %v", r.cfg.Name, what, err))
	}
	return err == nil
}
