package main

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/tools/bench/load"
	"github.com/vrrpx/vrrpx/tools/bench/meter"
	"github.com/vrrpx/vrrpx/vrrp"
)

func TestMain(m *testing.M) {
	load.Main()
	os.Exit(m.Run())
}

func advertsAt(host int, from, to time.Duration) (ads []meter.Advert) {
	for at := from; at <= to; at += ladderInterval {
		ads = append(ads, meter.Advert{At: vrrp.Instant(at), Host: host, Priority: 100})
	}
	return ads
}

func stressNamed(t *testing.T, name string) stress {
	t.Helper()
	for _, s := range stresses() {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("no stress %q", name)
	return stress{}
}

func TestFiguresOfTheLadder(t *testing.T) {
	const at = time.Millisecond
	kernel := pacing{Pacer: "kernel clock", Lease: time.Second}
	calm := advertsAt(fromA, 10*at, 3000*at)
	stalled := append(advertsAt(fromA, 10*at, 1000*at), append(advertsAt(fromB, 1037*at, 2000*at), advertsAt(fromA, 2005*at, 3000*at)...)...)
	lapsed := append(advertsAt(fromA, 10*at, 1900*at), append(advertsAt(fromB, 1937*at, 2900*at), advertsAt(fromA, 2905*at, 3000*at)...)...)
	waking := append(advertsAt(fromA, 10*at, 1900*at), append(advertsAt(fromB, 1937*at, 2497*at), meter.Advert{At: vrrp.Instant(2500 * at), Host: fromA, Priority: 200})...)
	waking = append(waking, advertsAt(fromB, 2507*at, 3000*at)...)
	for _, c := range []struct {
		name, stress string
		pacing       pacing
		ads          []meter.Advert
		target       string
		met          bool
		says         string
	}{
		{"on time", "fork storm", kernel, calm, targetGaps, true, "max 10.0 ms, 0 beyond, 0 transitions"},
		{"taken over", "4 busy loops", kernel, stalled, targetGaps, false, "max 1005.0 ms, 1 beyond, 2 transitions"},
		{"a stop within the lease", "stopped 0.5 s", kernel, calm, targetGaps, true, "max 10.0 ms"},
		{"between half of it and all, and nobody took over", "stopped 1 s", kernel, calm, targetGaps, true, "max 10.0 ms"},
		{"between half of it and all, and one did", "stopped 1 s", kernel, lapsed, targetStopped, true, "another holder after 937 ms"},
		{"the lease ended", "stopped 2 s", kernel, lapsed, targetStopped, true, "another holder after 937 ms, 0 adverts amid"},
		{"the woken said a word", "stopped 2 s", kernel, waking, targetStopped, false, "1 adverts amid"},
		{"no lease, and nobody took over", "stopped 0.5 s", pacing{Pacer: "thread"}, calm, targetGaps, true, "max 10.0 ms"},
		{"without a lease a stop is a gap", "stopped 2 s", pacing{Pacer: "thread"}, lapsed, targetGaps, false, "max 1005.0 ms, 1 beyond, 2 transitions"},
	} {
		st := step{stress: stressNamed(t, c.stress), contestant: Contestant{Name: vrrpx}, side: onMaster, pacing: c.pacing, from: vrrp.Instant(1000 * at)}
		st.judge(c.ads, vrrp.Instant(3001*at))
		other := st
		other.contestant.Name = keepalivedLean
		fs := ladderFigures([]step{other, st})
		if len(fs) != 1 {
			t.Fatalf("%s: %d figures", c.name, len(fs))
		}
		f := fs[0]
		if f.Target != c.target || f.Met != c.met || !strings.Contains(f.Ours, c.says) || f.Theirs != f.Ours || f.Case != c.stress {
			t.Errorf("%s: %+v, want %s, %v, %q", c.name, f, c.target, c.met, c.says)
		}
		if r, err := ladderReport([]step{st, other}); err != nil || len(r.Tables) != 3 || len(r.CSV.Rows) == 0 || len(r.Plots) != 1 {
			t.Errorf("%s: %v, %+v", c.name, err, r)
		}
	}
}

func TestAStressThatCannotBeHadIsSaid(t *testing.T) {
	st := step{stress: stressNamed(t, "memory"), contestant: Contestant{Name: vrrpx}, side: onMaster, skipped: "no cgroup"}
	r, err := ladderReport([]step{st})
	if err != nil || !strings.Contains(r.Tables[0].Markdown(), "not measured: no cgroup") {
		t.Errorf("%v, %+v", err, r)
	}
	if got := strings.Join(targetTable(r.Figures).Rows[3][2:], "|"); got != "memory|not measured|-|-|no cgroup" {
		t.Errorf("in the table of targets: %s", got)
	}
}

func TestRungsAreChosenByName(t *testing.T) {
	for _, c := range []struct {
		names string
		quick bool
		want  int
	}{{"", false, len(stresses())}, {"", true, 6}, {"memory,stopped 5 s", true, 2}} {
		e := Env{Quick: c.quick}
		if err := e.pickRungs(c.names); err != nil || len(e.rungs) != c.want {
			t.Errorf("%q: %d, %v", c.names, len(e.rungs), err)
		}
	}
	if err := new(Env).pickRungs("memory,nonsense"); err == nil || !strings.Contains(err.Error(), `"nonsense"`) {
		t.Errorf("%v", err)
	}
}

func TestBackupsUnderStressAreAFigure(t *testing.T) {
	good := step{stress: stressNamed(t, "memory"), contestant: Contestant{Name: vrrpx}, side: onBackup, takeovers: meter.Takeovers{Late: []time.Duration{1}}}
	stopped := step{stress: stressNamed(t, "stopped 2 s"), contestant: good.contestant, side: onBackup} // the master never falls silent
	variant := func(change func(*step)) step { st := good; change(&st); return st }
	early := variant(func(s *step) { s.takeovers.False = 2 })
	never := variant(func(s *step) { s.takeovers.Missed = 1 })
	mute := variant(func(s *step) { s.takeovers.Late = nil })
	calm := variant(func(s *step) { s.void = "the stress ended before its time" })
	skipped := variant(func(s *step) { s.skipped, s.takeovers.False = "no cgroup", 1 })
	kernel := variant(func(s *step) { s.contestant.Name = vrrpxTakeover })
	peer := variant(func(s *step) { s.contestant.Name, s.takeovers.False = keepalivedLean, 3 })
	const case1 = "backups under stress, vrrpx"
	for _, c := range []struct {
		name  string
		steps []step
		want  []Figure
	}{
		{"well", []step{good, stopped, skipped, peer}, []Figure{{targetGaps, case1, "0 false transitions, 0 never, under 2 stresses", "3 false transitions, 0 never, under 1 stresses", true, ""}}},
		{"false", []step{good, early}, []Figure{{targetGaps, case1, "2 false transitions, 0 never, under 2 stresses", "", false, ""}}},
		{"never", []step{never}, []Figure{{targetGaps, case1, "0 false transitions, 1 never, under 1 stresses", "", false, ""}}},
		{"nothing to see", []step{mute}, []Figure{{targetGaps, case1, "0 false transitions, 0 never, under 1 stresses", "", false, "memory: no takeover"}}},
		{"no stress", []step{calm}, []Figure{{targetGaps, case1, "0 false transitions, 0 never, under 1 stresses", "", false, "memory: the stress ended before its time"}}},
		{"in the kernel", []step{kernel}, []Figure{{targetGaps, case1 + " kernel takeover", "0 false transitions, 0 never, under 1 stresses", "", true, ""}}},
		{"nobody of ours", []step{peer, skipped}, nil},
	} {
		if got := ladderFigures(c.steps); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestAStressThatEndedEarlyIsNoneEndured(t *testing.T) {
	st := step{stress: stressNamed(t, "fork storm"), contestant: Contestant{Name: vrrpx}, side: onMaster, void: "the daemon has ended", spoiled: 2}
	st.judge(advertsAt(fromA, 1, time.Second), vrrp.Instant(time.Second))
	if fs := ladderFigures([]step{st}); len(fs) != 1 || fs[0].Met || fs[0].Note != "the daemon has ended; paced by " {
		t.Errorf("%+v", fs)
	}
	r, err := ladderReport([]step{st, st})
	if err != nil || !slices.Contains(r.Text, "vrrpx took over 4 times while its master lived: those were repeated.") {
		t.Errorf("%v: %q", err, r.Text)
	}
}

func TestSoakAndJunkAreJudged(t *testing.T) {
	gap := 10 * time.Millisecond
	for _, c := range []struct {
		name        string
		transitions int
		longest     time.Duration
		d           time.Duration
		met         bool
		note        string
	}{
		{"well", 0, gap, soakTarget, true, ""},
		{"taken over", 2, gap, soakTarget, false, ""},
		{"silent, and nobody took over", 0, ladderDown, soakTarget, false, ""},
		{"short", 0, gap, time.Minute, true, "shorter than the 30m0s of the target"},
	} {
		k := &soaked{contestant: Contestant{Name: vrrpx}, spoiled: 1, seen: seen{why: "not here"}, gaps: []time.Duration{gap, c.longest}, holding: meter.Holding{Transitions: c.transitions}}
		r, err := soakReport([]*soaked{k}, c.d)
		if err != nil || len(r.Figures) != 1 || r.Figures[0].Met != c.met || r.Figures[0].Note != c.note || len(r.Text) != 3 {
			t.Errorf("soak, %s: %v, %+v", c.name, err, r)
		}
		f := flooded{contestant: k.contestant, spoiled: 1, wall: time.Second, gaps: meter.GapsOf(k.gaps, ladderInterval, ladderDown), holding: k.holding}
		if r := junkReport([]flooded{f}); len(r.Figures) != 1 || r.Figures[0].Met != c.met || len(r.Text) != 2 {
			t.Errorf("junk, %s: %+v", c.name, r)
		}
	}
}

func TestPacingIsWhatStatusSays(t *testing.T) {
	p, err := parsePacing([]byte(`{"routers":[{"pacer":"kernel clock","lease_seconds":1.5,"master_down_seconds":0.03609375}]}`))
	if want := (pacing{"kernel clock", "", 1500 * time.Millisecond, 36094 * time.Microsecond}); err != nil || p != want {
		t.Errorf("%+v, %v; want %+v", p, err, want)
	}
	if p.String() != "kernel clock, lease 1.5s" || (pacing{Pacer: "thread", Why: "signed", Lease: 1}).String() != "thread (signed)" {
		t.Errorf("%q", p.String())
	}
	for _, bad := range []string{"", "{}"} {
		if _, err := parsePacing([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// Each frame of junk must be one that a router refuses, and the good one not.
func TestJunkIsJunk(t *testing.T) {
	h := &testnet.Host{Name: "c", Addr: netip.MustParseAddr("10.99.0.3"), MAC: []byte{2, 0, 0, 0, 0, 3}}
	lookup := func(vrid uint8, f vrrp.Family) (vrrp.Expect, bool) {
		return vrrp.Expect{Version: 3, Own: netip.MustParseAddr("10.99.0.1"), Group: netip.MustParseAddr("224.0.0.18")}, vrid == 1
	}
	good, err := advertFrame(h, Routers(1, 1, 200, ladderInterval)[0])
	if err != nil {
		t.Fatal(err)
	}
	fr, drop, ok := vrrp.Judge(good, lookup)
	if !ok || drop != vrrp.Accepted {
		t.Fatalf("a good advert: %v", drop)
	}
	p, err := vrrp.Parse(fr.Message, fr.Family)
	if err != nil || p.Priority != 200 || p.Interval != ladderInterval || len(p.Addrs) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	frames, err := junkFrames(h)
	if err != nil {
		t.Fatal(err)
	}
	drops := map[vrrp.Drop]bool{}
	for i, f := range frames {
		_, drop, ok := vrrp.Judge(f, lookup)
		if !ok || drop == vrrp.Accepted {
			t.Errorf("frame %d: %v, %v", i, drop, ok)
		}
		drops[drop] = true
	}
	if len(drops) < 6 {
		t.Errorf("only %d kinds of fault: %v", len(drops), drops)
	}
}

func steadyCell(name string, alone, pair float64, process time.Duration, rss uint64) cell {
	return cell{contestant: Contestant{Name: name}, routers: 255, interval: ladderInterval, wall: 5 * time.Second, idle: 0.05, idleAfter: 0.052, alone: alone, pair: pair, sent: 127_500,
		master: meter.Process{CPU: process}, backup: meter.Process{CPU: process / 10}, masterMemory: meter.Memory{RSS: rss}, backupMemory: meter.Memory{RSS: rss - 1}}
}

func TestSteadyFigures(t *testing.T) {
	cells := []cell{steadyCell(vrrpx, 0.45, 0.47, time.Second, 41e6), steadyCell(keepalivedLean, 0.95, 1.1, 4*time.Second, 9e6)}
	want := []Figure{
		{targetCPU, "master, whole machine", "40.0 %", "90.0 %", true, ""},
		{targetCPU, "master, process", "20.0 %", "80.0 %", true, ""},
		{targetCPU, "backup, whole machine", "2.0 %", "15.0 %", false, "paced by "},
		{targetCPU, "backup, process", "2.0 %", "8.0 %", false, "paced by "},
		{targetMemory, "", "41.0 MB", "9.0 MB", false, ""},
	}
	if got := steadyFigures(cells); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if r, err := steadyReport(cells); err != nil || len(r.Plots) != 2 || len(r.CSV.Rows) != 2 || len(r.CSV.Rows[0]) != len(r.CSV.Header) || len(r.Tables[0].Rows[0]) != len(r.Tables[0].Header) {
		t.Errorf("%v, %+v", err, r)
	}
}

// Met with ease, were it not for one thing each; met tells which of master and backup,
// on the machine and as processes, still are.
func TestASteadyFigureMustBeAboveTheNoise(t *testing.T) {
	const idle = "the machine was not idle: does not count"
	const noise = "too little to tell: the idle machine itself varied by "
	for _, c := range []struct {
		name   string
		change func(ours, theirs *cell)
		met    [4]bool // master machine, master process, backup machine, backup process
		note   string  // of the first that is missed, or of the first
	}{
		{"nothing", func(_, _ *cell) {}, [4]bool{true, true, true, true}, ""},
		{"busy", func(_, theirs *cell) { theirs.idleAfter = 0.3 }, [4]bool{false, true, false, true}, idle},
		{"the limit of the backup is 1.5 %", func(ours, _ *cell) { ours.idleAfter = 0.06 }, [4]bool{true, true, false, true}, noise + "1.0 %"},
		{"less than nothing", func(ours, _ *cell) { ours.pair = 0.09 }, [4]bool{true, true, false, true}, noise + "0.2 %"},
		{"less than a tick", func(ours, _ *cell) { ours.backup.CPU = 0 }, [4]bool{true, true, true, true}, ""},
		{"it has not sent", func(ours, _ *cell) { ours.sent = 120_000 }, [4]bool{}, "vrrpx sent only 24000 of 25500 adverts a second"},
		{"nor they", func(_, theirs *cell) { theirs.sent = 120_000 }, [4]bool{true, true, true, true}, "keepalived -G sent only 24000 of 25500 adverts a second"},
	} {
		ours, theirs := steadyCell(vrrpx, 0.1, 0.101, 10*time.Millisecond, 10e6), steadyCell(keepalivedLean, 0.95, 1.1, 4*time.Second, 9e6)
		c.change(&ours, &theirs)
		note := ""
		fs := steadyFigures([]cell{ours, theirs})
		for i := 3; i >= 0; i-- {
			if fs[i].Met != c.met[i] {
				t.Errorf("%s: %+v", c.name, fs[i])
			}
			if !fs[i].Met || i == 0 && note == "" {
				note = fs[i].Note
			}
		}
		if note != c.note {
			t.Errorf("%s: %q, want %q", c.name, note, c.note)
		}
	}
}

func TestTransmittedIsOfEth0(t *testing.T) {
	const dev = "Inter-|   Receive  |  Transmit\n face |bytes packets\n    lo: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n  eth0:100 7 0 0 0 0 0 5 200 42 0 0 0 0 0 0\n"
	if n, err := parseTransmitted(dev); err != nil || n != 42 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := parseTransmitted("lo: 1\n"); err == nil {
		t.Error("no eth0 is no error")
	}
}

func TestTailIsTheShareThatIsAtLeastSoLong(t *testing.T) {
	s := tail("x", []meter.Bucket{{From: 9 * time.Millisecond, N: 1}, {From: 10 * time.Millisecond, N: 98}, {From: 40 * time.Millisecond, N: 1}})
	if len(s.XY) != 3 || s.XY[0].Y != 100 || s.XY[1].Y != 99 || s.XY[2].Y != 1 || s.XY[2].X != 40 {
		t.Errorf("%+v", s.XY)
	}
}
