package daemon

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/tell"
)

// An alarm is told of when it begins and when it ends, logged when it says
// something new, shown while it stands, and counted.
func TestAlarmBeginsAndEnds(t *testing.T) {
	var out bytes.Buffer
	g := newRig(t, true, nil)
	g.r.log = slog.New(slog.NewTextHandler(&out, nil))
	n := &heard{}
	g.r.out.news.Notifier, g.r.tells.Alarm = n, program("/alarm", "x")
	var mails postbox
	g.r.out.news.Letters, g.r.cfg.SMTPAlert = tell.NewLetters(&mails), true
	g.r.out.news.Letters.Set(&config.Global{RouterID: "lb01"})
	raise := func(at time.Duration, text, same string) {
		g.r.alarms.Raise(g.at(at), alarm.Alarm{Kind: "k", Text: text, Same: same, Stands: time.Minute, Cause: "firewall", Level: slog.LevelWarn})
	}
	raise(time.Second, "one of 1", "one")
	raise(2*time.Second, "one of 2", "one") // nothing new
	raise(20*time.Second, "two", "")
	list := g.r.alarmList(g.at(30 * time.Second))
	if len(list) != 1 || list[0].Text != "two" || list[0].Times != 3 || list[0].Cause != "firewall" || list[0].Since.Sub(clock.Wall(g.at(time.Second))).Abs() > time.Second/2 {
		t.Errorf("stands: %+v", list)
	}
	if got := lines(&out); len(got) != 2 || !strings.Contains(got[0], "one of 1") || !strings.Contains(got[1], "two") {
		t.Errorf("logged %q", got)
	}
	if !g.r.alarms.Renew(g.at(40*time.Second), "k", "two") || g.r.alarms.Renew(g.at(40*time.Second), "k", "another") {
		t.Error("who says the same renews, who says another thing does not")
	}
	if list := g.r.alarmList(g.at(99 * time.Second)); len(list) != 1 {
		t.Errorf("renewed at 40 s, and gone at 99 s")
	}
	if list := g.r.alarmList(g.at(100 * time.Second)); len(list) != 0 {
		t.Errorf("stands still: %+v", list)
	}
	raise(time.Hour, "one of 9", "one")
	g.r.alarms.End(g.at(time.Hour), "k", "unheard of")
	if want := []string{
		"VI_1: /alarm x ALARM VI_1 k BEGIN one of 1", "VI_1: /alarm x ALARM VI_1 k END two",
		"VI_1: /alarm x ALARM VI_1 k BEGIN one of 9", "VI_1: /alarm x ALARM VI_1 k END one of 9",
	}; !slices.Equal(n.lines, want) {
		t.Errorf("told %q", n.lines)
	}
	g.r.alarms.Raise(g.at(time.Hour), alarm.Alarm{Kind: "by the way", Text: "x", Level: slog.LevelInfo})
	raise(time.Hour+time.Minute, "one of 10", "one") // so soon that it is not mailed again
	g.r.alarms.End(g.at(time.Hour+2*time.Minute), "k")
	if want := []string{
		"[lb01] VRRP Instance VI_1 - Alarm k | one of 1", "[lb01] VRRP Instance VI_1 - Alarm k has ended | After 1m39s: two",
		"[lb01] VRRP Instance VI_1 - Alarm k | one of 9", "[lb01] VRRP Instance VI_1 - Alarm k has ended | After 0s: one of 9",
	}; !slices.Equal(mails, want) {
		t.Errorf("mailed %q", mails)
	}
	if g.r.view(g.at(time.Hour)).AlarmCounts["k"] != 3 {
		t.Errorf("counted %v", g.r.alarms.Begun())
	}
}
