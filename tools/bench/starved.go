package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/tools/bench/load"
)

// starved kills the master in the moment in which loops take every core.
type starved struct{}

func (starved) Name() string { return "starved" }

const (
	starvedInterval = 10 * time.Millisecond
	starvedFor      = 1500 * time.Millisecond // longer than realtime throttling takes
	// loopsFirst is how long the loops run before the master dies: the last
	// advert of a master that is a process is from before them.
	loopsFirst  = 2 * time.Millisecond
	starvedLast = 5 * time.Millisecond // the target
)

func (s starved) Run(ctx context.Context, env *Env) (*Report, error) {
	lab, err := env.NewLab()
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	var samples []sample
	spoiled := map[string]int{}
	kills := env.Pick(3, 50)
	also := []string{vrrpxTakeover}
	if !env.Quick {
		also = append(also, keepalivedRT)
	}
	for n := range kills {
		for _, c := range rotate(env.Contestants(also...), n) {
			one := sample{contestant: c, interval: starvedInterval}
			again, err := Retry(func() error { return s.kill(ctx, lab, &one) })
			if err != nil {
				return nil, fmt.Errorf("%s, kill %d: %w", c.Name, n+1, err)
			}
			spoiled[c.Name] += again
			samples = append(samples, one)
		}
	}
	env.Progress("%d kills of each", kills)
	return starvedReport(samples, spoiled)
}

func (starved) kill(ctx context.Context, lab *Lab, s *sample) (err error) {
	p, err := lab.Pair(ctx, s.contestant, 1, 1, s.interval)
	if err != nil {
		return err
	}
	defer closing(p, &err)
	start := load.In(300 * time.Millisecond) // by then all loops wait for it
	loops, err := load.FIFOAt(ctx, load.Options{Host: lab.Client}, loopPriority, start, 2*starvedFor)
	if err != nil {
		return err
	}
	defer loops.Stop()
	err = urgent(func() error {
		start.Add(loopsFirst).Sleep()
		// That is the death: a killed process needs a CPU to end.
		err := p.LAN.Block(p.A.Name)
		p.Master.SendKill9()
		start.Add(starvedFor).Sleep()
		if loops.Ended() {
			err = errors.Join(err, errors.New("the loops ended before their time"))
		}
		loops.Stop()
		return err
	})
	if err != nil {
		return err
	}
	if err := Sleep(ctx, settling); err != nil {
		return err
	}
	ts, _, err := p.Await(ctx)
	if err != nil {
		return err
	}
	s.Takeover = ts[0]
	return nil
}

func starvedReport(samples []sample, spoiled map[string]int) (*Report, error) {
	r := &Report{
		Title: "Takeover with every core taken",
		Text: []string{fmt.Sprintf("One router, adverts every %v. A SCHED_FIFO loop of priority %d takes each core for %v; %v after they begin the master is cut off at the switch "+
			"and killed. Until they end no process runs on the machine but those of ordinary priority, after about 950 ms of each second (realtime throttling): one of a lower realtime priority waits. "+
			"Milliseconds past the deadline; the gratuitous ARP, and the address, need the process.", starvedInterval, loopPriority, starvedFor, loopsFirst)},
		CSV: CSV{Header: []string{"contestant", "first_advert_late_ms", "first_garp_late_ms"}},
	}
	table := Table{Header: append([]string{"contestant", "what"}, distHeader("over 5 ms")...)}
	var series []Series
	names := inOrder(samples, func(s sample) string { return s.contestant.Name })
	for _, s := range samples {
		r.CSV.Add(s.contestant.Name, s.Advert, s.GARP)
	}
	for _, name := range names {
		for _, m := range measures[:2] {
			d := Summarise(choose(samples, name, starvedInterval, m.of), starvedLast)
			table.Add(append([]any{name, m.name}, d.Cells()...)...)
		}
		series = append(series, CDF(name, choose(samples, name, starvedInterval, measures[0].of)))
	}
	const title = "First advert of the backup past the deadline, every core taken"
	p, err := CDFPlot(title, "ms past the deadline", "% of kills", series...)
	if err != nil {
		return nil, err
	}
	r.Plots = []Plot{{File: "cdf", Title: title, Plot: p}}
	r.Tables = []Table{table}
	r.Text = append(r.Text, repeats(names, spoiled)...)
	theirs := Summarise(choose(samples, keepalivedLean, starvedInterval, measures[0].of), starvedLast)
	for _, name := range []string{vrrpx, vrrpxTakeover} {
		if d := Summarise(choose(samples, name, starvedInterval, measures[0].of), starvedLast); d.N > 0 {
			f := Figure{Target: targetStarved, Case: name, Ours: d.Short(), Met: d.Over == 0 && d.tooEarly() == "", Note: d.tooEarly()}
			if theirs.N > 0 {
				f.Theirs = theirs.Short()
			}
			if name == vrrpx {
				f.Note = notes(f.Note, "without vrrpx_kernel_takeover the process sends the first advert")
			}
			r.Figures = append(r.Figures, f)
		}
	}
	return r, nil
}
