package doctor

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// link looks at the interfaces on which routers speak.
func (v *visit) link() {
	if v.noRouters() {
		return
	}
	mark := len(v.results)
	v.allLinks()
	if v.err != nil {
		v.skip("", "", "the interfaces cannot be listed: %v", v.err)
		return
	}
	names := v.interfaces()
	for _, name := range names {
		l, ok := v.link1(name)
		if !ok {
			v.add(Result{Verdict: Bad, Subject: name, Finding: "this host has no interface " + name, Evidence: []string{"interfaces: " + list(v.linkNames())},
				Fix: "correct the name, or make the interface before vrrpx starts; in another network namespace: ip netns exec NAME vrrpx doctor"})
			continue
		}
		v.usable(l)
	}
	v.clear(mark, "%s: there, up and with carrier", list(names))
}

func (v *visit) linkNames() (names []string) {
	for _, l := range v.allLinks() {
		names = append(names, l.Name)
	}
	return names
}

func (v *visit) usable(l Link) {
	say := func(verdict Verdict, fix, evidence, format string, a ...any) {
		v.add(Result{Verdict: verdict, Subject: l.Name, Finding: fmt.Sprintf(format, a...), Evidence: []string{evidence}, Fix: fix})
	}
	if !slices.ContainsFunc(v.Routers, func(r config.Router) bool { return r.Interface == l.Name }) { // heartbeats alone
		if !l.Up || !l.Carrier {
			say(Warn, "ip link set "+l.Name+" up; the cable, or the port of the switch", fmt.Sprintf("up %v, carrier %v", l.Up, l.Carrier), "the heartbeat line by %s is lost: there is one cable less to fail", l.Name)
		}
		return
	}
	switch {
	case !l.Up:
		say(Bad, "ip link set "+l.Name+" up", "IFF_UP is not set", "%s is down: its routers are in FAULT", l.Name)
	case !l.Carrier:
		say(Bad, "the cable, the port of the switch, or the other end of the veth", "no carrier", "%s has no carrier: its routers are in FAULT", l.Name)
	}
	if !l.Multicast && slices.ContainsFunc(v.Routers, func(r config.Router) bool { return r.Interface == l.Name && !r.Unicast() }) {
		say(Bad, "ip link set "+l.Name+" multicast on, or unicast_peer", "IFF_MULTICAST is not set", "%s takes no multicast: adverts to the group do not come in", l.Name)
	}
	if l.NoARP {
		say(Bad, "ip link set "+l.Name+" arp on", "IFF_NOARP is set", "%s does no ARP: nobody finds the virtual addresses", l.Name)
	}
	if m, ok := v.byIndex(l.Master); ok && slices.Contains([]string{"bridge", "bond", "team", "openvswitch"}, l.MasterKind) {
		say(Bad, "interface "+m.Name+" in the configuration", fmt.Sprintf("master %s, a %s", m.Name, l.MasterKind),
			"%s is a part of the %s %s: what is sent to addresses on it never arrives there", l.Name, l.MasterKind, m.Name)
	}
	for i := range v.Routers {
		r := &v.Routers[i]
		if r.Interface != l.Name {
			continue
		}
		if need := advertLength(r); l.MTU > 0 && need > l.MTU {
			say(Bad, "virtual_ipaddress_excluded for most of the addresses, or a greater MTU", fmt.Sprintf("%d addresses, MTU %d", len(r.Addresses), l.MTU),
				"an advert of %s is %d octets long, and is not sent by %s", r.Name, need, l.Name)
		}
		if own := v.own(r); !own.IsValid() {
			if r.Family == 4 { // of the other family tells ipv6
				say(Bad, "give it an address, or write mcast_src_ip or unicast_src_ip", "no address of its own", "%s has no IPv4 address that adverts of %s could come from: FAULT", l.Name, r.Name)
			}
		} else if r.Source.IsValid() && !v.has(r.Source) {
			say(Warn, "give the address to an interface, or correct mcast_src_ip or unicast_src_ip", "addresses: "+prefixes(l.Addresses),
				"adverts of %s come from %s, which this host does not have: peers that answer it reach nobody", r.Name, r.Source)
		}
	}
}

// has tells whether the host has an address.
func (v *visit) has(addr netip.Addr) bool {
	return slices.ContainsFunc(v.allLinks(), func(l Link) bool {
		return slices.ContainsFunc(l.Addresses, func(a Address) bool { return a.Addr() == addr })
	})
}

func prefixes(all []Address) string {
	var names []string
	for _, a := range all {
		names = append(names, a.String())
	}
	if len(names) == 0 {
		return "none"
	}
	return list(names)
}

// stack is an interface and those that it stands on, of VLANs and macvlans.
func (v *visit) stack(name string) (all []Link) {
	l, ok := v.link1(name)
	for ; ok && len(all) < 8; l, ok = v.byIndex(l.Lower) {
		all = append(all, l)
	}
	return all
}

// linkLocalGroups are flooded by every bridge and switch, as RFC 4541 section 2.1.2
// has it.
var linkLocalGroups = netip.MustParsePrefix("224.0.0.0/24")

func (v *visit) bridge() {
	if v.noRouters() {
		return
	}
	mark := len(v.results)
	told := map[string]bool{}
	seen := false
	for i := range v.Routers {
		r := &v.Routers[i]
		for _, l := range v.stack(r.Interface) {
			if l.Bridge == nil || told[l.Name+r.Group.String()] || r.Unicast() {
				continue
			}
			told[l.Name+r.Group.String()], seen = true, true
			v.snooping(l, r)
			v.floods(l, r)
		}
	}
	if !seen {
		v.clear(mark, "no router speaks multicast by a bridge of this host")
		return
	}
	v.clear(mark, "the bridges pass the groups on to their ports")
}

// asked tells whether a bridge hears who is a member of a router's group.
func asked(b *Bridge, r *config.Router) bool {
	if r.Family == 6 {
		return b.Querier || b.Heard6
	}
	return b.Querier || b.Heard
}

// snooping: 224.0.0.18 is always flooded; other groups, and those of IPv6, go only
// where members are known, and members are known only while somebody asks for them.
// Without, a Linux bridge floods, and other switches do not.
func (v *visit) snooping(l Link, r *config.Router) {
	if !l.Bridge.Snooping || asked(l.Bridge, r) || linkLocalGroups.Contains(r.Group) {
		return
	}
	v.add(Result{Verdict: Warn, Subject: l.Name, Finding: fmt.Sprintf("%s looks after members of multicast groups, and nobody asks who is one: it floods adverts to %s meanwhile, and a switch behind it may lose them", l.Name, r.Group),
		Evidence: []string{"mcast_snooping 1, mcast_querier 0, no querier heard"},
		Fix:      fmt.Sprintf("ip link set %s type bridge mcast_querier 1, or mcast_snooping 0; IGMP and MLD snooping with a querier, or without snooping, in the switches", l.Name)})
}

// floods finds ports that get only what they have asked for. Nobody can ask for a
// group of 224.0.0.0/24: it is in no membership report that a bridge keeps.
func (v *visit) floods(l Link, r *config.Router) {
	if l.Bridge.Snooping && asked(l.Bridge, r) && !linkLocalGroups.Contains(r.Group) {
		return
	}
	var deaf []string
	ports := 0
	for _, p := range v.allLinks() {
		if p.Master != l.Index || p.Port == nil {
			continue
		}
		ports++
		if p.Port.NoMulticastFlood {
			deaf = append(deaf, p.Name)
		}
	}
	if len(deaf) == 0 {
		return
	}
	verdict := Warn // it may be one to which no peer is connected
	if len(deaf) == ports {
		verdict = Bad
	}
	v.add(Result{Verdict: verdict, Subject: l.Name, Finding: fmt.Sprintf("the bridge %s does not flood multicast to %s: adverts of %s do not leave by it", l.Name, list(deaf), r.Name),
		Evidence: []string{"mcast_flood off"}, Fix: fmt.Sprintf("bridge link set dev %s mcast_flood on, or unicast_peer", deaf[0])})
}

// advertLength is that of the IP packet of a router's advert, which is one frame
// whatever it has to say.
func advertLength(r *config.Router) int {
	n := 20 + 8 + 4*len(r.Addresses)
	if r.Family == 6 {
		n = 40 + 8 + 16*len(r.Addresses)
	}
	if r.Version == 2 {
		n += 8
	}
	if r.Auth.Type == config.AuthAH {
		n += vrrp.AHLen
	}
	if r.HMAC != nil {
		n += vrrp.TrailerLen
	}
	return n
}
