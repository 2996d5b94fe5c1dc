package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Write prints results for people: the gravest first, what is well and what was
// skipped in one line each.
func Write(w io.Writer, all []Result) {
	for _, r := range Gravest(all) {
		name := r.Name
		if r.Subject != "" {
			name += " " + r.Subject
		}
		fmt.Fprintf(w, "%-7s  %s: %s\n", r.Verdict, name, r.Finding)
		if r.Verdict == OK {
			continue
		}
		for _, e := range r.Evidence {
			if e != "" {
				fmt.Fprintf(w, "         - %s\n", e)
			}
		}
		if r.Fix != "" {
			fmt.Fprintf(w, "         fix: %s\n", r.Fix)
		}
	}
	fmt.Fprintln(w, Summary(all))
}

// Summary counts the verdicts.
func Summary(all []Result) string {
	var parts []string
	for _, v := range []Verdict{Bad, Warn, Note, OK, Skipped} {
		if n := Count(all, v); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(parts, ", ")
}
