package doctor

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// v2Conf is of VRRPv2 with a password.
var v2Conf = strings.NewReplacer("version 3", "version 2", "advert_int 0.1", "advert_int 1\n\tauthentication {\n\t\tauth_type PASS\n\t\tauth_pass 1111\n\t}").Replace(cleanConf)

func hmacConf(mode string) string {
	return with(cleanConf, "auth_hmac {\n\t\tkey 1 \""+strings.Repeat("k", 32)+"\"\n\t\tactive_key 1\n\t\tmode "+mode+"\n\t}")
}

// wireFaults are those that are heard, and answered.
var wireFaults = []fault{
	{"a VRID used twice", func(f *fake) { f.say(farMAC, advert{src: "10.0.0.9", addrs: []string{"10.0.0.99"}}) }, "vrid", Bad, "other addresses", "virtual_router_id"},
	{"two masters", func(f *fake) { f.say(farMAC, advert{src: "10.0.0.9", priority: 120}) }, "vrid", Bad, "two MASTERs: 10.0.0.2 and 10.0.0.9", "firewall"},
	{"two masters, we are one", func(f *fake) { f.run(func(_ *stats.Status, r *stats.Router) { r.State = "MASTER" }) }, "vrid", Bad, "this host, and 10.0.0.2", "peers"},
	{"our address elsewhere", func(f *fake) { f.silence(); f.say(farMAC, advert{src: "10.0.0.1"}) }, "vrid", Bad, "from our address", "another address"},
	{"our MAC elsewhere", func(f *fake) { f.silence(); f.say(ourMAC, advert{}) }, "vrid", Bad, "MAC address of our eth0", "cloned"},
	{"a loop", func(f *fake) { f.silence(); f.say(ourMAC, advert{src: "10.0.0.1", priority: 100}) }, "vrid", Bad, "loop", "mirroring"},
	{"our adverts come back once each", func(f *fake) { f.master(30) }, "vrid", Note, "hairpin", "nothing"},
	{"our adverts come back, heard for longer", func(f *fake) { f.master(60) }, "vrid", Note, "hairpin", "nothing"},
	{"a loop that multiplies", func(f *fake) {
		f.master(30)
		f.say(ourMAC, advert{src: "10.0.0.1", priority: 100, times: 30}) // at the same times
	}, "vrid", Bad, "loop", "mirroring"},
	{"a clone of a MASTER", func(f *fake) { f.master(0); f.say(ourMAC, advert{src: "10.0.0.1", priority: 90, times: 30}) }, "vrid", Bad, "cloned", "addresses of its own"},
	{"a clone of a BACKUP", func(f *fake) {
		f.run(nil)
		f.silence()
		f.say(ourMAC, advert{src: "10.0.0.1", priority: 100, times: 30})
	}, "vrid", Bad, "cloned", "addresses of its own"},
	{"CARP", func(f *fake) {
		header := make([]byte, carpLength)
		copy(header, []byte{0x21, 51, 0, carpAuth, 0, 1})
		f.hear("eth0", 3, time.Second, netio.AdvertFrame(net.HardwareAddr(farMAC[:]), netip.MustParseAddr("10.0.0.9"), config.DefaultGroup, 255, header))
	}, "vrid", Warn, "VHID 51", "another"},
	{"another version", func(f *fake) { f.silence(); f.say(peerMAC, advert{version: 2, interval: time.Second}) }, "peers", Bad, "VRRPv2, and we VRRPv3", "version"},
	{"another interval", func(f *fake) { f.silence(); f.say(peerMAC, advert{interval: time.Second}) }, "peers", Warn, "every 1s, and we every 100ms", "advert_int"},
	{"another interval, v2", func(f *fake) {
		f.conf = v2Conf
		f.silence()
		f.say(peerMAC, advert{version: 2, interval: 2 * time.Second, auth: vrrp.AuthPass, pass: "1111"})
	}, "peers", Bad, "every 2s", "advert_int"},
	{"no password", func(f *fake) { f.conf = v2Conf; f.silence(); f.say(peerMAC, advert{version: 2, interval: time.Second}) }, "peers", Bad, "authentication none, and we PASS", "authentication"},
	{"another password", func(f *fake) {
		f.conf = v2Conf
		f.silence()
		f.say(peerMAC, advert{version: 2, interval: time.Second, auth: vrrp.AuthPass, pass: "2222"})
	}, "peers", Bad, "another auth_pass", "auth_pass"},
	{"not signed", func(f *fake) { f.conf = hmacConf("enforce") }, "peers", Bad, "does not sign", "permissive"},
	{"not signed, permissive", func(f *fake) { f.conf = hmacConf("permissive") }, "peers", Note, "lets pass", "enforce"},
	{"the clock is not set", func(f *fake) { f.conf = hmacConf("permissive"); f.unset = true }, "clock", Warn, "STA_UNSYNC", "chrony"},
	{"other addresses", func(f *fake) { f.silence(); f.say(peerMAC, advert{addrs: []string{"10.0.0.3", "10.0.0.7"}}) }, "peers", Warn, "does not have 10.0.0.4; it has 10.0.0.7 too", "virtual_ipaddress"},
	{"the same priority", func(f *fake) { f.silence(); f.say(peerMAC, advert{priority: 100}) }, "peers", Warn, "our priority, 100", "higher"},
	{"routed", func(f *fake) { f.silence(); f.say(peerMAC, advert{ttl: 254}) }, "peers", Bad, "TTL 254", "route"},
	{"dropped before", func(f *fake) {
		f.run(func(_ *stats.Status, r *stats.Router) { r.Drops["auth_data"] = 12 })
	}, "peers", Note, "auth_data 12", "--listen"},
	{"an address set by hand", func(f *fake) { f.silence(); f.answer("10.0.0.3", farMAC) }, "duplicate", Bad, "set by hand", "112"},
	{"an address of two", func(f *fake) { f.answer("10.0.0.3", farMAC); f.answer("10.0.0.3", peerMAC) }, "duplicate", Bad, "2 hosts answer for 10.0.0.3", "split-brain.md"},
	{"not by the master", func(f *fake) { f.answer("10.0.0.3", farMAC) }, "duplicate", Warn, "another MAC address", "MASTER"},
	{"ours and another's", func(f *fake) {
		f.iface("eth0").Addresses = addresses("10.0.0.1/24", "fe80::1/64", "10.0.0.3/24")
		f.answer("10.0.0.3", farMAC)
	}, "duplicate", Bad, "this host has 10.0.0.3", "split-brain.md"},
	{"our own address twice", func(f *fake) { f.answer("10.0.0.1", farMAC) }, "duplicate", Bad, "our own address 10.0.0.1", "another address"},
	{"late adverts", func(f *fake) { f.arrivals(map[int]uint64{16: 90000, 18: 100}) }, "timing", Warn, "p99.99", "down_timer_adverts 6, or advert_int"},
	{"perhaps late adverts", func(f *fake) { f.arrivals(map[int]uint64{16: 90000, 17: 100}) }, "timing", Note, "p99.99", "down_timer_adverts 4"},
	{"late while listening", func(f *fake) {
		f.silence()
		f.say(peerMAC, advert{times: 2})
		f.frames = append(f.frames, Frame{"eth0", f.frames[1].At.Add(300 * time.Millisecond), f.frames[1].Bytes})
	}, "timing", Warn, "300ms apart", "BACKUP"},
}

// master has the daemon be MASTER, with its addresses, on a LAN that says nothing but
// some of its own adverts.
func (f *fake) master(echoes int) {
	f.run(func(_ *stats.Status, r *stats.Router) { r.State = "MASTER" })
	f.iface("eth0").Addresses = addresses("10.0.0.1/24", "fe80::1/64", "10.0.0.3/24", "10.0.0.4/24")
	f.silence()
	if echoes > 0 {
		f.say(ourMAC, advert{src: "10.0.0.1", priority: 100, times: echoes})
	}
}

// arrivals has the daemon have measured gaps, by the power of two of microseconds.
func (f *fake) arrivals(octaves map[int]uint64) {
	f.run(func(_ *stats.Status, r *stats.Router) {
		r.Arrivals = make([]uint64, 32)
		for k, n := range octaves {
			r.Arrivals[k] = n
		}
	})
}

// An interface that cannot be heard, or asked on, leaves what the others say.
func TestOneBadInterfaceDoesNotDeafenTheOthers(t *testing.T) {
	two := cleanConf + strings.NewReplacer("VI_1", "VI_2", "eth0", "eth1", "51", "53", "10.0.0", "10.0.1").Replace(cleanConf)
	for name, tc := range map[string]struct {
		plant  func(*fake)
		checks []string // that skip eth1, and nothing else
		fix    string
		raised string // a part of what is raised; empty: nothing
	}{
		"deaf": {func(f *fake) { f.deafTo = map[string]error{"eth1": syscall.ENETDOWN} }, []string{"vrid", "peers"}, "again", ""},
		"deaf, a stranger on the other": {func(f *fake) {
			f.deafTo = map[string]error{"eth1": syscall.ENETDOWN}
			f.say(farMAC, advert{src: "10.0.0.9", addrs: []string{"10.0.0.99"}})
		}, []string{"vrid", "peers"}, "again", "VRID 51 on eth0 is used by 10.0.0.9"},
		"deaf, where somebody answers": {func(f *fake) {
			f.deafTo = map[string]error{"eth1": syscall.EPERM}
			f.answers = append(f.answers, Answer{"eth1", netip.MustParseAddr("10.0.1.3"), farMAC})
		}, []string{"vrid", "peers"}, "as root", ""},
		"deaf for a while, and a stranger": {func(f *fake) {
			f.deafTo = map[string]error{"eth0": syscall.ENETDOWN, "eth1": syscall.ENETDOWN}
			f.say(farMAC, advert{src: "10.0.0.9", addrs: []string{"10.0.0.99"}})
		}, []string{"vrid", "peers"}, "again", "VRID 51 on eth0 is used by 10.0.0.9"},
		"dumb": {func(f *fake) {
			f.muteOn = map[string]error{"eth1": syscall.EPERM}
			f.answer("10.0.0.4", farMAC)
		}, []string{"duplicate"}, "as root", "answers for 10.0.0.4"},
	} {
		f := clean()
		f.conf = two
		f.iface("eth1").Addresses = addresses("10.0.1.1/24")
		tc.plant(f)
		all := f.look(t)
		var skipped []string
		for _, r := range all {
			if r.Verdict == Skipped && r.Subject == "eth1" {
				skipped = append(skipped, r.Name)
				if !strings.Contains(r.Fix, tc.fix) {
					t.Errorf("%s: %+v", name, r)
				}
			}
		}
		if !slices.Equal(skipped, tc.checks) {
			t.Errorf("%s: eth1 is skipped by %v", name, skipped)
		}
		bad := raised(all)
		if tc.raised == "" && len(bad) > 0 || tc.raised != "" && !slices.ContainsFunc(bad, func(r Result) bool { return strings.Contains(r.Finding, tc.raised) }) {
			t.Errorf("%s: raised %+v", name, bad)
		}
	}
}
