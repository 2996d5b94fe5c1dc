// Command dashboard draws packaging/grafana/vrrpx.json without Grafana: it stages a
// takeover and a split brain of two vrrpx in network namespaces, has a real Prometheus
// scrape them, asks it what each panel asks, and draws the panels on their grid as one
// PNG. As root: cd tools && go run ./dashboard -o ../docs/monitoring.png
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/vrrpx/vrrpx/internal/promlab"
)

// Answers are what Prometheus said of the queries of a dashboard.
type Answers struct {
	From, To time.Time
	Step     time.Duration
	Events   []Event
	// Series of each panel and query, by "ID REFID".
	Series map[string][]promlab.Series
}

// Event is something that was done to the hosts.
type Event struct {
	At   time.Time
	Text string
}

func key(p *promlab.Panel, q *promlab.PanelQuery) string { return fmt.Sprint(p.ID, " ", q.RefID) }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

func run() error {
	file := flag.String("dashboard", "../packaging/grafana/vrrpx.json", "the dashboard's `FILE`")
	binary := flag.String("vrrpx", "../bin/vrrpx", "the vrrpx that is staged, a `FILE`")
	save := flag.String("save", "", "write what Prometheus answered to a `FILE`")
	from := flag.String("from", "", "stage nothing: draw what was saved in a `FILE`")
	out := flag.String("o", "dashboard.png", "the picture, a `FILE`")
	flag.Parse()
	if flag.NArg() > 0 {
		return errors.New("no argument is expected")
	}
	d, err := promlab.ReadDashboard(*file)
	if err != nil {
		return err
	}
	var a Answers
	if *from != "" {
		text, err := os.ReadFile(*from)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &a); err != nil {
			return fmt.Errorf("%s: %w", *from, err)
		}
	} else if a, err = Stage(context.Background(), d, *binary); err != nil {
		return err
	}
	if *save != "" {
		text, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if err := os.WriteFile(*save, text, 0o644); err != nil {
			return err
		}
	}
	png, err := Draw(d, &a)
	if err != nil {
		return err
	}
	return os.WriteFile(*out, png, 0o644)
}
