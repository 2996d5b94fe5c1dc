// Package track watches what a router's priority depends on beside the
// protocol: check scripts, and the contents of files.
package track

import (
	"context"
	"sync"
	"time"

	"github.com/vrrpx/vrrpx/internal/script"
)

// Script is a check that runs again and again (vrrp_script).
type Script struct {
	Name     string
	Command  script.Command
	Interval time.Duration // from one start to the next, above 0
	Rise     int           // successes in a row that end Down, at least 1
	Fall     int           // failures in a row that end Up, at least 1
	InitFail bool          // Down until it succeeds, in place of Unknown
}

// Report tells of a run of a script: how it went, and the state after it.
// Changed tells whether that is another than before.
type Report struct {
	Name    string
	State   State
	Changed bool
	Result  script.Result
}

// Scripts runs checks until it is closed.
type Scripts struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

// runner starts programs (script.Runner).
type runner interface {
	Run(script.Command) script.Result
}

// RunScripts begins to run checks, each at once and then at its interval from
// there. A check that still runs when its time comes is left to run, and that
// turn is skipped. report is called from many goroutines, and in order for each
// script; the reports of runs that failed or changed the state alone.
func RunScripts(r runner, scripts []Script, report func(Report)) *Scripts {
	ctx, stop := context.WithCancel(context.Background())
	s := &Scripts{stop: stop}
	for _, sc := range scripts {
		s.done.Go(func() { sc.watch(ctx, r, report) })
	}
	return s
}

// Close ends the checks. It does not wait for programs that run: they are ended
// with this process, or by their timeout.
func (s *Scripts) Close() { s.stop() }

func (s Script) watch(ctx context.Context, r runner, report func(Report)) {
	t := tally{rise: s.Rise, fall: s.Fall}
	if s.InitFail {
		t.state = Down
	}
	for next := time.Now(); ; {
		result := r.Run(s.Command)
		if ctx.Err() != nil {
			return
		}
		changed := t.add(result.OK())
		if changed || !result.OK() {
			report(Report{Name: s.Name, State: t.state, Changed: changed, Result: result})
		}
		// Absolute, so that the interval is that from start to start.
		next = next.Add((time.Since(next)/s.Interval + 1) * s.Interval)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
	}
}
