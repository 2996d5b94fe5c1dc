package e2e

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// linkLocal is the address that the kernel gave eth0. Ask before a daemon runs.
func linkLocal(t *testing.T, h *testnet.Host) netip.Prefix {
	t.Helper()
	var found netip.Prefix
	await(t, "a link-local address on "+h.Name, func() bool {
		addrs, err := h.Addrs()
		must(t, err)
		for _, a := range addrs {
			if a.Addr().Is6() && a.Addr().IsLinkLocalUnicast() {
				found = a
			}
		}
		return found.IsValid()
	})
	return found
}

//vrrp:row 1 2 4 9 10 35
func TestTsharkFindsNoFaultInOurIPv6(t *testing.T) {
	testnet.Need(t, "root", "tshark")
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	own := linkLocal(t, a).Addr().String()
	tap := l.TapForTest(t)
	d := start(t, a, "native", v3six.conf(150))
	await(t, "adverts and neighbour advertisements", func() bool {
		return len(advertsOf(tap, a)) >= 2 && len(garps(tap, a, "2001:db8:99::1")) >= 5
	})
	must(t, d.Stop())
	wire := dissect(t, a, tap.Frames())
	mine := " && eth.src == " + a.MAC.String()
	wire.faultless("(vrrp || icmpv6.type == 136)" + mine)
	adverts := wire.rows("vrrp"+mine, "vrrp.checksum.status", "ipv6.hlim", "ipv6.src", "ipv6.dst", "vrrp.ipv6_addr")
	want := "1\t255\t" + own + "\tff02::12\t" + vip6 + ",2001:db8:99::1"
	if len(adverts) < 3 { // the farewell too
		t.Errorf("tshark sees %d adverts", len(adverts))
	}
	for _, ad := range adverts {
		if ad != want {
			t.Errorf("advert %q, want %q", ad, want)
		}
	}
	// Router and override set, solicited clear.
	for _, ip := range []string{vip6, "2001:db8:99::1"} {
		nas := wire.rows("icmpv6.type == 136 && icmpv6.nd.na.target_address == "+ip+mine,
			"icmpv6.checksum.status", "ipv6.hlim", "ipv6.dst", "icmpv6.nd.na.flag", "icmpv6.opt.linkaddr")
		want := "1\t255\tff02::1\t0xa0000000\t" + a.MAC.String()
		ours := 0
		for _, na := range nas {
			if na == want {
				ours++
			}
		}
		// The kernel may add one of its own as it takes the address.
		if ours < 5 {
			t.Errorf("%d neighbour advertisements of %s are %q: %q", ours, ip, want, nas)
		}
	}
}

// both is a host's routers by family; ok when it has the two.
func both(t *testing.T, h *testnet.Host) (four, six stats.Router, ok bool) {
	t.Helper()
	s, err := askStatus(t, h)
	if err != nil {
		return four, six, false
	}
	for _, r := range s.Routers {
		if r.Family == "IPv6" {
			six = r
		} else {
			four = r
		}
	}
	return four, six, len(s.Routers) == 2
}

//vrrp:row 18
func TestRoutersOfBothFamiliesAndOneVRIDAreIndependent(t *testing.T) {
	testnet.Need(t, "root", "ip")
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			conf := func(priority int) string {
				return testnet.Conf(3,
					testnet.Instance{Name: "four", Priority: priority, AdvertInt: "0.1", VIPs: []string{vip}},
					testnet.Instance{Name: "six", Priority: priority, AdvertInt: "0.1", VIPs: []string{vip6 + "/64"}})
			}
			where := func(h *testnet.Host, four, six string) {
				t.Helper()
				await(t, h.Name+" to be "+four+" and "+six, func() bool {
					r4, r6, ok := both(t, h)
					return ok && r4.State == four && r6.State == six
				})
			}
			start(t, a, mode, conf(150))
			where(a, "MASTER", "MASTER")
			for _, group := range []string{"224.0.0.18", "ff02::12"} {
				if out := ipIn(t, a, "maddr show dev eth0"); !strings.Contains(out, group) {
					t.Errorf("eth0 is not in %s: %s", group, out)
				}
			}
			start(t, b, mode, conf(100))
			where(b, "BACKUP", "BACKUP")
			time.Sleep(v3.masterDown(100) + slack) // when it would have taken over
			where(b, "BACKUP", "BACKUP")

			must(t, a.DelAddr("eth0", a.Links[0].Addrs[0]))
			where(a, "FAULT", "MASTER")
			where(b, "MASTER", "BACKUP")
			await(t, "each address on one host", func() bool {
				return !a.HasAddr(vip) && b.HasAddr(vip) && a.HasAddr(vip6) && !b.HasAddr(vip6)
			})
			if _, six, _ := both(t, b); len(six.History) > 2 { // INIT, perhaps FAULT till the address is there, BACKUP
				t.Errorf("the IPv6 router has moved: %+v", six.History)
			}
			must(t, a.AddAddr("eth0", a.Links[0].Addrs[0]))
			where(a, "MASTER", "MASTER")
			where(b, "BACKUP", "BACKUP")
		})
	}
}

//vrrp:row 4
func TestIPv6RouterFollowsItsLinkLocalAddress(t *testing.T) {
	testnet.Need(t, "root", "ip")
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	tap := l.TapForTest(t)
	must(t, a.DelAddr("eth0", linkLocal(t, a)))
	d := start(t, a, "native", v3six.conf(150))
	awaitState(t, a, "FAULT")
	if !strings.Contains(d.Log(), "no IPv6 link-local address on eth0") {
		t.Errorf("the log does not name the fault:\n%s", d.Log())
	}
	from := func(ip string) {
		t.Helper()
		await(t, "adverts from "+ip, func() bool {
			ads := advertsOf(tap, a)
			return len(ads) > 1 && ads[len(ads)-1].SrcIP().String() == ip && router(t, a).State == "MASTER"
		})
	}
	must(t, a.AddAddr("eth0", netip.MustParsePrefix("fe80::a/64")))
	from("fe80::a")
	check := unmoved(t, a)
	must(t, a.AddAddr("eth0", netip.MustParsePrefix("fe80::b/64")))
	await(t, "the second address to be usable", func() bool {
		return !strings.Contains(ipIn(t, a, "-6 addr show dev eth0"), "tentative")
	})
	must(t, a.DelAddr("eth0", netip.MustParsePrefix("fe80::a/64")))
	from("fe80::b")
	if got := router(t, a).Source; got != "fe80::b" {
		t.Errorf("status says that adverts come from %s", got)
	}
	check()
	must(t, a.DelAddr("eth0", netip.MustParsePrefix("fe80::b/64")))
	awaitState(t, a, "FAULT")
	await(t, "the address to go", func() bool { return !holds(a) })
}

// message6 is v3six's advert, summed with its pseudo-header after change.
func message6(src netip.Addr, priority byte, change func(m []byte) []byte) []byte {
	m := []byte{0x31, 51, priority, 1, 0, 10, 0, 0}
	m = change(append(m, netip.MustParseAddr(vip6).AsSlice()...))
	pseudo := append(src.AsSlice(), netip.MustParseAddr("ff02::12").AsSlice()...)
	pseudo = append(pseudo, 0, 0, 0, byte(len(m)), 0, 0, 0, protoVRRP)
	if len(m) >= 8 {
		binary.BigEndian.PutUint16(m[6:], testnet.Checksum(append(pseudo, m...)))
	}
	return m
}

// junks6 are adverts of priority 255 that no IPv6 router may listen to.
func junks6(from *testnet.Host) []junk {
	src := netip.MustParseAddr("fe80::99")
	message := func(change func(m []byte) []byte) []byte { return message6(src, 255, change) }
	good := message(func(m []byte) []byte { return m })
	frame := func(m []byte, change func(ip []byte)) []byte {
		f := frame6(from, m)
		change(f[14:])
		return f
	}
	as := func([]byte) {}
	bad := append([]byte{}, good...)
	bad[6] ^= 0x55
	behind := func(next byte) []byte { return append([]byte{next, 0, 1, 4, 0, 0, 0, 0}, good...) }
	return []junk{
		{"hop limit 64", "ttl", frame(good, func(ip []byte) { ip[7] = 64 })},
		{"bad checksum", "checksum", frame(bad, as)},
		{"foreign VRID", "vrid", frame(message(func(m []byte) []byte { m[1] = 250; return m }), as)},
		{"cut in the header", "length", frame(good[:4], as)},
		{"cut before the VRID", "truncated", frame(good[:1], as)},
		{"AH", "auth_type", frame(behindAH(good), func(ip []byte) { ip[6] = protoAH })},
		{"version 2", "version", frame(message(func(m []byte) []byte { m[0] = 0x21; return m }), as)},
		{"behind hop-by-hop options", "ext_header", frame(behind(protoVRRP), func(ip []byte) { ip[6] = 0 })},
		{"from ::1", "source", frame(message6(netip.IPv6Loopback(), 255, func(m []byte) []byte { return m }),
			func(ip []byte) { copy(ip[8:], netip.IPv6Loopback().AsSlice()) })},
		{"IPv4", "vrid", from.GroupFrame(from.Addr, 255, protoVRRP, v3.message(255))},
	}
}

//vrrp:row 13 14 16 17 18 27
func TestIPv6JunkStopsNoAdvertMovesNoAddressAndIsCounted(t *testing.T) {
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "junk")
			a, b, from := l.Host("a"), l.Host("b"), l.Host("junk")
			startPair(t, v3six, mode, a, b)
			check := unmoved(t, a, b)
			before := map[*testnet.Host]*stats.Status{a: status(t, a), b: status(t, b)}
			var frames [][]byte
			junks := junks6(from)
			for _, j := range junks {
				frames = append(frames, j.frame)
			}
			// MLD is not VRRP's, nor is it to be counted.
			mld := frame6(from, append([]byte{58, 0, 5, 2, 0, 0, 1, 0}, make([]byte, 20)...))
			mld[14+6] = 0
			frames = append(frames, mld)

			sent := flood(t, from, frames, 2000, 2*time.Second)
			check()
			want := map[string]uint64{}
			for i, j := range junks {
				want[j.counter] += sent[i]
			}
			for h, before := range before {
				counted(t, h, before, want, mode != "off")
			}
		})
	}
}
