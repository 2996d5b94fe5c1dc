package daemon

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/nexthop"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// line is a heartbeat line of a router beside its own interface, which is the
// first line. The machine knows of none: an advert that comes by a line is given
// to it as from the sender's first address, and what it sends goes out on all.
type line struct {
	ear
	watch

	cfg    config.Heartbeat
	router *router
	device *device
	owner  string     // what the pacer knows it by
	link   *link.Link // nil while there is none
	key    loader.Key

	peers  *vrrp.Unicast // nil: multicast
	out    sender        // where its adverts leave; nil without a link
	routed *netio.RoutedSender
	hops   map[netip.Addr]nexthop.Hop
	turn   uint64 // counts changes of hops

	frames [][]byte
	built  lineFrames
	queue  [][]byte
	pacing
	sent atomic.Uint64 // by the loop; the pacer counts its own
}

// lineFrames is what a line's frames were built from.
type lineFrames struct {
	frameOf
	source netip.Addr
}

func (r *router) newLine(cfg config.Heartbeat) *line {
	l := &line{cfg: cfg, router: r, owner: r.owner + " by " + cfg.Name, hops: map[netip.Addr]nexthop.Hop{}}
	l.name = cfg.Name
	if len(cfg.Peers) > 0 {
		l.peers = &vrrp.Unicast{}
	}
	for _, p := range cfg.Peers {
		l.peers.Peers = append(l.peers.Peers, vrrp.Peer{Addr: p.Addr, MinTTL: p.MinTTL, MaxTTL: p.MaxTTL})
	}
	return l
}

// source is where the line's adverts come from: by multicast the router's own
// address, so that everyone knows whose they are and a tie is the same on every
// line.
func (l *line) source() netip.Addr {
	switch {
	case l.peers == nil:
		return l.router.machine.Config().Primary
	case l.cfg.Source.IsValid():
		return l.cfg.Source
	}
	return l.device.own(vrrp.Family(l.router.cfg.Family))
}

// first is the address by which a sender on a line is known; nil is the first
// line.
func (l *line) first(src netip.Addr) netip.Addr {
	if l != nil {
		for _, p := range l.cfg.Peers {
			if p.Addr == src {
				return p.First
			}
		}
	}
	return src
}

// group is the destination that adverts have on the line.
func (l *line) group() netip.Addr {
	if l.peers != nil {
		return l.source()
	}
	return l.router.cfg.Group
}

// attachLine gives a line its link; nil takes it away.
func (h *host) attachLine(l *line, to *link.Link) {
	if l.link != nil {
		_ = l.link.Path.Remove(l.key) // it may have gone with the interface
		delete(h.loop.byLine, l.key)
	}
	if to == nil {
		l.stop()
	}
	l.ear, l.built, l.link = ear{}, lineFrames{}, to
	if to != nil {
		r := l.router
		l.key = loader.Key{Ifindex: uint32(to.Index), VRID: r.cfg.VRID, Family: vrrp.Family(r.cfg.Family)}
		h.loop.byLine[l.key] = l
	}
	l.connect()
}

// connect finds out where the line's adverts leave.
func (l *line) connect() {
	l.out, l.routed = nil, nil
	clear(l.hops)
	l.turn++
	switch {
	case l.link == nil:
	case l.peers == nil:
		l.out = l.link.Sender
	default:
		if l.routed = l.link.Routed(); l.routed != nil {
			l.out = l.routed
		}
	}
}

// enterLines gives a router's lines their places among the devices.
func (h *host) enterLines(r *router) {
	r.watching.first.name = r.cfg.Interface
	for _, cfg := range r.cfg.Heartbeats {
		l := r.newLine(cfg)
		l.device = h.meet(cfg.Interface)
		l.device.linked = true
		l.device.lines = append(l.device.lines, l)
		r.lines = append(r.lines, l)
	}
}

// attachLines gives those of a router that begins the links that there are.
func (h *host) attachLines(r *router) {
	for _, l := range r.lines {
		if l.device.link != nil {
			h.attachLine(l, l.device.link)
			h.watchPeers(l.device)
		}
	}
}

// removeLines ends those of a router that goes.
func (h *host) removeLines(r *router) {
	for _, l := range r.lines {
		h.attachLine(l, nil)
		h.pacer.Forget(l.owner)
		l.device.lines = slices.DeleteFunc(l.device.lines, func(x *line) bool { return x == l })
		h.watchPeers(l.device)
	}
	r.lines = nil
}

// refreshLines brings the lines on a device, and the router whose first line it
// is, up to date with it.
func (h *host) refreshLines(d *device) {
	for _, l := range d.lines {
		l.router.settle() // another MAC or source address is another frame
		l.router.lookLines(clock.Now())
	}
	for _, r := range d.routers {
		r.lookLines(clock.Now())
	}
	if slices.ContainsFunc(d.lines, func(l *line) bool { return l.peers != nil }) {
		h.watchPeers(d)
	}
}

// lineTargets are the unicast peers of the lines on a device.
func (d *device) lineTargets() (all []nexthop.Target) {
	for _, l := range d.lines {
		if src := l.source(); l.peers != nil && src.IsValid() && l.link != nil {
			for _, p := range l.peers.Peers {
				all = append(all, nexthop.Target{Ifindex: l.link.Index, Source: src, Peer: p.Addr})
			}
		}
	}
	return all
}

// lineHop takes news of the way to a line's peer.
func (h *host) lineHop(hop nexthop.Hop) {
	known := func(p config.LinePeer) bool { return p.Addr == hop.Peer }
	for _, r := range h.routers {
		for _, l := range r.lines {
			if l.link == nil || l.link.Index != hop.Ifindex || l.source() != hop.Source || !slices.ContainsFunc(l.cfg.Peers, known) {
				continue
			}
			l.hops[hop.Peer] = hop
			l.turn++
			r.settle()
		}
	}
}

// build makes the frames anew when what they are made of has changed.
func (l *line) build() {
	c := l.router.machine.Config()
	of := lineFrames{frameOf{link: l.link, priority: c.Priority, interval: c.Interval, primary: c.Primary, turn: l.turn}, l.source()}
	if l.link != nil {
		copy(of.mac[:], l.link.MAC)
		of.mtu = l.link.MTU
	}
	if of != l.built {
		l.built, l.frames = of, l.make(c.Priority)
	}
}

// make is whole adverts with this priority; none when they cannot be built.
func (l *line) make(priority uint8) (frames [][]byte) {
	r, src := l.router, l.source()
	if l.link == nil || !src.IsValid() {
		return nil
	}
	if l.peers == nil {
		if msg := r.message(priority, src, r.cfg.Group); msg != nil {
			frames = append(frames, netio.AdvertFrame(l.link.MAC, src, r.cfg.Group, 255, r.payload(msg)))
		}
		return r.guarded(frames)
	}
	for _, p := range l.peers.Peers {
		if msg := r.message(priority, src, p.Addr); msg != nil {
			frames = append(frames, netio.UnicastFrame(l.link.MAC, l.hops[p.Addr].MAC, src, p.Addr, l.cfg.UnicastTTL, r.payload(msg)))
		}
	}
	return r.guarded(frames)
}

// queueLines is one advert for each line, to be sent now.
func (r *router) queueLines(priority uint8) {
	for _, l := range r.lines {
		l.build()
		frames := l.frames
		if priority != l.built.priority {
			frames = l.make(priority)
		}
		l.queue = append(l.queue, frames...)
	}
}

func (r *router) flushLines() {
	for _, l := range r.lines {
		if len(l.queue) == 0 {
			continue
		}
		if l.out != nil {
			if r.seal != nil {
				for _, f := range l.queue {
					r.seal(f)
				}
			}
			l.sent.Add(uint64(l.out.SendAll(l.queue)))
		}
		clear(l.queue)
		l.queue = l.queue[:0]
	}
}

// syncAdverts gives the pacer the schedule of a MASTER when it has changed: that
// of the first line.
func (l *line) syncAdverts() {
	r, was := l.router, l.built
	l.build()
	if _, listening := r.machine.Listening(); listening || r.machine.State() != vrrp.Master || l.out == nil || len(l.frames) == 0 {
		l.stop()
		return
	}
	next, _ := r.machine.Deadline()
	interval := r.machine.Config().Interval
	if l.running && l.next == next && l.every == interval && l.built == was {
		return
	}
	s := r.schedule(l.frames, l.out, l.link)
	s.Router = netio.RouterKey(l.key)
	s.Next = l.start(next, interval, s.Lease)
	r.out.pacer.Set(l.owner, s)
}

func (l *line) stop() {
	if l.running {
		l.router.out.pacer.Stop(l.owner)
		l.running = false
	}
}

func (r *router) stopLines() {
	for _, l := range r.lines {
		l.stop()
	}
}

// trouble is why nothing can be heard or sent on a device; empty while it can.
func (d *device) trouble() string {
	switch {
	case !d.exists:
		return fmt.Sprintf("interface %s is not there", d.name)
	case d.link == nil && d.note != "":
		return fmt.Sprintf("interface %s cannot be used: %s", d.name, d.note)
	case d.link == nil:
		return fmt.Sprintf("interface %s cannot be used", d.name)
	case !d.up:
		return fmt.Sprintf("link %s is down", d.name)
	}
	return ""
}

func (l *line) trouble() string {
	if why := l.device.trouble(); why != "" {
		return why
	}
	if l.peers != nil && !l.source().IsValid() {
		return fmt.Sprintf("no address on %s", l.device.name)
	}
	return ""
}
