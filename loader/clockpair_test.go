package loader

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

func TestClockLeavesNoPairBehind(t *testing.T) {
	c := openClock(t, ClockOptions{})
	name := c.Clock.pair.name
	if gone, err := CleanupClock(); err != nil || len(gone) != 0 {
		t.Errorf("the pair of a clock that runs: %v, %v", gone, err)
	}
	for _, alias := range []string{"", "vrrpx advert clock, pid 4194305, started 1"} {
		other := addDeadPair(t, c, alias)
		if gone, err := CleanupClock(); err != nil || !slices.Equal(gone, []string{other + "a", other + "b"}) {
			t.Errorf("alias %q: %v, %v", alias, gone, err)
		}
	}
	for _, alias := range []string{fmt.Sprintf(pairAlias, 1, mustStart(t, 1)), "my own"} {
		other := addDeadPair(t, c, alias)
		if gone, err := CleanupClock(); err != nil || len(gone) != 0 {
			t.Errorf("alias %q: %v, %v", alias, gone, err)
		}
		if err := c.rtnl.removePair(vethPair{name: other}); err != nil {
			t.Error(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := net.InterfaceByName(name + "a"); err == nil {
		t.Error("the pair is still there")
	}
}

func mustStart(t *testing.T, pid int) uint64 {
	t.Helper()
	started, err := startTime(pid)
	if err != nil {
		t.Fatal(err)
	}
	return started
}

// addDeadPair is a pair that looks as if its maker had died.
func addDeadPair(t *testing.T, c *clockOn, alias string) (name string) {
	t.Helper()
	p, err := c.rtnl.addPair()
	if err != nil {
		t.Fatal(err)
	}
	ownPair(p.name, false)
	l, err := netlink.LinkByName(p.name + "a")
	if err == nil && alias != "" {
		err = netlink.LinkSetAlias(l, alias)
	}
	if err == nil && alias == "" {
		msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
		msg.Index = int32(l.Attrs().Index)
		err = c.rtnl.do(unix.RTM_NEWLINK, 0, msg, nl.NewRtAttr(unix.IFLA_IFALIAS, nil))
	}
	if err != nil {
		t.Fatal(err)
	}
	return p.name
}

func TestSleepOfLengths(t *testing.T) {
	// What the size table says is what the program takes it to say.
	for n := range sleepSteps {
		octave, want := n>>8, n
		if octave > 1 {
			want = (256 + n&255) << (octave - 1)
		}
		if int(sleepUnits(n)) != want {
			t.Fatalf("length %d sleeps %d units, want %d", n, sleepUnits(n), want)
		}
	}
	if longest := time.Duration(sleepUnits(sleepSteps-1)) << sleepUnit; longest >= burstNS || longest < 267*time.Millisecond {
		t.Errorf("the longest sleep is %v", longest)
	}
	if bytes := int(sleepUnits(sleepSteps-1)) << (sleepUnit - byteNS); bytes > 1<<20 {
		t.Errorf("the longest sleep is one of %d bytes, more than kernels let a size table make", bytes)
	}
}
