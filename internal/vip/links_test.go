package vip

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDeviceThatVanishesAndReturnsHasItsAddressesAgain(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	m.Watch("vip0")
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	before, _ := m.Link("vip0")

	h.ip(t, "link del vip0")
	if ev := r.take(t, LinkGone); ev.Link.Name != "vip0" || ev.Link.Index != before.Index || ev.Link.Up {
		t.Errorf("told %+v", ev)
	}
	if _, ok := m.Link("vip0"); ok {
		t.Error("the device is still known")
	}
	h.ip(t, "link add other0 type veth peer name other1") // takes an index
	h.ip(t, "link add vip0 type veth peer name vip0-peer")
	ev := r.take(t, LinkNew)
	if ev.Link.Index == before.Index || len(ev.Link.MAC) != 6 || ev.Link.MTU != 1500 {
		t.Errorf("told %+v; before %+v", ev, before)
	}
	eventually(t, "the address on the new device, although it is down", func() bool { return h.has(t, "192.0.2.3/24") })
	release(t, m, r, "VI_1")
	if h.has(t, "192.0.2.3/24") {
		t.Error("not removed from the new device")
	}
}

func TestReleaseWhileTheDeviceIsGoneIsNoError(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	m.Watch("vip0")
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	h.ip(t, "link del vip0")
	r.take(t, LinkGone)
	release(t, m, r, "VI_1")
	h.newDevice(t)
	r.take(t, LinkNew)
	hold(t, m, r, "VI_1")
	if !h.has(t, "192.0.2.3/24") || r.count(Restored) != 0 {
		t.Errorf("the host has %v; events %v", h.addresses(t), r.all)
	}
}

func TestRenamedDeviceKeepsNothingOfOurs(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	m.Watch("vip0", "lan0")
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	h.ip(t, "link set vip0 down")
	r.take(t, LinkDown)
	h.ip(t, "link set vip0 name lan0")
	if ev := r.take(t, LinkGone); ev.Link.Name != "vip0" {
		t.Errorf("told %+v", ev)
	}
	if ev := r.take(t, LinkNew); ev.Link.Name != "lan0" {
		t.Errorf("told %+v", ev)
	}
	release(t, m, r, "VI_1")
	h.ip(t, "link set lan0 name vip0")
	if h.has(t, "192.0.2.3/24") {
		t.Errorf("left on the renamed device: %v", h.addresses(t))
	}
}

func TestAddressFollowsTheNameToAnotherDevice(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	h.ip(t, "link set vip0 down")
	h.ip(t, "link set vip0 name lan0")
	h.ip(t, "link set vip0-peer name lan0-peer")
	h.newDevice(t)
	eventually(t, "the address on the device that has the name now", func() bool { return h.has(t, "192.0.2.3/24") })
	if out := h.ip(t, "-o address show dev lan0"); strings.Contains(out, "192.0.2.3") {
		t.Errorf("still on the other device: %s", out)
	}
	release(t, m, r, "VI_1")
	if h.has(t, "192.0.2.3/24") {
		t.Error("not removed")
	}
}

func TestLinkEventsFollowTheOperationalState(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	m.Watch("vip0")
	for _, step := range []struct {
		line string
		kind Kind
		up   bool
	}{
		{"link set vip0-peer down", LinkDown, false}, // the carrier goes
		{"link set vip0-peer up", LinkUp, true},
		{"link set vip0 down", LinkDown, false},
		{"link set vip0 up", LinkUp, true},
		{"link set vip0 mtu 1400", LinkChanged, true},
		{"link set vip0 address 02:00:00:00:00:01", LinkChanged, true},
	} {
		h.ip(t, step.line)
		ev := r.take(t, step.kind)
		if now, ok := m.Link("vip0"); !ok || ev.Link.Up != step.up || now.Up != step.up {
			t.Errorf("%s: told %+v, link %+v", step.line, ev, now)
		}
	}
	h.do(t, func() {
		link, err := LookupLink(device)
		if err != nil || link.MTU != 1400 || link.MAC.String() != "02:00:00:00:00:01" || !link.Up || link.Flags&unix.IFF_UP == 0 {
			t.Errorf("LookupLink: %+v, %v", link, err)
		}
		if _, err := LookupLink("nowhere"); err == nil || err.Error() != "interface nowhere does not exist" {
			t.Errorf("LookupLink of nothing: %v", err)
		}
	})
}

func TestUnwatchedDevicesAreSilentAndABridgePortIsNotTakenForGone(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	m.Watch("vip0")
	h.ip(t, "link add br0 type bridge")
	h.ip(t, "link set vip0 master br0")
	h.ip(t, "link set vip0 nomaster") // RTM_DELLINK of family AF_BRIDGE
	h.ip(t, "link del br0")
	h.ip(t, "link set vip0 mtu 1300")
	for ev := r.take(t, LinkChanged); ev.Link.MTU != 1300; ev = r.take(t, LinkChanged) {
	}
	for _, kind := range []Kind{LinkGone, LinkNew} {
		if n := r.count(kind); n != 0 {
			t.Errorf("%d events %q", n, kind)
		}
	}
}

//vrrp:row 4
func TestPrimaryIPv4IsTheHostsOwn(t *testing.T) {
	h := newHost(t)
	h.ip(t, "address flush dev vip0")
	m, r := h.start(t)
	m.Watch("vip0")
	if p, ok := m.PrimaryIPv4("vip0"); ok {
		t.Errorf("a primary address %v on a device that has none", p)
	}
	declare(t, m, "VI_1", addrs("10.0.0.3/24"))
	hold(t, m, r, "VI_1") // first on the device, and not the host's own
	h.ip(t, "address add 169.254.1.1/16 scope link dev vip0")
	h.ip(t, "address add 10.0.0.9/24 dev vip0") // secondary to ours
	h.ip(t, "address add 192.0.2.7/24 dev vip0")
	want := netip.MustParsePrefix("192.0.2.7/24")
	if ev := r.take(t, PrimaryChanged); ev.Primary != want || ev.Link.Name != "vip0" || ev.Link.Index == 0 {
		t.Errorf("told %+v, want %v", ev, want)
	}
	if p, ok := m.PrimaryIPv4("vip0"); !ok || p != want {
		t.Errorf("primary %v, %v", p, ok)
	}
	h.ip(t, "address add 198.51.100.7/24 dev vip0") // second: no change
	h.ip(t, "address del 192.0.2.7/24 dev vip0")
	want = netip.MustParsePrefix("198.51.100.7/24")
	if ev := r.take(t, PrimaryChanged); ev.Primary != want {
		t.Errorf("told %+v, want %v", ev, want)
	}
	h.ip(t, "address del 198.51.100.7/24 dev vip0")
	if ev := r.take(t, PrimaryChanged); ev.Primary.IsValid() {
		t.Errorf("told %+v, want none", ev)
	}
}

func TestAddressOwnersPrimaryIsItsVirtualAddress(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.1/24")) // priority 255: the address was there before us
	hold(t, m, r, "VI_1")
	if p, ok := m.PrimaryIPv4("vip0"); !ok || p.String() != "192.0.2.1/24" {
		t.Errorf("primary %v, %v", p, ok)
	}
}
