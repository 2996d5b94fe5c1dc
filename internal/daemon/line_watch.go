package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// watch is what is known of whether a line carries adverts. Only a BACKUP hears
// any; a MASTER learns of a lost line by its carrier alone.
type watch struct {
	name  string
	lost  string       // why; empty while it is not
	mute  bool         // lost because nothing is heard there, not for want of a carrier
	since vrrp.Instant // lost, or not lost
	from  vrrp.Instant // the master's adverts are expected after this; 0: not yet known
	fine  vrrp.Instant // a lost line has been heard without a gap since then; 0: it has not
	heard []lineSpeaker
}

// lineSpeaker is who was heard on one line.
type lineSpeaker struct {
	addr, first netip.Addr
	mac         [6]byte
	at          vrrp.Instant
}

// watching is the watch of a router over its lines.
type watching struct {
	first  watch        // of its own interface
	next   vrrp.Instant // when to look again; 0: only when told
	state  vrrp.State
	master netip.Addr
}

// atOnce is in the past of any clock.
const atOnce vrrp.Instant = 1

const (
	minLook = 100 * time.Millisecond
	maxLook = time.Second
	// calmFor is how long a lost line must have been heard without a gap, and at
	// least the master-down interval: a bad contact is one alarm and not hundreds.
	calmFor = time.Second
)

// hearOn notes who was heard.
func (w *watch) hearOn(s lineSpeaker) {
	if i := slices.IndexFunc(w.heard, func(o lineSpeaker) bool { return o.addr == s.addr }); i >= 0 {
		s.at = max(s.at, w.heard[i].at)
		w.heard[i] = s
		return
	}
	if len(w.heard) == maxSpeakers {
		oldest := slices.MinFunc(w.heard, func(a, b lineSpeaker) int { return int(a.at.Sub(b.at)) })
		w.heard = slices.DeleteFunc(w.heard, func(o lineSpeaker) bool { return o == oldest })
	}
	w.heard = append(w.heard, s)
}

// hearOn notes who was heard on a line; nil is the first.
func (r *router) hearOn(via *line, e *loader.Event, first netip.Addr) {
	w := &r.watching.first
	if via != nil {
		w = &via.watch
	}
	w.hearOn(lineSpeaker{e.Src, first, e.MAC, e.At})
}

// macOn is the MAC address by which the machine knows a sender: that of the first
// line, once it has been heard there, or one that changes with each advert would
// be another sender each time.
func (r *router) macOn(via *line, src netip.Addr, mac [6]byte) [6]byte {
	if p := r.speakers.find(src); via != nil && p != nil {
		return p.last.MAC
	}
	return mac
}

// update adds to it what the datapath has kept.
func (w *watch) update(e *ear, path link.Datapath, key loader.Key) {
	if e.knows.at == 0 {
		return
	}
	if st, err := path.State(key); err == nil {
		for i := range w.heard {
			if w.heard[i].addr == e.knows.match.Src {
				w.heard[i].at = max(w.heard[i].at, st.LastMatch)
			}
		}
	}
}

// last is when a router was last heard, by the address that it has on the first
// line; 0 for never.
func (w *watch) last(first netip.Addr) (at vrrp.Instant) {
	for _, s := range w.heard {
		if s.first == first {
			at = max(at, s.at)
		}
	}
	return at
}

// watchState has the lines looked at when the router has come to another state.
func (r *router) watchState() {
	if s := r.machine.State(); s != r.watching.state {
		r.watching.state, r.watching.next = s, atOnce
	}
}

// lookDue is when the lines are to be looked at; false for never.
func (r *router) lookDue() (vrrp.Instant, bool) {
	return r.watching.next, len(r.lines) > 0 && r.watching.next != 0
}

// lookLines finds out which lines are lost, and which have come back.
func (r *router) lookLines(t vrrp.Instant) {
	w := &r.watching
	w.next = 0
	if len(r.lines) == 0 || r.machine.State() == vrrp.Init {
		return // devices may not be open yet
	}
	r.catchUp()
	if r.machine.State() == vrrp.Backup {
		w.next = t.Add(min(max(r.machine.MasterDown(), minLook), maxLook))
	}
	if a, at, ok := r.machine.Accepted(); ok && a.Src != w.master {
		w.master = a.Src
		w.first.from = at
		for _, l := range r.lines {
			l.from = at
		}
	}
	if r.link != nil {
		w.first.update(&r.taken.ear, r.link.Path, r.key)
	}
	trouble := r.device.trouble()
	if r.machine.State() == vrrp.Faulted {
		trouble = "" // FAULT says so itself
	}
	r.judge(&w.first, trouble, t)
	for _, l := range r.lines {
		if l.link != nil {
			l.update(&l.ear, l.link.Path, l.key)
		}
		r.judge(&l.watch, l.trouble(), t)
	}
}

// judge brings one line up to date. trouble is why it cannot carry anything.
func (r *router) judge(w *watch, trouble string, t vrrp.Instant) {
	if w.since == 0 {
		w.since = t
	}
	master, newest, follows := r.machine.Accepted()
	switch {
	case trouble != "":
		w.from, w.fine = 0, 0
		r.lose(w, trouble, false, t)
	case follows:
		r.judgeHeard(w, master.Src, newest, t)
	case r.machine.State() == vrrp.Backup: // nobody is heard anywhere
	case w.lost == "":
	case w.mute:
		r.find(w, "not known any more: a "+r.machine.State().String()+" hears no adverts", t)
	default:
		r.find(w, "can be used again", t)
	}
}

// judgeHeard compares what a line brings with the newest advert of all lines.
func (r *router) judgeHeard(w *watch, master netip.Addr, newest, t vrrp.Instant) {
	down := r.machine.MasterDown()
	if w.from == 0 {
		w.from = newest // it could not be heard before
	}
	last := w.last(master)
	silent := newest.Sub(max(last, w.from)) > down
	switch {
	case w.lost == "" && silent && last == 0:
		r.lose(w, fmt.Sprintf("nothing has been heard on it of the master %s, whose adverts come by another line", master), true, t)
	case w.lost == "" && silent:
		r.lose(w, fmt.Sprintf("nothing has been heard on it for %v of the master %s, whose adverts come by another line",
			t.Sub(last).Round(time.Millisecond), master), true, t)
	case w.lost == "":
	case silent || last <= w.since:
		w.fine = 0
	case w.fine == 0:
		w.fine = t
	case t.Sub(w.fine) >= max(down, calmFor):
		r.find(w, "adverts come by it again", t)
	}
}

// alarmKind is the alarm of a line: each has its own.
func (w *watch) alarmKind() string { return alarm.Heartbeat + ":" + w.name }

// lose raises the alarm of a line; the router goes on with the others.
func (r *router) lose(w *watch, why string, mute bool, t vrrp.Instant) {
	if w.lost == "" {
		w.since = t
	} else if w.mute == mute {
		return // the alarm stands
	}
	w.lost, w.mute = why, mute
	r.alarms.Raise(t, alarm.Alarm{
		Kind: w.alarmKind(), Text: fmt.Sprintf("heartbeat line %s is lost: %s", w.name, why), Same: w.name, Level: slog.LevelWarn,
	})
}

func (r *router) find(w *watch, how string, t vrrp.Instant) {
	w.lost, w.mute, w.since, w.fine = "", false, t, 0
	r.log.Info(fmt.Sprintf("(%s) heartbeat line %s: %s", r.cfg.Name, w.name, how))
	r.alarms.End(t, w.alarmKind())
}

// lineView is a line as the loop sees it, before its counters.
type lineView struct {
	stats.Heartbeat
	line *line // nil: the first
	path link.Datapath
	key  loader.Key
}

// lineViews are the lines as status shows them, the first of all too; none where
// there are no others.
func (r *router) lineViews(t vrrp.Instant) (all []lineView) {
	if len(r.lines) == 0 {
		return nil
	}
	r.lookLines(t)
	v := lineView{Heartbeat: r.watching.first.view(r, r.machine.Config().Primary, t)}
	v.Interface, v.First = r.cfg.Interface, true
	all = append(all, v)
	for _, l := range r.lines {
		v := lineView{Heartbeat: l.view(r, l.source(), t), line: l, key: l.key}
		v.Interface, v.Ingest = l.cfg.Interface, "none"
		if l.link != nil {
			v.path, v.Ingest = l.link.Path, l.link.Ingest()
		}
		all = append(all, v)
	}
	return all
}

func (w *watch) view(r *router, source netip.Addr, t vrrp.Instant) stats.Heartbeat {
	v := stats.Heartbeat{Name: w.name, State: "up", Since: clock.Wall(w.since), Reason: w.lost}
	if source.IsValid() {
		v.Source = source.String()
	}
	for _, s := range w.heard {
		p := stats.HeartbeatPeer{Address: s.addr.String(), MAC: net.HardwareAddr(s.mac[:]).String(), Heard: stats.Seconds(t.Sub(s.at))}
		if s.first != s.addr {
			p.First = s.first.String()
		}
		v.Peers = append(v.Peers, p)
	}
	if a, _, ok := r.machine.Accepted(); ok && w.last(a.Src) != 0 {
		v.State = "ok"
	}
	if w.lost != "" {
		v.State = "lost"
	}
	return v
}

// lineStatus adds the counters, away from the loop.
func (h *host) lineStatus(views []lineView) (all []stats.Heartbeat) {
	for _, v := range views {
		s := v.Heartbeat
		if v.line != nil {
			s.Sent = v.line.sent.Load() + h.pacer.Counts(v.line.owner).Sent
		}
		if v.path != nil {
			if st, err := v.path.State(v.key); err == nil {
				s.Received, s.Drops = st.Received, map[string]uint64{}
				for d, n := range st.Drops {
					if n > 0 {
						s.Drops[vrrp.Drop(d).String()] = n
					}
				}
			}
		}
		all = append(all, s)
	}
	return all
}
