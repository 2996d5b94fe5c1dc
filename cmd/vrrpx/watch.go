package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/speakers"
	"github.com/vrrpx/vrrpx/internal/watch"
	"github.com/vrrpx/vrrpx/stats"
)

// How often the view may be refreshed.
const (
	watchUsual = 500 * time.Millisecond
	watchLeast = 100 * time.Millisecond
	watchMost  = time.Minute
)

func runWatch(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	interval := flags.DurationP("interval", "n", watchUsual, "time between two refreshes, 100ms to 1m; longer where one would take more than 1.5 % of a CPU")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *interval < watchLeast || *interval > watchMost {
		return usageError{hint("leave -n out for 500ms", "an interval of %v: from %v to %v are possible", *interval, watchLeast, watchMost)}
	}
	client, path, err := daemonClient()
	if err != nil {
		return err
	}
	src := watched{client, path}
	out, ok := e.stdout.(*os.File)
	if term := os.Getenv("TERM"); ok && watch.IsTerminal(out, term) && watch.IsTerminal(os.Stdin, term) {
		return watch.Terminal(ctx, src, os.Stdin, out, *interval)
	}
	return watch.Lines(ctx, src, e.stdout, *interval)
}

// watched is the daemon, whose errors say what to do.
type watched struct {
	client *control.Client
	path   string
}

func (w watched) Status(ctx context.Context) (*stats.Status, error) {
	st, err := w.client.Status(ctx)
	return st, explainAsk(w.path, err)
}

func (w watched) Speakers(ctx context.Context) (*stats.Speakers, error) {
	all, err := w.client.Speakers(ctx)
	return all, explainAsk(w.path, err)
}

func runSpeakers(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	asJSON := flags.Bool("json", false, "print all that is known of each as JSON")
	if err := parse(flags, args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var all *stats.Speakers
	err := askDaemon(func(c *control.Client) (err error) { all, err = c.Speakers(ctx); return err })
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(e.stdout, all)
	}
	speakers.Print(e.stdout, all)
	return nil
}
