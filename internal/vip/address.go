package vip

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Address is one virtual address as it is put on a device. It is comparable.
type Address struct {
	Prefix    netip.Prefix // the address itself (host bits kept) and its prefix length
	Device    string       // interface name, at most 15 bytes
	Label     string       // IPv4 only, at most 15 bytes; empty means the device's name
	Scope     uint8        // rtnetlink scope: 0 global, 200 site, 253 link, 254 host
	Broadcast netip.Addr   // IPv4 only; the zero Addr sets none
	// NoPrefixRoute keeps the kernel from adding the route to the prefix.
	NoPrefixRoute bool
	Preferred     Lifetime
	// Peer is the other end, of an address on a link to one host: the prefix is
	// then the peer's. The zero Addr is none.
	Peer netip.Addr
	// IPv6 only. DAD leaves duplicate address detection on; Home and
	// ManageTemp are the IFA_F_ flags of Mobile IPv6 and of temporary addresses
	// (RFC 8981), which the kernel makes of a /64 alone.
	DAD, Home, ManageTemp bool
}

// String returns "10.0.0.3/24 dev eth0".
func (a Address) String() string { return a.Prefix.String() + " dev " + a.Device }

// Lifetime is how long an address is preferred as a source: for ever, or, when
// Limited, so many seconds from when it is put on the device.
type Lifetime struct {
	Limited bool
	Seconds uint32
}

// place is what the kernel tells addresses apart by. Two prefix lengths of one
// address are two addresses to it.
type place struct {
	device string
	prefix netip.Prefix
}

func (a Address) place() place { return place{a.Device, a.Prefix} }

// check refuses what the kernel could not take or would take for another thing.
func (a Address) check() error {
	switch {
	case !a.Prefix.IsValid():
		return errors.New("an address without a valid prefix")
	case a.Prefix.Addr().Is4In6():
		return fmt.Errorf("%s: an IPv4 address in IPv6 form; write it as IPv4", a)
	case a.Device == "" || len(a.Device) >= unix.IFNAMSIZ:
		return fmt.Errorf("%s: device name %q must have 1 to 15 bytes", a.Prefix, a.Device)
	case len(a.Label) >= unix.IFNAMSIZ:
		return fmt.Errorf("%s: label %q is longer than 15 bytes", a, a.Label)
	case a.Prefix.Addr().Is6() && (a.Label != "" || a.Broadcast.IsValid()):
		return fmt.Errorf("%s: an IPv6 address has neither label nor broadcast", a)
	case a.Broadcast.IsValid() && !a.Broadcast.Is4():
		return fmt.Errorf("%s: broadcast %s is not an IPv4 address", a, a.Broadcast)
	case a.Peer.IsValid() && a.Peer.BitLen() != a.Prefix.Addr().BitLen():
		return fmt.Errorf("%s: peer %s is of another family", a, a.Peer)
	case a.Prefix.Addr().Is4() && (a.DAD || a.Home || a.ManageTemp):
		return fmt.Errorf("%s: flags that IPv6 alone has", a)
	}
	return nil
}

// protocol marks an address as VRRP's for `ip address show`: RTPROT_KEEPALIVED,
// the number keepalived uses. Kernels before 5.18 ignore IFA_PROTO.
const (
	protocol = 18
	ifaProto = 11 // IFA_PROTO, include/uapi/linux/if_addr.h
)

// message is one RTM_NEWADDR or RTM_DELADDR about a on the device of that
// index. A removal names local address, peer and prefix length, so that the
// kernel can match no other.
func (a Address) message(kind uint16, index int) *nl.NetlinkRequest {
	addr, family := a.Prefix.Addr(), nl.FAMILY_V4
	if addr.Is6() {
		family = nl.FAMILY_V6
	}
	head := nl.NewIfAddrmsg(family)
	head.Prefixlen = uint8(a.Prefix.Bits())
	head.Scope = a.Scope
	head.Index = uint32(index)

	req := nl.NewNetlinkRequest(int(kind), 0)
	req.AddData(head)
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, addr.AsSlice()))
	far := addr
	if a.Peer.IsValid() {
		far = a.Peer
	}
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, far.AsSlice()))
	if kind == unix.RTM_DELADDR {
		return req
	}
	req.Flags |= unix.NLM_F_CREATE | unix.NLM_F_EXCL
	req.AddData(nl.NewRtAttr(ifaProto, nl.Uint8Attr(protocol)))
	flags := a.flags()
	head.Flags = uint8(flags)
	if a.Label != "" {
		req.AddData(nl.NewRtAttr(unix.IFA_LABEL, nl.ZeroTerminated(a.Label)))
	}
	if flags > 0xff { // beyond the head's eight bits
		req.AddData(nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(flags)))
	}
	preferred := a.Preferred
	if addr.Is6() && a.Prefix.IsSingleIP() && !preferred.Limited {
		// A host's own length, so no source for what the host sends: as
		// keepalived, deprecated from the first, and valid for ever.
		preferred = Lifetime{Limited: true}
	}
	if preferred.Limited {
		req.AddData(nl.NewRtAttr(unix.IFA_CACHEINFO, (&nl.IfaCacheInfo{
			IfaCacheinfo: unix.IfaCacheinfo{Prefered: preferred.Seconds, Valid: math.MaxUint32},
		}).Serialize()))
	}
	if a.Broadcast.IsValid() {
		req.AddData(nl.NewRtAttr(unix.IFA_BROADCAST, a.Broadcast.AsSlice()))
	}
	return req
}

// flags are the IFA_F_ bits of a new address.
func (a Address) flags() (flags uint32) {
	if a.Prefix.Addr().Is6() && !a.DAD {
		flags |= unix.IFA_F_NODAD // the peer that had it may still answer
	}
	if a.NoPrefixRoute {
		flags |= unix.IFA_F_NOPREFIXROUTE
	}
	if a.Home {
		flags |= unix.IFA_F_HOMEADDRESS
	}
	if a.ManageTemp {
		flags |= unix.IFA_F_MANAGETEMPADDR
	}
	return flags
}

// hostAddress is what a notification or a dump says of one address.
type hostAddress struct {
	prefix    netip.Prefix
	peer      netip.Addr // the zero Addr: none
	index     int
	scope     uint8
	secondary bool
	tentative bool // IPv6: duplicate address detection runs or has failed
}

// parseAddress reads the body of an RTM_NEWADDR or RTM_DELADDR. IPv4 has its
// own address in IFA_LOCAL; IPv6 only where there is a peer.
func parseAddress(body []byte) (hostAddress, error) {
	if len(body) < unix.SizeofIfAddrmsg {
		return hostAddress{}, errMessage
	}
	head := nl.DeserializeIfAddrmsg(body)
	attrs, err := attributes(body[unix.SizeofIfAddrmsg:])
	if err != nil {
		return hostAddress{}, err
	}
	a := hostAddress{
		index:     int(head.Index),
		scope:     head.Scope,
		secondary: head.Flags&unix.IFA_F_SECONDARY != 0,
		tentative: head.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0,
	}
	var local, peer netip.Addr
	for _, attr := range attrs {
		switch attr.Attr.Type {
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(attr.Value)
		case unix.IFA_ADDRESS:
			peer, _ = netip.AddrFromSlice(attr.Value)
		}
	}
	if !local.IsValid() {
		local = peer
	}
	if peer != local {
		a.peer = peer
	}
	a.prefix = netip.PrefixFrom(local, int(head.Prefixlen))
	if !a.prefix.IsValid() {
		return hostAddress{}, errMessage
	}
	return a, nil
}
