package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// one is the page of the chosen router.
func (b *board) one() []string {
	const footer = "esc back   ? help   q quit"
	for i := range b.now.Routers {
		if r := &b.now.Routers[i]; idOf(r) == b.chosen {
			p := &sheet{board: b, row: row{r, b.samples[b.chosen]}}
			p.fill()
			title := b.title(r.Name)
			if b.err != nil {
				title = b.second()
			}
			return b.scrolled(title, p.lines, footer)
		}
	}
	return b.scrolled(b.title(b.chosen.name), []string{"", fit(" "+b.chosen.name+" is no longer configured", b.width)}, footer)
}

// sheet is that page while it is being written.
type sheet struct {
	*board
	row
	lines []string
}

// labelled is the width of what stands before the text of a line.
const labelled = 13

// say writes a line with its label, in as many lines as it takes.
func (p *sheet) say(s style, label, format string, a ...any) {
	for i, text := range wrap(fmt.Sprintf(format, a...), max(p.width-labelled, 10)) {
		if i > 0 {
			label = ""
		}
		p.lines = append(p.lines, p.paint(dim, fit(" "+label, labelled))+p.paint(s, text))
	}
}

func (p *sheet) fill() {
	r := p.Router
	p.say(stateStyle(r.State), "state", "%s for %s", r.State, short(p.at.Sub(r.Since)))
	p.say(normal, "because", "%s", r.Reason)
	for _, a := range r.AlarmList {
		p.say(bad, "ALARM", "%s for %s: %s", a.Kind, short(p.at.Sub(a.Since)), a.Text)
	}
	if r.Group != "" {
		p.say(normal, "group", "%s%s", r.Group, brackets(r.Waits))
	}
	p.say(normal, "router", "%s VRID %d, %s, VRRPv%d, from %s, authentication: %s", r.Interface, r.VRID, r.Family, r.Version, r.Source, r.Authentication)
	base := ""
	if r.Priority != r.BasePriority {
		base = fmt.Sprintf(", configured %d", r.BasePriority)
	}
	p.say(normal, "priority", "%d%s", r.Priority, base)
	for _, t := range r.Tracked {
		p.say(trackedStyle(t), "tracked", "%s %s, %+d (weight %d)%s", t.Name, t.State, t.Points, t.Weight, brackets(t.Note))
	}
	p.time()
	p.traffic()
	p.others()
	for _, a := range r.Addresses {
		here := "not here"
		if a.Present {
			here = "here"
		}
		p.say(normal, "address", "%s dev %s (%s)", a.Address, a.Device, here)
	}
	p.history()
}

func trackedStyle(t stats.Tracked) style {
	if t.Fault || t.State == "down" {
		return warn
	}
	return normal
}

// time is what is known of intervals, deadlines and gaps.
func (p *sheet) time() {
	r, down := p.Router, time.Duration(p.MasterDown)
	p.say(normal, "timers", "advert %s, learned %s, skew %s, master-down %s", r.AdvertInterval, r.LearnedInterval, r.Skew, r.MasterDown)
	if r.DeadlineIn != nil {
		in := time.Duration(*r.DeadlineIn)
		w := min(max(p.width-labelled-30, 8), 60)
		part := 0.0
		if down > 0 {
			part = float64(in) / float64(down)
		}
		p.say(calm, "time left", "%s %s, kept by the %s", p.bar(part, w), short(in), r.DeadlineBy)
	}
	if r.PreemptIn != nil {
		p.say(normal, "preempts", "in %s, if the master's priority is still lower", short(time.Duration(*r.PreemptIn)))
	}
	if r.State == "MASTER" {
		return
	}
	w := min(max(p.width-labelled-1, 8), kept)
	p.lines = append(p.lines, p.paint(dim, fit(" gaps", labelled))+p.spark(p.looks, down, w))
	if g := r.LongestGapToday; g != nil {
		p.say(gapStyle(p.row), "worst today", "%s of %s at %s", tenths(time.Duration(g.Seconds)), tenths(time.Duration(g.MasterDown)), g.At.In(p.at.Location()).Format("15:04:05.000"))
	} else {
		p.say(gapStyle(p.row), "worst", "%s in %s, of %s", gapText(p.bucket), short(p.at.Sub(p.row.since)), short(down))
	}
	p.say(normal, "since start", "%s", histogram(r.Arrivals))
}

// histogram is every bucket that counts something, the longest first.
func histogram(arrivals []uint64) string {
	var parts []string
	for k := len(arrivals) - 1; k >= 0; k-- {
		if arrivals[k] > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", gapText(k), arrivals[k]))
		}
	}
	if len(parts) == 0 {
		return "no two adverts of one master yet"
	}
	return strings.Join(parts, ", ")
}

func (p *sheet) traffic() {
	r := p.Router
	p.say(normal, "received", "%s/s, %d in all, by %s", perSecond(p.in), r.Received, r.Ingest)
	p.say(normal, "sent", "%s/s, %d in all, by %s%s", perSecond(p.out), r.Sent, r.Pacer, brackets(r.PacerReason))
	var was *stats.Router
	if p.was != nil {
		if i := slices.IndexFunc(p.was.Routers, func(o stats.Router) bool { return idOf(&o) == p.chosen }); i >= 0 {
			was = &p.was.Routers[i]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Drops)) {
		n := r.Drops[name]
		if n == 0 {
			continue
		}
		speed := 0.0
		if was != nil {
			speed = rate(was.Drops[name], n, p.span)
		}
		look := normal
		if speed > 0 {
			look = warn
		}
		p.say(look, "dropped", "%s: %s/s, %d in all", name, perSecond(speed), n)
	}
}

// others are who speaks for the same virtual router.
func (p *sheet) others() {
	if m := p.Master; m != nil && p.State != "MASTER" {
		p.say(normal, "master", "%s", speakerText(*m))
	}
	for _, s := range p.Router.Speakers {
		if p.State == "MASTER" || p.Master == nil || s.Address != p.Master.Address {
			p.say(normal, "speaker", "%s", speakerText(s))
		}
	}
	for _, q := range p.Peers {
		at := "at " + q.MAC
		if q.MAC == "" {
			at = "MAC not known yet"
		}
		p.say(normal, "peer", "%s %s", q.Address, at)
	}
	for _, h := range p.Heartbeats {
		look := normal
		if h.State == "lost" {
			look = warn
		}
		p.say(look, "line", "%s: %s for %s%s", h.Name, h.State, short(p.at.Sub(h.Since)), brackets(h.Reason))
	}
}

func speakerText(s stats.Speaker) string {
	return fmt.Sprintf("%s%s, VRRPv%d, priority %d, every %s, heard %s ago", s.Address, brackets(s.MAC), s.Version, s.Priority, s.Interval, short(time.Duration(s.Heard)))
}

// history is what has become of the router, newest first.
func (p *sheet) history() {
	p.lines = append(p.lines, p.paint(dim, p.rule("what has happened, newest first", p.width)))
	for i := len(p.changes) - 1; i >= 0; i-- {
		if c := p.changes[i]; c.Router == p.Name {
			when := c.At.In(p.at.Location()).Format("Jan 02 15:04:05.000")
			for _, text := range wrap(c.Text, max(p.width-len(when)-1, 10)) {
				p.lines = append(p.lines, p.paint(c.style, fit(fit(when, len("Jan 02 15:04:05.000"))+" "+text, p.width)))
				when = ""
			}
		}
	}
}
