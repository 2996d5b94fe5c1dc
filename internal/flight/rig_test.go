package flight

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

const t0 = vrrp.Instant(time.Hour)

var (
	own   = netip.MustParseAddr("10.0.0.9")
	other = netip.MustParseAddr("10.0.0.10")
	vip   = netip.MustParseAddr("10.0.0.100")
)

func base() vrrp.Config {
	return vrrp.Config{
		Version: 3, Family: vrrp.IPv4, VRID: 51, Priority: 100, Interval: time.Second,
		Primary: own, Addrs: []netip.Addr{vip}, Preempt: true, DownAdverts: 3, MaxLearn: 10, ReplyToLower: true,
	}
}

func advert(src netip.Addr, priority uint8) vrrp.Advert {
	return vrrp.Advert{Src: src, MAC: [6]byte{2, 0, 0, 0, 0, 6}, Packet: vrrp.Packet{
		Version: 3, VRID: 51, Priority: priority, Interval: time.Second, Addrs: []netip.Addr{vip},
	}}
}

// pilot is a recorded machine.
type pilot struct {
	m    *vrrp.Machine
	ring *Ring
	now  vrrp.Instant
	done []Record // all of its steps
}

func newPilot(c vrrp.Config, size int) *pilot {
	p := &pilot{m: vrrp.New(c), ring: NewRing(size), now: t0}
	p.ring.Begin(p.now, p.m)
	return p
}

func (p *pilot) step(at vrrp.Instant, in vrrp.Input) {
	out := p.m.Step(at, in, nil)
	p.now = max(p.now, at) + 1000
	p.ring.Step(at, p.now, p.m, in, out)
	p.done = append(p.done, Record{At: at, Done: p.now, Input: in, Effects: out})
}

// fly steps n random inputs of every kind.
func (p *pilot) fly(rng *rand.Rand, n int) {
	for range n {
		p.now = p.now.Add(time.Duration(rng.Int64N(int64(2 * time.Second))))
		if due, ok := p.m.Deadline(); ok && rng.IntN(3) == 0 {
			p.step(max(due, p.now), vrrp.Timer{})
			continue
		}
		p.step(p.now, someInput(rng, p.now))
	}
}

// kinds has one of each kind of input.
var kinds = []vrrp.Input{
	vrrp.Startup{}, vrrp.Startup{Resume: true}, vrrp.Shutdown{}, vrrp.Timer{}, vrrp.Heard{Advert: advert(other, 200)},
	vrrp.SetPriority{Priority: 150}, vrrp.SetConfig{Config: base()}, vrrp.Fault{Cause: "link down", Active: true}, vrrp.Fault{Cause: "link down"},
	vrrp.HeldUp{Silence: time.Second}, vrrp.Withdraw{Cause: "removed"}, vrrp.Paused{Since: 5, Length: time.Minute, Seen: 7},
	vrrp.Lapsed{Away: 2 * time.Second, Lease: time.Second}, vrrp.WaitAnew{}, vrrp.Permit{Granted: true}, vrrp.Permit{}, vrrp.Yield{Cause: "a test"},
	vrrp.GroupTake{}, vrrp.GroupYield{Cause: "V2"}, vrrp.GroupFault{Cause: "V2"}, vrrp.GroupFault{}, vrrp.GroupContest{Handicap: 2.5},
	vrrp.GroupAnnounce{}, vrrp.GroupLeave{},
}

func someInput(rng *rand.Rand, now vrrp.Instant) vrrp.Input {
	switch rng.IntN(4) {
	case 0:
		return kinds[rng.IntN(len(kinds))]
	case 1:
		return vrrp.Startup{}
	}
	src := []netip.Addr{own, other, vip, netip.MustParseAddr("10.0.0.1"), {}}[rng.IntN(5)]
	a := advert(src, []uint8{0, 1, 99, 100, 101, 254, 255}[rng.IntN(7)])
	a.Interval = []time.Duration{time.Second, 10 * time.Millisecond, 40 * time.Second}[rng.IntN(3)]
	a.Addrs = [][]netip.Addr{{vip}, nil, {vip, other}, {netip.MustParseAddr("fe80::1%eth0")}}[rng.IntN(4)]
	a.AuthData = [8]byte{1, 2, 3}
	return vrrp.Heard{Advert: a}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
