package daemon

import (
	"fmt"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/track"
)

func (h *host) processThing(name string) *watched { return h.thing("process "+name, false) }

// trackedProcesses are the processes that routers track.
func trackedProcesses(cfg *config.Config) (all []track.Process) {
	for _, p := range cfg.TrackedProcesses() {
		all = append(all, track.Process{
			Name: p.Name, Path: p.Path, Params: p.Params, Match: track.ParamMatch(p.Match), Full: p.FullCommand,
			Quorum: p.Quorum, QuorumMax: p.QuorumMax, Fork: p.ForkDelay, Terminate: p.TerminateDelay,
		})
	}
	return all
}

// watchProcesses counts those of a configuration.
func (h *host) watchProcesses(cfg *config.Config) {
	w, list := &h.watchers, trackedProcesses(cfg)
	if w.processes == nil {
		if len(list) == 0 {
			return
		}
		w.processes = track.WatchProcesses(func(c track.Count) { h.news(func() { h.counted(c) }) })
		if w.processes.Polls() {
			h.log.Warn("track_process: the kernel does not tell of processes here; they are looked at once a second")
		}
	}
	w.processes.Set(list)
}

// counted takes how many processes of a kind there are, on the loop.
func (h *host) counted(c track.Count) {
	w, what, state := h.processThing(c.Name), "lost", track.Down
	if c.Up {
		what, state = "gained", track.Up
	}
	h.log.Info(fmt.Sprintf("Quorum %s for tracked process %s", what, c.Name), "running", c.N)
	w.note = fmt.Sprintf("%d ran when it changed", c.N)
	w.set(h, state)
}
