// Package explain says in sentences why a virtual router is what it is: what decided that,
// with the evidence, what would change it, and what nearly did. It argues from a snapshot
// (stats.Status) and from the history (stats.Event) alone, and asks nobody.
package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// Input is what there is to argue from.
type Input struct {
	Status *stats.Status // nil: no daemon runs
	Events []stats.Event // in order
	Now    time.Time     // times of day are shown in its zone
}

// Answer is what there is to say of one router, or of the daemon.
type Answer struct {
	Head  string
	Parts []Part
}

// Part is one aspect of it: some sentences, the most important first.
type Part struct {
	Name string
	Says []string
}

// UnknownRouterError is a name that neither the snapshot nor the history has.
type UnknownRouterError struct {
	Name  string
	Known []string
}

func (e *UnknownRouterError) Error() string { return fmt.Sprintf("there is no router %q", e.Name) }

// Present explains what a router is now, or all routers where the name is empty. Without a
// running daemon it says when that ended, and what it was like then.
func Present(in Input, router string) ([]Answer, error) {
	if in.Status == nil {
		return in.ended(router)
	}
	if err := in.check(router); err != nil {
		return nil, err
	}
	var all []Answer
	for i := range in.Status.Routers {
		if r := &in.Status.Routers[i]; router == "" || r.Name == router {
			all = append(all, view{Input: in, r: r}.answer())
		}
	}
	if len(all) == 0 {
		all = append(all, Answer{Head: fmt.Sprintf("vrrpx runs since %s, and has no router.", in.clock(in.Status.Started))})
	}
	return all, nil
}

// routers are all that are known, those of the snapshot first.
func (in Input) routers() (names []string) {
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if in.Status != nil {
		for i := range in.Status.Routers {
			add(in.Status.Routers[i].Name)
		}
	}
	for i := range in.Events {
		add(in.Events[i].Router)
	}
	return names
}

func (in Input) check(router string) error {
	known := in.routers()
	if router != "" && !slices.Contains(known, router) {
		return &UnknownRouterError{router, known}
	}
	return nil
}

// view is a router now.
type view struct {
	Input
	r *stats.Router
}

func (v view) answer() Answer {
	r := v.r
	a := Answer{Head: fmt.Sprintf("%s is %s since %s (%s).", r.Name, r.State, v.clock(r.Since), age(v.Now.Sub(r.Since)))}
	e := v.decision()
	why, told := v.why(e)
	a.add("why", why)
	a.add("evidence", v.evidence(e))
	a.add("ALARM", v.alarms(told))
	a.add("ends when", v.ends())
	a.add("margin", v.margin())
	a.add("tracks", v.tracks())
	return a
}

func (a *Answer) add(name string, says []string) {
	says = slices.DeleteFunc(says, func(s string) bool { return s == "" })
	if len(says) > 0 {
		a.Parts = append(a.Parts, Part{name, says})
	}
}

// The text is for a terminal of 80 columns.
const (
	width  = 79
	indent = 13 // of what is said
)

// String is the answer as `vrrpx explain` prints it, with a newline at its end.
func (a Answer) String() string {
	var b strings.Builder
	wrap(&b, "", a.Head, 0)
	for _, p := range a.Parts {
		label := fmt.Sprintf("  %-*s", indent-2, p.Name)
		for _, s := range p.Says {
			wrap(&b, label, s, indent)
			label = strings.Repeat(" ", indent)
		}
	}
	return b.String()
}

// wrap writes words after a label, and goes on below where a line is full.
func wrap(b *strings.Builder, label, text string, indent int) {
	b.WriteString(label)
	at := max(len(label), indent)
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len(word) > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	b.WriteByte('\n')
}
