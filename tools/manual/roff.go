package main

import (
	"fmt"
	"strings"
)

const madeBy = "Made by tools/manual (make manual): do not edit."

// page is a manual page in the macros of man(7).
type page struct{ strings.Builder }

// newPage begins a page. It bears no date: the same source makes the same page.
func newPage(title, section, manual string) *page {
	p := &page{}
	fmt.Fprintf(p, ".\\\" %s\n.TH %s %s \"\" vrrpx \"%s\"\n", madeBy, title, section, manual)
	return p
}

var escapes = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `'`, `\(aq`, "`", `\(ga`, `~`, `\(ti`, `^`, `\(ha`)

// roff is text of no meaning to roff, also at the beginning of a line.
func roff(text string) string {
	text = escapes.Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

func bold(text string) string { return `\fB` + roff(text) + `\fR` }

func italic(text string) string { return `\fI` + roff(text) + `\fR` }

func (p *page) title(text string)    { fmt.Fprintf(p, ".SH %s\n", roff(text)) }
func (p *page) subtitle(text string) { fmt.Fprintf(p, ".SS %s\n", roff(text)) }

// paragraphs are separated by empty lines; lines that begin with a tab are
// shown as they are.
func (p *page) paragraphs(text string) {
	for i, para := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if strings.HasPrefix(para, "\t") {
			p.WriteString(".PP\n.nf\n.RS\n")
			for line := range strings.Lines(para) {
				p.WriteString(roff(strings.TrimPrefix(strings.TrimRight(line, "\n"), "\t")) + "\n")
			}
			p.WriteString(".RE\n.fi\n")
			continue
		}
		if i > 0 {
			p.WriteString(".PP\n")
		}
		for line := range strings.Lines(para) {
			p.WriteString(roff(strings.TrimSpace(line)) + "\n")
		}
	}
}

// item is a term, which is roff already, and what it means, which is not.
func (p *page) item(term, text string) {
	fmt.Fprintf(p, ".TP\n%s\n%s\n", term, roff(text))
}

// list is items, a line each: term, tab, text.
func (p *page) list(lines string) {
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		term, text, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		p.item(bold(term), text)
	}
}

// synopsis sets words in capitals as what is to be replaced and others as what is
// to be written; a word with anything else, such as [FILE], keeps its marks.
func synopsis(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		j := i
		for j < len(text) && isWord(text[j]) {
			j++
		}
		switch word := text[i:j]; {
		case word == "":
			b.WriteString(roff(text[i : i+1]))
			j++
		case strings.ToUpper(word) == word && strings.ToLower(word) != word:
			b.WriteString(italic(word))
		default:
			b.WriteString(bold(word))
		}
		i = j
	}
	return b.String()
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}
