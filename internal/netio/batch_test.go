package netio

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// numberedGARPs numbers GARPs, so that the wire shows their order.
func numberedGARPs(h *testnet.Host, n int) (frames [][]byte, addrs []string) {
	for i := range n {
		a := netip.AddrFrom4([4]byte{10, 99, 1, byte(i)})
		frames = append(frames, GARPFrame(h.MAC, a))
		addrs = append(addrs, a.String())
	}
	return frames, addrs
}

func TestSendAllKeepsTheOrderBeyondOneSystemCall(t *testing.T) {
	testnet.Need(t, "root")
	lan := testnet.ForTest(t, "a")
	a, tap := lan.Host("a"), lan.TapForTest(t)
	s := senderOn(t, a)
	frames, want := numberedGARPs(a, 2*batchSize+3)
	if n := s.SendAll(frames); n != len(frames) {
		t.Errorf("%d of %d frames taken", n, len(frames))
	}
	var got []string
	testnet.WaitFor(patience, func() bool {
		got = got[:0]
		for _, f := range tap.Frames() {
			if ip := f.SrcIP().String(); f.IsGARP(ip) {
				got = append(got, ip)
			}
		}
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		t.Errorf("on the wire: %v", got)
	}
}

func TestSendAllPassesOverWhatIsRefused(t *testing.T) {
	testnet.Need(t, "root")
	a := testnet.ForTest(t, "a").Host("a")
	s := senderOn(t, a)
	frames, _ := numberedGARPs(a, 3)
	frames = slices.Insert(frames, 1, nil, make([]byte, 9000), []byte{1})
	if n := s.SendAll(frames); n != 3 {
		t.Errorf("%d frames taken, want the 3 good ones", n)
	}
	if which := s.SendEach(frames, nil); !slices.Equal(which, []int{1, 2, 3}) {
		t.Errorf("refused %v", which)
	}
	if c := s.Counts(); c != (SendCounts{Sent: 6, Other: 6}) {
		t.Errorf("counts: %+v", c)
	}
	if n := s.SendAll(nil); n != 0 {
		t.Errorf("nothing was sent %d times", n)
	}
}

func TestSendAllDoesNotAllocate(t *testing.T) {
	testnet.Need(t, "root")
	a := testnet.ForTest(t, "a").Host("a")
	s := senderOn(t, a)
	frames, _ := numberedGARPs(a, 4)
	if n := testing.AllocsPerRun(50, func() { s.SendAll(frames) }); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}
