// Package daemon runs virtual routers: one event loop owns their machines and
// the clock; around it stand the datapath that hears, the pacer that
// advertises, the manager of addresses, and the control socket.
package daemon

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/dump"
	"github.com/vrrpx/vrrpx/internal/fair"
	"github.com/vrrpx/vrrpx/internal/history"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/margin"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/nexthop"
	"github.com/vrrpx/vrrpx/internal/pace"
	"github.com/vrrpx/vrrpx/internal/reload"
	"github.com/vrrpx/vrrpx/internal/rundir"
	"github.com/vrrpx/vrrpx/internal/script"
	onlan "github.com/vrrpx/vrrpx/internal/speakers"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/internal/track"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Options is what Run is told.
type Options struct {
	Config     *config.Config
	ConfigFile string // for status, absolute; empty when the configuration came from flags
	ConfigID   string // --config-id, for status
	XDP        loader.Mode
	RunDir     string // created when missing
	StateDir   string // for what outlives a boot; created when needed; empty: RunDir
	HistoryDir string // for what happened; likewise
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
	links     link.Opener    // as it was told by openKernel
	addrs     *vip.Manager
	margins   margin.Book
	pacer     *pace.Pacer
	fair      *fair.Watch // nil: the threads are not SCHED_RR
	announcer *netio.Announcer
	hops      *nexthop.Watcher              // nil without unicast peers
	lan       onlan.Table                   // who packet sockets hear
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
	flights   chan string         // routers with an unplanned transition
	electing  bool                // the start is not delayed any more
	scripts   map[string]*watched // by name
	runs      map[string]*track.Scripts
	things    map[string]*watched // files and processes by kind and name
	watchers  watchers

	out        outputs
	runner     *script.Runner
	desk       *tell.Desk      // who tells programs, FIFOs and mail
	history    *history.Store  // nil in tests
	control    *control.Server // nil before it listens
	reloads    *reload.Reloader
	keeper     *auth.Keeper // the reloader's, as is the next; nil when nothing is to be kept
	stopKeeper func()
	watched    watchedSet // the addresses that routers watch
	exporter   exporter
}

// Run runs the routers until ctx ends, then releases: priority 0 out, addresses
// off. It returns nil after such an end, *rundir.RunningError or *preflight.NoInterfaceError
// where it cannot begin, and other errors as they come. Whatever happens the
// host is left clean.
func Run(ctx context.Context, o Options) error {
	unlock, err := rundir.Lock(o.RunDir)
	if err != nil {
		return err
	}
	defer unlock()
	if o.Manager == nil {
		o.Manager = noManager{}
	}
	h := newHost(o)
	h.openHistory()
	defer h.closeHistory()
	defer h.closeControl()
	defer h.close()
	if err := h.open(); err != nil {
		return err
	}
	h.reloads = reload.New(o.Config, reload.Options{
		Load: o.Load, File: o.ConfigFile, Apply: h.reconfigure, Tell: h.send, Done: h.rememberReload, Ended: h.loopDone, Log: h.log,
	})
	defer h.reloads.Stop()
	if h.control, err = control.Listen(filepath.Join(o.RunDir, rundir.Socket), h); err != nil {
		return err
	}
	rundir.CleanupMetrics(o.RunDir)                                    // of a run that was killed
	if _, err := h.serveMetrics(o.Config.Global.Metrics); err != nil { // there is nothing to commit yet
		// An address that comes later, or another's socket, must not cost the redundancy.
		h.log.Error(err.Error() + ": no metrics are served until a reload")
	}
	defer h.endMetrics()
	h.rememberStart()
	go h.serve()
	watchCtx, stopWatch := context.WithCancel(context.Background())
	defer stopWatch()
	go h.watchDrops(watchCtx)
	h.log.Info("vrrpx started", "routers", len(h.routers), "pid", os.Getpid())
	h.startKeeper()
	defer func() { h.stopKeeper() }()
	go h.reloads.Run(o.Reload)
	go h.report(watchCtx)
	go h.watchDumps(watchCtx)
	go h.watchFlights(watchCtx)
	<-ctx.Done()
	h.log.Info("stopping")
	go h.send("STOPPING=1") // a manager that hangs holds up no farewell
	h.reloads.Stop()        // one that is under way ends first
	h.stop()
	h.rememberStop()
	h.history.End()
	return nil
}

func newHost(o Options) *host {
	return &host{
		opts: o, shown: o.Config, log: o.Log, started: time.Now(), stopKeeper: func() {},
		loopDone: make(chan struct{}), begun: make(chan struct{}), changed: make(chan struct{}, 1), flights: make(chan string, 64),
		devices: map[string]*device{}, leaving: map[string]*router{}, scripts: map[string]*watched{}, runs: map[string]*track.Scripts{}, things: map[string]*watched{},
	}
}

// serve is the loop's goroutine from start to end.
func (h *host) serve() {
	defer close(h.loopDone)
	h.loop.renew() // before there is a MASTER
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
		h.loop.storm.gather(func() {
			for _, r := range h.routers {
				r.step(t, vrrp.Shutdown{})
			}
		})
	})
	h.loop.stop()
	<-h.loopDone
}

// closeControl hangs up on who asks. It comes after close, for which no answer is worth
// waiting: meanwhile who follows the history reads the last of it, and who asks for
// anything else is told that the daemon stops.
func (h *host) closeControl() {
	if h.control != nil {
		_ = h.control.Close() // the process ends
	}
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
	if h.addrs != nil && !h.opts.KeepAddresses {
		patience := releaseTime + deviceTime*time.Duration(len(h.addrs.Devices()))
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.addrs.Close(ctx); err != nil {
			h.log.Error("releasing addresses: " + err.Error())
		}
	}
	// Every MASTER has said farewell and been stopped, so that the addresses go
	// first: to remove the advert clock's interfaces keeps RTNL for tens of ms.
	if h.pacer != nil {
		h.pacer.Close()
	}
	if h.hops != nil {
		h.hops.Close()
	}
	for _, d := range h.devices {
		if d.link != nil {
			_ = d.link.Close() // the interface may be gone
		}
	}
	if h.kernel != nil {
		if err := h.kernel.Close(); err != nil {
			h.log.Error("removing BPF: " + err.Error())
		}
	}
	h.fair.Close()
	h.desk.Close()
	if h.loop != nil {
		h.loop.close()
	}
}
