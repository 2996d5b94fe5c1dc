package netio

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// patience bounds waits for what is sure to come on a machine that is not
// starved to death.
const patience = 20 * time.Second

var (
	group4 = netip.MustParseAddr("224.0.0.18")
	group6 = netip.MustParseAddr("ff02::12")
	mac1   = net.HardwareAddr{0x02, 0, 0, 0, 0, 0x01}
)

// recorder is a Transmitter that remembers.
type recorder struct {
	mu    sync.Mutex
	at    []vrrp.Instant
	texts []string
	err   error
}

func (r *recorder) Send(frame []byte) error {
	at := clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	r.at = append(r.at, at)
	r.texts = append(r.texts, string(frame))
	return nil
}

func (r *recorder) SendAll(frames [][]byte) (sent int) {
	for _, f := range frames {
		if r.Send(f) == nil {
			sent++
		}
	}
	return sent
}

func (r *recorder) sent() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.texts)
}

func (r *recorder) times() []vrrp.Instant {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.at)
}

// waitSent waits until n frames were sent and returns them all.
func (r *recorder) waitSent(t *testing.T, n int) []string {
	t.Helper()
	if !testnet.WaitFor(patience, func() bool { return len(r.sent()) >= n }) {
		t.Fatalf("%d frames sent after %v, want %d", len(r.sent()), patience, n)
	}
	return r.sent()
}

// message is an advert of version 3, 100 ms.
func message(t testing.TB, vrid, priority uint8, src netip.Addr, vips ...string) []byte {
	t.Helper()
	p := vrrp.Packet{Version: 3, VRID: vrid, Priority: priority, Interval: 100 * time.Millisecond}
	for _, v := range vips {
		p.Addrs = append(p.Addrs, netip.MustParseAddr(v))
	}
	dst := group4
	if src.Is6() {
		dst = group6
	}
	b, err := p.Append(nil, src, dst, vrrp.ChecksumPseudo)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// senderOn opens a Sender on eth0 of a host.
func senderOn(t testing.TB, h *testnet.Host) *Sender {
	t.Helper()
	var s *Sender
	err := h.Do(func() (err error) {
		s, err = OpenSender(h.Ifindex)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// readable polls a descriptor.
func readable(fd int, timeout time.Duration) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, _ := unix.Poll(fds, int(timeout/time.Millisecond))
	return n == 1
}
