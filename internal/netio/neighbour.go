package netio

import (
	"net"
	"net/netip"

	"github.com/mdlayher/ndp"
	"golang.org/x/sys/unix"
)

var allNodes = netip.MustParseAddr("ff02::1")

// NAFrame is an unsolicited neighbour advertisement for vip, to all nodes
// (RFC 4861 section 7.2.6; hop limit 255, section 7.1.2). It says Router and
// Override and not Solicited, and names mac as the target's link-layer address,
// as RFC 9568 sections 6.4.1 and 6.4.2 ask. Its source is vip itself, which is
// what the host that lost it sent from, and what keepalived does; the address
// need not be there yet. It is nil when vip is no IPv6 unicast address or mac
// is not six octets.
func NAFrame(mac net.HardwareAddr, vip netip.Addr) []byte {
	if len(mac) != 6 || !vip.Is6() || vip.Is4In6() || vip.IsMulticast() || vip.IsUnspecified() {
		return nil
	}
	message, err := ndp.MarshalMessageChecksum(&ndp.NeighborAdvertisement{
		Router: true, Override: true, TargetAddress: vip,
		Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}},
	}, vip, allNodes)
	if err != nil {
		return nil
	}
	b := make([]byte, 0, etherLen+ipv6Len+len(message))
	b = appendEther6(b, mac, allNodes)
	b = appendIPv6(b, 0, unix.IPPROTO_ICMPV6, vip, allNodes, 255, len(message))
	return append(b, message...)
}
