package vrrp

import (
	"slices"
	"testing"
	"time"
)

//vrrp:row 36
func TestStartupWaitsForAMaster(t *testing.T) {
	r := backup(t, base())
	r.due(t0.Add(3609375 * time.Microsecond))
	if got := r.m.LearnedInterval(); got != time.Second {
		t.Errorf("learned interval at the start is %v, want our own", got)
	}
	r.step(t0.Add(time.Second), Startup{}) // once is enough
	r.due(t0.Add(3609375 * time.Microsecond))
}

//vrrp:row 6 35
func TestOwnerIsMasterAtOnce(t *testing.T) {
	r := newRig(t, with(func(c *Config) { c.Priority = 255 }))
	r.step(t0, Startup{}, "INIT -> MASTER (owner)", "send 255", "take VIPs", "announce")
	r.due(t0.Add(time.Second))
}

// 254 backs up, however high: only 255 owns.
//
//vrrp:row 6 36
func TestHighestBackupIsNoOwner(t *testing.T) {
	r := backup(t, with(func(c *Config) { c.Priority = 254 }))
	r.due(t0.Add(3007812500 * time.Nanosecond))
}

//vrrp:row 41
func TestShutdownOfABackupIsSilent(t *testing.T) {
	r := backup(t, base())
	r.step(t0.Add(time.Second), Shutdown{}, "BACKUP -> INIT (shutdown)")
	if _, ok := r.m.Deadline(); ok {
		t.Error("the timer still runs")
	}
	r.step(t0.Add(time.Hour), Timer{})
	r.step(t0.Add(time.Hour), Shutdown{})
}

//vrrp:row 6 47
func TestShutdownOfAMasterReleases(t *testing.T) {
	r, now := master(t, base())
	r.step(now, Shutdown{}, "MASTER -> INIT (shutdown)", "send 0", "release VIPs")
	if _, ok := r.m.Deadline(); ok {
		t.Error("the timer still runs")
	}
	r.step(now.Add(time.Hour), Timer{})
}

// Who is removed from a running host says nothing, and may come back.
func TestWithdrawalIsSilent(t *testing.T) {
	r, now := master(t, base())
	r.step(now, Withdraw{"removed"}, "MASTER -> INIT (withdrawn)", "release VIPs")
	if got := r.m.Reason().String(); got != "removed" {
		t.Errorf("because: %s", got)
	}
	r.step(now.Add(time.Second), Fault{"link down", true})
	r.step(now.Add(time.Second), Fault{"link down", false})
	r.step(now.Add(time.Hour), Timer{})
	r.step(now.Add(time.Hour), Withdraw{"again"})
	r.step(now.Add(time.Hour), Startup{}, "INIT -> BACKUP (startup)")
	r.step(now.Add(time.Hour), Withdraw{"removed"}, "BACKUP -> INIT (withdrawn)")
}

// Who begins anew goes on as MASTER, without an election, unless a fault holds.
func TestResumptionIsNoElection(t *testing.T) {
	r := newRig(t, base())
	r.step(t0, Startup{Resume: true}, "INIT -> MASTER (resumed)", "send 100", "take VIPs", "announce")
	r.step(t0.Add(time.Second), Timer{}, "send 100")
	r.step(t0.Add(time.Second), Startup{Resume: true})
	r = newRig(t, base())
	r.step(t0, Fault{"link down", true})
	r.step(t0, Startup{Resume: true}, "INIT -> FAULT (fault)")
}

// A peer panics on a packet in INIT.
//
//vrrp:row 52
func TestInitAndFaultIgnoreEverythingHeard(t *testing.T) {
	fresh := newRig(t, base())
	stopped := backup(t, base())
	stopped.step(t0, Shutdown{}, "BACKUP -> INIT (shutdown)")
	faulted := backup(t, base())
	faulted.step(t0, Fault{"link down", true}, "BACKUP -> FAULT (fault)")
	for _, r := range []*rig{fresh, stopped, faulted} {
		for _, priority := range []uint8{0, 1, 100, 255} {
			r.step(t0, Heard{advert(above, priority)})
		}
		r.step(t0.Add(time.Hour), Timer{})
		if _, ok := r.m.Deadline(); ok {
			t.Errorf("%v has a deadline", r.m.State())
		}
	}
}

//vrrp:row 53
func TestFaultReleasesAndItsEndStartsAgain(t *testing.T) {
	r, now := master(t, base())
	r.step(now, Fault{"link down", true}, "MASTER -> FAULT (fault)", "send 0", "release VIPs")
	r.step(now, Timer{})
	now = now.Add(time.Minute)
	r.step(now, Fault{"link down", false}, "FAULT -> BACKUP (fault_cleared)")
	r.due(now.Add(3609375 * time.Microsecond)) // a whole master-down interval, as at startup
}

//vrrp:row 53 35
func TestOwnerIsMasterAgainAfterAFault(t *testing.T) {
	r := newRig(t, with(func(c *Config) { c.Priority = 255 }))
	r.step(t0, Fault{"link down", true})
	r.step(t0, Startup{}, "INIT -> FAULT (fault)")
	r.step(t0, Fault{"link down", false}, "FAULT -> MASTER (owner)", "send 255", "take VIPs", "announce")
}

//vrrp:row 53
func TestEveryCauseOfAFaultMustGo(t *testing.T) {
	r := backup(t, base())
	r.step(t0, Fault{"link down", true}, "BACKUP -> FAULT (fault)")
	r.step(t0, Fault{"no address", true})
	r.step(t0, Fault{"link down", true}) // told twice, set once
	if got := r.m.Faults(); !slices.Equal(got, []string{"link down", "no address"}) {
		t.Errorf("faults %q", got)
	}
	r.step(t0, Fault{"link down", false})
	r.step(t0, Fault{"unheard of", false})
	r.step(t0, Fault{"no address", false}, "FAULT -> BACKUP (fault_cleared)")
	if got := r.m.Faults(); len(got) != 0 {
		t.Errorf("faults %q", got)
	}
}

// A fault outlives a shutdown: a stopped router does not start by itself, and
// a started one heeds the link that went down while it was stopped.
//
//vrrp:row 53
func TestFaultWhileStoppedHoldsAtStartup(t *testing.T) {
	r := newRig(t, base())
	r.step(t0, Fault{"link down", true})
	r.step(t0, Fault{"link down", false})
	r.step(t0, Fault{"link down", true})
	r.step(t0, Startup{}, "INIT -> FAULT (fault)")
	if got := r.m.Reason().String(); got != "link down" {
		t.Errorf("reason %q", got)
	}
	r.step(t0, Shutdown{}, "FAULT -> INIT (shutdown)")
	r.step(t0, Fault{"link down", false})
	r.step(t0, Startup{}, "INIT -> BACKUP (startup)")
}

func TestFaultReasonIsACauseThatHolds(t *testing.T) {
	m := New(Config{Version: 3, Family: IPv4, VRID: 51, Priority: 100, Interval: time.Second, DownAdverts: 3})
	m.Step(1, Startup{}, nil)
	m.Step(2, Fault{Cause: "link eth0 is down", Active: true}, nil)
	m.Step(3, Fault{Cause: "no address", Active: true}, nil)
	m.Step(4, Fault{Cause: "link eth0 is down"}, nil)
	if got := m.Reason().String(); got != "no address" {
		t.Errorf("reason %q after the first cause was cleared", got)
	}
}
