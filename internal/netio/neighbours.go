package netio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Neighbours hears, on one interface, the ARP and neighbour discovery by which
// hosts tell that they hold an address, for where XDP does not: replies,
// gratuitous ARP, questions of QuestionFrame, neighbour advertisements.
type Neighbours struct {
	file *os.File
	done chan struct{}
}

// HeldFrame is a packet that ParseHeld reads. It is good until the function that it
// was given to returns.
type HeldFrame struct {
	Held
	Source [6]byte // of the frame
}

// inVLAN stops what the kernel took a VLAN's tag off: it is for a device of its own.
var inVLAN = []bpf.Instruction{
	bpf.LoadExtension{Num: bpf.ExtVLANTag},
	bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: 0x0fff, SkipTrue: 1},
	bpf.RetConstant{Val: 0},
}

// neighbourFilter lets through what may be one, and no more: the ARP of hosts that
// look for one another and the solicitations of strangers stop here.
var neighbourFilter = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 12, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipTrue: 8},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x0806, SkipTrue: 14},
	// ARP: a reply, or a request from its own target, or from nobody.
	bpf.LoadAbsolute{Off: etherLen + 6, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 2, SkipTrue: 13},
	bpf.LoadAbsolute{Off: etherLen + 14, Size: 4},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 11},
	bpf.TAX{},
	bpf.LoadAbsolute{Off: etherLen + 24, Size: 4},
	bpf.JumpIfX{Cond: bpf.JumpEqual, SkipTrue: 8, SkipFalse: 7},
	// IPv6
	bpf.LoadAbsolute{Off: etherLen + 6, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_ICMPV6, SkipTrue: 5},
	bpf.LoadAbsolute{Off: etherLen + ipv6Len, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 136, SkipTrue: 4},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 135, SkipTrue: 2},
	bpf.LoadAbsolute{Off: etherLen + ipv6Len + ndLen, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: claimOption, SkipTrue: 1},
	bpf.RetConstant{Val: 0},
	bpf.RetConstant{Val: etherLen + 160},
}

// OpenNeighbours begins to hear an interface, in the network namespace of the
// calling thread, but not what the host itself sends. tell is called from a
// goroutine of its own until Close. It needs CAP_NET_RAW.
func OpenNeighbours(ifindex int, tell func(HeldFrame)) (*Neighbours, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket (needs CAP_NET_RAW): %w", err)
	}
	n := &Neighbours{os.NewFile(uintptr(fd), "neighbours"), make(chan struct{})}
	if err := n.prepare(fd, ifindex); err != nil {
		_ = n.file.Close()
		return nil, err
	}
	go n.run(tell)
	return n, nil
}

func (n *Neighbours) prepare(fd, ifindex int) error {
	if err := attachFilter(fd, slices.Concat(inVLAN, neighbourFilter)); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
		return fmt.Errorf("PACKET_IGNORE_OUTGOING (needs Linux 4.20): %w", err)
	}
	var all [2]byte
	binary.BigEndian.PutUint16(all[:], unix.ETH_P_ALL)
	addr := unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16(all[:]), Ifindex: ifindex}
	if err := unix.Bind(fd, &addr); err != nil {
		return fmt.Errorf("packet socket on interface index %d: %w", ifindex, err)
	}
	return nil
}

func (n *Neighbours) run(tell func(HeldFrame)) {
	defer close(n.done)
	buf := make([]byte, etherLen+160)
	for {
		got, err := n.file.Read(buf)
		if down(err) {
			continue // netlink tells of that
		}
		if err != nil {
			return // closed, or the interface is gone
		}
		if got < etherLen {
			continue
		}
		four := binary.BigEndian.Uint16(buf[12:]) == 0x0806
		if h, ok := ParseHeld(buf[etherLen:got], four); ok {
			tell(HeldFrame{h, [6]byte(buf[6:12])})
		}
	}
}

// Close stops hearing; tell is not called after it.
func (n *Neighbours) Close() error {
	err := n.file.Close()
	<-n.done
	return err
}

// down tells of a read that failed because the interface went down.
func down(err error) bool { return errors.Is(err, unix.ENETDOWN) }
