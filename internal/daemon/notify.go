package daemon

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/notify"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/vrrp"
)

// stopTime is how long a stop waits for the programs that are told of it.
const stopTime = time.Second

// notifier runs the programs that are told (notify.Queue).
type notifier interface {
	Tell(name string, commands ...script.Command)
}

// told are the programs of one router, resolved; nil for none.
type programsTold struct {
	master, backup, fault, stop, any, lower, alarm *script.Command
	deleted                                        *script.Command
	asDeleted                                      bool // notify_deleted
	fence                                          *script.Command
}

// openNotify begins to run programs, none yet.
func (h *host) openNotify() error {
	h.notify = notify.NewQueue(h.runner, func(name string, c script.Command, res script.Result) {
		h.log.Warn(fmt.Sprintf("(%s) notify program %s: %v", name, c.Argv[0], res))
	})
	h.fifos = &fifos{log: h.log, runner: h.runner, record: filepath.Join(h.opts.RunDir, fifosName)}
	h.mailer = openMail(h.log)
	h.mailer.Set(mailOptions(&h.opts.Config.Global.Mail))
	h.letters = newLetters(h.mailer)
	h.letters.set(&h.opts.Config.Global)
	return h.fifos.set(&h.opts.Config.Global)
}

// programsOf resolves the programs of one router. It may block.
func programsOf(p *preflight.Programs, n *config.Notify, fence config.Command) (t programsTold, err error) {
	for _, c := range []struct {
		from config.Command
		to   **script.Command
	}{
		{n.Master, &t.master}, {n.Backup, &t.backup}, {n.Fault, &t.fault}, {n.Stop, &t.stop},
		{n.Any, &t.any}, {n.MasterHearsLower, &t.lower}, {n.Alarm, &t.alarm}, {n.Deleted, &t.deleted}, {fence, &t.fence},
	} {
		if len(c.from.Argv) == 0 {
			continue
		}
		command, err := p.Command(c.from)
		if err != nil {
			return t, err
		}
		command.Outlives = true // what STOP starts shall finish
		*c.to = &command
	}
	t.asDeleted = n.AsDeleted
	return t, nil
}

// notifyState tells of a state: first the program for that state, then the one
// for all, with keepalived's arguments.
func (r *router) notifyState(s vrrp.State) {
	name, own := toldAs(s), map[vrrp.State]*script.Command{
		vrrp.Master: r.tells.master, vrrp.Backup: r.tells.backup, vrrp.Faulted: r.tells.fault, vrrp.Init: r.tells.stop,
	}[s]
	r.notifyAs(name, own)
}

// notifyDeleted tells that a reload has removed the router. As keepalived has it
// notify is told of a FAULT, notify_fault of nothing, unless they know better
// (notify_deleted).
func (r *router) notifyDeleted() {
	if r.tells.asDeleted {
		r.notifyAs("DELETED", r.tells.deleted)
	} else {
		r.notifyAs("FAULT", nil)
	}
}

func (r *router) notifyAs(name string, own *script.Command) {
	var all []script.Command
	if own != nil {
		all = append(all, *own)
	}
	if r.tells.any != nil {
		all = append(all, r.withState(r.tells.any, name))
	}
	if len(all) > 0 {
		r.out.notifier.Tell(r.cfg.Name, all...)
	}
	r.tellFIFOs(name)
	r.mailState(name)
}

// notifyLower tells a MASTER's program that it hears a lesser one.
func (r *router) notifyLower() {
	if r.tells.lower != nil {
		r.out.notifier.Tell(r.cfg.Name, *r.tells.lower)
	}
	r.tellFIFOs("MASTER_RX_LOWER_PRI")
}

// withState appends what keepalived appends: INSTANCE NAME STATE PRIORITY.
func (r *router) withState(c *script.Command, state string) script.Command {
	return withArgs(c, "INSTANCE", r.cfg.Name, state, strconv.Itoa(int(r.machine.Config().Priority)))
}

// tellAlarm tells of a beginning or an end: notify_alarm by its arguments, ALARM
// NAME KIND BEGIN|END TEXT, and with smtp_alert, unless it is only by the way, a mail.
func (r *router) tellAlarm(at vrrp.Instant, a *alarm.Alarm, begins bool) {
	if r.cfg.SMTPAlert && r.out.letters != nil && a.Level >= slog.LevelWarn {
		r.out.letters.alarm(at, r.cfg.Name, a, begins)
	}
	if r.tells.alarm == nil {
		return
	}
	word := "END"
	if begins {
		word = "BEGIN"
	}
	r.out.notifier.Tell(r.cfg.Name, withArgs(r.tells.alarm, "ALARM", r.cfg.Name, a.Kind, word, a.Text))
}

// withArgs is a program with further arguments.
func withArgs(c *script.Command, args ...string) script.Command {
	d := *c
	d.Argv = append(slices.Clip(d.Argv), args...)
	return d
}
