package vrrp

import (
	"testing"
	"time"
)

func asks(c *Config) { c.Ask = true }

// asking is a rig whose master has fallen silent, at the instant that it asks.
func asking(t *testing.T) (*rig, Instant) {
	t.Helper()
	r := backup(t, with(asks))
	r.step(t0, Heard{advert(above, 200)})
	now, _ := r.m.Deadline()
	r.step(now, Timer{}, "ask (master_down)")
	return r, now
}

func TestTakeoverWaitsForLeave(t *testing.T) {
	r, now := asking(t)
	r.step(now.Add(time.Second), Timer{})
	r.step(now.Add(2*time.Second), Permit{true}, "BACKUP -> MASTER (master_down)", "send 100", "take VIPs", "announce")
	if why := r.m.Reason(); why.Src != above || why.Silence != now.Sub(t0) {
		t.Errorf("reason %+v: want the silence at which it asked", why)
	}
	r.due(now.Add(3 * time.Second))
	r.step(now.Add(3*time.Second), Permit{true}) // nothing is asked any more
}

// Who is refused waits for another master-down interval, and knows its master still.
func TestRefusedTakeoverIsAskedForAgain(t *testing.T) {
	r, now := asking(t)
	r.step(now.Add(time.Second), Permit{false})
	r.due(now.Add(time.Second + r.m.MasterDown()))
	again, _ := r.m.Deadline()
	r.step(again, Timer{}, "ask (master_down)")
	if why, _ := r.m.Asking(); why.Src != above || why.Silence != again.Sub(t0) {
		t.Errorf("asks for %+v", why)
	}
}

func TestAskingEndsWith(t *testing.T) {
	for name, in := range map[string]Input{
		"an accepted advert":  Heard{advert(above, 200)},
		"a fault":             Fault{"link down", true},
		"a shutdown":          Shutdown{},
		"no need to ask":      SetConfig{base()},
		"owning the address":  SetPriority{255},
		"leave":               Permit{true},
		"being refused leave": Permit{false},
	} {
		t.Run(name, func(t *testing.T) {
			r, now := asking(t)
			if _, err := r.referee.step(now.Add(time.Millisecond), in); err != nil {
				t.Fatal(err)
			}
			if _, asking := r.m.Asking(); asking {
				t.Error("still asks")
			}
		})
	}
}

// A release or a lower master while we ask is no reason to ask twice.
func TestAskingOutlivesWhatWouldNotEndTheWait(t *testing.T) {
	r, now := asking(t)
	r.step(now, Heard{advert(above, 0)})
	r.step(now, Heard{advert(below, 50)})
	if _, asking := r.m.Asking(); !asking {
		t.Error("asks no more")
	}
}

func TestOwnerDoesNotAsk(t *testing.T) {
	r := newRig(t, with(func(c *Config) { c.Ask, c.Priority = true, 255 }))
	r.step(t0, Startup{}, "INIT -> MASTER (owner)", "send 255", "take VIPs", "announce")
	r.step(t0, Heard{advert(above, 255)}, "MASTER -> BACKUP (better_master)", "release VIPs", "note foreign_owner 10.0.0.10")
	now, _ := r.m.Deadline()
	r.step(now, Timer{}, "BACKUP -> MASTER (master_down)", "send 255", "take VIPs", "announce")
}

// A MASTER that yields says nothing, and is BACKUP for a master-down interval.
func TestYield(t *testing.T) {
	r, now := master(t, base())
	r.step(now, Yield{"10.0.0.10 answers"}, "MASTER -> BACKUP (yielded)", "release VIPs")
	r.due(now.Add(r.m.MasterDown()))
	if got := r.m.Reason().String(); got != "yielded: 10.0.0.10 answers" {
		t.Error(got)
	}
	r.step(now, Yield{"again"})
}
