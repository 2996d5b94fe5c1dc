package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// The states, as stats.Router has them.
const (
	initial = "INIT"
	backup  = "BACKUP"
	master  = "MASTER"
	fault   = "FAULT"
)

// decision is the transition that made the router what it is: from the history where that
// has it, else what the snapshot tells of it.
func (v view) decision() *stats.Event {
	for i := len(v.Events) - 1; i >= 0; i-- {
		e := &v.Events[i]
		if e.Kind != stats.EventTransition || e.Router != v.r.Name {
			continue
		}
		// The snapshot reckons with today's reading of the clocks.
		if off := e.At.Sub(v.r.Since).Abs(); e.To == v.r.State && off < time.Minute {
			return e
		}
		break
	}
	e := &stats.Event{At: v.r.Since, Kind: stats.EventTransition, Router: v.r.Name, To: v.r.State, Text: v.r.Reason}
	if n := len(v.r.History); n > 0 && v.r.History[n-1].To == v.r.State {
		e.From = v.r.History[n-1].From
	}
	return e
}

// why is what decided, and what keeps it so; told are the alarms that this has named.
func (v view) why(e *stats.Event) (says []string, told []string) {
	r := v.r
	var alarms []stats.Event
	for _, a := range r.AlarmList {
		alarms = append(alarms, stats.Event{Alarm: a.Kind, Cause: a.Cause})
	}
	says, told = leading(e, alarms, r.VRID)
	first, last := v.context(e)
	says = append(says, first...)
	switch r.State {
	case backup:
		says = append(append(says, v.behind()...), v.became(e)...)
	case initial:
		says = append(says, sentence(r.Reason))
	default:
		says = append(says, decided(e)...)
		if r.State == fault && r.Reason != e.Cause && e.Cause != "" && r.Reason != e.Text {
			says = append(says, "What holds it now: "+sentence(r.Reason))
		}
	}
	return append(says, last...), told
}

// behind is what keeps a BACKUP from being MASTER.
func (v view) behind() (says []string) {
	r, m := v.r, v.r.Master
	switch {
	case r.Waits != "":
		says = append(says, fmt.Sprintf("Its sync group %s keeps it: it %s.", r.Group, r.Waits))
	case m == nil:
		says = append(says, "No master is heard.")
	case r.PreemptIn != nil:
		says = append(says, fmt.Sprintf("%s is MASTER and below our %d: it is preempted in %s (preempt_delay).", whoIs(m), r.Priority, age(time.Duration(*r.PreemptIn))))
	case m.Priority < r.Priority && !v.preempts():
		says = append(says, fmt.Sprintf("nopreempt: %s is MASTER and stays it, although our priority is %d.", whoIs(m), r.Priority))
	case m.Priority < r.Priority:
		says = append(says, fmt.Sprintf("%s is MASTER and below our %d: it is preempted when the deadline ends.", whoIs(m), r.Priority))
	case m.Priority == r.Priority:
		says = append(says, fmt.Sprintf("%s is MASTER with our priority %d.", whoIs(m), r.Priority))
	default:
		says = append(says, fmt.Sprintf("%s is MASTER, and above our %d.", whoIs(m), r.Priority))
	}
	if m != nil {
		says = append(says, fmt.Sprintf("Its adverts come every %s, the last %s ago.", span(time.Duration(m.Interval)), age(time.Duration(m.Heard))))
	}
	return says
}

// became is how a BACKUP came to be one.
func (v view) became(e *stats.Event) []string {
	if e.Code == "startup" || e.From == initial && e.Code == "" {
		return []string{"It has been BACKUP since it began." + v.started(e)}
	}
	if m := v.r.Master; m != nil && m.Address == e.Source {
		short := *e // who it is has been said
		if short.MAC = ""; e.Priority != e.OwnPriority {
			short.Priority = 0
		}
		return decided(&short)
	}
	return decided(e)
}

// started tells of the start of vrrpx that a transition followed, and how the run before
// that had ended.
func (in Input) started(e *stats.Event) string {
	for i := len(in.Events) - 1; i >= 0; i-- {
		s := &in.Events[i]
		if s.Kind != stats.EventStart || s.At.After(e.At) {
			continue
		}
		text := fmt.Sprintf(" vrrpx was started at %s.", in.clock(s.At))
		if i > 0 && in.Events[i-1].Kind != stats.EventStop {
			text += fmt.Sprintf(" Before that it had ended without a word after %s, killed or with its host.", in.clock(in.Events[i-1].At))
		}
		return text
	}
	return ""
}

// decided is what decided a transition. Those of older versions have a text alone.
func decided(e *stats.Event) []string {
	from, silence := who(e.Source, e.MAC, e.Priority), span(time.Duration(e.Silence))
	switch e.Code {
	case "master_down":
		if e.MasterDown > 0 {
			return []string{fmt.Sprintf("%s fell silent: no valid advert came from it for %s, and %s are allowed.", from, silence, span(time.Duration(e.MasterDown)))}
		}
		return []string{fmt.Sprintf("%s fell silent: no valid advert came from it for %s.", from, silence)}
	case "no_master":
		return []string{fmt.Sprintf("No master was heard for %s.", silence)}
	case "released":
		return []string{fmt.Sprintf("%s released the addresses with priority 0: it was stopped, or has a fault.", from)}
	case "preempt":
		return []string{fmt.Sprintf("It preempted %s: our priority was %d.", from, e.OwnPriority)}
	case "better_master":
		if e.Priority == e.OwnPriority {
			return []string{fmt.Sprintf("%s advertised our own priority, and has the higher address: it is MASTER.", from)}
		}
		return []string{fmt.Sprintf("%s sent a better advert; our priority was %d.", from, e.OwnPriority)}
	case "fault":
		return []string{sentence(e.Cause)}
	case "fault_cleared":
		return []string{"The last fault ended: " + sentence(e.Cause)}
	case "startup":
		return []string{"vrrpx was started."}
	case "owner":
		return []string{"Priority 255: it owns the addresses, and waits for nobody."}
	case "shutdown":
		return []string{"vrrpx was stopped in good order."}
	case "held_up":
		return []string{fmt.Sprintf("It was held up for %s after its last advert (timer_expired_backup): another may have taken over.", silence)}
	case "succeeded":
		return []string{fmt.Sprintf("It sent nothing for %s, because the process or the host stood still, and %s took over meanwhile.", silence, from)}
	case "lapsed":
		return []string{fmt.Sprintf("The process stood still for %s, longer than its lease of %s: its adverts had ended.", silence, span(time.Duration(e.Lease)))}
	case "yielded":
		return []string{"It left the addresses to another that it does not hear: " + sentence(e.Cause)}
	case "resumed":
		return []string{"A reload began it anew, and it goes on as MASTER."}
	case "withdrawn", "group":
		return []string{sentence(e.Cause)}
	}
	return []string{sentence(e.Text)}
}

// near is how long before a transition something may have been its cause.
const near = 10 * time.Second

// context is what happened shortly before a transition and may have led to it: a reload, a
// change of priority, in this order, since a reload makes such changes. It is said first of
// what a change of ours decides, and last of others.
func (in Input) context(e *stats.Event) (first, last []string) {
	var says, changes []string
	for i := range in.Events {
		c := &in.Events[i]
		if ago := e.At.Sub(c.At); ago < 0 || ago > near {
			continue
		}
		switch {
		case c.Kind == stats.EventReload:
			for _, change := range c.Changes {
				if what, ours := strings.CutPrefix(change, "("+e.Router+") "); ours {
					says = append(says, fmt.Sprintf("A reload at %s: %s %s.", in.clock(c.At), e.Router, what))
				}
			}
		case c.Kind == stats.EventPriority && c.Router == e.Router:
			changes = append(changes, fmt.Sprintf("Its %s at %s%s.", c.Text, in.clock(c.At), because(c)))
		}
	}
	says = append(says, changes...)
	switch e.Code {
	case "better_master", "preempt", "owner", "withdrawn", "resumed":
		return says, nil
	}
	return nil, says
}

// because is what adds to and takes from the configured priority.
func because(e *stats.Event) string {
	parts := []string{fmt.Sprintf("%d configured", e.BasePriority)}
	for _, t := range e.Tracked {
		if t.Points != 0 {
			parts = append(parts, fmt.Sprintf("%s is %s: %+d", t.Name, t.State, t.Points))
		}
	}
	if len(parts) == 1 || e.BasePriority == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// evidence is what shows it.
func (v view) evidence(e *stats.Event) (says []string) {
	says = append(says, v.stamps(e)...)
	r := v.r
	if i := slices.IndexFunc(r.Speakers, func(s stats.Speaker) bool { return s.Address == e.Source }); i >= 0 && r.State == master {
		says = append(says, fmt.Sprintf("The last valid advert of %s came %s ago.", e.Source, age(time.Duration(r.Speakers[i].Heard))))
	}
	if list := refused(r.Drops); list != "" {
		says = append(says, "Adverts for it that were refused here so far: "+list+".")
	}
	if p := r.Probe; p != nil {
		text := fmt.Sprintf("The probe of %s finds it %s since %s", p.Target, p.State, v.clock(p.Since))
		if p.Note != "" {
			text += ": " + p.Note
		}
		says = append(says, text+".")
	}
	for _, a := range r.Addresses {
		switch {
		case r.State == master && !a.Present:
			says = append(says, fmt.Sprintf("%s is NOT on %s.", a.Address, a.Device))
		case r.State != master && a.Present && !a.Foreign:
			says = append(says, fmt.Sprintf("%s is STILL on %s.", a.Address, a.Device))
		}
	}
	return says
}

// stamps is what was measured when a transition was decided.
func (in Input) stamps(e *stats.Event) (says []string) {
	text := fmt.Sprintf("%s to %s at %s", e.From, e.To, in.clock(e.At))
	if e.From == "" {
		text = fmt.Sprintf("%s at %s", e.To, in.clock(e.At))
	}
	if e.OwnPriority != 0 {
		text += fmt.Sprintf(", own priority %d%s", e.OwnPriority, because(e))
	}
	switch e.By {
	case "kernel":
		text += "; the kernel kept the deadline"
	case "loop":
		text += "; the process kept the deadline"
	}
	return append(says, text+".")
}

// refusals are the counters of adverts for a router that somebody meant to be heard.
var refusals = []string{
	"auth_data", "auth_type", "auth_missing", "auth_malformed", "auth_stale", "auth_key", "auth_invalid", "auth_replay",
	"version", "interval", "interval_zero", "ttl", "unknown_peer", "checksum", "length", "type", "destination", "source",
}

func refused(drops map[string]uint64) string {
	var list []string
	for _, name := range refusals {
		if n := drops[name]; n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, name))
		}
	}
	return strings.Join(list, ", ")
}
