package vip

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

// vmac4 and vmac6 are the devices of VRID 51 on vip0.
var (
	vmac4 = MACVLAN{Name: "vrrp.51", Base: device, MAC: [6]byte{0, 0, 0x5e, 0, 1, 51}, IPv4: true}
	vmac6 = MACVLAN{Name: "vrrp6.51", Base: device, MAC: [6]byte{0, 0, 0x5e, 0, 2, 51}, IPv6: true}
)

func on(v MACVLAN, prefixes ...string) (all []Address) {
	for _, p := range prefixes {
		all = append(all, Address{Prefix: netip.MustParsePrefix(p), Device: v.Name})
	}
	return all
}

// declareOn declares an owner of one device and waits until it is there.
func declareOn(t testing.TB, h *host, m *Manager, owner string, v MACVLAN, prefixes ...string) {
	t.Helper()
	if err := m.Declare(owner, on(v, prefixes...), v); err != nil {
		t.Fatal(err)
	}
	eventually(t, v.Name+" to be there", func() bool {
		return slices.ContainsFunc(m.Devices(), func(d DeviceStatus) bool { return d.Name == v.Name && d.There })
	})
}

// link is the device of that name, nil for none.
func (h *host) link(t testing.TB, name string) (l netlink.Link) {
	t.Helper()
	h.do(t, func() { l, _ = netlink.LinkByName(name) })
	return l
}

func (h *host) isUp(t testing.TB, name string) bool {
	t.Helper()
	l := h.link(t, name)
	return l != nil && l.Attrs().RawFlags&1 != 0
}

// addressesOf lists those of a device, link-local ones too.
func (h *host) addressesOf(t testing.TB, name string) string {
	t.Helper()
	var out []string
	for line := range strings.Lines(h.ip(t, "-o address show dev "+name)) {
		out = append(out, strings.Fields(line)[3])
	}
	return strings.Join(out, " ")
}

func (h *host) setting(t testing.TB, family, dev, name string) (value string) {
	t.Helper()
	h.do(t, func() {
		b, err := os.ReadFile(sysctl{family, dev, name}.path())
		if err != nil {
			t.Fatal(err)
		}
		value = strings.TrimSpace(string(b))
	})
	return value
}

func (h *host) set(t testing.TB, family, dev, name string, value int) {
	t.Helper()
	h.do(t, func() {
		if err := (sysctl{family, dev, name}).write(value); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDeviceIsKeepalivedsAndUpOnlyWhileItsAddressesAreHeld(t *testing.T) {
	for _, c := range []struct {
		MACVLAN
		addrs    []string
		settings string
	}{
		{vmac4, []string{"192.0.2.3/24", "192.0.2.4/24"}, "ipv6.disable_ipv6=1"},
		{vmac6, []string{"fe80::99:1/64", "2001:db8::1/64"}, "ipv6.disable_ipv6=0 ipv6.addr_gen_mode=1 ipv6.accept_ra=0 ipv6.forwarding=1"},
	} {
		t.Run(c.Name, func(t *testing.T) {
			h := newHost(t)
			h.set(t, "ipv4", "vip0", "forwarding", 1)
			h.set(t, "ipv6", "vip0", "forwarding", 1)
			m, r := h.start(t)
			declareOn(t, h, m, "VI_1", c.MACVLAN, c.addrs...)
			l, ok := h.link(t, c.Name).(*netlink.Macvlan)
			if !ok || l.Mode != netlink.MACVLAN_MODE_PRIVATE || l.HardwareAddr.String() != c.mac().String() || l.ParentIndex != h.link(t, device).Attrs().Index {
				t.Fatalf("made %+v", l)
			}
			for _, want := range strings.Fields("ipv4.arp_ignore=1 ipv4.arp_announce=2 ipv4.rp_filter=2 ipv4.promote_secondaries=1 ipv4.forwarding=1 " + c.settings) {
				key, value, _ := strings.Cut(want, "=")
				family, name, _ := strings.Cut(key, ".")
				if got := h.setting(t, family, c.Name, name); got != value {
					t.Errorf("%s is %s, want %s", key, got, value)
				}
			}
			if h.isUp(t, c.Name) || h.addressesOf(t, c.Name) != "" {
				t.Error("up before it is held")
			}
			for range 2 {
				sends := countSends(m)
				hold(t, m, r, "VI_1")
				if !h.isUp(t, c.Name) || h.addressesOf(t, c.Name) != strings.Join(c.addrs, " ") && h.addressesOf(t, c.Name) != c.addrs[1]+" "+c.addrs[0] {
					t.Errorf("held: %v with %s", h.link(t, c.Name).Attrs().Flags, h.addressesOf(t, c.Name))
				}
				release(t, m, r, "VI_1")
				if h.isUp(t, c.Name) || h.addressesOf(t, c.Name) != "" {
					t.Errorf("released: %v with %s", h.link(t, c.Name).Attrs().Flags, h.addressesOf(t, c.Name))
				}
				if n := sends.Load(); n != 2 {
					t.Errorf("taken and released with %d calls of sendmsg, want one each", n)
				}
			}
			if n := r.count(Restored) + r.count(Made) + r.count(Trouble); n != 0 {
				t.Errorf("our own changes were taken for another's: %+v", r.all)
			}
		})
	}
}

func TestSettingsOfTheBaseAreSharedAndPutBack(t *testing.T) {
	h := newHost(t)
	m, _ := h.start(t)
	settings := func() string {
		return h.setting(t, "ipv4", device, "arp_ignore") + h.setting(t, "ipv4", device, "arp_announce")
	}
	declareOn(t, h, m, "six", vmac6, "fe80::99:1/64")
	if got := settings(); got != "00" {
		t.Errorf("IPv6 alone: arp_ignore and arp_announce are %s", got)
	}
	declareOn(t, h, m, "four", vmac4, "192.0.2.3/24")
	second := vmac4
	second.Name, second.MAC[5] = "vrrp.52", 52
	declareOn(t, h, m, "four too", second, "192.0.2.4/24")
	if got := settings(); got != "12" {
		t.Errorf("arp_ignore and arp_announce are %s, want 1 and 2", got)
	}
	m.Forget("four")
	eventually(t, "the device to go", func() bool { return h.link(t, vmac4.Name) == nil })
	if got := settings(); got != "12" {
		t.Errorf("put back while another needs them: %s", got)
	}
	m.Forget("four too")
	eventually(t, "the settings to be put back", func() bool { return settings() == "00" })
}

func TestSettingsThatDoOrThatOthersMadeAreLeftAlone(t *testing.T) {
	h := newHost(t)
	h.set(t, "ipv4", device, "arp_ignore", 2)
	m, r := h.start(t)
	declareOn(t, h, m, "VI_1", vmac4, "192.0.2.3/24")
	hold(t, m, r, "VI_1")
	if got := h.setting(t, "ipv4", device, "arp_ignore"); got != "2" {
		t.Errorf("arp_ignore = %s, was 2", got)
	}
	h.set(t, "ipv4", device, "arp_announce", 1) // the administrator, meanwhile
	shut(t, m)
	if got := h.setting(t, "ipv4", device, "arp_ignore") + h.setting(t, "ipv4", device, "arp_announce"); got != "21" {
		t.Errorf("arp_ignore and arp_announce are %s after the end, want 2 and 1", got)
	}
	if h.link(t, vmac4.Name) != nil {
		t.Error("the device is still there")
	}
}

func TestDeviceThatSomeoneChangesIsPutRight(t *testing.T) {
	for _, c := range []struct{ how, line string }{
		{"removed", "link delete vrrp.51"},
		{"set down", "link set vrrp.51 down"},
		{"given another MAC", "link set vrrp.51 address 02:00:00:00:00:01"},
	} {
		t.Run(c.how, func(t *testing.T) {
			h := newHost(t)
			m, r := h.start(t)
			declareOn(t, h, m, "VI_1", vmac4, "192.0.2.3/24", "192.0.2.4/24")
			hold(t, m, r, "VI_1")
			h.ip(t, c.line)
			if ev := r.take(t, Made); ev.Owner != "VI_1" || ev.Device != vmac4.Name || ev.Took <= 0 {
				t.Errorf("told %+v", ev)
			}
			eventually(t, "all to be as before", func() bool {
				l := h.link(t, vmac4.Name)
				return l != nil && l.Attrs().HardwareAddr.String() == vmac4.mac().String() && h.isUp(t, vmac4.Name) &&
					h.addressesOf(t, vmac4.Name) == "192.0.2.3/24 192.0.2.4/24"
			})
			release(t, m, r, "VI_1")
			if h.isUp(t, vmac4.Name) || h.addressesOf(t, vmac4.Name) != "" {
				t.Error("still up")
			}
		})
	}
	t.Run("renamed or set up while it is not held", func(t *testing.T) {
		h := newHost(t)
		m, r := h.start(t)
		declareOn(t, h, m, "VI_1", vmac4, "192.0.2.3/24")
		h.ip(t, "link set vrrp.51 up")
		r.take(t, Made)
		eventually(t, "it to be down", func() bool { return !h.isUp(t, vmac4.Name) })
		h.ip(t, "link set vrrp.51 name other0")
		r.take(t, Made)
		eventually(t, "its name", func() bool { return h.link(t, vmac4.Name) != nil && h.link(t, "other0") == nil })
	})
}

func TestDeviceOfAnotherIsNotTouched(t *testing.T) {
	h := newHost(t)
	h.ip(t, "link add vrrp.51 link vip0 address 00:00:5e:00:01:33 type macvlan mode private") // exactly ours, but for who made it
	m, r := h.start(t)
	if err := m.Declare("VI_1", on(vmac4, "192.0.2.3/24"), vmac4); err != nil {
		t.Fatal(err)
	}
	index := h.link(t, vmac4.Name).Attrs().Index
	if ev := r.take(t, Missing); ev.Device != vmac4.Name || !strings.Contains(ev.Err.Error(), "not ours") {
		t.Errorf("told %+v", ev)
	}
	m.Hold("VI_1")
	if ev := r.take(t, Held); len(ev.Errors) != 1 {
		t.Errorf("held %+v", ev)
	}
	if h.isUp(t, vmac4.Name) || h.addressesOf(t, vmac4.Name) != "" || h.link(t, vmac4.Name).Attrs().Index != index {
		t.Error("another's device was changed")
	}
	h.ip(t, "link delete vrrp.51")
	if ev := r.take(t, Made); ev.Took != 0 {
		t.Errorf("told %+v", ev)
	}
	eventually(t, "the address", func() bool { return h.addressesOf(t, vmac4.Name) == "192.0.2.3/24" })
}

func TestDeviceGoesAndComesWithItsBase(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declareOn(t, h, m, "VI_1", vmac4, "192.0.2.3/24")
	hold(t, m, r, "VI_1")
	h.ip(t, "link delete vip0")
	r.take(t, Missing)
	release(t, m, r, "VI_1")
	h.newDevice(t)
	r.take(t, Made)
	if got := h.setting(t, "ipv4", device, "arp_ignore"); got != "1" {
		t.Errorf("arp_ignore of the base that returned is %s", got)
	}
	hold(t, m, r, "VI_1")
	if got := h.addressesOf(t, vmac4.Name); got != "192.0.2.3/24" {
		t.Errorf("held: %s", got)
	}
}

func TestWhatAKilledProcessLeftOfDevicesIsRemoved(t *testing.T) {
	for _, by := range []string{"the next start", "cleanup"} {
		t.Run(by, func(t *testing.T) {
			h := newHost(t)
			file := crashedVMAC(t, h)
			if h.link(t, vmac4.Name) == nil || h.setting(t, "ipv4", device, "arp_ignore") != "1" {
				t.Fatal("nothing was left: this proves nothing")
			}
			h.ip(t, "link add vrrp.52 link vip0 type macvlan mode private") // in the file, but another MAC by now
			want := []string{"device vrrp.51 on vip0", "setting net.ipv4.conf.vip0.arp_announce = 2, back to 0", "setting net.ipv4.conf.vip0.arp_ignore = 1, back to 0"}
			var removed []string
			if by == "cleanup" {
				var err error
				if removed, err = h.cleanup(t, file); err != nil {
					t.Fatal(err)
				}
			} else {
				_, r := h.startAt(t, file)
				for range want {
					removed = append(removed, r.take(t, Cleaned).What)
				}
			}
			if slices.Sort(removed); !slices.Equal(removed, want) {
				t.Errorf("removed %q", removed)
			}
			if h.link(t, vmac4.Name) != nil || h.link(t, "vrrp.52") == nil {
				t.Error("ours is there, or another's is not")
			}
			if got := h.setting(t, "ipv4", device, "arp_ignore") + h.setting(t, "ipv4", device, "arp_announce"); got != "00" {
				t.Errorf("arp_ignore and arp_announce are %s", got)
			}
		})
	}
}

// crashedVMAC has a host as a killed process leaves it, which held an address on
// vrrp.51 and had, or was to have, vrrp.52.
func crashedVMAC(t *testing.T, h *host) (file string) {
	t.Helper()
	dir := t.TempDir()
	m, r := h.startAt(t, filepath.Join(dir, "alive.json"))
	second := vmac4
	second.Name, second.MAC[5] = "vrrp.52", 52
	declareOn(t, h, m, "VI_1", vmac4, "192.0.2.3/24")
	declareOn(t, h, m, "VI_2", second, "192.0.2.4/24")
	hold(t, m, r, "VI_1")
	b, err := os.ReadFile(filepath.Join(dir, "alive.json"))
	if err != nil {
		t.Fatal(err)
	}
	shut(t, m)
	h.ip(t, "link add vrrp.51 link vip0 address 00:00:5e:00:01:33 type macvlan mode private")
	h.ip(t, "address add 192.0.2.3/24 dev vrrp.51")
	h.set(t, "ipv4", device, "arp_ignore", 1)
	h.set(t, "ipv4", device, "arp_announce", 2)
	crashed := t.TempDir()
	file = filepath.Join(crashed, "state.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestImpossibleDevicesAreRefused(t *testing.T) {
	h := newHost(t)
	m, _ := h.start(t)
	declareOn(t, h, m, "VI_1", vmac4, "192.0.2.3/24")
	group := vmac6
	group.MAC[0] = 1
	for name, vs := range map[string][]MACVLAN{
		"another owner's": {vmac4}, "twice": {vmac6, vmac6}, "a group's MAC": {group}, "no name": {{Base: device, MAC: vmac4.MAC}},
	} {
		if err := m.Declare("VI_2", nil, vs...); err == nil {
			t.Errorf("%s: declared", name)
		}
	}
	if got := fmt.Sprint(len(m.Devices())); got != "1" {
		t.Errorf("%s devices are declared, want 1", got)
	}
}
