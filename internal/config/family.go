package config

import "net/netip"

// resolveFamily settles whether a router is IPv4's or IPv6's: native_ipv6 says
// so, else the first address does. As in keepalived it has one family only,
// and IPv6 has no other version than 3.
func (in *interpreter) resolveFamily(d *draft) {
	if d.given("native_ipv6") || len(d.Addresses) > 0 && d.Addresses[0].Prefix.Addr().Is6() {
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
	if d.Family != 6 {
		return
	}
	for _, keyword := range []string{"mcast_src_ip", "mcast_dst_ip"} {
		if d.given(keyword) {
			in.diags.errorf(d.seen[keyword], "remove it: adverts go from the link-local address to ff02::12", "(%s) %s of an IPv6 router is not supported yet", plain(d.Name), keyword)
		}
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
