package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/version"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Status is a snapshot for the control socket. The loop gives only what it
// alone knows; counters are read from the maps by the caller's goroutine.
func (h *host) Status(ctx context.Context) (*stats.Status, error) {
	st := &stats.Status{
		Version: version.String(), PID: os.Getpid(), Started: h.started, ConfigFile: h.opts.ConfigFile, ConfigID: h.opts.ConfigID,
	}
	if h.kernel != nil {
		st.PinDir = h.opts.PinDir
	}
	views, ifaces, groups, err := h.look(ctx)
	if err != nil {
		return nil, err
	}
	st.Groups = groups
	st.Reload = h.reloads.Last()
	st.Logs.Written, st.Logs.Dropped = h.opts.LogCounts()
	st.Pacer = h.pacerStatus()
	if h.history != nil {
		st.History = h.history.Status()
	}
	for _, i := range ifaces {
		st.Interfaces = append(st.Interfaces, h.ifaceStatus(i))
	}
	st.FIFOs, st.Mail = h.desk.Status()
	held := map[string][]stats.Address{}
	for _, a := range h.addrs.Snapshot() {
		held[a.Owner] = append(held[a.Owner], stats.Address{
			Address: a.Address.Prefix.String(), Device: a.Address.Device, Present: a.Present, Foreign: a.Foreign,
		})
	}
	all := map[string]bool{}
	for _, v := range views {
		all[v.owner] = true
		s := h.routerStatus(v, held[v.owner])
		s.Routes, s.MoreRoutes = h.routingStatus(v.owner)
		st.Routers = append(st.Routers, s)
	}
	h.margins.Keep(all)
	st.Static.Addresses = held[vip.Host]
	st.Static.Routes, st.Static.MoreRoutes = h.routingStatus(vip.Host)
	return st, nil
}

func (h *host) pacerStatus() stats.Pacer {
	p := h.pacer.Status()
	kernel, why := h.pacer.Clock("")
	fair := h.fair.Status()
	class := "SCHED_OTHER"
	if p.RealtimeErr == nil && !fair.Fair {
		class = "SCHED_RR"
	}
	return stats.Pacer{
		Scheduling: class, Starved: fair.Changes, WatchLost: p.RealtimeErr == nil && !h.fair.Watched(),
		Kernel: kernel, KernelReason: why, Laps: h.pacer.Laps().Laps, Renewed: stats.Seconds(h.loop.away()),
		Realtime: p.RealtimeErr == nil, Locked: p.LockedErr == nil,
		Late: p.Late, MaxLate: stats.Seconds(p.MaxLate), Missed: p.Missed, SendErrors: p.Failed,
	}
}

func (h *host) ifaceStatus(v ifaceView) stats.Interface {
	s := v.Interface
	if v.link == nil || v.link.Path == nil {
		return s
	}
	n, err := v.link.Path.Interface(v.link.Index)
	if err != nil {
		return s
	}
	s.Frames = n.Frames
	for d := vrrp.Drop(1); int(d) < vrrp.NumDrops; d++ {
		if !d.OfRouter() || n.Drops[d] > 0 {
			s.Drops[d.String()] = n.Drops[d]
		}
	}
	return s
}

var errBusy = errors.New("the event loop did not answer in time")

// onLoop runs f on the loop and waits for it.
func (h *host) onLoop(ctx context.Context, f func()) error {
	done := make(chan struct{})
	asked := func() {
		if ctx.Err() == nil { // else a loop that was stuck would catch up on answers for nobody
			f()
		}
		close(done)
	}
	if !h.loop.post(asked) {
		return errors.New("the daemon is stopping")
	}
	select {
	case <-done:
		return nil
	case <-h.loopDone:
		return errors.New("the daemon is stopping")
	case <-ctx.Done():
		return errBusy
	}
}

// view is a router as the loop sees it. stats.Router lacks its counters yet.
type view struct {
	stats.Router
	router *router
	owner  string
	lines  []lineView
	beside []string // to the announcer
	path   link.Datapath
	key    loader.Key
	now    vrrp.Instant

	watches  []loader.Watch // in force
	refuses  bool
	refusals []loader.Refusal // in force
	refused  map[netip.Addr]uint64
}

type ifaceView struct {
	stats.Interface
	link *link.Link
}

func (h *host) ifaceViews() (ifaces []ifaceView) {
	for _, name := range slices.Sorted(maps.Keys(h.devices)) {
		d := h.devices[name]
		v := ifaceView{stats.Interface{Name: name, Up: d.up, XDP: "off", Drops: map[string]uint64{}}, d.link}
		v.XDPNote = d.note
		if l := d.link; l != nil {
			v.Index, v.XDP, v.XDPNote = l.Index, l.XDP.String(), l.Note
		}
		ifaces = append(ifaces, v)
	}
	return ifaces
}

// view brings the machine up to the last advert that the kernel kept, so that
// it shows the deadline that holds.
func (r *router) view(t vrrp.Instant) view {
	r.catchUp()
	m, c := r.machine, r.machine.Config()
	v := view{router: r, owner: r.owner, key: r.key, now: t, Router: stats.Router{
		Name: r.cfg.Name, Interface: r.cfg.Interface, VRID: c.VRID, Family: c.Family.String(), Version: c.Version,
		State: m.State().String(), Since: clock.Wall(m.Since()), Reason: m.Reason().String(), Priority: c.Priority,
		AdvertInterval: stats.Seconds(c.Interval), LearnedInterval: stats.Seconds(m.LearnedInterval()),
		Skew: stats.Seconds(m.Skew()), MasterDown: stats.Seconds(m.MasterDown()),
		Authentication: r.authentication(),
		DeadlineBy:     "loop", Pacer: "thread", Ingest: "none",
		History: slices.Clone(r.history),
	}}
	v.Pacer, v.PacerReason, v.Lease = r.pacerView()
	v.PacerWanted = r.pacerWanted()
	v.KernelTakeover, v.KernelTakeoverReason = r.takeoverView()
	v.Unanswered, v.watches = r.split.unanswered, slices.Clone(r.split.watches)
	r.counted.show(&v.Router)
	if left := r.begins.Sub(t); m.State() == vrrp.Init && left > 0 {
		v.Reason = fmt.Sprintf("the election begins in %v (vrrp_startup_delay, vrrp_delay_after_boot)", left.Round(time.Millisecond))
	}
	v.BasePriority, v.Tracked = r.cfg.Priority, r.trackView()
	v.Preempt, v.Faults, v.UntrackedOwn = c.Preempt, m.Faults(), r.cfg.UntrackedOwn
	if pause, listening := m.Listening(); listening {
		v.Reason = fmt.Sprintf("paused for %v: says nothing until it has listened whether another has taken over", pause.Round(time.Millisecond))
	}
	if what := r.waitsFor(); what != "" && m.State() == vrrp.Init {
		v.Reason = "the election begins when " + what + " has run"
	}
	for _, b := range r.besides {
		v.beside = append(v.beside, b.names[:]...)
	}
	v.Group, v.Waits = r.groupView()
	if c.Primary.IsValid() {
		v.Source = c.Primary.String()
	}
	if u := r.unicast; u != nil {
		v.Peers = u.view(c.Family, c.Version)
		v.Routed, v.RoutedErrors = u.counts()
	}
	due, waits := m.PreemptAt()
	if waits {
		in := stats.Seconds(due.Sub(t))
		v.PreemptIn = &in
	}
	if a, at, ok := m.Accepted(); ok || waits {
		m := speakerView(a, t.Sub(at))
		v.Master = &m
	}
	v.Speakers = r.speakers.view(t, c.Family)
	if due, ok := r.deadline(); ok {
		in := stats.Seconds(r.held(due).Sub(t))
		v.DeadlineIn = &in
	}
	if l := r.link; l != nil {
		v.path, v.Ingest = l.Path, l.Ingest()
		if l.Path.Deadlines() {
			v.DeadlineBy = "kernel"
		}
	}
	v.lines = r.lineViews(t)
	v.AlarmList = r.alarmList(t)
	for _, a := range v.AlarmList {
		v.Alarms = append(v.Alarms, a.Text)
	}
	v.Probe, v.Claims = r.split.peer.view(), r.split.seen
	v.AlarmCounts = r.alarms.Begun()
	v.refuses, v.refusals, v.refused = r.refuses(), slices.Clone(r.refusal.inForce), maps.Clone(r.refusal.before)
	return v
}

func speakerView(a vrrp.Advert, ago time.Duration) stats.Speaker {
	return stats.Speaker{
		Address: a.Src.String(), MAC: net.HardwareAddr(a.MAC[:]).String(), Version: a.Version, Priority: a.Priority,
		Interval: stats.Seconds(a.Interval), Heard: stats.Seconds(ago),
	}
}

// routerStatus adds the counters, of the datapath and of everyone who sends.
func (h *host) routerStatus(v view, held []stats.Address) stats.Router {
	s := v.Router
	s.Drops = map[string]uint64{}
	drops := v.router.dropCounts()
	if v.path != nil {
		if k, err := v.path.State(v.key); err == nil {
			s.Received, s.Arrivals = k.Received, k.Arrivals[:]
			h.marginStatus(&s, v.owner, k.Gaps[:])
			s.ChecksumOld = k.ChecksumOld
			s.ChecksumPlain, s.ChecksumPseudo = k.ChecksumPlain, k.ChecksumPseudo
			for d, n := range k.Drops {
				drops[d] += n
			}
		}
	}
	for d := vrrp.Drop(1); int(d) < vrrp.NumDrops; d++ {
		if d.OfRouter() {
			s.Drops[d.String()] = drops[d]
		}
	}
	s.Sent = v.router.advert.left[adverts].Load() + h.pacer.Counts(v.owner).Sent
	s.GARPs = v.router.advert.left[firstGARPs].Load() + h.announcer.Sent(v.owner)
	for _, name := range v.beside {
		s.GARPs += h.announcer.Sent(name)
	}
	s.Addresses = held
	s.Unanswered += unanswered(v.router.out.watcher, v.watches)
	if v.refuses {
		refused := refusedCounts(v.router.out.refuser, v.refusals, v.refused)
		for i := range s.Addresses {
			p, _ := netip.ParsePrefix(s.Addresses[i].Address) // made of one
			s.Addresses[i].NoAccept, s.Addresses[i].Refused = true, refused[p.Addr()]
		}
	}
	s.Heartbeats = h.lineStatus(v.lines)
	s.VMACs = h.vmacStatus(v.owner)
	return s
}

func (r *router) dropCounts() (n [vrrp.NumDrops]uint64) {
	for d := range n {
		n[d] = r.drops[d].Load()
	}
	return n
}
