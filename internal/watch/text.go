package watch

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// short is a duration in at most six characters.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d < time.Millisecond:
		return fmt.Sprintf("%dus", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1fms", float64(d.Microseconds()/100)/10)
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", float64(d.Milliseconds()/100)/10)
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// tenths is a duration in at most nine characters, with a digit more than short has.
func tenths(d time.Duration) string {
	if d >= 10*time.Millisecond && d < time.Second {
		return fmt.Sprintf("%.1fms", float64(d.Microseconds()/100)/10)
	}
	return short(d)
}

// perSecond is a rate in at most four characters.
func perSecond(f float64) string {
	switch {
	case f < 0.05:
		return "0"
	case f < 9.95:
		return fmt.Sprintf("%.1f", f)
	case f < 999.5:
		return fmt.Sprintf("%.0f", f)
	case f < 9950:
		return fmt.Sprintf("%.1fk", f/1e3)
	case f < 999.5e3:
		return fmt.Sprintf("%.0fk", f/1e3)
	}
	return fmt.Sprintf("%.0fM", f/1e6)
}

// gapText is the range of the inter-arrival times that bucket k counts, in at most
// nine characters: the kernel keeps powers of two and no more.
func gapText(k int) string {
	if k < 0 {
		return "-"
	}
	low, high := float64(uint64(1)<<k), float64(uint64(2)<<k) // us
	unit := "us"
	switch {
	case high >= 6e8:
		low, high, unit = low/6e7, high/6e7, "m"
	case high >= 1e6:
		low, high, unit = low/1e6, high/1e6, "s"
	case high >= 1e3:
		low, high, unit = low/1e3, high/1e3, "ms"
	}
	return gapNumber(low) + "-" + gapNumber(high) + unit
}

func gapNumber(f float64) string {
	if f < 10 && f != float64(int(f)) {
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", f)
}

// bucketOf is the bucket that would count an inter-arrival time.
func bucketOf(d time.Duration) int {
	return min(max(bits.Len64(uint64(max(d, 0)/time.Microsecond)), 1), 32) - 1
}

// fit makes s w cells wide: cut with a mark, or filled up on the right.
func fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	s = clean(s)
	n := width(s)
	switch {
	case n == w:
		return s
	case n < w:
		return s + strings.Repeat(" ", w-n)
	}
	s = ansi.Truncate(s, w, "~")
	return s + strings.Repeat(" ", w-width(s))
}

// fitRight is fit with the space on the left.
func fitRight(s string, w int) string {
	s = clean(s)
	if n := width(s); n < w {
		return strings.Repeat(" ", w-n) + s
	}
	return fit(s, w)
}

func width(s string) int {
	if plainASCII(s) {
		return len(s)
	}
	return ansi.StringWidth(s)
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// clean takes out what would move the cursor: a script's last words, which may be
// part of a snapshot, are anybody's.
func clean(s string) string {
	if plainASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// wrap breaks text into lines of at most w cells, at spaces where it can.
func wrap(s string, w int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(clean(s)) {
		for width(word) > w {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := ansi.Truncate(word, w, "")
			if head == "" {
				break
			}
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) <= w:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// natural compares names so that VI_2 comes before VI_10.
func natural(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			na, nb := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if len(na) != len(nb) {
				return len(na) - len(nb)
			}
			if c := strings.Compare(na, nb); c != 0 {
				return c
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

// digits is how many digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
