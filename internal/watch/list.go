package watch

import (
	"fmt"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// column is one column of the list.
type column struct {
	title string
	width int
	right bool
	cell  func(b *board, r row, w int) (string, style)
}

// columns are those that fit, from the left; in a wide terminal there are more, and
// wider ones.
func (b *board) columns() []column {
	extra := b.width - 80
	take := func(n int) bool {
		if extra >= n {
			extra -= n
			return true
		}
		return false
	}
	device, master := take(15), take(25)
	grow := func(most int) int {
		n := max(min(extra, most), 0)
		extra -= n
		return n
	}
	name, spark, bar := 12+grow(16), 10+grow(50), 15+grow(20)
	all := []column{{"ROUTER", name, false, nameCell}}
	if device {
		all = append(all, column{"DEVICE", 9, false, deviceCell}, column{"VRID", 4, true, vridCell})
	}
	all = append(all, column{"STATE", 6, false, stateCell}, column{"PRI", 3, true, priorityCell})
	if master {
		all = append(all, column{"MASTER", 24, false, masterCell})
	}
	all = append(all, column{"TIME LEFT", bar, false, leftCell}, column{"GAPS", spark, false, gapsCell},
		column{"WORST", 9, true, worstCell}, column{"DOWN", 6, true, downCell},
		column{"ADV/S", 6, true, advertsCell}, column{"DR/S", 4, true, dropsCell})
	used := 1
	for i, c := range all {
		if used += c.width; used > b.width {
			return all[:i]
		}
		used++ // the space between
	}
	return all
}

func nameCell(_ *board, r row, _ int) (string, style) { return r.Name, bold }

func deviceCell(_ *board, r row, _ int) (string, style) { return r.Interface, normal }

func vridCell(_ *board, r row, _ int) (string, style) { return fmt.Sprint(r.VRID), normal }

func stateCell(_ *board, r row, _ int) (string, style) { return r.State, stateStyle(r.State) }

func priorityCell(_ *board, r row, _ int) (string, style) {
	if r.Priority != r.BasePriority {
		return fmt.Sprint(r.Priority), warn // something tracked has changed it
	}
	return fmt.Sprint(r.Priority), normal
}

func masterCell(_ *board, r row, _ int) (string, style) {
	if r.State == "MASTER" {
		return "this host", dim
	}
	if r.Master == nil {
		return "none heard", warn
	}
	return r.Master.Address, normal
}

func leftCell(b *board, r row, w int) (string, style) {
	const text = 6
	if r.DeadlineIn == nil {
		if r.PreemptIn != nil {
			return "preempts in " + short(time.Duration(*r.PreemptIn)), normal
		}
		if r.State == "MASTER" {
			return "every " + short(time.Duration(r.AdvertInterval)), dim
		}
		return "-", dim
	}
	in, down := time.Duration(*r.DeadlineIn), time.Duration(r.MasterDown)
	part := 0.0
	if down > 0 {
		part = float64(in) / float64(down)
	}
	s := calm
	if part < 0.3 {
		s = warn
	}
	return b.bar(part, w-1-text) + " " + fitRight(short(in), text), s
}

func gapsCell(b *board, r row, w int) (string, style) {
	if r.State == "MASTER" {
		return "", normal // it hears nobody
	}
	down, look := time.Duration(r.MasterDown), normal
	if r.highest(down, w) == 8 {
		look = warn
	}
	return r.spark(b.looks, down, w), look
}

func worstText(r row) string {
	if gap, _, exact := r.worst(); exact {
		return tenths(gap)
	}
	return gapText(r.bucket)
}

func worstCell(_ *board, r row, _ int) (string, style) {
	if r.State == "MASTER" {
		return "-", dim
	}
	return worstText(r), gapStyle(r)
}

// gapStyle warns of near misses, as the daemon counts them (internal/margin).
func gapStyle(r row) style {
	if r.near() >= 0.75 {
		return warn
	}
	return normal
}

func downCell(_ *board, r row, _ int) (string, style) {
	return short(time.Duration(r.MasterDown)), normal
}

func advertsCell(_ *board, r row, _ int) (string, style) {
	if r.State == "MASTER" {
		return ">" + perSecond(r.out), normal
	}
	return "<" + perSecond(r.in), normal
}

func dropsCell(_ *board, r row, _ int) (string, style) {
	if r.drops > 0 {
		return perSecond(r.drops), warn
	}
	return "0", dim
}

// list draws the routers, the alarms and what has happened.
func (b *board) list() []string {
	lines := make([]string, 0, b.height)
	lines = append(lines, b.title(""), b.second())
	room := b.height - 4
	alarms := b.alarms(max(room/6, 1))
	events := min(room/5, 10)
	shown := room - len(alarms) - events - 1
	if spare := shown - len(b.rows); spare > 0 {
		shown, events = len(b.rows), events+spare
	}
	shown = max(shown, 1)
	b.top = max(min(b.top, b.cursor, len(b.rows)-shown), b.cursor-shown+1, 0)
	columns := b.columns()
	lines = append(lines, b.header(columns))
	for i := b.top; i < min(b.top+shown, len(b.rows)); i++ {
		lines = append(lines, b.row(columns, b.rows[i], i == b.cursor))
	}
	if len(b.rows) == 0 {
		lines = append(lines, fit(b.nothing(), b.width))
		events--
	}
	lines = append(lines, alarms...)
	lines = append(lines, b.paint(dim, b.rule(b.where(shown), b.width)))
	for _, c := range last(b.changes, events) {
		lines = append(lines, b.event(c))
	}
	for len(lines) < b.height-1 {
		lines = append(lines, "")
	}
	return append(lines[:max(min(len(lines), b.height-1), 0)], b.footer())
}

func (b *board) nothing() string {
	if b.filtering() != "" {
		return " no router has all of: " + b.filtering()
	}
	return " no router is configured"
}

// title is the first line: how it is on the whole. What is bad stands first, since the
// end is cut off where there is no room.
func (b *board) title(page string) string {
	left, right := "vrrpx", ""
	st := b.now
	if st != nil && b.width >= 100 {
		left += " " + st.Version
		right = "up " + short(b.at.Sub(st.Started)) + "  "
	}
	if b.width >= 100 || b.interval > b.least {
		right += "every " + short(b.interval) + "  "
	}
	if !b.clock.IsZero() {
		right += b.clock.Format("15:04:05")
	}
	switch {
	case page != "":
		left += "  " + page
	case st != nil:
		left += "  " + census(st)
	}
	room := b.width - width(right) - 1
	if room < 10 {
		return b.paint(bold, fit(left, b.width))
	}
	return b.paint(bold, fit(left, room)) + " " + b.paint(dim, right)
}

// census counts alarms, and routers by state.
func census(st *stats.Status) string {
	states, alarms := map[string]int{}, 0
	for i := range st.Routers {
		states[st.Routers[i].State]++
		alarms += len(st.Routers[i].AlarmList)
	}
	text := ""
	if alarms > 0 {
		text = fmt.Sprintf("ALARMS %d  ", alarms)
	}
	if len(st.Routers) == 1 {
		text += "1 router"
	} else {
		text += fmt.Sprintf("%d routers", len(st.Routers))
	}
	sep := ": "
	for _, s := range []string{"FAULT", "INIT", "MASTER", "BACKUP"} {
		if states[s] > 0 {
			text += fmt.Sprintf("%s%d %s", sep, states[s], s)
			sep = ", "
		}
	}
	return text
}

// second is the line of the interfaces, or that no answer comes.
func (b *board) second() string {
	if b.err != nil {
		return b.paint(bad, fit(fmt.Sprintf("no answer since %s, this is old: %v", b.failed.Format("15:04:05"), b.err), b.width))
	}
	var parts []string
	for _, i := range b.now.Interfaces {
		text := i.Name + " " + upDown(i.Up) + " xdp " + i.XDP
		if n := b.interfaceDrops(i); n > 0 {
			text += " drops " + perSecond(n) + "/s"
		}
		parts = append(parts, text)
	}
	pacer := b.now.Pacer.Scheduling
	if b.now.Pacer.Kernel {
		pacer += ", kernel clock"
	}
	return fit(strings.Join(append([]string{pacer}, parts...), " | "), b.width)
}

// interfaceDrops are those of frames that were for us and could not be laid to a
// router; those of other VRIDs and VLANs are not for us.
func (b *board) interfaceDrops(i stats.Interface) float64 {
	if b.was == nil {
		return 0
	}
	bads := func(i stats.Interface) uint64 { return total(i.Drops) - i.Drops["vrid"] - i.Drops["vlan"] }
	for _, o := range b.was.Interfaces {
		if o.Name == i.Name {
			return rate(bads(o), bads(i), b.span)
		}
	}
	return 0
}

func (b *board) header(columns []column) string {
	var s strings.Builder
	s.WriteByte(' ')
	for i, c := range columns {
		if i > 0 {
			s.WriteByte(' ')
		}
		if c.right {
			s.WriteString(fitRight(c.title, c.width))
		} else {
			s.WriteString(fit(c.title, c.width))
		}
	}
	return b.paint(dim, s.String())
}

func (b *board) row(columns []column, r row, here bool) string {
	var s strings.Builder
	mark, look := " ", normal
	switch {
	case here:
		mark = ">"
	case len(r.AlarmList) > 0:
		mark, look = "!", bad
	}
	if here {
		look = inverse
	}
	s.WriteString(b.paint(look, mark))
	for i, c := range columns {
		if i > 0 {
			s.WriteByte(' ')
		}
		text, look := c.cell(b, r, c.width)
		if c.right {
			text = fitRight(text, c.width)
		} else {
			text = fit(text, c.width)
		}
		if here && i == 0 {
			look = inverse
		}
		s.WriteString(b.paint(look, text))
	}
	return s.String()
}

// alarms are the first of them, and how many more there are.
func (b *board) alarms(most int) (lines []string) {
	more := 0
	for _, r := range b.rows {
		for _, a := range r.AlarmList {
			if len(lines) == most {
				more++
				continue
			}
			lines = append(lines, b.paint(bad, fit(fmt.Sprintf("ALARM %s %s for %s: %s", r.Name, a.Kind, short(b.at.Sub(a.Since)), a.Text), b.width)))
		}
	}
	if more > 0 {
		lines[most-1] = b.paint(bad, fit(fmt.Sprintf("ALARM and %d more: filter with `alarm`", more+1), b.width))
	}
	return lines
}

// where is what part of the rows is shown, and how they are sorted and filtered.
func (b *board) where(shown int) string {
	text := fmt.Sprintf("%d-%d of %d", min(b.top+1, len(b.rows)), min(b.top+shown, len(b.rows)), len(b.rows))
	text += ", by " + orders[b.order].name
	if b.reverse {
		text += ", reversed"
	}
	if b.filter != "" && !b.typing {
		text += ", with " + b.filter
	}
	return text
}

func (b *board) event(c Change) string {
	who := c.Router
	if who == "" {
		who = "vrrpx"
	}
	when := c.At.In(b.at.Location()) // the daemon may have another time zone
	at := when.Format("15:04:05.000")
	if b.at.Sub(c.At) >= 12*time.Hour {
		at = when.Format("Jan 02 15:04")
	}
	return b.paint(c.style, fit(at+" "+who+" "+c.Text, b.width))
}

func (b *board) footer() string {
	if b.typing {
		return fit("filter: "+b.typed+"_   (enter keeps it, esc does not)", b.width)
	}
	return b.paint(dim, fit("q quit  enter open  / filter  s sort  r reverse  l who speaks  ? help", b.width))
}
