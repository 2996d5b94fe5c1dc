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
func takingPair(t *testing.T, p protocol, a, b *testnet.Host, lines ...string) (da, db *testnet.Daemon) {
	t.Helper()
	da = start(t, a, "native", p.conf(150))
	awaitState(t, a, "MASTER")
	db = start(t, b, "native", p.conf(100, append(lines, "vrrpx_kernel_takeover")...))
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
	for _, p := range []protocol{v3fast, v3sixfast} {
		t.Run(p.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			da, db := takingPair(t, p, a, b, "vrrpx_lease 5")
			died := killBehind(t, tap, a, da, db)
			first := firstAdvert(t, tap, b, died)
			down := p.masterDown(100)
			took := first.Sub(died)
			t.Logf("first advert %v after the last of the master, %v past the deadline", took, took-down)
			if took < down || took > down+slack {
				t.Errorf("the first advert came after %v, the master-down interval is %v", took, down)
			}
			await(t, "adverts of a stopped process", func() bool { return len(advertsOf(tap, b)) > 30 })
			announcements := func() int { return len(garps(tap, b, vip)) + len(garps(tap, b, vip6)) }
			if holds(b) || announcements() > 0 {
				t.Error("the stopped process has taken the address")
			}
			db.Resume()
			awaitRouter(t, b, "to have followed the kernel", func(r stats.Router) bool { return r.State == "MASTER" && r.KernelTakeovers == 1 })
			await(t, "the address, announced", func() bool { return holds(b) && announcements() > 0 })
			cadence(t, advertsOf(tap, b), first, testnet.Now(), p.interval, down)
			if p.six {
				return
			}
			comesBack(t, tap, da, db, a, b)
		})
	}
}

// comesBack has who is better come back while the process of the worse is stopped,
// which is silent at once.
func comesBack(t *testing.T, tap *testnet.Tap, da, db *testnet.Daemon, a, b *testnet.Host) {
	t.Helper()
	before := len(router(t, b).History)
	db.Pause()
	must(t, da.Start())
	awaitState(t, a, "MASTER")
	time.Sleep(50 * time.Millisecond)
	silent, _ := lastAdvert(t, tap, b)
	better, _ := lastAdvert(t, tap, a)
	if better.Sub(silent) < 3*v3fast.interval {
		t.Errorf("two announce: the last adverts are %v apart", better.Sub(silent))
	}
	db.Resume()
	awaitState(t, b, "BACKUP")
	if h := router(t, b).History; len(h) != before+1 {
		t.Errorf("it became BACKUP by way of %+v", h[before:])
	}
	// It has heard the first of many adverts first, after which its deadline had passed.
	awaitRouter(t, b, "to be ready to take over again", func(r stats.Router) bool { return r.KernelTakeover == "armed" })
	time.Sleep(3 * v3fast.interval)
	if again, _ := lastAdvert(t, tap, b); again != silent || router(t, b).KernelGaveWay != 0 {
		t.Errorf("it advertises on waking, %v after its last advert; the kernel took over %d times", again.Sub(silent), router(t, b).KernelGaveWay)
	}
}

// Beyond the lease the kernel falls silent, another takes over, and the process that
// wakes says nothing.
func TestKernelThatTookOverFallsSilentWithItsLease(t *testing.T) {
	l := testnet.ForTest(t, "a", "b", "c")
	a, b, c := l.Host("a"), l.Host("b"), l.Host("c")
	tap := l.TapForTest(t)
	da, db := takingPair(t, v3fast, a, b, "vrrpx_lease 0.5", "nopreempt")
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

// A master that lives is never taken for dead, for however long the process is
// stopped, and the kernel is ready again when it runs.
//
//vrrp:row 34 43
func TestKernelDoesNotTakeOverFromALiveMaster(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	_, db := takingPair(t, v3fast, a, b)
	check := unmoved(t, a, b)
	tap.Clear()
	for _, stop := range []time.Duration{300 * time.Millisecond, 300 * time.Millisecond, 1500 * time.Millisecond} {
		db.Pause()
		time.Sleep(stop)
		db.Resume()
		time.Sleep(100 * time.Millisecond)
	}
	check()
	if n := len(advertsOf(tap, b)); n != 0 {
		t.Errorf("%d adverts of the backup", n)
	}
	if r := router(t, b); r.KernelTakeover != "armed" || r.KernelTakeovers+r.KernelGaveWay != 0 {
		t.Errorf("takeover %s, %d of them, %d given up", r.KernelTakeover, r.KernelTakeovers, r.KernelGaveWay)
	}
}

// takeCores takes every core from a time on for as long as said, from all that is
// not the kernel's: vrrpx runs at SCHED_RR 49.
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
	takingPair(t, v3fast, a, b)
	const length = 300 * time.Millisecond
	down := v3fast.masterDown(100)
	var past []time.Duration
	for range kills {
		from := testnet.Now().Add(40 * time.Millisecond)
		wait := takeCores(t, from, length)
		time.Sleep(from.Add(-5 * time.Millisecond).Sub(testnet.Now()))
		must(t, l.Cut("a"))
		wait()
		time.Sleep(50 * time.Millisecond)
		last, _ := lastAdvert(t, tap, a)
		first := firstAdvert(t, tap, b, last)
		if deadline := last.Add(down); deadline < from || deadline > from.Add(length*2/3) {
			t.Logf("the deadline was %v after the cores were taken", deadline.Sub(from))
		} else if first > from.Add(length) || first < deadline {
			t.Errorf("first advert %v past the deadline, %v after the cores were taken", first.Sub(deadline), first.Sub(from))
		} else {
			past = append(past, first.Sub(deadline))
		}
		awaitState(t, b, "MASTER")
		must(t, l.Join("a"))
		awaitState(t, a, "MASTER")
		awaitRouter(t, b, "to be ready again", func(r stats.Router) bool { return r.State == "BACKUP" && r.KernelTakeover == "armed" })
		tap.Clear()
	}
	if len(past) == 0 {
		t.Fatal("no deadline passed while the cores were taken")
	}
	slices.Sort(past)
	t.Logf("first advert past the deadline, %d with every core taken: p50 %v, max %v", len(past), past[len(past)/2], past[len(past)-1])
	if r := router(t, b); r.KernelTakeovers != uint64(kills) {
		t.Errorf("the kernel took over %d times of %d", r.KernelTakeovers, kills)
	}
}
