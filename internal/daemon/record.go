package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// recordTransition puts a change of state into history and log.
func (r *router) recordTransition(at vrrp.Instant, t vrrp.Transition) {
	clear(r.alarms)
	if len(r.history) == historyLen {
		r.history = append(r.history[:0], r.history[1:]...)
	}
	r.history = append(r.history, stats.Transition{
		At: wall(at), From: t.From.String(), To: t.To.String(), Reason: t.Reason.String(),
	})
	r.log.Info(fmt.Sprintf("(%s) Entering %s STATE", r.cfg.Name, t.To),
		"from", t.From.String(), "cause", t.Reason.Code.String(), "reason", t.Reason.String())
}

// recordNote logs a note; it stands as an alarm until the next transition.
func (r *router) recordNote(n vrrp.Note) {
	text := noteText(n, r.machine.Config())
	r.alarms[n.Kind] = text
	r.log.Log(context.Background(), noteLevel(n.Kind), fmt.Sprintf("(%s) %s", r.cfg.Name, text), "alarm", n.Kind.String())
}

// noteLevel is how loudly a note is logged. To learn another interval is
// VRRPv3 at work; the rest wants a person.
func noteLevel(k vrrp.NoteKind) slog.Level {
	if k == vrrp.NoteIntervalDiffers {
		return slog.LevelInfo
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
		return fmt.Sprintf("%s advertises every %v, more than %d times our %v: not learned", from, a.Interval, c.MaxLearn, c.Interval)
	case vrrp.NoteAddrsDiffer:
		return fmt.Sprintf("%s advertises the addresses %v, ours are %v: VRID %d is used twice, or the configurations differ", from, a.Addrs, c.Addrs, c.VRID)
	case vrrp.NoteEqualPriority:
		return fmt.Sprintf("%s has our priority %d: the higher address decides", from, a.Priority)
	case vrrp.NoteOwner:
		return fmt.Sprintf("%s also claims to own the addresses (priority 255)", from)
	}
	return fmt.Sprintf("%s is MASTER too, and loses with priority %d to our %d", from, a.Priority, c.Priority)
}
