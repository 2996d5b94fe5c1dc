package loader

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

func TestClockSurvivesTheLossOfItsSeeds(t *testing.T) {
	c := openClock(t, ClockOptions{})
	n4, n6 := c.add(c.schedule(1, vrrp.IPv4, 10*time.Millisecond)), c.add(c.schedule(2, vrrp.IPv6, 10*time.Millisecond))
	both := func(what string) {
		t.Helper()
		c.flows(what, vrrp.IPv4, n4)
		c.flows(what, vrrp.IPv6, n6)
	}
	both("nothing")
	// A queue that is replaced loses its seed: the other loop sends it, without us.
	for end := range 2 {
		l, err := netlink.LinkByIndex(int(c.Clock.pair.index[end]))
		if err != nil {
			t.Fatal(err)
		}
		q := &netlink.GenericQdisc{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: tbfHandle, Parent: netlink.HANDLE_ROOT}, QdiscType: "tbf"}
		if err := netlink.QdiscDel(q); err != nil {
			t.Fatal(err)
		}
		if err := c.rtnl.addQueue(l.Attrs().Index); err != nil {
			t.Fatal(err)
		}
		both("a lost seed")
	}
	if c.ClockCounts().Again == 0 {
		t.Error("no seed was sent anew")
	}
	if c.again.Load() != 0 {
		t.Error("it took the process")
	}
	// Both are lost: that takes the watch.
	l, err := netlink.LinkByIndex(int(c.Clock.pair.index[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetDown(l); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatal(err)
	}
	look := func() (err error) {
		for end := time.Now().Add(time.Second); time.Now().Before(end) && err == nil; time.Sleep(5 * time.Millisecond) {
			_, err = c.Watch(clock.Now())
		}
		return err
	}
	if err := look(); err != nil {
		t.Fatal(err)
	}
	both("the pair was down")
	// The pair is gone.
	if err := netlink.LinkDel(l); err != nil {
		t.Fatal(err)
	}
	if err := look(); err == nil {
		t.Fatal("a clock without its pair is not broken")
	}
	if err := c.Rebuild(); err != nil {
		t.Fatal(err)
	}
	both("a pair made anew")
	// What has no queue any more must not take a CPU.
	for end := range 2 {
		q := &netlink.GenericQdisc{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: int(c.Clock.pair.index[end]), Handle: tbfHandle, Parent: netlink.HANDLE_ROOT}, QdiscType: "tbf"}
		if err := netlink.QdiscDel(q); err != nil {
			t.Fatal(err)
		}
	}
	for i := range c.loops { // the queues have taken theirs along
		if err := c.seed(i); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(10 * time.Millisecond)
	laps := c.ClockCounts().Laps
	time.Sleep(200 * time.Millisecond)
	if k := c.ClockCounts(); k.Racing == 0 || k.Laps-laps > 20000 {
		t.Errorf("seeds race without a queue: %+v, %d laps in 200 ms", k, k.Laps-laps)
	}
	if err := look(); err == nil || !strings.Contains(err.Error(), "are not held back") {
		t.Fatalf("a clock without its queues: %v", err)
	}
	if err := c.Rebuild(); err != nil {
		t.Fatal(err)
	}
	if err := look(); err != nil {
		t.Error(err)
	}
	both("a pair with its queues again")
}

// One seed that is taken away is that of a queue that somebody replaces.
func TestClockRacesWhenSeedsAreTakenAwayAgainAndAgain(t *testing.T) {
	var r races
	for i, c := range []struct {
		at    time.Duration
		taken uint64
		want  bool
	}{{0, 0, false}, {100, 1, false}, {200, 2, false}, {1300, 2, false}, {1400, 4, false}, {1500, 5, true}, {1600, 5, false}, {1700, 8, true}} {
		if got := r.on(vrrp.Instant(1e12).Add(c.at*time.Millisecond), c.taken); got != c.want {
			t.Errorf("look %d: %v", i, got)
		}
	}
}

// With a CPU held up the other loop is there to send its seed.
func TestClockKeepsItsLoopsApart(t *testing.T) {
	if runtime.NumCPU() < 2 {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs two CPUs")
		}
		t.Skip("needs two CPUs")
	}
	c := openClock(t, ClockOptions{})
	n := c.add(c.schedule(1, vrrp.IPv4, 10*time.Millisecond))
	apart := func() bool {
		_, err := c.Watch(clock.Now())
		return err == nil && c.loops[0].Cpu != c.loops[1].Cpu
	}
	within(t, apart)
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	one.Set(int(c.loops[0].Cpu))
	if err := unix.SchedSetaffinity(0, &one); err != nil { // newPair has locked the thread
		t.Fatal(err)
	}
	err := c.seed(1)
	if err := errors.Join(err, unix.SchedSetaffinity(0, &all)); err != nil {
		t.Fatal(err)
	}
	within(t, func() bool { return c.loops[0].Cpu == c.loops[1].Cpu })
	within(t, apart)
	c.flows("the loops were parted", vrrp.IPv4, n)
}
