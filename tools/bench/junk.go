package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/tools/bench/load"
	"github.com/vrrpx/vrrpx/tools/bench/meter"
)

// junk floods a pair with broken adverts of the highest priority.
type junk struct{}

func (junk) Name() string { return "junk" }

// flooded is a pair that was.
type flooded struct {
	contestant Contestant
	spoiled    int // how often the pair was started again
	pacing     pacing
	frames     int // of junk
	wall       time.Duration
	gaps       meter.Gaps
	raw        []time.Duration
	holding    meter.Holding
}

func (j junk) Run(ctx context.Context, env *Env) (*Report, error) {
	lab, err := env.NewLab()
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	var all []flooded
	for _, c := range env.Contestants() {
		f := flooded{contestant: c, wall: time.Duration(env.Pick(3, 15)) * time.Second}
		if err := j.flood(ctx, lab, &f); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		all = append(all, f)
		env.Progress("%s: %d frames", c.Name, f.frames)
	}
	return junkReport(all), nil
}

func (junk) flood(ctx context.Context, lab *Lab, f *flooded) (err error) {
	var p *Pair
	if f.spoiled, err = Retry(func() (err error) {
		p, err = lab.Pair(ctx, f.contestant, 1, 1, ladderInterval)
		return err
	}); err != nil {
		return err
	}
	defer closing(p, &err)
	if f.pacing, err = p.Master.pacing(ctx); err != nil {
		return err
	}
	frames, err := junkFrames(lab.Client)
	if err != nil {
		return err
	}
	from := testnet.Now()
	l, err := load.Flood(ctx, load.Options{Host: lab.Client, Frames: frames}, 0, f.wall)
	if err != nil {
		return err
	}
	defer l.Stop()
	said, err := l.Wait(ctx)
	if err != nil {
		return err
	}
	to := testnet.Now()
	if f.frames, err = strconv.Atoi(said[0]); err != nil {
		return fmt.Errorf("flood said %q", said[0])
	}
	if err := Sleep(ctx, settling); err != nil {
		return err
	}
	if err := p.alive(ctx); err != nil {
		return err
	}
	wire, err := p.Wire.Frames()
	if err != nil {
		return err
	}
	ads := p.announced(wire)
	f.raw = meter.GapsBetween(of(ads, fromA), from, to)
	f.gaps = meter.GapsOf(f.raw, ladderInterval, ladderDown)
	f.holding = meter.HoldingOf(ads, ladderDown)
	return nil
}

func junkReport(all []flooded) *Report {
	r := &Report{Title: "Junk flood", Text: []string{
		"Adverts of the router's own VRID and priority 255, each broken in one place (TTL, checksum, length, version, count of addresses, AH, another VRID), from a third host on the same wire and the same machine, as fast as one " +
			"core sends them; a pair at 10 ms adverts. *Late* are gaps of the master of more than 15 ms, *beyond* those of at least the master-down interval.",
	}}
	t := Table{Header: []string{"daemon", "paced by", "junk /s", "gaps", "p50", "p99", "max", "late", "beyond", "transitions"}}
	r.CSV.Header = []string{"daemon", "gap_ms"}
	theirs := ""
	spoiled := map[string]int{}
	for _, f := range all {
		g := f.gaps
		spoiled[f.contestant.Name] += f.spoiled
		t.Add(f.contestant.Name, f.pacing, fmt.Sprintf("%.0f", float64(f.frames)/f.wall.Seconds()), g.N, g.P50, g.P99, g.Max, g.Late, g.Beyond, f.holding.Transitions)
		for _, gap := range f.raw {
			r.CSV.Add(f.contestant.Name, gap)
		}
		if f.contestant.Name == keepalivedLean {
			theirs = f.text()
		}
	}
	r.Tables = []Table{t}
	r.Text = append(r.Text, repeats(inOrder(all, func(f flooded) string { return f.contestant.Name }), spoiled)...)
	for _, f := range all {
		if f.contestant.Name == vrrpx {
			r.Figures = append(r.Figures, Figure{Target: targetJunk, Ours: f.text(), Theirs: theirs, Met: f.holding.Transitions == 0 && f.gaps.Late == 0})
		}
	}
	return r
}

func (f flooded) text() string {
	return fmt.Sprintf("%d transitions, %d late, max gap %.1f ms", f.holding.Transitions, f.gaps.Late, ms(f.gaps.Max))
}
