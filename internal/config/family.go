package config

import "net/netip"

// resolveFamily settles whether a router is IPv4's or IPv6's: native_ipv6 says
// so, else the first address does, or where there is none the unicast source or
// peer. As in keepalived it has one family only,
// and IPv6 has no other version than 3.
func (in *interpreter) resolveFamily(d *draft) {
	if d.given("native_ipv6") || d.firstAddr().Is6() {
		d.Family = 6
	}
	kept := d.Addresses[:0]
	for _, a := range d.Addresses {
		if familyOf(a.Prefix.Addr()) != d.Family {
			in.diags.errorf(a.Pos, "give it to a vrrp_instance of its own; one VRID can serve both",
				"(%s) %s: expected IPv%d, as the router is", plain(d.Name), a.Prefix.Addr(), d.Family)
			continue
		}
		kept = append(kept, a)
	}
	d.Addresses = kept
	if d.Family == 6 && !d.given("mcast_dst_ip") {
		d.Group = in.global.Group6
	}
	if d.Family != 6 {
		return
	}
	if pos, given := d.seen["mcast_src_ip"]; given {
		in.diags.errorf(pos, "remove it: adverts come from the interface's link-local address", "(%s) mcast_src_ip of an IPv6 router is not supported yet", plain(d.Name))
		d.Source = netip.Addr{}
	}
	if d.Version != 3 {
		if pos := in.origin(d, "version", "vrrp_version"); pos.File != "" {
			in.diags.warnf(pos, "write version 3", "(%s) IPv6 routers speak VRRP version 3, not %d", plain(d.Name), d.Version)
		}
		d.Version = 3
	}
	if d.ChecksumPlain && d.given("v3_checksum_as_v2") {
		in.diags.warnf(d.seen["v3_checksum_as_v2"], "remove it", "(%s) v3_checksum_as_v2 has no effect: over IPv6 there is one form of checksum", plain(d.Name))
	}
	d.ChecksumPlain = false
}

// firstAddr is the address that tells a router's family; not valid for none.
func (d *draft) firstAddr() netip.Addr {
	switch {
	case len(d.Addresses) > 0:
		return d.Addresses[0].Prefix.Addr()
	case d.unicastSource.IsValid():
		return d.unicastSource
	case len(d.Peers) > 0:
		return d.Peers[0].Addr
	}
	return netip.Addr{}
}

// setGroup6 reads vrrp_mcast_group6, which no router need use.
func (in *interpreter) setGroup6(w word) {
	addr, err := netip.ParseAddr(w.text)
	if err != nil || !isGroup(addr, 6) {
		in.diags.errorf(w.pos, "ff02::12 is VRRP's own", "vrrp_mcast_group6 %s: expected an IPv6 multicast address that begins with ff02:", quote(w.text))
		return
	}
	in.global.Group6 = addr
}

// isGroup tells whether it is a multicast address of that family, of IPv6 one that
// stays on its link, without zone.
func isGroup(a netip.Addr, family uint8) bool {
	if !a.IsValid() || familyOf(a) != family || a.Is4In6() || a.Zone() != "" {
		return false
	}
	return a.IsMulticast() && (family == 4 || a.IsLinkLocalMulticast())
}

func (v *validator) checkGroup() {
	switch {
	case isGroup(v.Group, v.Family):
	case v.Family == 6:
		v.errorf(v.Pos, "ff02::12 is VRRP's own", "multicast group %s: expected an IPv6 multicast address that begins with ff02:", v.Group)
	default:
		v.errorf(v.Pos, "224.0.0.18 is VRRP's own", "multicast group %s: expected an IPv4 address from 224.0.0.0 to 239.255.255.255", v.Group)
	}
}

// familyOf is 4 or 6.
func familyOf(a netip.Addr) uint8 {
	if a.Is4() {
		return 4
	}
	return 6
}

// linkLocalFirst holds RFC 9568 section 5.2.9 (with erratum 8300): the first
// IPv6 address of an advert is the link-local one of the router. keepalived
// minds it under vrrp_strict only, and so do we.
func (v *validator) linkLocalFirst() {
	if v.Family != 6 || len(v.Addresses) == 0 {
		return
	}
	a := v.Addresses[0]
	switch {
	case a.Prefix.Addr().IsLinkLocalUnicast():
	case v.Unicast(): // nor does keepalived want it here
	case v.Strict:
		v.errorf(a.Pos, "write one such as fe80::100/64 before it, the same on every host, or remove vrrp_strict",
			"vrrp_strict: the first IPv6 address is %s: expected a link-local one", a.Prefix.Addr())
	default:
		v.diags.warnf(a.Pos, "write one such as fe80::100/64 before it, the same on every host",
			"(%s) the first IPv6 address is %s: RFC 9568 wants a link-local one there", plain(v.Name), a.Prefix.Addr())
	}
}

// maxAddresses6 is what an advert of one Ethernet frame has room for: 1500 octets,
// less 40 of IPv6 and 8 of VRRP, at 16 each. VRRP knows no fragments.
const maxAddresses6 = (1500 - 40 - 8) / 16

// maxSigned6 is the same with the trailer of auth_hmac.
const maxSigned6 = (1500 - 40 - 8 - 28) / 16

// site is where an address can be only once: a link-local one on each device.
type site struct {
	addr   netip.Addr
	device string
}

func (a Address) site() site {
	if addr := a.Prefix.Addr(); addr.IsLinkLocalUnicast() && addr.Is6() {
		return site{addr, a.Device}
	}
	return site{addr: a.Prefix.Addr()}
}
