package loader

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/netio"
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
	if err := unix.SetsockoptInt(on.wire, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(on.wire, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20); err != nil {
		t.Fatal(err)
	}
	return on
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

var clockMAC = net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}

// schedule is one router's over IPv4 or IPv6.
func (c *clockOn) schedule(vrid uint8, f vrrp.Family, interval time.Duration) Schedule {
	src, dst := netip.MustParseAddr("192.0.2.1"), group4
	if f == vrrp.IPv6 {
		src, dst = netip.MustParseAddr("fe80::1"), group6
	}
	message := []byte{0x31, vrid, 100, 1, 0, 1, 0, 0, 192, 0, 2, 10}
	return Schedule{
		Key: Key{uint32(c.ours), vrid, f}, Ifindex: c.ours, Interval: interval,
		Frames: [][]byte{netio.AdvertFrame(clockMAC, src, dst, 255, message)},
	}
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

func TestClockSendsOnTime(t *testing.T) {
	c := openClock(t, ClockOptions{})
	start := clock.Now()
	n4 := c.add(c.schedule(1, vrrp.IPv4, 10*time.Millisecond))
	time.Sleep(time.Second)
	c.Shut(n4)
	got := c.hear()
	t.Logf("%d adverts in %v, counts %+v, clock %+v", len(got), clock.Now().Sub(start), c.Counts(n4), c.ClockCounts())
	for i, h := range got[:min(5, len(got))] {
		t.Logf("%d: %v % x", i, h.at-got[0].at, h.frame)
	}
}
