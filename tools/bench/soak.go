package main

import (
	"context"
	"errors"
	"fmt"
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
	for _, k := range all {
		k.judge(from, to)
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

func (k *soaked) judge(from, to vrrp.Instant) {
	k.gaps = meter.GapsBetween(of(k.ads, fromA), from, to)
	k.holding = meter.HoldingOf(k.ads, ladderDown)
}

func soakReport(all []*soaked, d time.Duration) (*Report, error) {
	r := &Report{Title: "Soak", Text: []string{fmt.Sprintf(
		"%v with %d busy loops, 10 ms adverts, one pair of each daemon at the same time, each on a LAN of its own. The master lives throughout, so every transition is false. "+
			"Gaps are those of the master's adverts, the raw data a histogram in steps of 0.1 ms.", d, soakLoops)}}
	t := Table{Header: []string{"daemon", "paced by", "gaps", "p50", "p99", "p99.9", "max", "late", "beyond", "transitions", "both ms", "amid"}}
	r.CSV.Header = []string{"daemon", "gap_from_ms", "n"}
	var tails []Series
	theirs := ""
	spoiled := map[string]int{}
	for _, k := range all {
		g, h := meter.GapsOf(k.gaps, ladderInterval, ladderDown), k.holding
		spoiled[k.contestant.Name] += k.spoiled
		t.Add(k.contestant.Name, k.pacing, g.N, g.P50, g.P99, g.P999, g.Max, g.Late, g.Beyond, h.Transitions, h.Both, h.BothAdverts)
		buckets := meter.Histogram(k.gaps, 100*time.Microsecond)
		for _, b := range buckets {
			r.CSV.Add(k.contestant.Name, b.From, b.N)
		}
		tails = append(tails, tail(k.contestant.Name, buckets))
		if k.contestant.Name == keepalivedLean {
			theirs = k.text()
		}
	}
	r.Tables = []Table{t}
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
	return f
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
