package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

func TestEventsInOneLineEach(t *testing.T) {
	at := time.Date(2026, 11, 23, 2, 13, 7, 361499999, time.Local)
	for want, e := range map[string]stats.Event{
		"2026-11-23 02:13:07.361 (VI_1) BACKUP to MASTER: no advert": {At: at, Router: "VI_1", Text: "BACKUP to MASTER: no advert"},
		"2026-11-23 02:13:07.361 reloaded: (VI_1) added; (VI_2) removed": {
			At: at, Text: "reloaded", Changes: []string{"(VI_1) added", "(VI_2) removed"},
		},
	} {
		if got := eventText(&e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestMistakesInTimes(t *testing.T) {
	for _, args := range [][]string{{"events", "--since", "yesterday"}, {"events", "--since", "2999-01-01T00:00:00Z"}} {
		code, _, stderr := call(args...)
		if code != exitUsage || !strings.Contains(stderr, "--since") || !strings.Contains(stderr, "vrrpx: hint: ") {
			t.Errorf("%v: exit code %d, %q", args, code, stderr)
		}
	}
}

func TestStatusTellsOfAHistoryThatIsNotKept(t *testing.T) {
	for want, h := range map[string]stats.History{
		"": {},
		"history: 3 events did not get into its file (full)\n": {Lost: 3, Problem: "full"},
	} {
		var out bytes.Buffer
		printStatus(&out, &stats.Status{History: h})
		if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "history") != (want != "") {
			t.Errorf("%+v: %q", h, got)
		}
	}
}
