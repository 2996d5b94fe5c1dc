package daemon

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/vrrp"
)

// needs is what the interface is wanted for.
func (d *device) needs() link.Needs {
	return link.Needs{Groups: d.groups(), Linked: d.linked, Door: d.door}
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

// outfit is what the device's link offers now.
func (d *device) outfit() link.Outfit {
	o := link.Outfit{Exists: d.exists, Link: d.link}
	if d.link != nil {
		o.Groups = d.link.Groups()
	}
	return o
}

// fit puts it in place, on the loop; false when the link has become another
// meanwhile, and the fitting is of no use.
func (h *host) fit(d *device, f *link.Fitting) bool {
	if d.link != f.Old || !d.exists {
		go f.Close() // it may wait for the kernel
		return false
	}
	l := d.link
	if f.Fresh == nil {
		f.Extend()
		return true
	}
	if l != nil {
		f.Fresh.Succeed(l)
		if l.Socket != nil {
			h.loop.removePath(l.Socket)
		}
		go func() { _ = l.Close() }()
	}
	if err := h.adopt(d, f.Fresh); err != nil {
		d.link, d.note = nil, err.Error()
		h.log.Error(fmt.Sprintf("interface %s cannot be used: %v", d.name, err))
		go func() { _ = f.Fresh.Close() }()
		return false
	}
	return true
}

// mend fits a link to what its device is wanted for now: it was opened for what
// it was wanted for when the interface came, and a reload may have come between.
func (h *host) mend(d *device) {
	dev, ok := h.addrs.Link(d.name)
	has, n := d.outfit(), d.needs()
	if !ok || has.Link == nil || has.Link.Index != dev.Index || h.links.Serves(has, n) {
		return
	}
	go func() {
		f, err := h.links.Fit(dev, has, n)
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
			f.Close()
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
	if used := d.groups(); len(used) > 0 {
		d.link.Keep(used)
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
