package loader

import (
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A clock whose seeds are not held back, or do not pass the queue, is none.
func TestClockWithoutItsQueueIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		queue netlink.Qdisc
		want  string
	}{
		"held back by nothing": {&netlink.GenericQdisc{QdiscType: "pfifo"}, "not held back"},
		"for too short a time": {&netlink.Tbf{Rate: 1e9, Buffer: 1 << 20, Limit: 1 << 20}, "not held back"}, // it knows no size table
		"never passed on":      {&netlink.Tbf{Rate: 1e9, Buffer: 1 << 20, Limit: 1}, "do not come round"},
	} {
		t.Run(name, func(t *testing.T) {
			on := openClock(t, ClockOptions{})
			for i, index := range on.Clock.pair.index {
				root := netlink.QdiscAttrs{LinkIndex: int(index), Parent: netlink.HANDLE_ROOT, Handle: netlink.MakeHandle(2, 0)}
				switch q := c.queue.(type) {
				case *netlink.GenericQdisc:
					q.QdiscAttrs = root
				case *netlink.Tbf:
					q.QdiscAttrs = root
				}
				if i == 1 && name == "for too short a time" {
					continue // one is enough
				}
				if err := on.rtnl.QdiscReplace(c.queue); err != nil {
					t.Fatal(err)
				}
			}
			if err := on.start(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("started: %v, want %q", err, c.want)
			}
			if err := on.Rebuild(); err != nil {
				t.Errorf("made anew: %v", err)
			}
		})
	}
}

// A gate that is opened while a lap has passed its slot is not forgotten until the
// next: that may be long after.
func TestClockThatIsAskedInTheMiddleOfALap(t *testing.T) {
	c := openClock(t, ClockOptions{})
	c.renew()
	s := c.schedule(51, vrrp.IPv4, 200*time.Millisecond)
	n, err := c.Add() // the first that a lap visits
	if err != nil {
		t.Fatal(err)
	}
	sooner := c.schedule(52, vrrp.IPv4, 200*time.Millisecond)
	m := c.add(sooner)
	for range 4000 { // so that a lap lasts
		if _, err := c.Add(); err != nil {
			t.Fatal(err)
		}
	}
	for try := range 30 {
		sooner.Next = clock.Now().Add(80 * time.Millisecond)
		s.Next = sooner.Next.Add(20 * time.Millisecond)
		if _, err := c.Set(m, sooner, GateOpen); err != nil { // the seed is to be back by then
			t.Fatal(err)
		}
		if _, err := c.Set(n, s, GateShut); err != nil {
			t.Fatal(err)
		}
		c.Shut(m) // and the next lap finds nothing to do
		time.Sleep(2 * time.Millisecond)
		if clock.Now() > sooner.Next.Add(-20*time.Millisecond) {
			continue // that was longer: on a busy machine
		}
		if back := vrrp.Instant(c.loops[0].BackNs); back > s.Next {
			t.Fatalf("try %d: it is back %v after its time", try, back.Sub(s.Next))
		}
		laps, done := c.Laps()[0], make(chan error)
		go func() { done <- c.seed(0) }()
		for end := clock.Now().Add(time.Second); c.Laps()[0] == laps && clock.Now() < end; {
		}
		if _, err := c.Set(n, s, GateOpen); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
		if back := vrrp.Instant(atomic.LoadUint64(&c.loops[0].BackNs)); back > s.Next.Add(time.Millisecond) && clock.Now() < s.Next {
			t.Fatalf("try %d: an advert is due %v before the seed is back", try, back.Sub(s.Next))
		}
		c.Shut(n)
	}
}

// Frames that are in store already are not stored again, others are.
func TestClockStoresWhatHasChanged(t *testing.T) {
	c := openClock(t, ClockOptions{})
	s := c.schedule(51, vrrp.IPv4, 10*time.Millisecond)
	s.Frames = append(s.Frames, slices.Clone(s.Frames[0]))
	n := c.add(s)
	stored := func(i uint32) (v vrrpxAdvertFrame) {
		if err := c.adverts.Lookup(&vrrpxAdvertKey{Slot: uint32(n), N: i}, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	set := func() {
		t.Helper()
		if _, err := c.Set(n, s, GateShut); err != nil {
			t.Fatal(err)
		}
	}
	mark := stored(1)
	mark.Bytes[0] = 0xaa
	if err := c.adverts.Put(&vrrpxAdvertKey{Slot: uint32(n), N: 1}, &mark); err != nil {
		t.Fatal(err)
	}
	set()
	if stored(1).Bytes[0] != 0xaa {
		t.Error("what has not changed is stored again")
	}
	s.Frames[1][0] = 0xbb // the caller's own
	set()
	if stored(1).Bytes[0] != 0xbb {
		t.Error("what has changed is not stored")
	}
	s.Frames = s.Frames[:1]
	set()
	if got := c.slots[n].Frames; got != 1 {
		t.Errorf("%d frames", got)
	}
	c.Free(n)
	s.Frames = s.Frames[:1]
	if n = c.add(s); stored(0).Length == 0 {
		t.Error("nothing is stored after Free")
	}
}

// Opening the gate of a slot that is ready: what it adds to a takeover.
func BenchmarkClockOpens(b *testing.B) {
	c := openClock(b, ClockOptions{})
	c.renew()
	s := c.schedule(51, vrrp.IPv4, 100*time.Millisecond)
	n := c.add(s)
	for b.Loop() {
		b.StopTimer()
		c.Shut(n)
		if !b.Failed() && os.Getenv("VRRPX_ASLEEP") != "" {
			time.Sleep(150 * time.Millisecond) // its loop sleeps for long
		}
		s.Next = clock.Now().Add(s.Interval)
		b.StartTimer()
		if _, err := c.Set(n, s, GateOpen); err != nil {
			b.Fatal(err)
		}
	}
}
