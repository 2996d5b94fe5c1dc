package daemon

import (
	"context"
	"errors"
	"fmt"
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

// reloader makes one reload after the other, on a goroutine of its own. Those
// who ask while one is under way get the next, all of them the same one.
type reloader struct {
	host    *host
	running *config.Config // that of the routers; the goroutine's

	wake chan struct{} // of capacity 1
	work sync.Mutex    // held while a reload touches the host

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

func newReloader(h *host, running *config.Config) *reloader {
	return &reloader{host: h, running: running, wake: make(chan struct{}, 1)}
}

// ask wants a reload that begins after now.
func (l *reloader) ask() (*pass, error) {
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

// run makes reloads until stop.
func (l *reloader) run(signals <-chan os.Signal) {
	for {
		select {
		case <-l.host.loopDone:
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

func (l *reloader) pass(p *pass) {
	h := l.host
	h.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", int64(clock.Now())/1000)) // sd_notify(3)
	defer h.send("READY=1")
	begin := time.Now()
	p.result = l.reload()
	p.result.At, p.result.Took = begin, stats.Seconds(time.Since(begin))
	l.mu.Lock()
	l.count++
	p.result.Count = l.count
	l.last = &p.result
	l.mu.Unlock()
	close(p.done)
}

// reload reads the configuration and brings the routers to it, or says why not.
func (l *reloader) reload() (res stats.Reload) {
	h := l.host
	if h.opts.Load == nil {
		return h.refuse(nil, errors.New("vrrpx was started without a configuration file: there is nothing to read again"))
	}
	resume := pauseGC()
	cfg, diags := h.opts.Load()
	resume()
	if cfg == nil {
		return h.refuse(diags, nil)
	}
	l.work.Lock()
	defer l.work.Unlock()
	l.mu.Lock()
	stopped := l.stopped
	l.mu.Unlock()
	if stopped {
		return h.refuse(nil, errStopping)
	}
	p := plan.Diff(l.running, cfg)
	prep, err := h.prepare(cfg, p)
	if err != nil {
		return h.refuse(diags, err)
	}
	h.apply(prep)
	res = h.reloaded(p, diags, plan.GroupLines(l.running.Groups, cfg.Groups)...)
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

// stop lets a reload that touches the host come to its end, and has no other
// begin. Reading a file is not waited for.
func (l *reloader) stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.work.Lock()
	defer l.work.Unlock()
}

// Reload makes a reload and waits for its result, which tells whether the file
// was good. The error is that of a daemon that does not answer.
func (h *host) Reload(ctx context.Context) (*stats.Reload, error) {
	p, err := h.reloads.ask()
	if err != nil {
		return nil, err
	}
	select {
	case <-p.done:
		return &p.result, nil
	case <-h.loopDone:
		return nil, errStopping
	case <-ctx.Done():
		return nil, errors.New("the reload has not ended yet; `vrrpx status` will tell its result")
	}
}

// lastReload is for status: nil before the first.
func (l *reloader) lastReload() *stats.Reload {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// refuse logs why a configuration is not taken, and makes the answer.
func (h *host) refuse(diags []config.Diagnostic, err error) (res stats.Reload) {
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
		h.log.Error("reload: "+finding(d).Text, more...)
	}
	h.log.Error("reload refused: everything keeps running as it was")
	return res
}

// reloaded logs what was done, and makes the answer.
func (h *host) reloaded(p *plan.Plan, diags []config.Diagnostic, more ...string) stats.Reload {
	res := stats.Reload{OK: true, Changes: append(p.Lines(), more...), Untouched: p.Untouched}
	for _, keyword := range p.Restart {
		diags = append(diags, config.Diagnostic{
			Severity: config.Warning, Pos: config.Pos{File: h.opts.ConfigFile},
			Message: keyword + " has changed: it counts from the next start", Hint: "restart vrrpx if it must count now",
		})
	}
	for _, d := range diags {
		res.Diagnostics = append(res.Diagnostics, finding(d))
		if d.Severity == config.Warning {
			h.log.Warn("reload: " + finding(d).Text)
		}
	}
	for _, line := range res.Changes {
		h.log.Info("reload: " + line)
	}
	h.log.Info("reloaded", "added", len(p.Added), "removed", len(p.Removed), "changed", len(p.Changed), "untouched", p.Untouched)
	return res
}

func finding(d config.Diagnostic) stats.Finding {
	text := d.String()
	if d.Pos == (config.Pos{}) {
		text = d.Severity.String() + ": " + d.Message
	}
	return stats.Finding{Text: text, Hint: d.Hint}
}
