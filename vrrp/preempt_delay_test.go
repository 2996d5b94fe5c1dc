package vrrp

import (
	"testing"
	"time"
)

// delayed is a BACKUP of priority 100 that lets a lower master be for 10 s.
func delayed(t *testing.T) *rig {
	return backup(t, with(func(c *Config) { c.PreemptDelay = 10 * time.Second }))
}

const ourSkew = 609375 * time.Microsecond // priority 100 at 1 s

// The delay runs from the first advert, not from the start; while it runs the
// master is taken for one, and each advert postpones only its death.
//
//vrrp:row 43
func TestPreemptDelayLetsALowerMasterBe(t *testing.T) {
	r := delayed(t)
	first := t0.Add(2 * time.Second)
	end := first.Add(10*time.Second + ourSkew)
	for n := range 10 {
		now := first.Add(time.Duration(n) * time.Second)
		r.step(now, Heard{advert(above, 50)})
		r.due(min(now.Add(3609375*time.Microsecond), end))
	}
	r.step(end-1, Timer{})
	r.step(end, Timer{}, "BACKUP -> MASTER (preempt)", "send 100", "take VIPs", "announce")
	if got := r.m.Reason(); got.Src != above || got.Priority != 50 {
		t.Errorf("reason %v", got)
	}
}

// It is no reason to leave the network without a master.
//
//vrrp:row 42 43
func TestMasterThatDiesInThePreemptDelayIsReplaced(t *testing.T) {
	r := delayed(t)
	r.step(t0, Heard{advert(above, 50)})
	r.step(t0.Add(3609375*time.Microsecond), Timer{}, "BACKUP -> MASTER (master_down)", "send 100", "take VIPs", "announce")

	r = delayed(t)
	r.step(t0, Heard{advert(above, 50)})
	r.step(t0, Heard{advert(above, 0)})
	r.step(t0.Add(ourSkew), Timer{}, "BACKUP -> MASTER (released)", "send 100", "take VIPs", "announce")
}

// As good a master, or a better one, ends the delay; the next lower one begins
// it anew. Among lower ones it runs on.
//
//vrrp:row 43
func TestPreemptDelayBeginsAnewAfterABetterMaster(t *testing.T) {
	for _, priority := range []uint8{100, 101} {
		r := delayed(t)
		r.step(t0, Heard{advert(above, 50)})
		want, _ := r.m.PreemptAt()
		r.m.Step(t0.Add(time.Second), Heard{advert(below, 60)}, nil)
		if got, ok := r.m.PreemptAt(); !ok || got != want {
			t.Errorf("another lower master moved the end of the delay by %v (%v)", got.Sub(want), ok)
		}
		r.m.Step(t0.Add(2*time.Second), Heard{advert(below, priority)}, nil)
		if _, ok := r.m.PreemptAt(); ok {
			t.Errorf("the delay runs on under priority %d", priority)
		}
		r.step(t0.Add(3*time.Second), Heard{advert(above, 50)})
		if got, ok := r.m.PreemptAt(); !ok || got != want.Add(3*time.Second) {
			t.Errorf("the second delay ends %v after the first (%v)", got.Sub(want), ok)
		}
	}
}

// A change of our own side may end the delay, and never leaves one that belongs
// to another configuration.
//
//vrrp:row 43 54
func TestPreemptDelayFollowsTheConfiguration(t *testing.T) {
	change := func(f func(*Config)) Input {
		return SetConfig{with(func(c *Config) { c.PreemptDelay = 10 * time.Second; f(c) })}
	}
	for name, in := range map[string]Input{
		"priority below the master's": SetPriority{40},
		"priority of the master":      SetPriority{50},
		"nopreempt":                   change(func(c *Config) { c.Preempt = false }),
		"no delay":                    change(func(c *Config) { c.PreemptDelay = 0 }),
	} {
		t.Run(name, func(t *testing.T) {
			r := delayed(t)
			r.step(t0, Heard{advert(above, 50)})
			r.step(t0, in)
			r.due(t0.Add(r.m.MasterDown()))
			if _, ok := r.m.PreemptAt(); ok {
				t.Error("the delay runs on")
			}
		})
	}
	r := delayed(t)
	r.step(t0, Heard{advert(above, 50)})
	r.step(t0, change(func(c *Config) { c.PreemptDelay = time.Second }))
	r.due(t0.Add(time.Second + ourSkew)) // it has begun already
}

// A new election begins no delay of the last one's.
//
//vrrp:row 43
func TestPreemptDelayEndsWithTheElection(t *testing.T) {
	r := delayed(t)
	r.step(t0, Heard{advert(above, 50)})
	r.step(t0, Fault{"link down", true}, "BACKUP -> FAULT (fault)")
	r.step(t0, Fault{"link down", false}, "FAULT -> BACKUP (fault_cleared)")
	if _, ok := r.m.PreemptAt(); ok {
		t.Error("the delay runs on")
	}
}
