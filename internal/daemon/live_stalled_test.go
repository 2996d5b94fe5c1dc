package daemon

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A BACKUP of priority 100 whose master advertises every 10 ms: the loop first
// looks at 21.25 ms, the deadline is 36.09375 ms, and a stall adds 16.09375 ms.
const oneMore = 10*ms + 6093750*time.Nanosecond

func TestLateLoopGivesTheMasterOneMoreChance(t *testing.T) {
	for name, c := range map[string]struct {
		rounds []time.Duration
		master time.Duration // 0: no second advert
		until  time.Duration // MASTER from here on; 0: BACKUP throughout
	}{
		"in time":              {rounds: []time.Duration{22 * ms, 37 * ms}, until: 37 * ms},
		"a little late":        {rounds: []time.Duration{28 * ms, 43 * ms}, until: 43 * ms},
		"late at first look":   {rounds: []time.Duration{34 * ms, 37 * ms, 34*ms + oneMore - 1, 34*ms + oneMore}, until: 34*ms + oneMore},
		"late at the deadline": {rounds: []time.Duration{22 * ms, 46 * ms, 46*ms + oneMore - 1, 46*ms + oneMore}, until: 46*ms + oneMore},
		"once in a silence":    {rounds: []time.Duration{100 * ms, 200 * ms}, until: 200 * ms},
		"and heard":            {rounds: []time.Duration{100 * ms, 111 * ms, 117 * ms, 132 * ms}, master: 110 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, false, nil)
			g.master(0, 200)
			g.round(1 * ms)
			for _, at := range c.rounds {
				if c.master != 0 && at > c.master {
					g.master(c.master, 200)
					c.master = 0
				}
				g.round(at)
				if c.until != 0 && at >= c.until {
					g.want(vrrp.Master)
				} else {
					g.want(vrrp.Backup)
				}
			}
		})
	}
}

// What is left to the deadline is what the stall has left of it.
func TestStatusHasTheDeadlineThatAStallPutOff(t *testing.T) {
	g := newRig(t, false, nil)
	g.master(0, 200)
	g.round(1 * ms)
	g.round(46 * ms) // the deadline was at 36 ms
	g.want(vrrp.Backup)
	if v := g.r.view(g.at(48 * ms)); v.DeadlineIn == nil || time.Duration(*v.DeadlineIn) != oneMore-2*ms {
		t.Errorf("%v left, want %v", v.DeadlineIn, oneMore-2*ms)
	}
}

// A release brings the deadline nearer than any first look at it.
func TestReleaseIsNoStall(t *testing.T) {
	g := newRig(t, false, nil)
	g.master(0, 200)
	g.round(1 * ms)
	g.master(15*ms, 0)
	g.round(16 * ms)
	g.round(22 * ms) // the skew is 6.09375 ms
	g.want(vrrp.Master)
	if g.r.counted.stalled != 0 {
		t.Error("it found the host stalled")
	}
}

// What waits in the socket is heard before the loop finds itself late.
func TestLateLoopThatHasHeardIsNotLate(t *testing.T) {
	g := newRig(t, false, nil)
	g.path.keepsNone = true
	g.master(0, 200)
	g.round(1 * ms)
	g.master(90*ms, 200)
	g.round(100 * ms)
	if g.r.counted.stalled != 0 {
		t.Error("it found the host stalled")
	}
	if at, _ := g.r.loopDeadline(); at != g.at(90*ms+21250*time.Microsecond) {
		t.Errorf("it looks next at %v", at.Sub(g.t))
	}
}

// In a suspend CLOCK_MONOTONIC stands: the timer is in time.
func TestSuspendGivesTheMasterOneMoreChance(t *testing.T) {
	for heard, want := range map[time.Duration]vrrp.Instant{0: vrrp.Instant(30*ms + oneMore), 25 * ms: vrrp.Instant(25*ms + 36093750)} {
		g := newRig(t, false, nil)
		g.path.keepsNone = true
		g.master(0, 200)
		g.round(1 * ms)
		g.round(22 * ms)
		if heard != 0 {
			g.master(heard, 200)
		}
		g.loop.nap = nap{from: g.at(24 * ms), suspended: time.Hour}
		g.round(30 * ms)
		g.r.stall.looked = g.at(time.Second)
		if at, _ := g.r.loopDeadline(); at != g.t+want {
			t.Errorf("heard at %v: the deadline is %v, want %v", heard, at.Sub(g.t), time.Duration(want))
		}
	}
}

// Of the deadlines that the kernel keeps it is the judge.
func TestKernelsStallIsCounted(t *testing.T) {
	g := newRig(t, true, nil)
	g.master(0, 200)
	g.round(1 * ms)
	g.path.queue = append(g.path.queue, loader.Event{Kind: loader.Stalled, Key: g.key, At: g.at(22 * ms), Now: g.at(100 * ms)})
	g.round(100 * ms)
	g.want(vrrp.Backup)
	if g.r.counted.stalled != 1 {
		t.Errorf("counted %d", g.r.counted.stalled)
	}
	g.down(116 * ms)
	g.round(117 * ms)
	g.want(vrrp.Master)
}

func TestDeadlineIsArmedWithTheGuard(t *testing.T) {
	g := newRig(t, true, nil)
	g.master(0, 200)
	g.round(1 * ms)
	d := g.path.armed[g.key]
	if d.Interval != 10*ms || d.Skew != g.r.machine.Skew() {
		t.Errorf("armed %+v", d)
	}
}
