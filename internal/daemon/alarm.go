package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// The kinds of alarms that are no notes of the machine, whose kinds have its names
// (vrrp.NoteKind).
const (
	alarmAuthRefused = "auth_refused"     // adverts that fail authentication
	alarmAuthRemark  = "auth_remark"      // and such as pass, but
	alarmAuthKept    = "auth_not_kept"    // sequence numbers cannot be kept
	alarmNoAccept    = "no_accept"        // packets to the addresses reach the host
	alarmTwoMasters  = "two_masters"      // adverts of two MASTERs, and neither gives way
	alarmConflict    = "address_conflict" // another MAC address claims an address that we hold
	alarmVRRPLost    = "vrrp_lost"        // the master lives, and its adverts do not come
	alarmNotHeard    = "not_heard"        // a peer does not hear our adverts
	alarmYielded     = "yielded"          // we left the addresses to another
	alarmHeartbeat   = "heartbeat_lost"   // and :NAME of the line
	alarmFence       = "fence_failed"     // the script of split_brain
)

// alarm is something about one router that a person should know, while it lasts.
type alarm struct {
	kind, text string
	cause      string        // likely cause, a word for programs; may be empty
	same       string        // what makes it another one, to be logged again; empty: text
	stands     time.Duration // after it was last raised; 0: until it is ended
	level      slog.Level

	since, last vrrp.Instant
	times       uint64 // raised
}

func (a *alarm) expired(at vrrp.Instant) bool { return a.stands > 0 && at.Sub(a.last) >= a.stands }

// alarms are those of one router.
type alarms struct {
	standing map[string]*alarm
	begun    map[string]uint64 // by kind
	logs     map[string]*alarmLog
}

// alarmLog bounds the lines of one kind: whatever the LAN sends, one in logDrops.
type alarmLog struct {
	at       vrrp.Instant
	unlogged int
}

// raise begins an alarm or brings one that stands up to date. Each is logged, put
// into status, counted, and told of when it begins and when it ends.
func (r *router) raise(at vrrp.Instant, a alarm) {
	s := &r.alarms
	if s.standing == nil {
		s.standing, s.begun, s.logs = map[string]*alarm{}, map[string]uint64{}, map[string]*alarmLog{}
	}
	if a.same == "" {
		a.same = a.text
	}
	old := s.standing[a.kind]
	if old != nil && old.expired(at) {
		r.endAlarm(old.last.Add(old.stands), a.kind)
		old = nil
	}
	a.since, a.last, a.times = at, at, 1
	if old != nil {
		a.since, a.times = old.since, old.times+1
	}
	s.standing[a.kind] = &a
	if old == nil || old.same != a.same {
		r.logAlarm(at, &a)
	}
	if old == nil {
		s.begun[a.kind]++
		r.tellAlarm(at, &a, true)
	}
}

// endAlarm ends those of these kinds that stand.
func (r *router) endAlarm(at vrrp.Instant, kinds ...string) {
	for _, kind := range kinds {
		a := r.alarms.standing[kind]
		if a == nil {
			continue
		}
		delete(r.alarms.standing, kind)
		if l := r.alarms.logs[kind]; l.unlogged == 0 { // else its beginning may not be in the log
			r.log.Info(fmt.Sprintf("(%s) alarm %s has ended after %v", r.cfg.Name, kind, at.Sub(a.since).Round(time.Millisecond)), "alarm", kind)
		}
		r.tellAlarm(at, a, false)
	}
}

// renewed keeps an alarm that stands standing, at next to no cost; false when it
// does not stand, or says something else.
func (r *router) renewed(at vrrp.Instant, kind, same string) bool {
	a := r.alarms.standing[kind]
	if a == nil || a.expired(at) {
		return false
	}
	a.last = max(a.last, at)
	a.times++
	return a.same == same || at.Sub(r.alarms.logs[kind].at) < logDrops
}

func (r *router) stands(kind string) bool { return r.alarms.standing[kind] != nil }

func (r *router) logAlarm(at vrrp.Instant, a *alarm) {
	l := r.alarms.logs[a.kind]
	if l == nil {
		l = &alarmLog{}
		r.alarms.logs[a.kind] = l
	}
	if l.at != 0 && at.Sub(l.at) < logDrops {
		l.unlogged++
		return
	}
	attrs := []any{"alarm", a.kind}
	if l.unlogged > 0 {
		attrs = append(attrs, "unlogged", l.unlogged)
	}
	*l = alarmLog{at: at}
	r.log.Log(context.Background(), a.level, fmt.Sprintf("(%s) %s", r.cfg.Name, a.text), attrs...)
}

// tellAlarm tells of a beginning or an end: notify_alarm by its arguments, ALARM
// NAME KIND BEGIN|END TEXT, and with smtp_alert, unless it is only by the way, a mail.
func (r *router) tellAlarm(at vrrp.Instant, a *alarm, begins bool) {
	if r.cfg.SMTPAlert && r.out.letters != nil && a.level >= slog.LevelWarn {
		r.out.letters.alarm(at, r.cfg.Name, a, begins)
	}
	if r.tells.alarm == nil {
		return
	}
	word := "END"
	if begins {
		word = "BEGIN"
	}
	r.out.notifier.Tell(r.cfg.Name, withArgs(r.tells.alarm, "ALARM", r.cfg.Name, a.kind, word, a.text))
}

// withArgs is a program with further arguments.
func withArgs(c *script.Command, args ...string) script.Command {
	d := *c
	d.Argv = append(slices.Clip(d.Argv), args...)
	return d
}

// review ends the alarms whose time is over, and looks at what nobody reports.
func (r *router) review(at vrrp.Instant) {
	for kind, a := range r.alarms.standing {
		if a.expired(at) {
			r.endAlarm(at, kind)
		}
	}
	r.ageRefused(at)
	r.calm(at)
	r.warnOpen(at)
	if r.guard == nil {
		return
	}
	if why := r.guard.Trouble(); why != "" {
		r.raise(at, alarm{kind: alarmAuthKept, text: why, level: slog.LevelWarn})
	} else {
		r.endAlarm(at, alarmAuthKept)
	}
}

// alarmList is what stands at t, by kind.
func (r *router) alarmList(at vrrp.Instant) (all []stats.Alarm) {
	r.review(at)
	for _, kind := range slices.Sorted(maps.Keys(r.alarms.standing)) {
		a := r.alarms.standing[kind]
		all = append(all, stats.Alarm{Kind: kind, Text: a.text, Cause: a.cause, Since: clock.Wall(a.since), Times: a.times})
	}
	return all
}

func (r *router) alarmTexts(at vrrp.Instant) (texts []string) {
	for _, a := range r.alarmList(at) {
		texts = append(texts, a.Text)
	}
	return texts
}

// endNotes ends the alarms of the machine's notes, but for one.
func (r *router) endNotes(at vrrp.Instant, but vrrp.NoteKind) {
	for k := vrrp.NoteIntervalDiffers; k <= vrrp.NoteSecondMaster; k++ {
		if k != but {
			r.endAlarm(at, k.String())
		}
	}
}
