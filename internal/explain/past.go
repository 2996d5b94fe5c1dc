package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// Past explains from the history what a router, or each where the name is empty, was at a
// moment that is known to within exact: a minute for 02:13. What happened in that time is
// what was asked for.
func Past(in Input, router string, at time.Time, exact time.Duration) ([]Answer, error) {
	if err := in.check(router); err != nil {
		return nil, err
	}
	m := moment{Input: in, from: at, to: at.Add(max(exact, time.Millisecond))}
	m.label = in.clockAs(at, "15:04:05")
	switch {
	case exact >= time.Minute:
		m.label = in.clockAs(at, "15:04")
	case exact < time.Second:
		m.label = in.clock(at)
	}
	if len(in.Events) == 0 {
		return []Answer{{Head: fmt.Sprintf("Nothing is known of %s: there is no history yet.", m.label)}}, nil
	}
	// Not of the first in order: its clock may have been ahead, and have been set since.
	if first := slices.MinFunc(in.Events, func(a, b stats.Event) int { return a.At.Compare(b.At) }).At; first.After(m.to) {
		return []Answer{{Head: fmt.Sprintf("Nothing is known of %s: the history begins at %s.", m.label, in.clock(first))}}, nil
	}
	var all []Answer
	for _, name := range in.routers() {
		if router == "" || name == router {
			all = append(all, m.of(name))
		}
	}
	if len(all) == 0 {
		all = append(all, Answer{Head: "There is no router in the history."})
	}
	return all, nil
}

// ended is what there is to say where no daemon runs: the end of each router, as the history
// has it.
func (in Input) ended(router string) ([]Answer, error) {
	if err := in.check(router); err != nil {
		return nil, err
	}
	head := Answer{Head: "vrrpx does not run here, and has left no history."}
	n := len(in.Events)
	if n == 0 {
		return []Answer{head}, nil
	}
	last := in.Events[n-1]
	head.Head = fmt.Sprintf("vrrpx does not run here: it ended without a word after %s, killed or with its host.", in.clock(last.At))
	for i := n - 1; i >= 0 && in.Events[i].Kind != stats.EventStart; i-- {
		if e := &in.Events[i]; e.Kind == stats.EventStop {
			head.Head = fmt.Sprintf("vrrpx does not run here: it was stopped at %s.", in.clock(e.At))
			break
		}
	}
	all, err := Past(in, router, last.At, time.Millisecond)
	return append([]Answer{head}, all...), err
}

// moment is some time in the past: from is in it and to is not.
type moment struct {
	Input
	from, to time.Time
	label    string
}

func (m moment) holds(t time.Time) bool { return !t.Before(m.from) && t.Before(m.to) }

func (m moment) of(name string) Answer {
	var before, after *stats.Event
	var within []*stats.Event
	for i := range m.Events {
		e := &m.Events[i]
		switch {
		case e.Kind != stats.EventTransition || e.Router != name:
		case e.At.Before(m.from):
			before = e
		case m.holds(e.At):
			within = append(within, e)
		case after == nil:
			after = e
		}
	}
	var a Answer
	n := len(within)
	switch {
	case n == 1:
		a.Head = fmt.Sprintf("%s went from %s to %s at %s.", name, within[0].From, within[0].To, m.clock(within[0].At))
	case n > 1:
		a.Head = fmt.Sprintf("%s changed its state %d times at %s, in the end to %s.", name, n, m.label, within[n-1].To)
	case before != nil && !m.ran() && before.Code == "shutdown":
		a.Head = fmt.Sprintf("%s at %s: vrrpx did not run. %s was %s until %s.", name, m.label, name, before.From, m.clock(before.At))
	case before != nil && !m.ran():
		a.Head = fmt.Sprintf("%s at %s: vrrpx did not run. It was %s last, since %s.", name, m.label, before.To, m.clock(before.At))
	case before != nil:
		a.Head = fmt.Sprintf("%s at %s: %s, since %s.", name, m.label, before.To, m.clock(before.At))
	case after != nil:
		a.Head = fmt.Sprintf("%s at %s: %s. Since when is not in the history any more.", name, m.label, after.From)
	default:
		return Answer{Head: fmt.Sprintf("%s at %s: the history has no change of its state.", name, m.label)}
	}
	if n == 0 && before != nil {
		within = append(within, before)
	}
	const most = 8
	for _, e := range within[max(len(within)-most, 0):] {
		says, _ := leading(e, m.alarmsAround(e), e.VRID)
		first, last := m.context(e)
		says = slices.Concat(says, first, decided(e), last)
		if n > 1 {
			says[0] = m.clock(e.At) + " " + e.To + ": " + says[0]
		}
		a.add("why", says)
		a.add("evidence", m.stamps(e))
	}
	a.add("around it", m.around(name, within))
	a.add("then", m.then(name, within, after))
	return a
}

// ran tells whether the daemon ran at the end of the moment, as far as the history knows.
func (m moment) ran() bool {
	ran := true
	for i := range m.Events {
		if e := &m.Events[i]; e.At.Before(m.to) && (e.Kind == stats.EventStart || e.Kind == stats.EventStop) {
			ran = e.Kind == stats.EventStart
		}
	}
	return ran
}

// alarmsAround are the alarms of a router that stood at a transition, or began so soon after
// it that they may tell of its cause.
func (m moment) alarmsAround(of *stats.Event) (all []stats.Event) {
	standing := map[string]stats.Event{}
	var order []string
	for i := range m.Events {
		e := &m.Events[i]
		switch {
		case e.Router != of.Router || e.At.Sub(of.At) > near:
		case e.Kind == stats.EventAlarm:
			standing[e.Alarm] = *e
			order = append(order, e.Alarm)
		case e.Kind == stats.EventAlarmOver && e.At.Before(of.At):
			delete(standing, e.Alarm)
		}
	}
	for _, kind := range order {
		if e, ok := standing[kind]; ok {
			all = append(all, e)
			delete(standing, kind)
		}
	}
	return all
}

// aroundTime is how long before and after a moment things are listed, aroundMost how many.
const (
	aroundTime = time.Minute
	aroundMost = 12
)

// around lists what else happened about that time, to the router or the daemon.
func (m moment) around(name string, told []*stats.Event) (says []string) {
	left := 0
	for i := range m.Events {
		e := &m.Events[i]
		switch {
		case e.Router != "" && e.Router != name, e.At.Before(m.from.Add(-aroundTime)), !e.At.Before(m.to.Add(aroundTime)), slices.Contains(told, e):
		case len(says) == aroundMost:
			left++
		default:
			says = append(says, m.clock(e.At)+" "+e.Text+".")
		}
	}
	if left > 0 {
		says = append(says, fmt.Sprintf("And %d more: `vrrpx events` lists them.", left))
	}
	return says
}

// then is what came of it.
func (m moment) then(name string, told []*stats.Event, after *stats.Event) (says []string) {
	state := ""
	if n := len(told); n > 0 {
		state = told[n-1].To
	} else if after != nil {
		state = after.From
	}
	if died, start := m.died(after); died != nil {
		return []string{fmt.Sprintf("vrrpx ended without a word between %s and its next start at %s: killed, or with its host.", m.clock(died.At), m.clock(start.At))}
	}
	switch {
	case after != nil:
		says = append(says, fmt.Sprintf("%s until %s: %s.", state, m.clock(after.At), after.Text))
	case m.Status != nil && slices.ContainsFunc(m.Status.Routers, func(r stats.Router) bool { return r.Name == name && r.State == state }):
		says = append(says, fmt.Sprintf("It is %s still.", state))
	}
	return says
}

// died finds a start of the daemon that no stop came before, between the moment and the
// router's next transition, and what the history had last before it.
func (m moment) died(after *stats.Event) (last, start *stats.Event) {
	stopped := false
	for i := range m.Events {
		e := &m.Events[i]
		switch {
		case e.At.Before(m.to):
			stopped = e.Kind == stats.EventStop || stopped && e.Kind != stats.EventStart
		case e == after:
			return nil, nil
		case e.Kind == stats.EventStop:
			stopped = true
		case e.Kind == stats.EventStart && !stopped && i > 0:
			return &m.Events[i-1], e
		case e.Kind == stats.EventStart:
			return nil, nil
		}
	}
	return nil, nil
}
