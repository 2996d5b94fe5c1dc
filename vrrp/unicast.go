package vrrp

import "net/netip"

// Unicast is what a router with unicast peers demands of an advert in place of
// a group and TTL 255. It is compared by its address: a router keeps one.
type Unicast struct {
	Peers []Peer
	// AnySource takes adverts from everyone, with any TTL (keepalived without
	// check_unicast_src). Peers is not looked at then.
	AnySource bool
	// OldGroup is the destination in the pseudo-header of ChecksumOld. The zero
	// Addr takes no such checksum (keepalived's old_unicast_checksum never).
	OldGroup netip.Addr
}

// Peer is a router that may speak to a unicast router.
type Peer struct {
	Addr           netip.Addr
	MinTTL, MaxTTL uint8 // of its adverts as they arrive, hop limit over IPv6; 0 and 255: any
}

// admits looks at where an advert comes from and goes to, before anything in it
// is judged: what GTSM's TTL of 255 is to multicast. The addresses are in
// Frame; to is our own.
func (u *Unicast) admits(fr *Frame, to netip.Addr) Drop {
	if fr.Dst != to {
		return DropDestination
	}
	if u.AnySource {
		return Accepted
	}
	for _, p := range u.Peers {
		if p.Addr != fr.Src {
			continue
		}
		if fr.TTL < p.MinTTL || fr.TTL > p.MaxTTL {
			return DropTTL
		}
		return Accepted
	}
	return DropUnknownPeer
}
