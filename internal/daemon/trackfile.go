package daemon

import (
	"fmt"

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

// thing is what is tracked under that name, which need not be watched yet.
func (h *host) thing(name string, file bool) *watched {
	w := h.things[name]
	if w == nil {
		w = &watched{name: name, file: file}
		h.things[name] = w
	}
	return w
}

func (h *host) fileThing(name string) *watched { return h.thing("file "+name, true) }

// watchFiles makes files that are to be there and watches. Only a start overwrites.
func (h *host) watchFiles(cfg *config.Config, starts bool) (err error) {
	var files []track.File
	for _, f := range cfg.TrackedFiles() {
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
		if w.files, err = track.WatchFiles(func(r track.Reading) { h.news(func() { h.filed(r) }) }); err != nil {
			return fmt.Errorf("track_file: %w", err)
		}
	}
	w.files.Set(files)
	return nil
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
