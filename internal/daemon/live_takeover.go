package daemon

import (
	"fmt"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// With vrrpx_kernel_takeover the kernel ends our being BACKUP: at the deadline it
// opens the gate of the router's slot in the advert clock, which has its adverts
// ready, and tells of it (loader.Taken). The loop follows as soon as it runs: it
// steps the timer at the deadline, takes the addresses and announces them. When the
// gate has been shut again by then, by a better advert or because the lease ran out
// with the process stopped, it does not: to announce an address that another has
// would turn every neighbour's cache to us. Then it waits as one just started.
//
// Order, as bpf/gate.h needs it: the gate is armed, the rule names the slot, and
// then the deadline is armed with the word that the gate had after it was armed. And
// before all that the ring has been read, as far as it matters (behind).

// taker is what takeover in the kernel asks of the pacer (pace.Pacer).
type taker interface {
	Arm(owner string, s netio.Schedule) bool
	Ready(owner string, s netio.Schedule) bool
	Slot(owner string) uint32
	Word(owner string) loader.GateWord
}

// takeover is what the kernel was told of a BACKUP.
type takeover struct {
	armed bool // the gate was, and nobody else has changed it as far as is known
	word  loader.GateWord
	built frameOf // of what its schedule was made, as the next two
	lease time.Duration
	down  time.Duration
	fresh bool   // armed by this sync
	later bool   // it waits for what is to be read first
	why   string // it is not, as was logged
}

// mayTakeOver tells whether the kernel may end our being BACKUP, and if not why,
// "" where it was not asked for.
func (r *router) mayTakeOver() (bool, string) {
	switch {
	case !r.cfg.KernelTakeover:
		return false, ""
	case r.out.taker == nil || r.link == nil || !r.link.Path.Deadlines():
		return false, "the kernel does not keep the deadline of this interface"
	case len(r.advert.frames) == 0:
		return false, "there is no address to send from"
	}
	return true, ""
}

// syncTakeover arms the gate of a BACKUP, and shuts it in other states; that of a
// MASTER is the pacer's.
func (r *router) syncTakeover() {
	t := &r.takeover
	if !r.cfg.KernelTakeover && !t.armed {
		return
	}
	if r.machine.State() == vrrp.Master {
		r.disarm()
		return // the frames are built by syncAdverts, which sees so that they have changed
	}
	r.build()
	may, why := r.mayTakeOver()
	_, waits := r.deadline()
	if !may || !waits {
		r.disarm()
		if waits {
			r.tellTakeover(why)
		}
		return
	}
	s := r.schedule(r.advert.frames, r.sender(), r.link)
	s.Router = netio.RouterKey(r.key)
	if t.armed {
		switch word := r.out.taker.Word(r.owner); word.Gate() {
		case loader.GateTaking, loader.GateOpen:
			return // a Taken is on its way
		case loader.GateArmed:
			if r.advert.built == t.built && s.Lease == t.lease && s.Down == t.down {
				t.word = word // the kernel may have been about to open it
				return
			}
		}
	}
	if r.behind() {
		r.armLater()
		return
	}
	t.armed, t.built, t.lease, t.down = r.out.taker.Arm(r.owner, s), r.advert.built, s.Lease, s.Down
	t.word = 0
	if t.armed {
		t.word, t.why, t.fresh = r.out.taker.Word(r.owner), "", true
		return
	}
	_, why = r.pacedBy()
	r.tellTakeover(why)
}

// tellTakeover says once why there is none where it was asked for.
func (r *router) tellTakeover(why string) {
	if why != "" && why != r.takeover.why {
		r.log.Warn(fmt.Sprintf("(%s) vrrpx_kernel_takeover: the kernel cannot take over, the process does: %s", r.cfg.Name, why))
	}
	r.takeover.why = why
}

// disarm shuts the gate unless the pacer has it.
func (r *router) disarm() {
	if r.takeover.armed && r.machine.State() != vrrp.Master {
		r.out.pacer.Stop(r.owner)
	}
	r.takeover.armed, r.takeover.word = false, 0
}

// slot is that of the rule: where the kernel is to shut the gate of a MASTER, or to
// take over for a BACKUP. Not where a better advert does not always end a MASTER.
func (r *router) slot() uint32 {
	if r.out.taker == nil || len(r.lines) > 0 || r.cfg.OwnerIgnores && r.machine.Config().Priority == 255 {
		return 0
	}
	return r.out.taker.Slot(r.owner)
}

// takenByKernel follows the kernel, which has made a BACKUP MASTER. It comes in its turn
// among the adverts of the ring: what ends it again is behind it.
func (r *router) takenByKernel(e *loader.Event) {
	if r.out.taker == nil {
		return
	}
	word := r.out.taker.Word(r.owner)
	if r.machine.State() != vrrp.Backup || !r.takeover.armed || word != e.Gate && !word.Follows(e.Gate) {
		// It was about what has been changed since. The gate that it opened is open no
		// more, unless nobody has looked after it.
		if word == e.Gate {
			r.out.pacer.Stop(r.owner)
			r.advert.running = false
			r.settle()
		}
		return
	}
	r.taken.armed = false
	r.keptAt(e.Heard)
	r.actKept()
	if word != e.Gate {
		r.gaveWay(fmt.Sprintf("the gate is %v", word.Gate()))
		return
	}
	if r.out.away != nil && r.out.away() > r.takeover.lease {
		r.gaveWay("the lease has run out") // the process was stopped since it was renewed
		return
	}
	// The gate is known as armed until it is the pacer's: who is stopped before shuts it.
	r.out.storm.begin(func() { r.act(e.At, vrrp.Timer{}) })
	if r.machine.State() != vrrp.Master {
		r.takeover.armed = false
		r.out.pacer.Stop(r.owner)
		r.settle()
		return
	}
	r.counted.taken++
	// The kernel sends since, by the schedule that it was armed with: what shuts the gate from
	// now on, or has by now, is judged as that of any MASTER. What it has sent is no pause.
	due, _ := r.machine.Deadline()
	r.advert.pacing = pacing{next: due, first: due, every: r.machine.Config().Interval, lease: r.takeover.lease}
	r.advert.running = r.advert.built == r.takeover.built // else settling replaces it
	r.out.storm.later(r)
	r.log.Info(fmt.Sprintf("(%s) the kernel took over at the deadline, %v ago", r.cfg.Name, r.now().Sub(e.At).Round(time.Microsecond)))
}

// gaveWay is for a BACKUP for which the kernel was MASTER for a while, and is no
// more. Nobody has heard of it here, and who is MASTER now is not known.
func (r *router) gaveWay(why string) {
	r.out.pacer.Stop(r.owner)
	r.takeover.armed = false
	r.resumed = r.now()
	r.counted.gaveWay++
	r.perform(r.resumed, vrrp.WaitAnew{})
	r.settle()
	r.log.Warn(fmt.Sprintf("(%s) the kernel had taken over while the process did not run, and gave way before it did (%s): no address was taken, BACKUP still", r.cfg.Name, why))
}

// lapseTakeover is for a BACKUP whose process was away for longer than the lease,
// before the lease is renewed: if the kernel has taken over, it has fallen silent
// or is to.
func (r *router) lapseTakeover() {
	if !r.takeover.armed || r.out.taker == nil {
		return
	}
	if gate := r.out.taker.Word(r.owner).Gate(); gate != loader.GateArmed && gate != loader.GateShut {
		r.gaveWay("the lease has run out")
	}
}

// regate looks at all gates as often as the lease is renewed: what shut one may not
// have come up, if the ring was full.
func (l *loop) regate() {
	if !l.look || l.urgent() { // what has shut a gate since the drain is to be stepped first
		return
	}
	l.look = false
	for _, r := range l.routers {
		r.regate()
	}
}

// regate arms the gate of a BACKUP again that an advert has shut, and opens that of
// a MASTER again that stayed one. The adverts that came have been stepped.
func (r *router) regate() {
	if r.machine.State() == vrrp.Master {
		is := func(gate loader.Gate) bool {
			return slices.ContainsFunc(r.sending(), func(owner string) bool { return r.out.pacer.Gate(owner) == gate })
		}
		switch {
		case is(loader.GateLapsed): // its event was lost
			r.lapse(r.inUse())
			r.settle()
		case is(loader.GateFrozen): // likewise
			r.giveWay()
			r.settle()
		}
	}
	if r.out.taker == nil {
		return
	}
	switch r.machine.State() {
	case vrrp.Backup:
		if !r.takeover.armed {
			if kernel, _ := r.out.pacer.Clock(""); r.cfg.KernelTakeover && kernel {
				r.settle() // the clock may have been made anew
			}
			return
		}
		switch r.out.taker.Word(r.owner).Gate() {
		case loader.GateArmed, loader.GateTaking, loader.GateOpen:
		default:
			r.settle()
		}
	case vrrp.Master:
		if r.out.taker.Word(r.owner).Gate() == loader.GateYielded && !listening(r.machine) {
			r.advert.running, r.advert.reopen = false, true
			r.settle()
		}
	}
}

// takeoverSlot is what the deadline opens; 0: nothing.
func (r *router) takeoverSlot() uint32 {
	if r.takeover.word == 0 {
		return 0
	}
	return r.out.taker.Slot(r.owner)
}

// takeoverView is what status shows of it; nothing where it was not asked for.
func (r *router) takeoverView() (state, why string) {
	may, why := r.mayTakeOver()
	switch {
	case !r.cfg.KernelTakeover:
		return "", ""
	case r.takeover.armed && r.out.taker.Word(r.owner).Gate() == loader.GateArmed:
		return "armed", ""
	case !may || r.machine.State() != vrrp.Backup:
		return "off", why
	}
	_, why = r.pacedBy()
	return "off", why
}
