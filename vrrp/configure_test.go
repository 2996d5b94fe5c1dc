package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// A tracker that lowers a BACKUP makes it wait longer, one that raises it
// shorter, from the same last advert.
func TestPriorityMovesTheDeadlineOfABackup(t *testing.T) {
	r := backup(t, base())
	r.step(t0, Heard{advert(above, 150)})
	r.step(t0.Add(time.Second), SetPriority{200})
	r.due(t0.Add(3218750 * time.Microsecond))
	r.step(t0.Add(time.Second), SetPriority{10})
	r.due(t0.Add(3960937500 * time.Nanosecond))
}

// Once we would preempt a master its adverts no longer count, so nobody may
// keep them from the machine.
func TestRaisedPriorityEndsAcceptance(t *testing.T) {
	for name, change := range map[string]Input{
		"priority": SetPriority{200},
		"config":   SetConfig{with(func(c *Config) { c.Priority = 200 })},
	} {
		t.Run(name, func(t *testing.T) {
			r := backup(t, base())
			r.step(t0, Heard{advert(above, 150)})
			r.step(t0, change)
			if _, _, ok := r.m.Accepted(); ok {
				t.Error("still accepts the master that it means to preempt")
			}
			r.step(t0.Add(time.Second), Heard{advert(above, 150)})
			r.step(t0.Add(3218750*time.Microsecond), Timer{},
				"BACKUP -> MASTER (preempt)", "send 200", "take VIPs", "announce")
		})
	}
}

func TestAcceptedEndsWithARelease(t *testing.T) {
	r := backup(t, base())
	if _, _, ok := r.m.Accepted(); ok {
		t.Error("accepted before any advert")
	}
	r.step(t0, Heard{advert(above, 150)})
	if a, at, ok := r.m.Accepted(); !ok || at != t0 || a.Src != above {
		t.Errorf("accepted %v at %d (%v)", a.Src, at, ok)
	}
	r.step(t0, Heard{advert(above, 0)})
	if _, _, ok := r.m.Accepted(); ok {
		t.Error("accepted after the release")
	}
}

func TestNewIntervalReschedulesAMaster(t *testing.T) {
	r, now := master(t, base())
	now = now.Add(300 * time.Millisecond)
	r.step(now, SetConfig{with(func(c *Config) { c.Priority = 90 })})
	r.due(now.Add(700 * time.Millisecond)) // another change leaves the schedule
	r.step(now, SetConfig{with(func(c *Config) { c.Interval = 100 * time.Millisecond })})
	r.due(now.Add(100 * time.Millisecond))
	r.step(now.Add(100*time.Millisecond), Timer{}, "send 100")
	r.due(now.Add(200 * time.Millisecond))
}

// What is learned from a master stays, except where the new bound cuts it or
// lets it in.
func TestNewConfigLearnsAnew(t *testing.T) {
	fast := with(func(c *Config) { c.Interval = 100 * time.Millisecond })
	r := backup(t, base())
	r.step(t0, SetConfig{fast})
	r.due(t0.Add(360937500 * time.Nanosecond)) // none heard: ours
	r.step(t0, SetConfig{base()})
	r.step(t0, Heard{every(2*time.Second, advert(above, 150))}, "note interval_differs 10.0.0.10")
	r.step(t0, SetConfig{with(func(c *Config) { c.Interval = 500 * time.Millisecond })})
	r.due(t0.Add(7218750 * time.Microsecond))
	r.step(t0, SetConfig{fast}) // 2 s is more than ten times 100 ms
	r.due(t0.Add(360937500 * time.Nanosecond))
	r.step(t0, SetConfig{base()})
	r.due(t0.Add(7218750 * time.Microsecond))
}

func TestIdentityOutlivesANewConfig(t *testing.T) {
	r := backup(t, base())
	r.step(t0, SetConfig{with(func(c *Config) { c.Version, c.Family, c.VRID = 2, IPv6, 7 })})
	if c := r.m.Config(); c.Version != 3 || c.Family != IPv4 || c.VRID != 51 {
		t.Errorf("version %d %v VRID %d", c.Version, c.Family, c.VRID)
	}
}

// The primary address decides ties and tells our own adverts; it may change at
// run time.
//
//vrrp:row 50
func TestNewPrimaryDecidesTies(t *testing.T) {
	r, now := master(t, base())
	r.step(now, SetConfig{with(func(c *Config) { c.Primary = netip.MustParseAddr("10.0.0.200") })})
	r.step(now, Heard{advert(above, 100)}, "send 100", "announce lower", "note second_master 10.0.0.10", "note equal_priority 10.0.0.10")
}

// A configuration that no parser lets through still must not panic.
func TestNonsenseConfigDoesNotPanic(t *testing.T) {
	for _, interval := range []time.Duration{0, -time.Second, 1} {
		r, now := master(t, base())
		r.step(now, SetConfig{Config{Interval: interval}})
		for range 3 {
			now, _ = r.m.Deadline()
			r.step(now, Timer{}, "send 0")
		}
	}
}
