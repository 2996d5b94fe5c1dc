package loader

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Options is what Open is told.
type Options struct {
	// PinDir is where the maps are pinned for people to look at; empty pins
	// nothing. It must be on a BPF file system; one is mounted on /sys/fs/bpf
	// when the directory would be there and none is.
	PinDir string
	// NoTimer leaves the kernel's deadlines out, as on a kernel before 5.15.
	NoTimer bool
}

// Kernel is the loaded datapath. The event loop owns FD, Drain, SetRule,
// Remove, Arm and Cancel; the rest any goroutine may call.
type Kernel struct {
	rx                                          *ebpf.Program
	gated                                       bool // rx shuts gates (kernel 5.12)
	routers, state, interfaces, buckets, events *ebpf.Map
	peers                                       *ebpf.Map
	speakers                                    *ebpf.Map
	peersOf                                     map[Key]*vrrp.Unicast // whose peers are in it
	slots, lease                                *ebpf.Map             // of the advert clock, and of whoever opens or shuts its gates

	refusals refusals
	watches  watches

	arm         *ebpf.Program // nil without deadlines
	deadlines   *ebpf.Map     // likewise
	noDeadlines string
	armMu       sync.Mutex

	ring    *ring
	event   Event
	packets []byte // of the events of one Drain

	pinDir string

	mu    sync.Mutex
	links map[int]*attachment // by ifindex
}

type attachment struct {
	link  link.Link
	mode  Mode
	note  string
	users int // calls of Attach that Detach has not ended
}

// Open loads programs and maps. It needs root, or CAP_BPF, CAP_PERFMON and
// CAP_NET_ADMIN, and a kernel from 5.10. Pins in PinDir under the names of ours
// are replaced, each at once: they are what a killed process left. Where they
// alone are the trouble it fails with *PinError.
func Open(o Options) (*Kernel, error) {
	// Kernels before 5.11 count BPF memory against it. Where it cannot be
	// raised it may still be enough; the load will tell.
	_ = rlimit.RemoveMemlock()

	spec, err := loadVrrpx()
	if err != nil {
		return nil, err
	}
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails
	if err := spec.Variables[vrrpxVarDigestSeed].Set(binary.NativeEndian.Uint64(seed[:])); err != nil {
		return nil, err
	}
	k := &Kernel{links: map[int]*attachment{}, pinDir: o.PinDir, peersOf: map[Key]*vrrp.Unicast{}}
	if err := k.open(spec, o); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func (k *Kernel) open(spec *ebpf.CollectionSpec, o Options) error {
	if err := k.loadRx(spec); err != nil {
		return err
	}
	if o.NoTimer {
		k.noDeadlines = "left out"
	} else if err := k.loadDeadlines(spec); err != nil {
		k.noDeadlines = err.Error()
	}
	var err error
	if k.ring, err = openRing(k.events.FD(), int(k.events.MaxEntries())); err != nil {
		return err
	}
	return k.pin()
}

// loadRx loads the receive program and its maps.
func (k *Kernel) loadRx(spec *ebpf.CollectionSpec) error {
	var objs struct {
		Rx         *ebpf.Program `ebpf:"vrrpx_rx"`
		Routers    *ebpf.Map     `ebpf:"routers"`
		State      *ebpf.Map     `ebpf:"state"`
		Interfaces *ebpf.Map     `ebpf:"interfaces"`
		Buckets    *ebpf.Map     `ebpf:"buckets"`
		Events     *ebpf.Map     `ebpf:"events"`
		Peers      *ebpf.Map     `ebpf:"peers"`
		NoAccept   *ebpf.Map     `ebpf:"no_accept"`
		Watched    *ebpf.Map     `ebpf:"watched"`
		Speakers   *ebpf.Map     `ebpf:"speakers"`
		Slots      *ebpf.Map     `ebpf:"slots"`
		Lease      *ebpf.Map     `ebpf:"lease"`

		NoAcceptCount *ebpf.Variable `ebpf:"no_accept_count"`
		WatchedCount  *ebpf.Variable `ebpf:"watched_count"`
	}
	plain := spec.Programs[vrrpxProgVrrpxRx]
	var err error
	for _, p := range []*ebpf.ProgramSpec{spec.Programs[vrrpxProgVrrpxRxGated], plain} {
		p.Name = plain.Name // to people they are one
		spec.Programs[vrrpxProgVrrpxRx] = p
		err = spec.LoadAndAssign(&objs, nil)
		if errors.Is(err, unix.EINVAL) {
			// Before 5.18 the flag is unknown; without it drivers refuse native
			// mode at jumbo MTUs, and that is all.
			p.Flags &^= unix.BPF_F_XDP_HAS_FRAGS
			err = spec.LoadAndAssign(&objs, nil)
		}
		if err == nil {
			k.gated = p != plain
			break
		}
	}
	if err != nil {
		return explain("load the XDP program", err)
	}
	k.rx, k.routers, k.state = objs.Rx, objs.Routers, objs.State
	k.interfaces, k.buckets, k.events, k.peers = objs.Interfaces, objs.Buckets, objs.Events, objs.Peers
	k.slots, k.lease, k.speakers = objs.Slots, objs.Lease, objs.Speakers
	k.refusals.packets, k.refusals.count = objs.NoAccept, objs.NoAcceptCount
	k.refusals.users = map[vrrpxNoAcceptKey]int{}
	k.watches.claims, k.watches.count = objs.Watched, objs.WatchedCount
	k.watches.known = map[vrrpxWatchedKey]int{}
	return nil
}

// explain makes what the verifier said part of the error.
func explain(doing string, err error) error {
	var v *ebpf.VerifierError
	if errors.As(err, &v) {
		return fmt.Errorf("%s: %+v: %w", doing, v, err)
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%s: %w (it takes root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN)", doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Close takes the programs off the interfaces, the pins out of PinDir, and
// frees everything. It does all it can, and returns what failed. Nothing else
// may be called after it but Close.
func (k *Kernel) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	for ifindex := range k.links {
		errs = append(errs, k.detach(ifindex))
	}
	if k.pinDir != "" && k.routers != nil {
		_, err := unpin(k.pinDir)
		errs = append(errs, err)
	}
	if k.ring != nil {
		errs = append(errs, k.ring.close())
		k.ring = nil
	}
	// Closing what was never loaded is no error.
	for _, p := range []*ebpf.Program{k.rx, k.arm} {
		errs = append(errs, p.Close())
	}
	for _, m := range []*ebpf.Map{k.routers, k.state, k.interfaces, k.buckets, k.events, k.peers, k.refusals.packets, k.watches.claims, k.deadlines, k.slots, k.lease, k.speakers} {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
