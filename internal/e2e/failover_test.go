package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// party is the daemon on one side of a pair.
type party struct {
	kind testnet.Kind
	mode string // --xdp of vrrpx
}

var (
	native     = party{testnet.VRRPX, "native"}
	generic    = party{testnet.VRRPX, "generic"}
	socket     = party{testnet.VRRPX, "off"}
	keepalived = party{testnet.Keepalived, ""}
)

func (p party) String() string {
	if p.kind == testnet.Keepalived {
		return "keepalived"
	}
	return "vrrpx " + p.mode
}

func (p party) start(t *testing.T, h *testnet.Host, conf string) *testnet.Daemon {
	t.Helper()
	if p.kind == testnet.VRRPX {
		return start(t, h, p.mode, conf)
	}
	return h.StartForTest(t, p.kind, conf)
}

// Every mode of the protocol in both roles is for package interop, with native
// XDP; here it is how vrrpx hears.
//
//vrrp:row 28 29 31 37 40 42 43 47
func TestPairElectsFailsOverAndPreempts(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	for _, c := range []struct {
		protocol
		a, b party
	}{
		{v3, native, keepalived},
		{v3, generic, keepalived},
		{v3, keepalived, generic},
		{v3, socket, keepalived},
		{v3, keepalived, socket},
		{v3, native, native},
		{v3, socket, generic},
		{v3six, keepalived, generic},
		{v3six, socket, keepalived},
		{v3six, native, native},
		{v3sixfast, native, keepalived},
	} {
		t.Run(c.name+", "+c.a.String()+" and "+c.b.String(), func(t *testing.T) {
			failover(t, c.protocol, c.a, c.b)
		})
	}
}

// failover takes a pair through its life. The first host has priority 150, the
// second 100.
func failover(t *testing.T, p protocol, pa, pb party) {
	life(t, p, pa, pb, func(_, _ *testnet.Host, priority int) string { return p.conf(priority) })
}

// life is failover with a configuration of each host's own.
func life(t *testing.T, p protocol, pa, pb party, conf func(me, peer *testnet.Host, priority int) string) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	confA, confB := conf(a, b, 150), conf(b, a, 100)

	begin := testnet.Now()
	da := pa.start(t, a, confA)
	onlyHolder(t, tap, a, b)
	announced(t, tap, a, begin, 5)
	db := pb.start(t, b, confB)
	await(t, "the backup to be up", func() bool { return strings.Contains(db.Log(), "Entering BACKUP STATE") })
	time.Sleep(p.masterDown(100) + slack) // when it would have taken over
	onlyHolder(t, tap, a, b)
	if n := len(advertsOf(tap, b)); n != 0 {
		t.Errorf("election: %d adverts of the lower priority", n)
	}

	must(t, da.Stop())
	onlyHolder(t, tap, b, a)
	released, ad := lastAdvert(t, tap, a)
	if ad.Priority != 0 {
		t.Errorf("graceful stop: the last advert has priority %d, want 0", ad.Priority)
	}
	gap := firstAdvert(t, tap, b, released).Sub(released)
	within(t, "graceful stop: takeover", gap, p.skew(100))
	announced(t, tap, b, released, 5)

	must(t, da.Start())
	onlyHolder(t, tap, a, b)

	begin = testnet.Now()
	da.Kill9()
	must(t, l.Cut("a"))
	onlyHolder(t, tap, b, nil)
	last, ad := lastAdvert(t, tap, a)
	if ad.Priority != 150 || last > begin.Add(slack) {
		t.Errorf("kill -9: last advert has priority %d, %v after the kill", ad.Priority, last.Sub(begin))
	}
	gap = firstAdvert(t, tap, b, last).Sub(last)
	within(t, "kill -9: takeover", gap, p.masterDown(100))
	announced(t, tap, b, last, 5)

	// The host comes back: the daemon first, so that the address that the
	// killed one left is off before the cable is in.
	must(t, da.Start())
	await(t, "the address of the killed daemon to go", func() bool { return !holds(a) })
	must(t, l.Join("a"))
	onlyHolder(t, tap, a, b)
}

// onlyHolder waits until holder has the address and other, if any, has not,
// and the wire agrees: two adverts of the holder with none of other between.
func onlyHolder(t *testing.T, tap *testnet.Tap, holder, other *testnet.Host) {
	t.Helper()
	one := func() bool { return holds(holder) && (other == nil || !holds(other)) }
	await(t, holder.Name+" to be the one holder", func() bool {
		ads := 0
		for _, f := range tap.Frames() {
			switch {
			case !f.IsAdvert():
			case isFrom(f, holder):
				ads++
			default:
				ads = 0
			}
		}
		return ads >= 2 && one()
	})
	time.Sleep(10 * time.Millisecond)
	if !one() {
		t.Errorf("%s did not stay the one holder", holder.Name)
	}
}

// within checks a time that the protocol sets, from above with slack.
func within(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	t.Logf("%s after %v, the protocol says %v", what, got, want)
	if got < want*9/10 || got > want+slack {
		t.Errorf("%s after %v, want %v and at most %v more", what, got, want, slack)
	}
}

//vrrp:row 62
func TestGratuitousARPsComeFiveAtOnceAndFiveMoreLater(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	tap := l.TapForTest(t)
	start(t, a, "native", v3.conf(150))
	await(t, "ten gratuitous ARPs", func() bool { return len(garps(tap, a, vip)) >= 10 })
	time.Sleep(time.Second)
	at := garps(tap, a, vip)
	if len(at) != 10 {
		t.Fatalf("%d gratuitous ARPs, want 10", len(at))
	}
	if at[4].Sub(at[0]) > slack || at[9].Sub(at[5]) > slack || at[5].Sub(at[0]) < 4*time.Second {
		t.Errorf("gratuitous ARPs at %v, want 5 at once and 5 after 5 s", at)
	}
}
