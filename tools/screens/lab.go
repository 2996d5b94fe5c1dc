package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// lab is a LAN with two vrrpx and a third host.
type lab struct {
	*testnet.LAN
	binary, dir string
	a, b, c     *testnet.Host
	daemons     []*testnet.Daemon
	terminals   []*testnet.Terminal
}

// patience is what anything may take.
const patience = 20 * time.Second

func newLab(binary string) (*lab, error) {
	leftover := func(h *testnet.Host) {
		_ = h.Command(context.Background(), binary, "cleanup").Run() // what a killed run left
	}
	lan, err := testnet.Spec{Prefix: "screens-", Leftover: leftover, Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}, {Name: "c"}}}.Build()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "screens-")
	if err != nil {
		return nil, errors.Join(err, lan.Close())
	}
	return &lab{LAN: lan, binary: binary, dir: dir, a: lan.Host("a"), b: lan.Host("b"), c: lan.Host("c")}, nil
}

func (l *lab) close() error {
	var errs []error
	for _, t := range l.terminals {
		errs = append(errs, t.Close())
	}
	for _, d := range l.daemons {
		errs = append(errs, d.Stop())
	}
	return errors.Join(append(errs, l.Close(), os.RemoveAll(l.dir))...)
}

func (l *lab) start(h *testnet.Host, kind testnet.Kind, conf string) (*testnet.Daemon, error) {
	d := &testnet.Daemon{Host: h, Kind: kind, Conf: conf, Dir: filepath.Join(l.dir, h.Name)}
	if kind == testnet.VRRPX {
		d.Binary = l.binary
	}
	if err := errors.Join(os.Mkdir(d.Dir, 0o755), d.Start()); err != nil {
		return nil, err
	}
	l.daemons = append(l.daemons, d)
	return d, nil
}

// watch opens a terminal on a host with `vrrpx watch`, as it is by default.
func (l *lab) watch(h *testnet.Host, columns, lines int) (*testnet.Terminal, error) {
	dir, err := os.MkdirTemp(l.dir, "t")
	if err != nil {
		return nil, err
	}
	t, err := h.Terminal(dir, columns, lines, l.binary, "watch")
	if err == nil {
		l.terminals = append(l.terminals, t)
	}
	return t, err
}

func (l *lab) status(ctx context.Context, h *testnet.Host) (*stats.Status, error) {
	out, err := h.Command(ctx, l.binary, "status", "--json").Output()
	if err != nil {
		return nil, err
	}
	var s stats.Status
	return &s, json.Unmarshal(out, &s)
}

// await waits until so many routers of a host are in a state.
func (l *lab) await(ctx context.Context, h *testnet.Host, state string, n int) error {
	ok := testnet.WaitFor(patience, func() bool {
		time.Sleep(100 * time.Millisecond)
		s, err := l.status(ctx, h)
		return ctx.Err() != nil || err == nil && count(s, state) == n
	})
	if !ok {
		return fmt.Errorf("%d routers of %s are not %s", n, h.Name, state)
	}
	return ctx.Err()
}

func count(s *stats.Status, state string) (n int) {
	for i := range s.Routers {
		if s.Routers[i].State == state {
			n++
		}
	}
	return n
}

// conf has n routers with one address each. before stands in the file before them,
// lines in the third.
func conf(n int, interval time.Duration, priority func(i int) int, before string, lines ...string) string {
	var b strings.Builder
	b.WriteString("global_defs {\n    vrrp_version 3\n}\n" + before)
	for i := range n {
		fmt.Fprintf(&b, "vrrp_instance VI_%d {\n    state BACKUP\n    interface eth0\n    virtual_router_id %d\n", i+1, i+1)
		fmt.Fprintf(&b, "    priority %d\n    advert_int %g\n", priority(i), interval.Seconds())
		if i == 2 {
			for _, line := range lines {
				fmt.Fprintf(&b, "    %s\n", line)
			}
		}
		fmt.Fprintf(&b, "    virtual_ipaddress {\n        10.99.%d.%d/32\n    }\n}\n", 100+i/250, i%250+1)
	}
	return b.String()
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
