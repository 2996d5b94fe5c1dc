package netio

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// heard is what a Receiver knows of one router.
type heard struct {
	rule    Rule         // the reading goroutine's own, like the buckets
	since   vrrp.Instant // when it was set
	buckets [numClasses]bucket

	received, matched, plain, pseudo, old atomic.Uint64
	lastSeen, lastMatch                   atomic.Int64
	drops                                 [vrrp.NumDrops]atomic.Uint64
	arrivals                              [32]atomic.Uint64
	gaps                                  gaps
}

// The classes of adverts, each with a bucket.
const (
	ofMaster = iota
	significant
	release
	other
	numClasses
)

// accept counts a valid advert and tells whether its class's bucket lets it
// through: Accepted or DropOverflow.
func (h *heard) accept(at vrrp.Instant, fr *vrrp.Frame) vrrp.Drop {
	h.received.Add(1)
	h.lastSeen.Store(int64(at))
	switch fr.Checksum {
	case vrrp.ChecksumPlain:
		h.plain.Add(1)
	case vrrp.ChecksumOld:
		h.old.Add(1)
	default:
		h.pseudo.Add(1)
	}
	class, priority := other, fr.Message[2]
	switch {
	case h.rule.Master.matches(fr):
		class = ofMaster
		h.match(at)
	case priority == 0:
		class = release
	case priority >= h.rule.Priority:
		class = significant
	}
	if !h.buckets[class].take(at, h.rule.Rate, h.rule.Burst) {
		return vrrp.DropOverflow
	}
	return vrrp.Accepted
}

func (m *Match) matches(fr *vrrp.Frame) bool {
	return fr.Src == m.Src && fr.Message[2] == m.Priority && (m.MAC == [6]byte{} || m.MAC == fr.MAC)
}

func (h *heard) match(at vrrp.Instant) {
	h.matched.Add(1)
	if before := vrrp.Instant(h.lastMatch.Swap(int64(at))); before > h.since { // not across a change of rule, as in bpf/verdict.h
		us := uint64(at.Sub(before) / time.Microsecond)
		h.arrivals[min(max(bits.Len64(us), 1), 32)-1].Add(1)
		h.gaps.keep(before, at)
	}
}

// bucket is a token bucket in one number, the time at which it will be full
// again (GCRA, as in bpf/verdict.h).
type bucket vrrp.Instant

// take takes a token of a bucket that gains rate of them a second and holds
// burst; both are above 0.
func (b *bucket) take(at vrrp.Instant, rate, burst uint32) bool {
	every := time.Second / time.Duration(rate)
	full := max(vrrp.Instant(*b), at).Add(every)
	if full.Sub(at) > every*time.Duration(burst) {
		return false
	}
	*b = bucket(full)
	return true
}

// RouterCounts are the counters of one router on one interface.
type RouterCounts struct {
	Received  uint64       // valid adverts, from anyone
	Matched   uint64       // of them those of Rule.Master
	Plain     uint64       // of them summed over the message alone
	Pseudo    uint64       // of them summed with the pseudo-header
	Old       uint64       // of them summed as vrrp.ChecksumOld
	LastSeen  vrrp.Instant // the last valid advert, 0 for never
	LastMatch vrrp.Instant // the last of Rule.Master
	Drops     [vrrp.NumDrops]uint64
	Arrivals  [32]uint64 // [k]: matches 2^k to 2^(k+1) us after the one before, of one rule
	Gaps      []Gap      // in the order of time, of the last minutes; see loader.State
}

// InterfaceCounts are the counters of an interface.
type InterfaceCounts struct {
	Frames uint64                // VRRP and AH frames seen, taken or not
	Lost   uint64                // frames that the ring had no room for, not seen
	Drops  [vrrp.NumDrops]uint64 // those not laid to a router
}

// Router returns a router's counters; false when it was never set.
func (r *Receiver) Router(vrid uint8, f vrrp.Family) (RouterCounts, bool) {
	h := r.router(vrid, f)
	if h == nil {
		return RouterCounts{}, false
	}
	return RouterCounts{
		Received: h.received.Load(), Matched: h.matched.Load(), Plain: h.plain.Load(), Pseudo: h.pseudo.Load(), Old: h.old.Load(),
		LastSeen: vrrp.Instant(h.lastSeen.Load()), LastMatch: vrrp.Instant(h.lastMatch.Load()),
		Drops: [vrrp.NumDrops]uint64(loadAll(h.drops[:])), Arrivals: [32]uint64(loadAll(h.arrivals[:])),
		Gaps: h.gaps.list(clock.Now()),
	}, true
}

// Interface returns the interface's counters.
func (r *Receiver) Interface() InterfaceCounts {
	return InterfaceCounts{
		Frames: r.frames.Load(), Lost: r.ring.countLost(), Drops: [vrrp.NumDrops]uint64(loadAll(r.drops[:])),
	}
}

func loadAll(counters []atomic.Uint64) []uint64 {
	values := make([]uint64, len(counters))
	for i := range counters {
		values[i] = counters[i].Load()
	}
	return values
}
