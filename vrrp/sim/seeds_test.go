package sim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

var (
	seeds = flag.Uint64("seeds", 2000, "run this many scenarios")
	first = flag.Uint64("first", 0, "and this is the first one's seed")
)

// Whatever goes wrong on a LAN, every invariant holds. A seed that fails leaves
// its scenario in a file for tools/replay.
//
//vrrp:row 28 29 30 31 32 34 43 47 48 49 50 51 54
func TestInvariantsHoldOnEveryLAN(t *testing.T) {
	began := time.Now()
	var sum Stats
	failed := sweep(func(seed uint64) (ok bool, count func()) {
		s := Generate(seed)
		r := Run(&s, nil)
		if r.Violation != nil {
			t.Errorf("seed %d: %v\nreplay it with: cd tools && go run ./replay %s", seed, r.Violation, save(t, &s))
		}
		return r.Violation == nil, func() { sum.add(&r.Stats) }
	})
	if n := int(*seeds); n >= 1000 && failed == 0 {
		for what, got := range map[string]int{
			"losses": sum.Lost, "doubles": sum.Doubled, "overtakings": sum.Overtaken, "kept adverts": sum.Kept, "late wakes": sum.LateWakes,
			"pauses of a MASTER, times 8": 8 * sum.Paused, "pauses survived, times 32": 32 * sum.Survived, "lapses, times 8": 8 * sum.Lapsed,
			"takeovers": sum.Takeovers, "second MASTERs": sum.TwoMasters, "gaps": sum.Gaps, "settlings": sum.Settled, "farewells": sum.Farewells,
			"cuts": sum.Kinds[Cut], "pauses": sum.Kinds[Pause], "crashes": sum.Kinds[Crash], "priorities": sum.Kinds[SetPriority],
		} {
			if got < 2*n {
				t.Errorf("%d %s on %d LANs prove nothing", got, what, n)
			}
		}
	}
	t.Logf("%d seeds, %.1f virtual hours in %v: %+v", *seeds, sum.Virtual.Hours(), time.Since(began).Round(time.Millisecond), sum)
}

// sweep runs the seeds on all CPUs, until five have failed, and returns how many did.
// count is for what run has found, of one seed at a time.
func sweep(run func(seed uint64) (ok bool, count func())) (failed int) {
	var mu sync.Mutex
	next, last := *first, *first+*seeds
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				mu.Lock()
				seed := next
				next++
				stop := seed >= last || failed >= 5
				mu.Unlock()
				if stop {
					return
				}
				ok, count := run(seed)
				mu.Lock()
				count()
				if !ok {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return failed
}

// tell tells of a seed that failed, and shows it if it was run alone.
func tell(t *testing.T, seed uint64, broken *Violation, show func()) {
	t.Helper()
	t.Errorf("seed %d: %v\nsee it with -run %s -first %d -seeds 1 -v", seed, broken, t.Name(), seed)
	if *seeds == 1 {
		show()
	}
}

// save writes a replay file where it outlives the test.
func save(t *testing.T, s *Scenario) string {
	file := filepath.Join(os.TempDir(), fmt.Sprintf("vrrpx-seed-%d.txt", s.Seed))
	if err := os.WriteFile(file, []byte(s.String()), 0o644); err != nil {
		t.Error(err)
	}
	return file
}

func (s *Stats) add(o *Stats) {
	s.Virtual += o.Virtual
	for _, f := range []struct{ to, from *int }{
		{&s.Sent, &o.Sent}, {&s.Delivered, &o.Delivered}, {&s.Lost, &o.Lost}, {&s.Doubled, &o.Doubled},
		{&s.Overtaken, &o.Overtaken}, {&s.Kept, &o.Kept}, {&s.LateWakes, &o.LateWakes}, {&s.Takeovers, &o.Takeovers},
		{&s.Deposed, &o.Deposed}, {&s.Farewells, &o.Farewells}, {&s.TwoMasters, &o.TwoMasters}, {&s.Gaps, &o.Gaps}, {&s.Settled, &o.Settled},
		{&s.Paused, &o.Paused}, {&s.Survived, &o.Survived}, {&s.Lapsed, &o.Lapsed},
	} {
		*f.to += *f.from
	}
	for k := range s.Kinds {
		s.Kinds[k] += o.Kinds[k]
	}
}
