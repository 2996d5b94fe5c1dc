package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/history"
	"github.com/vrrpx/vrrpx/internal/netns"
	"github.com/vrrpx/vrrpx/stats"
)

// runEvents lists what happened: as the daemon has it, or from its file when none runs.
func runEvents(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	asJSON := flags.Bool("json", false, "print each event as one line of JSON")
	follow := flags.Bool("follow", false, "go on with what happens, until the daemon ends")
	since := flags.String("since", "", "from this time on: "+strings.TrimPrefix(whenHint, "a time is "))
	if err := parse(flags, args); err != nil {
		return err
	}
	from, _, err := parseFlag("since", *since, time.Now())
	if err != nil {
		return err
	}
	enc := json.NewEncoder(e.stdout)
	show := func(ev *stats.Event) error {
		if *asJSON {
			return enc.Encode(ev)
		}
		_, err := fmt.Fprintln(e.stdout, eventText(ev))
		return err
	}
	q := control.EventQuery{Since: from.at, Follow: *follow}
	err = askDaemon(func(c *control.Client) error { return c.Events(ctx, q, show) })
	switch {
	case errors.Is(err, context.Canceled): // the end of who follows
		return nil
	case !*follow && errors.As(err, &noDaemon{}):
		events, err := storedEvents()
		if err != nil {
			return err
		}
		for i := range events {
			if events[i].At.Before(q.Since) {
				continue
			}
			if err := show(&events[i]); err != nil {
				return err
			}
		}
		return nil
	case err == nil && *follow:
		return hint("`vrrpx events` lists what it has left", "the daemon has ended")
	}
	return err
}

// storedEvents reads the file of a daemon that does not run.
func storedEvents() ([]stats.Event, error) {
	dir, err := netns.HistoryDir()
	if err != nil {
		return nil, err
	}
	events, err := history.Read(dir)
	if err != nil {
		return nil, hint("read it as root", "%w", err)
	}
	return events, nil
}

// eventText is an event in one line.
func eventText(e *stats.Event) string {
	who := ""
	if e.Router != "" {
		who = "(" + e.Router + ") "
	}
	text := stamp(e.At) + " " + who + e.Text
	if len(e.Changes) > 0 {
		text += ": " + strings.Join(e.Changes, "; ")
	}
	return text
}
