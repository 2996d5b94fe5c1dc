package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

//vrrp:row 48
func TestMasterAdvertisesInEverySlot(t *testing.T) {
	r, now := master(t, base())
	for range 3 {
		r.step(now.Add(time.Second-1), Timer{})
		now = now.Add(time.Second)
		r.step(now, Timer{}, "send 100")
		r.due(now.Add(time.Second))
	}
}

// A peer freezes the bytes of its adverts when it starts the timer.
//
//vrrp:row 48
func TestNextAdvertHasTheNewPriority(t *testing.T) {
	r, now := master(t, base())
	r.step(now, SetPriority{120})
	r.step(now.Add(time.Second), Timer{}, "send 120")
}

//vrrp:row 32
func TestLateAdvertsDoNotDriftOrBurst(t *testing.T) {
	r, begun := master(t, base())
	slot := func(n int) Instant { return begun.Add(time.Duration(n) * time.Second) }
	for n := 1; n <= 50; n++ { // each 300 ms late
		r.step(slot(n).Add(300*time.Millisecond), Timer{}, "send 100")
		r.due(slot(n + 1))
	}
	now := slot(60).Add(time.Millisecond) // nine slots passed unserved
	r.step(now, Timer{}, "send 100")
	r.step(now, Timer{})
	r.due(slot(61))
	r.step(slot(70), Timer{}, "send 100") // to the nanosecond a slot: it is served, not skipped
	r.due(slot(71))
}

//vrrp:row 32
func TestMasterKeepsItsOwnInterval(t *testing.T) {
	r := backup(t, base())
	r.step(t0, Heard{every(2*time.Second, advert(above, 150))}, "note interval_differs 10.0.0.10")
	now, _ := r.m.Deadline()
	r.step(now, Timer{}, "BACKUP -> MASTER (master_down)", "send 100", "take VIPs", "announce")
	r.due(now.Add(time.Second))
}

//vrrp:row 49
func TestMasterAnswersARelease(t *testing.T) {
	r, now := master(t, base())
	now = now.Add(400 * time.Millisecond)
	r.step(now, Heard{advert(above, 0)}, "send 100")
	r.due(now.Add(time.Second))
}

// Addresses compare as numbers in network order: 10.0.0.10 is above 10.0.0.9.
//
//vrrp:row 50 51
func TestMasterYieldsOnlyToTheBetter(t *testing.T) {
	a := netip.MustParseAddr
	for _, c := range []struct {
		name     string
		src      netip.Addr
		priority uint8
		yields   bool
	}{
		{"higher priority, lower address", below, 101, true},
		{"owner", below, 255, true},
		{"tie, higher address", above, 100, true},
		{"tie, higher in the first octet", a("200.0.0.1"), 100, true}, // unsigned
		{"tie, lower address", below, 100, false},
		{"tie, lower in the first octet", a("9.255.255.255"), 100, false},
		{"lower priority, higher address", above, 99, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, now := master(t, base())
			now = now.Add(400 * time.Millisecond)
			out, err := r.referee.step(now, Heard{advert(c.src, c.priority)})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.m.State() == Backup; got != c.yields {
				t.Errorf("yields: %v, want %v (%q)", got, c.yields, show(out))
			}
		})
	}
}

//vrrp:row 50
func TestYieldingFollowsTheNewMaster(t *testing.T) {
	r, now := master(t, base())
	r.step(now, Heard{every(2*time.Second, advert(above, 150))},
		"MASTER -> BACKUP (better_master)", "release VIPs", "note interval_differs 10.0.0.10")
	r.due(now.Add(7218750 * time.Microsecond))
	if a, at, ok := r.m.Accepted(); !ok || at != now || a.Src != above {
		t.Errorf("accepted %v at %d (%v)", a.Src, at, ok)
	}
	if got := r.m.Reason().String(); got != "better advert from 10.0.0.10 (priority 150)" {
		t.Errorf("reason %q", got)
	}
}

//vrrp:row 50 20
func TestYieldingCapsTheInterval(t *testing.T) {
	r, now := master(t, base())
	r.step(now, Heard{every(40950*time.Millisecond, advert(above, 150))},
		"MASTER -> BACKUP (better_master)", "release VIPs", "note interval_capped 10.0.0.10")
	r.due(now.Add(3609375 * time.Microsecond))
}

//vrrp:row 51
func TestLosingAdvertIsAnsweredAtOnce(t *testing.T) {
	r, begun := master(t, base())
	now := begun.Add(100 * time.Millisecond)
	lower := advert(above, 50)
	r.step(now, Heard{lower}, "send 100", "announce lower", "note second_master 10.0.0.10")
	r.due(begun.Add(time.Second)) // the schedule stays
	r.step(now, Heard{lower})
	r.step(now.Add(500*time.Millisecond-1), Heard{lower})
	r.step(now.Add(500*time.Millisecond), Heard{lower}, "send 100", "announce lower")
}

// Two masters that answer each other's answers must not storm, nor may anyone
// make us send at the rate at which he does.
//
//vrrp:row 51
func TestLosingStormIsAnsweredTwiceAnInterval(t *testing.T) {
	r, now := master(t, base())
	sent := 0
	for range 10000 { // 10 s at 1000/s
		now = now.Add(time.Millisecond)
		out, err := r.referee.step(now, Heard{advert(below, 100)})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out {
			if _, ok := e.(SendAdvert); ok {
				sent++
			}
		}
	}
	if sent != 20 {
		t.Errorf("%d answers in 10 intervals, want 20", sent)
	}
}

// lower_prio_no_advert, and VRRPv2 to the letter: no advert. The neighbours, whom
// the other may have told of itself, and the operator are told all the same.
//
//vrrp:row 51
func TestLosingAdvertMayBeLeftUnanswered(t *testing.T) {
	r, now := master(t, with(func(c *Config) { c.ReplyToLower = false }))
	r.step(now, Heard{advert(above, 50)}, "announce lower", "note second_master 10.0.0.10")
	r.step(now, Heard{advert(above, 50)})
}

// A new reign answers at once, however short the last one was.
//
//vrrp:row 51
func TestAnswerIsNotHeldOverFromTheLastReign(t *testing.T) {
	r, now := master(t, base())
	r.step(now, Heard{advert(above, 50)}, "send 100", "announce lower", "note second_master 10.0.0.10")
	r.step(now, Shutdown{}, "MASTER -> INIT (shutdown)", "send 0", "release VIPs")
	r.step(now, SetPriority{255})
	r.step(now, Startup{}, "INIT -> MASTER (owner)", "send 255", "take VIPs", "announce")
	r.step(now, Heard{advert(above, 50)}, "send 255", "announce lower", "note second_master 10.0.0.10")
}

// An owner that hears an advert is being hijacked: told, never discarded in
// silence.
//
//vrrp:row 23 54
func TestOwnerTellsOfEveryOtherMaster(t *testing.T) {
	r := newRig(t, with(func(c *Config) { c.Priority = 255 }))
	r.step(t0, Startup{}, "INIT -> MASTER (owner)", "send 255", "take VIPs", "announce")
	r.step(t0, Heard{advert(above, 100)}, "send 255", "announce lower", "note second_master 10.0.0.10")
	r.step(t0, Heard{advert(below, 255)}, "note second_master 10.0.0.1", "note foreign_owner 10.0.0.1")
	r.step(t0, Heard{advert(above, 255)}, "MASTER -> BACKUP (better_master)", "release VIPs", "note foreign_owner 10.0.0.10")
}

// higher_prio_send_advert: one more advert with our priority, after which we
// are silent.
//
//vrrp:row 50
func TestYieldingMayBeSaid(t *testing.T) {
	r, now := master(t, with(func(c *Config) { c.ReplyToHigher = true }))
	r.step(now, Heard{advert(above, 150)}, "MASTER -> BACKUP (better_master)", "send 100", "release VIPs")
	r.step(now, Heard{advert(below, 151)})
}
