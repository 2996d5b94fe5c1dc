package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/explain"
	"github.com/vrrpx/vrrpx/stats"
)

// runExplain says why a router is what it is, or was.
func runExplain(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	at := flags.String("at", "", "explain the past: "+strings.TrimPrefix(whenHint, "a time is "))
	if err := parseUpTo(1, flags, args); err != nil {
		return err
	}
	now := time.Now()
	moment, past, err := parseFlag("at", *at, now)
	if err != nil {
		return err
	}
	in := explain.Input{Now: now}
	if in.Status, in.Events, err = askAll(ctx); err != nil {
		return err
	}
	return explained(e.stdout, in, flags.Arg(0), moment, past)
}

// explained prints what there is to say.
func explained(w io.Writer, in explain.Input, router string, at when, past bool) error {
	answers, err := explain.Present(in, router)
	if past {
		answers, err = explain.Past(in, router, at.at, at.exact)
	}
	if unknown := (*explain.UnknownRouterError)(nil); errors.As(err, &unknown) {
		known := "none is known"
		if len(unknown.Known) > 0 {
			known = "known are " + strings.Join(unknown.Known, ", ")
		}
		return usageError{hint(known, "%w", err)}
	}
	if err != nil {
		return err
	}
	for i, a := range answers {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprint(w, a)
	}
	return nil
}

// askAll asks the daemon for its snapshot and its history. Where none runs there is no
// snapshot, and the history is that of its file.
func askAll(ctx context.Context) (*stats.Status, []stats.Event, error) {
	st, err := askStatus(ctx)
	if errors.As(err, &noDaemon{}) {
		events, err := storedEvents()
		return nil, events, err
	}
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var events []stats.Event
	err = askDaemon(func(c *control.Client) error {
		return c.Events(ctx, control.EventQuery{}, func(e *stats.Event) error { events = append(events, *e); return nil })
	})
	return st, events, err
}
