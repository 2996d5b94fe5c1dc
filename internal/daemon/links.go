package daemon

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/track"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// device is what is known of an interface that routers run on. It outlives
// the interface; link does not.
type device struct {
	name      string
	exists    bool
	up        bool
	primary   netip.Addr // own IPv4 address; invalid for none
	linkLocal netip.Addr // own IPv6 address; likewise
	link      *link.Link // nil while it does not exist or cannot be used
	routers   []*router  // none on one that only has addresses of theirs
	door      bool       // such a one, where packets to them are refused
	note      string     // why there is no link
	watched   *watched   // nil when nobody tracks it
	lines     []*line    // heartbeat lines of routers that run elsewhere
	linked    bool       // routers run on it or have addresses there: it has a link
}

// own is the address that a family's adverts come from; invalid for none.
func (d *device) own(f vrrp.Family) netip.Addr {
	if f == vrrp.IPv6 {
		return d.linkLocal
	}
	return d.primary
}

// groups are the multicast groups of the routers of a device; of those with
// unicast peers 0.0.0.0 or ::, by family.
func (d *device) groups() []netip.Addr {
	var g []netip.Addr
	for _, r := range d.routers {
		if group := memberOf(&r.cfg); !slices.Contains(g, group) {
			g = append(g, group)
		}
	}
	for _, l := range d.lines {
		if group := memberOfLine(&l.router.cfg, &l.cfg); !slices.Contains(g, group) {
			g = append(g, group)
		}
	}
	return g
}

// faults are the causes that keep a router of a device in FAULT.
func (d *device) faults(r *router) []string {
	switch {
	case !d.exists:
		return []string{fmt.Sprintf("interface %s is gone", d.name)}
	case d.link == nil:
		return []string{fmt.Sprintf("interface %s cannot be used", d.name)}
	}
	var f []string
	if !d.up && !r.cfg.UntrackedOwn {
		f = append(f, fmt.Sprintf("link %s is down", d.name))
	}
	if r.cfg.NoPeerFault {
		f = append(f, "no unicast peers (unicast_fault_no_peer)")
	}
	if r.sourceGone {
		f = append(f, fmt.Sprintf("source address %s is not on %s (track_src_ip)", r.cfg.Source, d.name))
	}
	family := vrrp.Family(r.cfg.Family)
	switch {
	case r.source(d.own(family)).IsValid():
	case family == vrrp.IPv6:
		f = append(f, fmt.Sprintf("no IPv6 link-local address on %s", d.name))
	default:
		f = append(f, fmt.Sprintf("no IPv4 address on %s", d.name))
	}
	return append(f, r.vmacFaults()...)
}

// adopt makes an opened interface the loop's and gives it to its routers.
func (h *host) adopt(d *device, l *link.Link) error {
	if l.Socket != nil {
		h.noteSpeakers(l)
		if err := h.loop.addPath(l.Socket); err != nil {
			return err
		}
	}
	d.link, d.note = l, ""
	for _, r := range d.routers {
		h.attach(r, l)
	}
	for _, hb := range d.lines {
		h.attachLine(hb, l)
	}
	h.watchPeers(d)
	return nil
}

// attach gives a router its link; nil takes it away.
func (h *host) attach(r *router, l *link.Link) {
	if r.link != nil {
		_ = r.link.Path.Remove(r.key) // it may have gone with the interface
		delete(h.loop.byKey, r.key)
	}
	r.link, r.taken = l, taken{}
	if l != nil {
		r.key = loader.Key{Ifindex: uint32(l.Index), VRID: r.cfg.VRID, Family: vrrp.Family(r.cfg.Family)}
		h.loop.byKey[r.key] = r
	}
	if r.unicast != nil {
		r.unicast.attach(l)
	}
}

// abandon takes a vanished interface from its routers.
func (h *host) abandon(d *device) {
	l := d.link
	if l == nil {
		return
	}
	if h.hops != nil {
		h.hops.Watch(l.Index, nil)
	}
	h.leftBeside(d)
	d.link = nil
	h.refresh(d) // FAULT stops the pacer, which still sends through the link
	for _, r := range d.routers {
		h.attach(r, nil)
	}
	for _, hb := range d.lines {
		h.attachLine(hb, nil)
	}
	if l.Socket != nil {
		h.loop.removePath(l.Socket)
	}
	h.lan.Leave(uint32(l.Index))
	go func() { _ = l.Close() }() // it may wait for the kernel
}

// refresh brings the routers that run on a device, and those that track it, up
// to date.
func (h *host) refresh(d *device) {
	h.reconsiderAll(d.routers)
	h.refreshLines(d)
	if d.watched != nil {
		d.watched.set(h, d.trackState())
	}
}

// trackState is what a device is for those that track it.
func (d *device) trackState() track.State {
	if d.exists && d.up {
		return track.Up
	}
	return track.Down
}

// linkEvent takes news of a device, on the loop.
func (h *host) linkEvent(e vip.Event) {
	d := h.devices[e.Link.Name]
	if d == nil {
		return
	}
	switch e.Kind {
	case vip.LinkGone:
		h.log.Warn(fmt.Sprintf("interface %s has vanished", d.name))
		d.exists, d.up, d.primary, d.linkLocal = false, false, netip.Addr{}, netip.Addr{}
		h.abandon(d)
	case vip.LinkNew:
		d.exists, d.up = true, e.Link.Up
		if !d.linked {
			break
		}
		h.abandon(d) // it came back under another index before it was seen to go
		h.reopen(d, e.Link)
	case vip.LinkUp, vip.LinkDown:
		d.up = e.Link.Up
	case vip.LinkChanged:
		if d.link != nil {
			d.link.MAC, d.link.MTU = e.Link.MAC, e.Link.MTU
			for _, r := range d.routers {
				r.settle() // with other frames
			}
		}
	case vip.PrimaryChanged:
		d.primary = e.Primary.Addr()
	case vip.LinkLocalChanged:
		d.linkLocal = e.Primary.Addr()
	case vip.SourceCame, vip.SourceWent:
		h.sourceEvent(e.Source, e.Kind == vip.SourceCame)
	}
	h.refresh(d)
}

// reopen opens an interface that has returned, away from the loop.
func (h *host) reopen(d *device, dev vip.Link) {
	want := d.needs()
	go func() {
		l, err := h.links.Open(dev, want)
		posted := h.loop.post(func() { h.reopened(d, l, err) })
		if !posted && l != nil {
			_ = l.Close()
		}
	}()
}

func (h *host) reopened(d *device, l *link.Link, err error) {
	if err == nil && (!d.exists || !d.linked || d.link != nil) {
		go func() { _ = l.Close() }() // gone again, or opened twice
		return
	}
	if err == nil {
		err = h.adopt(d, l)
	}
	if err != nil {
		d.note = err.Error()
		h.log.Error(fmt.Sprintf("interface %s has returned and cannot be used: %v", d.name, err))
		return
	}
	h.log.Info(fmt.Sprintf("interface %s has returned", d.name), "index", l.Index)
	h.mend(d)
	h.refresh(d)
	h.returned(d)
}
