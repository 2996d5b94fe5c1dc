package watch

import "strings"

// style is how a piece of text looks.
type style uint8

const (
	normal style = iota
	bold
	dim
	inverse
	good
	warn
	bad
	calm
)

// SGR parameters, ECMA-48 section 8.3.117. The sixteen colours are the terminal's own.
var sgr = [...]string{normal: "", bold: "1", dim: "2", inverse: "7", good: "1;32", warn: "33", bad: "1;31", calm: "36"}

// looks is what the terminal can show.
type looks struct {
	colour bool // false: NO_COLOR, https://no-color.org
	styled bool // bold and such
	blocks bool // block elements of Unicode; else ASCII
}

func (l looks) paint(s style, text string) string {
	if s == normal || !l.styled || text == "" {
		return text
	}
	if !l.colour && s > inverse {
		if s == calm || s == warn {
			return text
		}
		s = bold
	}
	return "\x1b[" + sgr[s] + "m" + text + "\x1b[m"
}

// looksFor reads the environment as other programs do.
func looksFor(getenv func(string) string) looks {
	locale := getenv("LC_ALL")
	for _, name := range []string{"LC_CTYPE", "LANG"} {
		if locale == "" {
			locale = getenv(name)
		}
	}
	codeset := strings.ToLower(strings.ReplaceAll(locale, "-", ""))
	return looks{colour: getenv("NO_COLOR") == "", styled: true, blocks: strings.Contains(codeset, "utf8")}
}

// Heights of a sparkline's columns, from none to the master-down interval.
var (
	blockLevels = []rune(" ▁▂▃▄▅▆▇█")
	asciiLevels = []rune(" .:-=+*%#")
)

func (l looks) level(n int) rune {
	n = min(max(n, 0), 8)
	if l.blocks {
		return blockLevels[n]
	}
	return asciiLevels[n]
}

// bar is w cells of which part (0 to 1) is filled: half as high as a cell, so that one
// row is told from the next.
func (l looks) bar(part float64, w int) string {
	n := int(min(max(part, 0), 1)*float64(w) + 0.5)
	if l.blocks {
		return strings.Repeat("▄", n) + strings.Repeat("▁", w-n)
	}
	return strings.Repeat("#", n) + strings.Repeat(".", w-n)
}

// rule is a line across w cells, with a title.
func (l looks) rule(title string, w int) string {
	dash := "-"
	if l.blocks {
		dash = "─"
	}
	if title != "" {
		title = " " + title + " "
	}
	head := dash + dash + title
	return fit(head+strings.Repeat(dash, max(w-width(head), 0)), w)
}

func stateStyle(state string) style {
	switch state {
	case "MASTER":
		return good
	case "FAULT":
		return bad
	case "INIT":
		return warn
	}
	return calm
}
