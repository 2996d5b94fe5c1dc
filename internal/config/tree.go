package config

// statement is one line of a configuration and the block that follows it, if
// any.
type statement struct {
	words []word // the first is the keyword; never empty
	open  Pos    // of the block's {; Line 0 when there is no block
	block []*statement
}

func (s *statement) name() string   { return s.words[0].text }
func (s *statement) pos() Pos       { return s.words[0].pos }
func (s *statement) args() []word   { return s.words[1:] }
func (s *statement) hasBlock() bool { return s.open.Line != 0 }

// title names a statement in a message: its keyword and, for a block, its
// name.
func (s *statement) title() string {
	if s.hasBlock() && len(s.words) > 1 {
		return plain(s.name()) + " " + quote(s.words[1].text)
	}
	return plain(s.name())
}

// maxDepth bounds nesting. keepalived's own deepest block is at depth 5.
const maxDepth = 16

// tree builds statements from the tokens of a file and of those it includes.
// As in keepalived an included file is read as if it stood there: a block may
// be opened in one file and closed in another.
type tree struct {
	diags   *diagnostics
	files   *files
	expand  *expander
	top     statement    // holds the statements outside any block
	stack   []*statement // the blocks that are open
	line    []word       // words of the line being read
	last    *statement   // the statement to which a { belongs
	dropped int          // blocks open beyond maxDepth, or without a keyword
}

// parseTree returns the statements of a file, as complete as can be. What is
// wrong with the form of the file is in diags.
func parseTree(diags *diagnostics, files *files, id, name, src string) []*statement {
	t := &tree{diags: diags, files: files, expand: newExpander(diags, id)}
	t.stack = []*statement{&t.top}
	end := t.file(name, src)
	for _, s := range t.stack[1:] {
		diags.errorf(s.open, "add the missing }: one } for each {",
			"the block of %s is never closed: expected } before the end of %s at line %d", s.title(), end.File, end.Line)
	}
	return t.top.block
}

// file adds the statements of one file and returns where it ends.
func (t *tree) file(name, src string) Pos {
	lex := newLexer(t.diags, t.lines(newSource(name, src)))
	for {
		tok := lex.next()
		switch tok.kind {
		case tokWord:
			t.line = append(t.line, tok.word)
		case tokEnd:
			t.endLine()
		case tokOpen:
			t.endLine()
			t.openBlock(tok.pos)
		case tokClose:
			t.endLine()
			t.closeBlock(tok.pos)
		case tokInclude:
			t.include(tok.word)
		case tokEOF:
			t.endLine()
			return tok.pos
		}
	}
}

// lines returns the lines of a file one by one, expanded as late as can be: an
// included file may define what the next line needs.
func (t *tree) lines(src *source) func() (line, bool) {
	var ready []line
	return func() (line, bool) {
		for len(ready) == 0 {
			t.files.line()
			l, ok := src.next()
			if !ok {
				return line{}, false
			}
			t.expand.expand(l, func(l line) { ready = append(ready, l) })
		}
		next := ready[0]
		ready = ready[1:]
		return next, true
	}
}

func (t *tree) endLine() {
	if len(t.line) == 0 {
		return
	}
	if t.dropped == 0 {
		t.last = &statement{words: t.line}
		into := t.stack[len(t.stack)-1]
		into.block = append(into.block, t.last)
	}
	t.line = nil
}

func (t *tree) openBlock(pos Pos) {
	switch {
	case t.dropped > 0:
		t.dropped++
	case len(t.stack) > maxDepth:
		t.diags.errorf(pos, "close the blocks that are complete", "blocks are nested more than %d deep", maxDepth)
		t.dropped = 1
	case t.last == nil:
		t.diags.errorf(pos, `a { follows the keyword whose block it opens; in a value, quote it: "{"`,
			"unexpected {: expected a keyword before it")
		t.dropped = 1
	default:
		t.last.open = pos
		t.stack = append(t.stack, t.last)
	}
	t.last = nil
}

func (t *tree) closeBlock(pos Pos) {
	switch {
	case t.dropped > 0:
		t.dropped--
	case len(t.stack) == 1:
		t.diags.errorf(pos, "remove it, or look above for a block that is closed twice", "stray }: no block is open here")
	default:
		t.stack = t.stack[:len(t.stack)-1]
	}
	t.last = nil
}
