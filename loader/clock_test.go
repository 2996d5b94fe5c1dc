package loader

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// clockOn is an advert clock in a network namespace of the test's own, whose
// adverts leave by ours and are heard on theirs.
type clockOn struct {
	*Clock
	*harness
	pair
	wire int // packet socket on theirs
}

func openClock(t testing.TB, o ClockOptions) *clockOn {
	t.Helper()
	p := newPair(t)
	h := open(t, Options{})
	c, err := h.OpenClock(o)
	if release := kernelRelease(t); errors.Is(err, ebpf.ErrNotSupported) && len(release) > 4 && release[:4] < "5.17" {
		if !strings.Contains(err.Error(), "bpf_loop") {
			t.Errorf("no advert clock, and the reason is: %v", err)
		}
		t.Skipf("kernel %s: %v", release, err)
	}
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	p.ours, p.theirs = p.theirs, p.ours // listen hears what theirs lets through
	on := &clockOn{Clock: c, harness: h, pair: p, wire: p.listen(t)}
	on.ours, on.theirs = on.theirs, on.ours
	stamped(t, on.wire)
	return on
}

// stamped has a packet socket stamp what it hears, and lose none of it.
func stamped(t testing.TB, fd int) {
	t.Helper()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20); err != nil {
		t.Fatal(err)
	}
}

func kernelRelease(t testing.TB) string {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	return unix.ByteSliceToString(u.Release[:])
}

// heard is a frame that came over the wire.
type heard struct {
	at    time.Duration // CLOCK_REALTIME
	frame []byte
}

// hear takes what has come over the wire.
func (c *clockOn) hear() (all []heard) {
	c.Helper()
	buf, oob := make([]byte, 2048), make([]byte, 64)
	for {
		n, oobn, _, _, err := unix.Recvmsg(c.wire, buf, oob, 0)
		if err == unix.EAGAIN {
			return all
		}
		if err != nil {
			c.Fatal(err)
		}
		msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil || len(msgs) != 1 {
			c.Fatalf("no stamp: %v", err)
		}
		sec, nsec := binary.NativeEndian.Uint64(msgs[0].Data), binary.NativeEndian.Uint64(msgs[0].Data[8:])
		all = append(all, heard{time.Duration(sec)*time.Second + time.Duration(nsec), append([]byte(nil), buf[:n]...)})
	}
}

// schedule is one router's over IPv4 or IPv6.
func (c *clockOn) schedule(vrid uint8, f vrrp.Family, interval time.Duration) Schedule {
	message := []byte{0x31, vrid, 100, 1, 0, 1, 0, 0, 192, 0, 2, 10}
	frame := v4frame(message)
	if f == vrrp.IPv6 {
		frame = v6frame(message)
	}
	return Schedule{Key: Key{uint32(c.ours), vrid, f}, Ifindex: c.ours, Interval: interval, Frames: [][]byte{frame}}
}

// add opens a slot.
func (c *clockOn) add(s Schedule) int {
	c.Helper()
	n, err := c.Add()
	if err != nil {
		c.Fatal(err)
	}
	if _, err := c.Set(n, s, GateOpen); err != nil {
		c.Fatal(err)
	}
	return n
}

// attachments are the ways in which the program is attached.
var attachments = []struct {
	name string
	ClockOptions
}{{"tcx", ClockOptions{}}, {"filter", ClockOptions{Filter: true}}}

// of are the adverts of a VRID that were heard.
func (c *clockOn) of(vrid uint8, all []heard) (adverts []heard) {
	for _, h := range all {
		at := etherLen + ipv4Len
		if h.frame[12] == 0x86 {
			at = etherLen + ipv6Len
		}
		if len(h.frame) > at+1 && h.frame[at] == 0x31 && h.frame[at+1] == vrid {
			adverts = append(adverts, h)
		}
	}
	return adverts
}

// renew renews the lease until the test ends.
func (c *clockOn) renew() {
	stop, done := make(chan struct{}), make(chan struct{})
	c.Renew(boot())
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				c.Renew(boot())
			}
		}
	}()
	c.Cleanup(func() { close(stop); <-done })
}

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
	s.Next = 0
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
	s.Down = time.Second
	s.Next = clock.Now().Add(-205 * time.Millisecond)
	if _, err := c.Set(n, s, GateOpen); err != nil {
		t.Fatal(err)
	}
	time.Sleep(24 * time.Millisecond)
	if k := c.Counts(n); k.Missed < 20 || k.Sent < 1 || k.Sent+k.Missed > 26 || k.Late == 0 {
		t.Errorf("%+v", k)
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

func (c *clockOn) flows(what string, f vrrp.Family, n int) {
	c.Helper()
	sent := c.Counts(n).Sent
	for end := time.Now().Add(5 * time.Second); c.Counts(n).Sent < sent+3; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("after %s no advert of %v leaves: %+v", what, f, c.ClockCounts())
		}
	}
}

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
		if back := vrrp.Instant(atomic.LoadUint64(&c.loops[0].BackNs)); back > s.Next.Add(time.Millisecond) {
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
