package tell

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/mail"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Letters writes mail about transitions, with keepalived's words. It is the
// loop's, but for the mailer.
type Letters struct {
	mailer   Mailer
	routerID string
	noFaults bool
	last     map[string]string // the state last told of, by what it is of

	alarms map[string]vrrp.Instant // when an alarm was last told of
	open   map[string]bool         // of those its end is not
}

// NewLetters writes to a mailer; Set comes before the first.
func NewLetters(m Mailer) *Letters {
	return &Letters{mailer: m, last: map[string]string{}, alarms: map[string]vrrp.Instant{}, open: map[string]bool{}}
}

// Set takes over what the configuration says of subjects.
func (l *Letters) Set(g *config.Global) {
	l.routerID, l.noFaults = g.RouterID, g.Mail.NoFaults
	if l.routerID == "" {
		l.routerID, _ = os.Hostname() // it is never looked up
	}
}

// mailOptions is what the mailer makes of the configuration.
func mailOptions(m *config.Mail) mail.Options {
	return mail.Options{
		Server: m.Server, Port: int(m.Port), Timeout: m.Timeout, HELO: m.HELO, From: m.From, To: m.To,
		TLS: mail.TLS(m.TLS), CA: m.CA, User: m.User, Password: m.Password.Reveal(),
	}
}

// openMail makes the mailer; it connects when there is something to send.
func openMail(log *slog.Logger) *mail.Mailer {
	return mail.New(func(err error) { log.Warn(err.Error()) })
}

// Instance tells of a router's state, in the words that programs are told.
func (l *Letters) Instance(name, state string) {
	body := "=> VRRP Instance is no longer owning VRRP VIPs <="
	switch state {
	case "MASTER":
		body = "=> VRRP Instance is now owning VRRP VIPs <="
	case "STOP":
		body = "=> VRRP Instance stopping <="
	case "DELETED":
		body = "=> VRRP Deleted at reload <="
	}
	l.state("Instance "+name, state, body)
}

// Group tells of a sync group's state.
func (l *Letters) Group(name, state string) {
	body := "=> All VRRP group instances are now in " + state + " state <="
	if state == "STOP" {
		body = "=> All VRRP group instances are now stopping <="
	}
	l.state("Group "+name, state, body)
}

// state sends a mail unless the last one told the same.
func (l *Letters) state(of, state, body string) {
	if l.noFaults && state == "FAULT" || l.last[of] == state {
		return
	}
	l.last[of] = state
	what := "Entering " + state + " state"
	switch state {
	case "STOP":
		what = "Stopping"
	case "DELETED":
		what = "Deleted"
	}
	l.mailer.Send(fmt.Sprintf("[%s] VRRP %s - %s", l.routerID, of, what), body)
}

// alarmPause bounds the mail about one kind of alarm of one router, which others
// on the LAN may be able to raise and end as they like.
const alarmPause = 10 * time.Minute

// Alarm tells of an alarm, for which keepalived has no mail, and of the end of
// each that it has told of.
func (l *Letters) Alarm(at vrrp.Instant, router string, a *alarm.Alarm, begins bool) {
	what, body := "Instance "+router+" - Alarm "+a.Kind, a.Text
	last, told := l.alarms[what]
	switch {
	case begins && told && at.Sub(last) < alarmPause:
		delete(l.open, what)
		return
	case begins:
		l.alarms[what], l.open[what] = at, true
	case !l.open[what]:
		return
	default:
		delete(l.open, what)
		what += " has ended"
		body = fmt.Sprintf("After %v: %s", at.Sub(a.Since).Round(time.Second), a.Text)
	}
	l.mailer.Send(fmt.Sprintf("[%s] VRRP %s", l.routerID, what), body)
}

// mailStatus is nil where no mail is sent.
func mailStatus(m *mail.Mailer) *stats.Mail {
	server, c, on := m.Status()
	if !on {
		return nil
	}
	return &stats.Mail{Server: server, Sent: c.Sent, Refused: c.Refused, Dropped: c.Dropped, Waiting: c.Waiting, Problem: c.Problem}
}
