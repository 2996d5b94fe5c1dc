package auth

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// ahGuard is auth_type AH. As in keepalived there is one sequence for the whole
// virtual router, of which each router remembers the highest number that it has
// sent or heard: the next master goes on from there.
//
// It is kept in memory alone. We begin from the clock, which runs ahead of what
// we send, four ticks for each second that VRRPv2 has at least between two
// adverts; so a restarted vrrpx is no replay to its peers. A restarted keepalived
// begins from 0 and goes on from the first number that it hears; were ours kept
// over a restart of both, its adverts would be refused until then.
type ahGuard struct {
	password string
	ah       *vrrp.AH
	last     atomic.Uint64
	wall     func() WallTime
	first    uint64 // least number to send
	heard    window // the loop's; up to last
}

func newAHGuard(password string, span int) *ahGuard {
	// One more than the clock says, because a router that is killed and started
	// again may be back within the tick of its last advert.
	return &ahGuard{password: password, ah: vrrp.NewAH(password), wall: wallNow, first: ahClock(wallNow()) + 1, heard: window{span: span}}
}

func (g *ahGuard) Check(a Advert, _ WallTime) (vrrp.Drop, Remark) {
	seq, d := g.ah.Verify(a.Packet)
	if d != vrrp.Accepted {
		return d, ""
	}
	if !g.take(uint64(seq)) {
		return vrrp.DropAuthReplay, ""
	}
	return vrrp.Accepted, ""
}

// take takes a number that has been verified; false when it is an old one.
func (g *ahGuard) take(seq uint64) bool {
	for {
		last := g.last.Load()
		if last > g.heard.highest() {
			g.heard.reset(last) // we have sent since: what others sent before is old
		}
		if !g.heard.admits(seq) {
			return false
		}
		if seq < last || g.last.CompareAndSwap(last, seq) {
			g.heard.take(seq)
			return true
		}
	}
}

// A tick of the clock as sequence number, and when it was 0: 2025 began. The
// numbers last until 2059.
const (
	ahTick  = WallTime(time.Second / 4)
	ahEpoch = WallTime(1735689600 * 1e9)
)

func ahClock(w WallTime) uint64 { return uint64(max(w-ahEpoch, 0) / ahTick) }

// next is the number of the next advert. At the end of the numbers it stays
// there, and its adverts are refused.
func (g *ahGuard) next() uint32 {
	for {
		last := g.last.Load()
		n := min(max(last+1, ahClock(g.wall()), g.first), math.MaxUint32)
		if g.last.CompareAndSwap(last, n) {
			return uint32(n)
		}
	}
}

func (g *ahGuard) Wrap(msg []byte) []byte { return append(make([]byte, vrrp.AHLen), msg...) }

func (g *ahGuard) Sealer() func([]byte) {
	ah := vrrp.NewAH(g.password)
	return func(frame []byte) { ah.Seal(packetOf(frame), g.next()) }
}

func (g *ahGuard) Proto() uint8 { return vrrp.ProtocolAH }

func (g *ahGuard) Trouble() string { return "" }

func (g *ahGuard) String() string { return "AH" }

// packetOf is the IP packet of an Ethernet frame of ours, which has no tag.
func packetOf(frame []byte) []byte { return frame[min(14, len(frame)):] }
