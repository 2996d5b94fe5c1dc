package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

const ms = time.Millisecond

//vrrp:row 42
func TestTakeoverActsInOrder(t *testing.T) {
	g := newRig(t, true, nil)
	g.master(0, 200)
	g.round(1 * ms)
	g.want(vrrp.Backup)
	g.take()
	g.down(36*ms + 200*time.Microsecond)
	g.round(36*ms + 250*time.Microsecond)
	g.want(vrrp.Master)
	g.wantScript("advert 100; garp; hold; announce 4 more and again after 5s; pace every 10ms")
	if _, ok := g.path.armed[g.key]; ok {
		t.Error("a MASTER's deadline is still armed")
	}
	if g.path.rules[g.key].Elide != nil {
		t.Error("the datapath still keeps adverts from a MASTER")
	}
}

//vrrp:row 47
func TestFarewellIsTheLastThingSent(t *testing.T) {
	g := newRig(t, true, nil)
	g.down(50 * ms)
	g.round(50 * ms)
	g.want(vrrp.Master)
	g.take()
	g.r.step(g.at(60*ms), vrrp.Shutdown{})
	g.wantScript("cancel announcing; stop pacing; advert 0; release")
}

// The rule of the design that was measured: without it 99 of 100 takeovers of
// a loop held past its deadline were wrong.
//
//vrrp:row 34
func TestDrainBeforeExpire(t *testing.T) {
	for _, deadlines := range []bool{true, false} {
		g := newRig(t, deadlines, nil)
		g.master(0, 200)
		g.round(1 * ms)
		// The loop is held up; a foreign advert makes the rule miss, so the
		// master's next adverts come up and wait behind the down event.
		g.down(37 * ms)
		g.path.rules[g.key] = loader.Rule{}
		g.master(30*ms, 200)
		g.master(60*ms, 200)
		g.round(80 * ms)
		g.want(vrrp.Backup)
		if due, _ := g.r.machine.Deadline(); due != g.at(60*ms).Add(g.r.machine.MasterDown()) {
			t.Errorf("deadlines %v: deadline at %v", deadlines, due.Sub(g.t))
		}
	}
}

//vrrp:row 34 43
func TestKeptAdvertsForbidTheTakeover(t *testing.T) {
	g := newRig(t, true, nil)
	g.master(0, 200)
	g.round(1 * ms)
	if g.path.rules[g.key].Elide == nil {
		t.Fatal("the master's advert did not become the rule")
	}
	g.master(10*ms, 200) // kept: not in the queue
	g.master(20*ms, 200)
	if len(g.path.queue) != 0 {
		t.Fatal("the fake did not keep the adverts")
	}
	g.down(37 * ms) // stale: pushed before they came, and read late
	g.round(38 * ms)
	g.want(vrrp.Backup)
	if due, ok := g.path.due(g.key); !ok || due != g.at(20*ms).Add(g.r.machine.MasterDown()) {
		t.Errorf("after a stale down event the deadline is %v, %v", due.Sub(g.t), ok)
	}
}

// A release that waits on the ring is older than the advert that the datapath
// kept meanwhile, and older than other events behind it: the machine must see
// all in the order in which they came.
func TestKeptAdvertIsSteppedAfterOlderEvents(t *testing.T) {
	g := newRig(t, true, nil)
	g.master(0, 200)
	g.round(1 * ms)
	g.path.receive(g.key, g.at(4*ms), vrrp.Packet{Version: 3, VRID: 51, Interval: 10 * ms}, "10.0.0.7") // priority 0
	g.path.receive(g.key, g.at(5*ms), vrrp.Packet{Version: 3, VRID: 51, Interval: 10 * ms}, "10.0.0.8")
	g.master(6*ms, 200) // kept
	if len(g.path.queue) != 2 {
		t.Fatalf("%d events wait, want 2", len(g.path.queue))
	}
	g.round(7 * ms)
	due, ok := g.path.due(g.key)
	if want := g.at(6 * ms).Add(g.r.machine.MasterDown()); !ok || due != want {
		t.Errorf("deadline at %v, want %v: the master was heard after the releases", due.Sub(g.t), want.Sub(g.t))
	}
	if _, at, ok := g.r.machine.Accepted(); !ok || at != g.at(6*ms) {
		t.Errorf("last accepted at %v, %v", at.Sub(g.t), ok)
	}
}

// A down event names the last advert that was kept before it: a takeover needs
// no look for it, and counts the silence from there.
func TestDownEventTellsOfTheKeptAdvert(t *testing.T) {
	g := newRig(t, true, nil)
	g.master(0, 200)
	g.round(1 * ms)
	g.path.queue = append(g.path.queue, loader.Event{
		Kind: loader.Down, Key: g.key, At: g.at(56 * ms), Now: g.at(56 * ms), Heard: g.at(20 * ms),
	})
	g.round(56*ms + 200*time.Microsecond)
	g.want(vrrp.Master)
	if got := g.r.machine.Reason().Silence; got != 36*ms+200*time.Microsecond {
		t.Errorf("silence %v, want that since the kept advert", got)
	}
}

func TestSteadyBackupIsArmedOnce(t *testing.T) {
	g := newRig(t, true, nil)
	for i := range 500 {
		g.master(time.Duration(i)*10*ms, 200)
		g.round(time.Duration(i)*10*ms + ms)
	}
	g.want(vrrp.Backup)
	if g.path.arms > 3 {
		t.Errorf("armed %d times in 500 adverts", g.path.arms)
	}
	if due, _ := g.path.due(g.key); due != g.at(4990*ms).Add(g.r.machine.MasterDown()) {
		t.Errorf("deadline at %v", due.Sub(g.t))
	}
}

//vrrp:row 31
func TestReleaseShortensTheDeadlineToTheSkew(t *testing.T) {
	g := newRig(t, true, nil)
	g.master(0, 200)
	g.round(1 * ms)
	g.master(5*ms, 0)
	g.round(5 * ms)
	if due, _ := g.path.due(g.key); due != g.at(5*ms).Add(g.r.machine.Skew()) {
		t.Errorf("deadline %v after the release, want the skew %v", due.Sub(g.at(5*ms)), g.r.machine.Skew())
	}
	g.down(12 * ms)
	g.round(12 * ms)
	g.want(vrrp.Master)
}

func TestLostDownEventIsFoundByTheBackstop(t *testing.T) {
	g := newRig(t, true, nil)
	g.master(0, 200)
	g.round(1 * ms)
	g.round(backstop - 100*ms)
	g.want(vrrp.Backup) // the kernel keeps the deadline; nobody told us
	g.round(backstop + 100*ms)
	g.want(vrrp.Master)
}

func TestSpinEndsWithOrWithoutTheDeadline(t *testing.T) {
	g := newRig(t, true, nil)
	g.path.queue = append(g.path.queue, loader.Event{Kind: loader.Soon, Key: g.key, At: g.at(36 * ms), Now: g.at(36 * ms)})
	g.round(36 * ms)
	g.want(vrrp.Backup)
	if !g.loop.soon {
		t.Fatal("a deadline about to pass is not waited for")
	}
	g.loop.spin() // nothing comes: the master was heard after all
	if g.loop.soon {
		t.Error("it would wait again")
	}
	g.down(37 * ms)
	g.loop.soon = true
	g.loop.spin()
	if len(g.path.queue) != 1 {
		t.Error("waiting took what is for the next round")
	}
}

func TestEventOfARemovedRouterIsIgnored(t *testing.T) {
	g := newRig(t, true, nil)
	delete(g.loop.byKey, g.key)
	g.down(50 * ms)
	g.master(51*ms, 200)
	g.round(52 * ms)
	g.want(vrrp.Backup)
}

//vrrp:row 67
func TestWrongPasswordIsCountedAndNotHeard(t *testing.T) {
	g := newRig(t, true, func(c *config.Router) {
		c.Version, c.AdvertInterval = 2, time.Second
		c.Auth = config.Auth{Type: config.AuthPass, Pass: "1111"}
	})
	advert := func(at time.Duration, pass string) {
		p := vrrp.Packet{Version: 2, VRID: 51, Priority: 200, Interval: time.Second, Auth: vrrp.AuthPass}
		copy(p.AuthData[:], pass)
		g.path.receive(g.key, g.at(at), p, "10.0.0.6")
	}
	advert(0, "2222")
	advert(1, "11111111")
	g.round(10 * ms)
	if n := g.r.drops[vrrp.DropAuthData].Load(); n != 2 {
		t.Errorf("%d adverts counted as auth_data, want 2", n)
	}
	if _, _, ok := g.r.machine.Accepted(); ok {
		t.Error("an advert with a wrong password was accepted")
	}
	advert(20*ms, "1111")
	g.round(20 * ms)
	if _, _, ok := g.r.machine.Accepted(); !ok {
		t.Error("an advert with the right password was not accepted")
	}
}

// A datapath that keeps deadlines keeps this one too: the master's adverts come
// up and postpone it no further than the end of the delay.
//
//vrrp:row 43
func TestPreemptDelayIsTheDatapathsDeadline(t *testing.T) {
	g := newRig(t, true, func(c *config.Router) { c.PreemptDelay = 100 * ms })
	for at := 0 * ms; at <= 100*ms; at += 10 * ms {
		g.master(at, 50)
		g.round(at)
	}
	end := g.t.Add(100*ms + g.r.machine.Skew())
	if due, ok := g.path.due(g.key); !ok || due != end {
		t.Fatalf("armed for %v (%v), want %v", due.Sub(g.t), ok, end.Sub(g.t))
	}
	if v := g.r.view(g.at(50 * ms)); v.PreemptIn == nil || v.PreemptIn.String() != stats.Seconds(end.Sub(g.at(50*ms))).String() {
		t.Errorf("status says preempt in %v", v.PreemptIn)
	} else if v.Master == nil || v.Master.Priority != 50 {
		t.Errorf("status says the master is %+v", v.Master)
	}
	g.want(vrrp.Backup)
	g.down(end.Sub(g.t))
	g.round(end.Sub(g.t))
	g.want(vrrp.Master)
}

// A process that was stopped finds its successor's adverts all at once, and a
// flood may come at any rate: neither is answered in kind.
func TestAnswersAreBoundOnTheWire(t *testing.T) {
	g := newRig(t, true, func(c *config.Router) { c.AdvertInterval = 20 * time.Second })
	g.down(100 * time.Second)
	g.round(100 * time.Second)
	g.want(vrrp.Master)
	g.take()
	for i := range 100 { // their stamps are far apart, for the core
		g.path.receive(g.key, g.at(time.Duration(200+20*i)*time.Second), vrrp.Packet{
			Version: 3, VRID: 51, Priority: 50, Interval: 20 * time.Second, Addrs: g.r.machine.Config().Addrs,
		}, "10.0.0.4")
	}
	g.round(5000 * time.Second)
	g.want(vrrp.Master)
	done := g.take()
	if n := strings.Count(done, "advert "); n != 1 {
		t.Errorf("%d answers to what waited: %s", n, done)
	}
	if n := strings.Count(done, "garp"); n > 1 {
		t.Errorf("announced %d times", n)
	}
}

// Each release gives every BACKUP its skew and no more: the second of two is
// answered like the first, but one advert answers all that waited.
//
//vrrp:row 49
func TestEveryReleaseIsAnsweredByALaterAdvert(t *testing.T) {
	g := newRig(t, true, nil)
	g.down(37 * ms)
	g.round(37 * ms)
	g.want(vrrp.Master)
	g.take()
	releases := func(n int) {
		at := clock.Now()
		for range n {
			g.path.receive(g.key, at, vrrp.Packet{Version: 3, VRID: 51, Interval: 10 * ms, Addrs: g.r.machine.Config().Addrs}, "10.0.0.4")
		}
		g.loop.round(clock.Now())
		g.want(vrrp.Master)
	}
	for _, n := range []int{1, 1, 100} {
		releases(n)
		g.wantScript("advert 100; pace every 10ms")
	}
}

// garp_lower_prio_repeat and _delay, and none with a repeat of 0.
//
//vrrp:row 51
func TestLosingAdvertHasAScheduleOfItsOwn(t *testing.T) {
	for repeat, want := range map[int]string{
		0: "advert 100",
		2: "advert 100; garp; announce 1 more and again after 3s",
	} {
		g := newRig(t, true, func(c *config.Router) { c.GARP.LowerRepeat, c.GARP.LowerDelay = repeat, 3*time.Second })
		g.down(37 * ms)
		g.round(37 * ms)
		g.want(vrrp.Master)
		g.take()
		g.master(38*ms, 50)
		g.round(38 * ms)
		g.wantScript(want)
	}
}

// higher_prio_send_advert: the last word, after which nothing is paced.
//
//vrrp:row 50
func TestYieldingMayEndWithAnAdvert(t *testing.T) {
	g := newRig(t, true, func(c *config.Router) { c.HigherPriorityAdvert = true })
	g.down(37 * ms)
	g.round(37 * ms)
	g.take()
	g.master(38*ms, 200)
	g.round(38 * ms)
	g.want(vrrp.Backup)
	g.wantScript("cancel announcing; stop pacing; advert 100; release")
}

//vrrp:row 21
func TestSkipCheckAdvAddrReachesTheMachine(t *testing.T) {
	for _, skip := range []bool{false, true} {
		g := newRig(t, true, func(c *config.Router) { c.SkipCheckAdvAddr = skip })
		g.master(0, 200)
		g.path.receive(g.key, g.at(1*ms), vrrp.Packet{Version: 3, VRID: 51, Priority: 200, Interval: 10 * ms}, "10.0.0.6")
		g.round(2 * ms)
		if alarms := g.r.view(g.at(2 * ms)).Alarms; (len(alarms) == 0) != skip {
			t.Errorf("skip %v: alarms %q", skip, alarms)
		}
	}
}

// A better master whose interval is too long to be learned, and we, take the
// addresses in turn. The alarm stands through all of that, and ends with it.
//
//vrrp:row 20 30
func TestCappedIntervalAlarmsUntilItIsOver(t *testing.T) {
	g := newRig(t, true, nil)
	slow := func(at, every time.Duration) {
		g.path.receive(g.key, g.at(at), vrrp.Packet{
			Version: 3, VRID: 51, Priority: 200, Interval: every, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.3")},
		}, "10.0.0.6")
		g.round(at)
	}
	alarmed := func(at time.Duration) bool {
		return strings.Contains(strings.Join(g.r.view(g.at(at)).Alarms, "\n"), "will take the addresses in turn")
	}
	for n := range 3 {
		at := time.Duration(n) * time.Second
		slow(at, time.Second)
		g.want(vrrp.Backup)
		if !alarmed(at + ms) {
			t.Error("no alarm as BACKUP")
		}
		g.down(at + 40*ms)
		g.round(at + 40*ms)
		g.want(vrrp.Master)
		if !alarmed(at + 41*ms) {
			t.Error("no alarm as MASTER, which we should not be")
		}
	}
	slow(3*time.Second, 20*ms)
	if alarmed(3*time.Second + ms) {
		t.Error("the alarm stands although the interval has been learned")
	}
	if noteLevel(vrrp.NoteIntervalCapped) <= noteLevel(vrrp.NoteSecondMaster) {
		t.Error("it is not logged more loudly than the rest")
	}
}

//vrrp:row 20 21
func TestNotesBecomeAlarms(t *testing.T) {
	g := newRig(t, true, nil)
	g.path.receive(g.key, g.at(0), vrrp.Packet{Version: 3, VRID: 51, Priority: 200, Interval: time.Second}, "10.0.0.6")
	g.round(1 * ms)
	v := g.r.view(g.at(1 * ms))
	all := strings.Join(v.Alarms, "\n")
	for _, want := range []string{"more than 10 times our 10ms: not learned", "VRID 51 is used twice"} {
		if !strings.Contains(all, want) {
			t.Errorf("alarms %q lack %q", all, want)
		}
	}
}
