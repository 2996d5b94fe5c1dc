// Command screens runs vrrpx in network namespaces, looks at it with `vrrpx watch`
// in tmux, and makes the pictures of docs/watch.md, or the figures: what watching
// costs, and what it does to adverts.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "screens: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	binary := flag.String("vrrpx", "vrrpx", "the vrrpx `program`")
	out := flag.String("out", "docs/watch", "`directory` for the pictures")
	draws := flag.String("draw", "", "do nothing but draw a `file` that tmux capture-pane -e -N -p wrote")
	only := flag.Int("n", 0, "of the pictures only those with so many routers")
	cost := flag.Duration("cost", 0, "measure for so long instead, with 255 routers")
	watched := flag.Bool("watched", false, "with -cost: while `vrrpx watch` runs on both hosts")
	interval := flag.Duration("interval", 10*time.Millisecond, "with -cost: between adverts")
	flag.Parse()
	switch {
	case *draws != "":
		text, err := os.ReadFile(*draws)
		if err != nil {
			return err
		}
		return save(*draws+".png", string(text))
	case *cost > 0:
		return measure(ctx, *binary, *cost, *interval, *watched)
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	return pictures(ctx, *binary, *out, *only)
}
