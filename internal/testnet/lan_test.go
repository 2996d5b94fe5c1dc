package testnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// reaches tells whether a datagram from one host gets to another's address.
func reaches(t *testing.T, from, to *Host, addr netip.Addr) bool {
	t.Helper()
	var server, client net.Conn
	open := func(h *Host, f func() error) {
		if err := h.Do(f); err != nil {
			t.Fatal(err)
		}
	}
	at := net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 4000))
	open(to, func() (err error) { server, err = net.ListenUDP("udp", at); return })
	defer server.Close()
	open(from, func() (err error) { client, err = net.DialUDP("udp", nil, at); return })
	defer client.Close()
	for range 3 { // the first may go to ARP's queue
		client.Write([]byte("hello")) // EHOSTUNREACH is an answer too
		server.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if n, _ := server.Read(make([]byte, 16)); n == 5 {
			return true
		}
	}
	return false
}

func TestHostsReachEachOtherUntilCut(t *testing.T) {
	l := ForTest(t, "a", "b", "c")
	a, b, c := l.Host("a"), l.Host("b"), l.Host("c")
	check := func(when string, from, to *Host, want bool) {
		t.Helper()
		if got := reaches(t, from, to, to.Addr); got != want {
			t.Errorf("%s: %s reaches %s: %v, want %v", when, from.Name, to.Name, got, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check("built", a, b, true)
	check("built", b, a, true)

	must(l.Cut("b"))
	check("b cut", a, b, false)
	check("b cut", a, c, true)
	must(l.Join("b"))
	check("b joined", a, b, true)

	// ARP goes both ways, so only its warm cache lets one direction through.
	must(l.Mute("b"))
	check("b mute", b, a, false)
	check("b mute", a, b, true)
	must(l.Join("b"))
	check("b joined", b, a, true)

	must(l.Deafen("b"))
	check("b deaf", a, b, false)
	check("b deaf", b, a, true)
	must(l.Join("b"))
	check("b joined", a, b, true)

	must(l.Block("b"))
	tap := l.TapForTest(t)
	check("b blocked", b, a, false)
	check("b blocked", a, b, false)
	check("b blocked", a, c, true)
	for _, f := range tap.Frames() {
		if f.SrcMAC().String() == b.MAC.String() {
			t.Error("a blocked host is on the tap")
		}
	}
	if !b.HasCarrier("eth0") {
		t.Error("a blocked host has lost its carrier")
	}
	must(l.Unblock("b"))
	check("b unblocked", b, a, true)
}

func TestHostsHaveTheAddressesAndLinksOfTheSpec(t *testing.T) {
	l := Spec{
		Links: 2,
		Hosts: []HostSpec{
			{Name: "a"},
			{Name: "b", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/24"), netip.MustParsePrefix("2001:db8::5/64")}},
		},
	}.ForTest(t)
	a, b := l.Host("a"), l.Host("b")
	for _, c := range []struct {
		host *Host
		ip   string
		want bool
	}{
		{a, "10.99.0.1", true}, {a, "10.101.0.1", true}, {a, "10.0.0.5", false},
		{b, "10.0.0.5", true}, {b, "2001:db8::5", true}, {b, "10.101.0.2", true}, {b, "10.99.0.2", false},
	} {
		if got := c.host.HasAddr(c.ip); got != c.want {
			t.Errorf("%s has %s: %v, want %v", c.host.Name, c.ip, got, c.want)
		}
	}
	for _, h := range []*Host{a, b} {
		err := h.Do(func() error {
			for _, p := range h.Links {
				i, err := net.InterfaceByName(p.Name)
				if err != nil {
					return err
				}
				if i.Index != p.Ifindex || i.HardwareAddr.String() != p.MAC.String() {
					t.Errorf("%s %s: have %d %s, said %d %s", h.Name, p.Name, i.Index, i.HardwareAddr, p.Ifindex, p.MAC)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !WaitFor(2*time.Second, func() bool { return reaches(t, a, b, netip.MustParseAddr("10.101.0.2")) }) {
		t.Error("a does not reach b over eth1")
	}
}

func TestDoComesBack(t *testing.T) {
	l := ForTest(t, "a")
	before, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	want := errors.New("of f")
	var inside string
	err = l.Host("a").Do(func() error {
		inside, _ = os.Readlink("/proc/thread-self/ns/net")
		return want
	})
	if err != want {
		t.Errorf("Do returned %v, want the error of f", err)
	}
	after, _ := os.Readlink("/proc/thread-self/ns/net")
	if inside == before || after != before {
		t.Errorf("namespace before %s, inside %s, after %s", before, inside, after)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	Need(t, "root")
	l, err := New("t-testnet-", "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if got := Namespaces("t-testnet-"); len(got) != 3 {
		t.Errorf("namespaces of a LAN of two hosts: %v", got)
	}
	cmd := l.Host("a").Command(context.Background(), "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if got := Namespaces("t-testnet-"); len(got) != 0 {
		t.Errorf("left after Close: %v", got)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("process in a closed LAN ended with %v, want killed", err)
	}
}

func TestLeftoversOfAKilledRunAreRemoved(t *testing.T) {
	Need(t, "root")
	old, err := New("t-testnet-", "a", "zombie")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New("t-testnet-", "a"); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("second LAN of a live prefix: %v, want it refused", err)
	}
	old.lock.Close() // as the death of the process would
	// A run killed between the file and the mount.
	half := filepath.Join(netnsDir, "t-testnet-half")
	if err := os.WriteFile(half, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	var seen []string
	l := Spec{
		Hosts: []HostSpec{{Name: "a"}},
		Leftover: func(h *Host) {
			if h.Name == "sw" || h.HasAddr(old.Host(h.Name).Addr.String()) {
				seen = append(seen, h.Name)
			}
		},
	}.ForTest(t)
	if slices.Sort(seen); !slices.Equal(seen, []string{"a", "sw", "zombie"}) {
		t.Errorf("leftovers shown: %v", seen)
	}
	for _, name := range Namespaces("t-testnet-") {
		if name != "t-testnet-sw" && name != "t-testnet-a" {
			t.Errorf("leftover %s still there", name)
		}
	}
	if !l.Host("a").HasAddr("10.99.0.1") {
		t.Error("new host has no address")
	}
}

func TestPrefixMustBeAWordAndAHyphen(t *testing.T) {
	for _, prefix := range []string{"", "-", "lb"} {
		if l, err := New(prefix, "a"); err == nil {
			l.Close()
			t.Errorf("prefix %q was taken", prefix)
		}
	}
}
