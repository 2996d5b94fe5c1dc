package e2e

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// vmac is the virtual MAC address of VRID 51.
func (p protocol) vmac() net.HardwareAddr {
	if p.six {
		return net.HardwareAddr{0, 0, 0x5e, 0, 2, 51}
	}
	return net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}
}

// vmacName is that of its device.
func (p protocol) vmacName() string {
	if p.six {
		return "vrrp6.51"
	}
	return "vrrp.51"
}

// service is the address that clients ask for, beside those of Conf.
func (p protocol) service() string {
	if p.six {
		return "2001:db8:99::1"
	}
	return vip
}

// sentBy starts to record what a host sends from a MAC address.
func sentBy(t *testing.T, l *testnet.LAN, h *testnet.Host, mac net.HardwareAddr) *testnet.Tap {
	t.Helper()
	tap, err := l.TapHost(h.Name, func(f testnet.Frame) bool { return bytes.Equal(f.SrcMAC(), mac) })
	must(t, err)
	t.Cleanup(func() { tap.Close() })
	return tap
}

// adverts counts those of a tap.
func adverts(tap *testnet.Tap) (n int) {
	for _, f := range tap.Frames() {
		if f.IsAdvert() {
			n++
		}
	}
	return n
}

// cachedMAC is the MAC address that a host has for another's address.
func cachedMAC(t *testing.T, h *testnet.Host, ip string) string {
	t.Helper()
	_, mac, _ := strings.Cut(ipIn(t, h, "neigh show "+ip+" dev eth0"), "lladdr ")
	mac, _, _ = strings.Cut(mac, " ")
	return mac
}

// A client behind a switch that has the address in its cache goes on with the
// same MAC address; the switch alone learns that it has moved.
//
//vrrp:row 3 37 39 40 42 44 56 57 62
func TestVirtualMACMovesAndClientsKeepTheirs(t *testing.T) {
	testnet.Need(t, "root", "keepalived", "ip", "ping")
	for _, c := range []struct {
		protocol
		a, b party
	}{
		{v3, native, native},
		{v3, socket, socket},
		{v3, native, keepalived},
		{v3, keepalived, native},
		{v3six, native, native},
		{v3six, socket, generic},
		{v3six, native, keepalived},
		{v3six, keepalived, native},
	} {
		t.Run(c.name+", "+c.a.String()+" and "+c.b.String(), func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "client")
			a, b, client := l.Host("a"), l.Host("b"), l.Host("client")
			if c.six {
				ipIn(t, client, "address add 2001:db8:99::99/64 dev eth0 nodad")
			}
			fromA, fromB := sentBy(t, l, a, c.vmac()), sentBy(t, l, b, c.vmac())
			at := func(p party, holder, other *testnet.Host) {
				t.Helper()
				await(t, "the switch to lead to "+holder.Name, func() bool {
					learned, err := l.Learned(c.vmac())
					must(t, err)
					return learned == holder.Name && holds(holder) && !holds(other)
				})
				if !ping(t, client, c.service()) {
					t.Errorf("%s does not answer", holder.Name)
				}
				// Which MAC address keepalived's host asks the client from is not ours.
				if got := cachedMAC(t, client, c.service()); got != c.vmac().String() && p.kind == testnet.VRRPX {
					t.Errorf("the client has %s at %q, want %v", c.service(), got, c.vmac())
				}
			}
			// only fails if vrrpx, in BACKUP, has said anything by the virtual MAC.
			only := func(p party, h *testnet.Host, tap *testnet.Tap) {
				t.Helper()
				if n := len(tap.Frames()); n != 0 && p.kind == testnet.VRRPX {
					t.Errorf("%s is BACKUP and sent %d frames from %v, the first % x", h.Name, n, c.vmac(), tap.Frames()[0].Bytes)
				}
				tap.Clear()
			}

			da := c.a.start(t, a, c.conf(150, "use_vmac"))
			at(c.a, a, b)
			c.b.start(t, b, c.conf(100, "use_vmac"))
			time.Sleep(c.masterDown(100) + slack) // when it would have taken over
			only(c.b, b, fromB)

			must(t, da.Stop())
			at(c.b, b, a)
			frames := fromA.Frames()
			if last, ok := frames[len(frames)-1].Advert(); !ok || last.Priority != 0 {
				t.Errorf("the last frame from %v of %s is % x, want an advert of priority 0", c.vmac(), a.Name, frames[len(frames)-1].Bytes)
			}
			if n := adverts(fromB); n == 0 {
				t.Errorf("no advert of %s comes from %v", b.Name, c.vmac())
			}
			fromA.Clear()

			must(t, da.Start()) // and preempts
			at(c.a, a, b)
			fromB.Clear()
			time.Sleep(slack)
			at(c.a, a, b)
			only(c.b, b, fromB)
			if n := adverts(fromA); n == 0 {
				t.Errorf("no advert of %s comes from %v", a.Name, c.vmac())
			}
		})
	}
}

// vmacOf waits for the state of a host's only virtual MAC.
func vmacOf(t *testing.T, h *testnet.Host, what string, is func(stats.Router, stats.VMAC) bool) {
	t.Helper()
	awaitRouter(t, h, what, func(r stats.Router) bool { return len(r.VMACs) == 1 && is(r, r.VMACs[0]) })
}

// Of all that could be said by the virtual MAC at the moment of yielding,
// nothing follows the winner's advert by long: not the goodbye of the address's
// groups either.
//
//vrrp:row 39 50
func TestNothingLeavesByTheVirtualMACAfterYielding(t *testing.T) {
	for _, p := range []protocol{v3fast, v3sixfast} {
		t.Run(p.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			ipIn(t, a, "link set eth0 up") // a host like any other: it forwards, so it joins the groups of routers
			must(t, a.Do(func() error { return writeSysctls("ipv4/ip_forward", "1", "ipv6/conf/all/forwarding", "1") }))
			fromA := sentBy(t, l, a, p.vmac())
			start(t, a, "native", p.conf(100, "use_vmac"))
			awaitState(t, a, "MASTER")
			for range 5 {
				db := start(t, b, "native", p.conf(150, "use_vmac"))
				awaitState(t, b, "MASTER")
				awaitState(t, a, "BACKUP")
				frames := fromA.Frames()
				for _, f := range frames[len(frames)-1:] {
					if !f.IsAdvert() && !f.IsGARP(vip) && !f.IsNA(vip6) && !f.IsNA(p.service()) {
						t.Errorf("the last frame of a that yields is % x", f.Bytes)
					}
				}
				fromA.Clear()
				time.Sleep(2 * time.Second) // MLD says goodbye within one
				if n := len(fromA.Frames()); n != 0 {
					t.Errorf("%d frames of a BACKUP, the first % x", n, fromA.Frames()[0].Bytes)
				}
				must(t, db.Stop())
				awaitState(t, a, "MASTER")
			}
		})
	}
}

//vrrp:row 3 62
func TestXmitBaseSendsAdvertsFromTheInterfaceAndTheRestFromTheVirtualMAC(t *testing.T) {
	for _, p := range []protocol{v3, v3six} {
		t.Run(p.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a")
			a := l.Host("a")
			tap := l.TapForTest(t)
			start(t, a, "native", p.conf(150, "use_vmac", "vmac_xmit_base"))
			await(t, "adverts and five announcements", func() bool {
				ads, said := 0, 0
				for _, f := range tap.Frames() {
					fromBase := bytes.Equal(f.SrcMAC(), a.MAC)
					switch {
					case f.IsAdvert() && fromBase:
						ads++
					case (f.IsGARP(vip) || f.IsNA(p.service())) && bytes.Equal(f.SrcMAC(), p.vmac()):
						said++
					case f.IsAdvert(), f.IsGARP(vip) || f.IsNA(p.service()):
						t.Fatalf("from %v: % x", f.SrcMAC(), f.Bytes)
					}
				}
				return ads > 2 && said >= 5
			})
		})
	}
}

func TestVirtualMACOutlivesWhatIsDoneToItsDevice(t *testing.T) {
	testnet.Need(t, "root", "ip", "ping")
	for _, p := range []protocol{v3, v3six} {
		t.Run(p.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "client")
			a, client := l.Host("a"), l.Host("client")
			ipIn(t, client, "address add 2001:db8:99::99/64 dev eth0 nodad")
			d := start(t, a, "native", p.conf(150, "use_vmac"))
			awaitState(t, a, "MASTER")
			check := unmoved(t, a)
			for _, line := range []string{"delete", "set down", "address 02:00:00:00:00:01"} {
				verb, rest, _ := strings.Cut(line, " ")
				args := "link " + verb + " dev " + p.vmacName() + " " + rest
				if verb == "address" {
					args = "link set dev " + p.vmacName() + " " + line
				}
				ipIn(t, a, args)
				vmacOf(t, a, "to be whole again after "+line, func(r stats.Router, v stats.VMAC) bool {
					for _, held := range r.Addresses {
						if !held.Present {
							return false
						}
					}
					return v.Up && v.MAC == p.vmac().String()
				})
				await(t, "an answer after "+line, func() bool { return ping(t, client, p.service()) })
			}
			check()
			if n := strings.Count(d.Log(), "was removed or changed by someone"); n != 3 {
				t.Errorf("the log tells of %d of 3 changes", n)
			}
		})
	}
}

func TestDeviceOfThatNameThatIsNotOursIsFaultAndStays(t *testing.T) {
	testnet.Need(t, "root", "ip")
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	ipIn(t, a, "link add vrrp.51 type veth peer name other")
	d := start(t, a, "native", v3.conf(150, "use_vmac"))
	awaitState(t, a, "FAULT")
	if r := router(t, a); !strings.Contains(r.Reason, "vrrp.51") || !strings.Contains(r.Reason, "not ours") {
		t.Errorf("reason %q", r.Reason)
	}
	if !strings.Contains(ipIn(t, a, "-d link show vrrp.51"), "veth") {
		t.Error("the device was changed")
	}
	ipIn(t, a, "link delete vrrp.51")
	awaitState(t, a, "MASTER")
	must(t, d.Stop())
	if out := ipIn(t, a, "-br link"); strings.Contains(out, "vrrp.51") {
		t.Errorf("the device is left: %s", out)
	}
}

//vrrp:row 53
func TestVirtualMACsInterfaceThatVanishesAndReturns(t *testing.T) {
	testnet.Need(t, "root", "ip")
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	start(t, a, "native", v3.conf(150, "use_vmac"))
	awaitState(t, a, "MASTER")
	sw := strings.TrimSuffix(a.Namespace, "a") + "sw"
	ipIn(t, a, "link del eth0")
	awaitState(t, a, "FAULT")
	ipIn(t, a, "-n "+sw+" link add p0-1 type veth peer name eth0 netns "+a.Namespace)
	ipIn(t, a, "-n "+sw+" link set p0-1 master br0 up")
	ipIn(t, a, "link set eth0 up")
	ipIn(t, a, "addr add "+a.Links[0].Addrs[0].String()+" dev eth0")
	awaitState(t, a, "MASTER")
	vmacOf(t, a, "to have its address", func(r stats.Router, v stats.VMAC) bool { return v.Up && r.Addresses[0].Present })
}

func TestKilledDaemonsDevicesAndSettingsAreRemoved(t *testing.T) {
	for _, by := range []string{"cleanup", "the next start"} {
		t.Run(by, func(t *testing.T) {
			l := testnet.ForTest(t, "a")
			a := l.Host("a")
			d := start(t, a, "native", v3.conf(150, "use_vmac"))
			awaitState(t, a, "MASTER")
			settings := func() (all string) {
				must(t, a.Do(func() (err error) {
					all, err = readSysctls("ipv4/conf/eth0/arp_ignore", "ipv4/conf/eth0/arp_announce")
					return err
				}))
				return all
			}
			if got := settings(); got != "1 2" {
				t.Errorf("arp_ignore and arp_announce of the interface are %s, want 1 2", got)
			}
			d.Kill9()
			before := ipIn(t, a, "-o link show vrrp.51")
			if by == "cleanup" {
				if out, code := vrrpx(t, a, "cleanup"); code != 0 || !strings.Contains(out, "removed device vrrp.51 on eth0") || !strings.Contains(out, "arp_ignore") {
					t.Errorf("cleanup: exit %d: %s", code, out)
				}
			} else {
				must(t, d.Start())
				awaitState(t, a, "MASTER")
				if after := ipIn(t, a, "-o link show vrrp.51"); after == before {
					t.Errorf("the device was not made anew: %s", after)
				}
				must(t, d.Stop())
			}
			if out := ipIn(t, a, "-br link"); strings.Contains(out, "vrrp.51") {
				t.Errorf("the device is left: %s", out)
			}
			if got := settings(); got != "0 0" {
				t.Errorf("arp_ignore and arp_announce of the interface are %s in the end, want 0 0", got)
			}
		})
	}
}

// writeSysctls writes pairs of path below /proc/sys/net and value, in the
// namespace of the calling thread.
func writeSysctls(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := sysctlFile(pairs[i]).write(pairs[i+1]); err != nil {
			return fmt.Errorf("%s: %w", pairs[i], err)
		}
	}
	return nil
}

func readSysctls(paths ...string) (string, error) {
	var all []string
	for _, p := range paths {
		b, err := sysctlFile(p).read()
		if err != nil {
			return "", err
		}
		all = append(all, b)
	}
	return strings.Join(all, " "), nil
}
