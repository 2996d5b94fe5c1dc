package loader

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// State is what the kernel has seen of one router. Counters start with the
// router and only grow.
type State struct {
	LastSeen  vrrp.Instant // last valid advert, from anyone
	LastMatch vrrp.Instant // last advert that the rule elided, here and on no other line

	Received       uint64 // valid adverts; of them:
	Matched        uint64 // elided
	SentUp         uint64 // put on the ring
	ChecksumPlain  uint64 // with a checksum over the message alone
	ChecksumPseudo uint64 // with one that includes the pseudo-header
	ChecksumOld    uint64 // of unicast, with one whose destination is the group

	Drops    [vrrp.NumDrops]uint64 // those of Drop.OfRouter; the others are 0
	Arrivals [32]uint64            // [k]: elided adverts 2^k to 2^(k+1) us after the one before

	// Gaps are the longest times from one elided advert to the next, in stretches of
	// 2^36 ns of the clock (69 s), in the order of time: those of the last 206 to 275 s, as far
	// as adverts came and the rule was not set in between. The others are zero, and come last.
	Gaps [gapWindows]Gap

	Armed     uint64 // deadlines set
	Postponed uint64 // times the timer ran and an elided advert had moved the deadline
	Fired     uint64 // down and taken events
	Taken     uint64 // of them taken
	Retried   uint64 // times the ring had no room for one; it came 1 ms later
	Stalled   uint64 // times this host was found to have stood still
}

// Gap is a time without an advert of the master.
type Gap struct {
	Ended   vrrp.Instant // when the next advert came
	Longest time.Duration
}

// InterfaceCounters is what the kernel has seen on one interface since Attach.
type InterfaceCounters struct {
	Frames  uint64 // with VRRP, or AH in front of it
	Passed  uint64 // to the rest of the host
	Dropped uint64 // in the driver, where tcpdump does not see them
	// NotListed are of speakers that were too many at once to be noted.
	NotListed uint64
	Drops     [vrrp.NumDrops]uint64 // those not of a router; the others are 0
}

const firstOfRouter = int(vrrp.DropTTL)

// The structs of drops are counters and nothing else, in the order of
// vrrp.Drop: arrays with names. Each line compiles only if it is so.
type (
	interfaceDrops [firstOfRouter - 1]uint64
	routerDrops    [vrrp.NumDrops - firstOfRouter]uint64
)

var (
	_ [unsafe.Sizeof(interfaceDrops{})]byte = [unsafe.Sizeof(vrrpxIfaceCounters{}.Drops)]byte{}
	_ [unsafe.Sizeof(routerDrops{})]byte    = [unsafe.Sizeof(vrrpxRouterState{}.Drops)]byte{}
)

// State reads a router's counters. It fails with ebpf.ErrKeyNotExist for a
// router that was not added.
func (k *Kernel) State(key Key) (State, error) {
	rawKey := key.raw()
	var raw vrrpxRouterState
	if err := k.state.Lookup(&rawKey, &raw); err != nil {
		return State{}, fmt.Errorf("state of %v: %w", key, err)
	}
	s := State{
		LastSeen: vrrp.Instant(raw.LastSeenNs), LastMatch: vrrp.Instant(raw.LastMatchNs),
		Received: raw.Received, Matched: raw.Matched, SentUp: raw.SentUp,
		ChecksumPlain: raw.ChecksumPlain, ChecksumPseudo: raw.ChecksumPseudo, ChecksumOld: raw.ChecksumOld,
		Arrivals: raw.Arrivals, Gaps: gapsOf(&raw, clock.Now()),
	}
	drops := (*routerDrops)(unsafe.Pointer(&raw.Drops))
	copy(s.Drops[firstOfRouter:], drops[:])
	if k.deadlines == nil {
		return s, nil
	}
	var d vrrpxDeadline
	switch err := k.deadlines.Lookup(&rawKey, &d); {
	case err == nil:
		s.Armed, s.Postponed, s.Fired, s.Retried = d.Armed, d.Postponed, d.Fired, d.Retried
		s.Taken, s.Stalled = d.Taken, d.Stalled
	case !errors.Is(err, ebpf.ErrKeyNotExist): // never armed yet
		return s, fmt.Errorf("deadline of %v: %w", key, err)
	}
	return s, nil
}

// gapsOf leaves out what is older than the windows go back: the kernel writes over
// it only when adverts come.
func gapsOf(raw *vrrpxRouterState, now vrrp.Instant) (gaps [gapWindows]Gap) {
	newest, n := uint64(now)>>gapShift, 0
	for _, g := range raw.Gaps {
		if g.Window != 0 && g.Window+uint64(gapWindows) > newest && g.LongestNs > 0 {
			gaps[n] = Gap{Ended: vrrp.Instant(g.AtNs), Longest: time.Duration(g.LongestNs)}
			n++
		}
	}
	slices.SortFunc(gaps[:n], func(a, b Gap) int { return cmp.Compare(a.Ended, b.Ended) })
	return gaps
}

// As in bpf/abi.h.
const (
	gapShift   = 36
	gapWindows = len(vrrpxRouterState{}.Gaps)
)

// LastMatch is when an advert of the router was last elided, on its interface or
// a heartbeat line of it, 0 for never. It costs about a microsecond.
func (k *Kernel) LastMatch(key Key) (vrrp.Instant, error) {
	rawKey := key.raw()
	var raw vrrpxRouterState
	if err := k.state.Lookup(&rawKey, &raw); err != nil {
		return 0, fmt.Errorf("state of %v: %w", key, err)
	}
	return vrrp.Instant(raw.RefreshedNs), nil
}

// Interface reads the counters of an interface. It fails with
// ebpf.ErrKeyNotExist for one that is not attached.
func (k *Kernel) Interface(ifindex int) (InterfaceCounters, error) {
	var raw vrrpxIfaceCounters
	if err := k.interfaces.Lookup(uint32(ifindex), &raw); err != nil {
		return InterfaceCounters{}, fmt.Errorf("counters of interface %d: %w", ifindex, err)
	}
	c := InterfaceCounters{Frames: raw.Frames, Passed: raw.Passed, Dropped: raw.Dropped, NotListed: raw.NotListed}
	drops := (*interfaceDrops)(unsafe.Pointer(&raw.Drops))
	copy(c.Drops[1:], drops[:])
	return c, nil
}
