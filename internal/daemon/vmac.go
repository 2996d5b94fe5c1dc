package daemon

import (
	"fmt"
	"maps"
	"net"
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// vmac is what a router with virtual MAC addresses knows of its devices. They
// carry addresses; adverts, gratuitous ARPs and neighbour advertisements go out
// on the interface below them with the virtual MAC as source, and come in there.
// So a BACKUP hears although its devices are down, and a farewell goes out.
type vmac struct {
	missing map[string]error // devices that cannot be made, by name
	// taking: the addresses were asked for and are not known to be there yet.
	taking bool
}

// advertMAC is the MAC address that adverts come from.
func (r *router) advertMAC() net.HardwareAddr {
	if own, ok := r.cfg.OwnVMAC(); ok && !r.cfg.XmitBase {
		return own.MAC[:]
	}
	return r.link.MAC
}

// macOf is the MAC address behind which an address is.
func (r *router) macOf(a config.Address) net.HardwareAddr {
	for _, v := range r.cfg.VMACs {
		if v.Name == a.VMAC {
			return v.MAC[:]
		}
	}
	return r.link.MAC
}

// postpones tells whether the addresses may not be announced yet. Behind a
// virtual MAC they are once they are there (RFC 9568 section 8.1.2): the first
// advert, which has that MAC as its source, has led the switches here by then,
// and no neighbour has to learn another.
func (r *router) postpones() bool { return r.vmac.taking && len(r.cfg.VMACs) > 0 }

// announcePostponed is called when the addresses have been taken.
func (r *router) announcePostponed() {
	if !r.postpones() {
		return
	}
	r.vmac.taking = false
	if r.machine.State() == vrrp.Master {
		r.announceAnew()
	}
}

// announceAnew is the whole schedule of gratuitous ARPs, from its beginning.
func (r *router) announceAnew() {
	if listening(r.machine) {
		return // another may have them; heard nobody, it announces all
	}
	r.queueGARPs()
	r.flush()
	r.announce(false)
}

// deviceEvent takes news of a router's device: without it there is nothing to
// put addresses on.
func (h *host) deviceEvent(r *router, e vip.Event) {
	switch {
	case r == nil:
		return
	case e.Kind == vip.Missing:
		if r.vmac.missing == nil {
			r.vmac.missing = map[string]error{}
		}
		r.vmac.missing[e.Device] = e.Err
		h.log.Error(fmt.Sprintf("(%s) no device %s: %v", r.cfg.Name, e.Device, e.Err))
	case e.Took > 0:
		h.log.Warn(fmt.Sprintf("(%s) device %s was removed or changed by someone (the kernel does not say who); put right after %v, still %v",
			r.cfg.Name, e.Device, e.Took, r.machine.State()))
		if r.machine.State() == vrrp.Master {
			r.announceAnew()
		}
		fallthrough
	default:
		delete(r.vmac.missing, e.Device)
	}
	h.refresh(h.devices[r.cfg.Interface])
}

// vmacFaults are the causes that keep a router without its devices in FAULT.
func (r *router) vmacFaults() (faults []string) {
	for _, name := range slices.Sorted(maps.Keys(r.vmac.missing)) {
		faults = append(faults, fmt.Sprintf("no device %s: %v", name, r.vmac.missing[name]))
	}
	return faults
}

// vmacStatus is for any goroutine.
func (h *host) vmacStatus(owner string) (all []stats.VMAC) {
	for _, d := range h.addrs.Devices() {
		if d.Owner != owner {
			continue
		}
		s := stats.VMAC{Name: d.Name, MAC: net.HardwareAddr(d.MAC[:]).String(), Exists: d.There, Up: d.Up}
		if d.Err != nil {
			s.Error = d.Err.Error()
		}
		all = append(all, s)
	}
	return all
}
