package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// storm kills the master of many routers at once.
type storm struct{}

func (storm) Name() string { return "storm" }

// stormInterval is that of all adverts.
const stormInterval = 100 * time.Millisecond

// shape is how many routers there are, how many addresses each has, and whether
// the master is of the contestant's own kind or a Burst.
type shape struct {
	routers, addresses int
	own                bool
}

func (s shape) String() string { return fmt.Sprintf("%dx%d", s.routers, s.addresses) }

func (s shape) master() string {
	if s.own {
		return "its own"
	}
	return "the same for all"
}

// file is part of the name of its plot.
func (s shape) file() string {
	if s.own {
		return s.String() + "-own"
	}
	return s.String()
}

var shapes = []shape{{255, 1, false}, {64, 16, false}, {255, 1, true}, {64, 16, true}}

// blow is one kill: what became of every router.
type blow struct {
	shape      shape
	contestant string
	number     int
	takeovers  []Takeover
}

// worst is the greatest of something over the routers of a kill.
func (b blow) worst(of func(Takeover) time.Duration) time.Duration {
	return of(slices.MaxFunc(b.takeovers, func(x, y Takeover) int { return int(of(x) - of(y)) }))
}

func (b blow) deadlines() []vrrp.Instant {
	var ds []vrrp.Instant
	for _, t := range b.takeovers {
		ds = append(ds, t.Deadline)
	}
	slices.Sort(ds)
	return ds
}

func (b blow) firstDeadline() vrrp.Instant { return b.deadlines()[0] }

// spread is how far apart the deadlines are: the first and the last, and the
// first and the third quartile.
func (b blow) spread() (all, half time.Duration) {
	ds := b.deadlines()
	last := len(ds) - 1
	return ds[last].Sub(ds[0]), ds[last*3/4].Sub(ds[last/4])
}

func (s storm) Run(ctx context.Context, env *Env) (*Report, error) {
	lab, err := env.NewLab()
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	var blows []blow
	spoiled := map[string]int{}
	for _, shape := range shapes {
		kills := env.Pick(2, 20)
		if shape.own {
			kills = env.Pick(1, 20)
		}
		for n := range kills {
			for _, c := range rotate(env.Contestants(), n) {
				b := blow{shape: shape, contestant: c.Name, number: n + 1}
				again, err := Retry(func() (err error) {
					b.takeovers, err = s.kill(ctx, lab, c, shape)
					return err
				})
				if err != nil {
					return nil, fmt.Errorf("%s, %v, kill %d: %w", c.Name, shape, n+1, err)
				}
				spoiled[c.Name] += again
				blows = append(blows, b)
			}
		}
		env.Progress("%d kills of each, %v, master: %s", kills, shape, shape.master())
	}
	return stormReport(blows, spoiled)
}

func (storm) kill(ctx context.Context, lab *Lab, c Contestant, s shape) (ts []Takeover, err error) {
	start := lab.Facing
	if s.own {
		start = lab.Pair
	}
	p, err := start(ctx, c, s.routers, s.addresses, stormInterval)
	if err != nil {
		return nil, err
	}
	defer closing(p, &err)
	if err := p.Kill(); err != nil {
		return nil, err
	}
	if err := Sleep(ctx, p.Backup.Routers[0].MasterDown()+2*settling); err != nil {
		return nil, err
	}
	ts, _, err = p.Await(ctx)
	return ts, err
}
