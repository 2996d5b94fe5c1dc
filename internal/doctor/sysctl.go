package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vrrpx/vrrpx/internal/config"
)

// key is how sysctl(8) wants the name of an interface: a dot in it would part words.
func key(device string) string { return strings.ReplaceAll(device, ".", "/") }

// twins are other interfaces, up and not a part of this one, that have addresses of
// a subnet that this one has too.
func (v *visit) twins(l Link, subnets []netip.Prefix) (names []string) {
	for _, other := range v.allLinks() {
		if other.NoARP || other.MAC == ([6]byte{}) { // a tunnel answers no ARP
			continue
		}
		if other.Index == l.Index || !other.Up || isolated(l, other) || other.Lower == l.Index || l.Lower == other.Index || l.Master == other.Index || other.Master == l.Index {
			continue
		}
		shared := slices.ContainsFunc(other.Addresses, func(a Address) bool {
			return !a.IsSingleIP() && a.Addr().Is4() && slices.ContainsFunc(subnets, a.Prefix.Overlaps)
		})
		if shared {
			names = append(names, other.Name)
		}
	}
	return names
}

// subnets are those of IPv4 of an interface, its virtual addresses among them.
func subnets4(l Link, more []config.Address) (all []netip.Prefix) {
	for _, a := range l.Addresses {
		if a.Addr().Is4() && !a.IsSingleIP() {
			all = append(all, a.Prefix)
		}
	}
	for _, a := range more {
		if a.Prefix.Addr().Is4() && !a.Prefix.IsSingleIP() {
			all = append(all, a.Prefix)
		}
	}
	return all
}

func (v *visit) rpFilter() {
	if v.noRouters() {
		return
	}
	mark := len(v.results)
	names, on := v.devices(4)
	for _, name := range names {
		n, text := v.conf("ipv4", name, "rp_filter")
		l, ok := v.link1(name)
		if n != 1 || !ok {
			continue
		}
		if twins := v.twins(l, subnets4(l, on[name])); len(twins) > 0 {
			v.add(Result{Verdict: Warn, Subject: name, Finding: fmt.Sprintf("strict reverse path filtering, and %s has the same subnet: packets to virtual addresses that come in by the interface by which the kernel does not answer are dropped", list(twins)),
				Evidence: []string{text}, Fix: fmt.Sprintf("sysctl -w net.ipv4.conf.%s.rp_filter=2, and in /etc/sysctl.d", key(name))})
		}
	}
	v.clear(mark, "no packet to a virtual address is dropped for where it comes from; adverts are heard before that in any case")
}

func (v *visit) arp() {
	if v.noRouters() {
		return
	}
	mark := len(v.results)
	names, on := v.devices(4)
	for _, name := range names {
		l, ok := v.link1(name)
		if !ok {
			continue
		}
		v.arpAnswers(l, on[name])
		if n, ok := v.sysctl("ipv4/conf/" + name + "/proxy_arp_pvlan"); ok && n != 0 {
			v.add(Result{Verdict: Bad, Subject: name, Finding: "the host answers ARP for every address on the LAN, virtual ones of another host too: neighbours send to the wrong one",
				Evidence: []string{fmt.Sprintf("net.ipv4.conf.%s.proxy_arp_pvlan = %d", key(name), n)}, Fix: fmt.Sprintf("sysctl -w net.ipv4.conf.%s.proxy_arp_pvlan=0", key(name))})
		}
	}
	v.clear(mark, "the host answers for the addresses that it holds, where it holds them")
}

// arpAnswers looks whether the host answers for its virtual addresses, and by one
// interface alone (Documentation/networking/ip-sysctl.rst).
func (v *visit) arpAnswers(l Link, addrs []config.Address) {
	ignore, text := v.conf("ipv4", l.Name, "arp_ignore")
	if text == "" {
		return
	}
	set := fmt.Sprintf("sysctl -w net.ipv4.conf.%s.arp_ignore=1 (and all.arp_ignore not above 1), and in /etc/sysctl.d", key(l.Name))
	single := slices.IndexFunc(addrs, func(a config.Address) bool { return a.Prefix.IsSingleIP() })
	switch {
	case ignore == 8:
		v.add(Result{Verdict: Bad, Subject: l.Name, Finding: "the host answers no ARP: nobody finds the virtual addresses once they have moved", Evidence: []string{text}, Fix: set})
		return
	case ignore == 2 && single >= 0:
		v.add(Result{Verdict: Bad, Subject: l.Name, Finding: fmt.Sprintf("ARP is answered only to who is in the subnet of the address, and %s has none: nobody is answered", addrs[single].Prefix),
			Evidence: []string{text, "at " + addrs[single].Pos.String()}, Fix: "write the length of the subnet behind the address; or " + set})
		return
	}
	if ignore != 0 {
		return
	}
	if n, ok := v.sysctl("ipv4/conf/" + l.Name + "/arp_filter"); ok && n != 0 {
		return
	}
	if all, ok := v.sysctl("ipv4/conf/all/arp_filter"); ok && all != 0 {
		return
	}
	if twins := v.twins(l, subnets4(l, addrs)); len(twins) > 0 {
		_, announce := v.conf("ipv4", l.Name, "arp_announce")
		v.add(Result{Verdict: Warn, Subject: l.Name, Finding: fmt.Sprintf("%s has the same subnet, and the host answers ARP for the virtual addresses by it too: after a takeover neighbours may have the MAC address of the wrong interface", list(twins)),
			Evidence: []string{text, announce}, Fix: "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2, and in /etc/sysctl.d"})
	}
}

func (v *visit) nonlocalBind() {
	if v.noRouters() {
		return
	}
	mark := len(v.results)
	for _, family := range []uint8{4, 6} {
		n, ok := v.sysctl(fmt.Sprintf("ipv%d/ip_nonlocal_bind", family))
		i := slices.IndexFunc(v.Routers, func(r config.Router) bool { return r.Family == family && r.Priority != 255 && len(r.Addresses) > 0 })
		if !ok || n != 0 || i < 0 {
			continue
		}
		addr := v.Routers[i].Addresses[0].Prefix.Addr()
		v.add(Result{Verdict: Note, Subject: fmt.Sprintf("IPv%d", family), Finding: fmt.Sprintf("a service that listens on %s itself does not start while another host holds it", addr),
			Evidence: []string{fmt.Sprintf("net.ipv%d.ip_nonlocal_bind = 0", family)},
			Fix:      fmt.Sprintf("sysctl -w net.ipv%d.ip_nonlocal_bind=1, and in /etc/sysctl.d, or let it listen on every address", family)})
	}
	v.clear(mark, "services can listen on virtual addresses that another host holds")
}

// secondaries: where an interface has no address of its own in the subnet of two
// routers' addresses, the one that came first is primary, and takes the other with
// it when it goes, unless the kernel promotes that.
func (v *visit) secondaries() {
	if v.noRouters() {
		return
	}
	mark := len(v.results)
	type place struct {
		device string
		subnet netip.Prefix
	}
	first := map[place]*config.Router{}
	told := map[place]bool{}
	for i := range v.Routers {
		r := &v.Routers[i]
		for _, a := range r.All() {
			at := place{a.Device, a.Prefix.Masked()}
			if !a.Prefix.Addr().Is4() || a.Prefix.IsSingleIP() || told[at] {
				continue
			}
			if first[at] == nil {
				first[at] = r
			}
			if first[at] == r {
				continue
			}
			own, _ := v.sysctl("ipv4/conf/" + a.Device + "/promote_secondaries")
			all, _ := v.sysctl("ipv4/conf/all/promote_secondaries")
			l, ok := v.link1(a.Device)
			if own+all > 0 || !ok || slices.ContainsFunc(l.Addresses, func(have Address) bool {
				return have.Masked() == at.subnet && !virtual(v.Routers, have.Addr())
			}) {
				continue
			}
			told[at] = true
			v.add(Result{Verdict: Warn, Subject: a.Device, Finding: fmt.Sprintf("%s and %s have addresses of %s, of which the interface has none of its own: when one gives its address up the kernel removes the other's too, for the moment until vrrpx has put it back", first[at].Name, r.Name, at.subnet),
				Evidence: []string{fmt.Sprintf("net.ipv4.conf.%s.promote_secondaries = 0, all.promote_secondaries = 0", key(a.Device))},
				Fix:      "sysctl -w net.ipv4.conf.all.promote_secondaries=1, and in /etc/sysctl.d"})
		}
	}
	v.clear(mark, "no address goes with another router's")
}

func (v *visit) ipv6() {
	if v.noRouters() {
		return
	}
	names, on := v.devices(6)
	for i := range v.Routers {
		if r := &v.Routers[i]; r.Family == 6 && !slices.Contains(names, r.Interface) {
			names = append(names, r.Interface)
		}
	}
	if len(names) == 0 {
		v.skip("", "", "no IPv6 in the configuration")
		return
	}
	mark := len(v.results)
	for _, name := range names {
		l, ok := v.link1(name)
		if !ok {
			continue
		}
		off, known := v.sysctl("ipv6/conf/" + name + "/disable_ipv6")
		switch {
		case !known:
			v.add(Result{Verdict: Bad, Subject: name, Finding: "the kernel has no IPv6 on it: addresses cannot be set", Evidence: []string{"no /proc/sys/net/ipv6/conf/" + name},
				Fix: "without ipv6.disable=1 on the kernel's command line; an MTU of 1280 at least"})
			continue
		case off != 0:
			v.add(Result{Verdict: Bad, Subject: name, Finding: "IPv6 is disabled on it: addresses cannot be set", Evidence: []string{fmt.Sprintf("net.ipv6.conf.%s.disable_ipv6 = %d", key(name), off)},
				Fix: fmt.Sprintf("sysctl -w net.ipv6.conf.%s.disable_ipv6=0, and in /etc/sysctl.d", key(name))})
			continue
		}
		v.detection(l, on[name])
		v.linkLocal(l)
	}
	v.clear(mark, "IPv6 works on %s", list(names))
}

// detection looks at duplicate address detection (RFC 4862).
func (v *visit) detection(l Link, addrs []config.Address) {
	for _, a := range l.Addresses {
		if a.Duplicate {
			v.add(Result{Verdict: Bad, Subject: l.Name, Finding: fmt.Sprintf("another host has %s: the kernel does not use it", a.Prefix), Evidence: []string{"flag dadfailed"},
				Fix: "remove one of the two; where a mirror of the LAN returns frames: sysctl -w net.ipv6.conf." + key(l.Name) + ".enhanced_dad=1"})
		}
	}
	n, text := v.conf("ipv6", l.Name, "accept_dad")
	if n == 2 {
		v.add(Result{Verdict: Warn, Subject: l.Name, Finding: "IPv6 is disabled on the interface as soon as its link-local address is found to be another host's, such as a cloned one's",
			Evidence: []string{text}, Fix: fmt.Sprintf("sysctl -w net.ipv6.conf.all.accept_dad=1 net.ipv6.conf.%s.accept_dad=1", key(l.Name))})
	}
	if i := slices.IndexFunc(addrs, func(a config.Address) bool { return a.DAD }); i >= 0 && n > 0 {
		v.add(Result{Verdict: Warn, Subject: l.Name, Finding: fmt.Sprintf("%s is not answered for until duplicate address detection is over, a second or more after each takeover", addrs[i].Prefix.Addr()),
			Evidence: []string{text, "-nodad at " + addrs[i].Pos.String()}, Fix: "remove -nodad: a new MASTER knows whose the address is"})
	}
}

// linkLocal looks for the address that adverts over IPv6 come from (RFC 9568
// section 5.1.2.1).
func (v *visit) linkLocal(l Link) {
	for i := range v.Routers {
		r := &v.Routers[i]
		if r.Family != 6 || r.Interface != l.Name || v.own(r).IsValid() {
			continue
		}
		_, text := v.conf("ipv6", l.Name, "addr_gen_mode")
		v.add(Result{Verdict: Bad, Subject: l.Name, Finding: fmt.Sprintf("it has no link-local address that adverts of %s could come from: FAULT", r.Name),
			Evidence: []string{"addresses: " + prefixes(l.Addresses), text}, Fix: fmt.Sprintf("ip link set %s addrgenmode eui64, then down and up; or ip address add fe80::N/64 dev %s", l.Name, l.Name)})
		return
	}
}

// isolated tells whether two interfaces are of different VRFs.
func isolated(a, b Link) bool {
	return (a.MasterKind == "vrf" || b.MasterKind == "vrf") && a.Master != b.Master
}
