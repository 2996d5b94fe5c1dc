package watch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

func texts(all []Change) (lines []string) {
	for _, c := range all {
		lines = append(lines, c.Router+"|"+c.Text)
	}
	return lines
}

func TestDiffTellsWhatHasHappened(t *testing.T) {
	at := noon.Add(time.Second)
	for _, tt := range []struct {
		name   string
		change func(st *stats.Status)
		want   []string
	}{
		{"nothing", func(*stats.Status) {}, nil},
		{"two transitions, in their order over routers", func(st *stats.Status) {
			st.Routers[1].History = append(st.Routers[1].History, stats.Transition{At: at.Add(-3), From: "BACKUP", To: "MASTER", Reason: "r"}, stats.Transition{At: at.Add(-1), From: "MASTER", To: "BACKUP", Reason: "s"})
			st.Routers[0].History = append(st.Routers[0].History, stats.Transition{At: at.Add(-2), From: "BACKUP", To: "FAULT", Reason: "t"})
		}, []string{"VI_2|BACKUP > MASTER: r", "VI_1|BACKUP > FAULT: t", "VI_2|MASTER > BACKUP: s"}},
		{"history was cut at its other end", func(st *stats.Status) {
			st.Routers[0].History = []stats.Transition{{At: at, From: "BACKUP", To: "MASTER", Reason: "r"}}
		}, []string{"VI_1|BACKUP > MASTER: r"}},
		{"alarm", func(st *stats.Status) {
			st.Routers[0].AlarmList = []stats.Alarm{{Kind: "two_masters", Text: "x", Since: at}}
		}, []string{"VI_1|ALARM two_masters: x"}},
		{"alarm over", func(st *stats.Status) { st.Routers[2].AlarmList = nil }, []string{"VI_3|alarm over: two_masters"}},
		{"same alarm, other words", func(st *stats.Status) { st.Routers[2].AlarmList[0].Text = "now 7 adverts" }, nil},
		{"priority", func(st *stats.Status) { st.Routers[0].Priority = 90 }, []string{"VI_1|priority 100 > 90"}},
		{"another master", func(st *stats.Status) { st.Routers[0].Master = &stats.Speaker{Address: "10.0.0.9"} }, []string{"VI_1|its master is 10.0.0.9, and was 10.0.0.1"}},
		{"script", func(st *stats.Status) { st.Routers[1].Tracked[0].State = "up" }, []string{"VI_2|script check_web down > up (exit code 1)"}},
		{"interface", func(st *stats.Status) { st.Interfaces[1].Up, st.Interfaces[0].XDP = false, "off" }, []string{"|interface eth0: XDP native > off", "|interface eth1 is down"}},
		{"router gone", func(st *stats.Status) { st.Routers = st.Routers[:2] }, []string{"VI_3|is no longer configured"}},
		{"router new", func(st *stats.Status) { st.Routers = append(st.Routers, fleet(4, 0).Routers[3]) }, []string{"VI_4|is new: BACKUP: heard 10.0.0.1 with priority 200"}},
		{"reload", func(st *stats.Status) { st.Reload = &stats.Reload{Count: 1, OK: true, At: at, Changes: []string{"a"}} }, []string{"|reloaded: 1 changes"}},
		{"reload refused", func(st *stats.Status) { st.Reload = &stats.Reload{Count: 1, At: at, Error: "a.conf:1:1: error"} }, []string{"|reload refused: a.conf:1:1: error"}},
		{"restart", func(st *stats.Status) {
			*st = *fleet(1, 0)
			st.PID, st.Started = 5, at
			st.Routers[0].History[0].At = at.Add(1)
		}, []string{"|started anew, pid 5", "VI_2|is no longer configured", "VI_3|is no longer configured", "VI_1|INIT > BACKUP: started"}},
	} {
		is := fleet(3, time.Second)
		tt.change(is)
		if got := texts(diff(fleet(3, 0), is, at)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSamples(t *testing.T) {
	s := newSamples(noon)
	was, is := &stats.Router{Arrivals: make([]uint64, 32), Drops: map[string]uint64{"ttl": 1}}, &stats.Router{Received: 50, Sent: 5, Arrivals: make([]uint64, 32), Drops: map[string]uint64{"ttl": 1, "version": 4}}
	is.Arrivals[3], is.Arrivals[13] = 1, 9
	s.add(was, is, 500*time.Millisecond)
	if s.in != 100 || s.out != 10 || s.drops != 8 || s.bucket != 13 || !slices.Equal(s.gaps, []int8{13}) {
		t.Errorf("%+v", s)
	}
	s.add(is, is, 500*time.Millisecond)
	if s.in != 0 || s.bucket != 13 || !slices.Equal(s.gaps, []int8{13, -1}) {
		t.Errorf("%+v", s)
	}
	s.add(is, was, 500*time.Millisecond) // counters that began anew
	if s.in != 0 || s.drops != 0 {
		t.Errorf("%+v", s)
	}
	s.add(&stats.Router{}, is, time.Second) // a datapath that had counted none yet
	if s.gaps[3] != 13 {
		t.Errorf("%+v", s)
	}
	for range 3 * kept {
		s.add(was, is, time.Second)
	}
	if len(s.gaps) != kept || cap(s.gaps) > 2*kept {
		t.Errorf("%d samples, room for %d", len(s.gaps), cap(s.gaps))
	}
	down := 36093750 * time.Nanosecond
	if got := level(15, down); got != 8 {
		t.Errorf("level of the master-down interval: %d", got)
	}
	if a, b, c, d := level(-1, down), level(13, down), level(2, down), level(31, down); a != 0 || b != 4 || c != 1 || d != 8 {
		t.Errorf("levels %d %d %d %d", a, b, c, d)
	}
	if got := (&samples{gaps: []int8{13, -1, 15}}).spark(plain, down, 5); got != "  ▄ █" {
		t.Errorf("%q", got)
	}
}

// script is a Source that gives one answer after another, and then the last.
type script struct {
	mu      sync.Mutex
	answers []any
	asked   int
	done    func()
}

func (s *script) Status(context.Context) (*stats.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := min(s.asked, len(s.answers)-1)
	if s.asked++; s.asked > len(s.answers) && s.done != nil {
		s.done()
	}
	if err, ok := s.answers[i].(error); ok {
		return nil, err
	}
	return s.answers[i].(*stats.Status), nil
}

func (s *script) Speakers(context.Context) (*stats.Speakers, error) {
	return &stats.Speakers{Speakers: []stats.LANSpeaker{{Address: "10.0.0.9"}}}, nil
}

func TestLines(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	after := fleet(3, time.Second)
	after.Routers[0].History = append(after.Routers[0].History, stats.Transition{At: noon.Add(1500 * time.Millisecond), From: "BACKUP", To: "MASTER", Reason: "no advert\nof 10.0.0.1"})
	gone := errors.New("no vrrpx runs")
	src := &script{answers: []any{fleet(3, 0), fleet(3, 0), gone, gone, after, after}, done: cancel}
	var out bytes.Buffer
	if err := Lines(ctx, src, &out, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		"VI_1 BACKUP: heard 10.0.0.1 with priority 200", "VI_2 BACKUP: ", "VI_3 BACKUP: ", "VI_3 ALARM two_masters: 10.0.0.7",
		"vrrpx no answer: no vrrpx runs", "VI_1 BACKUP > MASTER: no advert?of 10.0.0.1", "vrrpx answers again, pid 4711",
	} {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, " "+want) }) {
			t.Errorf("line %d, %q, is not in\n%s", i, want, out.String())
		}
	}
	if len(lines) != 7 {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	if lines[0] != "2026-11-23T11:00:00.000Z VI_1 BACKUP: heard 10.0.0.1 with priority 200" {
		t.Errorf("first %q", lines[0])
	}
}

func TestLinesFail(t *testing.T) {
	gone := errors.New("no vrrpx runs")
	if err := Lines(context.Background(), &script{answers: []any{gone}}, io.Discard, time.Millisecond); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	if err := Lines(context.Background(), &script{answers: []any{fleet(1, 0)}}, broken{}, time.Millisecond); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestRefreshIsNoMoreOftenThanItCanBeAfforded(t *testing.T) {
	for _, tt := range [][3]time.Duration{
		{500 * time.Millisecond, time.Millisecond, 500 * time.Millisecond},
		{500 * time.Millisecond, 10 * time.Millisecond, 660 * time.Millisecond},
		{500 * time.Millisecond, time.Second, longest},
		{time.Minute, time.Second, time.Minute},
	} {
		if got := pause(tt[0], tt[1]); got != tt[2] {
			t.Errorf("pause(%v, %v) = %v, want %v", tt[0], tt[1], got, tt[2])
		}
	}
}
