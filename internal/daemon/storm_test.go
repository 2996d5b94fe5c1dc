package daemon

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// stormRig has n routers on one loop and one LAN, of one address each: VI_1, VI_2
// and so on, VRIDs from 51 on.
func stormRig(t *testing.T, deadlines bool, n int) (*rig, []*router) {
	t.Helper()
	g := newRig(t, deadlines, nil)
	for i := 1; i < n; i++ {
		o := newRig(t, deadlines, func(c *config.Router) {
			c.Name, c.VRID = fmt.Sprintf("VI_%d", i+1), uint8(51+i)
			c.Addresses = []config.Address{{Prefix: netip.MustParsePrefix(fmt.Sprintf("10.0.1.%d/32", i)), Device: "eth0"}}
		})
		r := o.r
		r.link, r.out, r.taken = g.r.link, g.r.out, taken{}
		r.key = loader.Key{Ifindex: 2, VRID: uint8(51 + i), Family: vrrp.IPv4}
		g.loop.byKey[r.key] = r
		g.loop.routers = append(g.loop.routers, r)
		r.settle()
	}
	g.take()
	return g, g.loop.routers
}

// downAll is what the datapath says when the master of all has died.
func (g *rig) downAll(after time.Duration, all []*router) {
	for _, r := range all {
		delete(g.path.armed, r.key)
		g.path.queue = append(g.path.queue, loader.Event{Kind: loader.Down, Key: r.key, At: g.at(after), Now: g.at(after)})
	}
}

// phases is what was done, with what comes more than once in a row counted, and
// without names.
func phases(did string) string {
	var out []string
	n := 0
	for _, w := range strings.Split(did, "; ") {
		if strings.HasPrefix(w, "hold ") || strings.HasPrefix(w, "release ") {
			w = fmt.Sprintf("%s x%d", strings.Fields(w)[0], len(strings.Fields(w))-1)
		}
		if len(out) > 0 && strings.HasSuffix(out[len(out)-1], " x "+w) {
			n++
		} else {
			n = 1
			out = append(out, "")
		}
		out[len(out)-1] = fmt.Sprintf("%d x %s", n, w)
	}
	return strings.Join(out, "; ")
}

// All frames of all leave before anything else is done for any of them: adverts,
// then the first GARP of each, then addresses, repeats and the rest.
func TestStormSendsBeforeItSettles(t *testing.T) {
	for _, deadlines := range []bool{true, false} {
		g, all := stormRig(t, deadlines, 20)
		if deadlines {
			g.downAll(37*ms, all)
		} else {
			g.round(22 * ms) // the loop has not overslept
		}
		g.round(37 * ms)
		for _, r := range all {
			if r.machine.State() != vrrp.Master || len(r.history) == 0 || r.history[len(r.history)-1].To != "MASTER" {
				t.Fatalf("%s: %v, %+v", r.cfg.Name, r.machine.State(), r.history)
			}
			if a, n := r.advert.left[adverts].Load(), r.advert.left[firstGARPs].Load(); a != 1 || n != 1 {
				t.Errorf("%s: %d adverts and %d GARPs counted", r.cfg.Name, a, n)
			}
		}
		const want = "20 x advert 100; 20 x garp; 1 x hold x20; 20 x announce 4 more and again after 5s; 20 x pace every 10ms"
		if got := phases(g.take()); got != want {
			t.Errorf("deadlines %v: %s\nwant %s", deadlines, got, want)
		}
	}
}

// The first of hundreds do not wait for the last to be stepped, yet nothing but
// frames goes before the last first GARP.
func TestStormOfHundredsSendsInBatches(t *testing.T) {
	g, all := stormRig(t, true, 200)
	g.downAll(37*ms, all)
	g.round(37 * ms)
	did := strings.Split(g.take(), "; ")
	if n := slices.Index(did, "garp"); n != flushAt/2 {
		t.Errorf("the first GARP comes after %d adverts, want %d", n, flushAt/2)
	}
	last := len(did) - 1 - slices.Index(reversed(did), "garp")
	for _, d := range did[:last] {
		if d != "garp" && d != "advert 100" {
			t.Fatalf("before the last first GARP: %s", d)
		}
	}
	if last != 2*len(all)-1 {
		t.Errorf("the last first GARP is frame %d of %d", last+1, 2*len(all))
	}
}

func reversed(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// A deadline that passes while much is put off does not wait for that.
func TestDeadlineDoesNotWaitForAStorm(t *testing.T) {
	g, all := stormRig(t, true, 200)
	first, late := all[:len(all)-1], all[len(all)-1]
	g.downAll(37*ms, first)
	g.downAll(38*ms, []*router{all[0], late}) // the second comes when the first storm is drained
	g.loop.round(g.at(37 * ms))
	if n := len(g.loop.storm.following) + len(g.loop.storm.unsettled); n < 2*len(first)-followAt {
		t.Errorf("%d left to be done where a deadline has passed", n)
	}
	g.take()
	posted := false
	g.loop.posts = append(g.loop.posts, func() { posted = true })
	g.loop.round(g.at(38 * ms))
	if posted || len(g.loop.posted) == 0 {
		t.Error("what is posted finds routers whose addresses have not been asked for")
	}
	if late.machine.State() != vrrp.Master {
		t.Fatal("not taken over while the others settle")
	}
	if did := strings.Split(g.take(), "; "); !slices.Equal(did[:2], []string{"advert 100", "garp"}) {
		t.Errorf("it did %v first", did[:2])
	}
	for g.round(39 * ms); len(g.loop.posted) > 0; g.round(39 * ms) {
	}
	if !posted {
		t.Error("what was posted is lost")
	}
	for _, r := range all {
		if len(r.history) == 0 || r.owed.acted || r.owed.following || r.owed.unsettled {
			t.Fatalf("%s: %+v", r.cfg.Name, r.owed)
		}
	}
}

// Who takes over and must give way in the same breath says farewell last, and its
// addresses end where they belong.
func TestFarewellIsLastInAStorm(t *testing.T) {
	g, all := stormRig(t, true, 3)
	g.loop.storm.gather(func() {
		for _, r := range all {
			r.step(g.at(37*ms), vrrp.Timer{})
			r.step(g.at(37*ms), vrrp.Fault{Cause: "gone", Active: true})
		}
	})
	for g.loop.storm.more() {
		g.loop.storm.next()
	}
	got := g.take()
	for _, r := range all {
		if r.machine.State() != vrrp.Faulted {
			t.Errorf("%s: %v", r.cfg.Name, r.machine.State())
		}
	}
	if strings.LastIndex(got, "garp") > strings.LastIndex(got, "advert 0") || strings.Count(got, "advert 0") != 3 {
		t.Errorf("did %s", got)
	}
	if strings.LastIndex(got, "hold") > strings.LastIndex(got, "release") || !strings.Contains(got, "release VI_1 VI_2 VI_3") {
		t.Errorf("did %s", got)
	}
}

// What the interface refuses is not counted as sent, and costs no one else.
func TestRefusedFramesAreCountedToTheirRouter(t *testing.T) {
	g, all := stormRig(t, true, 3)
	g.r.link.Sender = deafTo{fakeSender{g.record}, []int{1}} // of adverts and of GARPs the second
	g.downAll(37*ms, all)
	g.round(37 * ms)
	for i, r := range all {
		want := uint64(1)
		if i == 1 {
			want = 0
		}
		if a, n := r.advert.left[adverts].Load(), r.advert.left[firstGARPs].Load(); a != want || n != want {
			t.Errorf("%s: %d adverts, %d GARPs, want %d", r.cfg.Name, a, n, want)
		}
	}
}

type deafTo struct {
	fakeSender
	which []int
}

func (s deafTo) SendEach([][]byte, []int) []int { return s.which }

// All say farewell before any address goes, and the addresses of all go at once.
func TestWhatMovesManyMovesThemTogether(t *testing.T) {
	g, all := stormRig(t, true, 20)
	g.downAll(37*ms, all)
	g.round(37 * ms)
	g.take()
	h := &host{loop: g.loop, log: g.loop.log, routers: all}
	d := &device{name: "eth0", exists: true, up: false, link: g.r.link, primary: netip.MustParseAddr("10.0.0.5"), routers: all}
	for _, r := range all {
		r.device = d
	}
	h.refresh(d) // the cable is pulled
	for g.loop.storm.more() {
		g.loop.storm.next()
	}
	const want = "20 x stop pacing; 20 x cancel announcing; 20 x advert 0; 1 x release x20"
	got := phases(g.take())
	if !strings.HasSuffix(got, "20 x advert 0; 1 x release x20") {
		t.Errorf("did %s\nwant ... %s", got, want)
	}
}
