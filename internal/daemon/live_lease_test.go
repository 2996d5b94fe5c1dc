package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Renew is in the record, since its place in the order matters.
func (p fakePacer) Renew(int64) { p.add("renew") }

// leased is a rig that is MASTER by the kernel's clock, with a lease of one second.
func leased(t *testing.T, change func(*config.Router)) *rig {
	t.Helper()
	g := newRig(t, true, func(c *config.Router) {
		c.Lease = time.Second
		if change != nil {
			change(c)
		}
	})
	g.kernel = true
	g.reign()
	g.loop.renewals.pacer = fakePacer{g.record}
	g.r.out.away = g.loop.away
	g.loop.renew()
	g.take()
	return g
}

func (g *rig) awayFor(d time.Duration) { g.loop.last.Store(boot() - int64(d)) }

// The formula that config judges by is the protocol's.
func TestMasterDownOfConfigIsThatOfTheProtocol(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		for _, priority := range []uint8{1, 100, 254, 255} {
			r := config.Defaults()
			r.Version, r.Priority, r.AdvertInterval, r.DownAdverts = version, priority, 7*time.Second, 5
			if got, want := r.MasterDown(), vrrp.MasterDown(version, priority, 5, 7*time.Second); got != want {
				t.Errorf("version %d, priority %d: %v, want %v", version, priority, got, want)
			}
		}
	}
}

// Who was away for longer than its lease gives way before the lease is renewed, and
// whatever wakes it before it says anything.
func TestLapsedMasterGivesWayFirst(t *testing.T) {
	const gaveWay = "cancel announcing; stop pacing; release"
	for name, c := range map[string]struct {
		wake func(g *rig)
		want string
	}{
		"a round":               {func(g *rig) { g.round(time.Minute) }, gaveWay + "; renew"},
		"a losing advert in it": {func(g *rig) { g.master(time.Second, 50); g.round(time.Minute) }, gaveWay + "; renew"},
		"stopped in a round":    {func(g *rig) { g.r.step(g.at(time.Second), vrrp.SetPriority{Priority: 101}) }, gaveWay},
		"shutdown":              {func(g *rig) { g.r.step(g.at(time.Second), vrrp.Shutdown{}) }, gaveWay},
		"an address put back": {func(g *rig) {
			h := &host{log: g.r.log, routers: []*router{g.r}}
			h.addrEvent(vip.Event{Kind: vip.Restored, Owner: "VI_1"})
		}, gaveWay},
		"the kernel's word": {func(g *rig) {
			g.gate = loader.GateLapsed
			g.awayFor(0)
			g.path.queue = append(g.path.queue, loader.Event{Kind: loader.Lapsed, Key: g.key, Gap: 1100 * ms})
			g.round(time.Minute)
		}, "renew; " + gaveWay},
		"its gate, where that word was lost": {func(g *rig) {
			g.gate = loader.GateLapsed
			g.awayFor(0)
			g.loop.look = true
			g.round(time.Minute)
		}, "renew; " + gaveWay},
	} {
		t.Run(name, func(t *testing.T) {
			g := leased(t, nil)
			g.awayFor(1100 * ms)
			c.wake(g)
			g.wantScript(c.want)
			i := slices.IndexFunc(g.r.history, func(tr stats.Transition) bool { return strings.Contains(tr.Reason, "longer than its lease of 1s") })
			if i < 0 || g.r.history[i].To != "BACKUP" || g.r.counted.lapsed != 1 {
				t.Errorf("lapsed %d times, history %+v", g.r.counted.lapsed, g.r.history)
			}
		})
	}
}

// What is not lost is not given away.
func TestLeaseThatHolds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Router)
		kernel bool
		away   time.Duration
		gate   loader.Gate
	}{
		"in time":                         {nil, true, 900 * ms, loader.GateOpen},
		"a longer lease":                  {func(c *config.Router) { c.Lease = 3 * time.Second }, true, 2 * time.Second, loader.GateOpen},
		"no lease":                        {func(c *config.Router) { c.Lease = 0 }, true, time.Hour, loader.GateOpen},
		"the thread's":                    {nil, false, time.Hour, loader.GateShut},
		"vrrpx_pacer":                     {func(c *config.Router) { c.Pacer = config.PacerThread }, true, time.Hour, loader.GateShut},
		"an old event":                    {nil, true, 0, loader.GateOpen},
		"an event of a gate that is shut": {nil, true, 0, loader.GateShut},
	} {
		t.Run(name, func(t *testing.T) {
			g := leased(t, c.change)
			g.kernel, g.gate = c.kernel, c.gate
			g.awayFor(c.away)
			g.path.queue = append(g.path.queue, loader.Event{Kind: loader.Lapsed, Key: g.key, Gap: time.Hour})
			g.round(time.Minute)
			g.want(vrrp.Master)
			g.wantScript("renew")
		})
	}
}

// All release before any is told of, and the loop is woken often enough for the
// shortest lease, and not at all without.
func TestRenewalKeepsUpWithTheShortestLease(t *testing.T) {
	g := leased(t, nil)
	if every := g.loop.renewEvery(); every != 250*ms {
		t.Errorf("renewed every %v", every)
	}
	if due, ok := g.loop.renewDue(); !ok || due > clock.Now().Add(250*ms) {
		t.Errorf("due %v (%v)", due, ok)
	}
	g.awayFor(1100 * ms)
	g.round(time.Minute)
	g.want(vrrp.Backup)
	if due, ok := g.loop.renewDue(); ok {
		t.Errorf("a BACKUP wakes up at %v to renew", due)
	}
}

// A MASTER that was paused listens, and says nothing.
func TestPausedMasterListens(t *testing.T) {
	const hushed = "cancel announcing; stop pacing"
	pause := func(g *rig) netio.Pause { return netio.Pause{Since: g.at(50 * ms), Length: time.Second} }
	for name, wake := range map[string]func(g *rig){
		"the pacer": func(g *rig) { g.r.onPaused(time.Second) },
		"a release": func(g *rig) { g.master(60*ms, 0); g.round(61 * ms) },
		"a change":  func(g *rig) { g.r.step(g.at(60*ms), vrrp.SetPriority{Priority: 100}) },
		"the kernel's word": func(g *rig) {
			g.gate = loader.GateFrozen
			g.path.queue = append(g.path.queue, loader.Event{Kind: loader.Frozen, Key: g.key, Gap: time.Second})
			g.round(61 * ms)
		},
		"its gate, where that word was lost": func(g *rig) {
			g.gate = loader.GateFrozen
			g.loop.look = true
			g.round(61 * ms)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, true, nil)
			g.reign()
			g.r.out.post = func(f func()) bool { f(); return true }
			g.paused = pause(g)
			wake(g)
			g.paused = netio.Pause{}
			g.want(vrrp.Master)
			g.wantScript(hushed)
			due, ok := g.r.listenDue()
			if !ok || due <= g.r.resumed.Add(10*ms) || due > g.r.resumed.Add(20*ms) {
				t.Fatalf("listens until %v (%v), woken at %v", due, ok, g.r.resumed)
			}
			h := &host{log: g.r.log, routers: []*router{g.r}}
			h.addrEvent(vip.Event{Kind: vip.Restored, Owner: "VI_1"})
			g.wantScript("") // another may have it by now
			// Heard nobody: it goes on, and announces.
			g.loop.round(due - 1)
			g.wantScript("")
			g.loop.round(due)
			g.wantScript("advert 100; garp; announce 4 more and again after 5s; pace every 10ms")
			if c := g.r.counted; c.paused != 1 || c.survived != 1 || len(g.r.history) != 2 {
				t.Errorf("counted %+v, history %+v", c, g.r.history)
			}
		})
	}
}

// Another that was heard since has taken over, whatever its priority; as MASTER we
// would have answered it.
func TestPausedMasterThatWasSucceeded(t *testing.T) {
	for name, c := range map[string]struct {
		seen bool // by the datapath alone
		at   time.Duration
		want vrrp.State
	}{
		"heard":                        {false, 60 * ms, vrrp.Backup},
		"seen":                         {true, 60 * ms, vrrp.Backup},
		"heard before our last advert": {false, 40 * ms, vrrp.Master},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, true, nil)
			g.reign()
			g.paused = netio.Pause{Since: g.at(50 * ms), Length: time.Second}
			if c.seen {
				g.path.seen = g.at(c.at)
				g.r.step(g.at(61*ms), vrrp.SetPriority{Priority: 101})
			} else {
				g.master(c.at, 50)
				g.round(61 * ms)
			}
			g.paused = netio.Pause{}
			g.want(c.want)
			if script := g.take(); strings.Contains(script, "advert") || strings.Contains(script, "announce ") || strings.Contains(script, "release") != (c.want == vrrp.Backup) {
				t.Errorf("did %q", script)
			}
			if due, _ := g.r.machine.Deadline(); c.want == vrrp.Backup && due < g.r.resumed.Add(g.r.machine.MasterDown()) {
				t.Errorf("preempts after %v, resumed at %v", due, g.r.resumed)
			}
		})
	}
}

// timer_expired_backup has the last word where it is set.
func TestLimitWinsOverAPause(t *testing.T) {
	g := newRig(t, true, expiredBackup)
	g.reign()
	g.silence, g.paused = time.Second, netio.Pause{Since: g.at(50 * ms), Length: time.Second}
	g.master(60*ms, 50)
	g.round(61 * ms)
	g.want(vrrp.Backup)
	if r := g.r.machine.Reason(); r.Code != vrrp.ReasonHeldUp {
		t.Errorf("because %v", r)
	}
}

func TestAnnouncementsWaitForNobodyToBeSucceeded(t *testing.T) {
	g := leased(t, nil)
	hold := g.r.hold()
	if hold() {
		t.Error("held, and nothing is wrong")
	}
	g.awayFor(1100 * ms)
	if !hold() {
		t.Error("not held after the lease")
	}
	g.kernel = false
	if hold() {
		t.Error("held by a lease that the thread does not have")
	}
	g.paused = netio.Pause{Length: time.Second}
	if !hold() {
		t.Error("not held after a pause")
	}
	g.paused = netio.Pause{}
	for gate, want := range map[loader.Gate]bool{
		loader.GateOpen: false, loader.GateYielded: true, loader.GateLapsed: true, loader.GateFrozen: true,
	} {
		if g.gate = gate; hold() != want {
			t.Errorf("held %v while the gate is %v", !want, gate)
		}
	}
}

// What a MASTER has queued and not sent by the time that the kernel has shut its gate,
// or that it was stopped for too long, is not sent.
func TestStaleFramesAreDropped(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*rig)
		sent   string
	}{
		"nothing happened": {func(*rig) {}, "advert 100; garp"},
		"a better advert":  {func(g *rig) { g.gate = loader.GateYielded }, ""},
		"the lease":        {func(g *rig) { g.gate = loader.GateLapsed }, ""},
		"the lease, and the kernel has not looked": {func(g *rig) { g.awayFor(1100 * ms) }, ""},
		"a freeze": {func(g *rig) { g.gate = loader.GateFrozen }, ""},
		"a freeze, and the kernel has not looked": {func(g *rig) { g.paused.Length = time.Second }, ""},
		"its first, before the gate is open":      {func(g *rig) { g.r.advert.running, g.gate = false, loader.GateYielded }, "advert 100; garp"},
	} {
		for how, flush := range map[string]func(*rig){
			"alone":       func(g *rig) { g.r.flush() },
			"with others": func(g *rig) { g.loop.storm.acts(g.r); g.loop.storm.flush() },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				g := leased(t, nil)
				g.r.queueAdvert(100)
				g.r.queueGARPs()
				c.before(g)
				flush(g)
				g.wantScript(c.sent)
			})
		}
	}
}

// Where there is no clock nobody is woken for its lease.
func TestNoClockNoRenewal(t *testing.T) {
	for _, kernel := range []bool{true, false} {
		g := leased(t, nil)
		g.loop.renewals = renewals{}
		g.kernel = kernel
		g.loop.renewBy(fakePacer{g.record})
		g.loop.renew()
		if due, ok := g.loop.renewDue(); ok != kernel || strings.Contains(g.take(), "renew") != kernel {
			t.Errorf("clock %v: to be renewed %v, at %v", kernel, ok, due)
		}
	}
}

// Whose adverts the kernel can send, and why not.
func TestLeaseOfASchedule(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Router)
		lease  time.Duration
		why    string
	}{
		"default":       {nil, 2 * time.Second, ""},
		"pacer":         {func(c *config.Router) { c.Pacer = config.PacerThread }, 0, "vrrpx_pacer thread"},
		"lease":         {func(c *config.Router) { c.Lease = 0 }, 0, "vrrpx_lease 0"},
		"long interval": {func(c *config.Router) { c.AdvertInterval = 2 * time.Second }, 0, "the master-down interval, 7.21875 s, is longer than the longest lease, 5 s: no stall of the process matters"},
		"signed":        {guarded["auth_hmac"], 0, "signed adverts are finished by the thread that sends them"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, true, c.change)
			if lease, why := g.r.lease(nil); lease != c.lease || why != c.why {
				t.Errorf("lease %v (%s), want %v (%s)", lease, why, c.lease, c.why)
			}
			g.kernel = true
			if kernel, why := g.r.pacedBy(); kernel != (c.why == "") || kernel == (why == c.why) && why != "a test" {
				t.Errorf("by the kernel %v (%s)", kernel, why)
			}
		})
	}
	g := newRig(t, true, nil)
	unresolved := netio.UnicastFrame(g.r.link.MAC, nil, g.r.machine.Config().Primary, g.r.machine.Config().Primary, 255, []byte("x"))
	if lease, why := g.r.lease([][]byte{unresolved}); lease != 0 || why != "the MAC of a unicast peer is not known" {
		t.Errorf("unresolved: %v (%s)", lease, why)
	}
}
