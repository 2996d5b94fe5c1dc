package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/stats"
)

// runReload has the daemon read its configuration again, and tells what came of
// it. A refused one is an error, with all that is wrong with it.
func runReload(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	if err := parse(flags, args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 70*time.Second)
	defer cancel()
	var res *stats.Reload
	err := askDaemon(func(c *control.Client) (err error) { res, err = c.Reload(ctx); return err })
	if err != nil {
		return err
	}
	for _, d := range res.Diagnostics {
		fmt.Fprintln(e.stderr, d.Text)
		if d.Hint != "" {
			fmt.Fprintf(e.stderr, "  hint: %s\n", d.Hint)
		}
	}
	if !res.OK {
		return hint("correct it and reload again", "refused, and everything keeps running as it was")
	}
	for _, line := range res.Changes {
		fmt.Fprintln(e.stdout, line)
	}
	fmt.Fprintln(e.stdout, reloadText(res))
	return nil
}

// restEvery and restFor are how a file is read while the daemon runs. All threads
// have one realtime priority (sched.Realtime), so nobody takes the CPU, or Go's
// leave to run, from a goroutine that computes: it has to give them away, or a
// large file would delay adverts.
const (
	restEvery = 500 * time.Microsecond
	restFor   = 300 * time.Microsecond
)

// resting is a function that gives way to others when it is time.
func resting() func() {
	since := time.Now()
	return func() {
		if time.Since(since) >= restEvery {
			time.Sleep(restFor)
			since = time.Now()
		}
	}
}

// reloadText is the result of a reload in one line.
func reloadText(r *stats.Reload) string {
	if !r.OK {
		return "refused, and everything keeps running as it was: " + r.Error
	}
	return fmt.Sprintf("ok, %d changes, %d routers untouched, in %s", len(r.Changes), r.Untouched, r.Took)
}
