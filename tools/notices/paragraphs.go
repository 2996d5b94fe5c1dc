package main

import (
	"fmt"
	"slices"
	"strings"
)

// paragraphs writes the notices, those of the same words as one. Apache-2.0 is not
// repeated: it is the licence of vrrpx too, and beside this file.
func paragraphs(found []notice) string {
	var order []string
	same := map[string][]notice{}
	for _, n := range found {
		words := n.kind + "\x00" + n.text + "\x00" + n.notice
		if same[words] == nil {
			order = append(order, words)
		}
		same[words] = append(same[words], n)
	}
	var b strings.Builder
	for _, words := range order {
		n := same[words][0]
		files, copyright := []string{}, []string{}
		for _, s := range same[words] {
			files = append(files, s.of)
			for _, line := range s.copyright {
				if !slices.Contains(copyright, line) {
					copyright = append(copyright, line)
				}
			}
		}
		fmt.Fprintf(&b, "\nFiles: %s\n", pattern(files))
		fmt.Fprintf(&b, "Copyright: %s\n", strings.Join(copyright, "\n "))
		fmt.Fprintf(&b, "License: %s\n", n.kind)
		if n.kind == "Apache-2.0" {
			b.WriteString(" On Debian systems the text is in /usr/share/common-licenses/Apache-2.0;\n it is in /usr/share/doc/vrrpx/LICENSE too.\n")
		} else {
			b.WriteString(indent(n.text))
		}
		if n.notice != "" {
			b.WriteString("Comment: its NOTICE:\n" + indent(n.notice))
		}
	}
	return b.String()
}

// pattern is what stands after Files. No module is below the tree of vrrpx: they are
// named by their import paths, as in a vendor directory.
func pattern(of []string) string {
	files := make([]string, len(of))
	for i, path := range of {
		if files[i] = "vendor/" + path + "/*"; path == golang {
			files[i] = "go/*"
		}
	}
	return strings.Join(files, "\n ")
}

// indent makes the lines those of a field that goes on: an empty one is a dot.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.Trim(text, "\n") + "\n") {
		if line = strings.TrimRight(line, " \t\n"); line == "" {
			line = "."
		}
		b.WriteString(" " + line + "\n")
	}
	return b.String()
}
