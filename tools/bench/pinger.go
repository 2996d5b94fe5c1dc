package main

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
	"golang.org/x/sys/unix"
)

// pingEvery is how finely an outage is seen.
const pingEvery = time.Millisecond

// Ping sends echo requests from the client to an address until stop. The
// answers are on the wire, see answers.
func (l *Lab) Ping(to string) (stop func(), err error) {
	var fd int
	err = l.Client.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_ICMP)
		return err
	})
	if err != nil {
		return nil, err
	}
	var ended atomic.Bool
	done := make(chan struct{})
	addr := &unix.SockaddrInet4{Addr: netip.MustParseAddr(to).As4()}
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer unix.Close(fd)
		next := time.Now()
		for n := uint16(0); !ended.Load(); n++ {
			_ = unix.Sendto(fd, echo(n), 0, addr) // no route for a moment, full buffer: the next one counts
			next = next.Add(pingEvery)
			time.Sleep(time.Until(next))
		}
	}()
	return func() { ended.Store(true); <-done }, nil
}

// echo is an ICMP echo request (RFC 792).
func echo(n uint16) []byte {
	b := make([]byte, 16)
	b[0] = 8
	binary.BigEndian.PutUint16(b[4:], 0x6278)
	binary.BigEndian.PutUint16(b[6:], n)
	binary.BigEndian.PutUint16(b[2:], testnet.Checksum(b))
	return b
}

// Answers finds the last echo reply of host a on the wire and the first of b
// after it; ok is false when one of them is missing.
func Answers(frames []testnet.Frame, a, b *testnet.Host, from string) (last, first vrrp.Instant, ok bool) {
	ip := netip.MustParseAddr(from)
	for _, f := range frames {
		if !isEchoReply(f) || f.SrcIP() != ip {
			continue
		}
		switch f.SrcMAC().String() {
		case a.MAC.String():
			last, first = f.At, 0
		case b.MAC.String():
			if first == 0 {
				first = f.At
			}
		}
	}
	return last, first, last != 0 && first != 0
}

// isEchoReply: IPv4 without options, as the kernel sends one.
func isEchoReply(f testnet.Frame) bool {
	b := f.Bytes
	return len(b) > 34 && b[12] == 8 && b[13] == 0 && b[14] == 0x45 && b[23] == unix.IPPROTO_ICMP && b[34] == 0
}
