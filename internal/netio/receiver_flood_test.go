package netio

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Many adverts that decide nothing, or releases, and some of the master and of
// a better one between them.
func TestFloodDoesNotHideTheMaster(t *testing.T) {
	t.Run("low priority", func(t *testing.T) { floodHidesNobody(t, 50, 0) })
	t.Run("release", func(t *testing.T) { floodHidesNobody(t, 0, 50) })
}

func floodHidesNobody(t *testing.T, priority, third uint8) {
	e := earsForTest(t)
	rule := generous
	rule.Priority, rule.Rate, rule.Burst = 100, 1, 10
	// As with nopreempt, the master's priority is below ours.
	rule.Master = Match{Src: e.a.Addr, Priority: 90}
	if err := e.SetRouter(51, vrrp.IPv4, rule); err != nil {
		t.Fatal(err)
	}
	flood, master, better, other := e.advert(51, priority), e.advert(51, 90), e.advert(51, 200), e.advert(51, third)
	for i := range 200 {
		e.send(flood)
		if i%50 == 49 {
			e.send(master, better, other)
		}
	}
	count := map[uint8]int{}
	for _, p := range e.hear(212) {
		count[p]++
	}
	// The test may take seconds on a slow machine, and a token comes each.
	if count[90] != 4 || count[200] != 4 || count[third] != 4 || count[priority] < 10 || count[priority] > 40 {
		t.Errorf("given by priority: %v", count)
	}
	c, _ := e.Router(51, vrrp.IPv4)
	if c.Drops[vrrp.DropOverflow] != uint64(200-count[priority]) || c.Received != 212 || c.Matched != 4 {
		t.Errorf("counts: overflow %d, received %d, matched %d", c.Drops[vrrp.DropOverflow], c.Received, c.Matched)
	}
	var arrivals uint64
	for _, n := range c.Arrivals {
		arrivals += n
	}
	if arrivals != 3 {
		t.Errorf("%d inter-arrival times of 4 matches", arrivals)
	}
}

func TestMatchKnowsTheMasterByItsMAC(t *testing.T) {
	src, mac := netip.MustParseAddr("10.0.0.1"), [6]byte{2, 0, 0, 0, 0, 1}
	fr := vrrp.Frame{Src: src, MAC: mac, Message: []byte{0x31, 51, 200}}
	for m, want := range map[Match]bool{
		{src, 200, mac}:              true,
		{src, 200, [6]byte{}}:        true,
		{src, 200, [6]byte{2}}:       false,
		{src, 199, mac}:              false,
		{src.Next(), 200, mac}:       false,
		{netip.Addr{}, 0, [6]byte{}}: false,
	} {
		if m.matches(&fr) != want {
			t.Errorf("%+v: not %v", m, want)
		}
	}
}

func TestFullRingCountsWhatItLost(t *testing.T) {
	e := earsForTest(t)
	rule := generous
	rule.Rate, rule.Burst = 1_000_000, 1_000_000
	if err := e.SetRouter(51, vrrp.IPv4, rule); err != nil {
		t.Fatal(err)
	}
	const sent = ringFrames + 500
	for i := range sent {
		e.send(e.advert(51, uint8(i%250)+1))
		if i%100 == 99 {
			time.Sleep(time.Millisecond) // the bridge's backlog is short
		}
	}
	if !testnet.WaitFor(patience, func() bool { return e.Interface().Lost >= 500 }) {
		t.Fatalf("%d lost, want 500", e.Interface().Lost)
	}
	got := e.hear(ringFrames)
	for i, p := range got {
		if p != uint8(i%250)+1 {
			t.Fatalf("advert %d has priority %d: out of order", i, p)
		}
	}
	if len(got) != ringFrames || e.Interface().Lost != 500 {
		t.Errorf("%d heard and %d lost of %d", len(got), e.Interface().Lost, sent)
	}
	e.send(e.advert(51, 7))
	if got := e.hear(ringFrames + 1); !bytes.Equal(got, []uint8{7}) {
		t.Errorf("after the flood: %v", got)
	}
}
