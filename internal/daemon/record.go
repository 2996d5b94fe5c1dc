package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// recordTransition puts a change of state into history and log.
func (r *router) recordTransition(at vrrp.Instant, t vrrp.Transition) {
	for k := range r.alarms {
		if k != vrrp.NoteIntervalCapped { // which makes transitions
			delete(r.alarms, k)
		}
	}
	if len(r.history) == historyLen {
		r.history = append(r.history[:0], r.history[1:]...)
	}
	r.history = append(r.history, stats.Transition{
		At: wall(at), From: t.From.String(), To: t.To.String(), Reason: t.Reason.String(),
	})
	r.log.Info(fmt.Sprintf("(%s) Entering %s STATE", r.cfg.Name, t.To),
		"from", t.From.String(), "cause", t.Reason.Code.String(), "reason", t.Reason.String())
	if t.Reason.Code != vrrp.ReasonWithdrawn { // by a reload, which tells
		r.notifyState(t.To)
	}
}

// recordNote logs a note; it stands as an alarm until the next transition, that
// of an interval too long to be learned until we follow a master without. Who
// sends adverts in turn with another, or changes his own, makes a note of each:
// of a kind one is logged in logDrops, and how many were not.
func (r *router) recordNote(at vrrp.Instant, n vrrp.Note) {
	text := noteText(n, r.machine.Config())
	r.alarms[n.Kind] = text
	if n.Kind == vrrp.NoteSecondMaster {
		r.notifyLower()
	}
	last := r.noted[n.Kind]
	if last.at != 0 && at.Sub(last.at) < logDrops {
		last.unlogged++
		r.noted[n.Kind] = last
		return
	}
	if r.noted == nil {
		r.noted = map[vrrp.NoteKind]noted{}
	}
	r.noted[n.Kind] = noted{at: at}
	attrs := []any{"alarm", n.Kind.String()}
	if last.unlogged > 0 {
		attrs = append(attrs, "unlogged", last.unlogged)
	}
	r.log.Log(context.Background(), noteLevel(n.Kind), fmt.Sprintf("(%s) %s", r.cfg.Name, text), attrs...)
}

// noted is when a kind of note was last logged, and how many were not since.
type noted struct {
	at       vrrp.Instant
	unlogged int
}

// calm ends the alarm of an interval that is too long. The datapath may have
// kept the adverts that prove it over, so it is asked for and not told.
func (r *router) calm() {
	c := r.machine.Config()
	if a, _, ok := r.machine.Accepted(); ok && (c.MaxLearn == 0 || a.Interval <= time.Duration(c.MaxLearn)*c.Interval) {
		delete(r.alarms, vrrp.NoteIntervalCapped)
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
