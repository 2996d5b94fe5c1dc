package vip

import (
	"context"
	"net/netip"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// patience is how long a test waits for what must happen; it is never what a
// test measures.
const patience = 10 * time.Second

// device is a name that no real machine has, should a test ever stray.
const device = "vip0"

// host is a network namespace of the test's own.
type host struct{ ns netns.NsHandle }

// newHost makes one with the device vip0, up, with 192.0.2.1/24.
func newHost(t testing.TB) *host {
	t.Helper()
	testnet.Need(t, "root", "ip")
	h := &host{}
	runtime.LockOSThread()
	home, err := netns.Get()
	if err == nil {
		h.ns, err = netns.New()
	}
	if err != nil {
		t.Fatal(err) // with the thread locked: it dies with the goroutine
	}
	goHome(home)
	t.Cleanup(func() { h.ns.Close() })
	h.newDevice(t)
	h.ip(t, "address add 192.0.2.1/24 dev vip0")
	return h
}

func goHome(home netns.NsHandle) {
	if err := netns.Set(home); err != nil {
		panic(err) // the thread must not be used again
	}
	home.Close()
	runtime.UnlockOSThread()
}

// do runs f in the host's namespace. Subtests have goroutines and so threads of
// their own: whatever touches the network goes through here, each time anew.
func (h *host) do(t testing.TB, f func()) {
	t.Helper()
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	if home.Equal(h.ns) {
		t.Fatal("do within do, or a thread that never went home")
	}
	if err := netns.Set(h.ns); err != nil {
		t.Fatal(err)
	}
	defer goHome(home)
	f()
}

func (h *host) newDevice(t testing.TB) {
	t.Helper()
	h.ip(t, "link add vip0 type veth peer name vip0-peer")
	h.ip(t, "link set vip0 up")
	h.ip(t, "link set vip0-peer up")
}

// command is ip with the words of line, not yet started.
func command(line string) *exec.Cmd { return exec.Command("ip", strings.Fields(line)...) }

func (h *host) ip(t testing.TB, line string) (out string) {
	t.Helper()
	h.do(t, func() {
		b, err := command(line).CombinedOutput()
		if err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, b)
		}
		out = string(b)
	})
	return out
}

// addresses lists the IPv4 and IPv6 addresses of vip0 as the kernel orders
// them, without the link-local ones.
func (h *host) addresses(t testing.TB) (out []string) {
	t.Helper()
	h.do(t, func() {
		link, err := netlink.LinkByName(device)
		if err != nil {
			t.Fatal(err)
		}
		all, err := netlink.AddrList(link, netlink.FAMILY_ALL)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			if !a.IP.IsLinkLocalUnicast() {
				out = append(out, a.IPNet.String())
			}
		}
	})
	return out
}

func (h *host) has(t testing.TB, prefix string) bool {
	t.Helper()
	return slices.Contains(h.addresses(t), prefix)
}

// recorder collects a manager's events.
type recorder struct {
	mu  sync.Mutex
	all []Event
}

func (r *recorder) add(ev Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, ev)
}

// take waits for an event of the kind, and removes it.
func (r *recorder) take(t testing.TB, kinds ...Kind) Event {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		r.mu.Lock()
		i := slices.IndexFunc(r.all, func(ev Event) bool { return slices.Contains(kinds, ev.Kind) })
		if i >= 0 {
			ev := r.all[i]
			r.all = slices.Delete(r.all, i, i+1)
			r.mu.Unlock()
			return ev
		}
		r.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t.Fatalf("no event %q in %v; there were %v", kinds, patience, r.all)
	return Event{}
}

// count tells how many events of the kind wait.
func (r *recorder) count(kind Kind) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range r.all {
		if ev.Kind == kind {
			n++
		}
	}
	return n
}

// start opens a manager on the host, and closes it in the end.
func (h *host) start(t testing.TB) (*Manager, *recorder) {
	t.Helper()
	return h.startAt(t, filepath.Join(t.TempDir(), "addresses.json"))
}

func (h *host) startAt(t testing.TB, file string) (*Manager, *recorder) {
	t.Helper()
	r := &recorder{}
	m, err := h.open(t, file, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, m) })
	return m, r
}

func (h *host) open(t testing.TB, file string, r *recorder) (m *Manager, err error) {
	t.Helper()
	h.do(t, func() { m, err = Open(Options{StateFile: file, Events: r.add}) })
	return m, err
}

func (h *host) cleanup(t testing.TB, file string) (removed []string, err error) {
	t.Helper()
	h.do(t, func() { removed, err = Cleanup(file) })
	return removed, err
}

func shut(t testing.TB, m *Manager) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		t.Error(err)
	}
}

func addrs(prefixes ...string) (all []Address) {
	for _, p := range prefixes {
		all = append(all, Address{Prefix: netip.MustParsePrefix(p), Device: device})
	}
	return all
}

func declare(t testing.TB, m *Manager, owner string, all []Address) {
	t.Helper()
	if err := m.Declare(owner, all); err != nil {
		t.Fatal(err)
	}
}

// hold holds and waits until it is so.
func hold(t testing.TB, m *Manager, r *recorder, owner string) Event {
	t.Helper()
	m.Hold(owner)
	return answered(t, r, Held, owner)
}

func release(t testing.TB, m *Manager, r *recorder, owner string) Event {
	t.Helper()
	m.Release(owner)
	return answered(t, r, Released, owner)
}

func answered(t testing.TB, r *recorder, kind Kind, owner string) Event {
	t.Helper()
	ev := r.take(t, kind)
	if ev.Owner != owner {
		t.Fatalf("%s for %s, want %s", kind, ev.Owner, owner)
	}
	if len(ev.Errors) > 0 {
		t.Fatalf("%s for %s: %v", kind, owner, ev.Errors)
	}
	return ev
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	if !testnet.WaitFor(patience, is) {
		t.Fatalf("not in %v: %s", patience, what)
	}
}

// intercept puts f between a manager and the kernel's sendmsg.
func intercept(m *Manager, f func(send func([]byte) error, b []byte) error) (undo func()) {
	m.mu.Lock() // each request of the manager comes after it had this lock
	defer m.mu.Unlock()
	send := m.kernel.send
	m.kernel.send = func(b []byte) error { return f(send, b) }
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.kernel.send = send
	}
}

// countSends counts the calls of sendmsg from now on.
func countSends(m *Manager) *atomic.Int32 {
	var n atomic.Int32
	intercept(m, func(send func([]byte) error, b []byte) error { n.Add(1); return send(b) })
	return &n
}

// refuse has the kernel refuse everything.
func refuse(m *Manager) (undo func()) {
	return intercept(m, func(func([]byte) error, []byte) error { return unix.EPERM })
}
