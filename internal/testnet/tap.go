package testnet

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
	"golang.org/x/sys/unix"
)

// Tap records frames that an interface receives: on a bridge those that any
// host sends.
type Tap struct {
	keep func(Frame) bool
	file *os.File
	done chan struct{}

	mu     sync.Mutex
	frames []Frame
	buf    [2048]byte
	oob    [128]byte
}

// Tap starts to record the VRRP, ARP and ND frames that cross the bridge of
// eth0: those of every host, in order, each once.
func (l *LAN) Tap() (*Tap, error) { return l.TapLink(0) }

// TapLink is Tap for the bridge of another link: 1 is that of eth1.
func (l *LAN) TapLink(link int) (*Tap, error) {
	return l.sw.Tap(bridgeName(link), Frame.Announces)
}

// Tap starts to record the VRRP, ARP and ND frames that come in at this port:
// those of its host, whatever MAC and IP address they bear, and also while it
// is muted.
func (p *Port) Tap() (*Tap, error) { return p.lan.sw.Tap(p.port, Frame.Announces) }

// Tap starts to record those frames that an interface of the host receives and
// for which keep is true. keep must not hold on to the frame, and is given it
// without a stamp.
func (h *Host) Tap(ifname string, keep func(Frame) bool) (*Tap, error) {
	t := &Tap{keep: keep, done: make(chan struct{})}
	err := h.Do(func() (err error) {
		t.file, err = packetSocket(h, ifname)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tap on %s of %s: %w", ifname, h.Name, err)
	}
	go t.run()
	return t, nil
}

func packetSocket(h *Host, ifname string) (*os.File, error) {
	link, err := h.nl.LinkByName(ifname)
	if err != nil {
		return nil, err
	}
	// Protocol 0 hears nothing until the bind below has chosen the interface.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), "tap")
	if err := prepareTap(fd, link.Attrs().Index); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func prepareTap(fd, index int) error {
	// A flood must not push the adverts out; best effort without CAP_NET_ADMIN.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("SO_TIMESTAMPNS: %w", err)
	}
	promisc := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &promisc); err != nil {
		return fmt.Errorf("promiscuous: %w", err)
	}
	all := uint16(unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8)
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index})
}

// run reads whenever there is something, so that the socket does not overflow.
func (t *Tap) run() {
	defer close(t.done)
	raw, err := t.file.SyscallConn()
	if err != nil {
		return // closed already
	}
	_ = raw.Read(func(fd uintptr) bool {
		t.drain(int(fd))
		return false // until Close
	})
}

// drain takes what waits in the socket.
func (t *Tap) drain(fd int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		n, noob, _, from, err := unix.Recvmsg(fd, t.buf[:], t.oob[:], unix.MSG_DONTWAIT)
		if err == unix.EINTR || err == unix.ENETDOWN { // the interface went down: not the end
			continue
		}
		if err != nil {
			return
		}
		ll, ok := from.(*unix.SockaddrLinklayer)
		// PACKET_OUTGOING is what the interface itself sends.
		if !ok || ll.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		if f := (Frame{Bytes: t.buf[:n]}); t.keep(f) {
			f.Bytes = slices.Clone(f.Bytes)
			f.At = stamp(t.oob[:noob])
			t.frames = append(t.frames, f)
		}
	}
}

// stamp reads the kernel's receive stamp, which is CLOCK_REALTIME, as an
// Instant. Both clocks are read at once right after, so a step of the wall
// clock spoils only the frame it falls on. Zero when there is no stamp.
func stamp(oob []byte) vrrp.Instant {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			sec, nsec := nativeInt64(m.Data), nativeInt64(m.Data[8:])
			return FromTime(time.Unix(sec, nsec))
		}
	}
	return 0
}

// Frames returns what was recorded so far, oldest first: all that the kernel
// received before the call, however late this process gets to run.
func (t *Tap) Frames() []Frame {
	t.catchUp()
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.frames)
}

// Clear forgets what was recorded so far.
func (t *Tap) Clear() {
	t.catchUp()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.frames = nil
}

func (t *Tap) catchUp() {
	if raw, err := t.file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { t.drain(int(fd)) }) // an error: closed
	}
}

// Adverts returns the recorded adverts of one sender, oldest first.
func (t *Tap) Adverts(src netip.Addr) []Frame {
	return slices.DeleteFunc(t.Frames(), func(f Frame) bool {
		return !f.IsAdvert() || f.SrcIP() != src
	})
}

// Close stops the recording; what was recorded stays.
func (t *Tap) Close() error {
	err := t.file.Close()
	<-t.done
	return err
}
