package netio

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

// packetRing is an AF_PACKET socket whose frames the kernel writes into memory
// shared with us (TPACKET_V2, Documentation/networking/packet_mmap.rst): a read
// costs no system call, a flood no copy, and a stalled process finds what came
// meanwhile with its arrival stamps.
type packetRing struct {
	fd   int
	mem  []byte
	head int          // the frame that the kernel fills next, or has filled
	last vrrp.Instant // stamp of the one before it

	mu     sync.Mutex // of countLost and close, which frees the descriptor
	lost   uint64
	closed bool
}

const (
	ringFrame  = 2048 // holds 1982 octets of a frame, more than a usual MTU
	ringBlock  = 64 << 10
	ringFrames = 2048 // 4 MiB in all: 300 ms of 5,000 adverts a second and room to spare
)

// captured is one frame in the ring, good until it is released.
type captured struct {
	at    vrrp.Instant
	bytes []byte // as it came, from the Ethernet header on
}

// openPacketRing hears an interface, in the network namespace of the calling
// thread, from the first frame on through vrrpFilter, but not what the host
// itself sends. It needs CAP_NET_RAW.
func openPacketRing(ifindex int) (*packetRing, error) {
	if ifindex <= 0 {
		return nil, fmt.Errorf("interface index %d: %w", ifindex, unix.ENODEV)
	}
	// Protocol 0: nothing is heard before the bind below.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket (needs CAP_NET_RAW): %w", err)
	}
	r := &packetRing{fd: fd}
	if err := r.prepare(ifindex); err != nil {
		_ = r.close()
		return nil, err
	}
	return r, nil
}

func (r *packetRing) prepare(ifindex int) error {
	if err := attachFilter(r.fd, vrrpFilter); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
		return fmt.Errorf("PACKET_IGNORE_OUTGOING (needs Linux 4.20): %w", err)
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2); err != nil {
		return fmt.Errorf("TPACKET_V2: %w", err)
	}
	const size = ringFrame * ringFrames
	req := unix.TpacketReq{Block_size: ringBlock, Block_nr: size / ringBlock, Frame_size: ringFrame, Frame_nr: ringFrames}
	if err := unix.SetsockoptTpacketReq(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("packet ring of %d MiB: %w", size>>20, err)
	}
	var err error
	if r.mem, err = unix.Mmap(r.fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("mapping the packet ring: %w", err)
	}
	// All protocols: a tap for one would not see the frames of a VLAN, and
	// would stand behind tc ingress and the netdev hook of nftables.
	var all [2]byte
	binary.BigEndian.PutUint16(all[:], unix.ETH_P_ALL)
	addr := unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16(all[:]), Ifindex: ifindex}
	if err := unix.Bind(r.fd, &addr); err != nil {
		return fmt.Errorf("packet socket on interface index %d: %w", ifindex, err)
	}
	return nil
}

func (r *packetRing) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	err := unix.Close(r.fd)
	if r.mem != nil {
		_ = unix.Munmap(r.mem)
		r.mem = nil
	}
	return err
}

// next returns the oldest frame, its stamp turned to CLOCK_MONOTONIC. It is to
// be released before the next call. Only one goroutine reads the ring.
func (r *packetRing) next(by clocks) (c captured, ok bool) {
	slot := r.mem[r.head*ringFrame:][:ringFrame]
	h := (*unix.Tpacket2Hdr)(unsafe.Pointer(&slot[0]))
	// The kernel writes the status last: the load orders what follows.
	status := atomic.LoadUint32(&h.Status)
	if status&unix.TP_STATUS_USER == 0 {
		return c, false
	}
	start, end := int(h.Mac), int(h.Mac)+int(h.Snaplen)
	if status&unix.TP_STATUS_VLAN_VALID != 0 && end-start >= etherLen {
		start = retag(slot, start, h.Vlan_tpid, h.Vlan_tci)
	}
	c.bytes = slot[start:end]
	c.at = by.monotonic(int64(h.Sec)*1e9+int64(h.Nsec), r.last)
	return c, true
}

// retag puts back the VLAN tag that the kernel took off the frame at start,
// and returns its new start: the MAC addresses move into what lies before them
// in the slot, room that the kernel leaves and an address that nobody reads.
func retag(slot []byte, start int, tpid, tci uint16) int {
	const tagLen, addresses = 4, 12
	copy(slot[start-tagLen:], slot[start:start+addresses])
	tag := slot[start-tagLen+addresses:]
	binary.BigEndian.PutUint16(tag, tpid)
	binary.BigEndian.PutUint16(tag[2:], tci)
	return start - tagLen
}

// release gives the frame that next returned back to the kernel.
func (r *packetRing) release(c captured) {
	r.last = c.at
	h := (*unix.Tpacket2Hdr)(unsafe.Pointer(&r.mem[r.head*ringFrame]))
	atomic.StoreUint32(&h.Status, unix.TP_STATUS_KERNEL)
	r.head = (r.head + 1) % ringFrames
}

// takeError returns and clears the socket's pending error, which would keep it
// readable for ever. That the interface went down is none: netlink tells.
func (r *packetRing) takeError() error {
	errno, err := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return fmt.Errorf("packet socket: %w", err)
	case errno != 0 && unix.Errno(errno) != unix.ENETDOWN:
		return fmt.Errorf("packet socket: %w", unix.Errno(errno))
	}
	return nil
}

// countLost returns how many frames the ring had no room for. Reading clears
// the kernel's count, so it is kept here. Any goroutine may call it.
func (r *packetRing) countLost() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return r.lost
	}
	if s, err := unix.GetsockoptTpacketStats(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		r.lost += uint64(s.Drops)
	}
	return r.lost
}
