package netio

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestSenderSurvivesTheLinkGoingDownAndUp(t *testing.T) {
	testnet.Need(t, "root", "ip")
	lan := testnet.ForTest(t, "a")
	a, tap := lan.Host("a"), lan.TapForTest(t)
	s := senderOn(t, a)
	frame := GARPFrame(a.MAC, netip.MustParseAddr("10.99.0.100"))
	link := func(word string) {
		t.Helper()
		if out, err := a.Command(t.Context(), "ip", "link", "set", "eth0", word).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := s.Send(frame); err != nil {
		t.Fatal(err)
	}
	link("down")
	if err := s.Send(frame); err != unix.ENETDOWN {
		t.Errorf("Send on a link that is down: %v, want ENETDOWN", err)
	}
	link("up")
	// Not a single frame may be lost to an error that the socket remembers.
	if err := s.Send(frame); err != nil {
		t.Errorf("first Send after the link came up: %v", err)
	}
	if c := s.Counts(); c != (SendCounts{Sent: 2, Down: 1}) {
		t.Errorf("counts: %+v", c)
	}
	arrives := testnet.WaitFor(patience, func() bool { // the bridge port takes a moment
		_ = s.Send(frame)
		return slices.ContainsFunc(tap.Frames(), func(f testnet.Frame) bool { return f.IsGARP("10.99.0.100") })
	})
	if !arrives {
		t.Error("nothing that was sent arrives")
	}
}

func TestSenderOfARemovedInterface(t *testing.T) {
	testnet.Need(t, "root", "ip")
	a := testnet.ForTest(t, "a").Host("a")
	s := senderOn(t, a)
	if out, err := a.Command(t.Context(), "ip", "link", "del", "eth0").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for range 2 {
		if err := s.Send(GARPFrame(a.MAC, a.Addr)); err != unix.ENXIO {
			t.Errorf("Send: %v, want ENXIO", err)
		}
	}
	if c := s.Counts(); c.Gone != 2 || c.Errors() != 2 {
		t.Errorf("counts: %+v, want 2 gone", c)
	}
}

func TestSenderRefusesBadFrames(t *testing.T) {
	a := testnet.ForTest(t, "a").Host("a")
	s := senderOn(t, a)
	for name, frame := range map[string][]byte{"nil": nil, "runt": make([]byte, 13), "giant": make([]byte, 9000)} {
		if err := s.Send(frame); err == nil {
			t.Errorf("%s: sent", name)
		}
	}
	if c := s.Counts(); c != (SendCounts{Other: 3}) {
		t.Errorf("counts: %+v, want 3 other errors", c)
	}
}

// TestFullQueueNeverBlocksTheSender sends through a queue that lets nothing
// out, until it and the socket's buffer are full.
func TestFullQueueNeverBlocksTheSender(t *testing.T) {
	testnet.Need(t, "root", "tc")
	a := testnet.ForTest(t, "a").Host("a")
	if out, err := a.Command(t.Context(), "tc", "qdisc", "add", "dev", "eth0", "root", "tbf",
		"rate", "8bit", "burst", "1600", "limit", "1000000000").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := senderOn(t, a)
	frame := GARPFrame(a.MAC, netip.MustParseAddr("10.99.0.100"))
	for i := range 1_000_000 {
		err := s.Send(frame)
		if err == nil {
			continue
		}
		if err != unix.EAGAIN && err != unix.ENOBUFS {
			t.Errorf("Send number %d: %v, want EAGAIN or ENOBUFS", i, err)
		}
		if c := s.Counts(); c.NoBuffers != 1 || c.Sent != uint64(i) {
			t.Errorf("counts after %d sent: %+v", i, c)
		}
		if i < 600 {
			t.Errorf("only %d frames fit, fewer than 255 routers need", i)
		}
		return
	}
	t.Fatal("the queue never filled: the test proves nothing")
}

func TestOpenSenderTellsWhatIsWrong(t *testing.T) {
	a := testnet.ForTest(t, "a").Host("a")
	for _, tt := range []struct {
		name    string
		ifindex int
		want    error
		text    string
	}{
		{"no interface", 0, unix.ENODEV, ""},
		{"negative", -1, unix.ENODEV, ""},
		{"absent", 4711, unix.ENODEV, ""},
		{"loopback", 1, nil, "not Ethernet"},
	} {
		err := a.Do(func() error {
			s, err := OpenSender(tt.ifindex)
			if err == nil {
				_ = s.Close()
			}
			return err
		})
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestSendDoesNotAllocate(t *testing.T) {
	a := testnet.ForTest(t, "a").Host("a")
	s := senderOn(t, a)
	frame := GARPFrame(a.MAC, a.Addr)
	if n := testing.AllocsPerRun(100, func() { _ = s.Send(frame) }); n != 0 {
		t.Errorf("Send allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = s.Send(nil) }); n != 0 {
		t.Errorf("a failing Send allocates %v times", n)
	}
}

func BenchmarkSend(b *testing.B) {
	a := testnet.ForTest(b, "a").Host("a")
	s := senderOn(b, a)
	frame := AdvertFrame(a.MAC, a.Addr, group4, 255, message(b, 51, 150, a.Addr, "10.99.0.100"))
	for b.Loop() {
		_ = s.Send(frame)
	}
}
