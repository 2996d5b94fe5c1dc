package config

import (
	"maps"
	"slices"
	"strings"
)

// where lists, for each keyword, the blocks that have it. It is filled at the
// start because the tables refer to the code that uses it.
var where = map[string][]string{}

func init() {
	mine := []string{"global_defs", "vrrp_instance", "authentication", "auth_hmac", "heartbeat"}
	theirs := slices.DeleteFunc(slices.Sorted(maps.Keys(blocks)), func(b string) bool { return slices.Contains(mine, b) })
	for _, block := range slices.Concat(mine, theirs) {
		for name := range blocks[block] {
			where[name] = append(where[name], inBlock(block))
		}
	}
}

// inBlock names the place of a keyword in a message.
func inBlock(block string) string {
	if block == "" {
		return "at the top level"
	}
	return "in " + block
}

// unknown reports a statement whose keyword its block does not have: it
// belongs elsewhere, is misspelt, or is none at all.
func (in *interpreter) unknown(block string, parent, s *statement, sev Severity) {
	name := s.name()
	if _, ok := blocks[""][name]; ok && parent != nil {
		in.swallowed(parent, s)
		return
	}
	if at := where[name]; len(at) > 0 {
		in.forgive(name, s.pos())
		in.diags.reportf(sev, s.pos(), "move it there", "%s does not belong %s: expected it %s",
			name, inBlock(block), strings.Join(at, " or "))
		return
	}
	hint := ""
	if !in.diags.full(sev) {
		hint = in.suggest(block, s)
	}
	in.diags.reportf(sev, s.pos(), hint, "unknown keyword %s %s", quote(name), inBlock(block))
}

// swallowed reports a statement of the top level that stands in a block, most
// often because the block lacks its }. It is read as if it stood where it
// belongs, so that its own faults are reported too.
func (in *interpreter) swallowed(parent, s *statement) {
	in.diags.errorf(s.pos(), "a } is missing before it", "%s belongs at the top level: it stands in the block of %s that opens at %s",
		s.name(), parent.title(), parent.open)
	outer := in.cur
	in.cur = nil
	in.walk("", nil, []*statement{s})
	in.cur = outer
}

// suggest looks for the keyword that was meant.
func (in *interpreter) suggest(block string, s *statement) string {
	name := s.name()
	keyword, _, assigned := strings.Cut(name, "=")
	if _, ok := blocks[block][keyword]; ok && assigned {
		in.forgive(keyword, s.pos())
		return "write a blank and not = between " + keyword + " and its value"
	}
	if best := nearest(name, blocks[block]); best != "" {
		in.forgive(best, s.pos())
		return "did you mean " + best + "?"
	}
	for _, other := range slices.Sorted(maps.Keys(blocks)) {
		if best := nearest(name, blocks[other]); best != "" {
			return "did you mean " + best + "? It belongs " + inBlock(other)
		}
	}
	return ""
}

// forgive keeps a keyword that was misspelt or misplaced at pos from being
// called missing as well.
func (in *interpreter) forgive(name string, pos Pos) {
	if in.cur != nil && !in.cur.given(name) {
		in.cur.seen[name] = pos
	}
}

// nearest returns the keyword of t that differs from name by its case, or by
// at most two slips of a finger (one in a short word). Empty if none does.
func nearest(name string, t table) string {
	limit := 2
	if len(name) <= 5 {
		limit = 1
	}
	best := ""
	for _, candidate := range slices.Sorted(maps.Keys(t)) {
		if strings.EqualFold(candidate, name) {
			return candidate
		}
		if d := len(candidate) - len(name); d > limit || -d > limit {
			continue
		}
		if d := slips(name, candidate); d <= limit {
			best, limit = candidate, d-1
		}
	}
	return best
}

// slips counts the letters left out, put in, exchanged or swapped with their
// neighbour between a and b (optimal string alignment).
func slips(a, b string) int {
	var before, above []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
