package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"
)

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// notes joins those that are not empty.
func notes(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), "; ")
}

// texts are the cells of a row. A duration becomes milliseconds.
func texts(cells []any) []string {
	var row []string
	for _, c := range cells {
		switch c := c.(type) {
		case time.Duration:
			row = append(row, fmt.Sprintf("%.3f", ms(c)))
		case float64:
			row = append(row, fmt.Sprintf("%.2f", c))
		default:
			row = append(row, fmt.Sprint(c))
		}
	}
	return row
}

// Bytes is the file.
func (c CSV) Bytes() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(append([][]string{c.Header}, c.Rows...)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Markdown is the table as GitHub shows one. Columns of numbers are
// right-aligned.
func (t Table) Markdown() string {
	var b strings.Builder
	if t.Caption != "" {
		fmt.Fprintf(&b, "%s\n\n", t.Caption)
	}
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(&b, "| %s ", strings.ReplaceAll(c, "|", `\|`))
		}
		b.WriteString("|\n")
	}
	line(t.Header)
	for i := range t.Header {
		if t.numeric(i) {
			b.WriteString("|---:")
		} else {
			b.WriteString("|---")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.Rows {
		line(row)
	}
	b.WriteString("\n")
	return b.String()
}

// numeric: every cell of the column begins like a number, or is empty or "-".
func (t Table) numeric(column int) bool {
	some := false
	for _, row := range t.Rows {
		c := row[column]
		if c == "" || c == "-" {
			continue
		}
		if !strings.ContainsRune("0123456789-+", rune(c[0])) || strings.ContainsAny(c, " x") {
			return false
		}
		some = true
	}
	return some
}
