package vip

import (
	"encoding/binary"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/iproute"
)

// The library's struct rtmsg has the layout of struct fib_rule_hdr: its Type is
// the action.
const ruleInvert = 2 // FIB_RULE_INVERT

// ruleMessage is the RTM_NEWRULE or RTM_DELRULE of a rule.
func ruleMessage(r *iproute.Rule, kind int) *nl.NetlinkRequest {
	flags := 0
	if kind == unix.RTM_NEWRULE {
		flags = unix.NLM_F_CREATE | unix.NLM_F_EXCL
	}
	req := nl.NewNetlinkRequest(kind, flags)
	head := &rtm{}
	head.Family, head.Tos, head.Type = kernelFamily(r.Family), r.TOS, r.Action
	if r.Not {
		head.Flags = ruleInvert
	}
	req.AddData(head)
	number := func(attr int, n uint32) { req.AddData(nl.NewRtAttr(attr, nl.Uint32Attr(n))) }
	setTable(req, head, nl.FRA_TABLE, r.Table)
	if r.From.IsValid() {
		head.Src_len = uint8(r.From.Bits())
		req.AddData(nl.NewRtAttr(nl.FRA_SRC, r.From.Addr().AsSlice()))
	}
	if r.To.IsValid() {
		head.Dst_len = uint8(r.To.Bits())
		req.AddData(nl.NewRtAttr(nl.FRA_DST, r.To.Addr().AsSlice()))
	}
	number(nl.FRA_PRIORITY, r.Priority)
	if r.Mask != 0 {
		number(nl.FRA_FWMARK, r.Mark)
		number(nl.FRA_FWMASK, r.Mask)
	}
	if r.IIF != "" {
		req.AddData(nl.NewRtAttr(nl.FRA_IIFNAME, nl.ZeroTerminated(r.IIF)))
	}
	if r.OIF != "" {
		req.AddData(nl.NewRtAttr(nl.FRA_OIFNAME, nl.ZeroTerminated(r.OIF)))
	}
	if r.Tunnel != 0 {
		req.AddData(nl.NewRtAttr(nl.FRA_TUN_ID, binary.BigEndian.AppendUint64(nil, r.Tunnel)))
	}
	if r.UID[0].Given {
		req.AddData(nl.NewRtAttr(nl.FRA_UID_RANGE, append(nl.Uint32Attr(r.UID[0].N), nl.Uint32Attr(r.UID[1].N)...)))
	}
	if r.L3MDev {
		req.AddData(nl.NewRtAttr(nl.FRA_L3MDEV, nl.Uint8Attr(1)))
	}
	if r.IPProto.Given {
		req.AddData(nl.NewRtAttr(nl.FRA_IP_PROTO, nl.Uint8Attr(uint8(r.IPProto.N))))
	}
	for attr, p := range map[int]iproute.Ports{nl.FRA_SPORT_RANGE: r.Sport, nl.FRA_DPORT_RANGE: r.Dport} {
		if p != (iproute.Ports{}) {
			b := binary.NativeEndian.AppendUint16(nil, p.First)
			req.AddData(nl.NewRtAttr(attr, binary.NativeEndian.AppendUint16(b, p.Last)))
		}
	}
	if r.Realms != 0 {
		number(nl.FRA_FLOW, r.Realms)
	}
	if r.SuppressLength.Given {
		number(nl.FRA_SUPPRESS_PREFIXLEN, r.SuppressLength.N)
	}
	if r.SuppressGroup.Given {
		number(nl.FRA_SUPPRESS_IFGROUP, r.SuppressGroup.N)
	}
	if r.Action == iproute.Goto {
		number(nl.FRA_GOTO, r.Target)
	}
	req.AddData(nl.NewRtAttr(nl.FRA_PROTOCOL, nl.Uint8Attr(r.Protocol)))
	return req
}

// parseRule reads the body of an RTM_NEWRULE or RTM_DELRULE as the rule would
// be written. It is false for one of another family.
func parseRule(body []byte) (r iproute.Rule, ok bool, err error) {
	if len(body) < unix.SizeofRtMsg {
		return r, false, errMessage
	}
	head := nl.DeserializeRtMsg(body)
	switch head.Family {
	case unix.AF_INET:
		r.Family = 4
	case unix.AF_INET6:
		r.Family = 6
	default:
		return r, false, nil
	}
	r.Not, r.TOS, r.Action, r.Table = head.Flags&ruleInvert != 0, head.Tos, head.Type, uint32(head.Table)
	attrs, err := attributes(body[unix.SizeofRtMsg:])
	if err != nil {
		return r, false, err
	}
	for _, a := range attrs {
		n := u32(a.Value)
		switch a.Attr.Type & nlaTypeMask {
		case nl.FRA_SRC:
			r.From = netip.PrefixFrom(addrOf(a.Value), int(head.Src_len))
		case nl.FRA_DST:
			r.To = netip.PrefixFrom(addrOf(a.Value), int(head.Dst_len))
		case nl.FRA_PRIORITY:
			r.Priority = n
		case nl.FRA_FWMARK:
			r.Mark = n
		case nl.FRA_FWMASK:
			r.Mask = n
		case nl.FRA_IIFNAME:
			r.IIF = unix.ByteSliceToString(a.Value)
		case nl.FRA_OIFNAME:
			r.OIF = unix.ByteSliceToString(a.Value)
		case nl.FRA_TUN_ID:
			if len(a.Value) >= 8 {
				r.Tunnel = binary.BigEndian.Uint64(a.Value)
			}
		case nl.FRA_UID_RANGE:
			if len(a.Value) >= 8 {
				r.UID = [2]iproute.Opt{{Given: true, N: n}, {Given: true, N: u32(a.Value[4:])}}
			}
		case nl.FRA_L3MDEV:
			r.L3MDev = len(a.Value) > 0 && a.Value[0] != 0
		case nl.FRA_IP_PROTO:
			if len(a.Value) > 0 {
				r.IPProto = iproute.Opt{Given: true, N: uint32(a.Value[0])}
			}
		case nl.FRA_SPORT_RANGE:
			r.Sport = ports(a.Value)
		case nl.FRA_DPORT_RANGE:
			r.Dport = ports(a.Value)
		case nl.FRA_FLOW:
			r.Realms = n
		case nl.FRA_SUPPRESS_PREFIXLEN:
			r.SuppressLength = option(n)
		case nl.FRA_SUPPRESS_IFGROUP:
			r.SuppressGroup = option(n)
		case nl.FRA_TABLE:
			r.Table = n
		case nl.FRA_GOTO:
			r.Target = n
		case nl.FRA_PROTOCOL:
			if len(a.Value) > 0 {
				r.Protocol = a.Value[0]
			}
		}
	}
	if r.Action != iproute.ToTable || r.L3MDev {
		r.Table = 0
	}
	return r, true, nil
}

// option is a number of which the kernel has -1 for none.
func option(n uint32) iproute.Opt {
	if int32(n) < 0 {
		return iproute.Opt{}
	}
	return iproute.Opt{Given: true, N: n}
}

func ports(b []byte) iproute.Ports {
	if len(b) < 4 {
		return iproute.Ports{}
	}
	return iproute.Ports{First: binary.NativeEndian.Uint16(b), Last: binary.NativeEndian.Uint16(b[2:])}
}
