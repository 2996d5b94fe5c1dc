package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gonum.org/v1/plot/plotter"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/tools/bench/load"
	"github.com/vrrpx/vrrpx/tools/bench/meter"
	"github.com/vrrpx/vrrpx/vrrp"
)

// soak runs a pair of each contestant for long, all at the same time, each on a
// LAN of its own, beside busy loops: what happens meets all of them.
type soak struct{}

func (soak) Name() string { return "soak" }

const soakLoops = 4

// soakPrefix begins the names of the namespaces of the n-th pair.
func soakPrefix(n int) string { return fmt.Sprintf("soak%d-", n) }

// soaked is one pair.
type soaked struct {
	contestant Contestant
	spoiled    int // how often the pair was started again
	pacing     pacing
	pair       *Pair
	lab        *Lab
	ads        []meter.Advert
	gaps       []time.Duration
	holding    meter.Holding

	from    vrrp.Instant
	seen    seen
	long    []meter.Silence // gaps of gapLimit or more
	beyond  meter.Excused
	changes []meter.Change
	excuses []meter.Excuse // of the changes
}

func (s soak) Run(ctx context.Context, env *Env) (_ *Report, err error) {
	d := env.Soak
	if d == 0 {
		d = time.Duration(env.Pick(15, 30*60)) * time.Second
	}
	var all []*soaked
	defer func() {
		for _, k := range all {
			if k.pair != nil {
				err = errors.Join(err, k.pair.Close())
			}
			k.lab.Close()
		}
	}()
	for i, c := range env.Contestants() {
		if env.Quick && c.Syslog && len(env.named) == 0 {
			continue
		}
		lab, err := env.newLab(soakPrefix(i))
		if err != nil {
			return nil, err
		}
		k := &soaked{contestant: c, lab: lab}
		all = append(all, k)
		if k.spoiled, err = Retry(func() (err error) {
			k.pair, err = lab.Pair(ctx, c, 1, 1, ladderInterval)
			return err
		}); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		if k.pacing, err = k.pair.Master.pacing(ctx); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no contestant")
	}
	loops, err := load.Busy(ctx, load.Options{Host: all[0].lab.Client}, soakLoops, d+time.Minute)
	if err != nil {
		return nil, err
	}
	defer loops.Stop()
	w := startWitness()
	defer w.stop()
	from := testnet.Now()
	for end, told := time.Now().Add(d), time.Now(); time.Now().Before(end); {
		if err := Sleep(ctx, min(2*time.Second, time.Until(end))); err != nil {
			return nil, err
		}
		if err := take(ctx, all); err != nil {
			return nil, err
		}
		if time.Since(told) > 5*time.Minute {
			told = time.Now()
			env.Progress("%v to go", time.Until(end).Round(time.Second))
		}
	}
	to := testnet.Now()
	if loops.Alive() != soakLoops {
		return nil, errors.New("a busy loop has ended")
	}
	if err := take(ctx, all); err != nil {
		return nil, err
	}
	seen, err := w.seen(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range all {
		k.judge(seen.between(from, to), from, to)
	}
	return soakReport(all, d)
}

// take reads the wires, so that no ring runs full, and keeps the adverts alone.
// It fails when a daemon has ended.
func take(ctx context.Context, all []*soaked) error {
	for _, k := range all {
		if err := k.pair.alive(ctx); err != nil {
			return err
		}
		frames, err := k.pair.Wire.Take()
		if err != nil {
			return fmt.Errorf("%s: %w", k.contestant.Name, err)
		}
		k.ads = append(k.ads, k.lab.announced(frames)...)
	}
	return nil
}

func (k *soaked) judge(seen seen, from, to vrrp.Instant) {
	mine := of(k.ads, fromA)
	k.from, k.seen = from, seen
	k.gaps = meter.GapsBetween(mine, from, to)
	k.holding = meter.HoldingOf(k.ads, ladderDown)
	k.long = meter.LongGaps(mine, from, to, gapLimit)
	k.changes = meter.ChangesOf(k.ads, ladderDown)
	k.beyond = seen.excuses(mine, from, to, k.changes, ladderDown)
	k.excuses = seen.ExcuseChange(k.changes, fromA, ladderDown)
}

func soakReport(all []*soaked, d time.Duration) (*Report, error) {
	r := &Report{Title: "Soak", Text: []string{fmt.Sprintf(
		"%v with %d busy loops, 10 ms adverts, one pair of each daemon at the same time, each on a LAN of its own. The master lives throughout, so every transition is false. "+
			"Gaps are those of the master's adverts. *Held* are those that would not have been without the time in which the host of this virtual machine held a processor, *not* are the others. "+
			"The raw data is a histogram of the gaps in steps of 0.1 ms, every gap of 20 ms or more, every transition, and every stand of a processor.", d, soakLoops)}}
	t := Table{Header: []string{"daemon", "paced by", "gaps", "p50", "p99", "p99.9", "max", "late", "beyond", "held", "not", "transitions", "held", "not", "both ms", "amid"}}
	r.CSV.Header = []string{"who", "what", "at_ms", "ms", "n", "every_cpu_held_ms", "some_cpu_held_ms", "stolen_ms", "held"}
	var tails []Series
	theirs := ""
	spoiled := map[string]int{}
	for _, k := range all {
		g, h := meter.GapsOf(k.gaps, ladderInterval, ladderDown), k.holding
		spoiled[k.contestant.Name] += k.spoiled
		t.Add(slices.Concat([]any{k.contestant.Name, k.pacing, g.N, g.P50, g.P99, g.P999, g.Max, g.Late, g.Beyond}, k.seen.heldCells(k.beyond),
			[]any{h.Transitions}, k.seen.heldCells(excuseOf(k.excuses)), []any{h.Both, h.BothAdverts})...)
		buckets := meter.Histogram(k.gaps, 100*time.Microsecond)
		for _, b := range buckets {
			r.CSV.Add(k.contestant.Name, "gaps from", "", b.From, b.N, "", "", "", "")
		}
		k.rows(&r.CSV)
		tails = append(tails, tail(k.contestant.Name, buckets))
		if k.contestant.Name == keepalivedLean {
			theirs = k.text()
		}
	}
	r.Tables = []Table{t}
	if len(all) > 0 {
		all[0].seen.rows(all[0].from, func(cpu string, at, length, stolen time.Duration, cause meter.Cause) {
			r.CSV.Add(cpu, "stand", at, length, 1, "", "", stolen, cause)
		})
		r.Text = append(r.Text, all[0].seen.text())
	}
	r.Text = append(r.Text, repeats(inOrder(all, func(k *soaked) string { return k.contestant.Name }), spoiled)...)
	for _, k := range all {
		if k.contestant.Name == vrrpx {
			r.Figures = append(r.Figures, k.figure(d, theirs))
		}
	}
	p, err := LinePlot("Gaps of the master's adverts", "gap, ms", "share of gaps at least so long, %", "xy", tails...)
	if err != nil {
		return nil, err
	}
	r.Plots = []Plot{{File: "gaps", Title: "Gaps of the master's adverts", Plot: p}}
	return r, nil
}

// soakTarget is how long the target wants it to be.
const soakTarget = 30 * time.Minute

// figure: a silence beyond the master-down interval that the backup did not use
// is no merit of the master.
func (k *soaked) figure(d time.Duration, theirs string) Figure {
	g := meter.GapsOf(k.gaps, ladderInterval, ladderDown)
	f := Figure{Target: targetSoak, Case: fmt.Sprint(d), Ours: k.text(), Theirs: theirs, Met: k.holding.Transitions == 0 && g.Beyond == 0}
	if d < soakTarget {
		f.Note = fmt.Sprintf("shorter than the %v of the target", soakTarget)
	}
	if !f.Met && k.seen.why == "" {
		changes := excuseOf(k.excuses)
		f.Note = notes(f.Note, fmt.Sprintf("while the host held a processor: %d transitions, %d beyond; else: %d and %d",
			changes.Held(), k.beyond.Held(), changes[meter.NoExcuse], k.beyond[meter.NoExcuse]))
	}
	return f
}

// rows are the long gaps and the transitions, for raw data.
func (k *soaked) rows(csv *CSV) {
	for _, g := range k.long {
		every, some := k.seen.Held(g.From, g.To)
		limit := ladderDown
		if g.To.Sub(g.From) < limit {
			limit = gapLimit
		}
		csv.Add(k.contestant.Name, "gap", g.From.Sub(k.from), g.To.Sub(g.From), 1, every, some, "", k.seen.ExcuseSilence(g, k.changes, fromA, ladderDown, limit))
	}
	for i, c := range k.changes {
		every, some := k.seen.Held(c.Since, c.At)
		who := "master again"
		if c.Host == fromB {
			who = "backup took over"
		}
		csv.Add(k.contestant.Name, who, c.At.Sub(k.from), c.At.Sub(c.Since), 1, every, some, "", k.excuses[i])
	}
}

func (k *soaked) text() string {
	g := meter.GapsOf(k.gaps, ladderInterval, ladderDown)
	return fmt.Sprintf("%d transitions, max gap %.1f ms, %d beyond", k.holding.Transitions, ms(g.Max), g.Beyond)
}

// tail is the share of the durations that are at least so long, in percent.
func tail(name string, buckets []meter.Bucket) Series {
	s := Series{Name: name}
	total := 0
	for _, b := range buckets {
		total += b.N
	}
	left := total
	for _, b := range buckets {
		s.XY = append(s.XY, plotter.XY{X: ms(b.From), Y: 100 * float64(left) / float64(total)})
		left -= b.N
	}
	return s
}
