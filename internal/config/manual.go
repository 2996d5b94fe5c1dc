package config

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
)

// keywordsText is in no program that does not ask for Manual.
//
//go:embed keywords.txt
var keywordsText string

// Section is one block of the language as a manual has it.
type Section struct {
	Block    string    // its keyword; empty: the top level
	Honoured []Keyword // in the order of keywords.txt
	NoEffect []Others
	Refused  []Others
}

// Keyword is a keyword that is honoured.
type Keyword struct {
	Name string
	Args string // what follows it, as a synopsis; empty: nothing
	Text string // what it means, in sentences
	Own  bool   // keepalived has no such keyword
}

// Others are keywords of one block that are not honoured, for one reason.
type Others struct {
	Reason string
	Names  []string
}

// Manual describes the language for manuals: the tables say which keywords there
// are, keywords.txt what those mean that are honoured.
func Manual() []Section {
	var all []Section
	for line := range strings.Lines(keywordsText) {
		line = strings.TrimRight(line, "\n")
		title, isTitle := strings.CutPrefix(line, "== ")
		text, isText := strings.CutPrefix(line, "\t")
		switch {
		case line == "" || line[0] == '#':
		case isTitle:
			if title == "top level" {
				title = ""
			}
			all = append(all, section(title))
		case isText:
			s := &all[len(all)-1]
			k := &s.Honoured[len(s.Honoured)-1]
			k.Text = strings.TrimSpace(k.Text + " " + text)
		default:
			s := &all[len(all)-1]
			name, args, _ := strings.Cut(line, " ")
			name, own := strings.CutPrefix(name, "+")
			s.Honoured = append(s.Honoured, Keyword{Name: name, Args: args, Own: own})
		}
	}
	return all
}

// section has what the table of a block says by itself.
func section(block string) Section {
	noEffect, refused := map[string][]string{}, map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(blocks[block])) {
		kw := blocks[block][name]
		switch kw.verdict() {
		case noEffectOf:
			why := strings.TrimSuffix(kw.kind.what, "; without effect")
			if kw.kind.hint != "" {
				why += ": " + kw.kind.hint
			}
			noEffect[why] = append(noEffect[why], name)
		case refusedOf:
			why := kw.hint
			if len(kw.off) > 0 {
				why += "; accepted with " + strings.Join(kw.off, ", ")
			}
			refused[why] = append(refused[why], name)
		}
	}
	return Section{Block: block, NoEffect: others(noEffect), Refused: others(refused)}
}

func others(by map[string][]string) (all []Others) {
	for _, reason := range slices.Sorted(maps.Keys(by)) {
		all = append(all, Others{reason, by[reason]})
	}
	return all
}

// verdict is what becomes of a keyword.
func (k keyword) verdict() verdict {
	switch {
	case k.kind != nil:
		return noEffectOf
	case k.set != nil || k.shape.block():
		return honouredOf
	}
	return refusedOf
}

type verdict uint8

const (
	honouredOf verdict = iota
	noEffectOf
	refusedOf
)
