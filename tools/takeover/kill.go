package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

const (
	vip = "10.99.9.1"

	masterPriority = 200
	backupPriority = 100

	steady   = time.Second            // of the backup before each kill
	settling = 200 * time.Millisecond // of the wire after the takeover
	patience = 10 * time.Second       // beyond what the protocol asks
)

// bench is a LAN with two hosts on which one pair after the other runs.
type bench struct {
	lan      *testnet.LAN
	a, b     *testnet.Host
	dir      string
	interval time.Duration
}

// row is one kill: how far past the master-down interval the backup's first
// advert and first gratuitous ARP came.
type row struct {
	kind         testnet.Kind
	number       int
	advert, garp time.Duration
}

func newBench(interval time.Duration) (*bench, error) {
	lan, err := testnet.New("takeover-", "a", "b")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "takeover-")
	if err != nil {
		return nil, errors.Join(err, lan.Close())
	}
	return &bench{lan: lan, a: lan.Host("a"), b: lan.Host("b"), dir: dir, interval: interval}, nil
}

func (b *bench) close() {
	if err := errors.Join(b.lan.Close(), os.RemoveAll(b.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "takeover:", err)
	}
}

// masterDown is the backup's, written out here because the measured program's
// own formula must not measure it.
func (b *bench) masterDown() time.Duration {
	skew := b.interval * (256 - backupPriority) / 256
	return 3*b.interval + skew
}

func (b *bench) daemon(h *testnet.Host, kind testnet.Kind, binary string, priority int) (*testnet.Daemon, error) {
	dir, err := os.MkdirTemp(b.dir, h.Name+"-") // its log is of this run alone
	if err != nil {
		return nil, err
	}
	conf := testnet.Conf(3, testnet.Instance{
		Priority: priority, AdvertInt: fmt.Sprint(b.interval.Seconds()), VIPs: []string{vip},
	})
	d := &testnet.Daemon{Host: h, Kind: kind, Binary: binary, Conf: conf, Dir: dir}
	return d, d.Start()
}

// errSpoiled is a backup that took over while its master lived: nothing to
// measure.
var errSpoiled = errors.New("the backup took over before the kill")

// kill runs a fresh pair, kills its master and measures the takeover.
func (b *bench) kill(ctx context.Context, kind testnet.Kind, binary string) (r row, err error) {
	tap, err := b.lan.Tap()
	if err != nil {
		return r, err
	}
	defer tap.Close()
	master, err := b.daemon(b.a, kind, binary, masterPriority)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.clear(b.a, master)) }()
	if !b.wait(func() bool { return len(tap.Adverts(b.a.Addr)) > 0 && b.a.HasAddr(vip) }) {
		return r, fmt.Errorf("no master; its log:\n%s", master.Log())
	}
	backup, err := b.daemon(b.b, kind, binary, backupPriority)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.clear(b.b, backup)) }()
	if !b.wait(func() bool { return strings.Contains(backup.Log(), "Entering BACKUP STATE") }) {
		return r, fmt.Errorf("no backup; its log:\n%s", backup.Log())
	}
	select {
	case <-ctx.Done():
		return r, ctx.Err()
	case <-time.After(b.masterDown() + steady):
	}
	switch {
	case !backup.Running():
		return r, fmt.Errorf("the backup has ended; its log:\n%s", backup.Log())
	case len(tap.Adverts(b.b.Addr)) > 0:
		return r, errSpoiled
	}

	master.Kill9()
	if err := b.lan.Cut("a"); err != nil {
		return r, err
	}
	if !b.wait(func() bool { _, ok := b.first(tap, b.isGARP); return ok }) {
		return r, fmt.Errorf("no takeover; the log of the backup:\n%s", backup.Log())
	}
	time.Sleep(settling)
	return b.measure(tap, kind)
}

func (b *bench) measure(tap *testnet.Tap, kind testnet.Kind) (row, error) {
	ads := tap.Adverts(b.a.Addr)
	last, _ := ads[len(ads)-1].Advert()
	due := ads[len(ads)-1].At.Add(b.masterDown())
	advert, ok := b.first(tap, b.isAdvert)
	garp, _ := b.first(tap, b.isGARP)
	if !ok || last.Priority != masterPriority {
		return row{}, fmt.Errorf("the backup sent an advert: %v; the last of the master has priority %d", ok, last.Priority)
	}
	return row{kind: kind, advert: advert.Sub(due), garp: garp.Sub(due)}, nil
}

func (b *bench) isAdvert(f testnet.Frame) bool { return f.IsAdvert() }
func (b *bench) isGARP(f testnet.Frame) bool   { return f.IsGARP(vip) }

// first is the stamp of the first such frame of the backup.
func (b *bench) first(tap *testnet.Tap, is func(testnet.Frame) bool) (vrrp.Instant, bool) {
	for _, f := range tap.Frames() {
		if is(f) && f.SrcMAC().String() == b.b.MAC.String() {
			return f.At, true
		}
	}
	return 0, false
}

func (b *bench) wait(pred func() bool) bool {
	return testnet.WaitFor(b.masterDown()+patience, pred)
}

// clear ends a daemon and makes its host as it was.
func (b *bench) clear(h *testnet.Host, d *testnet.Daemon) error {
	d.Kill9()
	if d.Kind == testnet.VRRPX {
		if out, err := h.Command(context.Background(), d.Binary, "cleanup").CombinedOutput(); err != nil {
			return fmt.Errorf("vrrpx cleanup on %s: %w: %s", h.Name, err, out)
		}
	}
	if h.HasAddr(vip) {
		if err := h.DelAddr("eth0", netip.MustParsePrefix(vip+"/32")); err != nil {
			return err
		}
	}
	return b.lan.Join(h.Name)
}
