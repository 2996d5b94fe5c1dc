package explain

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// FuzzHistory: whatever the lines of a history are, there is an answer for each router of
// them, now and of any time.
func FuzzHistory(f *testing.F) {
	for _, s := range stories {
		var lines strings.Builder
		enc := json.NewEncoder(&lines)
		for i := range s.events {
			if err := enc.Encode(&s.events[i]); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(lines.String(), int64(600))
	}
	now := on("02:17:19")
	f.Fuzz(func(t *testing.T, text string, ago int64) {
		var events []stats.Event
		for line := range strings.Lines(text) {
			var e stats.Event
			if json.Unmarshal([]byte(line), &e) == nil {
				events = append(events, e)
			}
		}
		at := now.Add(-time.Duration(ago) * time.Second)
		for _, st := range []*stats.Status{nil, node("MASTER", 150, nil), node("BACKUP", 100, nil)} {
			in := Input{Status: st, Events: events, Now: now}
			for _, exact := range []time.Duration{time.Millisecond, time.Minute} {
				if answers, err := Past(in, "", at, exact); err != nil || len(answers) == 0 || answers[0].String() == "" {
					t.Fatalf("at %v: %v, %v", at, answers, err)
				}
			}
			if answers, err := Present(in, ""); err != nil || len(answers) == 0 || answers[0].String() == "" {
				t.Fatalf("now: %v, %v", answers, err)
			}
		}
	})
}
