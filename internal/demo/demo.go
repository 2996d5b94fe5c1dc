// Package demo is `vrrpx demo`: two load balancers and a client on a LAN of
// network namespaces, a master that fails in three ways, and each takeover
// timed from outside of the daemons.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Env is what the demo needs of its process.
type Env struct {
	Stdout io.Writer
	Binary string // path of the vrrpx to run
}

// What the demo shows. The names of the namespaces begin with prefix.
const (
	prefix       = "vrrpx-demo-"
	vip          = "10.0.0.3"
	interval     = 10 * time.Millisecond
	highPriority = 150
	lowPriority  = 100
)

// patience bounds each wait for something that takes milliseconds when all is
// well.
const patience = 5 * time.Second

// Run shows the demo, in less than half a minute. It returns nil only when
// there was exactly one holder of the address at every step and each takeover
// was in time. It needs CAP_SYS_ADMIN, CAP_NET_ADMIN and what `vrrpx run`
// needs. It leaves nothing behind, also on SIGINT, SIGTERM, SIGHUP
// and a cancelled ctx.
func Run(ctx context.Context, env Env) error { return run(ctx, env, vrrpx{env.Binary}) }

func run(ctx context.Context, env Env, program program) (err error) {
	// SIGPIPE and SIGHUP too: a reader or a terminal that goes away must not
	// leave the namespaces behind.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	// A thread that comes back from the kernel with something to stamp must not
	// wait for one of Go's processors.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2*runtime.NumCPU() + 8))
	d := &demo{out: newPrinter(env.Stdout), program: program}
	began := time.Now()
	d.introduce()
	err = d.build(ctx)
	if err == nil {
		err = d.show(ctx)
	}
	if err != nil && ctx.Err() == nil {
		d.out.bad(err.Error())
		d.showLogs()
	}
	if errClose := d.close(); errClose != nil {
		d.out.bad(errClose.Error())
		err = errors.Join(err, errClose)
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; all that the demo made is removed")
	}
	if len(d.results) > 0 {
		d.out.table(d.results)
	}
	if err != nil {
		return fmt.Errorf("the demo did not go as it should: %w", err)
	}
	d.out.verdict(time.Since(began))
	return nil
}

// demo is one run.
type demo struct {
	out     *printer
	program program
	dir     string
	lan     *testnet.LAN
	lb01    *node
	lb02    *node
	tap     *testnet.Tap
	client  *client
	results []result
}

func (d *demo) build(ctx context.Context) (err error) {
	if d.dir, err = os.MkdirTemp("", "vrrpx-demo-"); err != nil {
		return err
	}
	d.lan, err = testnet.Spec{
		Prefix: prefix,
		Hosts: []testnet.HostSpec{
			{Name: "lb01", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/24")}},
			{Name: "lb02", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.6/24")}},
			{Name: "client", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.9/24")}},
		},
		// What killed daemons of a killed demo have pinned.
		Leftover: func(h *testnet.Host) { _ = d.program.cleanup(ctx, h) },
	}.Build()
	if errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("%w: the demo needs CAP_SYS_ADMIN and CAP_NET_ADMIN; run a container with --privileged", err)
	}
	if err != nil {
		return err
	}
	if d.tap, err = d.lan.Tap(); err != nil {
		return err
	}
	if d.lb01, err = d.newNode("lb01", "MASTER", highPriority); err != nil {
		return err
	}
	if d.lb02, err = d.newNode("lb02", "BACKUP", lowPriority); err != nil {
		return err
	}
	d.client, err = startClient(d.lan.Host("client"))
	return err
}

func (d *demo) show(ctx context.Context) error {
	if err := d.start(ctx); err != nil {
		return err
	}
	for i, s := range d.scenarios() {
		if i > 0 {
			if err := d.repair(ctx); err != nil {
				return err
			}
		}
		if err := d.play(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// start brings both daemons up.
func (d *demo) start(ctx context.Context) error {
	d.out.title("Start")
	if err := d.lb01.daemon.Start(); err != nil {
		return err
	}
	if err := d.settle(ctx, d.lb01, nil); err != nil {
		return err
	}
	if err := d.lb02.daemon.Start(); err != nil {
		return err
	}
	if err := d.settle(ctx, d.lb01, d.lb02); err != nil {
		return err
	}
	d.out.good("lb01 is MASTER and the only holder of %s; lb02 is BACKUP", vip)
	return d.steady(ctx)
}

// steady watches for half a second that nothing happens.
func (d *demo) steady(ctx context.Context) error {
	from := testnet.Now()
	if err := sleep(ctx, 500*time.Millisecond); err != nil {
		return err
	}
	if err := d.onlyHolder(ctx, d.lb01, d.lb02, from); err != nil {
		return err
	}
	sent, lost := d.client.pings(from, testnet.Now().Add(-50*time.Millisecond))
	d.out.good("lb01 answers the client; pings sent: %d, lost: %d", sent, lost)
	return nil
}

// repair brings lb01 back after its failure; it preempts lb02.
func (d *demo) repair(ctx context.Context) error {
	from := testnet.Now()
	if err := d.program.cleanup(ctx, d.lb01.host); err != nil {
		return err
	}
	if err := d.lan.Unblock("lb01"); err != nil {
		return err
	}
	if err := d.lb01.daemon.Start(); err != nil {
		return err
	}
	if err := d.settle(ctx, d.lb01, d.lb02); err != nil {
		return err
	}
	_, lost := d.client.pings(from, testnet.Now().Add(-50*time.Millisecond))
	d.out.good("lb01 is back and preempts lb02: one holder; pings lost: %d", lost)
	return nil
}

// close ends the daemons, and looks whether they leave anything behind.
func (d *demo) close() error {
	var errs []error
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel() // the demo's own context may have ended; this must still be done
	for _, n := range []*node{d.lb01, d.lb02} {
		if n != nil {
			errs = append(errs, n.daemon.Stop(), d.program.cleanup(ctx, n.host))
			n.watch.close()
		}
	}
	if d.client != nil {
		d.client.close()
	}
	if d.tap != nil {
		d.tap.Close()
	}
	if d.lan != nil {
		errs = append(errs, d.lan.Close())
		if left := testnet.Namespaces(prefix); len(left) > 0 {
			errs = append(errs, fmt.Errorf("left behind: namespaces %s", strings.Join(left, " ")))
		}
	}
	if d.dir != "" {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}

// showLogs prints the end of what the daemons said, when something is wrong.
func (d *demo) showLogs() {
	for _, n := range []*node{d.lb01, d.lb02} {
		if n != nil {
			d.out.log(n.host.Name, n.daemon.Log())
		}
	}
}

func (d *demo) newNode(name, state string, priority int) (*node, error) {
	dir := filepath.Join(d.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	host := d.lan.Host(name)
	daemon := d.program.daemon(host)
	daemon.Dir, daemon.Conf = dir, testnet.Conf(3, testnet.Instance{
		Name: "VI_1", State: state, Priority: priority, AdvertInt: "0.01",
		VIPs: []string{vip + "/24 dev eth0 label eth0:1"},
	})
	watch, err := watchAddress(host)
	if err != nil {
		return nil, err
	}
	return &node{host: host, daemon: daemon, watch: watch}, nil
}

// masterDown is the RFC's time for lb02 to notice a silent lb01.
func masterDown() time.Duration { return vrrp.MasterDown(3, lowPriority, 3, interval) }

// skew is the RFC's time for lb02 to follow a lb01 that says goodbye.
func skew() time.Duration { return vrrp.Skew(3, lowPriority, interval) }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// wait polls until the condition holds, for as long as patience lasts.
func wait(ctx context.Context, pred func() bool) bool {
	ok := false
	testnet.WaitFor(patience, func() bool {
		ok = pred()
		return ok || ctx.Err() != nil
	})
	return ok
}
