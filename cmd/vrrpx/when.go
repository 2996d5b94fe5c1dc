package main

import (
	"fmt"
	"strings"
	"time"
)

// when is a moment as an operator names it, and how exact that is.
type when struct {
	at    time.Time
	exact time.Duration // a minute for 02:13, and so on
}

const whenHint = `a time is "02:13", "02:13:07", "2026-11-23 02:13", RFC 3339 as 2026-11-23T02:13:07Z, or "-10m" for ten minutes ago`

// parseWhen reads a moment. A time of day is the last that was: at 01:00, 02:13 is
// yesterday's. Without a zone it is that of now.
func parseWhen(text string, now time.Time) (when, error) {
	if ago, ok := strings.CutPrefix(text, "-"); ok {
		d, err := time.ParseDuration(ago)
		if err != nil || d < 0 {
			return when{}, usageError{hint(whenHint, "%q is no time that has passed, as -10m or -1h30m", text)}
		}
		return when{now.Add(-d), time.Second}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return past(when{t, exactness(text)}, now, text)
	}
	for _, form := range []struct {
		layout string
		exact  time.Duration
		daily  bool
	}{
		{"15:04", time.Minute, true}, {"15:04:05", time.Second, true},
		{"2006-01-02 15:04", time.Minute, false}, {"2006-01-02 15:04:05", time.Second, false},
		{"2006-01-02T15:04", time.Minute, false}, {"2006-01-02T15:04:05", time.Second, false},
	} {
		t, err := time.ParseInLocation(form.layout, text, now.Location())
		if err != nil {
			continue
		}
		w := when{t, min(form.exact, exactness(text))}
		if form.daily {
			y, m, d := now.Date()
			w.at = time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), now.Location())
			if w.at.After(now) {
				w.at = time.Date(y, m, d-1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), now.Location())
			}
		}
		return past(w, now, text)
	}
	return when{}, usageError{hint(whenHint, "%q is no time", text)}
}

// exactness is a millisecond for who gave parts of a second: time.Parse takes them
// wherever there are seconds.
func exactness(text string) time.Duration {
	if strings.Contains(text, ".") {
		return time.Millisecond
	}
	if strings.Count(text, ":") < 2 {
		return time.Minute
	}
	return time.Second
}

func past(w when, now time.Time, text string) (when, error) {
	if w.at.After(now) {
		return when{}, usageError{hint(whenHint, "%q is to come: now it is %s", text, now.Format("2006-01-02 15:04:05 MST"))}
	}
	return w, nil
}

// stamp is a moment in a list of them.
func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05.000") }

// parseFlag is parseWhen for a flag, which may be empty: then it is false.
func parseFlag(name, text string, now time.Time) (when, bool, error) {
	if text == "" {
		return when{}, false, nil
	}
	w, err := parseWhen(text, now)
	if err != nil {
		return when{}, false, fmt.Errorf("--%s: %w", name, err)
	}
	return w, true, nil
}
