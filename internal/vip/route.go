package vip

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/iproute"
)

// routeKey is what the kernel looks a route up by. Several routes may have one
// key; they differ in what heardRoute has beyond it.
type routeKey struct {
	family    uint8
	table     uint32
	dst, from netip.Prefix
	tos       uint8
	metric    uint32
}

func keyOf(r *iproute.Route) routeKey {
	return routeKey{r.Family, r.Table, r.Dst.Masked(), r.From, r.TOS, r.KernelMetric()}
}

// heardRoute is a route as a notification or a dump has it.
type heardRoute struct {
	routeKey
	protocol, kind, scope uint8
	source                netip.Addr
	hops                  []heardHop
}

type heardHop struct {
	via   netip.Addr
	index int
}

// is tells whether a route that was heard of is r. at gives the index of a
// device.
func (h heardRoute) is(r *iproute.Route, at func(string) int) bool {
	if h.routeKey != keyOf(r) || h.protocol != r.Protocol || h.kind != r.Type || h.source != r.Source || r.Family == 4 && h.scope != r.Scope {
		return false
	}
	hops := r.Hops
	if len(hops) == 0 {
		hops = []iproute.Hop{r.Hop}
	}
	if hops[0] == (iproute.Hop{}) { // it goes nowhere
		return true
	}
	rest := slices.Clone(h.hops)
	for _, want := range hops {
		i := slices.IndexFunc(rest, func(got heardHop) bool {
			return got.via == want.Via && (want.Device == "" || got.index == at(want.Device))
		})
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return len(rest) == 0
}

// rtm is the head of every message about a route or rule.
type rtm = nl.RtMsg

func kernelFamily(family uint8) uint8 {
	if family == 6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// setTable says which table: in eight bits where they will do.
func setTable(req *nl.NetlinkRequest, head *rtm, attr int, table uint32) {
	head.Table = unix.RT_TABLE_UNSPEC
	if table < 256 {
		head.Table = uint8(table)
		return
	}
	req.AddData(nl.NewRtAttr(attr, nl.Uint32Attr(table)))
}

// newRoute is the RTM_NEWROUTE that makes it; in place of another of its key,
// when that is to go.
func newRoute(r *iproute.Route, at func(string) int, replace bool) *nl.NetlinkRequest {
	flags := unix.NLM_F_CREATE
	switch {
	case replace:
		flags |= unix.NLM_F_REPLACE
	case r.Mode == iproute.Add:
		flags |= unix.NLM_F_EXCL
	case r.Mode == iproute.Append:
		flags |= unix.NLM_F_APPEND
	}
	req, head := routeMessage(r, unix.RTM_NEWROUTE, flags)
	if len(r.Hops) == 0 {
		head.Flags = hopFlags(r.Hop)
		addHop(req.AddData, r.Hop)
		if r.Device != "" {
			req.AddData(nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(at(r.Device)))))
		}
	} else {
		req.AddData(nl.NewRtAttr(unix.RTA_MULTIPATH, multipath(r.Hops, at)))
	}
	if r.Expires.Given {
		req.AddData(nl.NewRtAttr(unix.RTA_EXPIRES, nl.Uint32Attr(r.Expires.N)))
	}
	if r.Pref.Given {
		req.AddData(nl.NewRtAttr(unix.RTA_PREF, nl.Uint8Attr(uint8(r.Pref.N))))
	}
	if len(r.Metrics) > 0 || r.CongCtl != "" {
		metrics := nl.NewRtAttr(unix.RTA_METRICS, nil)
		for _, m := range r.Metrics {
			metrics.AddRtAttr(int(m.Attr), nl.Uint32Attr(m.Value))
		}
		if r.CongCtl != "" {
			metrics.AddRtAttr(unix.RTAX_CC_ALGO, nl.NonZeroTerminated(r.CongCtl))
		}
		if r.Lock != 0 {
			metrics.AddRtAttr(unix.RTAX_LOCK, nl.Uint32Attr(r.Lock))
		}
		req.AddData(metrics)
	}
	return req
}

// delRoute is the RTM_DELROUTE of this route and no other: all that the kernel
// compares is named. Of several next hops none is: the kernel would look for
// them one by one, and one that has gone would keep the rest.
func delRoute(r *iproute.Route, at func(string) int) *nl.NetlinkRequest {
	req, _ := routeMessage(r, unix.RTM_DELROUTE, 0)
	if len(r.Hops) > 0 {
		return req
	}
	if r.Via.IsValid() {
		req.AddData(nl.NewRtAttr(unix.RTA_GATEWAY, r.Via.AsSlice()))
	}
	if r.Device != "" {
		req.AddData(nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(at(r.Device)))))
	}
	return req
}

func routeMessage(r *iproute.Route, kind, flags int) (*nl.NetlinkRequest, *rtm) {
	req := nl.NewNetlinkRequest(kind, flags)
	head := nl.NewRtMsg()
	head.Family, head.Tos, head.Protocol, head.Scope, head.Type = kernelFamily(r.Family), r.TOS, r.Protocol, r.Scope, r.Type
	head.Dst_len = uint8(r.Dst.Bits())
	req.AddData(head)
	setTable(req, head, unix.RTA_TABLE, r.Table)
	if r.Dst.Bits() > 0 {
		req.AddData(nl.NewRtAttr(unix.RTA_DST, r.Dst.Addr().AsSlice()))
	}
	if r.From.IsValid() {
		head.Src_len = uint8(r.From.Bits())
		req.AddData(nl.NewRtAttr(unix.RTA_SRC, r.From.Addr().AsSlice()))
	}
	if r.Source.IsValid() {
		req.AddData(nl.NewRtAttr(unix.RTA_PREFSRC, r.Source.AsSlice()))
	}
	if r.Metric != 0 {
		req.AddData(nl.NewRtAttr(unix.RTA_PRIORITY, nl.Uint32Attr(r.Metric)))
	}
	return req, head
}

func hopFlags(h iproute.Hop) uint32 {
	if h.OnLink {
		return unix.RTNH_F_ONLINK
	}
	return 0
}

// addHop adds what a hop has but for its device.
func addHop(add func(nl.NetlinkRequestData), h iproute.Hop) {
	if h.Via.IsValid() {
		add(nl.NewRtAttr(unix.RTA_GATEWAY, h.Via.AsSlice()))
	}
	if h.Realms != 0 {
		add(nl.NewRtAttr(unix.RTA_FLOW, nl.Uint32Attr(h.Realms)))
	}
}

func multipath(hops []iproute.Hop, at func(string) int) (b []byte) {
	for _, h := range hops {
		one := &nl.RtNexthop{RtNexthop: unix.RtNexthop{Flags: uint8(hopFlags(h)), Hops: h.Weight}}
		if h.Device != "" {
			one.Ifindex = int32(at(h.Device))
		}
		addHop(func(d nl.NetlinkRequestData) { one.Children = append(one.Children, d) }, h)
		b = append(b, one.Serialize()...)
	}
	return b
}

// parseRoute reads the body of an RTM_NEWROUTE or RTM_DELROUTE. It is false
// for a route of another family.
func parseRoute(body []byte) (h heardRoute, ok bool, err error) {
	if len(body) < unix.SizeofRtMsg {
		return h, false, errMessage
	}
	head := nl.DeserializeRtMsg(body)
	h = heardRoute{protocol: head.Protocol, kind: head.Type, scope: head.Scope}
	h.table, h.tos = uint32(head.Table), head.Tos
	all := netip.IPv4Unspecified()
	switch head.Family {
	case unix.AF_INET:
		h.family = 4
	case unix.AF_INET6:
		h.family, all = 6, netip.IPv6Unspecified()
	default:
		return h, false, nil
	}
	attrs, err := attributes(body[unix.SizeofRtMsg:])
	if err != nil {
		return h, false, err
	}
	h.dst = netip.PrefixFrom(all, int(head.Dst_len))
	one := heardHop{}
	for _, a := range attrs {
		switch a.Attr.Type & nlaTypeMask {
		case unix.RTA_DST:
			h.dst = netip.PrefixFrom(addrOf(a.Value), int(head.Dst_len))
		case unix.RTA_SRC:
			h.from = netip.PrefixFrom(addrOf(a.Value), int(head.Src_len))
		case unix.RTA_PREFSRC:
			h.source = addrOf(a.Value)
		case unix.RTA_GATEWAY:
			one.via = addrOf(a.Value)
		case unix.RTA_OIF:
			one.index = int(u32(a.Value))
		case unix.RTA_TABLE:
			h.table = u32(a.Value)
		case unix.RTA_PRIORITY:
			h.metric = u32(a.Value)
		case unix.RTA_MULTIPATH:
			if h.hops, err = parseHops(a.Value); err != nil {
				return h, false, err
			}
		}
	}
	if len(h.hops) == 0 {
		h.hops = []heardHop{one}
	}
	return h, true, nil
}

func parseHops(b []byte) (hops []heardHop, err error) {
	for len(b) >= unix.SizeofRtNexthop {
		one := nl.DeserializeRtNexthop(b)
		size := int(one.RtNexthop.Len)
		if size < unix.SizeofRtNexthop || size > len(b) {
			return nil, errMessage
		}
		attrs, err := attributes(b[unix.SizeofRtNexthop:size])
		if err != nil {
			return nil, err
		}
		h := heardHop{index: int(one.Ifindex)}
		for _, a := range attrs {
			if a.Attr.Type&nlaTypeMask == unix.RTA_GATEWAY {
				h.via = addrOf(a.Value)
			}
		}
		hops = append(hops, h)
		b = b[min((size+unix.RTA_ALIGNTO-1)&^(unix.RTA_ALIGNTO-1), len(b)):]
	}
	return hops, nil
}

func addrOf(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

func u32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}
