package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// recordTransition puts a change of state into history and log.
func (r *router) recordTransition(at vrrp.Instant, t vrrp.Transition) {
	r.endNotes(at, vrrp.NoteIntervalCapped) // which makes transitions
	if len(r.history) == historyLen {
		r.history = append(r.history[:0], r.history[1:]...)
	}
	r.history = append(r.history, stats.Transition{
		At: clock.Wall(at), From: t.From.String(), To: t.To.String(), Reason: t.Reason.String(),
	})
	r.log.Info(fmt.Sprintf("(%s) Entering %s STATE", r.cfg.Name, t.To),
		"from", t.From.String(), "cause", t.Reason.Code.String(), "reason", t.Reason.String())
	r.counted.transition(t)
	r.rememberTransition(at, t)
	if r.out.changed != nil {
		r.out.changed()
	}
	switch t.Reason.Code {
	case vrrp.ReasonWithdrawn: // by a reload, which tells
	case vrrp.ReasonResumed: // what was told last still holds
	default:
		r.notifyState(t.To)
	}
	r.flight.transition(r, t)
	r.splitTransition(at, t)
}

// recordNote makes a note an alarm. It stands until the next transition, that of
// an interval too long to be learned until we follow a master without, that of a
// second MASTER until it falls silent.
func (r *router) recordNote(at vrrp.Instant, n vrrp.Note) {
	if n.Kind == vrrp.NoteAddrsDiffer {
		r.counted.addressesDiffer++
	}
	if n.Kind == vrrp.NoteSecondMaster {
		r.notifyLower()
	}
	r.alarms.Raise(at, alarm.Alarm{Kind: n.Kind.String(), Text: noteText(n, r.machine.Config()), Level: noteLevel(n.Kind)})
}

// calm ends the alarm of an interval that is too long. The datapath may have
// kept the adverts that prove it over, so it is asked for and not told.
func (r *router) calm(at vrrp.Instant) {
	c := r.machine.Config()
	if a, _, ok := r.machine.Accepted(); ok && (c.MaxLearn == 0 || a.Interval <= time.Duration(c.MaxLearn)*c.Interval) {
		r.alarms.End(at, vrrp.NoteIntervalCapped.String())
	}
}

// noteLevel is how loudly a note is logged. To learn another interval is
// VRRPv3 at work; one that is too long makes two routers take the addresses from
// each other for ever; the rest wants a person.
func noteLevel(k vrrp.NoteKind) slog.Level {
	switch k {
	case vrrp.NoteIntervalDiffers:
		return slog.LevelInfo
	case vrrp.NoteIntervalCapped:
		return slog.LevelError
	}
	return slog.LevelWarn
}

// noteText is the sentence for the log and for `vrrpx status`.
func noteText(n vrrp.Note, c vrrp.Config) string {
	a := n.Advert
	from := fmt.Sprintf("%s (%s)", a.Src, net.HardwareAddr(a.MAC[:]))
	switch n.Kind {
	case vrrp.NoteIntervalDiffers:
		return fmt.Sprintf("%s advertises every %v, ours is %v: learned", from, a.Interval, c.Interval)
	case vrrp.NoteIntervalCapped:
		return fmt.Sprintf("%s advertises every %v, more than %d times our %v: not learned, so that between two of its adverts we take it for dead; "+
			"both will take the addresses in turn until every host has one advert_int", from, a.Interval, c.MaxLearn, c.Interval)
	case vrrp.NoteAddrsDiffer:
		return fmt.Sprintf("%s advertises the addresses %v, ours are %v: VRID %d is used twice, or the configurations differ", from, a.Addrs, c.Addrs, c.VRID)
	case vrrp.NoteEqualPriority:
		return fmt.Sprintf("%s has our priority %d: the higher address decides", from, a.Priority)
	case vrrp.NoteOwner:
		return fmt.Sprintf("%s also claims to own the addresses (priority 255)", from)
	}
	return fmt.Sprintf("%s is MASTER too, and loses with priority %d to our %d", from, a.Priority, c.Priority)
}

// review ends the alarms whose time is over, and looks at what nobody reports.
func (r *router) review(at vrrp.Instant) {
	r.alarms.Expire(at)
	r.ageRefused(at)
	r.calm(at)
	r.warnOpen(at)
	if r.guard == nil {
		return
	}
	if why := r.guard.Trouble(); why != "" {
		r.alarms.Raise(at, alarm.Alarm{Kind: alarm.AuthKept, Text: why, Level: slog.LevelWarn})
	} else {
		r.alarms.End(at, alarm.AuthKept)
	}
}

// alarmList is what stands at t, by kind.
func (r *router) alarmList(at vrrp.Instant) []stats.Alarm {
	r.review(at)
	return r.alarms.List()
}

// logAs logs about the router, whose name and log may have changed since last time.
func (r *router) logAs(level slog.Level, text string, attrs ...any) {
	r.log.Log(context.Background(), level, fmt.Sprintf("(%s) %s", r.cfg.Name, text), attrs...)
}

// endNotes ends the alarms of the machine's notes, but for one.
func (r *router) endNotes(at vrrp.Instant, but vrrp.NoteKind) {
	for k := vrrp.NoteIntervalDiffers; k <= vrrp.NoteSecondMaster; k++ {
		if k != but {
			r.alarms.End(at, k.String())
		}
	}
}
