package vrrp

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A machine restored from a snapshot goes on as the one that the snapshot is of,
// whatever comes: its own inputs and those of a group.
func TestRestoredMachineGoesOnEqually(t *testing.T) {
	seen := map[string]bool{} // fields that a snapshot has carried
	all := eachSeed(t, 100, func(t *testing.T, rng *rand.Rand) {
		c := chance{rng.IntN, t0}
		m := New(c.config())
		m.hold(rng.IntN(2) == 0)
		var twin *Machine
		var s Snapshot // the same memory again and again
		for range 300 {
			if rng.IntN(8) == 0 {
				m.Snapshot(&s)
				twin = Restore(&s)
				carried(reflect.ValueOf(*m), "", seen)
				s.Faults = append(s.Faults, "the snapshot's own memory")
			}
			now, in := c.next(m)
			if rng.IntN(6) == 0 {
				in = groupOrder(&c)
			}
			out := m.Step(now, in, nil)
			if twin == nil {
				continue
			}
			if got := twin.Step(now, in, nil); !reflect.DeepEqual(got, out) {
				t.Fatalf("%s: the restored machine did %q, the other %q", showInput(in), show(got), show(out))
			}
			a, b := *m, *twin
			a.faults, b.faults = append([]string{}, a.faults...), append([]string{}, b.faults...)
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("after %s the restored machine is\n%+v\nthe other\n%+v", showInput(in), b, a)
			}
		}
	})
	for _, f := range fieldsOf(reflect.TypeFor[Machine](), "", nil) {
		last := f[strings.LastIndexByte(f, '.')+1:]
		// No advert of the tests has these, and no reason for a takeover those.
		empty := slices.Contains([]string{"Auth", "AuthData", "MAC"}, last) ||
			slices.Contains([]string{"Lease", "Cause"}, last) && (strings.Contains(f, ".asked.") || strings.Contains(f, ".why."))
		if all && !seen[f] && !empty {
			t.Errorf("no snapshot carried %s: the test does not show that one does", f)
		}
	}
}

func groupOrder(c *chance) Input {
	return pick[Input](c, GroupTake{}, GroupTake{}, GroupYield{"a test"}, GroupFault{"V2 is in FAULT"}, GroupFault{},
		GroupContest{2.5}, GroupAnnounce{}, GroupLeave{})
}

// An order of a group in a state that it is not for does nothing, and none panics.
func TestOrdersOfAGroup(t *testing.T) {
	for name, c := range map[string]struct {
		order Input
		want  []string
	}{
		"take":     {GroupTake{}, nil}, // it is not ready
		"yield":    {GroupYield{"V2"}, []string{"MASTER -> BACKUP (group)", "release VIPs"}},
		"fault":    {GroupFault{"V2"}, []string{"MASTER -> FAULT (group)", "send 0", "release VIPs"}},
		"contest":  {GroupContest{4}, nil},
		"announce": {GroupAnnounce{}, []string{"announce lower"}},
		"leave":    {GroupLeave{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, now := master(t, base())
			r.step(now, c.order, c.want...)
			idle := backup(t, base())
			if _, fault := c.order.(GroupFault); !fault {
				idle.step(now, c.order)
			}
		})
	}
}

// A group tells of all that it has its members do, and in a machine of its own each
// does the same by that alone.
func TestWatchedGroupCanBeReplayedMemberByMember(t *testing.T) {
	m := []*Machine{New(base()), New(with(func(c *Config) { c.VRID = 52 }))}
	g := NewGroup("G", Member{"V1", m[0]}, Member{"V2", m[1]})
	var twins []*Machine
	for i := range m {
		var s Snapshot
		m[i].Snapshot(&s)
		twins = append(twins, Restore(&s))
	}
	orders := 0
	g.Watch(func(i int, now Instant, in Input, out []Effect) {
		orders++
		if got := twins[i].Step(now, in, nil); !reflect.DeepEqual(show(got), show(out)) {
			t.Errorf("%s: V%d did %q, its twin %q", showInput(in), i+1, show(out), show(got))
		}
	})
	step := func(now Instant, i int, in Input) {
		out := m[i].Step(now, in, nil)
		twins[i].Step(now, in, nil)
		g.Settle(now, i, out, func(int, []Effect) {})
	}
	step(t0, 0, Startup{})
	step(t0, 1, Startup{})
	due, _ := m[0].Deadline()
	step(due, 0, Timer{})
	step(due, 1, Timer{})
	step(due.Add(1), 0, Heard{advert(below, 50)})
	step(due.Add(2), 1, Heard{advert(above, 150)})
	step(due.Add(3), 0, Fault{"link down", true})
	step(due.Add(4), 0, Fault{"link down", false})
	g.Dissolve(due.Add(5), func(int, []Effect) {})
	for i := range m {
		if a, b := snapshotOf(m[i]), snapshotOf(twins[i]); !reflect.DeepEqual(a, b) {
			t.Errorf("V%d is\n%+v\nits twin\n%+v", i+1, a, b)
		}
	}
	if orders < 8 {
		t.Errorf("%d orders: the test does not reach them", orders)
	}
}

func snapshotOf(m *Machine) (s Snapshot) {
	m.Snapshot(&s)
	return s
}

func TestSnapshotAllocatesNothing(t *testing.T) {
	m := New(base())
	m.Step(t0, Fault{"link down", true}, nil)
	var s Snapshot
	if n := testing.AllocsPerRun(100, func() { m.Snapshot(&s) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// fieldsOf names the fields of a struct and of those in it.
func fieldsOf(t reflect.Type, path string, all []string) []string {
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[netip.Addr]() {
		return append(all, path)
	}
	for i := range t.NumField() {
		all = fieldsOf(t.Field(i).Type, path+"."+t.Field(i).Name, all)
	}
	return all
}

// carried notes which of them are not zero.
func carried(v reflect.Value, path string, seen map[string]bool) {
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[netip.Addr]() {
		seen[path] = seen[path] || !v.IsZero()
		return
	}
	for i := range v.NumField() {
		carried(v.Field(i), path+"."+v.Type().Field(i).Name, seen)
	}
}
