// Package daemon runs virtual routers: one event loop owns their machines and
// the clock; around it stand the datapath that hears, the pacer that
// advertises, the manager of addresses, and the control socket.
package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/dump"
	"github.com/vrrpx/vrrpx/internal/mail"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/nexthop"
	"github.com/vrrpx/vrrpx/internal/notify"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/internal/track"
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
	StateDir   string // for what outlives a boot; created when needed; empty: RunDir
	PinDir     string
	Log        *slog.Logger
	LogCounts  func() (written, dropped uint64)

	// Load reads the configuration again, for a reload; nil where there is no file.
	Load func() (*config.Config, []config.Diagnostic)
	// Reload asks for one with each value (SIGHUP); may be nil.
	Reload    <-chan os.Signal
	LogConfig bool             // put the configuration into the log at the start
	Dumps     <-chan dump.Kind // asks for keepalived's files; nil: nobody does
	Manager   Manager          // may be nil
	Watchdog  time.Duration    // how often Manager wants a sign of life; 0: never
	Ready     func()           // called once when the election has begun; may be nil
	// KeepAddresses: a stop says nothing and leaves the addresses, as a crash
	// would, for the next start to take back or `vrrpx cleanup` to remove.
	KeepAddresses bool
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
	hops      *nexthop.Watcher              // nil without unicast peers
	devices   map[string]*device            // by name; the loop's once it runs, as is all that follows
	routers   []*router                     // in the order of the configuration
	groups    []*syncGroup                  // likewise
	static    atomic.Pointer[config.Static] // what the host has beside them; nil for nothing
	leaving   map[string]*router            // removed, and their addresses may be there yet
	starter   *time.Timer                   // of a delayed start
	begins    vrrp.Instant                  // when it ends
	stopping  bool
	begun     chan struct{}       // closed when the election begins
	shown     *config.Config      // what runs now, a reload's or that of opts; the loop's
	changed   chan struct{}       // holds a token when a router has changed its state
	electing  bool                // the start is not delayed any more
	scripts   map[string]*watched // by name
	runs      map[string]*track.Scripts
	things    map[string]*watched // files and processes by kind and name
	watchers  watchers

	out        outputs
	runner     *script.Runner
	notify     *notify.Queue
	fifos      *fifos
	mailer     *mail.Mailer
	letters    *letters
	reloads    *reloader
	keeper     *auth.Keeper // the reloader's, as is the next; nil when nothing is to be kept
	stopKeeper func()
	watched    watchedSet // the addresses that routers watch
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
	if o.Manager == nil {
		o.Manager = noManager{}
	}
	h := newHost(o)
	defer h.close()
	if err := h.open(); err != nil {
		return err
	}
	h.reloads = newReloader(h, o.Config)
	defer h.reloads.stop()
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
	h.startKeeper()
	defer func() { h.stopKeeper() }()
	go h.reloads.run(o.Reload)
	go h.report(watchCtx)
	go h.watchDumps(watchCtx)
	<-ctx.Done()
	h.log.Info("stopping")
	go h.send("STOPPING=1") // a manager that hangs holds up no farewell
	h.reloads.stop()        // one that is under way ends first
	h.stop()
	return nil
}

func newHost(o Options) *host {
	return &host{
		opts: o, shown: o.Config, log: o.Log, started: time.Now(), stopKeeper: func() {},
		loopDone: make(chan struct{}), begun: make(chan struct{}), changed: make(chan struct{}, 1),
		devices: map[string]*device{}, leaving: map[string]*router{}, scripts: map[string]*watched{}, runs: map[string]*track.Scripts{}, things: map[string]*watched{},
	}
}

// open builds everything but starts no election.
func (h *host) open() error {
	var err error
	if h.loop, err = newLoop(h.log); err != nil {
		return err
	}
	h.addrs, err = vip.Open(vip.Options{
		StateFile: filepath.Join(h.opts.RunDir, stateName),
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
	h.runner = script.NewRunner()
	if err := h.openNotify(); err != nil {
		return err
	}
	h.out = outputs{
		addresses: h.addrs, pacer: h.pacer, announcer: h.announcer, post: h.loop.post, notifier: h.notify, fifos: h.fifos,
		letters: h.letters, changed: signalChange(h.changed), watched: &h.watched,
	}
	if h.kernel != nil {
		h.out.refuser, h.out.watcher = h.kernel, h.kernel
	}
	if err := h.noInterface(h.opts.Config, func(string) bool { return false }); err != nil {
		return err
	}
	programs := newPrograms(&h.opts.Config.Global)
	for _, rc := range h.opts.Config.Routers {
		r := newRouter(rc, h.log, h.out)
		if r.tells, err = programs.told(&rc.Notify, rc.Fence()); err != nil {
			return err
		}
		h.routers = append(h.routers, r)
	}
	h.loop.routers = h.routers
	tells, err := programs.groupsTold(h.opts.Config.Groups)
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
	checks, err := programs.checks(h.opts.Config)
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
		return &NoInterfaceError{Name: d.name, Router: d.routers[0].cfg.Name, Pos: d.routers[0].cfg.Pos}
	}
	if !d.linked { // only tracked
		d.exists, d.up = true, dev.Up
		h.refresh(d)
		return nil
	}
	primary, _ := h.addrs.PrimaryIPv4(d.name)
	linkLocal, _ := h.addrs.LinkLocal(d.name)
	d.exists, d.up, d.primary, d.linkLocal = true, dev.Up, primary.Addr(), linkLocal.Addr()
	l, err := h.openLink(dev, d.needs())
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

// openLink makes an interface ready for what it is needed for. It may block.
func (h *host) openLink(dev vip.Link, n needs) (*link, error) {
	mode := h.opts.XDP
	if h.kernel == nil {
		if mode == loader.Native || mode == loader.Generic {
			return nil, fmt.Errorf("--xdp=%v: %s", mode, h.noKernel)
		}
		mode = loader.Off
	}
	if len(n.groups) == 0 {
		l, err := openBeside(dev, n.door, h.kernel, mode)
		if err == nil && l.sender != nil && h.hearNeighbours(l) != nil {
			l.note += "; who else claims its addresses is not heard" // told by status; they are held all the same
		}
		return l, err
	}
	l, err := openLink(dev, n.groups, h.kernel, mode)
	if err == nil {
		if err = h.hearNeighbours(l); err != nil {
			_ = l.close()
		}
	}
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
		h.stopping, h.electing = true, false
		if h.starter != nil {
			h.starter.Stop()
		}
		t := clock.Now()
		if h.opts.KeepAddresses {
			return
		}
		for _, r := range h.routers {
			r.step(t, vrrp.Shutdown{})
		}
	})
	h.loop.stop()
	<-h.loopDone
}

// close gives back what open took, in any state of it.
func (h *host) close() {
	for _, run := range h.runs {
		run.Close()
	}
	for _, r := range h.routers {
		r.closeSplit()
		r.unwatch()
	}
	h.watchers.close()
	if h.announcer != nil {
		h.announcer.Close()
	}
	if h.pacer != nil {
		h.pacer.Close()
	}
	if h.addrs != nil && !h.opts.KeepAddresses {
		patience := releaseTime + deviceTime*time.Duration(len(h.addrs.Devices()))
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.addrs.Close(ctx); err != nil {
			h.log.Error("releasing addresses: " + err.Error())
		}
	}
	if h.hops != nil {
		h.hops.Close()
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
	if h.notify != nil {
		if lost := h.notify.Close(stopTime); lost > 0 {
			h.log.Error(fmt.Sprintf("%d notify programs never ran: those before them have not ended", lost))
		}
	}
	if h.fifos != nil {
		h.fifos.close()
	}
	if h.mailer != nil {
		if lost := h.mailer.Close(stopTime); lost > 0 {
			h.log.Error(fmt.Sprintf("%d mails were never sent", lost))
		}
	}
	if h.loop != nil {
		h.loop.close()
	}
}
