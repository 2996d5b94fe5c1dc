package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

//vrrp:row 42
func TestSilenceMakesAMaster(t *testing.T) {
	r := backup(t, base())
	now, _ := r.m.Deadline()
	r.step(now-1, Timer{}) // a nanosecond too early
	r.step(now, Timer{}, "BACKUP -> MASTER (no_master)", "send 100", "take VIPs", "announce")
	r.due(now.Add(time.Second))
}

//vrrp:row 30
func TestBackupLearnsTheMastersInterval(t *testing.T) {
	r := backup(t, base())
	now := t0.Add(time.Second)
	r.step(now, Heard{every(2*time.Second, advert(above, 150))}, "note interval_differs 10.0.0.10")
	if got := r.m.LearnedInterval(); got != 2*time.Second {
		t.Errorf("learned %v", got)
	}
	r.due(now.Add(7218750 * time.Microsecond)) // 3 x 2 s and a skew of 2 s
	now = now.Add(time.Second)
	r.step(now, Heard{every(10*time.Millisecond, advert(above, 150))}, "note interval_differs 10.0.0.10")
	r.due(now.Add(36093750 * time.Nanosecond))
}

// A new election forgets what the last one learned.
//
//vrrp:row 30
func TestRestartForgetsTheLearnedInterval(t *testing.T) {
	r := backup(t, base())
	r.step(t0, Heard{every(2*time.Second, advert(above, 150))}, "note interval_differs 10.0.0.10")
	r.step(t0, Fault{"link down", true}, "BACKUP -> FAULT (fault)")
	r.step(t0, Fault{"link down", false}, "FAULT -> BACKUP (fault_cleared)")
	r.due(t0.Add(3609375 * time.Microsecond))
}

// One spoofed advert must not buy its sender 123 s of silence.
//
//vrrp:row 20 30
func TestTooLongAnIntervalIsNotLearned(t *testing.T) {
	r := backup(t, base())
	r.step(t0, Heard{every(10*time.Second, advert(above, 150))}, "note interval_differs 10.0.0.10")
	r.due(t0.Add(36093750 * time.Microsecond)) // ten times ours is still learned
	r.step(t0, Heard{every(10010*time.Millisecond, advert(above, 150))}, "note interval_capped 10.0.0.10")
	r.due(t0.Add(3609375 * time.Microsecond))

	unbound := backup(t, with(func(c *Config) { c.MaxLearn = 0 }))
	unbound.step(t0, Heard{every(40950*time.Millisecond, advert(above, 150))}, "note interval_differs 10.0.0.10")
	unbound.due(t0.Add(147803906250 * time.Nanosecond))
}

// A v3 advert with another interval is taken, not dropped, and told once.
//
//vrrp:row 20
func TestAnotherIntervalIsNotedOnce(t *testing.T) {
	r := backup(t, base())
	a := every(2*time.Second, advert(above, 150))
	r.step(t0, Heard{a}, "note interval_differs 10.0.0.10")
	r.step(t0.Add(2*time.Second), Heard{a})
	r.step(t0.Add(4*time.Second), Heard{advert(above, 150)})
	r.step(t0.Add(5*time.Second), Heard{a}, "note interval_differs 10.0.0.10")
}

// VRRPv2 has one interval in its configuration and none to learn.
//
//vrrp:row 66
func TestV2LearnsNoInterval(t *testing.T) {
	r := backup(t, with(func(c *Config) { c.Version, c.Interval = 2, time.Second }))
	r.step(t0.Add(time.Second), Heard{every(10*time.Second, advert(above, 150))}, "note interval_differs 10.0.0.10")
	r.due(t0.Add(4609375 * time.Microsecond))
}

// Dropping on another address list makes two masters.
//
//vrrp:row 21
func TestOtherAddressesAreNotedAndTaken(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		r := backup(t, with(func(c *Config) { c.Version = version }))
		a := advert(above, 150)
		a.Addrs = nil
		r.step(t0.Add(time.Second), Heard{a}, "note addresses_differ 10.0.0.10")
		r.due(t0.Add(4609375 * time.Microsecond))
	}
}

// skip_check_adv_addr: a master is checked once, at its first advert.
//
//vrrp:row 21
func TestAddressesMayBeCheckedOncePerMaster(t *testing.T) {
	r := backup(t, with(func(c *Config) { c.CheckAddrsOnce = true }))
	good, bad := advert(above, 150), advert(above, 150)
	bad.Addrs = nil
	r.step(t0, Heard{good})
	r.step(t0, Heard{bad}) // the same master: not checked, and taken
	r.due(t0.Add(3609375 * time.Microsecond))
	bad.Src = below
	r.step(t0, Heard{bad}, "note addresses_differ 10.0.0.1")
	bad.Src = above
	r.step(t0, Heard{bad}, "note addresses_differ 10.0.0.10")

	r, now := master(t, with(func(c *Config) { c.CheckAddrsOnce = true }))
	lower, other := advert(above, 50), advert(above, 50)
	other.Addrs = nil
	r.step(now, Heard{lower}, "send 100", "announce lower", "note second_master 10.0.0.10")
	r.step(now, Heard{other}, "note second_master 10.0.0.10")
	bad.Src = below
	r.step(now, Heard{bad}, "MASTER -> BACKUP (better_master)", "release VIPs", "note addresses_differ 10.0.0.1")
}

// Whatever changes in an advert makes it news, and only that.
//
//vrrp:row 20 21 55
func TestNoteComesAgainWhenTheAdvertChanges(t *testing.T) {
	var news string
	for name, change := range map[string]func(*Advert){
		"sender":    func(a *Advert) { a.Src, news = below, "note addresses_differ 10.0.0.1" },
		"MAC":       func(a *Advert) { a.MAC[5]++ },
		"priority":  func(a *Advert) { a.Priority++ },
		"addresses": func(a *Advert) { a.Addrs = []netip.Addr{below} },
	} {
		t.Run(name, func(t *testing.T) {
			r := backup(t, base())
			a := advert(above, 150)
			a.Addrs, news = nil, "note addresses_differ 10.0.0.10"
			r.step(t0, Heard{a}, news)
			r.step(t0, Heard{a})
			change(&a)
			r.step(t0, Heard{a}, news)
			r.step(t0, Heard{a})
		})
	}
}

//vrrp:row 55
func TestEqualPriorityIsNoted(t *testing.T) {
	r := backup(t, base())
	r.step(t0, Heard{advert(below, 100)}, "note equal_priority 10.0.0.1")
	r.step(t0, Heard{advert(below, 100)})
}

//vrrp:row 31
func TestReleaseLeavesTheSkew(t *testing.T) {
	r := backup(t, base())
	now := t0.Add(time.Second)
	r.step(now, Heard{advert(above, 0)})
	r.due(now.Add(609375 * time.Microsecond)) // neither 0 nor the master-down interval
	r.step(now.Add(609375*time.Microsecond), Timer{},
		"BACKUP -> MASTER (released)", "send 100", "take VIPs", "announce")
}

// The skew after a release is of the interval learned.
//
//vrrp:row 31 30
func TestReleaseSkewUsesTheLearnedInterval(t *testing.T) {
	r := backup(t, base())
	r.step(t0, Heard{every(100*time.Millisecond, advert(above, 150))}, "note interval_differs 10.0.0.10")
	r.step(t0, Heard{advert(above, 0)})
	r.due(t0.Add(60937500 * time.Nanosecond))
}

// Were each release to start the skew again, a stream of them would keep
// everyone from taking over.
//
//vrrp:row 31
func TestReleaseStormDoesNotPostpone(t *testing.T) {
	r := backup(t, base())
	for i := range 100 {
		r.step(t0.Add(time.Duration(i)*time.Millisecond), Heard{advert(above, 0)})
		r.due(t0.Add(609375 * time.Microsecond))
	}
}

//vrrp:row 43
func TestReleaseIsOffWhenAMasterSpeaks(t *testing.T) {
	r := backup(t, base())
	r.step(t0, Heard{advert(above, 0)})
	r.step(t0, Heard{advert(below, 150)})
	r.due(t0.Add(3609375 * time.Microsecond))
	r.step(t0.Add(time.Second), Heard{advert(below, 0)})
	r.due(t0.Add(1609375 * time.Microsecond))
}

// RFC 9568 section 6.4.2, the three cases after priority 0.
//
//vrrp:row 43 54
func TestBackupHeedsOrDiscards(t *testing.T) {
	const restarts, runs = true, false
	for _, c := range []struct {
		name     string
		ours     uint8
		preempt  bool
		theirs   uint8
		restarts bool
	}{
		{"higher", 100, true, 101, restarts},
		{"equal", 100, true, 100, restarts},
		{"lower", 100, true, 99, runs},
		{"lowest", 100, true, 1, runs},
		{"lower, no preemption", 100, false, 99, restarts},
		{"higher, no preemption", 100, false, 101, restarts},
		{"an owner preempts whatever its mode", 255, false, 254, runs},
		{"two owners", 255, false, 255, restarts},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(with(func(k *Config) { k.Preempt = c.preempt }))
			m.Step(t0, SetPriority{c.ours}, nil)
			m.Step(t0, Startup{}, nil)
			m.Step(t0, Heard{advert(above, 255)}, nil) // an owner is no BACKUP from the start
			was, _ := m.Deadline()
			now := t0.Add(time.Second)
			m.Step(now, Heard{advert(above, c.theirs)}, nil)
			got, _ := m.Deadline()
			want := was
			if c.restarts {
				want = was.Add(time.Second)
			}
			if got != want {
				t.Errorf("deadline moved by %v, want %v", got.Sub(was), want.Sub(was))
			}
			if _, at, ok := m.Accepted(); (ok && at == now) != c.restarts {
				t.Errorf("accepted: %v", ok)
			}
		})
	}
}

//vrrp:row 43
func TestPreemptionWaitsForTheTimer(t *testing.T) {
	r := backup(t, base())
	for i := range 3 {
		r.step(t0.Add(time.Duration(i)*time.Second), Heard{advert(above, 50)})
	}
	r.step(t0.Add(3609375*time.Microsecond), Timer{}, "BACKUP -> MASTER (preempt)", "send 100", "take VIPs", "announce")
	if got := r.m.Reason().String(); got != "preempting 10.0.0.10, whose priority 50 is lower" {
		t.Errorf("reason %q", got)
	}
}

// An advert in the very tick of the deadline: whichever is stepped first, one
// transition at most.
//
//vrrp:row 34
func TestAdvertAndTimerInOneTick(t *testing.T) {
	r := backup(t, base())
	now, _ := r.m.Deadline()
	r.step(now, Heard{advert(above, 150)})
	r.step(now, Timer{})
	r.due(now.Add(3609375 * time.Microsecond))

	r = backup(t, base())
	r.step(now, Timer{}, "BACKUP -> MASTER (no_master)", "send 100", "take VIPs", "announce")
	r.step(now, Timer{})
	r.step(now, Heard{advert(above, 150)}, "MASTER -> BACKUP (better_master)", "release VIPs")
	r.step(now, Timer{})
}

// The machine ignores what comes from its own address; the frame check counts
// it before it gets here.
//
//vrrp:row 26
func TestOwnAdvertIsIgnored(t *testing.T) {
	r := backup(t, base())
	for _, priority := range []uint8{0, 100, 255} {
		r.step(t0.Add(time.Second), Heard{advert(own, priority)})
	}
	r.due(t0.Add(3609375 * time.Microsecond))
	r, now := master(t, base())
	r.step(now, Heard{advert(own, 0)})
	r.step(now, Heard{advert(own, 255)})
}
