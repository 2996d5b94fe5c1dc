package daemon

import (
	"fmt"
	"sync"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/track"
)

// faultAt is the product of number and weight that is a fault, and not a change of
// priority. What is above 253 counts as that.
const (
	faultAt    = -254
	mostPoints = 253
)

// product is what a file's number comes to.
func (t tracker) product() int {
	n := t.value * int64(t.weight.N) // at most 2^31 * 254
	if t.weight.Reverse {
		n = -n
	}
	return int(min(max(n, faultAt), mostPoints))
}

// fileFault is the fault that a file is: without weight if it has another number
// than 0, with one if the product says so.
func (t tracker) fileFault() (cause string, holds bool) {
	cause = fmt.Sprintf("%s has %d", t.name, t.value)
	switch {
	case t.weight.N != 0:
		return cause + fmt.Sprintf(", with weight %d", t.weight.N), t.product() <= faultAt
	case t.weight.Reverse:
		return cause + ", and is tracked in reverse", t.value == 0
	}
	return cause, t.value != 0
}

// fileThing is the file of a name, which need not be watched yet.
func (h *host) fileThing(name string) *watched {
	w := h.things[name]
	if w == nil {
		w = &watched{name: "file " + name, file: true}
		h.things[name] = w
	}
	return w
}

// watchers are those of files. They are the starter's, then the reloader's.
type watchers struct {
	files *track.Files // nil: none is tracked

	mu    sync.Mutex
	early bool // the loop does not run yet
	first []track.Reading
}

// trackedFiles are the files that routers track.
func trackedFiles(cfg *config.Config) (all []config.TrackFile) {
	used := map[string]bool{}
	for _, r := range cfg.Routers {
		for _, t := range r.Files {
			used[t.Name] = true
		}
	}
	for _, f := range cfg.Files {
		if used[f.Name] {
			all = append(all, f)
		}
	}
	return all
}

// openFiles reads the files before the election begins.
func (h *host) openFiles() error {
	w := &h.watchers
	w.early = true
	if err := h.watch(h.opts.Config, true); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.early = false
	for _, r := range w.first {
		h.filed(r)
	}
	return nil
}

// keepFiles forgets, on the loop, what a configuration does not track.
func (h *host) keepFiles(cfg *config.Config) {
	wanted := map[string]bool{}
	for _, f := range trackedFiles(cfg) {
		wanted[f.Name] = true
	}
	for name := range h.things {
		if !wanted[name] {
			delete(h.things, name)
		}
	}
}

// rewatch brings the watched files to a configuration, and what they say to the
// loop. It may block.
func (h *host) rewatch(cfg *config.Config) {
	if err := h.watch(cfg, false); err != nil {
		h.log.Error("track_file: " + err.Error())
	}
}

// watch makes files that are to be there and watches. Only a start overwrites.
func (h *host) watch(cfg *config.Config, starts bool) (err error) {
	var files []track.File
	for _, f := range trackedFiles(cfg) {
		if f.Init {
			if err := track.InitFile(f.Path, f.InitValue, f.Overwrite && starts); err != nil {
				h.log.Error(fmt.Sprintf("track_file %s: init_file: %v", f.Name, err))
			}
		}
		files = append(files, track.File{Name: f.Name, Path: f.Path})
	}
	w := &h.watchers
	if w.files == nil {
		if len(files) == 0 {
			return nil
		}
		if w.files, err = track.WatchFiles(h.fileNews); err != nil {
			return err
		}
	}
	w.files.Set(files)
	return nil
}

// fileNews hands what a file says to the loop.
func (h *host) fileNews(r track.Reading) {
	w := &h.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.early {
		w.first = append(w.first, r)
		return
	}
	h.loop.post(func() { h.filed(r) })
}

// filed takes what a file says, on the loop.
func (h *host) filed(r track.Reading) {
	w := h.fileThing(r.Name) // its routers may come after it
	if r.Note != w.note && r.Note != "" {
		h.log.Warn(fmt.Sprintf("track_file %s counts as %d: %s", r.Name, r.Value, r.Note))
	} else if r.Value != w.value {
		h.log.Info(fmt.Sprintf("track_file %s is %d", r.Name, r.Value))
	}
	w.note = r.Note
	if w.value == r.Value {
		return
	}
	w.value = r.Value
	for _, r := range w.routers {
		h.reconsider(r)
	}
}
