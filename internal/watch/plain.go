package watch

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// Lines prints what is and then each change as a line, for pipes, files and
// terminals that cannot do more, until the context ends. It fails when the daemon
// does not answer at first, or the lines cannot be written.
func Lines(ctx context.Context, src Source, w io.Writer, interval time.Duration) error {
	st, err := ask(ctx, src)
	if err != nil {
		return err
	}
	if err := printLines(w, standing(st)); err != nil {
		return err
	}
	spent := cpuTime()
	silent := false
	wait := time.NewTimer(interval)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
		next, err := ask(ctx, src)
		now := time.Now()
		var all []Change
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !silent:
			silent, all = true, []Change{{At: now, Text: "no answer: " + err.Error()}}
		case err == nil:
			if silent {
				silent, all = false, []Change{{At: now, Text: fmt.Sprintf("answers again, pid %d", next.PID)}}
			}
			all = append(all, diff(st, next, now)...)
			st = next
		}
		if err := printLines(w, all); err != nil {
			return err
		}
		cost := cpuTime() - spent
		spent += cost
		wait.Reset(pause(interval, cost))
	}
}

func ask(ctx context.Context, src Source) (*stats.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return src.Status(ctx)
}

func printLines(w io.Writer, all []Change) error {
	for _, c := range all {
		if _, err := fmt.Fprintln(w, c.Line()); err != nil {
			return err
		}
	}
	return nil
}
