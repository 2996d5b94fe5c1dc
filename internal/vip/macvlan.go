package vip

import (
	"encoding/binary"
	"fmt"
	"net"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// MACVLAN is a device of ours that carries addresses behind a MAC address of
// its own: a private macvlan on Base. It exists from its declaration and is up
// only while its owner holds its addresses. A device that is down neither
// answers nor forwards, and, what firewalls are needed for otherwise, sends
// nothing: no IGMP, MLD, router solicitation or duplicate address detection
// that would lead switches to the wrong port.
type MACVLAN struct {
	Name, Base string // interface names, at most 15 bytes
	MAC        [6]byte
	IPv4, IPv6 bool // the families of its addresses
}

// String returns "vrrp.51 on eth0".
func (v MACVLAN) String() string { return v.Name + " on " + v.Base }

func (v MACVLAN) mac() net.HardwareAddr { return v.MAC[:] }

func (v MACVLAN) check() error {
	for _, name := range []string{v.Name, v.Base} {
		if name == "" || len(name) >= unix.IFNAMSIZ {
			return fmt.Errorf("device name %q must have 1 to 15 bytes", name)
		}
	}
	if v.MAC == [6]byte{} || v.MAC[0]&1 != 0 {
		return fmt.Errorf("%s: %s is no MAC address of one device", v.Name, v.mac())
	}
	return nil
}

const kindMACVLAN = "macvlan"

// request is the RTM_NEWLINK that makes it, down. It fails with EEXIST where
// there is a device of the name, and with ENODEV where base is none.
func (v MACVLAN) request(base int) *nl.NetlinkRequest {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	req.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(v.Name)))
	req.AddData(nl.NewRtAttr(unix.IFLA_LINK, nl.Uint32Attr(uint32(base))))
	req.AddData(nl.NewRtAttr(unix.IFLA_ADDRESS, v.MAC[:]))
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated(kindMACVLAN))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	data.AddRtAttr(nl.IFLA_MACVLAN_MODE, nl.Uint32Attr(nl.MACVLAN_MODE_PRIVATE))
	req.AddData(info)
	return req
}

// raising is the RTM_NEWLINK that sets the device of that index up or down.
func raising(index int, up bool) *nl.NetlinkRequest {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, 0)
	head := nl.NewIfInfomsg(unix.AF_UNSPEC)
	head.Index, head.Change = int32(index), unix.IFF_UP
	if up {
		head.Flags = unix.IFF_UP
	}
	req.AddData(head)
	return req
}

// removing is the RTM_DELLINK of the device of that index.
func removing(index int) *nl.NetlinkRequest {
	req := nl.NewNetlinkRequest(unix.RTM_DELLINK, 0)
	head := nl.NewIfInfomsg(unix.AF_UNSPEC)
	head.Index = int32(index)
	req.AddData(head)
	return req
}

// isPrivateMACVLAN reads an IFLA_LINKINFO.
func isPrivateMACVLAN(info []byte) bool {
	attrs, err := attributes(info)
	if err != nil {
		return false
	}
	kind, mode := "", uint32(0)
	for _, a := range attrs {
		switch a.Attr.Type & nlaTypeMask {
		case nl.IFLA_INFO_KIND:
			kind = unix.ByteSliceToString(a.Value)
		case nl.IFLA_INFO_DATA:
			data, err := attributes(a.Value)
			if err != nil {
				return false
			}
			for _, d := range data {
				if d.Attr.Type == nl.IFLA_MACVLAN_MODE && len(d.Value) >= 4 {
					mode = binary.NativeEndian.Uint32(d.Value)
				}
			}
		}
	}
	return kind == kindMACVLAN && mode == nl.MACVLAN_MODE_PRIVATE
}

// nlaTypeMask leaves out the bits that say how an attribute is to be read
// (NLA_F_NESTED and NLA_F_NET_BYTEORDER, linux/netlink.h).
const nlaTypeMask = 0x3fff
