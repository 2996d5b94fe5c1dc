package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/vrrpx/vrrpx/internal/promlab"
	"github.com/vrrpx/vrrpx/internal/testnet"
)

const (
	prefix  = "dash-"
	port    = ":9652"
	step    = time.Second     // of scrapes and points
	rate    = 4 * time.Second // what Grafana takes for $__rate_interval of scrapes a second apart
	patient = 30 * time.Second
)

// stage is the hosts and what has been done to them.
type stage struct {
	lan    *testnet.LAN
	prom   *promlab.Server
	da, db *testnet.Daemon
	events []Event
}

// Stage runs two vrrpx and a Prometheus for a minute and a half: a takeover, then a
// split brain. It needs root, and the programs vrrpx and prometheus.
func Stage(ctx context.Context, d *promlab.Dashboard, binary string) (a Answers, err error) {
	dir, err := os.MkdirTemp("", "dashboard")
	if err != nil {
		return a, err
	}
	defer os.RemoveAll(dir)
	if binary, err = filepath.Abs(binary); err != nil {
		return a, err
	}
	s := &stage{}
	if s.lan, err = testnet.New(prefix, "a", "b", "p"); err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, s.lan.Close()) }()
	start := func(host string, priority int) (*testnet.Daemon, error) {
		sub := filepath.Join(dir, host)
		conf := testnet.Conf(3, testnet.Instance{Name: "web", Priority: priority, AdvertInt: "0.1", VIPs: []string{"10.99.9.1"}})
		d := &testnet.Daemon{Host: s.lan.Host(host), Kind: testnet.VRRPX, Binary: binary, Dir: sub, Conf: conf, Args: []string{"--metrics=" + port}}
		return d, errors.Join(os.Mkdir(sub, 0o755), d.Start())
	}
	for _, h := range []struct {
		name     string
		priority int
		daemon   **testnet.Daemon
	}{{"a", 150, &s.da}, {"b", 100, &s.db}} {
		if *h.daemon, err = start(h.name, h.priority); err != nil {
			return a, err
		}
		defer func(d *testnet.Daemon) {
			d.Kill9()
			out, cleaned := d.Host.Command(ctx, binary, "cleanup").CombinedOutput()
			if cleaned != nil {
				err = errors.Join(err, fmt.Errorf("vrrpx cleanup on %s: %w: %s", d.Host.Name, cleaned, out))
			}
		}(*h.daemon)
		time.Sleep(time.Second) // a first, which is to be MASTER
	}
	rules, err := filepath.Abs("../packaging/prometheus/vrrpx.rules.yml")
	if err != nil {
		return a, err
	}
	ready, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	targets := []string{s.lan.Host("a").Addr.String() + port, s.lan.Host("b").Addr.String() + port}
	sub := filepath.Join(dir, "prometheus")
	if err = os.Mkdir(sub, 0o755); err != nil {
		return a, err
	}
	if s.prom, err = promlab.Start(ready, s.lan.Host("p"), promlab.Options{Dir: sub, Targets: targets, Rules: []string{rules}, Interval: step}); err != nil {
		return a, err
	}
	defer s.prom.Stop()
	from := time.Now().Truncate(time.Second).Add(3 * time.Second) // when there are rates
	if err = s.play(ctx); err != nil {
		return a, err
	}
	return s.ask(ctx, d, from, time.Now().Truncate(time.Second))
}

// play does what there is to see.
func (s *stage) play(ctx context.Context) error {
	for _, act := range []struct {
		after time.Duration
		text  string
		do    func() error
	}{
		{18 * time.Second, "vrrpx on a is killed", func() error { s.da.Kill9(); return nil }},
		{12 * time.Second, "it runs again", s.da.Start},
		{18 * time.Second, "VRRP between them is filtered", func() error { return s.lan.FilterVRRP("") }},
		{20 * time.Second, "the filter is gone", func() error { return s.lan.UnfilterVRRP("") }},
		{18 * time.Second, "", func() error { return nil }},
	} {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(act.after):
		}
		at := time.Now()
		if err := act.do(); err != nil {
			return err
		}
		if act.text != "" {
			s.events = append(s.events, Event{at, act.text})
		}
	}
	return nil
}

func (s *stage) ask(ctx context.Context, d *promlab.Dashboard, from, to time.Time) (Answers, error) {
	a := Answers{From: from, To: to, Step: step, Events: s.events, Series: map[string][]promlab.Series{}}
	for i := range d.Panels {
		for j := range d.Panels[i].Targets {
			q := &d.Panels[i].Targets[j]
			expr, err := d.Expand(q.Expr, rate)
			if err != nil {
				return a, err
			}
			series, err := s.prom.Range(ctx, expr, from, to, step)
			if err != nil {
				return a, err
			}
			a.Series[key(&d.Panels[i], q)] = series
		}
	}
	return a, nil
}
