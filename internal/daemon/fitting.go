package daemon

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/vrrp"
)

// needs is what an interface is wanted for.
type needs struct {
	groups []netip.Addr // of the routers that run on it; see device.groups
	linked bool         // routers run on it or have addresses there
	door   bool         // packets to these are refused there
}

func (d *device) needs() needs { return needs{d.groups(), d.linked, d.door} }

// needsOf is what a configuration wants of each interface that it has routers or
// addresses on, and of those that are tracked alone.
func (h *host) needsOf(cfg *config.Config) map[string]needs {
	all := map[string]needs{}
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		n := all[r.Interface]
		n.linked, n.door = true, n.door || refuses(r)
		if g := memberOf(r); !slices.Contains(n.groups, g) {
			n.groups = append(n.groups, g)
		}
		all[r.Interface] = n
		for j := range r.Heartbeats {
			hb := &r.Heartbeats[j]
			n := all[hb.Interface]
			n.linked = true
			if g := memberOfLine(r, hb); !slices.Contains(n.groups, g) {
				n.groups = append(n.groups, g)
			}
			all[hb.Interface] = n
		}
		for _, a := range r.All() {
			if a.Device != r.Interface {
				n := all[a.Device]
				if !h.loopback(a.Device) {
					n.linked, n.door = true, n.door || refuses(r)
				}
				all[a.Device] = n
			}
		}
		tracked := slices.Clone(r.Needs)
		for _, t := range r.Interfaces {
			tracked = append(tracked, t.Name)
		}
		for _, name := range tracked {
			if _, ok := all[name]; !ok {
				all[name] = needs{}
			}
		}
	}
	return all
}

// meet is the device of a name, with what is known of it now when it is new. It
// is for the loop, or before it runs.
func (h *host) meet(name string) *device {
	if d := h.devices[name]; d != nil {
		return d
	}
	d := h.device(name)
	if dev, ok := h.addrs.Link(name); ok {
		d.exists, d.up = true, dev.Up
		primary, _ := h.addrs.PrimaryIPv4(name)
		linkLocal, _ := h.addrs.LinkLocal(name)
		d.primary, d.linkLocal = primary.Addr(), linkLocal.Addr()
	}
	return d
}

// outfit is what a device's link offers, as the loop saw it.
type outfit struct {
	exists bool
	link   *link // nil for none
	groups []netip.Addr
}

func (d *device) outfit() outfit {
	o := outfit{exists: d.exists, link: d.link}
	if d.link != nil {
		o.groups = slices.Collect(maps.Keys(d.link.member))
	}
	return o
}

// serves tells whether the outfit has all that is needed, and that it is a link
// of the right kind: member is nil where no router runs.
func (o *outfit) serves(n needs, bpf bool) bool {
	return !o.unlike(n, bpf) && len(o.lacks(n)) == 0
}

func (o *outfit) unlike(n needs, bpf bool) bool {
	return o.link == nil || (o.link.member == nil) != (len(n.groups) == 0) ||
		o.link.member == nil && n.door && bpf && o.link.kernel == nil
}

func (o *outfit) lacks(n needs) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(n.groups), func(g netip.Addr) bool { return slices.Contains(o.groups, g) })
}

// fitting makes a link fit for other needs. It is made away from the loop, since
// the kernel may take its time to join groups and to attach XDP.
type fitting struct {
	old   *link // whose it is; nil where there was none
	fresh *link // in its place; nil: that one stays, with more
	more  link  // what it lacked: member and raw alone
}

// fitFor is nil when the outfit has all that is needed.
func (h *host) fitFor(dev vip.Link, has outfit, n needs) (*fitting, error) {
	f := &fitting{old: has.link, more: link{name: dev.Name, index: dev.Index, member: map[netip.Addr]*netio.Membership{}}}
	switch {
	case has.serves(n, h.kernel != nil):
		return nil, nil
	case has.unlike(n, h.kernel != nil):
		var err error
		f.fresh, err = h.openLink(dev, n)
		return f, err
	}
	if err := f.more.join(has.lacks(n)); err != nil {
		_ = f.more.close()
		return nil, fmt.Errorf("%s: %w", dev.Name, err)
	}
	return f, nil
}

func (f *fitting) close() {
	_ = f.more.close()
	if f.fresh != nil {
		_ = f.fresh.close()
	}
}

// fit puts it in place, on the loop; false when the link has become another
// meanwhile, and the fitting is of no use.
func (h *host) fit(d *device, f *fitting) bool {
	if d.link != f.old || !d.exists {
		go f.close() // it may wait for the kernel
		return false
	}
	l := d.link
	if f.fresh == nil {
		maps.Copy(l.member, f.more.member)
		if f.more.raw != nil && l.raw == nil {
			l.raw, f.more.raw = f.more.raw, nil
		}
		if f.more.raw != nil {
			go func(raw *netio.RawSender) { _ = raw.Close() }(f.more.raw)
		}
		return true
	}
	if l != nil {
		f.fresh.succeed(l)
		if l.socket != nil {
			h.loop.removePath(l.socket)
		}
		go func() { _ = l.close() }()
	}
	if err := h.adopt(d, f.fresh); err != nil {
		d.link, d.note = nil, err.Error()
		h.log.Error(fmt.Sprintf("interface %s cannot be used: %v", d.name, err))
		go func() { _ = f.fresh.close() }()
		return false
	}
	return true
}

// succeed takes from the link before what others still send by.
func (l *link) succeed(old *link) {
	if old.packet != nil && l.packet != nil {
		_ = l.packet.Close()
		l.packet, l.sender, old.packet = old.packet, old.sender, nil
	}
}

// mend fits a link to what its device is wanted for now: it was opened for what
// it was wanted for when the interface came, and a reload may have come between.
func (h *host) mend(d *device) {
	dev, ok := h.addrs.Link(d.name)
	has, n := d.outfit(), d.needs()
	if !ok || has.link == nil || has.link.index != dev.Index || has.serves(n, h.kernel != nil) {
		return
	}
	go func() {
		f, err := h.fitFor(dev, has, n)
		if err != nil {
			h.log.Error(fmt.Sprintf("interface %s cannot be used by all its routers: %v", d.name, err))
		}
		if err != nil || f == nil {
			return
		}
		posted := h.loop.post(func() {
			if !h.fit(d, f) {
				return
			}
			for _, r := range d.routers {
				if r.unicast != nil && r.unicast.out == nil {
					r.unicast.attach(d.link)
				}
				r.settle()
			}
			for _, l := range d.lines {
				if l.out == nil {
					l.connect()
				}
			}
			h.watchPeers(d)
			h.refresh(d)
		})
		if !posted {
			f.close()
		}
	}()
}

// strip gives up what nobody needs of a device, on the loop: groups, the link,
// the device itself.
func (h *host) strip(d *device) {
	beside := func(r *router) bool {
		return slices.ContainsFunc(r.besides, func(b *beside) bool { return b.device == d })
	}
	d.linked = len(d.routers) > 0 || len(d.lines) > 0 || slices.ContainsFunc(h.routers, beside)
	d.door = slices.ContainsFunc(h.routers, func(r *router) bool { return slices.Contains(r.refusal.doors, d) })
	if d.watched != nil && len(d.watched.routers) == 0 {
		d.watched = nil
	}
	if !d.linked {
		h.abandon(d)
	}
	if !d.linked && d.watched == nil {
		delete(h.devices, d.name)
		return
	}
	if d.link == nil {
		return
	}
	used := d.groups()
	for g, m := range d.link.member {
		if len(used) > 0 && !slices.Contains(used, g) {
			delete(d.link.member, g)
			go func() { _ = m.Close() }() // leaving a group may wait for the kernel
		}
	}
	h.mend(d)
}

// noInterface is the first interface that a configuration needs and that has
// never been there. One that has been is waited for.
func (h *host) noInterface(cfg *config.Config, known func(string) bool) error {
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		names := []string{r.Interface}
		for _, t := range r.Interfaces {
			names = append(names, t.Name)
		}
		for _, name := range names {
			if _, ok := h.addrs.Link(name); !ok && !known(name) {
				return &preflight.NoInterfaceError{Name: name, Router: r.Name, Pos: r.Pos}
			}
		}
	}
	return nil
}

// sourceNow is where a router's adverts come from now.
func (r *router) sourceNow() netip.Addr {
	if s := r.source(r.device.own(vrrp.Family(r.cfg.Family))); s.IsValid() {
		return s
	}
	return r.machine.Config().Primary
}
