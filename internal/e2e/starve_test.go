package e2e

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// starve has a realtime loop, of a priority above the daemon's, on every CPU for so
// many seconds. What ends each is of a priority above it.
func starve(t *testing.T, h *testnet.Host, seconds int) (wait func()) {
	t.Helper()
	testnet.Need(t, "root", "chrt", "taskset", "timeout")
	var loops []*testnet.Cmd
	for cpu := range runtime.NumCPU() {
		c := h.Command(context.Background(), "chrt", "-f", "70", "timeout", "-k", "1", fmt.Sprint(seconds),
			"taskset", "-c", fmt.Sprint(cpu), "chrt", "-f", "60", "sh", "-c", "while :; do :; done")
		must(t, c.Start())
		loops = append(loops, c)
	}
	return func() {
		for _, c := range loops {
			_ = c.Wait() // 124: it was ended
		}
	}
}

// Beside such loops realtime threads get nothing, and ordinary ones their share. So a
// MASTER renews its lease, and a BACKUP whose kernel is to take over stays armed.
func TestRealtimeLoopsAreNotSeen(t *testing.T) {
	testnet.Need(t, "root", "realtime")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	da := start(t, a, "native", v3fast.conf(150, "vrrpx_lease 2"))
	awaitPacer(t, a, "kernel clock")
	db := start(t, b, "native", v3fast.conf(100, "vrrpx_lease 2", "vrrpx_kernel_takeover"))
	awaitRouter(t, b, "to be ready to take over", func(r stats.Router) bool { return r.State == "BACKUP" && r.KernelTakeover == "armed" })
	if s := status(t, a).Pacer; s.Scheduling != "SCHED_RR" || s.Starved != 0 || s.WatchLost {
		t.Fatalf("at first: %+v", s)
	}
	check := unmoved(t, a, b)
	from := testnet.Now()
	starve(t, a, 5)()
	during := testnet.Now()
	for _, h := range []*testnet.Host{a, b} {
		if s := status(t, h); s.Pacer.Starved == 0 || s.Routers[0].Lapses != 0 {
			t.Errorf("%s: made SCHED_OTHER %d times, lapsed %d times", h.Name, s.Pacer.Starved, s.Routers[0].Lapses)
		}
	}
	cadence(t, advertsOf(tap, a), from, during, v3fast.interval, v3fast.masterDown(100))
	check()
	for _, d := range []*testnet.Daemon{da, db} {
		await(t, d.Host.Name+" to be realtime again", func() bool { return status(t, d.Host).Pacer.Scheduling == "SCHED_RR" })
		for _, want := range []string{"all threads are SCHED_OTHER until", "all threads are SCHED_RR again"} {
			await(t, d.Host.Name+" to log it", func() bool { return strings.Contains(d.Log(), want) }) // in a later round
			if n := strings.Count(d.Log(), want); n != 1 {
				t.Errorf("%s: the log says %q %d times:\n%s", d.Host.Name, want, n, d.Log())
			}
		}
	}

	// The other dies after four seconds of them, and the kernel takes over. Its death
	// takes until the kernel has a moment for it, which is seen by its last advert.
	kill := b.Command(context.Background(), "chrt", "-f", "80", "sh", "-c", fmt.Sprintf("sleep 4; kill -9 %d", status(t, a).PID))
	must(t, kill.Start())
	starve(t, b, 6)()
	_ = kill.Wait()
	last, _ := lastAdvert(t, tap, a)
	if first := firstAdvert(t, tap, b, last); first.Sub(last) > v3fast.masterDown(100)+slack {
		t.Errorf("the first advert of the other came %v after the last", first.Sub(last))
	}
	awaitRouter(t, b, "to follow its kernel", func(r stats.Router) bool { return r.State == "MASTER" && r.KernelTakeovers == 1 })
	await(t, "the address", func() bool { return b.HasAddr(vip) })
	await(t, "the end of the watch of the killed one", func() bool { return len(da.PIDs()) == 0 })
}
