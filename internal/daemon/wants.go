package daemon

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/iproute"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/vip"
)

// What a configuration wants of the host.

// needsOf is what a configuration wants of each interface that it has routers or
// addresses on, and of those that are tracked alone.
func (h *host) needsOf(cfg *config.Config) map[string]link.Needs {
	all := map[string]link.Needs{}
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		n := all[r.Interface]
		n.Linked, n.Door = true, n.Door || refuses(r)
		if g := memberOf(r); !slices.Contains(n.Groups, g) {
			n.Groups = append(n.Groups, g)
		}
		all[r.Interface] = n
		for j := range r.Heartbeats {
			hb := &r.Heartbeats[j]
			n := all[hb.Interface]
			n.Linked = true
			if g := memberOfLine(r, hb); !slices.Contains(n.Groups, g) {
				n.Groups = append(n.Groups, g)
			}
			all[hb.Interface] = n
		}
		for _, a := range r.All() {
			if a.Device != r.Interface {
				n := all[a.Device]
				if !h.loopback(a.Device) {
					n.Linked, n.Door = true, n.Door || refuses(r)
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
				all[name] = link.Needs{}
			}
		}
	}
	return all
}

func memberOf(c *config.Router) netip.Addr {
	switch {
	case len(c.Peers) == 0:
		return c.Group
	case c.Family == 6:
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// memberOfLine is what a line needs of its interface; see device.groups.
func memberOfLine(c *config.Router, h *config.Heartbeat) netip.Addr {
	switch {
	case len(h.Peers) == 0:
		return c.Group
	case c.Family == 6:
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// hasPeers tells whether a router speaks to unicast peers, on whichever line.
func hasPeers(c *config.Router) bool {
	return len(c.Peers) > 0 || slices.ContainsFunc(c.Heartbeats, func(h config.Heartbeat) bool { return len(h.Peers) > 0 })
}

func refuses(c *config.Router) bool { return !c.Accept && c.Priority != 255 }

// addressesOf is a router's virtual addresses for the host.
func addressesOf(c config.Router) []vip.Address { return addressList(c.All()) }

func addressList(list []config.Address) []vip.Address {
	var as []vip.Address
	for _, a := range list {
		as = append(as, vip.Address{
			Prefix: a.Prefix, Device: carrier(a), Label: a.Label, Scope: uint8(a.Scope), Broadcast: a.Broadcast,
			NoPrefixRoute: a.NoPrefixRoute, Peer: a.Peer, DAD: a.DAD, Home: a.Home, ManageTemp: a.ManageTemp,
			Preferred: vip.Lifetime{Limited: a.Preferred.Limited, Seconds: uint32(a.Preferred.Time / time.Second)},
		})
	}
	return as
}

// devicesOf are a router's devices for the host.
func devicesOf(c config.Router) (devices []vip.MACVLAN) {
	for _, v := range c.VMACs {
		devices = append(devices, vip.MACVLAN{
			Name: v.Name, Base: c.Interface, MAC: v.MAC, IPv4: v.Family == 4, IPv6: v.Family == 6,
		})
	}
	return devices
}

// carrier is the device that an address is on.
func carrier(a config.Address) string { return cmp.Or(a.VMAC, a.Device) }

func routesOf(list []config.Route) (all []iproute.Route) {
	for _, r := range list {
		all = append(all, r.Route)
	}
	return all
}

func rulesOf(list []config.Rule) (all []iproute.Rule) {
	for _, r := range list {
		all = append(all, r.Rule)
	}
	return all
}
