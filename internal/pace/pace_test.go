package pace

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

func TestWhoSends(t *testing.T) {
	long := make([]byte, loader.MaxFrame+1)
	long[0] = 1
	for _, c := range []struct {
		name   string
		change func(*netio.Schedule)
		why    string // part of it; empty: the kernel sends
	}{
		{"plain", func(s *netio.Schedule) { s.Frames[0][0] = 1 }, ""},
		{"signed", func(s *netio.Schedule) { s.Seal = func([]byte) {} }, "signed"},
		{"no lease", func(s *netio.Schedule) { s.Lease = 0 }, "no lease"},
		{"no device", func(s *netio.Schedule) { s.Ifindex = 0 }, "no lease"},
		{"long", func(s *netio.Schedule) { s.Frames = append(s.Frames, long) }, "1518"},
		{"peer's MAC unknown", func(*netio.Schedule) {}, "MAC address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, f, th := openFakes(t)
			s := schedule()
			if c.why != "" && !strings.Contains(c.why, "MAC") {
				s.Frames[0][0] = 1
			}
			c.change(&s)
			p.Set("r", s)
			kernel, why := p.Clock("r")
			_, threaded := th.sets()["r"]
			if kernel != (c.why == "") || threaded == kernel || !strings.Contains(why, c.why) || (why == "") != kernel {
				t.Errorf("kernel %v, thread %v, because %q", kernel, threaded, why)
			}
			if kernel != (p.Gate("r") == loader.GateOpen) || kernel != (p.Slot("r") == 1) {
				t.Errorf("gate %v, slot %d", p.Gate("r"), p.Slot("r"))
			}
			if !kernel {
				return
			}
			got := f.slots[0].Schedule
			if got.Ifindex != 3 || got.Key != (loader.Key{Ifindex: 2, VRID: 51, Family: vrrp.IPv4}) || got.Lease != s.Lease || got.Down != s.Down || got.Next != s.Next {
				t.Errorf("%+v", got)
			}
		})
	}
}

func plain() netio.Schedule {
	s := schedule()
	s.Frames[0][0] = 1
	return s
}

// Never do two send, and after Stop nobody does.
func TestOneSendsAtATime(t *testing.T) {
	p, f, th := openFakes(t)
	p.Set("r", plain())
	signed := plain()
	signed.Seal = func([]byte) {}
	p.Set("r", signed)
	if len(th.sets()) != 1 || f.Gate(0) != loader.GateShut {
		t.Error("the thread is to send, and it alone")
	}
	p.Set("r", plain())
	if len(th.sets()) != 0 || f.Gate(0) != loader.GateOpen {
		t.Error("the clock is to send, and it alone")
	}
	f.turn(0, loader.GateFrozen)
	if p.Gate("r") != loader.GateFrozen {
		t.Errorf("gate %v", p.Gate("r"))
	}
	p.Set("r", plain())
	if p.Gate("r") != loader.GateOpen {
		t.Error("Set does not open again what the kernel has shut")
	}
	p.Stop("r")
	if len(th.sets()) != 0 || p.Gate("r") != loader.GateShut {
		t.Error("after Stop somebody sends")
	}
	if !p.Arm("r", plain()) || p.Gate("r") != loader.GateArmed || len(th.sets()) != 0 {
		t.Error("it cannot be armed")
	}
	if p.Arm("r", signed) || p.Gate("r") != loader.GateShut || len(th.sets()) != 0 {
		t.Error("what the thread sends cannot be armed")
	}
	f.setFails = errors.New("no room")
	p.Set("r", plain())
	if _, why := p.Clock("r"); len(th.sets()) != 1 || !strings.Contains(why, "no room") {
		t.Errorf("what the clock refuses the thread does not send: %q", why)
	}
}

func TestMoreSchedulesThanSlots(t *testing.T) {
	p, _, th := openFakes(t)
	for _, name := range []string{"a", "b", "c", "another", "d"} {
		p.Set(name, plain())
	}
	if kernel, why := p.Clock("d"); kernel || why != loader.ErrNoSlot.Error() || len(th.sets()) != 1 {
		t.Errorf("%v, %q", kernel, why)
	}
}

func TestCountsAreOfBoth(t *testing.T) {
	p, f, _ := openFakes(t)
	p.Set("r", plain())
	f.slots[0].count = loader.SlotCounts{Sent: 10, Failed: 2, Missed: 3, Late: 4, MaxLate: time.Second}
	want := netio.PaceCounts{Sent: 11, Failed: 2, Missed: 3, Late: 4, MaxLate: time.Second}
	if got := p.Counts("r"); got != want || p.Sent("r") != 11 {
		t.Errorf("%+v", got)
	}
	for range 2 {
		if got := p.Status().PaceCounts; got != want {
			t.Errorf("the sum is %+v", got)
		}
		p.Forget("r")
	}
	if got := p.Counts("r"); got.Failed != 0 || p.Slot("r") != 0 {
		t.Errorf("after Forget %+v", got)
	}
}

func TestLimitOfTheClock(t *testing.T) {
	p, f, _ := openFakes(t)
	s := plain()
	s.Limit = 20 * time.Millisecond
	p.Set("r", s)
	if got := f.slots[0].Down; got != s.Limit {
		t.Errorf("the kernel's limit is %v", got)
	}
	f.slots[0].last = clock.Now()
	if _, overdue := p.Overdue("r"); overdue {
		t.Error("overdue at once")
	}
	f.slots[0].last = clock.Now().Add(-s.Limit)
	if silence, overdue := p.Overdue("r"); !overdue || silence < s.Limit {
		t.Errorf("not overdue after %v", silence)
	}
	p.Stop("r")
	if _, overdue := p.Overdue("r"); overdue {
		t.Error("overdue after Stop")
	}
}

// A schedule is known by its first slot, which may be long ago when it changes hands.
func TestFirstSlotLongAgoIsNoPause(t *testing.T) {
	p, f, th := openFakes(t)
	s := plain()
	s.Next = clock.Now().Add(-time.Hour)
	p.Set("VI_1", s)
	last := clock.Now()
	f.mu.Lock()
	f.slots[0].last = last
	f.mu.Unlock()
	s.Lease = 0
	p.Set("VI_1", s)
	if next := th.sets()["VI_1"].Next; next != last.Add(s.Interval) {
		t.Errorf("the thread begins %v after the last advert", next.Sub(last))
	}
	s.Lease = time.Second
	next := clock.Now().Add(7 * time.Millisecond)
	th.mu.Lock()
	given := th.set["VI_1"]
	given.Next = next
	th.set["VI_1"] = given
	th.mu.Unlock()
	p.Set("VI_1", s)
	f.mu.Lock()
	defer f.mu.Unlock()
	if got := f.slots[0].Next; got != next {
		t.Errorf("the clock begins %v after the thread's next", got.Sub(next))
	}
}

func TestRenew(t *testing.T) {
	p, f, _ := openFakes(t)
	p.mu.Lock() // it waits for nobody
	p.Renew(42)
	p.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.renewed != 42 {
		t.Error(f.renewed)
	}
}

func TestNoClock(t *testing.T) {
	th := &fakeThread{set: map[string]netio.Schedule{}}
	p := open(nil, "--xdp=off", th, slog.New(slog.NewTextHandler(io.Discard, nil)))
	defer p.Close()
	p.Set("r", plain())
	p.Renew(1)
	if kernel, why := p.Clock("r"); kernel || why != "--xdp=off" || len(th.sets()) != 1 {
		t.Errorf("%v, %q", kernel, why)
	}
	if p.Arm("r", plain()) || len(th.sets()) != 0 {
		t.Error("armed without a clock")
	}
}

func TestWordIsThatOfTheGate(t *testing.T) {
	p, _, _ := openFakes(t)
	if w := p.Word("VI_1"); w != 0 || p.Slot("VI_1") != 0 {
		t.Errorf("before a schedule the word is %#x, the slot %d", w, p.Slot("VI_1"))
	}
	s := schedule()
	s.Frames[0][0] = 1 // it has a destination
	if !p.Arm("VI_1", s) || p.Word("VI_1").Gate() != loader.GateArmed || p.Slot("VI_1") == 0 {
		_, why := p.Clock("VI_1")
		t.Errorf("armed, the word is %#x, the slot %d: %s", p.Word("VI_1"), p.Slot("VI_1"), why)
	}
	signed := schedule()
	signed.Seal = func([]byte) {}
	if p.Arm("VI_1", signed) || p.Word("VI_1") != 0 {
		t.Errorf("with what the thread would send the word is %#x", p.Word("VI_1"))
	}
}
