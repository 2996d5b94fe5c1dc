package loader

import (
	"errors"
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Gate tells whether the advert clock sends a slot's adverts.
type Gate uint8

// The gates. Only GateOpen sends. Yielded, Lapsed and Frozen the kernel sets, and only Set
// and Shut leave them.
const (
	GateShut    = Gate(vrrpxGateGATE_SHUT)
	GateArmed   = Gate(vrrpxGateGATE_ARMED)   // of a BACKUP that the kernel may make MASTER
	GateOpen    = Gate(vrrpxGateGATE_OPEN)    // of a MASTER
	GateYielded = Gate(vrrpxGateGATE_YIELDED) // a better advert was heard
	GateLapsed  = Gate(vrrpxGateGATE_LAPSED)  // the lease was not renewed in time
	GateFrozen  = Gate(vrrpxGateGATE_FROZEN)  // the last advert was a master-down interval ago
	GateTaking  = Gate(vrrpxGateGATE_TAKING)  // for an instant between armed and open
)

// Latched tells of a gate that the kernel has shut.
func (g Gate) Latched() bool { return g == GateYielded || g == GateLapsed || g == GateFrozen }

func (g Gate) String() string {
	switch g {
	case GateShut:
		return "shut"
	case GateArmed:
		return "armed"
	case GateOpen:
		return "open"
	case GateYielded:
		return "yielded"
	case GateLapsed:
		return "lapsed"
	case GateFrozen:
		return "frozen"
	case GateTaking:
		return "taking"
	}
	return fmt.Sprintf("Gate(%d)", uint8(g))
}

// GateWord is a gate and a count of its changes: equal words mean that nothing
// has changed in between.
type GateWord uint64

// Gate is what the word says now.
func (w GateWord) Gate() Gate { return Gate(w) }

// Follows tells whether the kernel made one change after the word was another:
// a gate that it opened has yielded, lapsed or frozen since.
func (w GateWord) Follows(open GateWord) bool {
	g := w.Gate()
	return w>>gateBits == open>>gateBits+1 && (g == GateYielded || g == GateLapsed || g == GateFrozen)
}

// next is the word after a change.
func (w GateWord) next(g Gate) GateWord {
	return (w>>gateBits+1)<<gateBits | GateWord(g)
}

const (
	gateBits = 8    // GATE_BITS in bpf/abi.h
	MaxFrame = 1518 // octets of a frame that the clock can send, FRAME_MAX
	MaxSlots = 4096 // MAX_SLOTS in bpf/maps.h
)

// What Clock's methods fail with.
var (
	ErrNoSlot    = errors.New("the advert clock has no slot left")
	ErrLongFrame = errors.New("an advert is longer than 1518 octets")
)

// Schedule is what a slot sends, and when.
type Schedule struct {
	Key      Key           // of the router, whose events name it; the family is that of the frames
	Ifindex  int           // by which the frames leave
	Frames   [][]byte      // whole Ethernet frames, one for each destination; copied
	Interval time.Duration // above 0
	Lease    time.Duration // since the last Renew; 0: none
	Down     time.Duration // master-down interval, see Frozen; 0: never
	// Next is the first advert. Past ones are skipped but for the last, which is sent
	// at once. 0 means one interval from now.
	Next   vrrp.Instant
	Reopen bool // a gate that the kernel has shut may be opened
}

// SlotCounts are the counters of one slot since Add.
type SlotCounts struct {
	Sent    uint64        // frames handed to the interface
	Failed  uint64        // frames that it refused
	Late    uint64        // adverts more than 1 ms past their time
	MaxLate time.Duration // the worst
	Missed  uint64        // adverts that were skipped
}

// Gates tells whether a better advert shuts the gate of a rule's slot, which takes
// kernel 5.12, so that the kernel may open one at a deadline.
func (k *Kernel) Gates() bool { return k.gated && k.Deadlines() }
