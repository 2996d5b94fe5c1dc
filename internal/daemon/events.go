package daemon

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/history"
	"github.com/vrrpx/vrrpx/internal/version"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// What happens goes into the history, which outlives the process. To add to it never makes
// the loop wait; what is added has the evidence as it is at that moment.

func (h *host) historyDir() string { return cmp.Or(h.opts.HistoryDir, h.opts.RunDir) }

// openHistory goes on with the history of the runs before this one. Without its file it is
// kept in memory, and status says so.
func (h *host) openHistory() {
	dir := h.historyDir()
	history.Prune(dir)
	var err error
	if h.history, err = history.Open(dir); err != nil {
		h.log.Error("what happened before is not known to `vrrpx explain --at`: " + err.Error())
	}
}

// historyTime is how long the end of the daemon waits for the disk: its addresses have gone.
const historyTime = time.Second

func (h *host) closeHistory() {
	if err := h.history.Close(historyTime); err != nil {
		h.log.Error(err.Error())
	}
}

// History is what the control socket lists.
func (h *host) History() control.History { return h.history }

// remember keeps something that is no router's; in tests without a history nothing.
func (h *host) remember(e stats.Event) {
	if h.history != nil {
		h.history.Add(e)
	}
}

func (h *host) rememberStart() {
	h.remember(stats.Event{At: h.started, Kind: stats.EventStart, Text: fmt.Sprintf("vrrpx %s started, pid %d", version.String(), os.Getpid())})
}

func (h *host) rememberStop() {
	h.remember(stats.Event{At: time.Now(), Kind: stats.EventStop, Text: "vrrpx stopped"})
}

func (h *host) rememberReload(r *stats.Reload) {
	text := fmt.Sprintf("reloaded, %s, %s untouched", plural(len(r.Changes), "change"), plural(r.Untouched, "router"))
	if !r.OK {
		text = "a reload was refused: " + r.Error
	}
	h.remember(stats.Event{At: r.At, Kind: stats.EventReload, Text: text, Changes: r.Changes})
}

// plural is a number of things that have a plain plural.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// remember is likewise of a router.
func (r *router) remember(at vrrp.Instant, e stats.Event) {
	if r.out.history != nil {
		e.At, e.Router, e.VRID = clock.Wall(at), r.cfg.Name, r.cfg.VRID
		r.out.history.Add(e)
	}
}

func (r *router) rememberTransition(at vrrp.Instant, t vrrp.Transition) {
	if r.out.history == nil {
		return // what follows allocates
	}
	why := t.Reason
	e := stats.Event{
		Kind: stats.EventTransition, Text: fmt.Sprintf("%v to %v: %v", t.From, t.To, why),
		From: t.From.String(), To: t.To.String(), Code: why.Code.String(), Cause: why.Cause,
		Priority: why.Priority, Silence: stats.Seconds(why.Silence), Lease: stats.Seconds(why.Lease),
	}
	if why.Src.IsValid() {
		e.Source = why.Src.String()
		if s := r.speakers.find(why.Src); s != nil {
			e.MAC = net.HardwareAddr(s.last.MAC[:]).String()
		}
	}
	if why.Code == vrrp.ReasonMasterDown || why.Code == vrrp.ReasonNoMaster {
		e.MasterDown, e.By = stats.Seconds(r.machine.MasterDown()), "kernel"
		if r.link == nil || r.keptByLoop() {
			e.By = "loop"
		}
	}
	r.remember(at, r.withPriority(e))
}

// withPriority adds the priority as it is, and what it is made of.
func (r *router) withPriority(e stats.Event) stats.Event {
	e.OwnPriority, e.BasePriority, e.Tracked = r.machine.Config().Priority, r.cfg.Priority, r.trackView()
	return e
}

func (r *router) rememberPriority(at vrrp.Instant, was, is uint8) {
	r.remember(at, r.withPriority(stats.Event{Kind: stats.EventPriority, Text: fmt.Sprintf("priority went from %d to %d", was, is)}))
}

func (r *router) rememberAlarm(at vrrp.Instant, a *alarm.Alarm, begins bool) {
	e := stats.Event{Kind: stats.EventAlarm, Alarm: a.Kind, Cause: a.Cause, Text: a.Text}
	if !begins {
		e.Kind, e.Text = stats.EventAlarmOver, fmt.Sprintf("alarm %s has ended after %v", a.Kind, at.Sub(a.Since).Round(time.Millisecond))
	}
	r.remember(at, e)
}

func (r *router) rememberStall(at vrrp.Instant, gap time.Duration) {
	r.remember(at, stats.Event{
		Kind: stats.EventStall, Silence: stats.Seconds(gap), MasterDown: stats.Seconds(r.machine.MasterDown()),
		Text: fmt.Sprintf("this host stood still for %v and heard nothing meanwhile", gap.Round(time.Millisecond)),
	})
}

// rememberPause is of one that was survived: another is a transition.
func (r *router) rememberPause(at vrrp.Instant, pause time.Duration) {
	r.remember(at, stats.Event{
		Kind: stats.EventPause, Silence: stats.Seconds(pause), MasterDown: stats.Seconds(r.down()),
		Text: fmt.Sprintf("sent nothing for %v; nobody had taken over, MASTER still", pause.Round(time.Millisecond)),
	})
}

// rememberNear is of a master that was nearly taken for dead. It is for watchDrops, which
// has a snapshot alone; who is followed now was so then, unless we became BACKUP since.
func (h *host) rememberNear(r *stats.Router, g *stats.Gap) {
	e := stats.Event{
		At: g.At, Kind: stats.EventNearMiss, Router: r.Name, VRID: r.VRID, Text: nearText(g),
		Silence: g.Seconds, MasterDown: g.MasterDown,
	}
	if m := r.Master; m != nil && r.State == vrrp.Backup.String() && r.Since.Before(g.At) {
		e.Source, e.MAC, e.Priority = m.Address, m.MAC, m.Priority
	}
	h.remember(e)
}
