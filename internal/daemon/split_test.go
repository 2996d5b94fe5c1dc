package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/probe"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/vrrp"
)

var (
	theVIP   = netip.MustParseAddr("10.0.0.3")
	peerMAC  = [6]byte{2, 0, 0, 0, 0, 6}
	peerAddr = netip.MustParseAddr("10.0.0.6")
)

// splitRig is a rig with split_brain, and with a watch.
func splitRig(t *testing.T, sb *config.SplitBrain, change ...func(*config.Router)) *rig {
	t.Helper()
	g := newRig(t, true, func(c *config.Router) {
		c.SplitBrain = sb
		for _, f := range change {
			f(c)
		}
	})
	g.r.out.watcher, g.r.out.watched = g.record, &watchedSet{}
	return g
}

func yields() *config.SplitBrain {
	return &config.SplitBrain{Action: config.ActionYield, ARPProbe: time.Second}
}

// claims is a frame of the peer: an answer, a gratuitous ARP, or a question.
func (g *rig) claims(at time.Duration, h netio.Held) {
	h.Addr, h.MAC = theVIP, peerMAC
	g.loop.claim(g.at(at), 2, peerMAC, h)
}

func answer() netio.Held { return netio.Held{Solicited: true} }

func question(priority uint8, holds, may bool) netio.Held {
	return netio.Held{Question: true, Claim: &netio.Claim{VRID: 51, Priority: priority, Holds: holds, MayYield: may, From: peerAddr}}
}

func (g *rig) tick(at time.Duration) { g.r.tickSplit(g.at(at)) }

// wantAlarm demands that an alarm stands, or with "" that it does not, and what
// cause and text it has.
func (g *rig) wantAlarm(kind, cause string, words ...string) {
	g.Helper()
	a := g.r.alarms.standing[kind]
	if a == nil || cause == "" {
		if a != nil || cause != "" {
			g.Errorf("alarm %s: %+v, want cause %q", kind, a, cause)
		}
		return
	}
	for _, w := range words {
		if !strings.Contains(a.text, w) {
			g.Errorf("alarm %s says %q: want %q in it", kind, a.text, w)
		}
	}
	if a.cause != cause {
		g.Errorf("alarm %s has the cause %q, want %q", kind, a.cause, cause)
	}
}

// takeOver lets the rig become MASTER and settle, at 40 ms.
func (g *rig) takeOver() {
	g.Helper()
	g.down(40 * ms)
	g.round(40 * ms)
	g.want(vrrp.Master)
	g.take()
}

func TestAddressesAreWatchedWhileHeld(t *testing.T) {
	g := splitRig(t, nil)
	g.down(40 * ms)
	g.round(40 * ms)
	g.wantScript("advert 100; garp; watch 10.0.0.3; hold; announce 4 more and again after 5s; pace every 10ms")
	if !g.r.out.watched.has(theVIP) {
		t.Error("sockets do not watch it")
	}
	g.master(50*ms, 200)
	g.round(50 * ms)
	g.take()
	g.r.released()
	g.wantScript("unwatch 10.0.0.3")
	if g.r.out.watched.has(theVIP) {
		t.Error("sockets watch it still")
	}
	g.r.released() // again, as after other news
	g.wantScript("")
}

// Another holder is asked, so that it is told of us, and named; when nobody
// answers any more the alarm ends, and those who were led astray are told.
func TestConflictIsNamedAndEnds(t *testing.T) {
	g := splitRig(t, nil)
	g.takeOver()
	g.claims(2*time.Second, netio.Held{})
	g.wantScript("ask 10.0.0.3 100 holds")
	g.claims(2*time.Second+ms, answer())
	g.wantAlarm(alarmConflict, "") // it may say who it is
	g.tick(2*time.Second + hearOut)
	g.wantAlarm(alarmConflict, "manual", "10.0.0.3", "02:00:00:00:00:06", "2 claims", "by hand")
	g.wantScript("")
	for _, at := range []time.Duration{3, 4, 5} {
		g.tick(at*time.Second + 100*ms)
		g.wantScript("ask 10.0.0.3 100 holds")
	}
	g.tick(6 * time.Second)
	g.wantAlarm(alarmConflict, "manual")
	g.tick(6*time.Second + 2*ms)
	g.wantAlarm(alarmConflict, "")
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
			g.wantAlarm(alarmConflict, c.cause)
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
		g.wantAlarm(alarmConflict, "manual")
		g.r.drops[drop].Add(2)
		g.tick(3 * time.Second)
		g.wantAlarm(alarmConflict, cause, drop.String()+", 2 of them")
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
			g.wantAlarm(alarmConflict, "")
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
	g.wantAlarm(alarmConflict, "")
	g.claims(1101*ms, answer())
	g.wantAlarm(alarmConflict, "manual")
	g.claims(2*time.Second, question(90, false, true))
	g.wantAlarm(alarmNotHeard, "one_way", "10.0.0.6 (02:00:00:00:00:06, priority 90)", "does not hear our adverts")
}

// All holders have the virtual MAC address. From there only an answer is another's.
func TestAnswerFromTheVirtualMACIsAnothers(t *testing.T) {
	for solicited, cause := range map[bool]string{false: "", true: "manual"} {
		virtual := [6]byte{0, 0, 0x5e, 0, 1, 51}
		g := splitRig(t, nil, func(c *config.Router) { c.UseVMAC, c.VMACs = true, []config.VMAC{{Name: "vrrp.51", MAC: virtual}} })
		g.takeOver()
		g.r.ask(g.at(2*time.Second), netip.Addr{}, false)
		g.loop.claim(g.at(2*time.Second+ms), 2, virtual, netio.Held{Addr: theVIP, Solicited: solicited})
		g.wantAlarm(alarmConflict, cause)
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
	g.wantAlarm(alarmTwoMasters, "") // it may not have heard us yet
	g.master(70*ms, 50)
	g.round(70 * ms)
	g.wantAlarm(alarmTwoMasters, "one_way", "10.0.0.6", "3 adverts", "priority 50 to our 100", "does not hear us")
	g.tick(500 * ms)
	g.wantAlarm(alarmTwoMasters, "one_way")
	g.tick(2 * time.Second)
	g.wantAlarm(alarmTwoMasters, "")
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
	g.wantAlarm(alarmTwoMasters, "")
	for i := range 4 {
		at := time.Duration(300+10*i) * ms
		g.master(at, 200)
		g.round(at)
		other(at + 5*ms)
		g.round(at + 5*ms)
	}
	g.want(vrrp.Backup)
	g.wantAlarm(alarmTwoMasters, "firewall", "10.0.0.6", "10.0.0.7", "do not hear each other")
}

// A takeover asks first, and is immediate when it is a preemption or a release.
func TestTakeoverAsksWhoHoldsTheAddresses(t *testing.T) {
	g := splitRig(t, yields())
	g.master(0, 200)
	g.round(ms)
	g.down(40 * ms)
	g.round(40 * ms)
	g.want(vrrp.Backup)
	g.wantScript("watch 10.0.0.3; ask 10.0.0.3 100")
	for _, at := range []time.Duration{90, 140} {
		g.tick(at * ms)
		g.wantScript("ask 10.0.0.3 100")
	}
	g.tick(190 * ms)
	g.want(vrrp.Master)
	g.wantScript("advert 100; garp; hold; announce 4 more and again after 5s; pace every 10ms")

	for _, priority := range []uint8{0, 50} {
		g := splitRig(t, yields())
		g.master(0, 200)
		g.round(ms)
		g.master(10*ms, priority)
		g.round(11 * ms)
		g.down(50 * ms)
		g.round(50 * ms)
		g.want(vrrp.Master)
	}
}

func TestTakeoverIsLeftWhenAnotherAnswers(t *testing.T) {
	g := splitRig(t, yields())
	g.master(0, 200)
	g.round(ms)
	g.down(40 * ms)
	g.round(40 * ms)
	g.claims(41*ms, question(90, false, true)) // who asks as we do holds nothing
	g.want(vrrp.Backup)
	g.claims(42*ms, answer())
	g.wantAlarm(alarmVRRPLost, "firewall", "no advert from 10.0.0.6", "10.0.0.6 (02:00:00:00:00:06, priority 90) answers for 10.0.0.3", "not taken over")
	if due, ok := g.path.due(g.key); !ok || due != g.at(42*ms).Add(g.r.machine.MasterDown()) {
		t.Errorf("deadline %v %v: want another master-down interval", due.Sub(g.t), ok)
	}
	g.take()
	g.tick(200 * ms)
	g.want(vrrp.Backup)
	g.wantScript("")
	if len(g.r.split.watches) != 0 {
		t.Error("watches still")
	}
	g.master(210*ms, 150) // its adverts come again
	g.round(211 * ms)
	g.wantAlarm(alarmVRRPLost, "")
}

func TestAdvertEndsTheQuestion(t *testing.T) {
	g := splitRig(t, yields())
	g.master(0, 200)
	g.round(ms)
	g.down(40 * ms)
	g.round(40 * ms)
	g.master(50*ms, 150)
	g.round(51 * ms)
	g.tick(500 * ms)
	g.want(vrrp.Backup)
	if g.r.split.gate.asking || len(g.r.split.watches) != 0 {
		t.Errorf("still asks: %+v", g.r.split.gate)
	}
}

// Of two that may yield the better stays; both know who that is.
func TestYield(t *testing.T) {
	for name, c := range map[string]struct {
		claims []netio.Held // of the other, 10 ms apart
		stays  bool
		cause  string // of our alarm
	}{
		"a worse one":                 {[]netio.Held{question(50, true, true)}, true, "firewall"},
		"a better one":                {[]netio.Held{question(150, true, true)}, false, "firewall"},
		"equal, of a higher address":  {[]netio.Held{question(100, true, true)}, false, "firewall"},
		"a worse one that never does": {[]netio.Held{question(50, true, false), answer(), answer(), answer()}, false, "firewall"},
		"one of another kind":         {[]netio.Held{{}, answer(), answer(), answer()}, false, "firewall"},
		"one that does not answer":    {[]netio.Held{{}, {}, {}, {}, {}}, true, "manual"},
		"another VRID's":              {[]netio.Held{{Question: true, Claim: &netio.Claim{VRID: 52, Priority: 200, Holds: true, MayYield: true}}}, true, "vrid_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			g := splitRig(t, yields())
			g.down(40 * ms)
			g.round(40 * ms)
			for _, at := range []time.Duration{100, 150, 200} {
				g.tick(at * ms)
			}
			g.want(vrrp.Master)
			for i, h := range c.claims {
				at := 3*time.Second + time.Duration(110*i)*ms
				if !h.Solicited && !h.Question && i > 0 {
					at += time.Duration(i) * 2 * time.Second // long after we asked
				}
				g.claims(at, h)
				g.tick(at + hearOut)
			}
			if c.stays {
				g.want(vrrp.Master)
				g.wantAlarm(alarmConflict, c.cause)
				return
			}
			g.want(vrrp.Backup)
			did := g.take()
			if !strings.HasSuffix(did, "ask 10.0.0.3 100 holds yields; cancel announcing; stop pacing; release") {
				t.Errorf("did %q: want a last word, and no farewell", did)
			}
			g.wantAlarm(alarmYielded, c.cause, "left 10.0.0.3 to")
			g.wantAlarm(alarmConflict, "")
		})
	}
}

// Who yields comes back when nobody answers any more; and does not preempt at once
// a master that it hears, and that does not hear it.
func TestYieldedComesBack(t *testing.T) {
	g := splitRig(t, yields())
	g.down(40 * ms)
	g.round(40 * ms)
	g.tick(100 * ms)
	g.tick(150 * ms)
	g.tick(200 * ms)
	g.claims(3*time.Second, question(150, true, true))
	g.want(vrrp.Backup)
	// Its adverts come, of a lower priority than ours.
	g.r.step(g.at(3010*ms), vrrp.SetPriority{Priority: 200})
	g.master(3020*ms, 150)
	g.round(3021 * ms)
	g.down(3040 * ms)
	g.round(3040 * ms)
	g.want(vrrp.Backup)
	g.claims(3041*ms, answer())
	g.want(vrrp.Backup)
	g.wantAlarm(alarmYielded, "firewall", "still")
	g.down(3100 * ms)
	g.round(3100 * ms)
	for _, at := range []time.Duration{3150, 3200, 3250} {
		g.want(vrrp.Backup)
		g.tick(at * ms)
	}
	g.want(vrrp.Master) // it is dead
	g.wantAlarm(alarmYielded, "")
	if g.r.split.until != g.at(13*time.Second) {
		t.Errorf("preempts no sooner than %v", g.r.split.until.Sub(g.t))
	}
	g.claims(6*time.Second, question(250, true, true))
	if g.r.split.until != g.at(26*time.Second) {
		t.Errorf("yielded again, and waits until %v", g.r.split.until.Sub(g.t))
	}
}

// The other's last word is answered with what puts caches right.
func TestStayingMasterAnnounces(t *testing.T) {
	g := splitRig(t, yields(), func(c *config.Router) { c.Priority = 255 })
	g.want(vrrp.Master)
	g.claims(3*time.Second, question(50, true, true))
	g.take()
	h := question(50, true, true)
	h.Claim.Yields = true
	g.claims(3100*ms, h)
	g.wantScript("garp; announce 4 more and again after 5s")
	g.wantAlarm(alarmConflict, "")
}

func TestProbeTellsDeadFromUnreachable(t *testing.T) {
	for verdict, cause := range map[probe.Verdict]string{probe.Up: "firewall", probe.Down: "", probe.Unknown: ""} {
		g := splitRig(t, &config.SplitBrain{Probe: peerAddr})
		g.r.split.peer.target.Addr = peerAddr
		g.r.probed(g.at(0), verdict, nil)
		g.master(0, 200)
		g.round(ms)
		g.takeOver()
		g.wantAlarm(alarmVRRPLost, cause, "the probe of 10.0.0.6 is answered")
		g.r.probed(g.at(time.Second), probe.Down, nil)
		g.wantAlarm(alarmVRRPLost, "")
	}
}

// fencing is a rig whose takeovers wait for a script that ends as told.
func fencing(t *testing.T, goOn bool) (g *rig, ran *[]string, end func(script.Result)) {
	g = splitRig(t, &config.SplitBrain{Action: config.ActionScript, Wait: true, GoOn: goOn})
	posts, results := make(chan func(), 9), make(chan script.Result)
	g.r.split.fence.post = func(f func()) bool { posts <- f; return true }
	ran = &[]string{}
	began := make(chan string, 9)
	g.r.tells.fence = program("/fence", "lb01")
	g.r.split.fence.run = func(c script.Command) script.Result {
		began <- strings.Join(c.Argv, " ")
		return <-results
	}
	return g, ran, func(r script.Result) {
		results <- r
		*ran = append(*ran, <-began)
		(<-posts)()
	}
}

func TestTakeoverWaitsForTheScript(t *testing.T) {
	for name, c := range map[string]struct {
		result script.Result
		goOn   bool
		want   vrrp.State
	}{
		"success":            {script.Result{}, false, vrrp.Master},
		"failure":            {script.Result{Exit: 1}, false, vrrp.Backup},
		"timeout":            {script.Result{TimedOut: true}, false, vrrp.Backup},
		"failure, and go on": {script.Result{Exit: 1}, true, vrrp.Master},
	} {
		t.Run(name, func(t *testing.T) {
			g, ran, end := fencing(t, c.goOn)
			g.master(0, 200)
			g.round(ms)
			g.take()
			g.down(40 * ms)
			g.round(40 * ms)
			g.tick(10 * time.Second)
			g.want(vrrp.Backup)
			g.wantScript("")
			end(c.result)
			g.want(c.want)
			if want := "/fence lb01 FENCE VI_1 takeover 10.0.0.6 00:00:00:00:00:00 unknown"; len(*ran) != 1 || (*ran)[0] != want {
				t.Errorf("ran %q, want %q", *ran, want)
			}
			cause := "script"
			if c.result.OK() {
				cause = ""
			}
			g.wantAlarm(alarmFence, cause, "failed")
			if c.want == vrrp.Master {
				return
			}
			due, _ := g.path.due(g.key)
			g.down(due.Sub(g.t))
			g.round(due.Sub(g.t)) // asks again, and is refused without another run
			g.want(vrrp.Backup)
			g.path.receive(g.key, due.Add(ms), vrrp.Packet{Version: 3, VRID: 51, Priority: 150, Interval: 10 * ms, Addrs: []netip.Addr{theVIP}}, "10.0.0.6")
			g.round(due.Sub(g.t) + 2*ms)
			g.wantAlarm(alarmFence, "")
			if g.r.split.fence.state != fenceNone {
				t.Error("the incident is over, and the script would not run in the next")
			}
		})
	}
}

// Who has never heard a master fences nobody, unless one answers.
func TestStartFencesNobody(t *testing.T) {
	g, _, _ := fencing(t, false)
	g.down(40 * ms)
	g.round(40 * ms)
	for _, at := range []time.Duration{100, 150, 200} {
		g.want(vrrp.Backup)
		g.tick(at * ms)
	}
	g.want(vrrp.Master)

	g, ran, end := fencing(t, false)
	g.down(40 * ms)
	g.round(40 * ms)
	g.claims(41*ms, answer())
	g.want(vrrp.Backup)
	end(script.Result{})
	g.want(vrrp.Master)
	if want := "/fence lb01 FENCE VI_1 address_conflict - 02:00:00:00:00:06 unknown"; (*ran)[0] != want {
		t.Errorf("ran %q, want %q", *ran, want)
	}
}

// Without wait_for_script it runs once for all alarms of an incident.
func TestScriptRunsOncePerIncident(t *testing.T) {
	g, ran, end := fencing(t, false)
	g.r.cfg.SplitBrain.Wait = false
	g.r.step(g.t, vrrp.SetConfig{Config: g.r.machineConfig(netip.MustParseAddr("10.0.0.5"))})
	g.takeOver()
	g.claims(2*time.Second, question(90, true, false))
	end(script.Result{})
	g.claims(2100*ms, netio.Held{})
	g.master(2200*ms, 50)
	g.round(2200 * ms)
	g.master(2300*ms, 50)
	g.round(2300 * ms)
	g.wantAlarm(alarmTwoMasters, "one_way")
	if len(*ran) != 1 || !strings.Contains((*ran)[0], "address_conflict") {
		t.Errorf("ran %q", *ran)
	}
}
