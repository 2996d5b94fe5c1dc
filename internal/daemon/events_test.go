package daemon

import (
	"log/slog"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/history"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Each thing that an operator may ask about later is there with what explains it.
func TestHistoryHasTheEvidence(t *testing.T) {
	s, err := history.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	g := newRig(t, true, nil)
	g.r.out.history = s
	g.master(0, 200)
	g.round(1 * ms)
	g.down(36100 * time.Microsecond)
	g.round(36100 * time.Microsecond)
	g.want(vrrp.Master)
	g.master(50*ms, 250)
	g.round(50 * ms)
	g.want(vrrp.Backup)
	g.r.alarms.Raise(g.at(60*ms), alarm.Alarm{Kind: "k", Text: "something is wrong", Cause: "firewall", Level: slog.LevelWarn})
	g.r.alarms.End(g.at(70*ms), "k")
	g.r.tellStall(time.Second)
	g.r.cfg.Priority = 90
	g.r.reprioritise(g.at(80 * ms))
	if err := s.Close(time.Minute); err != nil {
		t.Fatal(err)
	}

	all := s.After(0)
	var kinds []stats.EventKind
	for _, e := range all {
		kinds = append(kinds, e.Kind)
		if e.Router != "VI_1" || e.VRID != 51 || e.Text == "" || e.At.IsZero() {
			t.Errorf("%+v", e)
		}
	}
	want := []stats.EventKind{stats.EventTransition, stats.EventTransition, stats.EventAlarm, stats.EventAlarmOver, stats.EventStall, stats.EventPriority}
	if len(kinds) != len(want) {
		t.Fatalf("%v, want %v", kinds, want)
	}
	for i := range want {
		if kinds[i] != want[i] {
			t.Fatalf("%v, want %v", kinds, want)
		}
	}
	up, down, raised, prio := all[0], all[1], all[2], all[5]
	if up.From != "BACKUP" || up.To != "MASTER" || up.Code != "master_down" || up.Source != "10.0.0.6" || up.MAC == "" || up.Priority != 200 || up.By != "kernel" ||
		up.OwnPriority != 100 || up.Silence != stats.Seconds(36100*time.Microsecond) || up.MasterDown != stats.Seconds(36093750) {
		t.Errorf("the takeover: %+v", up)
	}
	if down.To != "BACKUP" || down.Code != "better_master" || down.Source != "10.0.0.6" || down.Priority != 250 || down.MasterDown != 0 || down.By != "" {
		t.Errorf("the end of it: %+v", down)
	}
	if raised.Alarm != "k" || raised.Cause != "firewall" || raised.Text != "something is wrong" {
		t.Errorf("the alarm: %+v", raised)
	}
	if prio.OwnPriority != 90 || prio.BasePriority != 90 || prio.Text != "priority went from 100 to 90" {
		t.Errorf("the priority: %+v", prio)
	}
}

// A near miss is remembered with who was followed then, and of a router that follows
// somebody else since, or is no BACKUP any more, without.
func TestNearMissIsRememberedWithItsMaster(t *testing.T) {
	s, err := history.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := &host{history: s}
	at := time.Date(2026, 11, 23, 2, 13, 7, 0, time.UTC)
	g := &stats.Gap{Seconds: stats.Seconds(32 * time.Millisecond), MasterDown: stats.Seconds(36100 * time.Microsecond), At: at}
	m := &stats.Speaker{Address: "10.0.0.6", MAC: "02:00:00:00:00:06", Priority: 200}
	for _, r := range []stats.Router{
		{Name: "VI_1", VRID: 51, State: "BACKUP", Since: at.Add(-time.Hour), Master: m},
		{Name: "VI_1", VRID: 51, State: "BACKUP", Since: at.Add(time.Second), Master: m},
		{Name: "VI_1", VRID: 51, State: "MASTER", Since: at.Add(-time.Hour), Master: m},
	} {
		h.rememberNear(&r, g)
	}
	if err := s.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
	all := s.After(0)
	if len(all) != 3 {
		t.Fatalf("%+v", all)
	}
	for i, e := range all {
		if e.Kind != stats.EventNearMiss || !e.At.Equal(at) || e.VRID != 51 || e.Silence != g.Seconds || e.MasterDown != g.MasterDown || e.Text == "" {
			t.Errorf("%+v", e)
		}
		if known := e.Source == m.Address && e.MAC == m.MAC && e.Priority == 200; known != (i == 0) {
			t.Errorf("%d: whose adverts they were: %+v", i, e)
		}
	}
}
