package tell

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/mail"
	"github.com/vrrpx/vrrpx/internal/notify"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/stats"
)

// stopTime is how long a stop waits for the programs that are told of it.
const stopTime = time.Second

// Desk has what tells: one for the process.
type Desk struct {
	log     *slog.Logger
	queue   *notify.Queue
	fifos   *fifos
	mailer  *mail.Mailer
	letters *Letters
}

// Open begins to tell, by a configuration. The FIFOs that are made are written down
// in runDir. It may block, and fails with *preflight.ProgramError.
func Open(g *config.Global, r *script.Runner, runDir string, log *slog.Logger) (*Desk, error) {
	d := &Desk{log: log}
	d.queue = notify.NewQueue(r, func(name string, c script.Command, res script.Result) {
		log.Warn(fmt.Sprintf("(%s) notify program %s: %v", name, c.Argv[0], res))
	})
	d.fifos = &fifos{log: log, runner: r, record: filepath.Join(runDir, fifosName)}
	d.mailer = openMail(log)
	d.mailer.Set(mailOptions(&g.Mail))
	d.letters = NewLetters(d.mailer)
	d.letters.Set(g)
	if err := d.fifos.set(g); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Out is for those who have something to tell.
func (d *Desk) Out() Out { return Out{Notifier: d.queue, FIFOs: d.fifos, Letters: d.letters} }

// Change brings FIFOs and mail to a configuration. It may block: it is not for the
// loop.
func (d *Desk) Change(g *config.Global, all []WantedFIFO) {
	d.fifos.apply(all)
	d.mailer.Set(mailOptions(&g.Mail))
}

// Words takes over what a configuration says of subjects of mails. It is for whoever
// tells of states, the loop.
func (d *Desk) Words(g *config.Global) { d.letters.Set(g) }

// Status is for any goroutine. The mail is nil where none is sent.
func (d *Desk) Status() ([]stats.FIFO, *stats.Mail) { return d.fifos.status(), mailStatus(d.mailer) }

// Close lets programs, lines and mails go that wait, for a moment each, and says
// which did not. A nil Desk has none.
func (d *Desk) Close() {
	if d == nil {
		return
	}
	if lost := d.queue.Close(stopTime); lost > 0 {
		d.log.Error(fmt.Sprintf("%d notify programs never ran: those before them have not ended", lost))
	}
	d.fifos.close()
	if lost := d.mailer.Close(stopTime); lost > 0 {
		d.log.Error(fmt.Sprintf("%d mails were never sent", lost))
	}
}
