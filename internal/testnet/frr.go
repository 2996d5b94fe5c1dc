package testnet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
)

// frrDir is where Debian's package frr has its daemons.
const frrDir = "/usr/lib/frr/"

// frrNamespaces: FRR's daemons become another user, and with that lose the
// death signal that Cmd gave them. The shell that starts them keeps it, and
// takes all of its PID namespace with it. Their sockets, pid files and crash
// logs, at the places that are compiled in, are in the mount namespace alone.
const frrNamespaces = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS

// frrScript starts zebra, which sets the interfaces of vrrpd, and vrrpd. $1 is
// the file of FRRConf. A SIGTERM ends vrrpd first, and zebra when it has done
// what vrrpd asked of it last.
const frrScript = `
set -e
mount --make-rprivate /
conf=$(cat "$1")
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/tmp
mkdir /run/frr
chown frr:frr /run/frr
: >/run/frr/zebra.conf
printf '%s\n' "$conf" >/run/frr/vrrpd.conf
` + frrDir + `zebra -P 0 -f /run/frr/zebra.conf --log stdout &
zebra=$!
while [ ! -S /run/frr/zserv.api ]; do kill -0 $zebra; sleep 0.02; done
` + frrDir + `vrrpd -P 0 -f /run/frr/vrrpd.conf --log stdout --log-level debugging &
vrrpd=$!
stop() {
	trap '' TERM
	kill $vrrpd
	wait $vrrpd || :
	sleep 0.2
	kill $zebra
	wait $zebra || :
	exit 0
}
trap stop TERM
wait $vrrpd
`

// FRRConf writes the configuration of vrrpd for one router, of the family of
// its first address. Lines are keepalived's words: only nopreempt has a
// counterpart, the rest is ignored, as are State and Name. AdvertInt is in
// seconds, at least 0.01 and in steps of that.
func FRRConf(version int, i Instance) string {
	i.setDefaults()
	var b strings.Builder
	fmt.Fprintf(&b, "debug vrrp protocol\ninterface %s\n", i.Interface)
	line := func(format string, args ...any) {
		fmt.Fprintf(&b, " vrrp %d %s\n", i.VRID, fmt.Sprintf(format, args...))
	}
	line("version %d", version)
	line("priority %d", i.Priority)
	seconds, _ := strconv.ParseFloat(i.AdvertInt, 64) // a constant of the test; vrrpd refuses 0
	line("advertisement-interval %.0f", seconds*1000)
	if slices.Contains(i.Lines, "nopreempt") {
		fmt.Fprintf(&b, " no vrrp %d preempt\n", i.VRID)
	}
	for _, vip := range i.VIPs {
		addr, family := frrAddress(vip).Addr(), "ip"
		if addr.Is6() {
			family = "ipv6"
		}
		line("%s %s", family, addr)
	}
	return b.String()
}

// frrAddress reads an address with or without prefix length.
func frrAddress(vip string) netip.Prefix {
	if p, err := netip.ParsePrefix(vip); err == nil {
		return p
	}
	a := netip.MustParseAddr(vip)
	return netip.PrefixFrom(a, a.BitLen())
}

// FRRDevice is the name of the macvlan that vrrpd uses for a router.
func FRRDevice(vrid int, six bool) string {
	if six {
		return fmt.Sprintf("vrrp6-%d", vrid)
	}
	return fmt.Sprintf("vrrp4-%d", vrid)
}

// AddFRRDevice makes the macvlan on eth0 with the virtual MAC and the virtual
// addresses, all of one family, that vrrpd expects to find. It holds them for
// good: a BACKUP sets the device protodown, so that it has no carrier.
func (h *Host) AddFRRDevice(vrid int, vips ...string) error {
	six := frrAddress(vips[0]).Addr().Is6()
	family := byte(1) // RFC 9568 section 7.3
	if six {
		family = 2
	}
	dev := &netlink.Macvlan{Mode: netlink.MACVLAN_MODE_BRIDGE, LinkAttrs: netlink.LinkAttrs{
		Name: FRRDevice(vrid, six), ParentIndex: h.Ifindex,
		HardwareAddr: net.HardwareAddr{0, 0, 0x5e, 0, family, byte(vrid)},
	}}
	if err := h.nl.LinkAdd(dev); err != nil {
		return fmt.Errorf("macvlan %s on %s: %w", dev.Name, h.Name, err)
	}
	for _, vip := range vips {
		if err := h.AddAddr(dev.Name, frrAddress(vip)); err != nil {
			return err
		}
	}
	return h.nl.LinkSetUp(dev)
}
