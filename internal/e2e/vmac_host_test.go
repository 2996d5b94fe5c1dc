package e2e

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/ndp"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// tapOf starts to record what a host sends by eth0.
func tapOf(t *testing.T, l *testnet.LAN, h *testnet.Host) *testnet.Tap {
	t.Helper()
	tap, err := l.TapHost(h.Name, func(testnet.Frame) bool { return true })
	must(t, err)
	t.Cleanup(func() { tap.Close() })
	return tap
}

// spokenFor are the pairs of IP and MAC address that a host's ARP packets and
// neighbour discovery say belong together, with what says so.
func spokenFor(t *testing.T, tap *testnet.Tap) map[string]string {
	t.Helper()
	pairs := map[string]string{}
	for _, f := range tap.Frames() {
		b := f.Bytes
		switch {
		case len(b) >= 42 && b[12] == 8 && b[13] == 6:
			pairs[f.SrcIP().String()+" at "+net.HardwareAddr(b[22:28]).String()] = "ARP from " + f.SrcMAC().String()
		case len(b) > 78 && b[12] == 0x86 && b[20] == 58 && (b[54] == 135 || b[54] == 136):
			m, err := ndp.ParseMessage(b[54:])
			must(t, err)
			ip, options := f.SrcIP(), []ndp.Option(nil)
			if na, ok := m.(*ndp.NeighborAdvertisement); ok {
				ip, options = na.TargetAddress, na.Options
			} else {
				options = m.(*ndp.NeighborSolicitation).Options
			}
			for _, o := range options {
				if lla, ok := o.(*ndp.LinkLayerAddress); ok {
					pairs[ip.String()+" at "+lla.Addr.String()] = "ND from " + f.SrcMAC().String()
				}
			}
		}
	}
	return pairs
}

// told checks that of each of the addresses it was said at what MAC it is, by
// itself, and never that it is at another.
func told(t *testing.T, tap *testnet.Tap, at map[string]net.HardwareAddr) {
	t.Helper()
	pairs := spokenFor(t, tap)
	for ip, mac := range at {
		for pair, by := range pairs {
			if strings.HasPrefix(pair, ip+" at ") && (pair != ip+" at "+mac.String() || !strings.HasSuffix(by, mac.String())) {
				t.Errorf("%s says that %s, want %v", by, pair, mac)
			}
		}
		if _, ok := pairs[ip+" at "+mac.String()]; !ok {
			t.Errorf("nothing says that %s is at %v: %v", ip, mac, pairs)
		}
	}
}

// Whoever asks, and whoever is asked, the virtual address is at the virtual MAC
// and the host's own at its own.
//
//vrrp:row 44 56 58 59
func TestEachAddressIsSaidToBeAtItsOwnMAC(t *testing.T) {
	testnet.Need(t, "root", "ip", "ping")
	for _, p := range []protocol{v3, v3six} {
		t.Run(p.name, func(t *testing.T) {
			l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "client"}}, Links: 2}.ForTest(t)
			a, client := l.Host("a"), l.Host("client")
			own, asker := a.Addr.String(), client.Addr.String()
			if p.six {
				own, asker = "2001:db8:99::a", "2001:db8:99::99"
				ipIn(t, a, "address add "+own+"/64 dev eth0 nodad")
				ipIn(t, client, "address add "+asker+"/64 dev eth0 nodad")
			}
			tap := tapOf(t, l, a)
			start(t, a, "native", p.conf(150, "use_vmac"))
			await(t, "the address", func() bool { return holds(a) && ping(t, client, p.service()) })
			for _, source := range []string{p.service(), own} {
				ipIn(t, a, "neigh flush all")
				ipIn(t, client, "neigh flush all")
				if err := a.Command(t.Context(), "ping", "-n", "-c1", "-W2", "-I", source, asker).Run(); err != nil {
					t.Errorf("%s does not answer %s: %v", asker, source, err)
				}
				ipIn(t, client, "neigh flush all")
				if !ping(t, client, source) {
					t.Errorf("%s does not answer", source)
				}
			}
			at := map[string]net.HardwareAddr{p.service(): p.vmac(), own: a.MAC}
			if !p.six { // what lies behind the virtual router, to those who take it for a neighbour
				must(t, a.Do(func() error {
					return writeSysctls("ipv4/ip_forward", "1", "ipv4/conf/vrrp.51/forwarding", "1", "ipv4/conf/vrrp.51/proxy_arp", "1")
				}))
				ipIn(t, client, "address del 10.101.0.2/16 dev eth1")
				ipIn(t, client, "route add 10.101.0.0/16 dev eth0")
				_ = ping(t, client, "10.101.0.77") // which nobody has
				at["10.101.0.77"] = p.vmac()
			}
			told(t, tap, at)
		})
	}
}

//vrrp:row 59
func TestNoInterfaceIdentifierIsMadeOfTheVirtualMAC(t *testing.T) {
	for _, p := range []protocol{v3, v3six} {
		t.Run(p.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "client")
			a, client := l.Host("a"), l.Host("client")
			start(t, a, "native", p.conf(150, "use_vmac"))
			awaitState(t, a, "MASTER")
			await(t, "the address", func() bool { return holds(a) })
			src, all := linkLocal(t, client).Addr(), netip.MustParseAddr("ff02::1")
			ra, err := ndp.MarshalMessageChecksum(&ndp.RouterAdvertisement{
				CurrentHopLimit: 64, RouterLifetime: time.Minute,
				Options: []ndp.Option{&ndp.PrefixInformation{
					PrefixLength: 64, OnLink: true, AutonomousAddressConfiguration: true,
					ValidLifetime: time.Hour, PreferredLifetime: time.Hour, Prefix: netip.MustParseAddr("2001:db8:77::"),
				}},
			}, src, all)
			must(t, err)
			f := append([]byte{0x33, 0x33, 0, 0, 0, 1}, client.MAC...)
			f = append(f, 0x86, 0xdd, 0x60, 0, 0, 0, 0, byte(len(ra)), 58, 255)
			f = append(append(append(f, src.AsSlice()...), all.AsSlice()...), ra...)
			flood(t, client, [][]byte{f}, 10, 300*time.Millisecond)
			await(t, "an address of the advertised prefix on eth0", func() bool {
				return strings.Contains(ipIn(t, a, "-6 address show dev eth0"), "2001:db8:77:")
			})
			for line := range strings.Lines(ipIn(t, a, "-6 -o address show dev "+p.vmacName())) {
				if !strings.Contains(line, vip6+"/") && !strings.Contains(line, p.service()+"/") {
					t.Errorf("on %s: %s", p.vmacName(), line)
				}
			}
		})
	}
}

// A host that uses the virtual address as its router is served while the router
// is MASTER, by nobody while it is BACKUP, and is told of a better way, if at all,
// by the address that it uses.
//
//vrrp:row 39 45 60
func TestMasterForwardsWhatIsSentToTheVirtualMAC(t *testing.T) {
	testnet.Need(t, "root", "ip", "ping")
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}, {Name: "client"}, {Name: "server"}}, Links: 2}.ForTest(t)
			a, b, client, server := l.Host("a"), l.Host("b"), l.Host("client"), l.Host("server")
			must(t, a.Do(func() error {
				return writeSysctls("ipv4/ip_forward", "1", "ipv4/conf/all/rp_filter", "1", "ipv4/conf/eth0/rp_filter", "1")
			}))
			ipIn(t, client, "address del 10.101.0.3/16 dev eth1")
			ipIn(t, client, "route add 10.101.0.0/16 via "+vip+" onlink dev eth0")
			ipIn(t, client, "route add 10.99.0.4/32 via "+vip+" onlink dev eth0")
			ipIn(t, server, "route add 10.99.0.3/32 via 10.101.0.1")
			ipIn(t, server, "route add 10.99.0.1/32 via 10.101.0.1")
			tap := tapOf(t, l, a)
			start(t, a, mode, v3.conf(100, "use_vmac"))
			awaitState(t, a, "MASTER")
			await(t, "the client to reach the server by the virtual router", func() bool { return ping(t, client, "10.101.0.4") })
			if got := cachedMAC(t, client, vip); got != v3.vmac().String() {
				t.Errorf("the client's router is at %s", got)
			}
			_ = ping(t, client, "10.99.0.4") // a neighbour, by a way about
			sawClient := false
			for _, f := range tap.Frames() {
				icmp := f.Bytes[min(34, len(f.Bytes)):]
				if f.Bytes[12] != 8 || f.Bytes[13] != 0 || len(icmp) == 0 || f.Bytes[23] != 1 {
					continue
				}
				sawClient = sawClient || f.SrcIP() == client.Addr
				if icmp[0] == 5 && f.SrcIP().String() != vip {
					t.Errorf("an ICMP redirect from %s, which the client does not use", f.SrcIP())
				}
			}
			if !sawClient {
				t.Error("nothing was sent back to the LAN by a: this proves nothing of redirects")
			}

			start(t, b, mode, v3.conf(150, "use_vmac")) // which does not forward
			awaitState(t, b, "MASTER")
			awaitState(t, a, "BACKUP")
			// The client's frames now reach both, as they do where a switch floods: it
			// forgets b and is kept from learning of it again.
			ipIn(t, a, "-n "+strings.TrimSuffix(a.Namespace, "a")+"sw link set p0-2 type bridge_slave learning off fdb_flush")
			frame := echo(client, v3.vmac(), netip.MustParseAddr("10.101.0.4"))
			heard, err := server.Tap("eth1", func(f testnet.Frame) bool { return bytes.Contains(f.Bytes, []byte("virtual router")) })
			must(t, err)
			t.Cleanup(func() { heard.Close() })
			ipIn(t, a, "link set eth0 promisc on")
			flood(t, client, [][]byte{frame}, 100, 300*time.Millisecond)
			if n := len(heard.Frames()); n != 0 {
				t.Errorf("a BACKUP forwarded %d frames to the virtual MAC", n)
			}
			flood(t, client, [][]byte{echo(client, a.MAC, netip.MustParseAddr("10.101.0.4"))}, 100, 300*time.Millisecond)
			if len(heard.Frames()) == 0 {
				t.Error("a forwards nothing at all: this proves nothing")
			}
		})
	}
}

// echo is an ICMP echo request from a host to an address, by way of a MAC.
func echo(from *testnet.Host, by net.HardwareAddr, to netip.Addr) []byte {
	f := from.GroupFrame(from.Addr, 64, 1, append([]byte{8, 0, 0, 0, 0, 1, 0, 1}, "to be forwarded by the virtual router"...))
	copy(f, by)
	copy(f[30:], to.AsSlice())
	f[24], f[25] = 0, 0
	sum := testnet.Checksum(f[14:34])
	f[24], f[25] = byte(sum>>8), byte(sum)
	return f
}
