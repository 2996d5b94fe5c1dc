package watch

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/vrrpx/vrrpx/internal/speakers"
)

// speakers is the page of who speaks VRRP or CARP.
func (b *board) speakers() []string {
	const footer = "esc back   ? help   q quit"
	title := b.title("who speaks VRRP or CARP")
	switch {
	case b.lanErr != nil:
		return b.scrolled(title, []string{"", b.paint(bad, fit(" "+b.lanErr.Error(), b.width))}, footer)
	case b.lan == nil:
		return b.scrolled(title, []string{"", " asking the daemon ..."}, footer)
	}
	var text strings.Builder
	blanks := 2
	if b.width < 100 {
		blanks = 1
	}
	speakers.PrintTable(&text, b.lan, blanks)
	table := strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	most := fitting(table, blanks, b.width)
	var lines []string
	for i, line := range table {
		look := normal
		if i == 0 {
			look = dim
		}
		if most < b.width {
			line = ansi.Truncate(clean(line), most, "") // by whole columns, which needs no mark
		}
		lines = append(lines, b.paint(look, fit(line, b.width)))
	}
	for _, note := range speakers.Notes(b.lan) {
		for _, line := range wrap(note, b.width) {
			lines = append(lines, b.paint(warn, line))
		}
	}
	return b.scrolled(title, lines, footer)
}

// fitting is how many of w cells the columns of a table take that can be shown whole.
// The last one, which is a list, may be cut once there is room for one address.
func fitting(table []string, blanks, w int) int {
	const address = 15
	var starts []int
	for i := range table[0] {
		if table[0][i] != ' ' && (i == 0 || table[0][i-1] == ' ') {
			starts = append(starts, i)
		}
	}
	for k, start := range starts {
		end := start + address
		if k+1 < len(starts) {
			end = starts[k+1] - blanks
		}
		if k > 0 && end > w {
			return start - blanks
		}
	}
	return w
}
