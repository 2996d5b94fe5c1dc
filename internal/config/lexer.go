package config

import "strings"

type tokenKind uint8

const (
	tokEOF     tokenKind = iota
	tokEnd               // end of a line, which ends a statement
	tokWord              //
	tokOpen              // {
	tokClose             // }
	tokInclude           // an include line: text is its keyword and path
)

type token struct {
	kind tokenKind
	word
}

// word is one word of a statement.
type word struct {
	text string
	pos  Pos
	cut  bool // ended by a comment sign that touches it
}

// lexer cuts a file into tokens as keepalived 2.2.7 does:
//
//   - # and ! start a comment, even in the middle of a word, but not in "";
//     \# and \! are the signs themselves;
//   - braces stand alone, even in the middle of a word, but not in "" or ${};
//   - "" hold a word together and always start a new one;
//   - ' and \ are ordinary characters. Only the script keywords, which this
//     version does not run, take them for quotes and escapes. A password with
//     either must be the same bytes here as on a keepalived peer.
//
// Two things are ours, where keepalived reports an error: \" is a quote, and a
// \ alone at the end of a line joins the next one to it.
type lexer struct {
	diags *diagnostics
	more  func() (line, bool) // the lines that follow
	line  line                // the one being read
	src   string              // its text
	off   int
	start bool // at the start of a statement
	bad   Pos  // the last line found to have control characters
}

// newLexer returns a lexer of lines. The first is asked for at once.
func newLexer(diags *diagnostics, more func() (line, bool)) *lexer {
	l := &lexer{diags: diags, more: more, start: true}
	l.line.marks = []mark{{}}
	l.fill()
	return l
}

// fill goes on to the next line when this one is read; at the end it stays
// behind the last.
func (l *lexer) fill() {
	for l.off >= len(l.src) {
		next, ok := l.more()
		if !ok {
			return
		}
		l.line, l.src, l.off = next, next.text, 0
	}
}

func (l *lexer) pos() Pos { return l.line.at(l.off) }

func (l *lexer) peek(ahead int) byte {
	if l.off+ahead < len(l.src) {
		return l.src[l.off+ahead]
	}
	return 0
}

// next returns the next token; tokEOF again and again at the end.
func (l *lexer) next() token {
	l.fill()
	l.skipBlank()
	l.fill()
	pos, start := l.pos(), l.start
	if l.off >= len(l.src) {
		return token{kind: tokEOF, word: word{pos: pos}}
	}
	l.start = false
	kind := tokWord
	switch l.src[l.off] {
	case '\n':
		l.off++
		kind, l.start = tokEnd, true
	case '{':
		l.off++
		kind, l.start = tokOpen, true
	case '}':
		l.off++
		kind, l.start = tokClose, true
	case '"':
		return token{tokWord, word{text: l.quoted(), pos: pos}}
	default:
		if start {
			if text, ok := l.includeLine(); ok {
				return token{tokInclude, word{text: text, pos: pos}}
			}
		}
		text := l.bare()
		return token{tokWord, word{text: text, pos: pos, cut: l.atComment()}}
	}
	return token{kind: kind, word: word{pos: pos}}
}

// skipBlank passes blanks, comments and a joined line end.
func (l *lexer) skipBlank() {
	for l.off < len(l.src) {
		switch c := l.src[l.off]; {
		case blank(c):
			l.off++
		case control(c):
			l.reportControl()
			l.off++
		case c == '#' || c == '!':
			l.skipLine()
		case c == '\\' && l.joined(1) > 0:
			l.off += l.joined(1) + 1
		default:
			return
		}
	}
}

func (l *lexer) skipLine() {
	if n := strings.IndexByte(l.src[l.off:], '\n'); n >= 0 {
		l.off += n
	} else {
		l.off = len(l.src)
	}
}

// joined returns how far ahead the line ends when nothing but that lies
// ahead, 0 when something does or when no line follows.
func (l *lexer) joined(ahead int) int {
	if l.peek(ahead) == '\r' {
		ahead++
	}
	if l.peek(ahead) == '\n' {
		return ahead
	}
	return 0
}

func (l *lexer) atComment() bool { c := l.peek(0); return c == '#' || c == '!' }

// bare reads a word without quotes.
func (l *lexer) bare() string {
	var kept strings.Builder // what precedes from, once an escape has been taken out
	from := l.off
	for l.off < len(l.src) {
		c := l.src[l.off]
		if c == '\\' && strings.IndexByte("#!\"", l.peek(1)) >= 0 {
			kept.WriteString(l.src[from:l.off])
			from = l.off + 1
			l.off += 2
			continue
		}
		if n := l.paramUse(); n > 0 {
			l.off += n
			continue
		}
		if blank(c) || control(c) || strings.IndexByte("\n{}#!\"", c) >= 0 {
			break
		}
		l.off++
	}
	if kept.Len() == 0 {
		return l.src[from:l.off]
	}
	return kept.String() + l.src[from:l.off]
}

// quoted reads a word in "". It may not run past its line; if it would, it is
// read as if the quote were not there, so that a brace behind it still counts.
func (l *lexer) quoted() string {
	open := l.pos()
	l.off++
	inside := l.off
	var kept strings.Builder
	from := l.off
	for l.off < len(l.src) && l.src[l.off] != '\n' {
		switch c := l.src[l.off]; {
		case c == '"':
			l.off++
			return kept.String() + l.src[from:l.off-1]
		case c == '\\' && l.peek(1) == '"':
			kept.WriteString(l.src[from:l.off])
			from = l.off + 1
			l.off += 2
		case c == '\\' && l.peek(1) != '\n' && l.off+1 < len(l.src):
			l.off += 2 // so that the quote of \\" is the closing one
		default:
			if control(c) {
				l.reportControl()
			}
			l.off++
		}
	}
	l.diags.errorf(open, `close the string with " on the same line`, `this " is never closed: expected another before the end of line %d`, open.Line)
	l.off = inside
	return l.bare()
}

// includeLine reads a whole include line when there is one. It is read before
// braces are looked for, because its path may have some.
func (l *lexer) includeLine() (string, bool) {
	if !includes(l.src[l.off:]) {
		return "", false
	}
	return l.rawLine(), true
}

// includes tells whether a text begins with an include line.
func includes(s string) bool {
	if !strings.HasPrefix(s, "include") {
		return false
	}
	n := len("include")
	if n < len(s) && strings.IndexByte("rmwba", s[n]) >= 0 {
		n++
	}
	return n < len(s) && blank(s[n]) && s[n] != '\r'
}

// rawLine reads to the comment or the end of the line.
func (l *lexer) rawLine() string {
	from := l.off
	inQuotes := false
	for l.off < len(l.src) && l.src[l.off] != '\n' {
		c := l.src[l.off]
		if c == '"' {
			inQuotes = !inQuotes
		}
		if !inQuotes && (c == '#' || c == '!') {
			break
		}
		l.off++
	}
	return strings.TrimSpace(l.src[from:l.off])
}

// paramUse returns the length of the ${NAME} or ${NAME ARGUMENTS} that comes
// next, 0 when there is none: its braces are no block's.
func (l *lexer) paramUse() int {
	rest := l.src[l.off:]
	if !strings.HasPrefix(rest, "${") || paramName(rest[2:]) == "" {
		return 0
	}
	n := strings.IndexAny(rest, "}\n")
	if n < 0 || rest[n] == '\n' {
		return 0
	}
	return n + 1
}

// paramName returns the parameter name at the start of s, empty if none.
func paramName(s string) string {
	n := 0
	for n < len(s) {
		c := s[n]
		letter := c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (n == 0 || c < '0' || c > '9') {
			break
		}
		n++
	}
	return s[:n]
}

func (l *lexer) reportControl() {
	here := l.pos()
	here.Col = 0
	if l.bad == here {
		return
	}
	l.bad = here
	l.diags.errorf(l.pos(), "the file may be damaged, or not be text",
		"control character 0x%02x: expected text", l.src[l.off])
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }

func control(c byte) bool { return c < ' ' && c != '\n' && !blank(c) || c == 0x7f }
