package e2e

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

// That nobody watches any more is told, and harms nothing else.
func TestEndOfTheWatchIsTold(t *testing.T) {
	testnet.Need(t, "root", "realtime")
	h := testnet.ForTest(t, "a").Host("a")
	d := start(t, h, "native", v3fast.conf(150))
	awaitState(t, h, "MASTER")
	if status(t, h).Pacer.WatchLost {
		t.Fatal("lost at first")
	}
	pids := slices.DeleteFunc(d.PIDs(), func(pid int) bool { return pid == status(t, h).PID })
	if len(pids) != 1 {
		t.Fatalf("beside the daemon there are %v", pids)
	}
	must(t, unix.Kill(pids[0], unix.SIGKILL))
	const want = "the process vrrpx-fair has ended"
	await(t, "the log of it", func() bool { return status(t, h).Pacer.WatchLost && strings.Contains(d.Log(), want) })
	if n := strings.Count(d.Log(), want); n != 1 || status(t, h).Routers[0].State != "MASTER" {
		t.Errorf("told %d times:\n%s", n, d.Log())
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

// A BACKUP whose process is to take over does so in the moments that such loops leave to
// ordinary threads, not after the loops, whoever keeps its deadline.
func TestBackupTakesOverBesideRealtimeLoops(t *testing.T) {
	testnet.Need(t, "root", "realtime")
	for mode, deadline := range map[string]string{"native": "kernel", "off": "loop"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			da := start(t, a, "native", v3fast.conf(150))
			awaitPacer(t, a, "kernel clock")
			start(t, b, mode, v3fast.conf(100))
			awaitRouter(t, b, "to follow a", func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil && r.DeadlineBy == deadline })
			if s := status(t, b); s.Pacer.Scheduling != "SCHED_RR" || s.Pacer.Starved != 0 || s.Routers[0].KernelTakeover != "" {
				t.Fatalf("at first: %+v, takeover in the kernel %q", s.Pacer, s.Routers[0].KernelTakeover)
			}
			const seconds = 6
			kill := b.Command(context.Background(), "chrt", "-f", "80", "sh", "-c", fmt.Sprintf("sleep 1.5; kill -9 %d", status(t, a).PID))
			must(t, kill.Start())
			end := testnet.Now().Add(seconds * time.Second) // or later
			starve(t, b, seconds)()
			_ = kill.Wait()
			last, _ := lastAdvert(t, tap, a)
			first := firstAdvert(t, tap, b, last)
			if first > end {
				t.Errorf("the first advert of the other came %v after the last, and %v after the loops", first.Sub(last), first.Sub(end))
			}
			t.Logf("the first advert of the other came %v after the last", first.Sub(last))
			awaitState(t, b, "MASTER")
			await(t, "the address", func() bool { return b.HasAddr(vip) })
			await(t, "b to be realtime again", func() bool { s := status(t, b).Pacer; return s.Scheduling == "SCHED_RR" && s.Starved > 0 })
			await(t, "the end of the watch of the killed one", func() bool { return len(da.PIDs()) == 0 })
		})
	}
}
