package sim

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// A seed is a trace: run again, and written down and read again, it is the
// same to the byte.
func TestSameSeedSameTrace(t *testing.T) {
	hashes := map[uint64]uint64{}
	for seed := range uint64(100) {
		s := Generate(seed)
		if err := s.Check(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		again, err := Parse(strings.NewReader(s.String()))
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("seed %d: read again: %v\n%s\nand\n%s", seed, err, s.String(), again.String())
		}
		var one, two strings.Builder
		a, b, c := Run(&s, &one), Run(&again, &two), Run(&s, nil)
		if a.Hash != b.Hash || one.String() != two.String() || a.Hash != c.Hash || a.Stats != c.Stats {
			t.Fatalf("seed %d: traces %x, %x and %x", seed, a.Hash, b.Hash, c.Hash)
		}
		if other, twice := hashes[a.Hash]; twice {
			t.Errorf("seeds %d and %d have one trace", seed, other)
		}
		hashes[a.Hash] = seed
	}
}

// The network's chances are the scenario's too.
func TestAnotherSeedOfTheNetworkIsAnotherTrace(t *testing.T) {
	s := Generate(1)
	before := Run(&s, nil)
	s.Seed++
	if after := Run(&s, nil); after.Hash == before.Hash {
		t.Error("loss and delay do not depend on the seed")
	}
}

func TestReplayFilesThatCannotBeRun(t *testing.T) {
	const good = "version 3\nrouter 1 10.0.0.1 priority 100 every 1s\nrouter 2 10.0.0.2 priority 90 every 1s\nlink 1 2 delay 1ms\nat 1s start 1\nat 5s end\n"
	if _, err := Parse(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"version 3", "version 4", "want 2 or 3"},
		{"version 3", "version three", `line 1: "version three"`},
		{"at 5s end\n", "", "no end"},
		{"at 5s end\n", "at 5s end\nat 6s start 1\n", "nothing may follow"},
		{"at 5s end", "at 0.5s end", "before the end"},
		{"at 5s end", "at 25h end", "want 0 to 24h"},
		{"at 1s start 1", "at 1s start 3", "want a router"},
		{"at 1s start 1", "at 1s start 0", "numbered from 1"},
		{"at 1s start 1", "at 1s begin 1", "want one of start"},
		{"at 1s start 1", "at 1s priority 1", "wants 2 words"},
		{"at 1s start 1", "at 1s priority 1 0", "want 1 to 255"},
		{"at 1s start 1", "at 1s priority 1 256", "out of range"},
		{"at 1s start 1", "at 2s start 1\nat 1s start 2", "order of time"},
		{"at 1s start 1", "at 1s cut 1 9", "want two routers"},
		{"link 1 2", "link 1 1", "want two routers"},
		{"delay 1ms", "delay -1ms", "want 0 to 1m"},
		{"delay 1ms", "loss 101%", "want 0 to 100"},
		{"delay 1ms", "delay", "no value"},
		{"router 2 10.0.0.2", "router 2 10.0.0.1", "address of its own"},
		{"router 2 10.0.0.2", "router 3 10.0.0.2", "want router 2 next"},
		{"priority 90 every 1s", "priority 90 every 1ms", "does not fit"},
		{"priority 90 every 1s", "priority 90 every 20s", "tenfold"},
		{"priority 90 every 1s", "priority 90 every 1s adverts 0", "adverts 1 to 100"},
		{"priority 90 every 1s", "priority 90 every 1s offset 0s", "offset"},
		{"priority 90 every 1s", "priority 90 every 1s quick", "no option"},
	} {
		_, err := Parse(strings.NewReader(strings.Replace(good, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.to, err, c.want)
		}
	}
}

// FuzzParse: any text is an error or a scenario that runs.
func FuzzParse(f *testing.F) {
	// Short ones: the fuzzer spends its time on making long ones shorter.
	f.Add("version 3\nrouter 1 10.0.0.1 priority 9 every 10ms ppm -9 wake 1ms elide\nrouter 2 10.0.0.2 priority 9 every 1s nopreempt noreply\n" +
		"link 1 2 delay 1ms jitter 1ms dup 9% loss 9% held 9% by 9ms\nlink 2 1\nat 0s start 1\nat 0s start 2\nat 1s cut 1 2\nat 2s pause master\nat 3s heal\nat 5s end\n")
	f.Add("version 2\nrouter 1 10.0.0.1 priority 255 every 1s\nat 1s start 1\nat 2s crash master\nat 5s end\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		if s.End > 10e9 || len(s.Routers) > 8 {
			return // runs, but not quickly
		}
		Run(&s, nil)
	})
}

// A router dies, and comes back with a lower priority.
func ExampleRun() {
	s, err := Parse(strings.NewReader(`
version 3
router 1 192.0.2.1 priority 200 every 1s
router 2 192.0.2.2 priority 100 every 1s
link 1 2 delay 1ms
link 2 1 delay 1ms
at 0s start 1
at 0s start 2
at 5s crash 1
at 9s start 1
at 9s priority 1 50
at 10s end
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r := Run(&s, os.Stdout)
	fmt.Println("violation:", r.Violation)
	// Output:
	// 0.000000000    -- start 1
	// 0.000000000    -- start 2
	// 0.000000000    r1 INIT -> BACKUP: startup
	// 0.000000000    r2 INIT -> BACKUP: startup
	// 3.218750000    r1 BACKUP -> MASTER: no master heard for 3.219s
	// 3.218750000    r1   sends priority 200 (timer)
	// 3.218750000    r1   takes the addresses
	// 3.219750000    r2   gets 192.0.2.1 priority 200
	// 4.218750000    r1   sends priority 200 (timer)
	// 4.219750000    r2   gets 192.0.2.1 priority 200
	// 5.000000000    -- crash 1
	// 7.829125000    r2 BACKUP -> MASTER: no advert from 192.0.2.1 (priority 200) for 3.609s
	// 7.829125000    r2   sends priority 100 (timer)
	// 7.829125000    r2   takes the addresses
	// 8.829125000    r2   sends priority 100 (timer)
	// 9.000000000    -- start 1
	// 9.000000000    -- priority 1 50
	// 9.000000000    r1 INIT -> BACKUP: startup
	// 9.829125000    r2   sends priority 100 (timer)
	// 9.830125000    r1   gets 192.0.2.2 priority 100
	// violation: <nil>
}
