package main

import (
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/heldcpu"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/tools/bench/meter"
	"github.com/vrrpx/vrrpx/vrrp"
)

func instant(n int) vrrp.Instant { return vrrp.Instant(time.Duration(n) * time.Millisecond) }

// stoodBoth is a machine of two processors that stood together, by someone.
func stoodBoth(from, to int, by meter.Cause) seen {
	var s meter.Stands
	for cpu := range 2 {
		s.CPUs = append(s.CPUs, cpu)
		s.All = append(s.All, meter.Stand{CPU: cpu, From: instant(from), To: instant(to), Cause: by, Stolen: 40 * time.Millisecond})
	}
	return seen{Stands: s}
}

// lost is what is on the wire when the master is silent from 1000 to 1060 ms and
// the backup takes over.
func lost() []meter.Advert {
	const at = time.Millisecond
	return slices.Concat(advertsAt(fromA, 10*at, 1000*at), advertsAt(fromB, 1060*at, 1100*at), advertsAt(fromA, 1105*at, 3000*at))
}

// No gap is hidden: the host's are counted beside, and a target that is missed stays so.
func TestWhatTheHostHeldIsToldApart(t *testing.T) {
	for _, c := range []struct {
		name      string
		seen      seen
		held, not string // of gaps, and twice as many transitions
		row, note string
	}{
		{"the host", stoodBoth(1005, 1050, meter.ByHost), "1", "0", "every", "while the host held a processor: 2 transitions, 1 beyond; else: 0 and 0"},
		{"the host, without an account", stoodBoth(1005, 1050, meter.Together), "1", "0", "every", "while the host held a processor: 2 transitions, 1 beyond; else: 0 and 0"},
		{"the kernel itself", stoodBoth(1005, 1050, meter.ByOthers), "0", "1", "no", "while the host held a processor: 0 transitions, 0 beyond; else: 2 and 1"},
		{"too short", stoodBoth(1005, 1015, meter.ByHost), "0", "1", "no", "while the host held a processor: 0 transitions, 0 beyond; else: 2 and 1"},
		{"nobody watched", seen{why: "no realtime"}, "-", "-", "no", ""},
	} {
		k := &soaked{contestant: Contestant{Name: vrrpx}, ads: lost()}
		k.judge(c.seen, instant(500), instant(2900))
		r, err := soakReport([]*soaked{k}, soakTarget)
		if err != nil {
			t.Fatal(err)
		}
		row := map[string][]string{}
		for i, name := range r.Tables[0].Header {
			row[name] = append(row[name], r.Tables[0].Rows[0][i])
		}
		twice := map[string]string{"1": "2", "0": "0", "-": "-"}
		if row["beyond"][0] != "1" || row["transitions"][0] != "2" ||
			!slices.Equal(row["held"], []string{c.held, twice[c.held]}) || !slices.Equal(row["not"], []string{c.not, twice[c.not]}) {
			t.Errorf("%s: %v", c.name, row)
		}
		if f := r.Figures[0]; f.Met || f.Note != c.note {
			t.Errorf("%s: %+v", c.name, f)
		}
		raw, _ := r.CSV.Bytes()
		want := []string{"vrrpx,gap,500.000,105.000,1,", "vrrpx,backup took over,560.000,60.000,1,", "vrrpx,master again,605.000,"}
		if len(c.seen.All) > 0 {
			want = append(want, "cpu1,stand,505.000,")
		}
		for _, line := range want {
			if !strings.Contains(string(raw), line) {
				t.Errorf("%s: no %q in the raw data", c.name, line)
			}
		}
		if n := strings.Count(string(raw), ","+c.row+"\n"); n != 3 {
			t.Errorf("%s: %d rows end in %q:\n%s", c.name, n, c.row, raw)
		}

		st := step{stress: stressNamed(t, "fork storm"), contestant: k.contestant, side: onMaster, from: instant(500), seen: c.seen}
		st.judge(k.ads, instant(2900))
		fs := ladderFigures([]step{st})
		excuse := map[string]string{"1": "1 of 1 gaps of 20 ms or more while the host held a processor", "0": "0 of 1 gaps of 20 ms or more while the host held a processor", "-": ""}[c.held]
		if fs[0].Met || !strings.Contains(fs[0].Note, excuse) {
			t.Errorf("ladder, %s: %+v", c.name, fs)
		}
		if got := st.held(st.beyond()); excuse != "" && got == "-" {
			t.Errorf("ladder, %s: %v", c.name, got)
		}
	}
}

func TestWhatTheWitnessSawIsSaid(t *testing.T) {
	for want, s := range map[string]seen{
		"the host held it, by its account: 2 times, 45.0 ms at the most, 90 ms together; all stood at once, and the account does not have it: never;": stoodBoth(1005, 1050, meter.ByHost),
		"does not have it: never; one stood alone, or was idle, and the account does not have it: 2 times":                                            stoodBoth(1005, 1050, meter.ByOthers),
		"Nobody watched whether the processors stood: no realtime.":                                                                                   {why: "no realtime"},
	} {
		if !strings.Contains(s.text(), want) {
			t.Errorf("%q, want %q", s.text(), want)
		}
	}
}

func TestWitnessSeesAHeldProcessor(t *testing.T) {
	testnet.Need(t, "root")
	const hold = 60 * time.Millisecond
	cpu, err := heldcpu.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	w := startWitness()
	defer w.stop()
	if w.why != "" {
		t.Fatal(w.why)
	}
	var done atomic.Bool
	defer done.Store(true)
	for range runtime.NumCPU() { // an idle processor may leave out looks
		go func() {
			for !done.Load() {
			}
		}()
	}
	time.Sleep(20 * time.Millisecond)
	var all seen
	for n := range 5 { // one in ten ends when a look is due, and is not told from a look left out
		from, to, err := cpu.Hold(hold + time.Duration(n)*heldcpu.Every/5)
		if err != nil {
			t.Fatal(err)
		}
		if all, err = w.seen(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, s := range all.All {
			if s.CPU == 0 && s.From.Sub(from).Abs() < hold/3 && s.To.Sub(to).Abs() < hold/3 {
				return
			}
		}
	}
	t.Errorf("held 5 times, and seen: %+v", all.All)
}
