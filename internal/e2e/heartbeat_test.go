package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// twoLines is a LAN of two hosts with two cables.
func twoLines(t *testing.T) (a, b *testnet.Host) {
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}}, Links: 2}.ForTest(t)
	return l.Host("a"), l.Host("b")
}

// cable2 is a heartbeat line on eth1, with the lines in it.
func cable2(lines ...string) string {
	return "heartbeat cable2 {\ninterface eth1\n" + strings.Join(lines, "\n") + "\n}"
}

func lineOf(r stats.Router, name string) (h stats.Heartbeat) {
	for _, h := range r.Heartbeats {
		if h.Name == name {
			return h
		}
	}
	return h
}

func awaitLines(t *testing.T, h *testnet.Host, eth0, cable2 string) {
	t.Helper()
	awaitRouter(t, h, "to have the lines "+eth0+" and "+cable2, func(r stats.Router) bool {
		return lineOf(r, "eth0").State == eth0 && lineOf(r, "cable2").State == cable2
	})
}

// silence cuts a cable so that the hosts keep their carriers.
func silence(t *testing.T, p *testnet.Port) {
	t.Helper()
	must(t, p.Mute())
	must(t, p.Deafen())
}

// Acceptance 6: each line cut in turn at 10 ms adverts is one alarm and no
// transition; both cut is a takeover.
func TestHeartbeatLinesCutInTurn(t *testing.T) {
	testnet.Need(t, "root")
	const hmac = "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdeX\nactive_key 1\nanti_replay monotonic\n}"
	unicast := func(me, peer int) string {
		return cable2(fmt.Sprintf("source 10.101.0.%d\nunicast_peer {\n10.101.0.%d is 10.99.0.%d\n}", me, peer, peer))
	}
	both := func(me, peer int) string {
		return fmt.Sprintf("unicast_src_ip 10.99.0.%d\nunicast_peer {\n10.99.0.%d\n}\n", me, peer) + unicast(me, peer)
	}
	multicast := func(int, int) string { return cable2() }
	for name, c := range map[string]struct {
		mode  string
		p     protocol
		line  func(me, peer int) string
		extra []string
	}{
		"native":           {"native", v3fast, multicast, nil},
		"first unicast":    {"native", v3fast, func(me, peer int) string { return strings.Replace(both(me, peer), unicast(me, peer), cable2(), 1) }, nil},
		"packet sockets":   {"off", v3fast, multicast, nil},
		"IPv6":             {"native", v3sixfast, multicast, nil},
		"unicast line":     {"native", v3fast, unicast, nil},
		"auth_hmac":        {"native", v3fast, multicast, []string{hmac}},
		"unicast and hmac": {"off", v3fast, both, []string{hmac}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := twoLines(t)
			if !strings.Contains(c.line(1, 2), "source") { // a line of multicast needs no address
				for _, h := range []*testnet.Host{a, b} {
					must(t, h.Command(t.Context(), "ip", "addr", "flush", "dev", "eth1").Run())
				}
			}
			start(t, a, c.mode, c.p.conf(150, append(c.extra, c.line(1, 2))...))
			awaitState(t, a, "MASTER")
			start(t, b, c.mode, c.p.conf(100, append(c.extra, c.line(2, 1))...))
			awaitLines(t, b, "ok", "ok")
			awaitLines(t, a, "up", "up")
			still := unmoved(t, a, b)
			for i, kind := range []string{"heartbeat_lost:eth0", "heartbeat_lost:cable2"} {
				silence(t, a.Links[i])
				awaitAlarm(t, b, kind, "")
				must(t, a.Links[i].Join())
				awaitNoAlarm(t, b, kind)
			}
			still()
			r := router(t, b)
			if want := map[string]uint64{"heartbeat_lost:eth0": 1, "heartbeat_lost:cable2": 1}; !maps.Equal(r.AlarmCounts, want) {
				t.Errorf("alarms began %v, want %v", r.AlarmCounts, want)
			}
			for _, d := range []string{"auth_replay", "auth_invalid", "auth_stale", "checksum", "unknown_peer", "overflow"} {
				if n := r.Drops[d] + lineOf(r, "cable2").Drops[d]; n > 0 {
					t.Errorf("%d adverts dropped: %s", n, d)
				}
			}
			if len(r.Speakers) != 1 {
				t.Errorf("%d speakers: %+v", len(r.Speakers), r.Speakers)
			}
			if out, _ := vrrpx(t, b, "status"); !strings.Contains(out, "cable2 dev eth1: ok") {
				t.Errorf("status:\n%s", out)
			}
			silence(t, a.Links[0])
			silence(t, a.Links[1])
			awaitState(t, b, "MASTER")
			if r := router(t, a); r.State != "MASTER" {
				t.Errorf("a is %s", r.State)
			}
			must(t, a.Links[1].Join()) // the second alone is enough to end it
			awaitState(t, b, "BACKUP")
			must(t, a.Links[0].Join())
			awaitLines(t, b, "ok", "ok")
		})
	}
}

// A cable pulled out shows on both hosts, whatever their state, and no address moves;
// a daemon that ends says so on both lines.
func TestHeartbeatCablePulledOut(t *testing.T) {
	testnet.Need(t, "root")
	a, b := twoLines(t)
	da := start(t, a, "native", v3fast.conf(150, cable2()))
	awaitState(t, a, "MASTER")
	start(t, b, "native", v3fast.conf(100, cable2()))
	awaitLines(t, b, "ok", "ok")
	still := unmoved(t, a, b)
	must(t, a.Links[1].Cut())
	for _, h := range []*testnet.Host{a, b} {
		awaitRouter(t, h, "to miss the line", func(r stats.Router) bool { _, ok := alarmOf(r, "heartbeat_lost:cable2"); return ok })
	}
	must(t, a.Links[1].Join())
	awaitNoAlarm(t, a, "heartbeat_lost:cable2")
	awaitNoAlarm(t, b, "heartbeat_lost:cable2")
	still()
	silence(t, a.Links[0]) // the release goes by the other
	awaitLines(t, b, "lost", "ok")
	must(t, da.Stop())
	awaitState(t, b, "MASTER")
	r := router(t, b)
	if last := r.History[len(r.History)-1]; !strings.Contains(last.Reason, "10.99.0.1") || strings.Contains(last.Reason, "silent") {
		t.Errorf("took over because: %s", last.Reason)
	}
}

// The first line has the addresses: without its carrier the router is in FAULT, and
// says so by the other line; with dont_track_primary it goes on there.
func TestHeartbeatFirstLineWithoutCarrier(t *testing.T) {
	testnet.Need(t, "root")
	a, b := twoLines(t)
	start(t, a, "native", v3.conf(150, cable2()))
	awaitState(t, a, "MASTER")
	start(t, b, "native", v3.conf(100, cable2(), "dont_track_primary"))
	awaitLines(t, b, "ok", "ok")
	still := unmoved(t, a, b)
	must(t, b.Links[0].Cut())
	awaitAlarm(t, b, "heartbeat_lost:eth0", "", "link eth0 is down")
	time.Sleep(v3.masterDown(100) + slack)
	still()
	must(t, b.Links[0].Join())
	awaitLines(t, b, "ok", "ok")
	still()
	must(t, a.Links[0].Cut())
	awaitState(t, a, "FAULT")
	awaitState(t, b, "MASTER")
	r := router(t, b)
	if last := r.History[len(r.History)-1]; !strings.Contains(last.Reason, "released") {
		t.Errorf("took over because: %s", last.Reason)
	}
}

// keepalived on the first line is plain VRRP: in both roles, with the second line
// as an alarm while it is MASTER and of no matter while we are.
func TestHeartbeatBesideKeepalived(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	for _, ours := range []int{100, 200} {
		t.Run(fmt.Sprint("our priority ", ours), func(t *testing.T) {
			a, b := twoLines(t)
			dk := keepalived.start(t, a, v3.conf(150))
			await(t, "keepalived to be MASTER", func() bool { return holds(a) })
			start(t, b, "native", v3.conf(ours, cable2()))
			if ours > 150 {
				awaitState(t, b, "MASTER")
				await(t, "keepalived to yield", func() bool { return !holds(a) })
				time.Sleep(v3.masterDown(150) + slack)
				if holds(a) || router(t, b).State != "MASTER" {
					t.Error("keepalived does not follow")
				}
				return
			}
			awaitAlarm(t, b, "heartbeat_lost:cable2", "", "nothing has been heard on it of the master 10.99.0.1")
			still := unmoved(t, b)
			time.Sleep(v3.masterDown(100) + slack)
			still()
			if n := router(t, b).AlarmCounts["heartbeat_lost:cable2"]; n != 1 {
				t.Errorf("%d alarms", n)
			}
			dk.Kill9()
			awaitState(t, b, "MASTER")
		})
	}
}

// Lines are added and taken away by a reload; other routers are not touched. A line
// on an interface that is not there is an alarm and no obstacle.
func TestHeartbeatAddedByReload(t *testing.T) {
	testnet.Need(t, "root")
	a, b := twoLines(t)
	start(t, a, "native", v3.conf(150, cable2()))
	awaitState(t, a, "MASTER")
	db := start(t, b, "native", v3.conf(100))
	awaitState(t, b, "BACKUP")
	for _, c := range []struct {
		line, state string
	}{{cable2(), "ok"}, {"heartbeat cable2 {\ninterface eth9\n}", "lost"}, {cable2(), "ok"}} {
		reload(t, db, v3.conf(100, c.line))
		awaitLines(t, b, "ok", c.state)
	}
	reload(t, db, v3.conf(100))
	awaitRouter(t, b, "to have no lines", func(r stats.Router) bool { return len(r.Heartbeats) == 0 && r.State == "BACKUP" })
	s := status(t, b)
	if slices.ContainsFunc(s.Interfaces, func(i stats.Interface) bool { return i.Name != "eth0" }) {
		t.Errorf("interfaces: %+v", s.Interfaces)
	}
}

// Acceptance 6: VRRP is gone on both lines, and the hosts live. ARP shows who
// holds the address, and the configured action decides: with yield nobody else
// takes it, and where nothing is configured both do and know of each other.
func TestHeartbeatBothLinesFiltered(t *testing.T) {
	for action, yields := range map[string]bool{"yield": true, "alarm": false} {
		t.Run(action, func(t *testing.T) {
			l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}}, Links: 2}.ForTest(t)
			a, b := l.Host("a"), l.Host("b")
			lines := []string{cable2(), block("action "+action, "arp_probe 0.3")}
			startSplit(t, v3fast, "native", a, b, lines, lines)
			awaitLines(t, b, "ok", "ok")
			must(t, l.FilterVRRP(""))
			if yields {
				awaitAlarm(t, b, "vrrp_lost", "firewall", a.MAC.String())
				if !holds(a) || holds(b) {
					t.Errorf("a holds: %v, b holds: %v", holds(a), holds(b))
				}
			} else {
				awaitState(t, b, "MASTER")
				awaitAlarm(t, a, "address_conflict", "firewall", b.MAC.String())
				awaitAlarm(t, b, "address_conflict", "firewall", a.MAC.String())
			}
			must(t, l.UnfilterVRRP(""))
			awaitLines(t, b, "ok", "ok")
			await(t, "a to be the one holder", func() bool { return holds(a) && !holds(b) })
		})
	}
}
