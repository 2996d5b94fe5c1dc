package model

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var deep = flag.Bool("deep", false, "also look where it takes minutes")

// The hosts of the checks: adverts every 2 ticks, two silent ones and the skew (1
// for A, 2 for B) are a dead master, so A takes over after 5 ticks and B after
// 6; an advert is under way for 1 tick. The lease is longer than either, and is
// renewed at every second tick.
const (
	interval = 2
	delay    = 1
	downA    = 5
	downB    = 6
	lease    = 7
	renew    = 2
)

func hosts() Config {
	return Config{
		Hosts: 2, Interval: interval, Adverts: 2, Skew: [Hosts]int{1, 2}, Order: [Hosts]int{2, 1},
		Lease: lease, Renew: renew, Delay: Span{delay, delay}, Preempt: true, Bounds: Unbound,
	}
}

// The scenarios, and what holds in each. The numbers are those of
// docs/liveness.md. Those that are tight are proved to be: with one less a
// property is broken.
type scenario struct {
	name  string
	of    func(c *Config)
	tight func(c *Config) *int // the bound that is so
	deep  bool
}

func overlap(c *Config) *int { return &c.Overlap }
func settle(c *Config) *int  { return &c.Settle }
func dark(c *Config) *int    { return &c.Dark }

// lawful are the properties of who announces.
func lawful(c *Config, beside, stray, owed int) {
	c.Overlap, c.Stray, c.Owed, c.Fresh = beside, stray, owed, 0
}

func worse(c *Config) { c.Order, c.Skew = [Hosts]int{1, 2}, [Hosts]int{2, 1} }

var both = [Hosts]bool{true, true}

var scenarios = []scenario{
	// The process of the first MASTER stops at every point, for as long as it
	// likes, as often as it likes.
	{name: "stalls", tight: overlap, of: func(c *Config) { c.Stalls[0], c.Announcer = true, true; lawful(c, interval, 2, 0) }},
	{name: "stalls, but not between look and send", of: func(c *Config) {
		c.Stalls[0], c.Announcer, c.Whole = true, true, true
		lawful(c, interval+delay, 0, 0)
	}},
	{name: "stalls, jitter", tight: overlap, of: func(c *Config) { c.Stalls[0], c.Delay.Max = true, 2; lawful(c, interval, 1, 0) }},
	{name: "stalls, an advert lost", tight: overlap, of: func(c *Config) { c.Stalls[0], c.Losses = true, 1; lawful(c, 2*interval, 1, 0) }},
	{name: "stalls, the ring full", of: func(c *Config) { c.Stalls[0], c.Ring = true, true; lawful(c, interval+delay, 1, 0) }},
	{name: "stalls of the worse", of: func(c *Config) { worse(c); c.Stalls[0] = true; lawful(c, delay, 1, 0) }},
	{name: "stalls of the worse, nopreempt", of: func(c *Config) { worse(c); c.Stalls[0], c.Preempt = true, false; lawful(c, interval+delay, 1, 0) }},
	{name: "stalls, tie", of: func(c *Config) {
		c.Stalls[0], c.Skew, c.Takeover[1] = true, [Hosts]int{1, 1}, true
		lawful(c, interval+delay, 1, 0)
		c.Wrong = 0
	}},
	// And that of the backup, whose kernel takes over.
	{name: "takeover", of: func(c *Config) { c.Stalls[0], c.Takeover = true, both; lawful(c, interval+delay, 1, 0); c.Wrong = 0 }},
	{name: "takeover of a stopped backup", of: func(c *Config) {
		c.Stalls[1], c.Announcer, c.Takeover, c.Deaths[0], c.Kills[0] = true, true, both, true, true
		lawful(c, interval+delay, 2, 0)
	}},
	{name: "both stop", deep: true, of: func(c *Config) { c.Stalls = both; lawful(c, interval+delay, 1, 0) }},
	{name: "both stop, three adverts", deep: true, of: func(c *Config) {
		c.Stalls, c.Adverts, c.Lease = [Hosts]bool{true}, 3, 9
		c.Takeover = both
		lawful(c, interval+delay, 1, 0)
	}},

	// Whole hosts stop. For longer than the lease: it alone is enough.
	{name: "long freeze, lease alone", of: func(c *Config) {
		c.Freezes[0], c.Freeze.Min, c.Frozen, c.Stalls[0] = true, lease+1, 1, true
		lawful(c, interval+delay, 1, 1)
	}},
	{name: "freeze", tight: overlap, of: func(c *Config) { c.Freezes, c.Frozen, c.Guard = both, 1, true; lawful(c, delay, 1, 1) }},
	{name: "freeze, adverts lost in it", of: func(c *Config) {
		c.Freezes, c.Frozen, c.Guard, c.Lossy, c.Takeover = both, 1, true, true, both
		lawful(c, interval+delay, 1, 1)
	}},
	{name: "freeze, nopreempt", of: func(c *Config) {
		worse(c)
		c.Freezes, c.Frozen, c.Guard, c.Lossy, c.Preempt = both, 1, true, true, false
		lawful(c, interval+delay, 1, 1)
	}},
	{name: "freeze and stalls", of: func(c *Config) {
		c.Freezes[0], c.Frozen, c.Guard, c.Lossy, c.Stalls[0], c.Stops = true, 1, true, true, true, 2
		lawful(c, interval+delay, 1, 1)
	}},
	{name: "two freezes", tight: overlap, of: func(c *Config) {
		c.Freezes, c.Frozen, c.Guard, c.Lossy = both, 2, true, true
		lawful(c, 5, 1, 1) // one of 3 ticks, too short to be noticed, lies within
	}},
	{name: "freeze without clocks", tight: overlap, of: func(c *Config) {
		c.Freezes, c.Frozen, c.Guard, c.Lossy, c.Blind = both, 2, true, true, true
		c.Overlap = interval + delay
	}},
	{name: "backup's freeze", of: func(c *Config) {
		c.Freezes[1], c.Frozen, c.Guard, c.Takeover, c.Lossy = true, 1, true, both, true
		c.Wrong = 0
	}},

	// Stalls shorter than the lease, by the renewal's period: nothing moves.
	{name: "short stalls", of: func(c *Config) { c.Stalls, c.Stall, c.Steady = both, lease-renew, 0 }},

	// After the end of all trouble one holds.
	{name: "recovery", tight: settle, of: func(c *Config) { c.Stalls[0], c.Calm, c.Settle = true, true, 8 }},
	{name: "recovery, ring full", tight: settle, of: func(c *Config) { c.Stalls[0], c.Calm, c.Ring, c.Settle = true, true, true, 8 }},
	{name: "recovery, takeover", tight: settle, of: func(c *Config) { c.Stalls[0], c.Stops, c.Calm, c.Takeover, c.Settle = true, 2, true, both, 6 }},
	{name: "recovery, takeover, many stalls", deep: true, tight: settle, of: func(c *Config) { c.Stalls[0], c.Calm, c.Takeover, c.Settle = true, true, both, 6 }},
	{name: "recovery, freeze", tight: settle, of: func(c *Config) {
		c.Freezes, c.Frozen, c.Guard, c.Lossy, c.Calm, c.Settle = both, 1, true, true, true, 9
	}},

	// The best of two backups, A, is stopped just when the master has died; B is
	// well. From the master's last advert on nobody serves for at most so long.
	{name: "third, takeover", tight: dark, of: func(c *Config) {
		c.Orphans, c.Stalls[0], c.Stops, c.Whole, c.Takeover[0] = true, true, 1, true, true
		c.Dark = downA + lease + downB
	}},
	{name: "third, no takeover", tight: dark, of: func(c *Config) {
		c.Orphans, c.Stalls[0], c.Stops, c.Whole = true, true, 1, true
		c.Dark = downA + lease + downB
	}},
	{name: "third, between look and send", tight: dark, of: func(c *Config) {
		c.Orphans, c.Stalls[0], c.Stops, c.Takeover[0] = true, true, 1, true
		c.Dark = downA + lease + downB + 4
	}},
	{name: "three hosts", tight: dark, of: func(c *Config) {
		c.Hosts, c.Skew, c.Order, c.Deaths[0], c.Stalls[1], c.Stops, c.Whole, c.Takeover[1] = 3, [Hosts]int{1, 2, 3}, [Hosts]int{3, 2, 1}, true, true, 1, true, true
		c.Lease, c.Dark = 8, downB+8+downB+1+2*delay
	}},
}

func (s *scenario) config() Config {
	c := hosts()
	s.of(&c)
	return c
}

func named(t *testing.T, name string) *scenario {
	for i := range scenarios {
		if scenarios[i].name == name {
			return &scenarios[i]
		}
	}
	t.Fatalf("no scenario %q", name)
	return nil
}

// In every state that can be reached every property holds; and where a bound is
// said to be tight, one less is too little.
//
//vrrp:row 34
func TestEveryReachableStateIsLawful(t *testing.T) {
	for i := range scenarios {
		s := &scenarios[i]
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if s.deep && !*deep {
				t.Skip("make model")
			}
			began := time.Now()
			r := Check(s.config())
			t.Logf("%v in %v", r, time.Since(began).Round(time.Millisecond))
			if r.Broken != "" || r.Cut {
				t.Errorf("\n%v", r.Trace)
			}
			if s.tight == nil || r.Broken != "" {
				return
			}
			c := s.config()
			n := s.tight(&c)
			*n--
			if r := Check(c); r.Broken == "" {
				t.Errorf("%d is not tight: %d holds too", *n+1, *n)
			}
		})
	}
}

// A stall that is longer by one tick than the lease allows moves the addresses.
func TestShortStallsAreTight(t *testing.T) {
	c := named(t, "short stalls").config()
	c.Stall++
	r := Check(c)
	if r.Broken != "steady" {
		t.Errorf("a stall of %d ticks moves nothing: %v", c.Stall, r)
	}
	t.Logf("%v\n%v", r, r.Trace)
}

// Every mistake is found, by the property that it is to be found by. The
// shortest way to it is printed (go test -v).
func TestEveryMistakeIsFound(t *testing.T) {
	found := map[Fault]bool{}
	for _, m := range []struct {
		fault    Fault
		scenario string
		broken   string
	}{
		{NoLatch, "stalls", "owed"},
		{LateStamp, "stalls", "fresh"},
		{RenewFirst, "long freeze, lease alone", "owed"},
		{NoGuard, "freeze", "owed"},
		{GuardInKernel, "freeze", "stray"},
		{StaleTakeover, "takeover of a stopped backup", "fresh"},
		{DeafGate, "stalls of the worse", "overlap"},
		{BlindTaken, "recovery, takeover", "settle"},
		{TornTimer, "takeover", "wrong"},
		{BoldAnnouncer, "stalls, but not between look and send", "stray"},
		{ForgetfulLoop, "recovery, ring full", "settle"},
		{LatePhoto, "freeze", "owed"},
		{PatientBackup, "backup's freeze", "wrong"},
		{DrainFirst, "stalls, but not between look and send", "stray"},
		{SendFirst, "stalls", "overlap"},
	} {
		found[m.fault] = true
		t.Run(fmt.Sprintf("%v/%s", m.fault, m.broken), func(t *testing.T) {
			t.Parallel()
			c := named(t, m.scenario).config()
			c.Fault = m.fault
			began := time.Now()
			r := Check(c)
			t.Logf("%s: %v in %v\n%v", m.scenario, r, time.Since(began).Round(time.Millisecond), r.Trace)
			if r.Broken != m.broken {
				t.Errorf("broken: %q, want %q", r.Broken, m.broken)
			}
		})
	}
	for f := NoLatch; f < faults; f++ {
		if !found[f] {
			t.Errorf("nothing looks for %q", f)
		}
	}
}
