// Package reload makes one reload after the other: who asks, who gets the same one, and
// what is said of it. What a reload does to routers is for others.
package reload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/plan"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/stats"
)

// Options is what a Reloader is told.
type Options struct {
	Load func() (*config.Config, []config.Diagnostic) // reads the file; nil: there is none
	File string                                       // for diagnostics
	// Apply brings the routers to a configuration, all of it or nothing: after an
	// error everything runs as it was. It is called on the reload's goroutine.
	Apply func(cfg *config.Config, p *plan.Plan) error
	Tell  func(message string) // the service manager, in the words of sd_notify(3)
	Done  func(*stats.Reload)  // with each that has ended; may be nil
	Ended <-chan struct{}      // closed when the daemon does not run any more
	Log   *slog.Logger
}

// Reloader makes one reload after the other, on a goroutine of its own. Those
// who ask while one is under way get the next, all of them the same one.
type Reloader struct {
	o       Options
	running *config.Config // that of the routers; the goroutine's

	wake chan struct{} // of capacity 1
	work sync.Mutex    // held while a reload touches the routers

	mu      sync.Mutex
	next    *pass // not begun yet; nil for none
	stopped bool
	last    *stats.Reload // nil before the first
	count   uint64
}

// pass is one reload.
type pass struct {
	done   chan struct{}
	result stats.Reload // once done is closed
}

var errStopping = errors.New("the daemon is stopping")

// New is for routers that run with that configuration.
func New(running *config.Config, o Options) *Reloader {
	return &Reloader{o: o, running: running, wake: make(chan struct{}, 1)}
}

// ask wants a reload that begins after now.
func (l *Reloader) ask() (*pass, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return nil, errStopping
	}
	if l.next == nil {
		l.next = &pass{done: make(chan struct{})}
		select {
		case l.wake <- struct{}{}:
		default: // it will look
		}
	}
	return l.next, nil
}

// Run makes reloads until the daemon has ended.
func (l *Reloader) Run(signals <-chan os.Signal) {
	for {
		select {
		case <-l.o.Ended:
			return
		case <-signals:
			_, _ = l.ask() // when it stops, nobody waits
			continue
		case <-l.wake:
		}
		l.mu.Lock()
		p := l.next
		l.next = nil
		l.mu.Unlock()
		if p != nil {
			l.pass(p)
		}
	}
}

func (l *Reloader) pass(p *pass) {
	l.o.Tell(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", int64(clock.Now())/1000)) // sd_notify(3)
	defer l.o.Tell("READY=1")
	begin := time.Now()
	p.result = l.reload()
	p.result.At, p.result.Took = begin, stats.Seconds(time.Since(begin))
	l.mu.Lock()
	l.count++
	p.result.Count = l.count
	l.last = &p.result
	l.mu.Unlock()
	if l.o.Done != nil {
		l.o.Done(&p.result)
	}
	close(p.done)
}

// reload reads the configuration and brings the routers to it, or says why not.
func (l *Reloader) reload() (res stats.Reload) {
	if l.o.Load == nil {
		return l.refuse(nil, errors.New("vrrpx was started without a configuration file: there is nothing to read again"))
	}
	resume := pauseGC()
	cfg, diags := l.o.Load()
	resume()
	if cfg == nil {
		return l.refuse(diags, nil)
	}
	l.work.Lock()
	defer l.work.Unlock()
	l.mu.Lock()
	stopped := l.stopped
	l.mu.Unlock()
	if stopped {
		return l.refuse(nil, errStopping)
	}
	p := plan.Diff(l.running, cfg)
	if err := l.o.Apply(cfg, p); err != nil {
		return l.refuse(diags, err)
	}
	res = l.reloaded(p, diags, plan.GroupLines(l.running.Groups, cfg.Groups)...)
	l.running = cfg
	return res
}

// gcLimit is the memory at which Go collects garbage even while a file is read, in
// bytes.
const gcLimit = 512 << 20

// pauseGC has no garbage collected until resume. A collection marks what lives,
// which while a large file is read is most of it, on the CPUs that the pacer needs:
// one of 6 MB held adverts up by 20 to 30 ms on two CPUs, and by 0.5 ms so.
// Afterwards next to nothing of it lives.
func pauseGC() (resume func()) {
	limit := debug.SetMemoryLimit(-1) // asks
	debug.SetMemoryLimit(min(limit, gcLimit))
	percent := debug.SetGCPercent(-1)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

// Stop lets a reload that touches the routers come to its end, and has no other
// begin. Reading a file is not waited for.
func (l *Reloader) Stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.work.Lock()
	defer l.work.Unlock()
}

// Reload makes a reload and waits for its result, which tells whether the file
// was good. The error is that of a daemon that does not answer.
func (l *Reloader) Reload(ctx context.Context) (*stats.Reload, error) {
	p, err := l.ask()
	if err != nil {
		return nil, err
	}
	select {
	case <-p.done:
		return &p.result, nil
	case <-l.o.Ended:
		return nil, errStopping
	case <-ctx.Done():
		return nil, errors.New("the reload has not ended yet; `vrrpx status` will tell its result")
	}
}

// Last is for status: nil before the first. A nil Reloader has made none.
func (l *Reloader) Last() *stats.Reload {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// refuse logs why a configuration is not taken, and makes the answer.
func (l *Reloader) refuse(diags []config.Diagnostic, err error) (res stats.Reload) {
	if err != nil {
		diags = append(diags, preflight.Diagnose(err))
	}
	for _, d := range diags {
		res.Diagnostics = append(res.Diagnostics, finding(d))
		switch {
		case d.Severity != config.Error:
			continue
		case res.Error == "":
			res.Error = res.Diagnostics[len(res.Diagnostics)-1].Text
		}
		var more []any
		if d.Hint != "" {
			more = []any{"hint", d.Hint}
		}
		l.o.Log.Error("reload: "+finding(d).Text, more...)
	}
	l.o.Log.Error("reload refused: everything keeps running as it was")
	return res
}

// reloaded logs what was done, and makes the answer.
func (l *Reloader) reloaded(p *plan.Plan, diags []config.Diagnostic, more ...string) stats.Reload {
	res := stats.Reload{OK: true, Changes: append(p.Lines(), more...), Untouched: p.Untouched}
	for _, keyword := range p.Restart {
		diags = append(diags, config.Diagnostic{
			Severity: config.Warning, Pos: config.Pos{File: l.o.File},
			Message: keyword + " has changed: it counts from the next start", Hint: "restart vrrpx if it must count now",
		})
	}
	for _, d := range diags {
		res.Diagnostics = append(res.Diagnostics, finding(d))
		if d.Severity == config.Warning {
			l.o.Log.Warn("reload: " + finding(d).Text)
		}
	}
	for _, line := range res.Changes {
		l.o.Log.Info("reload: " + line)
	}
	l.o.Log.Info("reloaded", "added", len(p.Added), "removed", len(p.Removed), "changed", len(p.Changed), "untouched", p.Untouched)
	return res
}

func finding(d config.Diagnostic) stats.Finding {
	text := d.String()
	if d.Pos == (config.Pos{}) {
		text = d.Severity.String() + ": " + d.Message
	}
	return stats.Finding{Text: text, Hint: d.Hint}
}
