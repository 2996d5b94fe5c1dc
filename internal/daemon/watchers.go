package daemon

import (
	"sync"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/track"
)

// watchers are those of files and processes. They are the starter's, then the
// reloader's: to read a file may take its time.
type watchers struct {
	files     *track.Files     // nil: none is tracked
	processes *track.Processes // likewise

	mu    sync.Mutex
	early bool // the loop does not run yet
	first []func()
}

// openWatchers looks at files and processes before the election begins.
func (h *host) openWatchers() error {
	w := &h.watchers
	w.early = true
	if err := h.watchFiles(h.opts.Config, true); err != nil {
		return err
	}
	h.watchProcesses(h.opts.Config)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.early = false
	for _, f := range w.first {
		f()
	}
	w.first = nil
	return nil
}

// rewatch brings the watchers to a configuration, and what they find to the loop.
func (h *host) rewatch(cfg *config.Config) {
	if err := h.watchFiles(cfg, false); err != nil {
		h.log.Error(err.Error())
	}
	h.watchProcesses(cfg)
}

// news has the loop do something about what a watcher has found.
func (h *host) news(f func()) {
	w := &h.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.early {
		w.first = append(w.first, f)
		return
	}
	h.loop.post(f)
}

// keepThings forgets, on the loop, what a configuration does not track.
func (h *host) keepThings(cfg *config.Config) {
	wanted := map[string]bool{}
	for _, f := range cfg.TrackedFiles() {
		wanted["file "+f.Name] = true
	}
	for _, p := range cfg.TrackedProcesses() {
		wanted["process "+p.Name] = true
	}
	for name := range h.things {
		if !wanted[name] {
			delete(h.things, name)
		}
	}
}

func (w *watchers) close() {
	if w.files != nil {
		w.files.Close()
	}
	if w.processes != nil {
		w.processes.Close()
	}
}
