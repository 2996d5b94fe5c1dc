package watch

import (
	"cmp"
	"time"
	"unicode/utf8"

	"github.com/vrrpx/vrrpx/stats"
)

// orders are the ways in which rows can be sorted.
var orders = []struct {
	name    string
	compare func(a, b row) int // nil: as the configuration has them
}{
	{"configuration", nil},
	{"name", func(a, b row) int { return natural(a.Name, b.Name) }},
	{"state", func(a, b row) int { return rank(a.Router) - rank(b.Router) }},
	{"priority", func(a, b row) int { return int(b.Priority) - int(a.Priority) }},
	{"time left", func(a, b row) int { return cmp.Compare(left(a.Router), left(b.Router)) }},
	{"worst gap", func(a, b row) int { return cmp.Compare(b.near(), a.near()) }},
	{"adverts", func(a, b row) int { return cmp.Compare(b.in+b.out, a.in+a.out) }},
	{"drops", func(a, b row) int { return cmp.Compare(b.drops, a.drops) }},
}

// rank puts first what a person should look at.
func rank(r *stats.Router) int {
	n := map[string]int{"FAULT": 0, "INIT": 1, "MASTER": 2, "BACKUP": 3}[r.State]
	if len(r.AlarmList) == 0 {
		n += 4
	}
	return n
}

// left is the time to a router's deadline; the longest there is for none.
func left(r *stats.Router) time.Duration {
	if r.DeadlineIn == nil {
		return 1<<63 - 1
	}
	return time.Duration(*r.DeadlineIn)
}

// filterMost bounds what may be typed.
const filterMost = 64

// key takes a key by its name and, where it is one, the text that it types. It is
// false when the view is to end.
func (b *board) key(name, text string) bool {
	if name == "ctrl+c" {
		return false
	}
	if b.typing {
		b.typeFilter(name, text)
		return true
	}
	switch name {
	case "q":
		return false
	case "?":
		if b.page != pageHelp {
			b.below, b.page, b.scroll = b.page, pageHelp, 0
		}
		return true
	case "esc", "backspace", "left":
		b.back()
		return true
	}
	if b.page == pageList {
		b.listKey(name)
	} else {
		b.scroll = max(b.scroll+b.steps(name, b.height-2, b.lines), 0)
	}
	return true
}

// back leaves a page; of the list it takes the filter away.
func (b *board) back() {
	switch b.page {
	case pageHelp:
		b.page = b.below
	case pageList:
		b.filter = ""
	default:
		b.page = pageList
	}
	b.scroll = 0
	b.arrange()
}

func (b *board) listKey(name string) {
	switch name {
	case "enter", "right":
		if len(b.rows) > 0 {
			b.page, b.scroll = pageOne, 0
		}
	case "/":
		b.typing, b.typed = true, b.filter
	case "s":
		b.order = (b.order + 1) % len(orders)
		b.arrange()
	case "r":
		b.reverse = !b.reverse
		b.arrange()
	case "l":
		b.page, b.scroll = pageLAN, 0
	default:
		b.move(b.steps(name, b.height/2, len(b.rows)))
	}
}

// steps is how far a key moves, where a page has so many lines, and the whole all.
func (b *board) steps(name string, page, all int) int {
	switch name {
	case "up", "k":
		return -1
	case "down", "j":
		return 1
	case "pgup":
		return -max(page, 1)
	case "pgdown", "space":
		return max(page, 1)
	case "home", "g":
		return -all
	case "end", "G":
		return all
	}
	return 0
}

func (b *board) typeFilter(name, text string) {
	switch name {
	case "enter":
		b.filter, b.typing = b.typed, false
	case "esc":
		b.typing = false
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(b.typed)
		b.typed = b.typed[:len(b.typed)-n]
	case "ctrl+u":
		b.typed = ""
	default:
		if len(b.typed)+len(text) <= filterMost {
			b.typed += clean(text)
		}
	}
	b.arrange()
}

// helpLines are at most 79 cells wide.
func helpLines() []string {
	return []string{
		"",
		"  up, down, pgup, pgdown, home, end   move, in lists and in long pages",
		"  enter   open the router             esc   back; takes the filter away",
		"  /       filter: all words of name, device, state, family, group, address;",
		"          or alarm",
		"  s       sort by the next column     r     the other way round",
		"  l       who speaks VRRP or CARP     q     quit",
		"",
		"  TIME LEFT  to the master-down deadline; full just after an advert",
		"  GAPS       of each refresh the longest time between two adverts; full is the",
		"             master-down interval, three quarters half of it, half a quarter",
		"  WORST      the longest of today; a range where the kernel does not keep it,",
		"             and since this view began; marked from three quarters of DOWN on",
		"  DOWN       the master-down interval: after such a silence it takes over",
		"  ADV/S      adverts in a second: < received, > sent",
		"  DR/S       adverts dropped in a second, for whatever reason",
		"  !          the router has an alarm",
		"",
		"  A refresh that takes more than 1.5 % of a CPU makes the next one come later.",
	}
}
