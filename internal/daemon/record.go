package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"time"

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
		At: wall(at), From: t.From.String(), To: t.To.String(), Reason: t.Reason.String(),
	})
	r.log.Info(fmt.Sprintf("(%s) Entering %s STATE", r.cfg.Name, t.To),
		"from", t.From.String(), "cause", t.Reason.Code.String(), "reason", t.Reason.String())
	r.counted.transition(t)
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
	r.raise(at, alarm{kind: n.Kind.String(), text: noteText(n, r.machine.Config()), level: noteLevel(n.Kind)})
}

// calm ends the alarm of an interval that is too long. The datapath may have
// kept the adverts that prove it over, so it is asked for and not told.
func (r *router) calm(at vrrp.Instant) {
	c := r.machine.Config()
	if a, _, ok := r.machine.Accepted(); ok && (c.MaxLearn == 0 || a.Interval <= time.Duration(c.MaxLearn)*c.Interval) {
		r.endAlarm(at, vrrp.NoteIntervalCapped.String())
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
