package config

import (
	"sort"
	"strings"
)

// line is a line as it is read after parameters and sequences have been put in,
// with its newline. Each stretch of it still knows where it stands in a file.
type line struct {
	text  string
	marks []mark // by offset; the first is at 0
}

// mark tells where the text from an offset on stands.
type mark struct {
	off int
	pos Pos
}

func newLine(text string, pos Pos) line { return line{text, []mark{{0, pos}}} }

// at is the place of the byte at an offset.
func (l line) at(off int) Pos {
	i := sort.Search(len(l.marks), func(i int) bool { return l.marks[i].off > off }) - 1
	m := l.marks[max(i, 0)]
	m.pos.Col += off - m.off
	// A joined line goes on in the next one of the file.
	if n := strings.Count(l.text[m.off:min(off, len(l.text))], "\n"); n > 0 {
		m.pos.Line += n
		m.pos.Col = off - m.off - strings.LastIndexByte(l.text[m.off:off], '\n')
	}
	return m.pos
}

// cut is the part of a line from one offset to another.
func (l line) cut(from, to int) line {
	c := line{text: l.text[from:to], marks: []mark{{0, l.at(from)}}}
	for _, m := range l.marks {
		if m.off > from && m.off < to {
			c.marks = append(c.marks, mark{m.off - from, m.pos})
		}
	}
	return c
}

// join puts lines one behind the other.
func join(parts ...line) line {
	var all line
	var text strings.Builder
	for _, p := range parts {
		if p.text == "" {
			continue
		}
		for _, m := range p.marks {
			all.marks = append(all.marks, mark{m.off + text.Len(), m.pos})
		}
		text.WriteString(p.text)
	}
	all.text = text.String()
	if all.marks == nil && len(parts) > 0 {
		all.marks = parts[0].marks
	}
	return all
}

// trimmed is a line without the blanks at its beginning.
func (l line) trimmed() line {
	n := 0
	for n < len(l.text) && blank(l.text[n]) {
		n++
	}
	return l.cut(n, len(l.text))
}

// code is how much of a text precedes its comment, or the whole.
func code(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && s[i+1] != '\n':
			i++
		case c == '\n':
			quoted = false
		case c == '"':
			quoted = !quoted
		case (c == '#' || c == '!') && !quoted:
			return i
		}
	}
	return len(s)
}

// source reads the lines of one file.
type source struct {
	file string
	rest string
	line int
}

func newSource(file, src string) *source {
	return &source{file: file, rest: strings.TrimPrefix(src, "\ufeff"), line: 1}
}

// next returns a line, with those that a \ at its end joins to it; false at the
// end of the file.
func (s *source) next() (line, bool) {
	if s.rest == "" {
		return line{}, false
	}
	n := 0
	for {
		end := strings.IndexByte(s.rest[n:], '\n')
		if end < 0 {
			n = len(s.rest)
			break
		}
		from := n
		n += end + 1
		if n == len(s.rest) || !continues(s.rest[:n], s.rest[from:n-1]) {
			break
		}
	}
	l := newLine(s.rest[:n], Pos{File: s.file, Line: s.line, Col: 1})
	s.rest = s.rest[n:]
	s.line += strings.Count(l.text, "\n")
	return l, true
}

// continues tells whether a line goes on: its last part ends in a \ that no
// comment has. Anywhere but in the value of a parameter the \ stands alone.
func continues(whole, part string) bool {
	part = strings.TrimSuffix(part, "\r")
	if !strings.HasSuffix(part, `\`) {
		return false
	}
	if definition(whole) {
		return true
	}
	before := part[:len(part)-1]
	return code(part) == len(part) && (before == "" || blank(before[len(before)-1]))
}

// definition tells whether a line defines a parameter, perhaps on a condition.
func definition(s string) bool {
	s = strings.TrimLeft(s, " \t\v\f\r")
	if strings.HasPrefix(s, "@") {
		n := strings.IndexAny(s, " \t\v\f\r\n")
		if n < 0 {
			return false
		}
		s = strings.TrimLeft(s[n:], " \t\v\f\r")
	}
	name := ""
	if strings.HasPrefix(s, "$") {
		name = paramName(s[1:])
	}
	return name != "" && strings.HasPrefix(s[1+len(name):], "=")
}
