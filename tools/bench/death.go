package main

import (
	"context"
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// death kills the master of one router.
type death struct{}

func (death) Name() string { return "death" }

// sample is one takeover of one router.
type sample struct {
	contestant Contestant
	interval   time.Duration
	Takeover
	answered time.Duration // the client's first answer past the deadline
	outage   time.Duration // from the client's last answer to the next one
	held     time.Duration // for so long between the last advert and the answer the host held a processor
}

func (d death) Run(ctx context.Context, env *Env) (*Report, error) {
	lab, err := env.NewLab()
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	w := startWitness()
	defer w.stop()
	from := testnet.Now()
	var samples []sample
	spoiled := map[string]int{}
	for _, set := range []struct {
		interval time.Duration
		kills    int
	}{
		{10 * time.Millisecond, env.Pick(5, 100)},
		{100 * time.Millisecond, env.Pick(5, 100)},
		{time.Second, env.Pick(1, 10)},
	} {
		for n := range set.kills {
			for _, c := range rotate(env.Contestants(), n) {
				s := sample{contestant: c, interval: set.interval}
				again, err := Retry(func() error { return d.kill(ctx, lab, &s) })
				if err != nil {
					return nil, fmt.Errorf("%s, adverts every %v, kill %d: %w", c.Name, set.interval, n+1, err)
				}
				spoiled[c.Name] += again
				samples = append(samples, s)
			}
		}
		env.Progress("%d kills of each at %v", set.kills, set.interval)
	}
	seen, err := w.seen(ctx)
	if err != nil {
		return nil, err
	}
	for i := range samples {
		s := &samples[i]
		_, s.held = seen.Held(s.Deadline.Add(-MasterDown(3, backupPriority, s.interval)), s.Deadline.Add(s.answered))
	}
	return deathReport(samples, spoiled, seen.between(from, testnet.Now()))
}

func (death) kill(ctx context.Context, lab *Lab, s *sample) (err error) {
	p, err := lab.Pair(ctx, s.contestant, 1, 1, s.interval)
	if err != nil {
		return err
	}
	defer closing(p, &err)
	vip := p.Backup.Routers[0].VIPs[0]
	stop, err := lab.Ping(vip)
	if err != nil {
		return err
	}
	if err := Sleep(ctx, steady/5); err != nil {
		stop()
		return err
	}
	err = p.Kill()
	if err == nil {
		err = Sleep(ctx, p.Backup.Routers[0].MasterDown()+settling)
	}
	stop()
	if err != nil {
		return err
	}
	ts, frames, err := p.Await(ctx)
	if err != nil {
		return err
	}
	s.Takeover = ts[0]
	last, first, ok := Answers(frames, lab.A, lab.B, vip)
	if !ok {
		return fmt.Errorf("the client's ping is not answered")
	}
	s.answered, s.outage = first.Sub(s.Deadline), first.Sub(last)
	return nil
}
