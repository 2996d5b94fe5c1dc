package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Pos is a place in a configuration file. Line and Col count from 1, Col in
// bytes. Line 0 means no particular line: the whole file, or a flag of the
// command line, whose name then is File.
type Pos struct {
	File string
	Line int
	Col  int
}

// String writes FILE:LINE:COL, or FILE alone where there is no line.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// Severity says what a Diagnostic means for the configuration.
type Severity uint8

// Error: there is no usable configuration. Warning: it is usable, but not
// what its author may think. Notice: a part of the file is not for vrrpx.
const (
	Error Severity = iota
	Warning
	Notice
)

func (s Severity) String() string {
	return [...]string{"error", "warning", "notice"}[min(s, Notice)]
}

// Diagnostic is one finding: where, what was expected, and what to do.
type Diagnostic struct {
	Severity Severity
	Pos      Pos
	Message  string // one sentence without a full stop
	Hint     string // what to do about it; may be empty
}

// String writes "FILE:LINE:COL: error: MESSAGE", without the hint.
func (d Diagnostic) String() string {
	return d.Pos.String() + ": " + d.Severity.String() + ": " + d.Message
}

// maxDiagnostics bounds what one run reports, so that a file that is no
// configuration at all does not fill the terminal.
const maxDiagnostics = 100

// diagnostics collects findings. Errors have precedence: warnings never push
// one out.
type diagnostics struct {
	order  map[string]int // files in the order in which they were opened
	errors []Diagnostic
	others []Diagnostic
	more   int // found but not kept
}

func newDiagnostics(file string) *diagnostics {
	return &diagnostics{order: map[string]int{file: 0}}
}

func (d *diagnostics) opened(file string) {
	if _, ok := d.order[file]; !ok {
		d.order[file] = len(d.order)
	}
}

func (d *diagnostics) reportf(sev Severity, pos Pos, hint, format string, args ...any) {
	into := &d.others
	if sev == Error {
		into = &d.errors
	}
	found := Diagnostic{Severity: sev, Pos: pos, Message: fmt.Sprintf(format, args...), Hint: hint}
	switch {
	case len(*into) >= maxDiagnostics:
		d.more++
	case slices.Contains(*into, found): // in each turn of a sequence
	default:
		*into = append(*into, found)
	}
}

func (d *diagnostics) errorf(pos Pos, hint, format string, args ...any) {
	d.reportf(Error, pos, hint, format, args...)
}

func (d *diagnostics) warnf(pos Pos, hint, format string, args ...any) {
	d.reportf(Warning, pos, hint, format, args...)
}

// full tells that a further finding would not be kept, so that nobody need
// work out a hint for it.
func (d *diagnostics) full(sev Severity) bool {
	if sev == Error {
		return len(d.errors) >= maxDiagnostics
	}
	return len(d.others) >= maxDiagnostics
}

// sorted returns what is to be shown, by position, at most maxDiagnostics and
// a last line that counts the rest.
func (d *diagnostics) sorted() []Diagnostic {
	room := maxDiagnostics - len(d.errors)
	more := d.more
	others := d.others
	if len(others) > room {
		more += len(others) - room
		others = others[:room]
	}
	all := slices.Concat(d.errors, others)
	slices.SortStableFunc(all, func(a, b Diagnostic) int {
		if c := d.order[a.Pos.File] - d.order[b.Pos.File]; c != 0 {
			return c
		}
		if c := a.Pos.Line - b.Pos.Line; c != 0 {
			return c
		}
		return a.Pos.Col - b.Pos.Col
	})
	if more > 0 {
		all = append(all, Diagnostic{
			Severity: Notice,
			Pos:      Pos{File: all[0].Pos.File},
			Message:  strconv.Itoa(more) + " more not shown",
			Hint:     "correct the first ones: others often follow from them",
		})
	}
	return all
}

// quote shows text of the file in a message: printable and short, whatever it
// contains.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return strconv.Quote(s)
}

// plain shows a name as it is, unless a terminal would not.
func plain(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return quote(name)
	}
	return name
}
