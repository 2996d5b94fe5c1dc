package e2e

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/doctor"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// What is heard and answered on a LAN with real routers on it. Each situation is looked
// at with several configurations at a time: what differs is either side's fault.
func TestDoctorHearsPeers(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	l := testnet.ForTest(t, "a", "b", "c")
	a, b, c := l.Host("a"), l.Host("b"), l.Host("c")
	hears := func(name, conf, listen string, check string, verdict doctor.Verdict, part, fix string) look {
		return look{name: name, args: []string{"-f", confFile(t, conf), "--listen=" + listen}, check: check, verdict: verdict, part: part, fix: fix}
	}
	good := v3.conf(100)

	// An address that was set by hand, and one of ours.
	by := netip.PrefixFrom(netip.MustParseAddr(vip), 32)
	must(t, c.AddAddr("eth0", by))
	hears("by hand", good, "700ms", "duplicate", doctor.Bad, c.MAC.String(), "find the MAC address in the switch").examine(t, a)
	must(t, c.DelAddr("eth0", by))

	db := native.start(t, b, v3.conf(150))
	await(t, "b to have the address", func() bool { return b.HasAddr(vip) })
	fast := func(name, conf, check string, verdict doctor.Verdict, part, fix string) look {
		return hears(name, conf, "1200ms", check, verdict, part, fix)
	}
	const same = "write the same "
	two := testnet.Conf(3, testnet.Instance{AdvertInt: "0.1", VIPs: []string{vip, "10.99.9.2"}})
	atOnce(t, a,
		fast("a good pair", good, "", "", "", ""),
		fast("another version", v2pass.conf(100), "peers", doctor.Bad, "VRRPv3, and we VRRPv2", same+"version"),
		fast("an address more", two, "peers", doctor.Warn, "does not have 10.99.9.2", same+"virtual_ipaddress on both hosts"),
		fast("another interval", protocol{"v3", 3, 300 * time.Millisecond, false, ""}.conf(100), "peers", doctor.Warn, "every 100ms, and we every 300ms", same+"advert_int"),
		fast("the same priority", v3.conf(150), "peers", doctor.Warn, "our priority, 150", "give one host a higher priority"),
		fast("a signature is wanted", v3.conf(100, "auth_hmac {", "key 1 6d3b0c1a9e5f47d28b70c4e1f2a36958d1e07bc4a5f8923e6710cdfa3b8e5924", "active_key 1", "mode enforce", "anti_replay monotonic", "}"), "peers", doctor.Bad, "does not sign", "mode permissive"),
		fast("a VRID used twice", strings.Replace(good, vip, "10.99.9.7", 1), "vrid", doctor.Bad, "other addresses", "virtual_router_id"),
	)

	// A MASTER that is not heard answers all the same, and another host may too.
	must(t, l.FilterVRRP("b"))
	hears("not heard", good, "700ms", "duplicate", doctor.Bad, b.MAC.String(), "drops protocol 112").examine(t, a)
	must(t, l.UnfilterVRRP("b"))
	must(t, c.AddAddr("eth0", by))
	hears("two answer", good, "1200ms", "duplicate", doctor.Bad, "2 hosts answer for "+vip, "docs/split-brain.md").examine(t, a)
	must(t, c.DelAddr("eth0", by))

	// A stranger: keepalived with our VRID and addresses of its own.
	strange := testnet.Conf(3, testnet.Instance{State: "MASTER", Priority: 200, AdvertInt: "0.1", VIPs: []string{"10.99.9.77"}})
	kc := keepalived.start(t, c, strange)
	await(t, "the stranger to be MASTER", func() bool { return c.HasAddr("10.99.9.77") })
	hears("a stranger", good, "1200ms", "vrid", doctor.Bad, "used by "+c.Addr.String()+" for other addresses", "use another virtual_router_id").examine(t, a)
	kc.Kill9()
	must(t, db.Stop())

	// A keepalived of VRRPv2 with a password, once a second.
	must(t, c.DelAddr("eth0", netip.MustParsePrefix("10.99.9.77/32")))
	kc.Conf = v2pass.conf(255)
	must(t, kc.Start())
	await(t, "keepalived to be MASTER", func() bool { return c.HasAddr(vip) })
	slow := func(name, conf, check string, verdict doctor.Verdict, part, fix string) look {
		return hears(name, conf, "2500ms", check, verdict, part, fix)
	}
	plain := protocol{"v2", 2, time.Second, false, " "}
	atOnce(t, a,
		slow("a good pair, v2", v2pass.conf(100), "", "", "", ""),
		slow("another password", strings.Replace(v2pass.conf(100), "1111", "2222", 1), "peers", doctor.Bad, "another auth_pass", same+"auth_pass"),
		slow("no password", plain.conf(100), "peers", doctor.Bad, "authentication PASS, and we none", same+"authentication on both hosts"),
		slow("AH", strings.Replace(v2pass.conf(100), "auth_type PASS", "auth_type AH", 1), "peers", doctor.Bad, "authentication PASS, and we AH", same+"authentication on both hosts"),
		slow("another interval, v2", strings.Replace(v2pass.conf(100), "advert_int 1", "advert_int 2", 1), "peers", doctor.Bad, "every 1s, and we every 2s", same+"advert_int"),
		slow("version 3", good, "peers", doctor.Bad, "VRRPv2, and we VRRPv3", same+"version"),
	)
}

// An interface that cannot be had leaves what is heard, and answered, by the other.
func TestDoctorHearsTheOtherInterface(t *testing.T) {
	testnet.Need(t, "root")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	start(t, b, "off", v3.conf(150))
	await(t, "b to have the address", func() bool { return b.HasAddr(vip) })
	var frames []doctor.Frame
	var answers []doctor.Answer
	var deaf, dumb map[string]error
	must(t, a.Do(func() error {
		var h doctor.System
		links, err := h.Links()
		if err != nil {
			return err
		}
		gone := doctor.Link{Index: 4711, Name: "gone", MAC: links[0].MAC}
		ears := []doctor.Ear{{Link: gone, Groups: []netip.Addr{netip.MustParseAddr("224.0.0.18")}}}
		probes := []doctor.Probe{{Link: gone, Addr: netip.MustParseAddr(vip)}}
		for _, l := range links {
			if l.Name == "eth0" {
				ears = append(ears, doctor.Ear{Link: l, Groups: ears[0].Groups})
				probes = append(probes, doctor.Probe{Link: l, Addr: probes[0].Addr})
			}
		}
		frames, deaf = h.Listen(t.Context(), ears, time.Second)
		answers, dumb = h.Probe(t.Context(), probes)
		return nil
	}))
	if len(frames) == 0 || frames[0].On != "eth0" || deaf["gone"] == nil || deaf["eth0"] != nil {
		t.Errorf("heard %d frames; %v", len(frames), deaf)
	}
	if len(answers) == 0 || answers[0].MAC != [6]byte(b.MAC) || dumb["gone"] == nil || dumb["eth0"] != nil {
		t.Errorf("answered %+v; %v", answers, dumb)
	}
}

// The pair that everybody is to have: nothing is raised, on the BACKUP, and on the
// MASTER, which holds the address and whose own adverts may come back to it.
func TestDoctorOfARunningDaemon(t *testing.T) {
	testnet.Need(t, "root")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	startPair(t, v3fast, "generic", a, b)
	quiet := look{args: []string{"--listen=700ms"}}
	quiet.name = "the BACKUP"
	for name, all := range map[string][]doctor.Result{"the BACKUP": quiet.examine(t, b), "the MASTER": quiet.examine(t, a)} {
		for _, check := range []string{"daemon", "xdp", "vrid", "duplicate"} {
			if !says(all, check, doctor.OK, "") && !says(all, check, doctor.Note, "") {
				t.Errorf("%s, %s: %+v", name, check, all)
			}
		}
	}
	must(t, l.Echo("a", true))
	look{name: "a MASTER whose adverts come back", args: quiet.args, check: "vrid", verdict: doctor.Note, part: "come back by eth0, each once", fix: "nothing"}.examine(t, a)
	must(t, l.Echo("a", false))

	// A firewall on the way to b: it takes the address, and a hears two MASTERs.
	must(t, l.FilterVRRP("a"))
	awaitState(t, b, "MASTER")
	awaitRouter(t, a, "to see two MASTERs", func(r stats.Router) bool {
		_, raised := alarmOf(r, "two_masters")
		return raised
	})
	look{name: "two MASTERs", args: quiet.args, check: "vrid", verdict: doctor.Bad, part: "two MASTERs: this host, and " + b.Addr.String(), fix: "docs/split-brain.md",
		also: []string{"daemon", "duplicate"}}.examine(t, a)
	must(t, l.UnfilterVRRP("a"))
	awaitState(t, b, "BACKUP")
}

// A master whose adverts come late, though never too late: the doctor has a better
// down_timer_adverts for it, with which it is content.
func TestDoctorOfLateAdverts(t *testing.T) {
	testnet.Need(t, "root")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	slow := protocol{"v3 at 200 ms", 3, 200 * time.Millisecond, false, ""} // a silence of 722 ms is a dead master
	start(t, b, "native", slow.conf(100))
	awaitRouter(t, b, "to be there", func(stats.Router) bool { return true })
	advert := a.GroupFrame(a.Addr, 255, protoVRRP, slow.message(150))
	const late = 19 // the octave from 524 to 1049 ms
	await(t, "the BACKUP to have heard enough", func() bool {
		flood(t, a, [][]byte{advert}, 100, 400*time.Millisecond)
		time.Sleep(540 * time.Millisecond) // never less; 180 ms more, and b would be MASTER
		flood(t, a, [][]byte{advert}, 100, 50*time.Millisecond)
		n := uint64(0)
		gaps := router(t, b).Arrivals
		for _, k := range gaps {
			n += k
		}
		return n >= 100 && len(gaps) > late && gaps[late] > n/100
	})
	timing := look{name: "late adverts", args: []string{"--listen=0s"}, check: "timing", verdict: doctor.Warn, part: "gaps between adverts is 524.288ms to 1.048576s, and 721.875ms of silence mean a dead master", fix: "down_timer_adverts 6, or advert_int 0.5"}
	timing.examine(t, b)
	better := look{name: "after its fix", args: []string{"-f", confFile(t, slow.conf(100, "down_timer_adverts 6")), "--listen=0s"}}
	if all := better.examine(t, b); !says(all, "timing", doctor.OK, "gaps between adverts") {
		t.Errorf("with down_timer_adverts 6: %+v", all)
	}
}
