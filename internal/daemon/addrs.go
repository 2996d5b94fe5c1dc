package daemon

import (
	"fmt"

	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/vrrp"
)

// addrEvent takes news from the manager of addresses, on the loop.
func (h *host) addrEvent(e vip.Event) {
	r := h.router(e.Owner)
	if e.Kind == vip.Released {
		h.left(e.Owner)
	}
	if r != nil {
		e.Owner = r.cfg.Name // for people
	}
	switch e.Kind {
	case vip.Held, vip.Released:
		for _, err := range e.Errors {
			h.log.Error(fmt.Sprintf("(%s) %v: %v", ownerName(e.Owner), e.Kind, err))
		}
		if e.Kind == vip.Released && r != nil && r.machine.State() != vrrp.Master {
			r.admit()
			r.released()
		}
		h.log.Debug(fmt.Sprintf("(%s) addresses %v", ownerName(e.Owner), e.Kind), "took", e.Took)
		if r != nil && e.Kind == vip.Held {
			r.admitOthers()
			r.announcePostponed()
		}
	case vip.Restored:
		if e.Owner == vip.Host {
			h.log.Warn(fmt.Sprintf("(%s) %s was removed by %s; put back after %v", ownerName(e.Owner), e.Address, e.Culprit, e.Took))
			break
		}
		if r != nil {
			r.giveWay()
			r.settle()
		}
		if r == nil || r.machine.State() != vrrp.Master {
			// IPv6 addresses go with the link, which has been told by now.
			h.log.Debug(fmt.Sprintf("(%s) %s was removed by %s, put back, and is to go", e.Owner, e.Address, e.Culprit))
			break
		}
		h.log.Warn(fmt.Sprintf("(%s) %s was removed by %s; put back after %v, still MASTER", e.Owner, e.Address, e.Culprit, e.Took))
		r.announceAnew()
	case vip.Foreign:
		h.log.Warn(fmt.Sprintf("(%s) %s is on this host and not by us%s: it will be left alone", ownerName(e.Owner), e.Address, by(e.Culprit)))
	case vip.Lost:
		h.log.Error(fmt.Sprintf("the kernel removed %s with a virtual address, as its secondary: set net.ipv4.conf.all.promote_secondaries=1", e.Address))
	case vip.Cleaned:
		h.log.Info(fmt.Sprintf("removed %s, which a killed vrrpx had left", e.What))
	case vip.Trouble:
		subject := e.Address.String()
		if e.Device != "" {
			subject = e.Device
		}
		h.log.Error(fmt.Sprintf("(%s) %s: %v; trying again", ownerName(e.Owner), subject, e.Err))
	case vip.Missing, vip.Made:
		h.deviceEvent(r, e)
	default:
		h.linkEvent(e)
	}
}

func by(culprit string) string {
	if culprit == "" {
		return ""
	}
	return " but by " + culprit
}

// router is that of a name in pacer, announcer and manager of addresses.
func (h *host) router(name string) *router {
	for _, r := range h.routers {
		if r.owner == name {
			return r
		}
	}
	return nil
}
