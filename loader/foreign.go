package loader

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
)

// ForeignError says whose XDP program keeps ours off an interface.
type ForeignError struct {
	Ifindex int
	Name    string   // of the program, at most 15 bytes
	ID      uint32   // of the program, as bpftool prints it
	Mode    Mode     // Native or Generic; Off when it is in the hardware
	Holders []string // processes that hold it: "NAME (pid N)"; none when it is pinned or was attached for good
}

func (e *ForeignError) Error() string {
	where := e.Mode.String()
	if e.Mode == Off {
		where = "offloaded"
	}
	held := "which no process holds"
	if len(e.Holders) > 0 {
		held = "of " + strings.Join(e.Holders, ", ")
	}
	return fmt.Sprintf("interface %d has another XDP program, %s (%s, id %d), %s", e.Ifindex, e.Name, where, e.ID, held)
}

// The values of IFLA_XDP_ATTACHED (linux/if_link.h).
var attachedMode = map[uint32]Mode{1: Native, 2: Generic, 3: Off, 4: Off}

// unseen is the name of a program that the kernel does not show us, which takes CAP_SYS_ADMIN.
const unseen = "unknown"

// Unseen tells that whose program it is could not be asked: it may be ours.
func (e *ForeignError) Unseen() bool { return e.Name == unseen }

// occupant tells what XDP program an interface has; nil for none.
func occupant(ifindex int) (*ForeignError, error) {
	dev, err := netlink.LinkByIndex(ifindex)
	if err != nil {
		return nil, fmt.Errorf("XDP program of interface %d: %w", ifindex, err)
	}
	x := dev.Attrs().Xdp
	if x == nil || !x.Attached {
		return nil, nil
	}
	e := &ForeignError{Ifindex: ifindex, ID: x.ProgId, Mode: attachedMode[x.AttachMode], Name: unseen}
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(x.ProgId))
	if err != nil {
		return e, nil // gone in this moment, or not for us to see
	}
	if info, err := p.Info(); err == nil && info.Name != "" {
		e.Name = info.Name
	}
	p.Close() // or we would be a holder too
	e.Holders = holders(x.ProgId)
	return e, nil
}

// holders finds the processes with a descriptor of the program or of a link to
// it. It reads all of /proc, so it is for errors only.
func holders(id uint32) []string {
	var found []string
	want := fmt.Sprintf("\nprog_id:\t%d\n", id)
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		infos, _ := filepath.Glob(proc + "/fdinfo/*")
		for _, info := range infos {
			text, err := os.ReadFile(info)
			if err != nil || !strings.Contains(string(text), want) {
				continue // closed by now, or another thing
			}
			comm, _ := os.ReadFile(proc + "/comm")
			found = append(found, fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(comm)), filepath.Base(proc)))
			break
		}
	}
	return found
}
