package e2e

import (
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// An address on another interface than the router's is announced there, from that
// one's MAC, and with garp_extra_if all now and again.
func TestAddressOnAnotherInterfaceIsAnnouncedThere(t *testing.T) {
	testnet.Need(t, "root", "ip")
	const there = "10.101.9.1"
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "c"}}, Links: 2}.ForTest(t)
	a, c := l.Host("a"), l.Host("c")
	other, err := c.Tap("eth1", func(testnet.Frame) bool { return true })
	must(t, err)
	defer other.Close()
	tap := l.TapForTest(t)
	start(t, a, "native", testnet.Conf(3, testnet.Instance{
		Priority: 150, AdvertInt: "0.1", VIPs: []string{vip, there + " dev eth1"},
		Lines: []string{"garp_master_repeat 2", "garp_master_delay 0", "garp_extra_if all 1"},
	}))
	mac := a.Links[1].MAC.String()
	announced := func() (n int) {
		for _, f := range other.Frames() {
			if f.IsGARP(there) && f.SrcMAC().String() == mac {
				n++
			}
		}
		return n
	}
	await(t, "two at once", func() bool { return announced() >= 2 })
	await(t, "three more for the switch", func() bool { return announced() >= 5 })
	if n := len(garps(tap, a, there)); n != 0 {
		t.Errorf("%d gratuitous ARPs for %s on the router's interface", n, there)
	}
	if n := len(garps(tap, a, vip)); n < 2 || n > 4 { // the kernel may add its own
		t.Errorf("%d gratuitous ARPs for %s", n, vip)
	}
	for _, f := range other.Frames() {
		if f.IsGARP(vip) {
			t.Errorf("a gratuitous ARP for %s on %s's other interface", vip, a.Name)
		}
	}
	if got := xdpPrograms(t, a); len(got) != 1 {
		t.Errorf("XDP on %v, where one is needed", got)
	}
}
