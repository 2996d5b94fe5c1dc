package loader

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

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
		if os.Getenv("CI") == "true" {
			t.Fatalf("kernel %s, and CI=true forbids skipping: %v", release, err)
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

func (c *clockOn) flows(what string, f vrrp.Family, n int) {
	c.Helper()
	sent := c.Counts(n).Sent
	for end := time.Now().Add(5 * time.Second); c.Counts(n).Sent < sent+3; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("after %s no advert of %v leaves: %+v", what, f, c.ClockCounts())
		}
	}
}
