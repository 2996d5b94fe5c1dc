package vrrp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// band is a group in a test: V1 and V2 with VRIDs 51 and 52, and more if told.
type band struct {
	*testing.T
	*Group
	m       []*Machine
	holding []bool
	joins   int // the member that is; 0: none
}

func newBand(t *testing.T, configs ...Config) *band {
	t.Helper()
	b := &band{T: t, holding: make([]bool, len(configs))}
	var members []Member
	for i, c := range configs {
		c.VRID = uint8(51 + i)
		m := New(c)
		b.m = append(b.m, m)
		members = append(members, Member{fmt.Sprintf("V%d", i+1), m})
	}
	b.Group = NewGroup("G", members...)
	return b
}

// backups are members that began at t0.
func backups(t *testing.T, configs ...Config) *band {
	t.Helper()
	b := newBand(t, configs...)
	for i := range b.m {
		b.do(t0, i, Startup{})
	}
	return b
}

// masters is a group of two that became MASTER by itself, and when.
func masters(t *testing.T, configs ...Config) (*band, Instant) {
	t.Helper()
	b := backups(t, configs...)
	at := t0.Add(10 * time.Second)
	for i := range b.m {
		b.do(at, i, Timer{})
	}
	if b.State() != Master {
		t.Fatalf("%v", b.State())
	}
	return b, at
}

// do steps a member and settles the group: "V1: effects | V2: effects | G ...".
func (b *band) do(now Instant, i int, in Input) string {
	b.Helper()
	var did []string
	note := func(i int, out []Effect) {
		for _, e := range out {
			switch e.(type) {
			case TakeVIPs:
				if b.holding[i] {
					b.Fatalf("V%d takes twice", i+1)
				}
				b.holding[i] = true
			case ReleaseVIPs:
				if !b.holding[i] {
					b.Fatalf("V%d releases twice", i+1)
				}
				b.holding[i] = false
			}
		}
		did = append(did, fmt.Sprintf("V%d: %s", i+1, strings.Join(show(out), "; ")))
	}
	out := b.m[i].Step(now, in, nil)
	if len(out) > 0 {
		note(i, out)
	}
	if tr, ok := b.Settle(now, i, out, note); ok {
		did = append(did, fmt.Sprintf("G %v -> %v", tr.From, tr.To))
		if b.Since() != now || b.State() != tr.To {
			b.Fatalf("%v since %v after %v", b.State(), b.Since(), tr)
		}
	}
	b.one()
	return strings.Join(did, " | ")
}

// one holds the group to its only rule.
func (b *band) one() {
	b.Helper()
	for i, m := range b.m {
		if s := m.State(); s != Init && (b.joins == 0 || i != b.joins) && s != b.State() && (s != Faulted || b.State() != Init) {
			b.Fatalf("V%d is %v in a group that is %v", i+1, s, b.State())
		}
		if b.holding[i] != (m.State() == Master) {
			b.Fatalf("V%d is %v, and holds the addresses: %v", i+1, m.State(), b.holding[i])
		}
		if _, ready := m.Ready(); ready && m.State() != Backup {
			b.Fatalf("V%d is %v and ready", i+1, m.State())
		}
	}
}

func (b *band) want(got, want string) {
	b.Helper()
	if got != want {
		b.Fatalf("did %s\nwant %s", got, want)
	}
}

const takes = "BACKUP -> MASTER (no_master); send 100; take VIPs; announce"

func TestAGroupTakesOverWhenItsLastMemberWould(t *testing.T) {
	b := newBand(t, base(), base(), base())
	b.want(b.do(t0, 0, Startup{}), "V1: INIT -> BACKUP (startup) | G INIT -> BACKUP")
	b.want(b.do(t0, 1, Startup{}), "V2: INIT -> BACKUP (startup)")
	b.want(b.do(t0, 2, Startup{}), "V3: INIT -> BACKUP (startup)")
	at := t0.Add(4 * time.Second)
	b.want(b.do(at, 0, Timer{}), "")
	b.want(b.do(at, 1, Timer{}), "")
	if _, armed := b.m[0].Deadline(); armed {
		t.Error("a member that is ready has a deadline: the loop would spin")
	}
	if m, ok := b.Blocker(); !ok || m.Name != "V3" {
		t.Errorf("held up by %q", m.Name)
	}
	// keepalived's order: the last that became ready, then as configured.
	b.want(b.do(at, 2, Timer{}), "V3: "+takes+" | V1: "+takes+" | V2: "+takes+" | G BACKUP -> MASTER")
}

func TestAGroupDoesNotTakeOverWhileAMemberHearsABetterMaster(t *testing.T) {
	b := backups(t, base(), base())
	at := t0.Add(4 * time.Second)
	b.do(at.Add(-1), 1, Heard{advert(above, 150)})
	b.want(b.do(at, 0, Timer{}), "")
	b.want(b.do(at.Add(time.Second), 0, Heard{advert(below, 50)}), "") // lower: still ready
	b.want(b.do(at.Add(time.Second), 0, Heard{advert(below, 0)}), "")
	if _, ready := b.m[0].Ready(); !ready {
		t.Fatal("a lower master ended readiness")
	}
	b.do(at.Add(time.Second), 0, Heard{advert(above, 150)})
	if _, ready := b.m[0].Ready(); ready {
		t.Fatal("a better master did not end readiness")
	}
	if _, _, keeps := b.m[0].Accepted(); !keeps {
		t.Error("its adverts are not kept again")
	}
	b.want(b.do(at.Add(4*time.Second), 1, Timer{}), "")
	b.want(b.do(at.Add(5*time.Second), 0, Timer{}), strings.ReplaceAll("V1: x | V2: x | G BACKUP -> MASTER", "x",
		"BACKUP -> MASTER (master_down); send 100; take VIPs; announce"))
}

func TestWhatAMemberThatIsReadyHearsIsNotKept(t *testing.T) {
	b := backups(t, base(), base())
	b.do(t0, 0, Heard{advert(above, 150)})
	b.do(t0.Add(4*time.Second), 0, Timer{})
	if _, _, keeps := b.m[0].Accepted(); keeps {
		t.Error("the kernel would keep the advert that ends readiness")
	}
}

func TestAGroupYieldsAsOneAndWithoutARelease(t *testing.T) {
	b, at := masters(t, base(), base(), base())
	yields := "MASTER -> BACKUP (group); release VIPs"
	b.want(b.do(at, 1, Heard{advert(above, 150)}),
		"V2: MASTER -> BACKUP (better_master); release VIPs | V1: "+yields+" | V3: "+yields+" | G MASTER -> BACKUP")
	if got := b.m[0].Reason().String(); !strings.Contains(got, "sync group G: V2 became BACKUP: better advert from 10.0.0.10") {
		t.Error(got)
	}
	b, at = masters(t, base(), base())
	b.want(b.do(at, 0, HeldUp{time.Second}), "V1: MASTER -> BACKUP (held_up); release VIPs | V2: "+yields+" | G MASTER -> BACKUP")
}

// The lesser MASTER may be one on all LANs, and be heard on one.
func TestALesserMasterIsAnsweredByAll(t *testing.T) {
	b, at := masters(t, base(), base(), base())
	b.want(b.do(at, 1, Heard{advert(below, 50)}),
		"V2: send 100; announce lower; note second_master 10.0.0.1 | V1: announce lower | V3: announce lower")
	b.want(b.do(at, 1, Heard{advert(below, 50)}), "")
}

func TestAFaultOfOneIsThatOfAll(t *testing.T) {
	b, at := masters(t, base(), base(), base())
	out := "; send 0; release VIPs"
	b.want(b.do(at, 1, Fault{"link down", true}),
		"V2: MASTER -> FAULT (fault)"+out+" | V1: MASTER -> FAULT (group)"+out+" | V3: MASTER -> FAULT (group)"+out+" | G MASTER -> FAULT")
	if got := b.m[0].Reason().String(); got != "sync group G: V2 is in FAULT: link down" {
		t.Error(got)
	}
	b.want(b.do(at, 0, Fault{"no address", true}), "")
	b.want(b.do(at, 1, Fault{"link down", false}), "")
	if got := b.m[1].Reason().String(); got != "sync group G: V1 is in FAULT: no address" {
		t.Error(got)
	}
	back := ": FAULT -> BACKUP (fault_cleared)"
	b.want(b.do(at, 0, Fault{"no address", false}), "V1"+back+" | V2"+back+" | V3"+back+" | G FAULT -> BACKUP")
}

func TestAMemberThatHasNotBegunHoldsTheOthers(t *testing.T) {
	b := newBand(t, base(), base())
	b.do(t0, 0, Startup{})
	b.want(b.do(t0.Add(time.Hour), 0, Timer{}), "")
	b.want(b.do(t0.Add(time.Hour), 1, Fault{"link down", true}), "V1: BACKUP -> FAULT (group) | G BACKUP -> FAULT")
	b.want(b.do(t0.Add(time.Hour), 1, Startup{}), "V2: INIT -> FAULT (fault)")
	b = newBand(t, base(), base())
	b.do(t0, 0, Fault{"link down", true})
	b.want(b.do(t0, 0, Startup{}), "V1: INIT -> FAULT (fault)")
	b.want(b.do(t0, 1, Startup{}), "V2: INIT -> FAULT (group) | G INIT -> FAULT")
}

func TestAGroupStopsOneByOneAndSaysGoodbye(t *testing.T) {
	b, at := masters(t, base(), base())
	ends := "MASTER -> INIT (shutdown); send 0; release VIPs"
	b.want(b.do(at, 0, Shutdown{}), "V1: "+ends)
	b.want(b.do(at, 1, Shutdown{}), "V2: "+ends+" | G MASTER -> INIT")
	b = backups(t, base(), base())
	b.do(t0, 0, Fault{"link down", true})
	b.want(b.do(t0, 0, Shutdown{}), "V1: FAULT -> INIT (shutdown)")
	b.want(b.do(t0, 1, Shutdown{}), "V2: FAULT -> INIT (shutdown) | G FAULT -> INIT")
}

func TestOwnersRuleTogetherOrNotAtAll(t *testing.T) {
	owner := with(func(c *Config) { c.Priority = 255 })
	b := newBand(t, owner, owner)
	b.do(t0, 0, Startup{})
	if b.State() != Backup {
		t.Fatalf("an owner is %v without the other", b.State())
	}
	b.want(b.do(t0, 1, Startup{}), strings.ReplaceAll("V2: INIT -> BACKUP (startup) | V2: x | V1: x | G BACKUP -> MASTER",
		"x", "BACKUP -> MASTER (owner); send 255; take VIPs; announce"))
	b = backups(t, owner, base())
	b.do(t0, 0, SetPriority{100}) // an owner no more: it waits as others do
	b.want(b.do(t0.Add(time.Hour), 1, Timer{}), "")
	b.want(b.do(t0.Add(time.Hour), 0, Timer{})[:15], "V1: BACKUP -> M")
}

func TestPreemptDelayHoldsForTheWholeGroup(t *testing.T) {
	late := with(func(c *Config) { c.PreemptDelay = 10 * time.Second })
	b := backups(t, late, base())
	at := t0.Add(time.Second)
	for s := range 12 { // a lower master on both LANs
		now := at.Add(time.Duration(s) * time.Second)
		b.do(now, 0, Heard{advert(below, 50)})
		b.do(now, 1, Heard{advert(below, 50)})
		b.do(now, 1, Timer{})
		b.do(now, 0, Timer{})
		if want := s == 11; (b.State() == Master) != want {
			t.Fatalf("%v after %d s", b.State(), s)
		}
	}
	b = backups(t, late, late)
	for s := range 10 {
		b.do(at.Add(time.Duration(s)*time.Second), 0, Heard{advert(below, 50)})
	}
	b.want(b.do(at.Add(11*time.Second), 0, Timer{}), "")
	b.do(at.Add(12*time.Second), 0, Heard{advert(below, 50)})
	if why, ready := b.m[0].Ready(); !ready || why.Code != ReasonPreempt {
		t.Errorf("the delay begins anew with each advert: %v %v", ready, why)
	}
	b.do(at.Add(12*time.Second), 0, SetPriority{40})
	if _, ready := b.m[0].Ready(); ready {
		t.Error("it would preempt a master that is better now")
	}
}

func TestDissolvedMembersGoOnAlone(t *testing.T) {
	b := backups(t, base(), base())
	at := t0.Add(time.Hour)
	b.do(at, 0, Timer{})
	b.Dissolve(at, func(int, []Effect) { t.Error("a dissolution did something") })
	if out := b.m[0].Step(at, Timer{}, nil); len(out) == 0 || b.m[0].State() != Master {
		t.Errorf("%v: %q", b.m[0].State(), show(out))
	}
	b = backups(t, base(), base())
	b.do(t0, 0, Fault{"link down", true})
	var did []string
	b.Dissolve(at, func(i int, out []Effect) { did = append(did, fmt.Sprintf("%d%v", i, show(out))) })
	if got := strings.Join(did, ""); got != "1[FAULT -> BACKUP (fault_cleared)]" {
		t.Error(got)
	}
}

// A reload puts a router into a group that is MASTER: the addresses stay.
func TestWhoJoinsAMasterDoesNotDeposeIt(t *testing.T) {
	with := func(t *testing.T) (*band, Instant) {
		old, at := masters(t, base(), base())
		fresh := base()
		fresh.VRID = 53
		m := append(old.m, New(fresh))
		b := &band{T: t, m: m, holding: []bool{true, true, false}, joins: 2}
		b.Group = NewGroup("G", Member{"V1", m[0]}, Member{"V2", m[1]}, Member{"V3", m[2]})
		b.want(b.do(at, 2, Startup{}), "V3: INIT -> BACKUP (startup)")
		return b, at
	}
	b, at := with(t)
	b.do(at.Add(time.Second), 2, Heard{advert(below, 50)})
	b.joins = 0
	b.want(b.do(at.Add(4*time.Second), 2, Timer{}), "V3: BACKUP -> MASTER (preempt); send 100; take VIPs; announce")
	b.want(b.do(at, 2, Heard{advert(above, 150)})[:20], "V3: MASTER -> BACKUP")

	b, at = with(t)
	b.joins = 0
	yields := "MASTER -> BACKUP (group); release VIPs"
	b.want(b.do(at, 2, Heard{advert(above, 150)}), "V1: "+yields+" | V2: "+yields+" | G MASTER -> BACKUP")

	b, at = with(t)
	b.joins = 0
	b.want(b.do(at, 2, Fault{"link down", true})[:24], "V3: BACKUP -> FAULT (fau")
}

// Two hosts, each with the better priority in one of the two: nobody can keep
// both, and the one who lost the first of them lets the other.
func TestCrossedPrioritiesAreDecidedByTheFirstVRID(t *testing.T) {
	low := with(func(c *Config) { c.Priority = 50 })
	loser, at := masters(t, low, base())
	loser.do(at, 0, Heard{advert(above, 100)})
	winner, _ := masters(t, base(), low)
	winner.do(at, 1, Heard{advert(above, 100)})
	last := func(b *band) Instant {
		x, _ := b.m[0].Deadline()
		y, _ := b.m[1].Deadline()
		return max(x, y)
	}
	if l, w := last(loser), last(winner); l.Sub(w) < 2*time.Second {
		t.Errorf("they come again at +%v and +%v", l.Sub(at), w.Sub(at))
	}
	loser.do(at.Add(time.Millisecond), 0, Heard{advert(above, 100)}) // its answer to ours, not a sign that it stays
	if l, w := last(loser), last(winner); l.Sub(w) < 2*time.Second {
		t.Errorf("they come again at +%v and +%v", l.Sub(at), w.Sub(at))
	}
	if _, _, keeps := loser.m[0].Accepted(); keeps {
		t.Error("the kernel would keep the advert that ends the wait")
	}
	loser.do(at.Add(time.Second), 0, Heard{advert(above, 100)})
	if got, _ := loser.m[0].Deadline(); got != at.Add(time.Second+loser.m[0].MasterDown()) {
		t.Error("the wait outlives the next advert")
	}
}

// Whatever comes to whichever member: one state, addresses taken and released in
// turn, no panic.
func TestAGroupIsOneWhateverComes(t *testing.T) {
	in := map[State]int{}
	all := eachSeed(t, 300, func(t *testing.T, rng *rand.Rand) {
		c := chance{rng.IntN, t0}
		var configs []Config
		for range 1 + rng.IntN(4) {
			configs = append(configs, c.config())
		}
		b := newBand(t, configs...)
		for range 300 {
			i := rng.IntN(len(b.m))
			now, input := c.next(b.m[i])
			b.do(now, i, input)
			in[b.State()]++
		}
	})
	for s := Init; s <= Faulted; s++ {
		if all && in[s] < 300 {
			t.Errorf("%d steps ended in %v: the test does not reach it", in[s], s)
		}
	}
}

// All 256 of a group have their time at once: what each step costs the others
// must not add up.
func BenchmarkTakeoverOfAGroup(b *testing.B) {
	for _, n := range []int{3, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				var members []Member
				for range n {
					members = append(members, Member{"V", New(base())})
				}
				g, took := NewGroup("G", members...), 0
				act := func(int, []Effect) { took++ }
				for i, m := range members {
					g.Settle(t0, i, m.Step(t0, Startup{}, nil), act)
				}
				for i, m := range members {
					g.Settle(t0.Add(time.Hour), i, m.Step(t0.Add(time.Hour), Timer{}, nil), act)
				}
				if took != n {
					b.Fatalf("%d of %d took over", took, n)
				}
			}
		})
	}
}
