package config

import (
	"slices"
	"strings"
	"time"
)

// keyword is one row of a table: what a word at the start of a statement
// means in its block, and which of three things vrrpx does with it.
//
//	honoured  set is called
//	ignored   it has no effect on VRRP: accepted, with one notice per kind
//	later     silence would change what happens on the network: refused
type keyword struct {
	shape shape
	set   func(*interpreter, *statement)
	kind  *kind    // ignored: what it belongs to
	hint  string   // later: what to do instead
	off   []string // later: values that ask for nothing, and are accepted
	opens string   // the table of its block; freeLines when any line will do
}

// table has the keywords of one block.
type table map[string]keyword

// freeLines stands for a block whose lines are values and not keywords.
const freeLines = "(values)"

// shape is the form that a statement has to have.
type shape uint8

const (
	anyShape          shape = iota
	flagShape               // keyword
	valueShape              // keyword VALUE
	optionShape             // keyword [VALUE]
	pairShape               // keyword VALUE [VALUE]
	keyShape                // keyword VALUE VALUE
	commandShape            // keyword COMMAND [USER [GROUP]]
	maybeCommandShape       // keyword [COMMAND [USER [GROUP]]]
	linesShape              // keyword { values }
	blockShape              // keyword { keywords }
	namedShape              // keyword NAME { keywords }
	mayNameShape            // keyword [NAME] { keywords }
)

// most returns how many words may follow the keyword, -1 for any number.
func (s shape) most() int {
	switch s {
	case flagShape, linesShape, blockShape:
		return 0
	case valueShape, optionShape, namedShape, mayNameShape:
		return 1
	case pairShape, keyShape:
		return 2
	case commandShape, maybeCommandShape:
		return 3
	}
	return -1
}

func (s shape) needsWord() bool {
	return s == valueShape || s == pairShape || s == keyShape || s == commandShape || s == namedShape
}

func (s shape) block() bool {
	return s == linesShape || s == blockShape || s == namedShape || s == mayNameShape
}

// kind is a group of keywords that are ignored for one reason.
type kind struct {
	what     string // the notice, which the keywords follow
	hint     string
	severity Severity
}

// ignored is a keyword that has no effect on VRRP.
func ignored(k *kind) keyword { return keyword{kind: k} }

// ignoredBlock is a block of such keywords; opens is its table.
func ignoredBlock(k *kind, opens string) keyword { return keyword{kind: k, opens: opens} }

// later is a keyword that this version refuses, unless its value is in off.
func later(hint string, off ...string) keyword { return keyword{hint: hint, off: off} }

// laterBlock is a block that this version refuses.
func laterBlock(hint, opens string) keyword { return keyword{hint: hint, opens: opens} }

// block is a block whose keywords are in the table opens. set, if any, is
// called before they are read.
func block(s shape, opens string, set func(*interpreter, *statement)) keyword {
	return keyword{shape: s, opens: opens, set: set}
}

// lines is a block of values, all read by set.
func lines(set func(*interpreter, *statement)) keyword {
	return keyword{shape: linesShape, opens: freeLines, set: set}
}

// noValue is a keyword that stands alone.
func noValue(set func(*interpreter)) keyword {
	return keyword{shape: flagShape, set: func(in *interpreter, _ *statement) { set(in) }}
}

// text is a keyword with one value of any form.
func text(set func(*interpreter, word)) keyword {
	return keyword{shape: valueShape, set: func(in *interpreter, s *statement) { set(in, s.words[1]) }}
}

// choice is a keyword with one of a few words, of which set is given the index.
func choice(set func(*interpreter, int), words ...string) keyword {
	return text(func(in *interpreter, w word) {
		i := slices.Index(words, w.text)
		if i < 0 {
			in.diags.errorf(w.pos, "", "%s %s: expected %s", in.name, quote(w.text), strings.Join(words, " or "))
			return
		}
		set(in, i)
	})
}

// pair is a keyword with one word or two.
func pair(set func(*interpreter, *statement)) keyword { return keyword{shape: pairShape, set: set} }

// number is a keyword with a whole number.
func number(lo, hi int, set func(*interpreter, int)) keyword {
	return text(func(in *interpreter, w word) {
		if n, ok := in.wholeNumber(w, lo, hi, ""); ok {
			set(in, n)
		}
	})
}

// wholeSeconds is a keyword with a time in seconds without a fraction.
func wholeSeconds(lo, hi time.Duration, set func(*interpreter, time.Duration)) keyword {
	return text(func(in *interpreter, w word) {
		if n, ok := in.wholeNumber(w, int(lo/time.Second), int(hi/time.Second), " of seconds"); ok {
			set(in, time.Duration(n)*time.Second)
		}
	})
}

// seconds is a keyword with a time in seconds that may have a fraction.
func seconds(lo, hi time.Duration, set func(*interpreter, time.Duration)) keyword {
	return text(func(in *interpreter, w word) {
		if d, ok := in.seconds(w, lo, hi); ok {
			set(in, d)
		}
	})
}

// boolean is a keyword that alone means true.
func boolean(set func(*interpreter, bool)) keyword {
	return keyword{shape: optionShape, set: func(in *interpreter, s *statement) {
		if len(s.words) == 1 {
			set(in, true)
		} else if on, ok := in.boolean(s.words[1]); ok {
			set(in, on)
		}
	}}
}

// names is a table of keywords that are only known by name, because their
// block is ignored or refused as a whole. opens gives, where it differs from
// the table itself, the table of a block in it.
func names(in string, all []string, opens map[string]string) table {
	t := table{}
	for _, name := range all {
		t[name] = keyword{opens: in}
	}
	for name, block := range opens {
		t[name] = keyword{opens: block}
	}
	return t
}
