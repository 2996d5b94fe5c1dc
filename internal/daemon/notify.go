package daemon

import (
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/notify"
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
	master, backup, fault, stop, any, lower *script.Command
}

// openNotify resolves the programs of all routers.
func (h *host) openNotify(runner *script.Runner) error {
	p := newPrograms(&h.opts.Config.Global)
	h.notify = notify.NewQueue(runner, func(name string, c script.Command, res script.Result) {
		h.log.Warn(fmt.Sprintf("(%s) notify program %s: %v", name, c.Argv[0], res))
	})
	h.fifos = &fifos{log: h.log, runner: runner, record: filepath.Join(h.opts.RunDir, fifosName)}
	if err := h.fifos.set(&h.opts.Config.Global); err != nil {
		return err
	}
	h.mailer = openMail(h.log)
	h.mailer.Set(mailOptions(&h.opts.Config.Global.Mail))
	h.letters = newLetters(h.mailer)
	h.letters.set(&h.opts.Config.Global)
	for _, r := range h.routers {
		n := &r.cfg.Notify
		for _, c := range []struct {
			from config.Command
			to   **script.Command
		}{
			{n.Master, &r.tells.master}, {n.Backup, &r.tells.backup}, {n.Fault, &r.tells.fault},
			{n.Stop, &r.tells.stop}, {n.Any, &r.tells.any}, {n.MasterHearsLower, &r.tells.lower},
		} {
			if len(c.from.Argv) == 0 {
				continue
			}
			command, err := p.command(c.from)
			if err != nil {
				return err
			}
			command.Outlives = true // what STOP starts shall finish
			*c.to = &command
		}
		r.out.notifier, r.out.fifos, r.out.letters = h.notify, h.fifos, h.letters
	}
	return nil
}

// notifyState tells of a state: first the program for that state, then the one
// for all, with keepalived's arguments.
func (r *router) notifyState(s vrrp.State) {
	name, own := toldAs(s), map[vrrp.State]*script.Command{
		vrrp.Master: r.tells.master, vrrp.Backup: r.tells.backup, vrrp.Faulted: r.tells.fault, vrrp.Init: r.tells.stop,
	}[s]
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
	d := *c
	d.Argv = append(d.Argv[:len(d.Argv):len(d.Argv)], "INSTANCE", r.cfg.Name, state, strconv.Itoa(int(r.machine.Config().Priority)))
	return d
}
