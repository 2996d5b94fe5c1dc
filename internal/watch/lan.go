package watch

import (
	"strings"

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
	speakers.Print(&text, b.lan)
	var lines []string
	for i, line := range strings.Split(strings.TrimRight(text.String(), "\n"), "\n") {
		look := normal
		if i == 0 {
			look = dim
		}
		lines = append(lines, b.paint(look, fit(line, b.width)))
	}
	return b.scrolled(title, lines, footer)
}
