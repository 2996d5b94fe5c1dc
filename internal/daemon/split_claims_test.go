package daemon

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/probe"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Another holder is asked, so that it is told of us, and named; when nobody
// answers any more the alarm ends, and those who were led astray are told.
func TestConflictIsNamedAndEnds(t *testing.T) {
	g := splitRig(t, nil)
	g.takeOver()
	g.claims(2*time.Second, netio.Held{})
	g.wantScript("ask 10.0.0.3 100 holds")
	g.claims(2*time.Second+ms, answer())
	g.wantAlarm(alarm.Conflict, "") // it may say who it is
	g.tick(2*time.Second + hearOut)
	g.wantAlarm(alarm.Conflict, "manual", "10.0.0.3", "02:00:00:00:00:06", "2 claims", "by hand")
	g.wantScript("")
	for _, at := range []time.Duration{3, 4, 5} {
		g.tick(at*time.Second + 100*ms)
		g.wantScript("ask 10.0.0.3 100 holds")
	}
	g.tick(6 * time.Second)
	g.wantAlarm(alarm.Conflict, "manual")
	g.tick(6*time.Second + 2*ms)
	g.wantAlarm(alarm.Conflict, "")
	g.wantScript("garp; announce 4 more and again after 5s")
	g.tick(60 * time.Second)
	g.wantScript("") // it asks no more
}

func TestCausesOfConflict(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*rig)
		held   netio.Held
		cause  string
	}{
		"nothing is known":      {func(*rig) {}, netio.Held{}, "manual"},
		"the probe is answered": {func(g *rig) { g.r.split.peer.verdict = probe.Up }, netio.Held{}, "firewall_or_manual"},
		"it asks as we do":      {func(*rig) {}, question(90, true, false), "firewall"},
		"another VRID":          {func(*rig) {}, netio.Held{Question: true, Claim: &netio.Claim{VRID: 52, Holds: true}}, "vrid_mismatch"},
		"it was heard once":     {func(g *rig) { g.r.speakers.meet(vrrp.Advert{Src: peerAddr, MAC: peerMAC}, 1, 0) }, netio.Held{}, "firewall"},
	} {
		t.Run(name, func(t *testing.T) {
			g := splitRig(t, nil)
			g.takeOver()
			c.before(g)
			g.claims(2*time.Second, c.held)
			if !c.held.Question {
				g.claims(2*time.Second+ms, answer())
				g.tick(2*time.Second + hearOut)
			}
			g.wantAlarm(alarm.Conflict, c.cause)
		})
	}
	for drop, cause := range map[vrrp.Drop]string{
		vrrp.DropAuthData: "password_mismatch", vrrp.DropInterval: "interval_mismatch", vrrp.DropVersion: "version_mismatch",
		vrrp.DropAuthType: "authentication_mismatch", vrrp.DropChecksum: "refused",
	} {
		g := splitRig(t, nil)
		g.takeOver()
		g.r.drops[drop].Add(3) // long before, and so no cause
		g.r.view(g.at(-20 * time.Second))
		g.r.view(g.at(-10 * time.Second))
		g.claims(2*time.Second, netio.Held{})
		g.claims(2*time.Second+ms, answer())
		g.tick(2*time.Second + hearOut)
		g.wantAlarm(alarm.Conflict, "manual")
		g.r.drops[drop].Add(2)
		g.tick(3 * time.Second)
		g.wantAlarm(alarm.Conflict, cause, "here ("+drop.String()+", 2 of them")
	}
}

// What is no conflict: our own MACs, other addresses, the last words of who held
// the addresses before, questions of who would take over.
func TestNoConflict(t *testing.T) {
	for name, claim := range map[string]func(*rig){
		"our own frame":     func(g *rig) { g.loop.claim(g.at(2*time.Second), 2, [6]byte{2, 5: 5}, netio.Held{Addr: theVIP}) },
		"another interface": func(g *rig) { g.loop.claim(g.at(2*time.Second), 3, peerMAC, netio.Held{Addr: theVIP}) },
		"another address":   func(g *rig) { g.loop.claim(g.at(2*time.Second), 2, peerMAC, netio.Held{Addr: peerAddr}) },
		"who gives way when it is asked": func(g *rig) {
			g.claims(2*time.Second, netio.Held{})
			g.tick(2*time.Second + hearOut)
			g.take()
		},
		"who asks before that": func(g *rig) { g.claims(2*time.Second, question(90, false, true)) },
	} {
		t.Run(name, func(t *testing.T) {
			g := splitRig(t, nil)
			g.takeOver()
			claim(g)
			g.wantAlarm(alarm.Conflict, "")
			g.wantScript("")
		})
	}
	g := splitRig(t, nil)
	g.master(ms, 50) // is preempted, and may still hold the address for a moment
	g.round(ms)
	g.takeOver()
	g.claims(500*ms, netio.Held{})
	g.tick(900 * ms)
	g.wantScript("")
	g.tick(1100 * ms) // its grace is over
	g.wantScript("ask 10.0.0.3 100 holds")
	g.wantAlarm(alarm.Conflict, "")
	g.claims(1101*ms, answer())
	g.wantAlarm(alarm.Conflict, "manual")
	g.claims(2*time.Second, question(90, false, true))
	g.wantAlarm(alarm.NotHeard, "one_way", "10.0.0.6 (02:00:00:00:00:06, priority 90)", "does not hear our adverts")
}

// All holders have the virtual MAC address. From there only an answer is another's.
func TestAnswerFromTheVirtualMACIsAnothers(t *testing.T) {
	for solicited, cause := range map[bool]string{false: "", true: "manual"} {
		virtual := [6]byte{0, 0, 0x5e, 0, 1, 51}
		g := splitRig(t, nil, func(c *config.Router) { c.UseVMAC, c.VMACs = true, []config.VMAC{{Name: "vrrp.51", MAC: virtual}} })
		g.takeOver()
		g.r.ask(g.at(2*time.Second), netip.Addr{}, false)
		g.loop.claim(g.at(2*time.Second+ms), 2, virtual, netio.Held{Addr: theVIP, Solicited: solicited})
		g.wantAlarm(alarm.Conflict, cause)
	}
}

// A MASTER that we hear, and that would have to give way, does not hear us.
func TestOneWayLinkIsRecognised(t *testing.T) {
	g := splitRig(t, nil)
	g.takeOver()
	g.master(50*ms, 50)
	g.round(50 * ms)
	g.master(60*ms, 50)
	g.round(60 * ms)
	g.wantAlarm(alarm.TwoMasters, "") // it may not have heard us yet
	g.master(70*ms, 50)
	g.round(70 * ms)
	g.wantAlarm(alarm.TwoMasters, "one_way", "10.0.0.6", "3 adverts", "priority 50 to our 100", "does not hear us")
	g.tick(500 * ms)
	g.wantAlarm(alarm.TwoMasters, "one_way")
	g.tick(2 * time.Second)
	g.wantAlarm(alarm.TwoMasters, "")
	g.wantAlarm("second_master", "")
}

// Two masters in turns, as a BACKUP hears them, and a change of masters.
func TestTwoMastersInTurns(t *testing.T) {
	g := splitRig(t, nil)
	other := func(at time.Duration) {
		g.path.receive(g.key, g.at(at), vrrp.Packet{Version: 3, VRID: 51, Priority: 150, Interval: 10 * ms, Addrs: []netip.Addr{theVIP}}, "10.0.0.7")
	}
	g.master(0, 200)
	g.round(0)
	for i := range 20 { // one takes over from the other
		other(time.Duration(10+10*i) * ms)
		g.round(time.Duration(10+10*i) * ms)
	}
	g.wantAlarm(alarm.TwoMasters, "")
	for i := range 4 {
		at := time.Duration(300+10*i) * ms
		g.master(at, 200)
		g.round(at)
		other(at + 5*ms)
		g.round(at + 5*ms)
	}
	g.want(vrrp.Backup)
	g.wantAlarm(alarm.TwoMasters, "firewall", "10.0.0.6", "10.0.0.7", "do not hear each other")
}
