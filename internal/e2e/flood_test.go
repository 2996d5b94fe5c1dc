package e2e

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// burst bounds what is sent without a pause: less than a veth's ring holds, so
// that a flood of a given rate loses nothing on its way.
const burst = 50

// flood sends the frames in turn on eth0 of a host, so many a second, 0 for as
// fast as it goes, for a bounded time. It returns how many of each it sent.
func flood(t *testing.T, h *testnet.Host, frames [][]byte, rate int, d time.Duration) (sent []uint64) {
	t.Helper()
	var fd int
	must(t, h.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		return err
	}))
	defer unix.Close(fd)
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: h.Ifindex}))

	sent = make([]uint64, len(frames))
	total := 0
	for begin := time.Now(); ; {
		elapsed := time.Since(begin)
		if elapsed >= d {
			t.Logf("sent %d frames in %v", total, elapsed.Round(time.Millisecond))
			return sent
		}
		n := burst
		if rate > 0 {
			n = min(n, int(elapsed.Seconds()*float64(rate))+1-total)
		}
		if n <= 0 {
			time.Sleep(500 * time.Microsecond)
			continue
		}
		for range n {
			i := total % len(frames)
			if _, err := unix.Write(fd, frames[i]); err != nil {
				t.Fatalf("flood: %v", err)
			}
			sent[i]++
			total++
		}
	}
}
