package daemon

import (
	"net/netip"
	"time"

	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// taken is what the datapath was last told of a router: the rule that judges
// its adverts and lets it keep the master's to itself, and the deadline.
type taken struct {
	ear // of the first line

	offered  offer // the advert being stepped
	accepted offer // the last that the machine accepted; the rule's when keeps
	kept     offer // noticed and not yet stepped: later than the events so far

	armed bool
	due   vrrp.Instant // the deadline that the datapath has
	down  time.Duration
	gate  loader.GateWord // that it opens; 0: none
	last  vrrp.Instant    // stamp of the last kept advert that was stepped
	known vrrp.Instant    // till then the datapath has told of every advert that it kept
}

// offer is an advert, its stamp, and how the datapath would know it again. The
// digest is the datapath's own business.
type offer struct {
	at     vrrp.Instant
	advert vrrp.Advert
	match  loader.Match
	mac    [6]byte // of its sender, on the line
	via    *line   // nil: the first
}

func newOffer(a vrrp.Advert, e *loader.Event, via *line) offer {
	wire, _ := vrrp.WireInterval(a.Version, a.Interval) // it came off the wire
	return offer{e.At, a, loader.Match{Src: e.Src, Priority: a.Priority, Interval: wire, Digest: e.Digest}, e.MAC, via}
}

// notice looks whether the datapath has kept an advert that the machine has
// not stepped. What one keeps for a BACKUP does not concern the MASTER that it has
// become.
func (r *router) notice() {
	if r.owed.unsettled {
		r.settle()
	}
	if r.link == nil || !r.keepsAny() {
		return
	}
	if at, err := r.link.Path.LastMatch(r.key); err == nil {
		r.keptAt(at)
	}
}

// keptAt takes the stamp of the last kept advert. That one matched the rule in
// force, so it is equal to the last accepted one but for its stamp.
func (r *router) keptAt(at vrrp.Instant) {
	t := &r.taken
	if !r.keepsAny() || at <= max(t.last, t.accepted.at, t.kept.at) {
		return
	}
	if t.kept.at != 0 && t.kept.match != t.accepted.match {
		r.stepKept() // that one was kept under an earlier rule
	}
	t.kept = t.accepted
	t.kept.at = at
}

// actKept steps the advert that notice found, if it found one, and leaves it
// to the caller to settle.
func (r *router) actKept() {
	t := &r.taken
	if t.kept.at == 0 {
		return
	}
	t.last, t.offered, t.kept = t.kept.at, t.kept, offer{}
	if r.lateKept(t.offered.advert.Src, t.last) {
		t.armed = false // the datapath, too, has taken it for one that counts
		return
	}
	r.speakers.touch(t.offered.advert.Src, t.last)
	r.act(t.last, vrrp.Heard{Advert: t.offered.advert})
}

func (r *router) stepKept() {
	if r.taken.kept.at != 0 {
		r.actKept()
		r.settle()
	}
}

// catchUp brings the machine to the last advert that the datapath kept. No
// event with an earlier stamp may come after it.
func (r *router) catchUp() {
	r.notice()
	r.stepKept()
}

// sync brings the datapath and the pacer to what the machine wants now. It
// compares with what they were last told, so most calls tell them nothing.
func (r *router) sync() {
	r.learn()
	r.syncLines()
	r.syncTakeover()
	if r.link == nil {
		return
	}
	r.tell(&r.taken.ear, r.link.Path, r.key, r.baseRule(), true)
	r.lookBehind()
	r.syncDeadline()
	r.syncAdverts()
	r.tie()
	if r.slot() != r.taken.rule.Slot { // the pacer has it only now
		r.tell(&r.taken.ear, r.link.Path, r.key, r.baseRule(), true)
	}
}

// baseRule is what is demanded of any advert for the router.
func (r *router) baseRule() loader.Rule {
	c := r.machine.Config()
	rule := loader.Rule{
		Version: c.Version, Auth: loader.Auth(r.authType()), Priority: c.Priority,
		Own: c.Primary, Group: r.group(), Slot: r.slot(),
	}
	if r.unicast != nil {
		rule.Unicast = r.unicast.expect
	}
	rule.UpRate, rule.UpBurst = upRate(c.Interval)
	if r.guard != nil {
		rule.UpRate, rule.UpBurst = verifyRate, verifyBurst
	}
	if c.Version == 2 {
		rule.Interval, _ = vrrp.WireInterval(2, c.Interval) // checked by config
	}
	return rule
}

// group is where the router's adverts go to, and are expected: of one with
// unicast peers its own address, and not valid without one.
func (r *router) group() netip.Addr {
	if r.unicast != nil {
		return r.machine.Config().Primary
	}
	return r.cfg.Group
}

// syncDeadline arms the datapath's deadline when it differs from the
// machine's. The datapath moves its own with every advert it keeps, so a
// steady BACKUP is armed once.
func (r *router) syncDeadline() {
	t := &r.taken
	if !r.link.Path.Deadlines() {
		return // the loop asks the machine
	}
	due, ok := r.deadline()
	if !ok {
		if t.armed {
			r.try("cancel the deadline", r.link.Path.Cancel(r.key))
			t.armed = false
		}
		return
	}
	down := r.machine.MasterDown()
	has := max(t.due, t.last.Add(t.down))
	if t.armed && down == t.down && due == has && t.gate == r.takeover.word {
		return
	}
	t.due, t.down, t.gate = due, down, r.takeover.word
	t.armed = r.try("arm the deadline", r.link.Path.Arm(r.key, loader.Deadline{
		At: due, Since: max(r.machine.Base(), t.last), Down: down,
		Interval: r.machine.LearnedInterval(), Skew: r.machine.Skew(),
		Slot: r.takeoverSlot(), Gate: t.gate,
	}))
}

// upRate bounds the events per second that the datapath sends up for one
// router and class: room for four routers at our interval, and some more.
func upRate(interval time.Duration) (rate, burst uint32) {
	rate = uint32(4*time.Second/interval) + 20
	return rate, rate/2 + 16
}
