package demo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// client pings the virtual address every millisecond. The kernel finds the
// holder for it, so its answers follow the gratuitous ARP; the answers are
// taken with the kernel's stamp and with the MAC of who gave them.
type client struct {
	tap  *testnet.Tap
	fd   int
	stop atomic.Bool
	done chan struct{}

	mu   sync.Mutex
	sent []vrrp.Instant // by sequence number
}

const (
	pingEvery  = time.Millisecond
	pingID     = 0x5658
	pingHeader = 8
	pingLen    = pingHeader + 4 // the sequence number in full follows the header

	icmpEcho      = 8
	icmpEchoReply = 0
)

func startClient(h *testnet.Host) (*client, error) {
	c := &client{done: make(chan struct{})}
	err := h.Do(func() (err error) {
		c.fd, err = pingSocket()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ping socket: %w", err)
	}
	c.tap, err = h.Tap("eth0", func(f testnet.Frame) bool {
		_, ok := echoReply(f.Bytes)
		return ok
	})
	if err != nil {
		unix.Close(c.fd)
		return nil, err
	}
	go c.send()
	return c, nil
}

// pingSocket sends echo requests to the virtual address and hears nothing.
func pingSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
	if err != nil {
		return -1, err
	}
	const icmpFilter = 1 // ICMP_FILTER of linux/icmp.h: a set bit drops the type
	err = unix.SetsockoptInt(fd, unix.SOL_RAW, icmpFilter, -1)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Addr: netip.MustParseAddr(vip).As4()})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// send pings on an absolute schedule until stop.
func (c *client) send() {
	defer close(c.done)
	realtimeThread()
	packet := make([]byte, pingLen)
	packet[0] = icmpEcho
	binary.BigEndian.PutUint16(packet[4:], pingID)
	next := testnet.Now()
	for !c.stop.Load() {
		c.mu.Lock()
		seq := uint32(len(c.sent))
		c.sent = append(c.sent, testnet.Now())
		c.mu.Unlock()
		binary.BigEndian.PutUint16(packet[6:], uint16(seq))
		binary.BigEndian.PutUint32(packet[pingHeader:], seq)
		binary.BigEndian.PutUint16(packet[2:], 0)
		binary.BigEndian.PutUint16(packet[2:], checksum(packet))
		// An error, as when ARP finds nobody, makes it a lost ping: no answer.
		_, _ = unix.Write(c.fd, packet)
		next = next.Add(pingEvery)
		at := unix.NsecToTimespec(int64(next))
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil) == unix.EINTR {
		}
	}
}

// realtimeThread puts the goroutine on a thread of its own ahead of ordinary
// work, so that a busy machine does not blur what it measures. Where that is
// not permitted it measures as well as it can.
func realtimeThread() {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0)
}

func (c *client) close() {
	c.stop.Store(true)
	<-c.done
	unix.Close(c.fd)
	c.tap.Close()
}

// answer is one echo reply.
type answer struct {
	at   vrrp.Instant
	seq  uint32
	from net.HardwareAddr
}

func (c *client) answers() []answer {
	var list []answer
	for _, f := range c.tap.Frames() {
		if seq, ok := echoReply(f.Bytes); ok {
			list = append(list, answer{f.At, seq, f.SrcMAC()})
		}
	}
	return list
}

// firstAnswer returns when a host first answered after an instant, zero if it
// has not.
func (c *client) firstAnswer(h *testnet.Host, after vrrp.Instant) vrrp.Instant {
	for _, a := range c.answers() {
		if a.at > after && bytes.Equal(a.from, h.MAC) {
			return a.at
		}
	}
	return 0
}

// pings counts those sent in a span of time, and of them those without answer.
func (c *client) pings(from, to vrrp.Instant) (sent, lost int) {
	answered := map[uint32]bool{}
	for _, a := range c.answers() {
		answered[a.seq] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for seq, at := range c.sent {
		if at < from || at >= to {
			continue
		}
		sent++
		if !answered[uint32(seq)] {
			lost++
		}
	}
	return sent, lost
}

// echoReply returns the sequence number of an answer to one of our pings.
func echoReply(frame []byte) (seq uint32, ok bool) {
	const ip, icmp = 14, 14 + 20 // nothing here sends IPv4 options
	if len(frame) < icmp+pingLen || frame[12] != 0x08 || frame[13] != 0 ||
		frame[ip] != 0x45 || frame[ip+9] != unix.IPPROTO_ICMP || frame[icmp] != icmpEchoReply ||
		binary.BigEndian.Uint16(frame[icmp+4:]) != pingID {
		return 0, false
	}
	return binary.BigEndian.Uint32(frame[icmp+pingHeader:]), true
}

// checksum is that of RFC 1071, of an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
