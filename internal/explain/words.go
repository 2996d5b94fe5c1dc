package explain

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vrrpx/vrrpx/stats"
)

// span is a duration to the digits that matter between timers: 36.09 ms, 3.609 s.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + span(-max(d, -math.MaxInt64)) // the least has no opposite
	case d == 0:
		return "0 s"
	case d < time.Millisecond:
		return digits(float64(d)/float64(time.Microsecond), 0) + " us"
	case d < time.Second:
		return digits(float64(d)/float64(time.Millisecond), 2) + " ms"
	case d < time.Minute:
		return digits(d.Seconds(), 3) + " s"
	case d < time.Hour:
		return two(int(d/time.Minute), "min", int(d%time.Minute/time.Second), "s")
	case d < 48*time.Hour:
		return two(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "min")
	}
	return two(int(d/(24*time.Hour)), "days", int(d%(24*time.Hour)/time.Hour), "h")
}

func two(n int, large string, m int, small string) string {
	if m == 0 {
		return fmt.Sprintf("%d %s", n, large)
	}
	return fmt.Sprintf("%d %s %d %s", n, large, m, small)
}

func digits(f float64, most int) string {
	s := strconv.FormatFloat(f, 'f', most, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// age is how long something has lasted, for which a tenth of a second is enough.
func age(d time.Duration) string {
	if d = max(d, 0); d >= time.Second {
		d = d.Round(100 * time.Millisecond)
	}
	if d >= 10*time.Second {
		d = d.Round(time.Second)
	}
	return span(d)
}

// clock is a time of day, with the date unless it is today's.
func (in Input) clock(t time.Time) string { return in.clockAs(t, "15:04:05.000") }

func (in Input) clockAs(t time.Time, layout string) string {
	t = t.In(in.Now.Location())
	y, m, d := t.Date()
	if ny, nm, nd := in.Now.Date(); y != ny || m != nm || d != nd {
		layout = "2006-01-02 " + layout
	}
	return t.Format(layout)
}

// who is a router on the LAN, with what is known of it.
func who(address, mac string, priority uint8) string {
	var more []string
	if mac != "" {
		more = append(more, mac)
	}
	if priority != 0 {
		more = append(more, fmt.Sprintf("priority %d", priority))
	}
	switch {
	case address == "":
		return "another router"
	case len(more) == 0:
		return address
	}
	return address + " (" + strings.Join(more, ", ") + ")"
}

func whoIs(s *stats.Speaker) string { return who(s.Address, s.MAC, s.Priority) }

// sentence makes one of a text without a full stop.
func sentence(text string) string {
	if text == "" || strings.HasSuffix(text, ".") {
		return capital(text)
	}
	return capital(text) + "."
}

func capital(text string) string {
	first, n := utf8.DecodeRuneInString(text)
	if n == 0 || first == utf8.RuneError {
		return text
	}
	return string(unicode.ToUpper(first)) + text[n:]
}

func plural(n uint64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
