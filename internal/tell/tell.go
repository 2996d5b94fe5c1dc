// Package tell tells programs, FIFOs and mail of transitions and alarms, in
// keepalived's words where keepalived has any. It knows no router.
package tell

import (
	"log/slog"
	"strconv"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Notifier runs the programs that are told (notify.Queue): those of one name in
// order.
type Notifier interface {
	Tell(name string, commands ...script.Command)
}

// Lines writes lines to FIFOs: of an INSTANCE or a GROUP.
type Lines interface {
	Tell(kind, name, event string, priority uint8)
}

// Mailer sends mail (mail.Mailer).
type Mailer interface {
	Send(subject, body string)
}

// The kinds of subjects, in keepalived's words.
const (
	Instance = "INSTANCE"
	Group    = "GROUP"
)

// Subject is what something is told of.
type Subject struct {
	Kind, Name string
	Queue      string // of its programs: a router may have the name of a group
	Priority   uint8  // the effective one; a group's is 0
	Mail       bool   // smtp_alert
	Programs   *Programs
}

// Out is where it is told. None of these blocks. Notifier may be nil where no
// programs are, the others anywhere.
type Out struct {
	Notifier Notifier
	FIFOs    Lines
	Letters  *Letters
}

// State tells of a state: first the program for that state, then the one for all,
// with keepalived's arguments; then FIFOs and mail.
func (o *Out) State(s Subject, to vrrp.State) { o.as(s, ToldAs(to), s.Programs.of(to)) }

// Deleted tells that a reload has removed a router. As keepalived has it
// notify is told of a FAULT, notify_fault of nothing, unless they know better
// (notify_deleted).
func (o *Out) Deleted(s Subject) {
	if s.Programs.AsDeleted {
		o.as(s, "DELETED", s.Programs.Deleted)
	} else {
		o.as(s, "FAULT", nil)
	}
}

// as appends for the program for all what keepalived appends: INSTANCE NAME STATE
// PRIORITY.
func (o *Out) as(s Subject, name string, own *script.Command) {
	var all []script.Command
	if own != nil {
		all = append(all, *own)
	}
	if s.Programs.Any != nil {
		all = append(all, WithArgs(s.Programs.Any, s.Kind, s.Name, name, strconv.Itoa(int(s.Priority))))
	}
	if len(all) > 0 {
		o.Notifier.Tell(s.Queue, all...)
	}
	o.Event(s, name)
	switch {
	case !s.Mail || o.Letters == nil:
	case s.Kind == Group:
		o.Letters.Group(s.Name, name)
	default:
		o.Letters.Instance(s.Name, name)
	}
}

// Lower tells a MASTER's program that it hears a lesser one.
func (o *Out) Lower(s Subject) {
	if s.Programs.Lower != nil {
		o.Notifier.Tell(s.Queue, *s.Programs.Lower)
	}
	o.Event(s, "MASTER_RX_LOWER_PRI")
}

// Event tells the FIFOs alone.
func (o *Out) Event(s Subject, event string) {
	if o.FIFOs != nil {
		o.FIFOs.Tell(s.Kind, s.Name, event, s.Priority)
	}
}

// Alarm tells of a beginning or an end: notify_alarm by its arguments, ALARM
// NAME KIND BEGIN|END TEXT, and with smtp_alert, unless it is only by the way, a mail.
func (o *Out) Alarm(s Subject, at vrrp.Instant, a *alarm.Alarm, begins bool) {
	if s.Mail && o.Letters != nil && a.Level >= slog.LevelWarn {
		o.Letters.Alarm(at, s.Name, a, begins)
	}
	if s.Programs.Alarm == nil {
		return
	}
	word := "END"
	if begins {
		word = "BEGIN"
	}
	o.Notifier.Tell(s.Queue, WithArgs(s.Programs.Alarm, "ALARM", s.Name, a.Kind, word, a.Text))
}
