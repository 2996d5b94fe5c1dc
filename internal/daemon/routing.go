package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/stats"
)

// openStatic asks for what the host has whoever is MASTER. The manager makes it
// in the order of asking, so before what any router has.
func (h *host) openStatic(s *config.Static) error {
	if len(s.Addresses)+len(s.Routes)+len(s.Rules) == 0 {
		return nil
	}
	return h.setStatic(s)
}

func (h *host) setStatic(s *config.Static) error {
	if err := h.addrs.Declare(vip.Host, addressList(s.Addresses)); err != nil {
		return err
	}
	h.addrs.DeclareRouting(vip.Host, routesOf(s.Routes), rulesOf(s.Rules))
	h.addrs.Hold(vip.Host)
	h.static.Store(s)
	return nil
}

// keepStatic gives up the static addresses that are not in s; declareStatic has
// all that is. That they can be had was found out before.
func (h *host) keepStatic(s *config.Static) {
	was := h.static.Load()
	if was == nil {
		return
	}
	keep := *was
	keep.Addresses = slices.DeleteFunc(slices.Clone(was.Addresses), func(a config.Address) bool {
		return !slices.ContainsFunc(s.Addresses, func(b config.Address) bool { return a.Prefix == b.Prefix && a.Device == b.Device })
	})
	h.declareStatic(&keep)
}

func (h *host) declareStatic(s *config.Static) {
	if err := h.setStatic(s); err != nil {
		h.log.Error("static addresses: " + err.Error())
	}
}

// declareRouting says which routes and rules a router has as MASTER.
func (r *router) declareRouting() {
	r.out.addresses.DeclareRouting(r.owner, routesOf(r.cfg.Routes), rulesOf(r.cfg.Rules))
}

// ownerName is a router's name, or what stands for the host.
func ownerName(owner string) string { return cmp.Or(owner, "static") }

// routeEvent takes news of routes and rules, if it is that: nothing on the loop
// depends on them, and they may be many.
func (h *host) routeEvent(e vip.Event) bool {
	who := ownerName(e.Owner)
	switch e.Kind {
	case vip.RouteFailed:
		text := fmt.Sprintf("(%s) %s: %v", who, e.What, e.Err)
		if hint := routeHint(e.Err); hint != "" {
			text += ": " + hint
		}
		h.log.Error(text+"; trying again", "at", e.Origin)
	case vip.RouteMade:
		h.log.Info(fmt.Sprintf("(%s) %s is there now", who, e.What))
	case vip.RouteRestored:
		h.log.Warn(fmt.Sprintf("(%s) %s was removed by %s; put back after %v", who, e.What, e.Culprit, e.Took))
	case vip.RouteForeign:
		h.log.Warn(fmt.Sprintf("(%s) %s is on this host and not by us%s: it will be left alone", who, e.What, by(e.Culprit)), "at", e.Origin)
	default:
		return false
	}
	return true
}

// routeHint is what to do about an error of the kernel.
func routeHint(err error) string {
	switch {
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH):
		return "the gateway is on no subnet of this host; give the host an address there, or write dev and onlink"
	case errors.Is(err, unix.ENETDOWN):
		return "it will be made when the interface is up"
	case errors.Is(err, unix.EAFNOSUPPORT), errors.Is(err, unix.EOPNOTSUPP):
		return "this kernel does not have it (rules need CONFIG_IP_MULTIPLE_TABLES, IPv6 must not be disabled)"
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return "it takes CAP_NET_ADMIN"
	}
	return ""
}

// maxShown bounds the routes and rules of one owner in a status.
const maxShown = 100

// routingStatus is an owner's routes and rules, and how many more there are.
func (h *host) routingStatus(owner string) (shown []stats.Route, more int) {
	for _, s := range h.addrs.Routing(owner) {
		if len(shown) == maxShown {
			more++
			continue
		}
		r := stats.Route{Text: s.What, At: s.Origin, Present: s.Present, Foreign: s.Foreign}
		if s.Err != nil {
			r.Error = s.Err.Error()
		}
		shown = append(shown, r)
	}
	return shown, more
}
