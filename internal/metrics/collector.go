// Package metrics shows stats.Status to Prometheus: a collector that takes a
// snapshot when it is asked, and the HTTP server that it is asked through. It
// keeps no counters of its own, and nothing of it runs on the event loop.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vrrpx/vrrpx/internal/version"
	"github.com/vrrpx/vrrpx/stats"
)

const (
	// shared is how long one snapshot serves all who ask.
	shared = 200 * time.Millisecond
	// patience is how long the event loop has to answer. It is below the shortest
	// timeout that scrapes every second have.
	patience = 700 * time.Millisecond
)

// Source makes snapshots. It fails when the event loop does not answer in time.
type Source interface {
	Status(context.Context) (*stats.Status, error)
}

// Collector is a prometheus.Collector of one daemon.
type Collector struct {
	src Source

	mu   sync.Mutex
	at   time.Time // when the last snapshot was taken
	last *stats.Status
	err  error
}

// NewCollector returns one that asks src, at most every 200 ms.
func NewCollector(src Source) *Collector { return &Collector{src: src} }

// snapshot is one that is fresh. Who asks meanwhile waits for the same.
func (c *Collector) snapshot() (*stats.Status, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() && time.Since(c.at) < shared {
		return c.last, c.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.last, c.err = c.src.Status(ctx)
	c.at = time.Now()
	return c.last, c.err
}

// Describe tells of every metric that there may be.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range all {
		ch <- m.desc
	}
}

// Collect takes a snapshot and sends what is in it. A daemon whose event loop does
// not answer still says that it is there, and that it does not.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	s := scrape{ch}
	// The registry collects in goroutines of its own, where a panic would end the
	// daemon. A metric that cannot be had must not.
	defer func() {
		if p := recover(); p != nil {
			ch <- prometheus.NewInvalidMetric(up.desc, fmt.Errorf("collecting: %v", p))
		}
	}()
	number, commit, _ := strings.Cut(version.String(), "+")
	s.put(buildInfo, 1, number, commit, runtime.Version())
	st, err := c.snapshot()
	if err == nil && st == nil {
		err = errors.New("no snapshot")
	}
	s.flag(up, err == nil)
	if err != nil {
		return
	}
	s.process(st)
	for i := range st.Interfaces {
		s.iface(&st.Interfaces[i])
	}
	for i := range st.Groups {
		s.group(&st.Groups[i])
	}
	for i := range st.Routers {
		s.router(&st.Routers[i], st.Started)
	}
}

// scrape is one collection.
type scrape struct{ ch chan<- prometheus.Metric }

// put sends a value. Names come from files that anyone may have written, in any
// encoding; labels are UTF-8.
func (s scrape) put(m *metric, v float64, labels ...string) {
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "\uFFFD")
	}
	c, err := prometheus.NewConstMetric(m.desc, m.kind, v, labels...)
	if err != nil {
		c = prometheus.NewInvalidMetric(m.desc, err)
	}
	s.ch <- c
}

func (s scrape) count(m *metric, n uint64, labels ...string) { s.put(m, float64(n), labels...) }

func (s scrape) flag(m *metric, on bool, labels ...string) {
	v := 0.0
	if on {
		v = 1
	}
	s.put(m, v, labels...)
}

func (s scrape) seconds(m *metric, d stats.Seconds, labels ...string) {
	s.put(m, time.Duration(d).Seconds(), labels...)
}

func (s scrape) stamp(m *metric, t time.Time, labels ...string) {
	s.put(m, float64(t.UnixMilli())/1000, labels...)
}

// oneOf sends a series for each of the values that there may be: 1 for the one that
// is, 0 for the others, so that none has to be guessed from what is absent.
func (s scrape) oneOf(m *metric, is string, values []string, labels ...string) {
	for _, v := range values {
		s.flag(m, v == is, append(labels[:len(labels):len(labels)], v)...)
	}
}
