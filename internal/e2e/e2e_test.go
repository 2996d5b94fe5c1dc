// Package e2e runs the whole of vrrpx in network namespaces, beside the real
// keepalived, and looks at it from outside: the wire, the host's addresses,
// the command line.
//
// No test is tight in time. Bounds on durations are for what must not take
// seconds, and a busy machine has room in them; what is exact is counted.
package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

const (
	vip  = "10.99.9.1"
	vip6 = "fe80::99:1" // of an IPv6 router, with a global one behind it

	patience = 15 * time.Second       // for what must happen, and soon
	slack    = 500 * time.Millisecond // for a busy machine, on top of a protocol time
)

// protocol is how the routers of a test speak.
type protocol struct {
	name     string
	version  int
	interval time.Duration
	six      bool   // over IPv6
	auth     string // lines of authentication; empty: PASS with v2, else none
}

var (
	v2pass    = protocol{"v2 PASS", 2, time.Second, false, ""}
	v3        = protocol{"v3", 3, 100 * time.Millisecond, false, ""}
	v3fast    = protocol{"v3 at 10 ms", 3, 10 * time.Millisecond, false, ""}
	v3sixfast = protocol{"v3 IPv6 at 10 ms", 3, 10 * time.Millisecond, true, ""}
	v3six     = protocol{"v3 IPv6", 3, 100 * time.Millisecond, true, ""}
)

// conf is a keepalived.conf with one router that backs up vip.
func (p protocol) conf(priority int, lines ...string) string {
	if p.auth != "" {
		lines = append(lines, p.auth)
	} else if p.version == 2 {
		lines = append(lines, "authentication {", "auth_type PASS", "auth_pass 1111", "}")
	}
	vips := []string{vip}
	if p.six {
		vips = []string{vip6 + "/64", "2001:db8:99::1/64"}
	}
	return testnet.Conf(p.version, testnet.Instance{
		Priority: priority, AdvertInt: fmt.Sprint(p.interval.Seconds()), VIPs: vips, Lines: lines,
	})
}

// holds tells whether a host has the virtual address of either family.
func holds(h *testnet.Host) bool { return h.HasAddr(vip) || h.HasAddr(vip6) }

// skew is RFC 9568 section 6.1, RFC 3768 section 6.1 for v2.
func (p protocol) skew(priority int) time.Duration {
	if p.version == 2 {
		return time.Second * time.Duration(256-priority) / 256
	}
	return p.interval * time.Duration(256-priority) / 256
}

func (p protocol) masterDown(priority int) time.Duration { return 3*p.interval + p.skew(priority) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await fails the test when pred does not come to hold.
func await(t *testing.T, what string, pred func() bool) {
	t.Helper()
	if !testnet.WaitFor(patience, pred) {
		t.Fatalf("waited %v in vain: %s", patience, what)
	}
}

// start starts vrrpx with an --xdp mode.
func start(t *testing.T, h *testnet.Host, mode, conf string, args ...string) *testnet.Daemon {
	t.Helper()
	return h.StartForTest(t, testnet.VRRPX, conf, append([]string{"--xdp=" + mode}, args...)...)
}

// startPair starts vrrpx on both hosts and waits until the first is MASTER and
// the second follows it.
func startPair(t *testing.T, p protocol, mode string, a, b *testnet.Host) (da, db *testnet.Daemon) {
	t.Helper()
	da = start(t, a, mode, p.conf(150))
	awaitState(t, a, "MASTER") // started together, the second could be it for a moment
	db = start(t, b, mode, p.conf(100))
	awaitRouter(t, b, "to follow "+a.Name, func(r stats.Router) bool {
		return r.State == "BACKUP" && r.Master != nil && r.Master.MAC == a.MAC.String()
	})
	return da, db
}

// vrrpx runs one command of the command line on a host.
func vrrpx(t *testing.T, h *testnet.Host, args ...string) (output string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := h.Command(ctx, testnet.Binary(t), args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("vrrpx %v on %s: %v: %s", args, h.Name, err, out)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	return string(out), code
}

func askStatus(t *testing.T, h *testnet.Host) (*stats.Status, error) {
	t.Helper()
	out, code := vrrpx(t, h, "status", "--json")
	if code != 0 {
		return nil, fmt.Errorf("vrrpx status on %s: exit %d: %s", h.Name, code, out)
	}
	var s stats.Status
	return &s, json.Unmarshal([]byte(out), &s)
}

func status(t *testing.T, h *testnet.Host) *stats.Status {
	t.Helper()
	s, err := askStatus(t, h)
	must(t, err)
	return s
}

// askRouter asks for the only router of a host.
func askRouter(t *testing.T, h *testnet.Host) (stats.Router, error) {
	t.Helper()
	s, err := askStatus(t, h)
	if err != nil {
		return stats.Router{}, err
	}
	if len(s.Routers) != 1 {
		return stats.Router{}, fmt.Errorf("%d routers on %s", len(s.Routers), h.Name)
	}
	return s.Routers[0], nil
}

func router(t *testing.T, h *testnet.Host) stats.Router {
	t.Helper()
	r, err := askRouter(t, h)
	must(t, err)
	return r
}

// awaitRouter waits until the only router of a host is as wanted. A host whose
// daemon does not answer yet is waited for too.
func awaitRouter(t *testing.T, h *testnet.Host, what string, is func(stats.Router) bool) {
	t.Helper()
	await(t, h.Name+" "+what, func() bool {
		if r, err := askRouter(t, h); err == nil && is(r) {
			return true
		}
		time.Sleep(30 * time.Millisecond) // each question is a process
		return false
	})
}

func awaitState(t *testing.T, h *testnet.Host, state string) {
	t.Helper()
	awaitRouter(t, h, "to be "+state, func(r stats.Router) bool { return r.State == state })
}

// unmoved returns a check that no router of these hosts has changed its state
// since.
func unmoved(t *testing.T, hosts ...*testnet.Host) (check func()) {
	t.Helper()
	var before [][]stats.Transition
	for _, h := range hosts {
		before = append(before, router(t, h).History)
	}
	return func() {
		t.Helper()
		for i, h := range hosts {
			if now := router(t, h).History; !slices.Equal(now, before[i]) {
				t.Errorf("%s has changed its state: %+v, before %+v", h.Name, now, before[i])
			}
		}
	}
}
