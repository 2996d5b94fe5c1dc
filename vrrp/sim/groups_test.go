package sim

import (
	"os"
	"strings"
	"testing"
	"time"
)

// Whatever goes wrong on two LANs, the members of a group stay together, and in
// the end one host has them, be it that one LAN stays in pieces.
func TestGroupsStayTogetherOnEveryPairOfLANs(t *testing.T) {
	began := time.Now()
	var sum GroupStats
	failed := sweep(func(seed uint64) (ok bool, count func()) {
		s := GenerateGroups(seed)
		n, broken := RunGroups(&s, nil)
		if broken != nil {
			tell(t, seed, broken, func() { RunGroups(&s, os.Stderr) })
		}
		return broken == nil, func() {
			sum.Takeovers, sum.Yields, sum.Faults = sum.Takeovers+n.Takeovers, sum.Yields+n.Yields, sum.Faults+n.Faults
			sum.Settled, sum.Partitioned, sum.Crossed = sum.Settled+n.Settled, sum.Partitioned+n.Partitioned, sum.Crossed+n.Crossed
		}
	})
	if n := int(*seeds); n >= 1000 && failed == 0 {
		for what, got := range map[string]int{
			"takeovers": sum.Takeovers, "yields": 2 * sum.Yields, "faults": sum.Faults,
			"settlings": sum.Settled, "partitions": 5 * sum.Partitioned, "crossed priorities": 40 * sum.Crossed,
		} {
			if got < n {
				t.Errorf("%d %s in %d towns prove nothing", got, what, n)
			}
		}
	}
	t.Logf("%d seeds in %v: %+v", *seeds, time.Since(began).Round(time.Millisecond), sum)
}

// Two hosts, each the better in one member, in step to the nanosecond: without a
// rule both take over and yield for ever.
func TestCrossedHostsInStepSettle(t *testing.T) {
	s := GroupScenario{
		Members: 2, Interval: time.Second, Delay: time.Millisecond,
		Hosts:  []GroupHost{{Priority: []uint8{150, 100}, Preempt: true}, {Priority: []uint8{100, 150}, Preempt: true}},
		Events: []GroupEvent{{Kind: Start}, {Kind: Start, Host: 1}},
		End:    time.Minute,
	}
	n, broken := RunGroups(&s, nil)
	if broken != nil || n.Takeovers != 3 || n.Yields != 2 {
		t.Errorf("%+v, %v: want both to take over, to yield, and one to come again", n, broken)
	}
}

// The invariants must be able to fail.
func TestGroupInvariantsFindRoutersWithoutAGroup(t *testing.T) {
	found := map[Invariant]int{}
	for seed := range uint64(200) {
		s := GenerateGroups(seed)
		w := newTown(&s, nil)
		w.alone = true
		if _, broken := w.run(); broken != nil {
			found[broken.Broke]++
		}
	}
	if found[OneState] < 190 {
		t.Errorf("found %v of 200", found)
	}
}

// A run is a function of its scenario.
func TestGroupRunsAreDeterministic(t *testing.T) {
	for seed := range uint64(20) {
		var text [2]strings.Builder
		for i := range text {
			s := GenerateGroups(seed)
			RunGroups(&s, &text[i])
		}
		if text[0].String() != text[1].String() || text[0].Len() == 0 {
			t.Fatalf("seed %d has two traces", seed)
		}
	}
}
