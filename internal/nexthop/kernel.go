package nexthop

import (
	"errors"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// patience bounds the wait for an answer of the kernel.
const patience = 2 * time.Second

// kernel is the part of rtnetlink that is about routes and neighbours. Its
// sockets stay in the network namespace in which they were opened.
type kernel struct {
	ask    *netlink.Handle
	single *nl.SocketHandle // for requests that the library has no function for
	events *nl.NetlinkSocket
	closed bool
}

func openKernel() (k *kernel, err error) {
	k = &kernel{}
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	if k.events, err = nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_NEIGH, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE); err != nil {
		return k, err
	}
	if k.ask, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return k, err
	}
	if err = k.ask.SetSocketTimeout(patience); err != nil {
		return k, err
	}
	s, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return k, err
	}
	k.single = &nl.SocketHandle{Socket: s}
	bound := unix.NsecToTimeval(int64(patience))
	return k, s.SetReceiveTimeout(&bound)
}

// close may follow a failed open.
func (k *kernel) close() {
	if k.events != nil && !k.closed {
		k.events.Close()
	}
	if k.ask != nil {
		k.ask.Close()
	}
	if k.single != nil {
		k.single.Socket.Close()
	}
}

// wake ends await, for good.
func (k *kernel) wake() {
	k.closed = true
	k.events.Close()
}

// await returns when something has changed, or with an error.
func (k *kernel) await() error {
	_, _, err := k.events.Receive()
	return err
}

var errElsewhere = errors.New("the route does not leave by the interface")

// route is the neighbour by way of which packets to a target leave.
func (k *kernel) route(t Target) (via netip.Addr, err error) {
	peer, o := t.Peer.AsSlice(), netlink.RouteGetOptions{OifIndex: t.Ifindex, SrcAddr: t.Source.AsSlice()}
	routes, err := k.ask.RouteGetWithOptions(peer, &o)
	if err != nil {
		o.SrcAddr = nil // an address that the host does not have yet
		routes, err = k.ask.RouteGetWithOptions(peer, &o)
	}
	if err != nil {
		return via, err
	}
	if len(routes) == 0 || routes[0].LinkIndex != t.Ifindex || routes[0].Type != unix.RTN_UNICAST {
		return via, errElsewhere
	}
	gateway := routes[0].Gw
	if v, ok := routes[0].Via.(*netlink.Via); ok {
		gateway = v.Addr // IPv4 by way of an IPv6 router (RFC 8950)
	}
	if gw, ok := netip.AddrFromSlice(gateway); ok {
		return gw.Unmap(), nil
	}
	return t.Peer, nil
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// neighbour is one entry of the neighbour tables (a request of kernel 5.0).
func (k *kernel) neighbour(ifindex int, a netip.Addr) (n netlink.Neigh, err error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETNEIGH, 0)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: k.single}
	req.AddData(&netlink.Ndmsg{Family: uint8(familyOf(a)), Index: uint32(ifindex)})
	req.AddData(nl.NewRtAttr(netlink.NDA_DST, a.AsSlice()))
	answers, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWNEIGH)
	if err != nil {
		return n, err
	}
	if len(answers) != 1 || len(answers[0]) < (&netlink.Ndmsg{}).Len() {
		return n, errors.New("an answer that makes no sense")
	}
	found, err := netlink.NeighDeserialize(answers[0])
	if err != nil {
		return n, err
	}
	return *found, nil
}

// resolve has the kernel find a neighbour, as if it had something to send there
// (NTF_USE): ARP or ND for one that is not known, a probe for one that is STALE.
func (k *kernel) resolve(ifindex int, a netip.Addr) error {
	return k.ask.NeighSet(&netlink.Neigh{
		LinkIndex: ifindex, Family: familyOf(a), IP: a.AsSlice(), Flags: netlink.NTF_USE,
	})
}
