package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// alarmOf is an alarm that stands on the only router; ok tells whether it does.
func alarmOf(r stats.Router, kind string) (stats.Alarm, bool) {
	for _, a := range r.AlarmList {
		if a.Kind == kind {
			return a, true
		}
	}
	return stats.Alarm{}, false
}

// awaitAlarm waits for an alarm with this cause and these words.
func awaitAlarm(t *testing.T, h *testnet.Host, kind, cause string, words ...string) (found stats.Alarm) {
	t.Helper()
	awaitRouter(t, h, fmt.Sprintf("to raise %s (%s) with %q", kind, cause, words), func(r stats.Router) bool {
		a, ok := alarmOf(r, kind)
		for _, w := range words {
			ok = ok && strings.Contains(a.Text, w)
		}
		found = a
		return ok && a.Cause == cause
	})
	return found
}

func awaitNoAlarm(t *testing.T, h *testnet.Host, kind string) {
	t.Helper()
	awaitRouter(t, h, "to end "+kind, func(r stats.Router) bool { _, ok := alarmOf(r, kind); return !ok })
}

// block is a split_brain block.
func block(lines ...string) string { return "split_brain {\n" + strings.Join(lines, "\n") + "\n}" }

// startSplit is startPair with further lines on both.
func startSplit(t *testing.T, p protocol, mode string, a, b *testnet.Host, linesA, linesB []string) (da, db *testnet.Daemon) {
	t.Helper()
	da = start(t, a, mode, p.conf(150, linesA...))
	awaitState(t, a, "MASTER")
	db = start(t, b, mode, p.conf(100, linesB...))
	awaitRouter(t, b, "to follow "+a.Name, func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil })
	return da, db
}

// VRRP is filtered between two running routers, and nothing else is: both see the
// other, by ARP or neighbour discovery, and name the filter. It goes, and so do the
// alarms.
func TestFilteredVRRPIsSeenByARP(t *testing.T) {
	for _, c := range []struct {
		mode string
		p    protocol
	}{{"native", v3}, {"off", v3}, {"native", v3six}} {
		t.Run(c.mode+" "+c.p.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			told := filepath.Join(t.TempDir(), "told")
			program := filepath.Join(filepath.Dir(told), "alarm")
			must(t, os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\" >>"+told+"\n"), 0o755))
			startSplit(t, c.p, c.mode, a, b, []string{"notify_alarm " + program}, nil)
			must(t, l.FilterVRRP(""))
			awaitState(t, b, "MASTER")
			ofA := awaitAlarm(t, a, "address_conflict", "firewall", b.MAC.String(), "priority 100")
			awaitAlarm(t, b, "address_conflict", "firewall", a.MAC.String(), "priority 150")
			took := router(t, b).Since
			t.Logf("the alarm of a stands %v after b took over", ofA.Since.Sub(took))
			if late := ofA.Since.Sub(took); late > 3*c.p.interval+slack {
				t.Errorf("the alarm came %v after the takeover, want 3 adverts", late)
			}
			must(t, l.UnfilterVRRP(""))
			awaitState(t, b, "BACKUP")
			awaitNoAlarm(t, a, "address_conflict")
			await(t, "one holder", func() bool { return holds(a) && !holds(b) })
			await(t, "the program to be told of the end", func() bool {
				text, _ := os.ReadFile(told)
				return strings.Contains(string(text), "ALARM VI_51 address_conflict BEGIN ") && strings.Contains(string(text), "ALARM VI_51 address_conflict END ")
			})
		})
	}
}

// With yield there is one holder: the backup does not take what is answered for;
// of two that became MASTER apart the lesser goes when they meet; and it takes
// over when the other is dead.
func TestYieldLeavesOneHolder(t *testing.T) {
	for _, c := range []struct {
		mode  string
		p     protocol
		lines []string
	}{{"native", v3, nil}, {"off", v3six, nil}, {"native", v3, []string{"use_vmac"}}} {
		t.Run(fmt.Sprint(c.mode, " ", c.p.name, c.lines), func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			lines := append(c.lines, block("action yield", "arp_probe 0.3"))
			da, _ := startSplit(t, c.p, c.mode, a, b, lines, lines)
			must(t, l.FilterVRRP(""))
			awaitAlarm(t, b, "vrrp_lost", "firewall", "not taken over")
			awaitAlarm(t, a, "not_heard", "one_way", b.MAC.String())
			for range 20 {
				if !holds(a) || holds(b) {
					t.Fatalf("a holds: %v, b holds: %v", holds(a), holds(b))
				}
				time.Sleep(30 * time.Millisecond)
			}

			// Apart, neither sees anything of the other.
			must(t, l.Mute("b"))
			must(t, l.Deafen("b"))
			awaitState(t, b, "MASTER")
			must(t, l.Join("b"))
			awaitState(t, b, "BACKUP")
			awaitAlarm(t, b, "yielded", "firewall")
			await(t, "one holder", func() bool { return holds(a) && !holds(b) })

			da.Kill9()
			must(t, l.Cut("a"))
			awaitState(t, b, "MASTER")
			if got := router(t, b).AlarmList; len(got) > 0 {
				t.Errorf("alarms of the only router: %+v", got)
			}
		})
	}
}

// What one member does about a split brain its sync group does: neither address is
// taken while the one that asks is answered, and both go when it yields.
func TestYieldTakesItsGroupAlong(t *testing.T) {
	const second = "10.99.9.2"
	conf := func(priority int) string {
		return testnet.Conf(3,
			testnet.Instance{VRID: 51, Priority: priority, AdvertInt: "0.1", VIPs: []string{vip}, Lines: []string{block("action yield", "arp_probe 0.3")}},
			testnet.Instance{VRID: 52, Priority: priority, AdvertInt: "0.1", VIPs: []string{second}},
		) + "vrrp_sync_group G {\ngroup {\nVI_51\nVI_52\n}\n}\n"
	}
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	all := func(h *testnet.Host, state string, has bool) {
		t.Helper()
		for _, name := range []string{"VI_51", "VI_52"} {
			await(t, fmt.Sprintf("%s on %s to be %s", name, h.Name, state), func() bool {
				time.Sleep(30 * time.Millisecond) // each question is a process
				if _, err := askStatus(t, h); err != nil {
					return false // not up yet
				}
				r, ok := routerNamed(t, h, name)
				return ok && r.State == state
			})
		}
		await(t, fmt.Sprintf("%s to hold both addresses: %v", h.Name, has), func() bool { return h.HasAddr(vip) == has && h.HasAddr(second) == has })
	}
	start(t, a, "native", conf(150))
	all(a, "MASTER", true)
	start(t, b, "native", conf(100))
	all(b, "BACKUP", false)
	must(t, l.FilterVRRP(""))
	await(t, "VI_51 to be held back", func() bool {
		time.Sleep(30 * time.Millisecond)
		r, _ := routerNamed(t, b, "VI_51")
		_, lost := alarmOf(r, "vrrp_lost")
		return lost
	})
	time.Sleep(2 * v3.masterDown(100))
	all(a, "MASTER", true)
	all(b, "BACKUP", false)
	must(t, l.Mute("b"))
	must(t, l.Deafen("b"))
	all(b, "MASTER", true)
	must(t, l.Join("b"))
	all(b, "BACKUP", false)
	all(a, "MASTER", true)
}

// keepalived neither tells who it is nor yields: we do, and take the address back
// when it is gone.
func TestYieldToKeepalived(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	start(t, a, "native", v3.conf(150, block("action yield", "arp_probe 0.3")))
	awaitState(t, a, "MASTER")
	must(t, l.FilterVRRP(""))
	keepalived := b.StartForTest(t, testnet.Keepalived, v3.conf(100))
	await(t, "keepalived to take the address", func() bool { return holds(b) })
	awaitState(t, a, "BACKUP")
	awaitAlarm(t, a, "yielded", "firewall", b.MAC.String())
	await(t, "one holder", func() bool { return !holds(a) && holds(b) })
	time.Sleep(2 * v3.masterDown(150))
	if holds(a) || !holds(b) {
		t.Errorf("a holds: %v, b holds: %v", holds(a), holds(b))
	}
	must(t, keepalived.Stop())
	awaitState(t, a, "MASTER")
	awaitNoAlarm(t, a, "yielded")
}

// What a sends is lost, what b sends is not: a knows that b does not hear it.
func TestOneWayLoss(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	startSplit(t, v3, "native", a, b, nil, nil)
	must(t, l.FilterVRRP("a"))
	awaitState(t, b, "MASTER")
	awaitAlarm(t, a, "two_masters", "one_way", b.Addr.String(), b.MAC.String(), "does not hear us")
	awaitAlarm(t, a, "address_conflict", "one_way", b.MAC.String())
	must(t, l.UnfilterVRRP("a"))
	awaitState(t, b, "BACKUP")
	for _, kind := range []string{"two_masters", "second_master", "address_conflict"} {
		awaitNoAlarm(t, a, kind)
	}
}

// Two that refuse each other's adverts are told why.
func TestPasswordMismatchIsNamed(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	start(t, a, "native", v2pass.conf(150))
	awaitState(t, a, "MASTER")
	other := protocol{version: 2, interval: time.Second, auth: "authentication {\nauth_type PASS\nauth_pass 2222\n}"}
	b.StartForTest(t, testnet.Keepalived, other.conf(100))
	await(t, "both to hold the address", func() bool { return holds(a) && holds(b) })
	awaitAlarm(t, a, "address_conflict", "password_mismatch", b.MAC.String(), "VRID 51")
}

// A host that has the address by hand says nothing of it until it is asked.
func TestAddressConfiguredByHand(t *testing.T) {
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			must(t, b.AddAddr("eth0", netip.MustParsePrefix(vip+"/32")))
			da := start(t, a, mode, v3.conf(150, block("arp_probe 0.3")))
			awaitAlarm(t, a, "address_conflict", "manual", vip, b.MAC.String(), "by hand")
			if mode == "native" { // by a reload, another split_brain is in force at once
				check := unmoved(t, a)
				reload(t, da, v3.conf(150, block("arp_probe 0.2", "probe "+b.Addr.String())))
				awaitRouter(t, a, "to probe", func(r stats.Router) bool { return r.Probe != nil && r.Probe.State == "up" })
				awaitAlarm(t, a, "address_conflict", "firewall_or_manual", b.MAC.String())
				check()
			}
			if r := router(t, a); r.State != "MASTER" || r.Claims == 0 {
				t.Errorf("%s, %d claims", r.State, r.Claims)
			}
			must(t, b.DelAddr("eth0", netip.MustParsePrefix(vip+"/32")))
			awaitNoAlarm(t, a, "address_conflict")
		})
	}
}

// The probe tells a dead peer from one whose adverts do not arrive.
func TestProbeTellsDeadFromUnreachable(t *testing.T) {
	for _, dead := range []bool{false, true} {
		t.Run(fmt.Sprintf("dead %v", dead), func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			probe := block("probe "+a.Addr.String(), "interval 0.05", "count 2")
			da, _ := startSplit(t, v3, "native", a, b, nil, []string{probe})
			state := func(s string) func(stats.Router) bool {
				return func(r stats.Router) bool { return r.Probe != nil && r.Probe.State == s }
			}
			awaitRouter(t, b, "to see the peer", state("up"))
			if dead {
				da.Kill9()
				must(t, l.Cut("a"))
				awaitState(t, b, "MASTER")
				awaitRouter(t, b, "to see that the peer is dead", state("down"))
				awaitNoAlarm(t, b, "vrrp_lost")
				return
			}
			must(t, l.FilterVRRP(""))
			awaitState(t, b, "MASTER")
			awaitAlarm(t, b, "vrrp_lost", "firewall", "the probe of "+a.Addr.String()+" is answered")
		})
	}
}

// A takeover waits for the script, which runs once.
func TestFencingIsAwaited(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	dir := t.TempDir()
	ran, go1 := filepath.Join(dir, "ran"), filepath.Join(dir, "go")
	fence := filepath.Join(dir, "fence")
	must(t, os.WriteFile(fence, []byte(fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%s\nuntil [ -e %s ]; do sleep 0.05; done\n", ran, go1)), 0o755))
	startSplit(t, v3, "native", a, b, nil, []string{block("action script", `script "`+fence+` node-a" root`, "script_timeout 60", "wait_for_script")})
	must(t, l.Mute("a"))
	text := func() string { b, _ := os.ReadFile(ran); return string(b) }
	await(t, "the script to run", func() bool { return text() != "" })
	time.Sleep(2 * v3.masterDown(100))
	if holds(b) || router(t, b).State != "BACKUP" {
		t.Error("b did not wait")
	}
	must(t, os.WriteFile(go1, nil, 0o644))
	awaitState(t, b, "MASTER")
	await(t, "the address", func() bool { return holds(b) })
	want := fmt.Sprintf("node-a FENCE VI_51 takeover %s %s unknown\n", a.Addr, a.MAC)
	if text() != want {
		t.Errorf("ran %q, want %q", text(), want)
	}
}
