package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"golang.org/x/sys/unix"
)

// Capture records what crosses the bridge: VRRP, ARP and ICMP, each frame once
// and stamped by the kernel where the bridge port gets it, in the sender's own
// context (net.core.netdev_tstamp_prequeue). The kernel writes the frames to a
// ring in memory and nobody is woken, so that what is measured is not disturbed
// and no stall of this process changes a stamp or loses a frame.
type Capture struct {
	file   *os.File
	ring   []byte
	next   int // slot that is read next
	frames []testnet.Frame
}

const (
	slotSize  = 256 // bytes of a slot: headers and at least 170 of the frame
	blockSize = 1 << 20
	blocks    = 24 // 98,304 slots
)

// Capture starts to record.
func (l *Lab) Capture() (*Capture, error) {
	c := &Capture{}
	client := l.Client.Addr.As4()
	if err := l.LAN.InSwitch(func() error { return c.open(binary.BigEndian.Uint32(client[:])) }); err != nil {
		c.Close()
		return nil, fmt.Errorf("capture: %w", err)
	}
	return c, nil
}

func (c *Capture) open(client uint32) error {
	br, err := net.InterfaceByName("br0")
	if err != nil {
		return err
	}
	// Protocol 0 hears nothing until the bind has chosen the interface.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.file = os.NewFile(uintptr(fd), "capture")
	wanted := wanted(client)
	filter := unix.SockFprog{Len: uint16(len(wanted)), Filter: &wanted[0]}
	promisc := unix.PacketMreq{Ifindex: int32(br.Index), Type: unix.PACKET_MR_PROMISC}
	ring := unix.TpacketReq{Block_size: blockSize, Block_nr: blocks, Frame_size: slotSize, Frame_nr: blocks * blockSize / slotSize}
	all := uint16(unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8)
	err = errors.Join(
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &filter),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1), // or stamps are taken later
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2),
		unix.SetsockoptTpacketReq(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &ring),
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &promisc))
	if err != nil {
		return err
	}
	c.ring, err = unix.Mmap(fd, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: br.Index})
}

// wanted is a classic BPF filter: ARP, and IPv4 of protocol 1, and of protocol 112
// but from the client, who may flood the wire with it.
func wanted(client uint32) []unix.SockFilter {
	return []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 12},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.ETH_P_ARP, Jt: 6},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.ETH_P_IP, Jf: 6},
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 23},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.IPPROTO_ICMP, Jt: 3},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 112, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 26},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: client, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
}

// Take is Frames, and forgets them.
func (c *Capture) Take() ([]testnet.Frame, error) {
	frames, err := c.Frames()
	c.frames = nil
	return frames, err
}

// Frames returns what was recorded so far, oldest first. It fails when the ring
// was full and frames were lost.
func (c *Capture) Frames() ([]testnet.Frame, error) {
	for ; ; c.next = (c.next + 1) % (blocks * blockSize / slotSize) {
		slot := c.ring[c.next*slotSize:][:slotSize]
		h := (*unix.Tpacket2Hdr)(unsafe.Pointer(&slot[0]))
		if atomic.LoadUint32(&h.Status)&unix.TP_STATUS_USER == 0 {
			break
		}
		data := slot[h.Mac:min(int(h.Mac)+int(h.Snaplen), slotSize)]
		c.frames = append(c.frames, testnet.Frame{
			At:    testnet.FromTime(time.Unix(int64(h.Sec), int64(h.Nsec))),
			Bytes: append([]byte(nil), data...),
		})
		atomic.StoreUint32(&h.Status, unix.TP_STATUS_KERNEL)
	}
	lost, err := unix.GetsockoptTpacketStats(int(c.file.Fd()), unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	if lost.Drops > 0 {
		return nil, fmt.Errorf("capture: the ring was full, %d frames are lost", lost.Drops)
	}
	return c.frames, nil
}

// Close ends the recording.
func (c *Capture) Close() {
	if c.ring != nil {
		_ = unix.Munmap(c.ring) // it is ours
		c.ring = nil
	}
	if c.file != nil {
		c.file.Close()
	}
}
