package daemon

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/track"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// watched is a thing that routers track: the loop's.
type watched struct {
	name    string // with its kind: "script check_nginx"
	state   track.State
	note    string // of the last failure
	file    bool   // of a file, which has no state: its number counts
	value   int64
	routers []*router
}

// tracker is what one watched thing does to one router.
type tracker struct {
	*watched
	weight config.Weight
	// fresh: it has come to a running router by a reload, and does nothing to it
	// before the first result.
	fresh bool
}

// points is what it adds to the priority. What is not known yet counts as
// down, as in keepalived: a router shall not win an election on trust.
func (t tracker) points() int {
	if t.file {
		if n := t.product(); n > faultAt {
			return n
		}
		return 0
	}
	n, up := t.weight.N, t.state == track.Up
	if t.fresh && t.state == track.Unknown {
		return 0
	}
	if n > 0 && !up || n < 0 && up {
		return 0
	}
	if t.weight.Reverse {
		return -n
	}
	return n
}

// fault is the cause of a FAULT that it is, if any: only without weight.
func (t tracker) fault() (cause string, holds bool) {
	switch {
	case t.file:
		return t.fileFault()
	case t.weight.N != 0 || t.state == track.Unknown:
		return "", false
	case t.weight.Reverse:
		return t.name + " is up, and tracked in reverse", t.state == track.Up
	}
	return t.name + " is down", t.state == track.Down
}

// pending tells whether the election has to wait for what it finds.
func (t tracker) pending() bool {
	return !t.file && t.weight.N == 0 && t.state == track.Unknown && !t.fresh
}

// effective is the priority that the router has now: its own and what the
// trackers add, 1 to 254; an owner's is never adjusted.
func (r *router) effective() uint8 {
	if r.cfg.Priority == 255 {
		return 255
	}
	sum := int(r.cfg.Priority)
	for _, t := range r.trackers {
		sum += t.points()
	}
	return uint8(min(max(sum, 1), 254))
}

// trackedFaults are the causes of FAULT that trackers are.
func (r *router) trackedFaults() (causes []string) {
	for _, t := range r.trackers {
		if cause, holds := t.fault(); holds {
			causes = append(causes, cause)
		}
	}
	return causes
}

// waitsFor names what the router's election waits for; empty for nothing.
func (r *router) waitsFor() string {
	for _, t := range r.trackers {
		if t.pending() {
			return t.name
		}
	}
	return ""
}

// trackView is what the router tracks, for status.
func (r *router) trackView() (all []stats.Tracked) {
	for _, t := range r.trackers {
		_, fault := t.fault()
		weight := t.weight.N
		if t.weight.Reverse {
			weight = -weight
		}
		state := t.state.String()
		if t.file {
			state = strconv.FormatInt(t.value, 10)
		}
		all = append(all, stats.Tracked{
			Name: t.name, State: state, Weight: weight, Points: t.points(), Fault: fault, Reverse: t.weight.Reverse, Note: t.note,
		})
	}
	return all
}

// follow makes the trackers of a router: the scripts and interfaces that it names,
// and the interfaces that its addresses are on, where it cannot hold them when
// they are down. Without weight a script that has no result yet keeps the election
// waiting; a router that runs already (fresh) goes on as if it were not there.
func (h *host) follow(r *router, fresh bool) {
	for _, t := range r.cfg.Scripts {
		w := h.scripts[t.Name]
		if w == nil {
			w = &watched{name: "script " + t.Name}
			h.scripts[t.Name] = w
		}
		r.track(w, t.Weight)
		r.trackers[len(r.trackers)-1].fresh = fresh
	}
	for _, t := range r.cfg.Files {
		r.track(h.fileThing(t.Name), t.Weight)
	}
	for _, t := range r.cfg.Processes {
		r.track(h.processThing(t.Name), t.Weight)
		r.trackers[len(r.trackers)-1].fresh = fresh
	}
	listed := map[string]bool{r.cfg.Interface: true} // which is watched in any case
	for _, t := range r.cfg.Interfaces {
		listed[t.Name] = true
		r.track(h.watchDevice(t.Name), t.Weight)
	}
	for _, a := range r.cfg.All() {
		if !listed[a.Device] && !a.NoTrack {
			listed[a.Device] = true
			r.track(h.watchDevice(a.Device), config.Weight{})
		}
	}
	for _, name := range r.cfg.Needs {
		if !listed[name] {
			r.track(h.watchDevice(name), config.Weight{})
		}
	}
}

// unfollow ends that.
func (r *router) unfollow() {
	for _, t := range r.trackers {
		t.routers = slices.DeleteFunc(t.routers, func(x *router) bool { return x == r })
	}
	r.trackers = nil
}

func (h *host) watchDevice(name string) *watched {
	d := h.meet(name)
	if d.watched == nil {
		d.watched = &watched{name: "interface " + name, state: d.trackState()}
	}
	return d.watched
}

func (r *router) track(w *watched, weight config.Weight) {
	r.trackers = append(r.trackers, tracker{watched: w, weight: weight})
	w.routers = append(w.routers, r)
}

// checksOf are the scripts of a configuration that routers track, resolved. It may
// block.
func checksOf(p *preflight.Programs, cfg *config.Config) ([]track.Script, error) {
	used := map[string]bool{}
	for _, r := range cfg.Routers {
		for _, t := range r.Scripts {
			used[t.Name] = true
		}
	}
	var all []track.Script
	for _, s := range cfg.Scripts {
		if !used[s.Name] {
			continue
		}
		c, err := p.Command(s.Command)
		if err != nil {
			return nil, err
		}
		c.Timeout = s.Timeout
		all = append(all, track.Script{
			Name: s.Name, Command: c, Interval: s.Interval, Rise: s.Rise, Fall: s.Fall, InitFail: s.InitFail,
		})
	}
	return all, nil
}

// runCheck starts a check script.
func (h *host) runCheck(s track.Script) {
	var run *track.Scripts
	run = track.RunScripts(h.runner, []track.Script{s}, func(rep track.Report) {
		h.loop.post(func() {
			if h.runs[s.Name] == run { // else it has begun anew since
				h.checked(rep)
			}
		})
	})
	h.runs[s.Name] = run
}

// rerun makes the scripts that run those that shall: the ones that are to begin
// anew keep their state until then.
func (h *host) rerun(checks []track.Script, anew map[string]bool) {
	wanted := map[string]bool{}
	for _, s := range checks {
		wanted[s.Name] = true
	}
	for name, run := range h.runs {
		if !wanted[name] || anew[name] {
			run.Close()
			delete(h.runs, name)
		}
		if !wanted[name] {
			delete(h.scripts, name)
		}
	}
	for _, s := range checks {
		if h.scripts[s.Name] == nil {
			h.scripts[s.Name] = &watched{name: "script " + s.Name}
		}
		if h.runs[s.Name] == nil {
			h.runCheck(s)
		}
	}
}

// checked takes the result of a check script, on the loop.
func (h *host) checked(rep track.Report) {
	w := h.scripts[rep.Name]
	if failed := !rep.Result.OK(); failed && (rep.Changed || w.note != rep.Result.String()) {
		w.note = rep.Result.String()
		h.log.Warn(fmt.Sprintf("Script `%s` now returning failure: %s", rep.Name, w.note), "state", rep.State.String())
	} else if !failed && rep.Changed {
		w.note = ""
		h.log.Info(fmt.Sprintf("Script `%s` succeeded", rep.Name))
	}
	w.set(h, rep.State)
}

// set brings all routers that track a thing to its new state.
func (w *watched) set(h *host, s track.State) {
	if w.state == s {
		return
	}
	w.state = s
	h.reconsiderAll(w.routers)
}

// reconsiderAll does so for all whom one thing moves: what they say leaves first.
func (h *host) reconsiderAll(all []*router) {
	if len(all) == 1 {
		h.reconsider(all[0])
		return
	}
	h.loop.storm.gather(func() {
		for _, r := range all {
			h.reconsider(r)
		}
	})
}

// reconsider brings a router to its own address, its faults and its priority as
// they are now, and begins its election if that has waited for this.
func (h *host) reconsider(r *router) {
	t, d := clock.Now(), r.device
	faults, source := append(d.faults(r), r.trackedFaults()...), r.source(d.own(vrrp.Family(r.cfg.Family)))
	if source.IsValid() && source != r.machine.Config().Primary {
		r.step(t, vrrp.SetConfig{Config: r.machineConfig(source)})
		h.watchPeers(d)
	}
	r.reprioritise(t)
	// New causes before old ones are cleared, so that the router does not
	// pass through BACKUP on its way from one to the next.
	for _, f := range faults {
		r.step(t, vrrp.Fault{Cause: f, Active: true})
	}
	for _, f := range r.machine.Faults() {
		if !slices.Contains(faults, f) {
			r.step(t, vrrp.Fault{Cause: f})
		}
	}
	if h.electing && r.waitsFor() == "" {
		r.step(t, vrrp.Startup{Resume: r.resumes}) // nothing when it has begun
		r.resumes = false
	}
}

// reprioritise gives the machine the effective priority when it has changed.
func (r *router) reprioritise(t vrrp.Instant) {
	was, is := r.machine.Config().Priority, r.effective()
	if was == is {
		return
	}
	r.log.Info(fmt.Sprintf("(%s) Changing effective priority from %d to %d", r.cfg.Name, was, is))
	r.step(t, vrrp.SetPriority{Priority: is})
	r.rememberPriority(t, was, is)
	if len(r.told) > 0 {
		r.settle() // its transition is told first
	}
	r.tellPriority()
}
