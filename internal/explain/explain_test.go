package explain

import (
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

var update = flag.Bool("update", false, "write the golden texts anew")

func (s *story) tell(t *testing.T) string {
	t.Helper()
	in := Input{Status: s.status, Events: s.events, Now: on("02:17:19")}
	answers, err := Present(in, "")
	if s.at != "" {
		answers, err = Past(in, "VI_1", on(s.at), s.exact)
	}
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, a := range answers {
		b.WriteString(a.String())
	}
	return b.String()
}

// Each story names its cause and the evidence, in the words of its golden text.
func TestStories(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			got := s.tell(t)
			plain := strings.Join(strings.Fields(got), " ")
			for _, fact := range s.facts {
				if !strings.Contains(plain, fact) {
					t.Errorf("lacks %q", fact)
				}
			}
			for _, line := range strings.Split(got, "\n") {
				if len(line) > width || strings.TrimRight(line, " ") != line {
					t.Errorf("too long, or ends in blanks: %q", line)
				}
			}
			golden := filepath.Join("testdata", s.name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || got != string(want) {
				t.Errorf("%v; now it says\n%s", err, got)
			}
		})
	}
}

// What comes first is what decided: an operator may read no further.
func TestCauseComesFirst(t *testing.T) {
	first := map[string]string{
		"master_killed": "fell silent", "cable_cut": "Link eth0 is down", "firewall_on_the_peer": "firewall", "wrong_password": "authenticate",
		"vrid_used_by_a_stranger": "VRID 51", "nopreempt": "nopreempt", "past_minute": "authenticate", "script_that_mattered": "Its priority", "reload_that_changed_the_priority": "A reload",
	}
	for _, s := range stories {
		lines := strings.SplitN(s.tell(t), "\n", 3)
		if want := first[s.name]; want != "" && (len(lines) < 3 || !strings.Contains(lines[1], want)) {
			t.Errorf("%s: its second line is %q, want %q in it", s.name, lines[1], want)
		}
	}
}

func TestRouterThatIsNotKnown(t *testing.T) {
	in := Input{Status: node("MASTER", 100, nil), Events: []stats.Event{{Router: "gone", Text: "x"}}, Now: on("02:17:19")}
	for _, f := range []func(string) error{
		func(name string) error { _, err := Present(in, name); return err },
		func(name string) error { _, err := Past(in, name, on("02:13:00"), time.Minute); return err },
	} {
		var unknown *UnknownRouterError
		if err := f("VI_9"); !errors.As(err, &unknown) || strings.Join(unknown.Known, " ") != "VI_1 gone" {
			t.Errorf("%v, %+v", err, unknown)
		}
		if err := f("VI_1"); err != nil {
			t.Error(err)
		}
	}
}

// Whatever is in a snapshot or in a file that anybody may have written, there is an answer.
func TestStrangeInputs(t *testing.T) {
	strange := []stats.Event{
		{}, {Kind: "junk", Router: "VI_1"}, {Kind: stats.EventTransition, Router: "VI_1"},
		{Kind: stats.EventTransition, Router: "VI_1", To: "MASTER", Code: "junk", At: on("02:13:07.361")},
		{Kind: stats.EventNearMiss, Router: "VI_1", Silence: -1, At: on("02:13:07")}, {Kind: stats.EventPriority, Router: "VI_1", At: on("02:13:07")},
	}
	for _, state := range []string{"MASTER", "BACKUP", "FAULT", "INIT", ""} {
		for _, change := range []func(*stats.Router){
			func(*stats.Router) {},
			func(r *stats.Router) { *r = stats.Router{Name: "VI_1", State: state} },
			func(r *stats.Router) {
				r.LongestGap, r.LongestGapToday, r.LastNearMiss = &stats.Gap{Seconds: 1}, &stats.Gap{}, &stats.Gap{At: on("02:17:18")}
				r.Faults = []string{"", ""}
				r.Speakers = []stats.Speaker{{}, {Address: "x", Priority: 100}}
				r.Tracked = []stats.Tracked{{}, {Name: "file f", State: "5", Weight: 3, Points: 15}, {Name: "s", State: "unknown", Weight: -3}, {Name: "s", State: "down", Fault: true}}
				r.AlarmList = []stats.Alarm{{}}
			},
		} {
			in := Input{Status: node(state, 100, change), Events: strange, Now: on("02:17:19")}
			for _, at := range []string{"", "02:13:00"} {
				answers, err := Present(in, "VI_1")
				if at != "" {
					answers, err = Past(in, "VI_1", on(at), time.Minute)
				}
				if err != nil || len(answers) != 1 || !strings.Contains(answers[0].String(), "VI_1") {
					t.Errorf("%s at %q: %v, %v", state, at, answers, err)
				}
			}
		}
	}
}

// A host that booted with a clock that was ahead, and was set then, has a past all the same.
func TestPastOfAClockThatWasSet(t *testing.T) {
	ahead := on("02:13:00").AddDate(14, 0, 0)
	in := Input{Now: on("02:17:19"), Events: []stats.Event{
		{At: ahead, Kind: stats.EventStart, Text: "vrrpx started"},
		{At: ahead, Kind: stats.EventTransition, Router: "VI_1", From: "INIT", To: "BACKUP", Code: "startup"},
		{At: on("02:10:00"), Kind: stats.EventTransition, Router: "VI_1", From: "BACKUP", To: "MASTER", Code: "no_master"},
		{At: on("02:11:00"), Kind: stats.EventStop, Text: "vrrpx stopped"},
		{At: on("02:12:00"), Kind: stats.EventStart, Text: "vrrpx started"},
	}}
	for at, want := range map[string]string{
		"02:10:30": "MASTER, since", "02:11:30": "vrrpx did not run", "02:12:30": "MASTER, since",
	} {
		answers, err := Past(in, "VI_1", on(at), time.Second)
		if err != nil || len(answers) != 1 || !strings.Contains(answers[0].String(), want) {
			t.Errorf("at %s: %v, %v; want %q", at, answers, err, want)
		}
	}
}

// A weight that counts is compared with the peer, by priority and then by the address.
func TestOutcomesOfATrackedThing(t *testing.T) {
	for _, tc := range []struct {
		name     string
		state    string
		priority uint8 // effective
		base     uint8
		peer     uint8
		thing    stats.Tracked
		want     string
	}{
		{"falls below", "MASTER", 150, 150, 100, stats.Tracked{State: "up", Weight: -60}, "If it fails: priority 90, and 10.0.0.1 takes over"},
		{"falls to the same, and we have the higher address", "MASTER", 150, 150, 100, stats.Tracked{State: "up", Weight: -50}, "priority 100, and nothing changes"},
		{"loses what it adds", "MASTER", 150, 100, 120, stats.Tracked{State: "up", Weight: 50, Points: 50}, "adds 50. If it fails: priority 100, and 10.0.0.1 takes over"},
		{"in reverse", "MASTER", 80, 100, 90, stats.Tracked{State: "up", Weight: -20, Points: -20}, "takes 20. If it fails: priority 100, and"},
		{"back up, a BACKUP preempts", "BACKUP", 90, 150, 100, stats.Tracked{State: "down", Weight: -60, Points: -60}, "With it up: priority 150, and it preempts 10.0.0.1 (priority 100)."},
		{"without weight, in reverse", "BACKUP", 90, 90, 100, stats.Tracked{State: "down", Reverse: true}, "thing is down. If it succeeds: FAULT (reverse)."},
		{"a number, in reverse", "BACKUP", 90, 90, 100, stats.Tracked{State: "5", Reverse: true}, "thing has 5: 0 is a FAULT."},
		{"back up, and still behind", "BACKUP", 40, 90, 100, stats.Tracked{State: "down", Weight: -50, Points: -50}, "That cannot matter: with 40 as with 90 it stays BACKUP"},
		{"no less than 1", "MASTER", 30, 30, 20, stats.Tracked{State: "up", Weight: -60}, "priority 1, and 10.0.0.1 takes over"},
		{"an owner's is never adjusted", "MASTER", 255, 255, 100, stats.Tracked{State: "up", Weight: -60}, "priority 255, and nothing changes"},
		{"nobody was heard", "MASTER", 150, 150, 0, stats.Tracked{State: "up", Weight: -60}, "priority 90, and no other router was heard"},
	} {
		st := node(tc.state, tc.priority, func(r *stats.Router) {
			r.BasePriority = tc.base
			tc.thing.Name = "thing"
			r.Tracked = []stats.Tracked{tc.thing}
			if tc.peer != 0 {
				p := peer(tc.peer, ms)
				r.Speakers = []stats.Speaker{*p}
				if tc.state == "BACKUP" {
					r.Master = p
				}
			}
		})
		says := strings.Join(view{Input{Status: st, Now: on("02:17:19")}, &st.Routers[0]}.tracks(), " ")
		if !strings.Contains(says, tc.want) {
			t.Errorf("%s: %q lacks %q", tc.name, says, tc.want)
		}
	}
}

func TestSpans(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 850 * time.Microsecond: "850 us", 36093750: "36.09 ms", 300 * ms: "300 ms", 3609375 * time.Microsecond: "3.609 s",
		time.Minute: "1 min", 252 * time.Second: "4 min 12 s", 2*time.Hour + 3*time.Minute: "2 h 3 min", 75 * time.Hour: "3 days 3 h", -5 * ms: "-5 ms",
		math.MinInt64: "-106751 days 23 h",
	} {
		if got := span(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}
