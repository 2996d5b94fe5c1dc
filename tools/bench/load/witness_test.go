package load

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/tools/bench/meter"
)

func TestStealOfEachProcessor(t *testing.T) {
	const stat = "cpu  2500863 808729 906767 9663417 34100 0 62816 1484 0 0\ncpu0 1 2 3 4 5 6 7 743 9 10\ncpu11 1 2 3 4 5 6 7 12\nintr 44 5\ncpu2 1 1 1 1 1 1 1 1\n"
	got := map[int]uint64{}
	stolen([]byte(stat), got)
	if want := map[int]uint64{0: 743, 11: 12}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	clear(got)
	stolen([]byte("cpu0 1 2 3\ncpux 1 2 3 4 5 6 7 8\n"), got)
	if len(got) != 0 {
		t.Errorf("of a kernel without it: %v", got)
	}
}

func TestWitnessHearsItsChild(t *testing.T) {
	w := &Witness{Load: &Load{}}
	w.hear("stood 1 1000000000 1040000000")
	w.hear("stolen 1 990000000 1041000000 4")
	seen, err := w.Seen()
	if err != nil || len(seen.All) != 1 || len(seen.CPUs) == 0 {
		t.Fatalf("%+v, %v", seen, err)
	}
	if s := seen.All[0]; s.CPU != 1 || s.To.Sub(s.From) != 40*time.Millisecond || s.Stolen != 40*time.Millisecond || s.Cause != meter.ByHost {
		t.Errorf("%+v", s)
	}
	w.hear("stood 1")
	if _, err := w.Seen(); err == nil {
		t.Error("half a line was taken")
	}
}

// It must see nothing of a machine that is only busy: its threads are above all that.
func TestWitnessIsNotHeldUpByWhoIsBusy(t *testing.T) {
	testnet.Need(t, "root")
	h := testnet.ForTest(t, "a").Host("a")
	ctx := context.Background()
	busy, err := Busy(ctx, Options{Host: h}, 4, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Stop()
	w, err := Watch(ctx, Options{Host: h}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	const d = 2 * time.Second
	before := testnet.Now()
	time.Sleep(d)
	seen, err := w.Seen()
	if err != nil {
		t.Fatal(err)
	}
	// Of ordinary priority each of six tasks on two processors would stand for most of the time.
	_, _, stood := seen.Of(meter.ByOthers)
	if stood > d/4 {
		t.Errorf("it stood for %v of %v", stood, d)
	}
	used, err := meter.ProcessOf(w.children[0].cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if limit := testnet.Now().Sub(before) / 10; used.CPU > limit {
		t.Errorf("it used %v of %v", used.CPU, d)
	}
	t.Logf("%v of %v, %d stands", used.CPU, d, len(seen.All))
	w.Stop()
	if _, err := w.Seen(); err == nil {
		t.Error("a witness that has ended is no error")
	}
}
