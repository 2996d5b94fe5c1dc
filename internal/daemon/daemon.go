// Package daemon runs virtual routers: one event loop owns their machines and
// the clock; around it stand the datapath that hears, the pacer that
// advertises, the manager of addresses, and the control socket.
package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Names in the run directory.
const (
	SocketName = "control.sock"
	stateName  = "state.json"
	lockName   = "lock"
)

// Options is what Run is told.
type Options struct {
	Config     *config.Config
	ConfigFile string // for status; empty when the configuration came from flags
	XDP        loader.Mode
	RunDir     string // created when missing
	PinDir     string
	Log        *slog.Logger
	LogCounts  func() (written, dropped uint64)
}

// host is everything that lives for one Run.
type host struct {
	opts      Options
	log       *slog.Logger
	started   time.Time
	loop      *loop
	loopDone  chan struct{}
	kernel    *loader.Kernel // nil without BPF
	noKernel  string         // why not
	addrs     *vip.Manager
	pacer     *netio.Pacer
	announcer *netio.Announcer
	devices   map[string]*device // by name; fixed once the loop runs
	routers   []*router          // likewise
	starter   *time.Timer        // of a delayed start; the loop's, as is stopping
	stopping  bool
}

// Run runs the routers until ctx ends, then releases: priority 0 out, addresses
// off. It returns nil after such an end, *RunningError or *NoInterfaceError
// where it cannot begin, and other errors as they come. Whatever happens the
// host is left clean.
func Run(ctx context.Context, o Options) error {
	unlock, err := lock(o.RunDir)
	if err != nil {
		return err
	}
	defer unlock()
	h := &host{opts: o, log: o.Log, started: time.Now(), devices: map[string]*device{}, loopDone: make(chan struct{})}
	defer h.close()
	if err := h.open(); err != nil {
		return err
	}
	srv, err := control.Listen(filepath.Join(o.RunDir, SocketName), h)
	if err != nil {
		return err
	}
	defer srv.Close()
	go h.serve()
	watchCtx, stopWatch := context.WithCancel(context.Background())
	defer stopWatch()
	go h.watchDrops(watchCtx)
	h.log.Info("vrrpx started", "routers", len(h.routers), "pid", os.Getpid())
	<-ctx.Done()
	h.log.Info("stopping")
	h.stop()
	return nil
}

// open builds everything but starts no election.
func (h *host) open() error {
	var err error
	if h.loop, err = newLoop(h.log); err != nil {
		return err
	}
	h.addrs, err = vip.Open(vip.Options{
		StateFile: filepath.Join(h.opts.RunDir, stateName),
		Events:    func(e vip.Event) { h.loop.post(func() { h.addrEvent(e) }) },
	})
	if err != nil {
		return err
	}
	h.openKernel()
	if h.pacer, err = netio.NewPacer(); err != nil {
		return err
	}
	ps := h.pacer.Status()
	for _, err := range []error{ps.RealtimeErr, ps.LockedErr} {
		if err != nil {
			h.log.Warn("adverts may be late when the machine is busy: " + err.Error())
		}
	}
	if h.announcer, err = netio.NewAnnouncer(); err != nil {
		return err
	}
	out := outputs{h.addrs, h.pacer, h.announcer}
	for _, rc := range h.opts.Config.Routers {
		h.routers = append(h.routers, newRouter(rc, h.log, out))
	}
	h.loop.routers = h.routers
	if err := h.openDevices(); err != nil {
		return err
	}
	for _, r := range h.routers {
		if err := h.addrs.Declare(r.cfg.Name, addressesOf(r.cfg), devicesOf(r.cfg)...); err != nil {
			return err
		}
	}
	return nil
}

// openKernel loads the BPF programs. Without them vrrpx still runs, with
// packet sockets and the loop's own timers, unless XDP was demanded.
func (h *host) openKernel() {
	if h.opts.XDP == loader.Off {
		h.noKernel = "--xdp=off"
		return
	}
	k, err := loader.Open(loader.Options{PinDir: h.opts.PinDir})
	if err != nil {
		h.noKernel = err.Error()
		h.log.Warn("no BPF: adverts come by packet socket, deadlines are kept by the loop: " + err.Error())
		return
	}
	h.kernel = k
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
		name := r.cfg.Interface
		if h.devices[name] == nil {
			h.devices[name] = &device{name: name}
		}
		h.devices[name].routers = append(h.devices[name].routers, r)
	}
	// From here on every change is an event; the loop takes them in order.
	h.addrs.Watch(slices.Collect(maps.Keys(h.devices))...)
	for _, d := range h.devices {
		if err := h.openDevice(d); err != nil {
			return err
		}
	}
	return nil
}

func (h *host) openDevice(d *device) error {
	dev, ok := h.addrs.Link(d.name)
	if !ok {
		return &NoInterfaceError{Name: d.name, Router: d.routers[0].cfg.Name}
	}
	primary, _ := h.addrs.PrimaryIPv4(d.name)
	linkLocal, _ := h.addrs.LinkLocal(d.name)
	d.exists, d.up, d.primary, d.linkLocal = true, dev.Up, primary.Addr(), linkLocal.Addr()
	l, err := h.openLink(dev, d.groups())
	if err != nil {
		return err
	}
	if err := h.adopt(d, l); err != nil {
		return err
	}
	h.refresh(d)
	return nil
}

func (h *host) openLink(dev vip.Link, groups []netip.Addr) (*link, error) {
	mode := h.opts.XDP
	if h.kernel == nil {
		if mode == loader.Native || mode == loader.Generic {
			return nil, fmt.Errorf("--xdp=%v: %s", mode, h.noKernel)
		}
		mode = loader.Off
	}
	l, err := openLink(dev, groups, h.kernel, mode)
	if err != nil {
		return nil, err
	}
	if l.note == "" && l.xdp == loader.Off {
		l.note = h.noKernel
	}
	h.log.Info(fmt.Sprintf("%s: XDP %v", l.name, l.xdp), "index", l.index, "reason", l.note)
	return l, nil
}

// serve is the loop's goroutine from start to end.
func (h *host) serve() {
	defer close(h.loopDone)
	h.begin()
	h.loop.run()
}

// releaseTime bounds the wait for the kernel to take addresses away at the end,
// and deviceTime what each device of ours adds: to set one down and to remove it
// the kernel waits for an RCU grace period each time.
const (
	releaseTime = 600 * time.Millisecond
	deviceTime  = 100 * time.Millisecond
)

// stop ends the election: every MASTER says so, then its addresses go.
func (h *host) stop() {
	h.loop.post(func() {
		h.stopping = true
		if h.starter != nil {
			h.starter.Stop()
		}
		t := clock.Now()
		for _, r := range h.routers {
			r.step(t, vrrp.Shutdown{})
		}
	})
	h.loop.stop()
	<-h.loopDone
}

// close gives back what open took, in any state of it.
func (h *host) close() {
	if h.announcer != nil {
		h.announcer.Close()
	}
	if h.pacer != nil {
		h.pacer.Close()
	}
	if h.addrs != nil {
		patience := releaseTime + deviceTime*time.Duration(len(h.addrs.Devices()))
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.addrs.Close(ctx); err != nil {
			h.log.Error("releasing addresses: " + err.Error())
		}
	}
	for _, d := range h.devices {
		if d.link != nil {
			_ = d.link.close() // the interface may be gone
		}
	}
	if h.kernel != nil {
		if err := h.kernel.Close(); err != nil {
			h.log.Error("removing BPF: " + err.Error())
		}
	}
	if h.loop != nil {
		h.loop.close()
	}
}
