package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

// frameText and readFrames pass frames to a child: a line of hex each.
func frameText(frames [][]byte) string {
	var b strings.Builder
	for _, f := range frames {
		fmt.Fprintln(&b, hex.EncodeToString(f))
	}
	return b.String()
}

func readFrames(r io.Reader) (frames [][]byte, err error) {
	s := bufio.NewScanner(r)
	for s.Scan() {
		f, err := hex.DecodeString(s.Text())
		if err != nil {
			return nil, err
		}
		frames = append(frames, f)
	}
	if len(frames) == 0 {
		return nil, fmt.Errorf("no frames: %w", io.ErrUnexpectedEOF)
	}
	return frames, s.Err()
}

// packetSocket is one on eth0 that sends, and hears what protocol says: 0 is
// nothing.
func packetSocket(protocol uint16) (int, error) {
	eth0, err := net.InterfaceByName("eth0")
	if err != nil {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	return fd, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol<<8 | protocol>>8, Ifindex: eth0.Index})
}

// Flood sends the frames in turn on eth0 of the host as fast as it goes, or so
// many a second. The last line of Wait is how many it sent.
func Flood(ctx context.Context, o Options, rate int, limit time.Duration) (*Load, error) {
	return run(ctx, o, 1, "flood", limit, func(int) []string { return []string{"-n", strconv.Itoa(rate)} })
}

// burst bounds what is sent without a look at the clock.
const burst = 50

func flood(s settings) error {
	fd, err := packetSocket(0)
	if err != nil {
		return err
	}
	ready()
	tried, sent := 0, 0
	for begin := time.Now(); ; {
		elapsed := time.Since(begin)
		if elapsed >= s.limit {
			break
		}
		n := burst
		if s.n > 0 {
			n = min(n, int(elapsed.Seconds()*float64(s.n))+1-tried)
		}
		if n <= 0 {
			time.Sleep(500 * time.Microsecond)
			continue
		}
		for range n {
			_, err := unix.Write(fd, s.frames[tried%len(s.frames)])
			if err != nil && err != unix.ENOBUFS {
				return err
			}
			tried++
			if err == nil {
				sent++
			}
		}
	}
	fmt.Println(sent)
	return nil
}

// Master is an ideal MASTER for a backup to be measured beside: it sends the
// frame on eth0 every interval from a SCHED_FIFO thread, whose priority should
// be above that of all loads. From Begin on it falls silent so many times: each
// time it has advertised for at least `up`, and until whoever took over has
// been silent for 20 intervals, it waits until another host advertises, 5 s at
// most. After the last it advertises for `up` once more and ends.
func Master(ctx context.Context, o Options, interval, up time.Duration, cycles, priority int, limit time.Duration) (*Load, error) {
	return run(ctx, o, 1, "master", limit, func(int) []string {
		return []string{"-interval", interval.String(), "-up", up.String(), "-n", strconv.Itoa(cycles), "-priority", strconv.Itoa(priority)}
	})
}

// Begin makes a Master begin its silences.
func (l *Load) Begin() {
	for _, c := range l.children {
		_ = c.cmd.Process.Signal(unix.SIGUSR1) // it may have ended
	}
}

const (
	quiet    = 20 // intervals without a word of the other: it has yielded
	settling = 60 * time.Millisecond

	// Patience is how long a Master waits for the other to take over, or to yield.
	Patience = 5 * time.Second
)

func master(s settings) error {
	debug.SetGCPercent(-1)
	out, err := packetSocket(0)
	if err != nil {
		return err
	}
	in, err := packetSocket(unix.ETH_P_IP)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	var heard atomic.Int64 // of another's advert, on our monotonic clock
	go listen(in, s.frames[0], &heard)
	var begun atomic.Bool
	usr1 := make(chan os.Signal, 1)
	signal.Notify(usr1, unix.SIGUSR1)
	go func() {
		<-usr1
		begun.Store(true)
	}()
	ready()

	next := monotonic()
	end := next + int64(s.limit)
	announce := func() error {
		_, err := unix.Write(out, s.frames[0])
		next += int64(s.interval)
		sleepUntil(next)
		return err
	}
	for !begun.Load() && monotonic() < end {
		if err := announce(); err != nil {
			return err
		}
	}
	for cycle := 0; monotonic() < end; cycle++ {
		// At any phase of what else goes round on the machine.
		up := s.up + rand.N(s.up)
		for from := monotonic(); monotonic() < end; {
			if err := announce(); err != nil {
				return err
			}
			now := monotonic()
			yielded := now-heard.Load() > quiet*int64(s.interval) || now-from > int64(up+Patience)
			if now-from > int64(up) && yielded {
				break
			}
		}
		if cycle == s.n {
			break
		}
		for from := monotonic(); heard.Load() < from && monotonic() < from+int64(Patience); {
			sleepUntil(monotonic() + int64(5*time.Millisecond))
		}
		sleepUntil(monotonic() + int64(settling))
		next = monotonic()
	}
	return nil
}

// listen notes when a VRRP packet of another host came.
func listen(fd int, own []byte, heard *atomic.Int64) {
	runtime.LockOSThread()
	buf := make([]byte, 2048)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			if err == unix.EINTR || err == unix.ENETDOWN {
				continue
			}
			return
		}
		if f := buf[:n]; n > 34 && f[23] == vrrp.Protocol && !bytes.Equal(f[6:12], own[6:12]) && !bytes.Equal(f[26:30], own[26:30]) {
			heard.Store(monotonic())
		}
	}
}

func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail
	return ts.Nano()
}

func sleepUntil(at int64) {
	ts := unix.NsecToTimespec(at)
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) == unix.EINTR {
	}
}
