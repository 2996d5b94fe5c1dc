package loader

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

// ErrNoDeadlines is returned by Arm and Cancel where the kernel keeps no
// deadlines; NoDeadlines says why.
var ErrNoDeadlines = errors.New("this kernel keeps no deadlines")

// loadDeadlines loads the program that sets timers, beside the maps that are
// loaded already. It is apart from the rest because it needs 5.15.
func (k *Kernel) loadDeadlines(spec *ebpf.CollectionSpec) error {
	if err := features.HaveProgramHelper(ebpf.Syscall, asm.FnTimerInit); err != nil {
		return fmt.Errorf("bpf_timer in a syscall program (kernel 5.15): %w", err)
	}
	var objs struct {
		Arm       *ebpf.Program `ebpf:"vrrpx_arm"`
		Deadlines *ebpf.Map     `ebpf:"deadlines"`
	}
	shared := map[string]*ebpf.Map{
		vrrpxMapState: k.state, vrrpxMapEvents: k.events, vrrpxMapSlots: k.slots, vrrpxMapLease: k.lease,
	}
	err := spec.LoadAndAssign(&objs, &ebpf.CollectionOptions{MapReplacements: shared})
	if err != nil {
		return explain("load the deadlines' program", err)
	}
	k.arm, k.deadlines = objs.Arm, objs.Deadlines
	return nil
}

// Deadlines tells whether the kernel keeps deadlines, so that Arm and Cancel
// work.
func (k *Kernel) Deadlines() bool { return k.arm != nil }

// NoDeadlines says why Deadlines is false.
func (k *Kernel) NoDeadlines() string { return k.noDeadlines }

// Deadline is when a router's master is taken for dead: At, or Down after the
// last elided advert that arrived after Since, whichever is later.
type Deadline struct {
	At, Since vrrp.Instant
	Down      time.Duration
	// Interval and Skew are those of the master and of the router. A host that
	// stood still for most of an interval while the deadline ran heard nothing in
	// that time: the deadline then waits for Interval and Skew more, once in a
	// silence, and a Stalled event says so. Without Interval it does not.
	Interval, Skew time.Duration
	// Slot is that of the advert clock plus one, 0 for none, whose gate the kernel
	// opens when the deadline passes, if it still has the word Gate, of GateArmed,
	// and the lease is fresh. Then a Taken comes in place of the Down.
	Slot uint32
	Gate GateWord
}

// Arm sets the router's deadline, in place of any it had. When it
// passes the kernel sends one Down event, whatever this process is doing, and
// SoonBefore that a Soon. A deadline in the past passes at once. It costs a few
// microseconds and fails with ErrNoDeadlines, or with what the kernel says.
func (k *Kernel) Arm(key Key, d Deadline) error {
	return k.setDeadline(vrrpxDeadlineRequest{
		Key: key.raw(), Op: vrrpxDeadlineOpDEADLINE_ARM,
		AtNs: uint64(d.At), SinceNs: uint64(d.Since), DownNs: uint64(d.Down),
		IntervalNs: uint64(d.Interval), SkewNs: uint64(d.Skew),
		Gate: uint64(d.Gate), Slot: d.Slot,
	})
}

// Cancel removes the router's deadline if it has one. A Down event may be on
// the ring already.
func (k *Kernel) Cancel(key Key) error {
	return k.setDeadline(vrrpxDeadlineRequest{Key: key.raw(), Op: vrrpxDeadlineOpDEADLINE_CANCEL})
}

func (k *Kernel) setDeadline(req vrrpxDeadlineRequest) error {
	if k.arm == nil {
		return ErrNoDeadlines
	}
	k.armMu.Lock() // the program must not run twice at once for one router
	defer k.armMu.Unlock()
	ret, err := k.arm.Run(&ebpf.RunOptions{Context: &req})
	if err == nil && ret != 0 {
		err = unix.Errno(-int32(ret))
	}
	if err != nil {
		return fmt.Errorf("deadline of interface %d VRID %d: %w", req.Key.Ifindex, req.Key.Vrid, err)
	}
	return nil
}
