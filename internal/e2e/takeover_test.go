package e2e

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// takingPair is startPair whose second host has the kernel take over for it.
func takingPair(t *testing.T, a, b *testnet.Host, lines ...string) (da, db *testnet.Daemon) {
	t.Helper()
	da = start(t, a, "native", v3fast.conf(150))
	awaitState(t, a, "MASTER")
	db = start(t, b, "native", v3fast.conf(100, append(lines, "vrrpx_kernel_takeover")...))
	awaitRouter(t, b, "to be ready to take over", func(r stats.Router) bool {
		return r.State == "BACKUP" && r.Master != nil && r.Master.MAC == a.MAC.String() && r.KernelTakeover == "armed"
	})
	return da, db
}

// killBehind stops the second host's process and then kills the first's. It returns
// the last advert of the first.
func killBehind(t *testing.T, tap *testnet.Tap, a *testnet.Host, da, db *testnet.Daemon) (last vrrp.Instant) {
	t.Helper()
	db.Pause()
	time.Sleep(50 * time.Millisecond)
	da.Kill9()
	time.Sleep(20 * time.Millisecond)
	last, _ = lastAdvert(t, tap, a)
	return last
}

// The process is stopped when its master dies, and the first advert leaves when the
// protocol says so all the same. When it runs again it takes the address.
func TestKernelTakesOverForAStoppedBackup(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	da, db := takingPair(t, a, b, "vrrpx_lease 5")
	died := killBehind(t, tap, a, da, db)
	first := firstAdvert(t, tap, b, died)
	down := v3fast.masterDown(100)
	took := first.Sub(died)
	t.Logf("first advert %v after the last of the master, %v past the deadline", took, took-down)
	if took < down || took > down+slack {
		t.Errorf("the first advert came after %v, the master-down interval is %v", took, down)
	}
	await(t, "adverts of a stopped process", func() bool { return len(advertsOf(tap, b)) > 30 })
	if b.HasAddr(vip) || len(garps(tap, b, vip)) > 0 {
		t.Error("the stopped process has taken the address")
	}
	resumed := testnet.Now()
	db.Resume()
	awaitRouter(t, b, "to have followed the kernel", func(r stats.Router) bool { return r.State == "MASTER" && r.KernelTakeovers == 1 })
	await(t, "the address", func() bool { return b.HasAddr(vip) })
	announced(t, tap, b, resumed, 5)
	cadence(t, advertsOf(tap, b), first, testnet.Now(), v3fast.interval, down)

	// Who is better comes back, while it is stopped again: it is silent at once.
	check := len(router(t, b).History)
	db.Pause()
	must(t, da.Start())
	awaitState(t, a, "MASTER")
	if last, _ := lastAdvert(t, tap, b); testnet.Now().Sub(last) < 50*time.Millisecond {
		time.Sleep(200 * time.Millisecond)
		if again, _ := lastAdvert(t, tap, b); again > last.Add(100*time.Millisecond) {
			t.Errorf("two announce: the last advert of the worse is %v ago", testnet.Now().Sub(again))
		}
	}
	db.Resume()
	awaitState(t, b, "BACKUP")
	if h := router(t, b).History; len(h) != check+1 {
		t.Errorf("it became BACKUP by way of %+v", h[check:])
	}
}

// Beyond the lease the kernel falls silent, another takes over, and the process that
// wakes says nothing.
func TestKernelThatTookOverFallsSilentWithItsLease(t *testing.T) {
	l := testnet.ForTest(t, "a", "b", "c")
	a, b, c := l.Host("a"), l.Host("b"), l.Host("c")
	tap := l.TapForTest(t)
	da, db := takingPair(t, a, b, "vrrpx_lease 0.5", "nopreempt")
	start(t, c, "native", v3fast.conf(50))
	awaitState(t, c, "BACKUP")
	stopped := testnet.Now()
	died := killBehind(t, tap, a, da, db)
	firstAdvert(t, tap, b, died)
	awaitState(t, c, "MASTER")
	last, _ := lastAdvert(t, tap, b)
	if kept := last.Sub(stopped); kept > 500*time.Millisecond+slack || len(advertsOf(tap, b)) < 10 {
		t.Errorf("%d adverts, the last %v after the process was stopped, with a lease of 0.5 s", len(advertsOf(tap, b)), kept)
	}
	tap.Clear()
	db.Resume()
	awaitRouter(t, b, "to know that it was MASTER", func(r stats.Router) bool { return r.KernelGaveWay == 1 })
	time.Sleep(10 * v3fast.masterDown(100))
	if n := len(advertsOf(tap, b)) + len(garps(tap, b, vip)); n > 0 || b.HasAddr(vip) {
		t.Errorf("on waking it sent %d frames, and has the address: %v", n, b.HasAddr(vip))
	}
	if r := router(t, b); r.State != "BACKUP" || r.Master == nil || r.Master.MAC != c.MAC.String() || r.KernelTakeover != "armed" {
		t.Errorf("it is %s behind %+v, takeover %s", r.State, r.Master, r.KernelTakeover)
	}
}

// takeCores takes every core from a time on for as long as said, from all that is
// not the kernel's: vrrpx runs at SCHED_FIFO 49.
func takeCores(t *testing.T, from vrrp.Instant, length time.Duration) (wait func()) {
	t.Helper()
	var wg sync.WaitGroup
	var all, mine unix.CPUSet
	must(t, unix.SchedGetaffinity(0, &all))
	for cpu := range 1024 {
		if !all.IsSet(cpu) {
			continue
		}
		mine = unix.CPUSet{}
		mine.Set(cpu)
		on := mine
		wg.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with this
			if err := unix.SchedSetaffinity(0, &on); err != nil {
				t.Error(err)
			}
			attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 90}
			if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
				t.Error(err)
				return
			}
			sleep := unix.NsecToTimespec(int64(from.Sub(testnet.Now())))
			_ = unix.Nanosleep(&sleep, nil)
			for end := from.Add(length); testnet.Now() < end; {
			}
		})
	}
	return wg.Wait
}

// The first advert leaves on time while nothing of user space runs at all.
func TestKernelTakesOverThoughEveryCoreIsTaken(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("VRRPX_KILLS")); err == nil {
		kills = n // to measure
	}
	da, _ := takingPair(t, a, b)
	const length = 300 * time.Millisecond
	down := v3fast.masterDown(100)
	var past []time.Duration
	for range kills {
		from := testnet.Now().Add(40 * time.Millisecond)
		wait := takeCores(t, from, length)
		time.Sleep(from.Add(-10 * time.Millisecond).Sub(testnet.Now()))
		da.Kill9()
		wait()
		time.Sleep(50 * time.Millisecond)
		last, _ := lastAdvert(t, tap, a)
		first := firstAdvert(t, tap, b, last)
		if last > from {
			t.Logf("the master died %v after the cores were taken", last.Sub(from))
		} else if first >= from.Add(length) || first.Sub(last) < down {
			t.Errorf("first advert %v after the last, %v after the cores were taken", first.Sub(last), first.Sub(from))
		}
		past = append(past, first.Sub(last)-down)
		awaitState(t, b, "MASTER")
		must(t, da.Start())
		awaitState(t, a, "MASTER")
		awaitRouter(t, b, "to be ready again", func(r stats.Router) bool { return r.State == "BACKUP" && r.KernelTakeover == "armed" })
		tap.Clear()
	}
	slices.Sort(past)
	t.Logf("first advert past the deadline, %d kills with every core taken: p50 %v, max %v", kills, past[len(past)/2], past[len(past)-1])
	if r := router(t, b); r.KernelTakeovers != uint64(kills) {
		t.Errorf("the kernel took over %d times of %d", r.KernelTakeovers, kills)
	}
}
