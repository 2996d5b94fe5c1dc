package daemon

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// advert is what a router sends: the prebuilt frames, and the schedule that
// the pacer was last given.
type advert struct {
	frames [][]byte // with the priority below, one for each destination
	garps  [][]byte // over IPv6 neighbour advertisements
	built  frameOf
	pacing
	reopen  bool    // what has shut the gate has been stepped, and we are MASTER still
	readied frameOf // of what the clock has in store for a BACKUP

	queue  [2][][]byte      // of the step under way: adverts, firstGARPs
	left   [2]atomic.Uint64 // how many of each the loop has sent; pacer and announcer count their own
	beside bool             // gratuitous ARPs beside are to follow

	answered, announced vrrp.Instant // when a losing advert was last answered
}

// The kinds of frames in advert.queue.
const (
	adverts = iota
	firstGARPs
)

func (a *advert) clear(kind int) {
	clear(a.queue[kind])
	a.queue[kind] = a.queue[kind][:0]
}

// frameOf is what a frame was built from.
type frameOf struct {
	link     *link.Link
	priority uint8
	interval time.Duration
	primary  netip.Addr
	mac      [6]byte // of the link, which may change
	mtu      int     // likewise: who sends depends on it
	turn     uint64  // of the ways to unicast peers
}

// build makes the frames anew when what they are made of has changed.
func (r *router) build() {
	c := r.machine.Config()
	of := frameOf{link: r.link, priority: c.Priority, interval: c.Interval, primary: c.Primary}
	if r.link != nil {
		copy(of.mac[:], r.link.MAC)
		of.mtu = r.link.MTU
	}
	if r.unicast != nil {
		of.turn = r.unicast.turn
	}
	if of == r.advert.built {
		return
	}
	r.advert.built = of
	r.advert.frames = r.frames(c.Priority)
	r.advert.garps = r.advert.garps[:0]
	for _, a := range r.cfg.All() {
		if !r.isBeside(a) {
			r.advert.garps = append(r.advert.garps, announcement(r.macOf(a), a))
		}
	}
	for _, b := range r.besides {
		b.build()
	}
}

// announcement is an address's gratuitous ARP, or neighbour advertisement.
func announcement(mac net.HardwareAddr, a config.Address) []byte {
	if addr := a.Prefix.Addr(); addr.Is6() {
		return netio.NAFrame(mac, addr)
	}
	return netio.GARPFrame(mac, a.Prefix.Addr())
}

// frames are whole adverts with this priority, one for each destination; none
// when they cannot be built for want of an own address.
func (r *router) frames(priority uint8) [][]byte {
	c := r.machine.Config()
	if r.link == nil || !c.Primary.IsValid() {
		return nil
	}
	var frames [][]byte
	for _, to := range r.destinations() {
		msg := r.message(priority, c.Primary, to.summed)
		if msg == nil {
			return nil
		}
		frames = append(frames, r.frame(to, r.payload(msg)))
	}
	return r.guarded(frames)
}

// message is an advert's VRRP message, summed for where it comes from and goes
// to; nil when it cannot be built.
func (r *router) message(priority uint8, src, dst netip.Addr) []byte {
	c := r.machine.Config()
	p := vrrp.Packet{
		Version: c.Version, VRID: c.VRID, Priority: priority, Interval: c.Interval,
		Addrs: c.Addrs, Auth: r.authType(), AuthData: r.passwd,
	}
	form := vrrp.ChecksumPseudo
	if r.cfg.ChecksumPlain {
		form = vrrp.ChecksumPlain
	}
	msg, err := p.Append(nil, src, dst, form)
	if !r.try("build an advert", err) {
		return nil
	}
	return msg
}

// payload is what an advert's IP header is followed by.
func (r *router) payload(msg []byte) []byte {
	if r.guard == nil {
		return msg
	}
	return r.guard.Wrap(msg)
}

// guarded names, in the frames, the protocol of their payload.
func (r *router) guarded(frames [][]byte) [][]byte {
	if r.guard != nil {
		for _, f := range frames {
			netio.SetProtocol(f, r.guard.Proto())
		}
	}
	return frames
}

// announceAgain is the least time between two bursts of gratuitous ARP in
// answer to losing adverts.
const announceAgain = time.Second

// boundAnswers takes out of a step's effects what a MASTER would say too often
// to losing adverts and to releases. The core bounds answers by the stamps of
// what it answers; here the bound is that of the wire, for adverts that waited
// while the process was stopped, and for a flood.
//
// A release that came at an instant leaves every BACKUP its skew, which may be
// less than a hundredth of the interval: it is answered unless an advert has
// left since. How many there are to answer is bounded by the datapath.
func (r *router) boundAnswers(at vrrp.Instant, in vrrp.Input, effects []vrrp.Effect) []vrrp.Effect {
	heard, ok := in.(vrrp.Heard)
	if !ok || len(effects) == 0 || r.machine.State() != vrrp.Master {
		return effects // the first adverts of a MASTER, also after a pause
	}
	release := heard.Advert.Priority == 0
	t, kept := r.now(), effects[:0]
	for _, e := range effects {
		switch e.(type) {
		case vrrp.SendAdvert:
			if release && r.advert.answered > at || !release && t.Sub(r.advert.answered) < r.machine.Config().Interval/2 {
				continue
			}
			r.advert.answered = t
		case vrrp.Announce:
			if t.Sub(r.advert.announced) < announceAgain {
				continue
			}
			r.advert.announced = t
		}
		kept = append(kept, e)
	}
	return kept
}

// queueAdvert is one advert to be sent now, from the loop: the first of a
// MASTER, an answer, or the farewell.
func (r *router) queueAdvert(priority uint8) {
	r.queueLines(priority)
	if r.link == nil {
		return
	}
	r.build()
	frames := r.advert.frames
	if priority != r.advert.built.priority {
		frames = r.frames(priority)
	}
	if priority == 0 {
		r.counted.zeroSent++
	}
	r.advert.queue[adverts] = append(r.advert.queue[adverts], frames...)
}

// queueGARPs is the first gratuitous ARP, or neighbour advertisement, of every
// address.
func (r *router) queueGARPs() {
	if r.link == nil {
		return
	}
	r.build()
	r.advert.queue[firstGARPs] = append(r.advert.queue[firstGARPs], r.advert.garps...)
	r.advert.beside = len(r.besides) > 0
}

// flush sends what a step has queued, in one system call: adverts before GARPs,
// since that is their order in any step. GARPs by other interfaces come after.
func (r *router) flush() {
	a := &r.advert
	r.beginAdverts()
	r.forgetStale()
	if n := len(a.queue[adverts]); n+len(a.queue[firstGARPs]) > 0 && r.link != nil {
		r.sealQueue()
		a.queue[adverts] = append(a.queue[adverts], a.queue[firstGARPs]...)
		refused := r.sender().SendEach(a.queue[adverts], nil)
		a.left[adverts].Add(uint64(n))
		a.left[firstGARPs].Add(uint64(len(a.queue[firstGARPs])))
		for _, at := range refused {
			if at < n {
				a.left[adverts].Add(^uint64(0))
			} else {
				a.left[firstGARPs].Add(^uint64(0))
			}
		}
	}
	a.clear(adverts)
	a.clear(firstGARPs)
	r.flushLines()
	r.flushBeside()
}

// sealQueue finishes the adverts queued, just before they leave.
func (r *router) sealQueue() {
	if r.seal != nil {
		for _, f := range r.advert.queue[adverts] {
			r.seal(f)
		}
	}
}

// syncAdverts gives the pacer the schedule of a MASTER when it has changed.
func (r *router) syncAdverts() {
	was := r.advert.built
	r.build() // in BACKUP too: a takeover shall find its frames ready
	if _, listening := r.machine.Listening(); listening || r.machine.State() != vrrp.Master {
		r.stopAdverts()
		r.ready()
		return
	}
	next, _ := r.machine.Deadline()
	interval := r.machine.Config().Interval
	if r.advert.running && r.advert.next == next && r.advert.every == interval && r.advert.built == was {
		return
	}
	reopen := r.advert.reopen
	r.advert.reopen = false
	if !reopen && r.yielded() {
		return
	}
	s := r.schedule(r.advert.frames, r.sender(), r.link)
	s.Router = netio.RouterKey(r.key)
	s.Next, s.Reopen = r.advert.start(next, interval, s.Lease), reopen
	r.out.pacer.Set(r.owner, s)
	r.yielded()
}

// yielded tells of a MASTER whose gate the kernel has shut for a better advert, which is on
// the ring. When it has been stepped, by the next round, regate opens the gate if
// we are MASTER all the same.
func (r *router) yielded() bool {
	if r.out.taker == nil || r.out.taker.Word(r.owner).Gate() != loader.GateYielded {
		return false
	}
	r.advert.running = false
	r.out.post(r.regate)
	return true
}

// ready gives the clock what a BACKUP will send as MASTER, and the rule its slot, so
// that beginAdverts finds both. Who may be made MASTER by the kernel has that already.
func (r *router) ready() {
	a := &r.advert
	if r.out.taker == nil || r.cfg.KernelTakeover || r.machine.State() != vrrp.Backup || len(r.lines) > 0 || len(a.frames) == 0 {
		return
	}
	if kernel, _ := r.out.pacer.Clock(r.owner); kernel && a.readied == a.built && r.out.taker.Slot(r.owner) != 0 {
		return
	}
	s := r.schedule(a.frames, r.sender(), r.link)
	s.Router = netio.RouterKey(r.key)
	if s.Lease > 0 && r.out.taker.Ready(r.owner, s) {
		a.readied = a.built
	}
}

// beginAdverts opens the gate of a new MASTER just before its first advert leaves, an
// interval before the kernel's: who stops right behind the first is kept up. It is for
// those alone whose gate the kernel shuts when a better advert comes; those with
// heartbeat lines, say, begin when they settle. A gate that is latched is not opened
// here: what shut it is to be heard first. Nor is one that the kernel has opened.
func (r *router) beginAdverts() {
	if r.advert.running || len(r.advert.queue[adverts]) == 0 || r.machine.State() != vrrp.Master || listening(r.machine) || r.link == nil {
		return
	}
	if slot := r.slot(); slot == 0 || slot != r.taken.rule.Slot || !r.taken.told || !r.link.Path.Deadlines() {
		return
	}
	kernel, _ := r.out.pacer.Clock(r.owner)
	if gate := r.out.taker.Word(r.owner).Gate(); !kernel || gate != loader.GateShut && gate != loader.GateArmed {
		return
	}
	if r.syncAdverts(); !r.advert.running {
		r.dropQueue() // it has been shut meanwhile
	}
}

// schedule is a MASTER's on the first line or another, but for its first slot and
// its key. Without an interface the kernel leaves it to the thread.
func (r *router) schedule(frames [][]byte, by sender, l *link.Link) netio.Schedule {
	s := netio.Schedule{
		Sender: by, Frames: frames, Seal: r.paced, Interval: r.machine.Config().Interval,
		Limit: r.limit(), HeldUp: r.onHeldUp, Down: r.down(), Frozen: r.onPaused,
	}
	if s.Limit > 0 {
		s.Down = s.Limit // it decides, and then gives way in any case
	}
	if s.Lease, _ = r.leaseOn(l, frames); s.Lease > 0 {
		s.Ifindex = l.Index
	}
	return s
}

func (r *router) stopAdverts() {
	r.stopLines()
	if r.advert.running {
		r.out.pacer.Stop(r.owner)
		r.advert.running = false
	}
}

// announces tells whether there is anything to announce now.
func (r *router) announces(e vrrp.Announce) bool {
	return (!e.Lower || r.cfg.GARP.LowerRepeat > 0) && !r.postpones()
}

// announce leaves the rest of the schedule of gratuitous ARPs, of which the
// loop has sent the first, to the announcer: that after an advert of lower
// priority, or that of a new master.
func (r *router) announce(lower bool) {
	if r.link == nil {
		return
	}
	g := r.cfg.GARP
	if r.machine.Config().Family == vrrp.IPv6 {
		g.Interval = r.cfg.GNAInterval
	}
	if lower {
		g.MasterRepeat, g.MasterDelay = g.LowerRepeat, g.LowerDelay
	}
	burst := netio.Burst{
		Sender: r.link.Sender, Frames: r.advert.garps, FirstSent: true, Hold: r.hold(),
		Repeat: g.MasterRepeat, Delay: g.MasterDelay, Refresh: g.Refresh, RefreshRepeat: g.RefreshRepeat, Interval: g.Interval,
	}
	r.out.announcer.Announce(r.owner, burst)
	r.announceBeside(burst)
}
