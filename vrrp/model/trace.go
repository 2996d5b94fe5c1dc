package model

import (
	"fmt"
	"slices"
	"strings"
)

// Line is one thing that happened on the way to a broken property.
type Line struct {
	Tick int
	Who  int // host; -1: all
	What string
	// How the host stands after it.
	Gate, Role, Holds string
}

// Trace is a way.
type Trace []Line

// Ticks is how long it is.
func (t Trace) Ticks() int {
	if len(t) == 0 {
		return 0
	}
	return t[len(t)-1].Tick
}

var gateNames = [...]string{"shut", "armed", "OPEN", "YIELDED", "LAPSED", "FROZEN"}

// retrace walks the way to the last node once more and writes it down.
func (w *world) retrace(nodes []node) Trace {
	var way []int32
	for k := int32(len(nodes) - 1); nodes[k].parent >= 0; k = nodes[k].parent {
		way = append(way, nodes[k].choice)
	}
	slices.Reverse(way)
	var t Trace
	tick := 0
	stopped := [Hosts]bool{}
	s := w.Config.start()
	for _, choice := range way {
		m := w.moves(s)[choice]
		was := s
		s = m.to
		if m.who < 0 && m.what == "tick" {
			tick++
			if m.broken != "" {
				t = append(t, Line{Tick: tick, Who: -1, What: "== " + m.broken})
			}
			continue
		}
		what := m.what
		if m.who >= 0 {
			switch h := &was.h[m.who]; {
			case what == "stopped" && stopped[m.who]:
				continue
			case what == "stopped":
				stopped[m.who], what = true, "process does not run, "+stepNames[h.pc]
			case stopped[m.who] && (h.process != s.h[m.who].process):
				stopped[m.who] = false
				if what == "" {
					what = "process runs"
				} else {
					what = "process runs; " + what
				}
			}
		}
		if what == "" {
			continue
		}
		l := Line{Tick: tick, Who: m.who, What: what}
		if m.who >= 0 {
			h := &s.h[m.who]
			l.Gate, l.Role, l.Holds = gateNames[h.gate], [...]string{"BACKUP", "MASTER"}[h.role], [...]string{"", "+VIP"}[h.hold]
			if h.life == dead {
				l.Gate, l.Role = "", ""
			}
		}
		if m.broken != "" {
			l.What += "   == " + m.broken
			if m.beyond > 0 {
				l.What += fmt.Sprintf(": two announce for %d ticks", m.beyond)
			}
		}
		t = append(t, l)
	}
	return t
}

// String is the timeline, a line for each thing, with gate, role and addresses
// of who did it.
func (t Trace) String() string {
	var b strings.Builder
	tick := -1
	for _, l := range t {
		at := ""
		if l.Tick != tick {
			at = fmt.Sprint(l.Tick)
		}
		tick = l.Tick
		who := " "
		if l.Who >= 0 {
			who = string(rune('A' + l.Who))
		}
		pad := strings.Repeat(" ", 4*max(l.Who, 0))
		fmt.Fprintf(&b, "%4s  %s%s  %-*s %s\n", at, pad, who, 60-len(pad), l.What, strings.TrimSpace(l.Gate+" "+l.Role+" "+l.Holds))
	}
	return b.String()
}
