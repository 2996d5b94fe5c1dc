package daemon

import (
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/vrrp"
)

// beside is an interface other than the router's that some of its addresses are
// on (dev NAME). They are announced there and with its MAC, and no advert of the
// router tells the switches on that side where it is.
type beside struct {
	*device
	addrs  []config.Address
	names  [2]string  // to the announcer: the schedule, and garp_extra_if's
	built  *link.Link // that the frames are made for
	frames [][]byte
}

// build makes the frames anew for another link; none without one to send on.
func (b *beside) build() {
	l := b.device.link
	if l == b.built {
		return
	}
	b.built, b.frames = l, nil
	if l == nil || l.Sender == nil {
		return
	}
	for _, a := range b.addrs {
		b.frames = append(b.frames, announcement(l.MAC, a))
	}
}

// flushBeside sends the first gratuitous ARP or NA of each address beside.
func (r *router) flushBeside() {
	if !r.advert.beside {
		return
	}
	r.advert.beside = false
	for _, b := range r.besides {
		b.build()
		if len(b.frames) > 0 {
			r.advert.left[firstGARPs].Add(uint64(b.built.Sender.SendAll(b.frames)))
		}
	}
}

// announceBeside leaves the rest to the announcer, on the router's schedule, and
// garp_extra_if's: one frame an interface, now and again, for the switches.
func (r *router) announceBeside(like netio.Burst) {
	for _, v := range r.cfg.QuietVMACs() {
		if frame := r.firstBehind(v); r.cfg.Extra.Every > 0 && frame != nil {
			r.out.announcer.Announce(r.extraName(v), r.extra(like.Sender, frame, like))
		}
	}
	for _, b := range r.besides {
		if len(b.frames) == 0 {
			continue
		}
		like.Sender, like.Frames = b.built.Sender, b.frames
		r.out.announcer.Announce(b.names[0], like)
		if r.cfg.Extra.All && r.cfg.Extra.Every > 0 {
			r.out.announcer.Announce(b.names[1], r.extra(like.Sender, b.frames[0], like))
		}
	}
}

// extra is one frame every garp_extra_if seconds.
func (r *router) extra(by netio.BatchTransmitter, frame []byte, like netio.Burst) netio.Burst {
	return netio.Burst{
		Sender: by, Frames: [][]byte{frame}, FirstSent: true, Refresh: r.cfg.Extra.Every, Interval: like.Interval, Hold: like.Hold,
	}
}

// firstBehind announces the first address behind a virtual MAC; nil for none.
func (r *router) firstBehind(v config.VMAC) []byte {
	for _, a := range r.cfg.All() {
		if a.VMAC == v.Name {
			return announcement(v.MAC[:], a)
		}
	}
	return nil
}

func (r *router) extraName(v config.VMAC) string {
	return r.owner + " by " + v.Name + ", garp_extra_if"
}

// cancelAnnouncing ends all schedules of gratuitous ARP.
func (r *router) cancelAnnouncing() {
	r.out.announcer.Cancel(r.owner)
	for _, b := range r.besides {
		r.cancelBeside(b)
	}
	if r.cfg.Extra.Every > 0 {
		for _, v := range r.cfg.QuietVMACs() {
			r.out.announcer.Cancel(r.extraName(v))
		}
	}
}

func (r *router) cancelBeside(b *beside) {
	for _, name := range b.names {
		r.out.announcer.Cancel(name)
	}
}

// findBesides finds the interfaces beside the router's own. An address on the
// loopback device is announced on the router's.
func (h *host) findBesides(r *router) {
	for _, a := range r.cfg.All() {
		if a.Device == r.cfg.Interface || h.loopback(a.Device) {
			continue
		}
		d := h.meet(a.Device)
		d.linked = true
		r.addBeside(d, a)
	}
	if !r.refuses() {
		return
	}
	r.refusal.doors = append(r.refusal.doors, h.devices[r.cfg.Interface])
	for _, b := range r.besides {
		b.door = true
		r.refusal.doors = append(r.refusal.doors, b.device)
	}
}

func (h *host) loopback(device string) bool {
	dev, ok := h.addrs.Link(device)
	return ok && dev.Loopback()
}

func (r *router) addBeside(d *device, a config.Address) {
	i := slices.IndexFunc(r.besides, func(b *beside) bool { return b.device == d })
	if i < 0 {
		i = len(r.besides)
		name := r.owner + " on " + d.name
		r.besides = append(r.besides, &beside{device: d, names: [2]string{name, name + ", garp_extra_if"}})
	}
	r.besides[i].addrs = append(r.besides[i].addrs, a)
}

// isBeside tells whether an address is announced by another interface.
func (r *router) isBeside(a config.Address) bool {
	return slices.ContainsFunc(r.besides, func(b *beside) bool { return b.name == a.Device })
}

// leftBeside ends what is announced on an interface that goes.
func (h *host) leftBeside(d *device) {
	for _, r := range h.routers {
		for _, b := range r.besides {
			if b.device == d {
				r.cancelBeside(b)
				b.built, b.frames = nil, nil
			}
		}
	}
}

// returned does for an interface that has come back what a MASTER did when it
// took the addresses: it refuses packets there, and announces.
func (h *host) returned(d *device) {
	for _, r := range h.routers {
		if r.machine.State() != vrrp.Master {
			continue
		}
		if slices.Contains(r.refusal.doors, d) {
			r.refuse()
		}
		if slices.ContainsFunc(r.besides, func(b *beside) bool { return b.device == d }) {
			r.advert.beside = true
			r.flushBeside()
			r.announce(false)
		}
	}
}
