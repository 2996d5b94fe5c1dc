package loader

import (
	"errors"
	"fmt"
	"net"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// What Features looks for.
const (
	FeatureXDP   = "XDP"
	FeatureRing  = "ring buffer"
	FeatureTimer = "bpf_timer"
	FeatureLoop  = "bpf_loop"
	FeatureTCX   = "tcx"
)

// Feature is something of the kernel that the datapath uses.
type Feature struct {
	Name  string
	Since string // the first kernel that has it
	Has   bool
	Err   error // why that cannot be told, such as a missing capability; Has is false then
}

// Features asks the kernel what of BPF it has, by loading tiny programs and maps
// that are gone when it returns. What cannot be asked without CAP_BPF has an Err.
func Features() []Feature {
	_ = rlimit.RemoveMemlock() // as Open
	probe := func(name, since string, err error) Feature {
		f := Feature{Name: name, Since: since, Has: err == nil}
		if err != nil && !errors.Is(err, ebpf.ErrNotSupported) {
			f.Err = err
		}
		return f
	}
	return []Feature{
		probe(FeatureXDP, "4.8", features.HaveProgramType(ebpf.XDP)),
		probe(FeatureRing, "5.8", features.HaveMapType(ebpf.RingBuf)),
		probe(FeatureTimer, "5.15", features.HaveProgramHelper(ebpf.Syscall, asm.FnTimerInit)),
		probe(FeatureLoop, "5.17", features.HaveProgramHelper(ebpf.SchedCLS, asm.FnLoop)),
		probe(FeatureTCX, "6.6", haveTCX()),
	}
}

// haveTCX asks what is attached to the loopback interface that way: kernels
// without it do not know the question.
func haveTCX() error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	_, err = link.QueryPrograms(link.QueryOptions{Target: lo.Index, Attach: ebpf.AttachTCXIngress})
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("tcx: %w", ebpf.ErrNotSupported)
	}
	return err
}

// ProgramName is what the kernel calls our XDP program.
const ProgramName = vrrpxProgVrrpxRx

// Occupant tells what XDP program an interface has, ours too; nil for none. It may
// read all of /proc.
func Occupant(ifindex int) (*ForeignError, error) { return occupant(ifindex) }
