package interop

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Bounds on durations are for what must not take seconds; a busy machine has
// room in them.
const (
	patience  = 15 * time.Second
	slack     = 500 * time.Millisecond // on top of a protocol time
	partition = 10 * time.Second
)

// cell is one LAN of two routers and one life that they go through.
type cell struct {
	mode
	peer     testnet.Kind
	wins     bool // vrrpx has the higher priority, or of equal ones the higher address
	interval time.Duration
}

func (c cell) String() string {
	return fmt.Sprintf("%s, %s, %s higher, %v", c.peer, c.name, c.higher(), c.interval)
}

func (c cell) higher() string {
	if c.wins {
		return "vrrpx"
	}
	return string(c.peer)
}

// pair is a cell under way: high is who must be MASTER when both could be.
type pair struct {
	cell
	lan       *testnet.LAN
	high, low *side

	cut, joined vrrp.Instant // the partition
}

func (c cell) build(t testing.TB, prefix string) *pair {
	t.Helper()
	const us = testnet.VRRPX
	// Where priority decides, the address would decide otherwise.
	number := map[bool]string{true: "1", false: "2"}
	addrs := func(n string) []netip.Prefix {
		return []netip.Prefix{netip.MustParsePrefix("10.99.0." + n + "/16"), netip.MustParsePrefix("2001:db8:1::" + n + "/64")}
	}
	high, low := addrs(number[!c.equal]), addrs(number[c.equal])
	p := &pair{cell: c, high: &side{cell: c, kind: us, priority: 150}, low: &side{cell: c, kind: c.peer, priority: 100}}
	if !c.wins {
		p.high.kind, p.low.kind = c.peer, us
	}
	if c.equal {
		p.high.priority = p.low.priority
	}
	family := 0
	if c.six {
		family = 1
	}
	p.high.own, p.high.peer = high[family].Addr(), low[family].Addr()
	p.low.own, p.low.peer = p.high.peer, p.high.own

	p.lan = testnet.Spec{Prefix: prefix, Hosts: []testnet.HostSpec{{Name: "high", Addrs: high}, {Name: "low", Addrs: low}}}.ForTest(t)
	for _, s := range []*side{p.high, p.low} {
		name := "low"
		if s == p.high {
			name = "high"
		}
		s.host = p.lan.Host(name)
		s.port = s.host.Links[0]
		var err error
		s.tap, err = s.port.Tap()
		must(t, err)
		t.Cleanup(func() { s.tap.Close() })
		if s.kind == testnet.FRR {
			must(t, s.host.AddFRRDevice(vrid, s.vips()...))
		}
	}
	return p
}

// live takes the pair through its life and returns how long the takeover from
// a killed MASTER took. turn is held except in the partition, which is long
// and costs little.
func (p *pair) live(t testing.TB, turn chan struct{}) time.Duration {
	p.election(t)
	holder, other := p.stopped(t, p.high, p.low)
	holder, other = p.returned(t, other, holder)
	took := p.killed(t, holder, other)
	p.comesBack(t, holder, other)
	both := p.parted(t)
	turn <- struct{}{}
	time.Sleep(time.Until(both))
	<-turn
	p.healed(t)
	p.ours(t)
	p.masterships(t)
	return took
}

func (p *pair) election(t testing.TB) {
	begin := testnet.Now()
	p.high.start(t)
	p.onlyHolder(t, begin, p.high, p.low)
	p.low.start(t)
	ready := testnet.Now()
	p.stays(t, ready, p.high, p.low)
}

// stopped stops one gracefully; the other takes over after its skew.
func (p *pair) stopped(t testing.TB, one, other *side) (holder, stopped *side) {
	begin := testnet.Now()
	must(t, one.daemon.Stop())
	one.stopped = true
	p.onlyHolder(t, begin, other, one)
	released, ad := one.lastAdvert(t)
	if ad.Priority != 0 {
		t.Errorf("graceful stop: the last advert of %s has priority %d, want 0", one, ad.Priority)
	}
	took := other.firstAdvert(t, released).Sub(released)
	p.within(t, "graceful stop: takeover by "+other.String(), took, other.leastSkew(), other.skew()+other.shy())
	p.announced(t, other, released)
	return other, one
}

// returned starts the one that was stopped: it preempts, or leaves the holder
// alone.
func (p *pair) returned(t testing.TB, one, holder *side) (now, other *side) {
	begin := testnet.Now()
	one.start(t)
	if p.nopreempt {
		p.stays(t, testnet.Now(), holder, one)
		return holder, one
	}
	p.onlyHolder(t, begin, one, holder)
	if listened := one.firstAdvert(t, begin).Sub(begin); listened < one.leastMasterDown()*9/10 {
		t.Errorf("%s came back and took over after %v, before its master-down interval of %v", one, listened, one.masterDown())
	}
	return one, holder
}

// killed kills the holder and pulls its cable, as the death of its host would.
func (p *pair) killed(t testing.TB, holder, other *side) time.Duration {
	begin := testnet.Now()
	holder.killed = begin
	holder.daemon.Kill9()
	must(t, holder.port.Cut())
	p.onlyHolder(t, begin, other, nil)
	last, ad := holder.lastAdvert(t)
	if int(ad.Priority) != holder.priority || last > begin.Add(slack) {
		t.Errorf("kill -9: last advert has priority %d, %v after the kill", ad.Priority, last.Sub(begin))
	}
	took := other.firstAdvert(t, last).Sub(last)
	p.within(t, "kill -9: takeover by "+other.String(), took, other.leastMasterDown(), other.masterDown()+other.shy())
	p.announced(t, other, last)
	return took
}

// comesBack starts the one that was killed: the daemon first, so that the
// address that the killed one left is off before the cable is in.
func (p *pair) comesBack(t testing.TB, one, holder *side) {
	must(t, one.daemon.Start())
	await(t, "the address of the killed "+one.String()+" to go", func() bool { return !one.holds() })
	begin := testnet.Now()
	must(t, one.port.Join())
	p.onlyHolder(t, begin, p.high, p.low)
}

// parted cuts the LAN in two: both are MASTER, as the protocol wants, until
// the instant returned.
func (p *pair) parted(t testing.TB) (until time.Time) {
	until = time.Now().Add(partition)
	p.cut = testnet.Now()
	must(t, p.low.port.Mute())
	must(t, p.low.port.Deafen())
	await(t, "both to have the address", func() bool { return p.high.holds() && p.low.holds() })
	return until
}

func (p *pair) healed(t testing.TB) {
	now := testnet.Now()
	for _, s := range []*side{p.high, p.low} {
		heard := len(s.adverts(now.Add(-3*s.interval-slack))) > 0
		if !s.holds() || !heard && !p.unicast {
			t.Errorf("partition: %s is not MASTER at its end", s)
		}
	}
	must(t, p.low.port.Join())
	joined := testnet.Now()
	p.joined = joined
	p.onlyHolder(t, now, p.high, p.low)
	// The better MASTER's next advert ends it.
	left := vrrp.Instant(0)
	if ads := p.low.adverts(joined); len(ads) > 0 {
		left = ads[len(ads)-1].At
		t.Logf("healed: %s sent %d more adverts in %v", p.low, len(ads), left.Sub(joined))
		if left > joined.Add(p.interval+slack+p.heals) {
			t.Errorf("healed: %s advertises %v later", p.low, left.Sub(joined))
		}
	}
	// Who heard it tells the hosts again who has the address. Replays are not heard.
	if left > 0 && p.high.kind == testnet.VRRPX && p.heals != replay {
		p.announced(t, p.high, now)
	}
	t.Logf("healed: %d announcements of %s", p.high.announcements(now), p.high)
}

// ours checks that vrrpx spoke as the mode says, all the time.
func (p *pair) ours(t testing.TB) {
	if p.shows == nil {
		return
	}
	for _, s := range []*side{p.high, p.low} {
		if s.kind != testnet.VRRPX {
			continue
		}
		for _, f := range s.adverts(0) {
			if !p.shows(f.Bytes) {
				t.Fatalf("an advert of %s is not %s: %x", s, p.name, f.Bytes)
			}
		}
	}
}

// masterships checks that vrrpx was MASTER as often as its life demands, and
// not once more. At 10 ms a stall of the peer is a reason to be.
func (p *pair) masterships(t testing.TB) {
	want := 3 // high: elected, returned twice; low: stop, kill, partition
	if p.nopreempt {
		want = 2 // high: elected, kill; low: stop, partition
	}
	for _, s := range []*side{p.high, p.low} {
		if s.kind != testnet.VRRPX {
			continue
		}
		if got := strings.Count(s.daemon.Log(), "Entering MASTER STATE"); got < want || got > want && p.interval > fast {
			t.Errorf("%s was MASTER %d times, want %d", s, got, want)
		}
	}
}
