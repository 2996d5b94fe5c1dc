package config

import (
	"strconv"
	"strings"
)

// repeat expands the rest of a line once for each value of its ~SEQ(...),
// ~SEQx(...) or ~LST(...).
func (x *expander) repeat(l line, emit func(line)) {
	open := strings.IndexByte(l.text, '(')
	shut := strings.IndexByte(l.text, ')')
	kind := ""
	if open > 0 {
		kind = l.text[:open]
	}
	if shut < open || kind != "~SEQ" && kind != "~SEQx" && kind != "~LST" {
		x.diags.errorf(l.at(0), "~SEQ(NUM, 1, 5) or ~LST(NAME, a, b) before what is to be repeated",
			"expected ~SEQ, ~SEQx or ~LST with its arguments in ()")
		return
	}
	args, rest := splitList(l.text[open+1:shut]), l.cut(shut+1, len(l.text))
	if kind == "~LST" {
		x.list(l, args, rest, emit)
		return
	}
	x.sequence(l, args, kind == "~SEQx", rest, emit)
}

// sequence is ~SEQ(var[, start[, step]], end).
func (x *expander) sequence(l line, args []string, hex bool, rest line, emit func(line)) {
	bad := func(what string) {
		x.diags.errorf(l.at(0), "~SEQ(NUM, 1, 5), ~SEQ(NUM, 10, -2, 0)", "~SEQ: %s", what)
	}
	if len(args) < 2 || len(args) > 4 || paramName(args[0]) != args[0] || args[0] == "" {
		bad("expected the name of a parameter and one to three numbers")
		return
	}
	var n []int64
	for _, a := range args[1:] {
		v, err := strconv.ParseInt(a, 0, 32)
		if err != nil {
			bad(quote(a) + " is no whole number")
			return
		}
		n = append(n, v)
	}
	end := n[len(n)-1]
	start, step := int64(1), int64(1)
	if end < 0 {
		start = -1
	}
	if len(n) > 1 {
		start = n[0]
	}
	if end < start {
		step = -1
	}
	if len(n) > 2 {
		step = n[1]
	}
	if step == 0 {
		bad("a step of 0 never ends")
		return
	}
	format := func(v int64) string {
		if hex {
			return strconv.FormatInt(v, 16)
		}
		return strconv.FormatInt(v, 10)
	}
	for v := start; step > 0 && v <= end || step < 0 && v >= end; v += step {
		if x.over {
			return
		}
		x.with(map[string]string{args[0]: format(v)}, rest, emit)
	}
}

// list is ~LST(var, value, ...) or ~LST({var, var}, {value, value}, ...).
func (x *expander) list(l line, args []string, rest line, emit func(line)) {
	if len(args) < 2 {
		x.diags.errorf(l.at(0), "~LST(NAME, a, b)", "~LST: expected the name of a parameter and at least one value")
		return
	}
	names := inBraces(args[0])
	for _, name := range names {
		if name == "" || paramName(name) != name {
			x.diags.errorf(l.at(0), "", "~LST: %s is no name of a parameter", quote(name))
			return
		}
	}
	for _, a := range args[1:] {
		values := inBraces(a)
		if len(values) != len(names) {
			x.diags.errorf(l.at(0), "", "~LST: %s: expected %d values", quote(a), len(names))
			return
		}
		turn := map[string]string{}
		for i, name := range names {
			turn[name] = values[i]
		}
		if x.over {
			return
		}
		x.with(turn, rest, emit)
	}
}

// inBraces is the list in {a, b}, or the word itself.
func inBraces(s string) []string {
	if inside, ok := strings.CutPrefix(s, "{"); ok && strings.HasSuffix(inside, "}") {
		return splitList(inside[:len(inside)-1])
	}
	return []string{s}
}

// splitList cuts at the commas that are not in braces.
func splitList(s string) (parts []string) {
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(s[from:]))
}
