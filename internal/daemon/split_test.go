package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/probe"
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
	a := g.r.alarms.Standing(kind)
	if a == nil || cause == "" {
		if a != nil || cause != "" {
			g.Errorf("alarm %s: %+v, want cause %q", kind, a, cause)
		}
		return
	}
	for _, w := range words {
		if !strings.Contains(a.Text, w) {
			g.Errorf("alarm %s says %q: want %q in it", kind, a.Text, w)
		}
	}
	if a.Cause != cause {
		g.Errorf("alarm %s has the cause %q, want %q", kind, a.Cause, cause)
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
				g.wantAlarm(alarm.Conflict, c.cause)
				return
			}
			g.want(vrrp.Backup)
			did := g.take()
			if !strings.HasSuffix(did, "ask 10.0.0.3 100 holds yields; cancel announcing; stop pacing; release") {
				t.Errorf("did %q: want a last word, and no farewell", did)
			}
			g.wantAlarm(alarm.Yielded, c.cause, "left 10.0.0.3 to")
			g.wantAlarm(alarm.Conflict, "")
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
	g.wantAlarm(alarm.Yielded, "firewall", "still")
	g.down(3100 * ms)
	g.round(3100 * ms)
	for _, at := range []time.Duration{3150, 3200, 3250} {
		g.want(vrrp.Backup)
		g.tick(at * ms)
	}
	g.want(vrrp.Master) // it is dead
	g.wantAlarm(alarm.Yielded, "")
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
	g.wantAlarm(alarm.Conflict, "")
}

func TestProbeTellsDeadFromUnreachable(t *testing.T) {
	for verdict, cause := range map[probe.Verdict]string{probe.Up: "firewall", probe.Down: "", probe.Unknown: ""} {
		g := splitRig(t, &config.SplitBrain{Probe: peerAddr})
		g.r.split.peer.target.Addr = peerAddr
		g.r.probed(g.at(0), verdict, nil)
		g.master(0, 200)
		g.round(ms)
		g.takeOver()
		g.wantAlarm(alarm.VRRPLost, cause, "the probe of 10.0.0.6 is answered")
		g.r.probed(g.at(time.Second), probe.Down, nil)
		g.wantAlarm(alarm.VRRPLost, "")
	}
}
