// Package heldcpu holds up a processor for tests and the bench, as the host of a
// virtual machine does: for a time it runs nothing, no process, no softirq, no
// interrupt. It is a BPF program in the interrupt of a perf timer that looks at
// the clock until the time is over. Linux 5.17 (bpf_loop), as root. A Watch sees when
// a processor was held, whoever did it.
package heldcpu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Longest is for how long a processor can be held: bpf_loop ends after 2^23 looks.
const Longest = 100 * time.Millisecond

// within is how often the timer looks whether to hold.
const within = time.Millisecond

// A CPU is one that can be held.
type CPU struct {
	cpu   int
	event int // perf
	state *ebpf.Map
	prog  *ebpf.Program
}

// The state: how long to hold, in ns, and from when to when it was held.
const (
	askAt, fromAt, toAt = 0, 8, 16
	stateSize           = 24
)

// Open prepares a processor. Close is to be called in the end.
func Open(cpu int) (_ *CPU, err error) {
	c := &CPU{cpu: cpu, event: -1}
	defer func() {
		if err != nil {
			c.Close()
			err = fmt.Errorf("cannot hold processor %d: %w", cpu, err)
		}
	}()
	if c.state, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: stateSize, MaxEntries: 1}); err != nil {
		return nil, err
	}
	if c.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.PerfEvent, License: "GPL", Instructions: program(c.state)}); err != nil {
		return nil, err
	}
	c.event, err = interrupt(cpu, within, c.prog)
	return c, err
}

// interrupt runs a program in an interrupt of a processor, every so often.
func interrupt(cpu int, every time.Duration, prog *ebpf.Program) (event int, err error) {
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Sample: uint64(every), Bits: unix.PerfBitDisabled}
	attr.Size = uint32(unix.PERF_ATTR_SIZE_VER5)
	event, err = unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	err = errors.Join(
		unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_SET_BPF, prog.FD()),
		unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_ENABLE, 0))
	if err != nil {
		_ = unix.Close(event)
		return -1, err
	}
	return event, nil
}

// program holds the processor when asked to.
func program(state *ebpf.Map) asm.Instructions {
	return asm.Instructions{
		btf.WithFuncMetadata(asm.StoreImm(asm.RFP, -4, 0, asm.Word).WithSymbol("hold"), function("hold", btf.GlobalFunc, "ctx")),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, state.FD()),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "done"),
		asm.Mov.Reg(asm.R6, asm.R0),
		asm.LoadMem(asm.R7, asm.R6, askAt, asm.DWord),
		asm.JEq.Imm(asm.R7, 0, "done"),
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.R6, fromAt, asm.R0, asm.DWord),
		asm.Add.Reg(asm.R7, asm.R0),
		asm.StoreMem(asm.RFP, -16, asm.R7, asm.DWord),
		asm.Mov.Imm(asm.R1, 1<<23),
		asm.Instruction{OpCode: asm.LoadImmOp(asm.DWord), Dst: asm.R2, Src: asm.PseudoFunc, Constant: -1}.WithReference("look"),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, -16),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnLoop.Call(),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.R6, askAt, asm.R1, asm.DWord),
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.R6, toAt, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("done"),
		asm.Return(),

		btf.WithFuncMetadata(asm.Mov.Reg(asm.R6, asm.R2).WithSymbol("look"), function("look", btf.StaticFunc, "n", "until")),
		asm.FnKtimeGetNs.Call(),
		asm.LoadMem(asm.R1, asm.R6, 0, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.R0),
		asm.Mov.Imm(asm.R0, 0),
		asm.JLT.Reg(asm.R2, asm.R1, "go on"),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return().WithSymbol("go on"),
	}
}

// function is what the kernel has to know of one, to call it by bpf_loop: its
// parameters, of which the last is a pointer.
func function(name string, linkage btf.FuncLinkage, params ...string) *btf.Func {
	number := &btf.Int{Name: "long", Size: 8, Encoding: btf.Signed}
	proto := &btf.FuncProto{Return: number}
	for _, p := range params {
		proto.Params = append(proto.Params, btf.FuncParam{Name: p, Type: number})
	}
	proto.Params[len(params)-1].Type = &btf.Pointer{Target: &btf.Void{}}
	return &btf.Func{Name: name, Type: proto, Linkage: linkage}
}

// Hold holds the processor for so long, at most Longest, and returns when it was.
func (c *CPU) Hold(d time.Duration) (from, to vrrp.Instant, err error) {
	if d <= 0 || d > Longest {
		return 0, 0, fmt.Errorf("a processor can be held for up to %v, not for %v", Longest, d)
	}
	state := make([]byte, stateSize)
	native := binary.NativeEndian
	native.PutUint64(state[askAt:], uint64(d))
	if err := c.state.Put(uint32(0), state); err != nil {
		return 0, 0, err
	}
	for end := clock.Now().Add(10 * time.Second); ; time.Sleep(within) {
		if err := c.state.Lookup(uint32(0), &state); err != nil {
			return 0, 0, err
		}
		if to := native.Uint64(state[toAt:]); to != 0 {
			return vrrp.Instant(native.Uint64(state[fromAt:])), vrrp.Instant(to), nil
		}
		if clock.Now() > end {
			return 0, 0, fmt.Errorf("processor %d was not held", c.cpu)
		}
	}
}

// Close leaves the processor as it was.
func (c *CPU) Close() {
	if c.event >= 0 {
		_ = unix.Close(c.event)
	}
	if c.prog != nil {
		c.prog.Close()
	}
	if c.state != nil {
		c.state.Close()
	}
}
