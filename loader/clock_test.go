package loader

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

func TestClockSendsWhatItWasGivenOnTime(t *testing.T) {
	const interval, last = 10 * time.Millisecond, 500 * time.Millisecond
	for _, a := range attachments {
		t.Run(a.name, func(t *testing.T) {
			c := openClock(t, a.ClockOptions)
			given := map[uint8]Schedule{}
			slots := map[uint8]int{}
			for vrid := uint8(1); vrid <= 4; vrid++ {
				s := c.schedule(vrid, vrrp.IPv4, interval)
				if vrid%2 == 0 {
					s = c.schedule(vrid, vrrp.IPv6, interval)
				}
				if vrid == 3 { // unicast: to several, and one frame as long as may be
					for n := range 3 {
						f := slices.Clone(s.Frames[0])
						s.Frames = append(s.Frames, append(f, make([]byte, []int{0, 100, MaxFrame - len(f)}[n])...))
					}
				}
				given[vrid], slots[vrid] = s, c.add(s)
			}
			time.Sleep(last)
			for _, n := range slots {
				c.Shut(n)
			}
			all := c.hear()
			for vrid, s := range given {
				got, counts := c.of(vrid, all), c.Counts(slots[vrid])
				if int(counts.Sent) != len(got) || counts.Failed != 0 {
					t.Errorf("VRID %d: %d heard, counted %+v", vrid, len(got), counts)
				}
				want := int(last/interval) * len(s.Frames)
				if len(got)+int(counts.Missed)*len(s.Frames) < want*9/10 || len(got) > want*11/10 {
					t.Errorf("VRID %d: %d frames in %v, missed %d", vrid, len(got), last, counts.Missed)
				}
				for i, h := range got {
					f := slices.Clone(s.Frames[i%len(s.Frames)])
					if s.Key.Family == vrrp.IPv4 {
						copy(f[etherLen+4:], be16(i+1)) // the identification counts
						sum4(f[etherLen : etherLen+ipv4Len])
					}
					if !bytes.Equal(h.frame, f) {
						t.Fatalf("VRID %d, frame %d:\n% x, want\n% x", vrid, i, h.frame, f)
					}
				}
			}
			if k := c.ClockCounts(); k.Racing != 0 || k.Foreign != 0 || k.Laps > 4*uint64(last/interval)*4 {
				t.Errorf("the clock itself: %+v", k)
			}
		})
	}
}

// A vmac router's adverts leave by a device of their own, those of a VLAN by its.
func TestClockSendsByOtherDevices(t *testing.T) {
	for _, kind := range []string{"macvlan", "vlan"} {
		t.Run(kind, func(t *testing.T) {
			c := openClock(t, ClockOptions{})
			attrs := netlink.NewLinkAttrs()
			attrs.Name, attrs.ParentIndex = "upper", c.ours
			var upper netlink.Link = &netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_PRIVATE}
			if kind == "vlan" {
				upper = &netlink.Vlan{LinkAttrs: attrs, VlanId: 5}
			}
			if err := netlink.LinkAdd(upper); errors.Is(err, unix.EOPNOTSUPP) {
				t.Skip("this kernel has no " + kind)
			} else if err != nil {
				t.Fatal(err)
			}
			s := c.schedule(51, vrrp.IPv4, 10*time.Millisecond)
			s.Ifindex = upper.Attrs().Index
			n := c.add(s)
			within(t, func() bool { return c.Counts(n).Failed > 0 }) // it is down
			if err := netlink.LinkSetUp(upper); err != nil {
				t.Fatal(err)
			}
			within(t, func() bool { return len(c.of(51, c.hear())) > 0 })
		})
	}
}

func TestClockStopsAtOnce(t *testing.T) {
	c := openClock(t, ClockOptions{})
	s := c.schedule(51, vrrp.IPv4, time.Millisecond)
	n, err := c.Add()
	if err != nil {
		t.Fatal(err)
	}
	farewell := slices.Clone(s.Frames[0])
	farewell[etherLen+ipv4Len+2] = 0 // priority
	const times = 200
	heard := 0
	for i := range times {
		s.Next = clock.Now().Add(100 * time.Microsecond)
		if _, err := c.Set(n, s, GateOpen); err != nil {
			t.Fatal(err)
		}
		// Every phase, and close to the moment at which an advert leaves.
		for at := s.Next.Add(time.Millisecond + time.Duration(i-times/2)*time.Microsecond); clock.Now() < at; {
		}
		c.Shut(n)
		if err := unix.Sendto(c.pair.wire, farewell, 0, &unix.SockaddrLinklayer{Ifindex: c.ours}); err != nil {
			t.Fatal(err)
		}
		stopped := c.Counts(n).Sent
		time.Sleep(2 * time.Millisecond)
		if sent := c.Counts(n).Sent; sent != stopped {
			t.Fatalf("%d adverts after Shut", sent-stopped)
		}
		got := c.of(51, c.hear())
		if len(got) == 0 || got[len(got)-1].frame[etherLen+ipv4Len+2] != 0 {
			t.Fatalf("time %d: of %d adverts the farewell is not the last", i, len(got))
		}
		heard += len(got) - 1
	}
	if heard < times {
		t.Errorf("%d adverts in %d times", heard, times)
	}
}

func TestClockKeepsSilentWithoutALease(t *testing.T) {
	c := openClock(t, ClockOptions{})
	s := c.schedule(51, vrrp.IPv4, 10*time.Millisecond)
	s.Lease = 60 * time.Millisecond
	began := boot()
	c.Renew(began)
	n := c.add(s)
	e := c.harness.wait()
	if e.Kind != Lapsed || e.Key != s.Key || e.Slot != n || e.Gate != c.Word(n) || e.Gap <= s.Lease {
		t.Errorf("%+v", e)
	}
	if g := c.Gate(n); g != GateLapsed {
		t.Errorf("gate is %v", g)
	}
	c.Renew(boot()) // it is latched
	c.hear()
	time.Sleep(50 * time.Millisecond)
	if got := c.of(51, c.hear()); len(got) != 0 {
		t.Errorf("%d adverts after the lease", len(got))
	}
	if sent := c.Counts(n).Sent; sent == 0 || sent > 6 {
		t.Errorf("%d adverts within a lease of 6 intervals", sent)
	}
	s.Next, s.Reopen = 0, true
	c.renew()
	if _, err := c.Set(n, s, GateOpen); err != nil {
		t.Fatal(err)
	}
	within(t, func() bool { return len(c.of(51, c.hear())) > 0 })
}

func TestClockKeepsSilentAfterAFreeze(t *testing.T) {
	c := openClock(t, ClockOptions{})
	s := c.schedule(51, vrrp.IPv6, 10*time.Millisecond)
	s.Down = 35 * time.Millisecond
	s.Next = clock.Now().Add(-26 * time.Millisecond) // the last was 36 ms ago
	n := c.add(s)
	e := c.harness.wait()
	if e.Kind != Frozen || e.Key != s.Key || e.Slot != n || e.Gate.Gate() != GateFrozen || e.Gap < s.Down || e.At != s.Next {
		t.Errorf("%+v", e)
	}
	if sent := c.Counts(n).Sent; sent != 0 {
		t.Errorf("%d adverts", sent)
	}
	// A shorter gap costs slots, and is followed by one advert and no burst.
	s.Down, s.Reopen = time.Second, true
	s.Next = clock.Now().Add(-205 * time.Millisecond)
	if _, err := c.Set(n, s, GateOpen); err != nil {
		t.Fatal(err)
	}
	time.Sleep(24 * time.Millisecond)
	if k := c.Counts(n); k.Missed < 20 || k.Sent < 1 || k.Sent+k.Missed > 26 || k.Late == 0 {
		t.Errorf("%+v", k)
	}
}

// What the kernel has shut only who has judged why opens again.
func TestLatchedGateIsOpenedByReopenAlone(t *testing.T) {
	c := openClock(t, ClockOptions{})
	s := c.schedule(51, vrrp.IPv4, 10*time.Millisecond)
	n := c.add(s)
	for _, why := range []Gate{GateYielded, GateLapsed, GateFrozen} {
		was, _ := c.turn(n, why, false)
		if w, err := c.Set(n, s, GateOpen); err != nil || w != was || c.Word(n) != was {
			t.Errorf("%v: Set made it %v, %v", why, w.Gate(), err)
		}
		s.Reopen = true
		if w, err := c.Set(n, s, GateOpen); err != nil || w.Gate() != GateOpen {
			t.Errorf("%v: Set with Reopen made it %v, %v", why, w.Gate(), err)
		}
		s.Reopen = false
	}
}

// No change of a schedule whose Next is as before moves its phase.
func TestClockKeepsItsPhase(t *testing.T) {
	c := openClock(t, ClockOptions{})
	s := c.schedule(51, vrrp.IPv4, 40*time.Millisecond)
	s.Next = clock.Now().Add(s.Interval)
	n := c.add(s)
	for range 20 {
		time.Sleep(3 * time.Millisecond)
		if _, err := c.Set(n, s, GateOpen); err != nil {
			t.Fatal(err)
		}
	}
	within(t, func() bool { return c.Counts(n).Sent >= 3 })
	last, ago := c.Last(n)
	older := s
	older.Next = s.Next.Add(-1000 * s.Interval) // the same phase, named by a slot of long ago
	if _, err := c.Set(n, older, GateOpen); err != nil {
		t.Fatal(err)
	}
	if l, paused := c.Last(n); l < last || paused > time.Second || c.Gate(n) != GateOpen {
		t.Errorf("its last advert is %v before the last, %v ago, the gate %v", last.Sub(l), paused, c.Gate(n))
	}
	sent := c.Counts(n).Sent
	within(t, func() bool { return c.Counts(n).Sent > sent })
	// A busy machine may be late, and miss slots.
	if off := (last.Sub(s.Next) + time.Millisecond) % s.Interval; off > 20*time.Millisecond || ago < 0 {
		t.Errorf("the third advert is %v off, %v ago", off-time.Millisecond, ago)
	}
}
