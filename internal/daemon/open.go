package daemon

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/fair"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/pace"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/rundir"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/internal/track"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// open builds everything but starts no election.
func (h *host) open() error {
	var err error
	if h.loop, err = newLoop(h.log); err != nil {
		return err
	}
	h.addrs, err = vip.Open(vip.Options{
		StateFile: filepath.Join(h.opts.RunDir, rundir.State),
		Events: func(e vip.Event) {
			if !h.routeEvent(e) {
				h.loop.post(func() { h.addrEvent(e) })
			}
		},
	})
	if err != nil {
		return err
	}
	if err := h.openStatic(&h.opts.Config.Static); err != nil {
		return err
	}
	h.openKernel()
	thread, err := netio.NewPacer()
	if err != nil {
		return err
	}
	if h.kernel == nil {
		h.pacer = pace.Thread(h.links.NoKernel, thread, h.log)
	} else {
		h.pacer = pace.Open(h.kernel, thread, h.log)
	}
	h.loop.renewBy(h.pacer)
	kernel, why := h.pacer.Clock("")
	if err := preflight.KernelPacer(h.opts.Config.Routers, kernel, why); err != nil {
		return err
	}
	ps := h.pacer.Status()
	if ps.RealtimeErr == nil {
		if h.fair, err = fair.Start(); err != nil {
			h.log.Warn("nothing watches whether realtime loops keep the CPUs from us: " + err.Error())
		}
		h.loop.watchedBy(h.fair)
	}
	for _, err := range []error{ps.RealtimeErr, ps.LockedErr} {
		if err != nil {
			h.log.Warn("adverts may be late when the machine is busy: " + err.Error())
		}
	}
	if h.announcer, err = netio.NewAnnouncer(); err != nil {
		return err
	}
	h.runner = script.NewRunner()
	if h.desk, err = tell.Open(&h.opts.Config.Global, h.runner, h.opts.RunDir, h.log); err != nil {
		return err
	}
	h.out = outputs{
		storm: &h.loop.storm, addresses: h.addrs, pacer: h.pacer, announcer: h.announcer, post: h.loop.post,
		news: h.desk.Out(), history: h.history, changed: signalChange(h.changed), watched: &h.watched, away: h.loop.away, renew: h.loop.renew,
	}
	if h.kernel != nil {
		h.out.refuser, h.out.watcher = h.kernel, h.kernel
		if kernel && h.kernel.Gates() {
			h.out.taker = h.pacer
		}
	}
	if err := h.noInterface(h.opts.Config, func(string) bool { return false }); err != nil {
		return err
	}
	programs := preflight.NewPrograms(&h.opts.Config.Global)
	for _, rc := range h.opts.Config.Routers {
		r := newRouter(rc, h.log, h.out)
		if r.tells, err = tell.Resolve(programs, &rc.Notify, rc.Fence()); err != nil {
			return err
		}
		h.routers = append(h.routers, r)
	}
	h.loop.routers = h.routers
	h.flyAll()
	tells, err := tell.ResolveGroups(programs, h.opts.Config.Groups)
	if err != nil {
		return err
	}
	h.group(h.opts.Config.Groups, tells)
	if err := h.openHops(); err != nil {
		return err
	}
	if h.keeper, err = h.openKeeper(); err != nil {
		return err
	}
	checks, err := checksOf(programs, h.opts.Config)
	if err != nil {
		return err
	}
	for _, s := range checks {
		w := &watched{name: "script " + s.Name}
		if s.InitFail {
			w.state = track.Down
		}
		h.scripts[s.Name] = w
	}
	for _, r := range h.routers {
		h.openSplit(r)
	}
	if err := h.openDevices(); err != nil {
		return err
	}
	if err := h.openWatchers(); err != nil {
		return err
	}
	for _, s := range checks {
		h.runCheck(s)
	}
	for _, r := range h.routers {
		if err := h.addrs.Declare(r.owner, addressesOf(r.cfg), devicesOf(r.cfg)...); err != nil {
			return err
		}
		r.declareRouting()
	}
	return nil
}

// openKernel loads the BPF programs. Without them vrrpx still runs, with
// packet sockets and the loop's own timers, unless XDP was demanded.
func (h *host) openKernel() {
	h.links = link.Opener{
		Mode: h.opts.XDP, Log: h.log, Watched: h.watched.has,
		Claim: func(at vrrp.Instant, ifindex uint32, f netio.HeldFrame) {
			h.loop.post(func() { h.loop.claim(at, ifindex, f.Source, f.Held) })
		},
	}
	if h.opts.XDP == loader.Off {
		h.links.NoKernel = "--xdp=off"
		return
	}
	k, err := loader.Open(loader.Options{PinDir: h.opts.PinDir})
	var unpinned *loader.PinError
	if errors.As(err, &unpinned) {
		// In a container, say. Counters that bpftool cannot show are no reason
		// to do without the rest; vrrpx status still has them.
		h.log.Warn("the BPF maps are not pinned, bpftool finds them by id alone: " + err.Error())
		h.opts.PinDir = ""
		k, err = loader.Open(loader.Options{})
	}
	if err != nil {
		h.links.NoKernel = err.Error()
		h.log.Warn("no BPF: adverts come by packet socket, deadlines are kept by the loop: " + err.Error())
		return
	}
	h.kernel, h.links.Kernel = k, k
}

// openDevices opens the interface of every router. One that does not exist is
// an error now; later its going and coming is an event.
func (h *host) openDevices() error {
	if h.kernel != nil {
		if err := h.loop.addPath(h.kernel); err != nil {
			return err
		}
	}
	for _, r := range h.routers {
		h.enter(r, false)
		h.enterLines(r)
	}
	// From here on every change is an event; the loop takes them in order.
	h.addrs.Watch(slices.Collect(maps.Keys(h.devices))...)
	h.watchSources()
	for _, d := range h.devices {
		if err := h.openDevice(d); err != nil {
			return err
		}
	}
	for _, r := range h.routers {
		r.warnOpen(clock.Now())
	}
	return nil
}

// device is that of a name, which need not exist yet.
func (h *host) device(name string) *device {
	d := h.devices[name]
	if d == nil {
		d = &device{name: name}
		h.devices[name] = d
	}
	return d
}

func (h *host) openDevice(d *device) error {
	dev, ok := h.addrs.Link(d.name)
	if !ok && len(d.routers) == 0 {
		return nil // when it comes it is opened
	}
	if !ok {
		return &preflight.NoInterfaceError{Name: d.name, Router: d.routers[0].cfg.Name, Pos: d.routers[0].cfg.Pos}
	}
	if !d.linked { // only tracked
		d.exists, d.up = true, dev.Up
		h.refresh(d)
		return nil
	}
	primary, _ := h.addrs.PrimaryIPv4(d.name)
	linkLocal, _ := h.addrs.LinkLocal(d.name)
	d.exists, d.up, d.primary, d.linkLocal = true, dev.Up, primary.Addr(), linkLocal.Addr()
	l, err := h.links.Open(dev, d.needs())
	if err != nil && len(d.routers) == 0 {
		d.note = err.Error()
		return nil // the routers that refuse packets there raise the alarm
	}
	if err != nil {
		return err
	}
	if err := h.adopt(d, l); err != nil {
		return err
	}
	h.refresh(d)
	return nil
}
