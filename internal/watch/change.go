package watch

import (
	"fmt"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// Change is something that two snapshots in a row show to have happened.
type Change struct {
	At     time.Time
	Router string // its name; empty: of the daemon
	Text   string
	style  style
}

// Line is the change as it is printed where there is no terminal.
func (c Change) Line() string {
	who := c.Router
	if who == "" {
		who = "vrrpx"
	}
	return c.At.Format("2006-01-02T15:04:05.000Z07:00") + " " + clean(who) + " " + clean(c.Text)
}

// recent are the transitions that a first snapshot remembers, oldest first.
func recent(st *stats.Status) (all []Change) {
	for i := range st.Routers {
		all = append(all, transitions(&st.Routers[i], time.Time{})...)
	}
	sortChanges(all)
	return all
}

// standing is what a first snapshot says of each router.
func standing(st *stats.Status) (all []Change) {
	for i := range st.Routers {
		r := &st.Routers[i]
		all = append(all, Change{At: r.Since, Router: r.Name, Text: r.State + ": " + r.Reason, style: stateStyle(r.State)})
		for _, a := range r.AlarmList {
			all = append(all, alarmBegun(r, a))
		}
	}
	sortChanges(all)
	return all
}

// diff is what has happened between two snapshots, oldest first. at is when the
// second came, for what has no stamp of its own.
func diff(was, is *stats.Status, at time.Time) (all []Change) {
	again := was.PID != is.PID || !was.Started.Equal(is.Started)
	if again {
		all = append(all, Change{At: is.Started, Text: fmt.Sprintf("started anew, pid %d", is.PID), style: warn})
	}
	if r := is.Reload; r != nil && (again || was.Reload == nil || was.Reload.Count != r.Count) {
		c := Change{At: r.At, Text: fmt.Sprintf("reloaded: %d changes", len(r.Changes))}
		if !r.OK {
			c.Text, c.style = "reload refused: "+r.Error, warn
		}
		all = append(all, c)
	}
	all = append(all, diffDevices(was, is, at)...)
	before := make(map[id]*stats.Router, len(was.Routers))
	for i := range was.Routers {
		before[idOf(&was.Routers[i])] = &was.Routers[i]
	}
	for i := range is.Routers {
		r := &is.Routers[i]
		old := before[idOf(r)]
		delete(before, idOf(r))
		switch {
		case again:
			all = append(all, transitions(r, time.Time{})...)
		case old == nil:
			all = append(all, Change{At: at, Router: r.Name, Text: "is new: " + r.State + ": " + r.Reason, style: stateStyle(r.State)})
		default:
			all = append(all, diffRouter(old, r, at)...)
		}
	}
	for _, r := range was.Routers {
		if before[idOf(&r)] != nil {
			all = append(all, Change{At: at, Router: r.Name, Text: "is no longer configured", style: warn})
		}
	}
	sortChanges(all)
	return all
}

func sortChanges(all []Change) {
	slices.SortStableFunc(all, func(a, b Change) int { return a.At.Compare(b.At) })
}

// transitions are those of a router after a time.
func transitions(r *stats.Router, after time.Time) (all []Change) {
	for _, t := range r.History {
		if t.At.After(after) {
			all = append(all, Change{At: t.At, Router: r.Name, Text: t.From + " > " + t.To + ": " + t.Reason, style: stateStyle(t.To)})
		}
	}
	return all
}

func diffRouter(was, is *stats.Router, at time.Time) (all []Change) {
	var last time.Time
	if n := len(was.History); n > 0 {
		last = was.History[n-1].At
	}
	all = transitions(is, last)
	say := func(s style, format string, a ...any) {
		all = append(all, Change{At: at, Router: is.Name, Text: fmt.Sprintf(format, a...), style: s})
	}
	if was.Priority != is.Priority {
		say(normal, "priority %d > %d", was.Priority, is.Priority)
	}
	if was.Master != nil && is.Master != nil && was.Master.Address != is.Master.Address {
		say(normal, "its master is %s, and was %s", is.Master.Address, was.Master.Address)
	}
	for _, t := range is.Tracked {
		i := slices.IndexFunc(was.Tracked, func(o stats.Tracked) bool { return o.Name == t.Name })
		if i >= 0 && was.Tracked[i].State != t.State {
			say(normal, "%s %s > %s%s", t.Name, was.Tracked[i].State, t.State, brackets(t.Note))
		}
	}
	same := func(a stats.Alarm) func(stats.Alarm) bool {
		return func(b stats.Alarm) bool { return a.Kind == b.Kind && a.Cause == b.Cause }
	}
	for _, a := range is.AlarmList {
		if !slices.ContainsFunc(was.AlarmList, same(a)) {
			all = append(all, alarmBegun(is, a))
		}
	}
	for _, a := range was.AlarmList {
		if !slices.ContainsFunc(is.AlarmList, same(a)) {
			say(normal, "alarm over: %s", a.Kind)
		}
	}
	return all
}

func alarmBegun(r *stats.Router, a stats.Alarm) Change {
	return Change{At: a.Since, Router: r.Name, Text: "ALARM " + a.Kind + ": " + a.Text, style: bad}
}

func diffDevices(was, is *stats.Status, at time.Time) (all []Change) {
	for _, n := range is.Interfaces {
		i := slices.IndexFunc(was.Interfaces, func(o stats.Interface) bool { return o.Name == n.Name })
		if i < 0 {
			continue
		}
		o := was.Interfaces[i]
		if o.Up != n.Up {
			all = append(all, Change{At: at, Text: "interface " + n.Name + " is " + upDown(n.Up), style: warn})
		}
		if o.XDP != n.XDP {
			all = append(all, Change{At: at, Text: "interface " + n.Name + ": XDP " + o.XDP + " > " + n.XDP + brackets(n.XDPNote), style: warn})
		}
	}
	return all
}

func upDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

func brackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// last are the n newest of all.
func last(all []Change, n int) []Change { return all[max(len(all)-max(n, 0), 0):] }
