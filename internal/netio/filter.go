package netio

import (
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

// vrrpFilter lets through what vrrp.Judge calls VRRP, so that all other traffic
// of the interface costs a few instructions in the kernel: protocol 112 or 51
// over IPv4 or IPv6, or an IPv6 extension header on its way to a group that names
// one of them, or a second extension header. The kernel has taken one VLAN tag
// off; a second may stand in the frame.
var vrrpFilter = []bpf.Instruction{
	bpf.LoadConstant{Dst: bpf.RegX, Val: etherLen},
	bpf.LoadAbsolute{Off: 12, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x8100, SkipTrue: 1}, // 802.1Q
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x88a8, SkipTrue: 2},
	bpf.LoadConstant{Dst: bpf.RegX, Val: etherLen + 4},
	bpf.LoadAbsolute{Off: 16, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipTrue: 4},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x0800, SkipTrue: 19},
	// IPv4
	bpf.LoadIndirect{Off: 9, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: vrrp.Protocol, SkipTrue: 18},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: vrrp.ProtocolAH, SkipTrue: 17, SkipFalse: 16},
	// IPv6
	bpf.LoadIndirect{Off: 6, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: vrrp.Protocol, SkipTrue: 15},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: vrrp.ProtocolAH, SkipTrue: 14},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 3},  // hop-by-hop
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 43, SkipTrue: 2}, // routing
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 44, SkipTrue: 1}, // fragment
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 60, SkipTrue: 9},
	bpf.LoadIndirect{Off: 24, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0xff, SkipTrue: 7}, // a group
	bpf.LoadIndirect{Off: ipv6Len, Size: 1},                    // what the extension header names
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: vrrp.Protocol, SkipTrue: 6},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: vrrp.ProtocolAH, SkipTrue: 5},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 4},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 43, SkipTrue: 3},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 44, SkipTrue: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 60, SkipTrue: 1},
	bpf.RetConstant{Val: 0},
	bpf.RetConstant{Val: 1 << 16},
}

// attachFilter gives a socket a classic BPF filter.
func attachFilter(fd int, program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("assembling the socket filter: %w", err)
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return fmt.Errorf("attaching the socket filter: %w", err)
	}
	return nil
}
