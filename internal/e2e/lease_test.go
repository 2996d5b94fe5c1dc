package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// lease is that of these tests.
const (
	lease   = time.Second
	ofLease = "vrrpx_lease 1"
)

func awaitPacer(t *testing.T, h *testnet.Host, pacer string) {
	t.Helper()
	awaitRouter(t, h, "to be MASTER by the "+pacer, func(r stats.Router) bool { return r.State == "MASTER" && r.Pacer == pacer })
}

// A process that is stopped within its lease is not missed: the kernel sends its
// adverts.
func TestStopWithinTheLeaseIsNotSeen(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	da, _ := startPair(t, v3fast, "native", a, b)
	awaitPacer(t, a, "kernel clock")
	check := unmoved(t, a, b)
	missed := status(t, a).Pacer.Missed
	from := testnet.Now()
	for range 10 {
		da.Pause()
		time.Sleep(lease * 3 / 10)
		da.Resume()
		if !a.HasAddr(vip) {
			t.Error("the address is gone")
		}
		time.Sleep(50 * time.Millisecond)
	}
	cadence(t, advertsOf(tap, a), from, testnet.Now(), v3fast.interval, v3fast.masterDown(150))
	check()
	if s := status(t, a); s.Pacer.Missed != missed || s.Routers[0].Lapses+s.Routers[0].Pauses != 0 {
		t.Errorf("%d adverts missed, lapsed %d times, paused %d times", s.Pacer.Missed-missed, s.Routers[0].Lapses, s.Routers[0].Pauses)
	}
}

// One that is stopped for longer is succeeded, and finds that out before it says a
// word: also where it is a thread of its own that sends, and stops with it.
func TestStopBeyondTheLeaseGivesWay(t *testing.T) {
	for name, c := range map[string]struct {
		mode, pacer string
		lines       []string
		because     string
	}{
		"kernel":      {"native", "kernel clock", []string{ofLease}, "longer than its lease of 1s"},
		"thread":      {"native", "thread", []string{"vrrpx_pacer thread"}, "took over"},
		"without BPF": {"off", "thread", nil, "took over"},
		"signed":      {"native", "thread", []string{hmac(oneKey, "active_key 1")}, "took over"},
	} {
		t.Run(name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			conf := func(priority int) string {
				return v3fast.conf(priority, append(c.lines, "nopreempt", "garp_master_refresh 1")...)
			}
			da := start(t, a, c.mode, conf(150))
			awaitPacer(t, a, c.pacer)
			start(t, b, c.mode, conf(100))
			awaitRouter(t, b, "to follow", func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil })

			stopped := testnet.Now()
			da.Pause()
			await(t, "the other to take over", func() bool { return b.HasAddr(vip) })
			took := advertsOf(tap, b)[0].At.Sub(stopped)
			last, _ := lastAdvert(t, tap, a)
			if sent := last.Sub(stopped); c.pacer == "kernel clock" && (sent < lease*7/10 || sent > lease+slack) || c.pacer == "thread" && sent > slack {
				t.Errorf("adverts for %v after the stop", sent)
			}
			if most := lease + v3fast.masterDown(100) + slack; took > most {
				t.Errorf("the other took over after %v, want at most %v", took, most)
			}
			time.Sleep(lease + time.Second) // refreshes of gratuitous ARP fall due
			from := testnet.Now()
			da.Resume()
			awaitRouter(t, a, "to give way", func(r stats.Router) bool { return r.State == "BACKUP" && strings.Contains(r.Reason, c.because) })
			await(t, "one holder", func() bool { return !a.HasAddr(vip) && b.HasAddr(vip) })
			time.Sleep(5 * v3fast.masterDown(150))
			for _, f := range advertsOf(tap, a) {
				if f.At > from {
					t.Fatalf("an advert %v after it was resumed", f.At.Sub(from))
				}
			}
			for _, at := range garps(tap, a, vip) {
				if at > from {
					t.Fatalf("a gratuitous ARP %v after it was resumed", at.Sub(from))
				}
			}
			onlyHolder(t, tap, b, a)
			r := router(t, a)
			if n := len(r.History); n != 3 || r.Lapses+r.Pauses != 1 || (r.Lapses == 1) != (c.pacer == "kernel clock") {
				t.Errorf("%d transitions, lapsed %d times, paused %d times", n, r.Lapses, r.Pauses)
			}
			if log := da.Log(); !strings.Contains(log, c.because) {
				t.Errorf("the log does not say %q:\n%s", c.because, log)
			}
		})
	}
}

// Where nobody is there to take over, a pause is survived: MASTER still, and the
// addresses are announced again, not before it has listened.
func TestPauseThatNobodyUsedIsSurvived(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	tap := l.TapForTest(t)
	d := start(t, a, "native", v3fast.conf(150, "vrrpx_pacer thread", "garp_master_delay 0"))
	awaitPacer(t, a, "thread")
	check := unmoved(t, a)
	d.Pause()
	time.Sleep(10 * v3fast.masterDown(150))
	from := testnet.Now()
	d.Resume()
	awaitRouter(t, a, "to go on", func(r stats.Router) bool { return r.PausesSurvived == 1 })
	check()
	announced(t, tap, a, from, 5)
	var first vrrp.Instant
	for _, f := range advertsOf(tap, a) {
		if f.At > from && first == 0 {
			first = f.At
		}
	}
	if first == 0 || first.Sub(from) < v3fast.interval {
		t.Errorf("the first advert %v after it was resumed, which is no time to listen", first.Sub(from))
	}
	if log := d.Log(); !strings.Contains(log, "survived a pause of") {
		t.Errorf("the log does not tell:\n%s", log)
	}
	cadence(t, advertsOf(tap, a), first, testnet.Now(), v3fast.interval, v3fast.masterDown(150))
}

// status names what sends each router's adverts, and why not the kernel.
func TestStatusNamesThePacer(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	of := func(vrid int, every string, lines ...string) testnet.Instance {
		return testnet.Instance{VRID: vrid, AdvertInt: every, VIPs: []string{fmt.Sprintf("10.99.9.%d", vrid)}, Lines: lines}
	}
	start(t, a, "native", testnet.Conf(3,
		of(51, "0.1"), of(52, "0.1", hmac(oneKey, "active_key 1")), of(53, "0.1", "vrrpx_pacer thread"), of(54, "2"), of(55, "0.1", "vrrpx_lease 0"), of(56, "0.1", "vrrpx_lease 2.5")))
	await(t, "the daemon", func() bool {
		s, err := askStatus(t, a)
		return err == nil && len(s.Routers) == 6 && s.Routers[0].State == "MASTER"
	})
	text, _ := vrrpx(t, a, "status")
	for name, want := range map[string][2]string{
		"VI_51": {"kernel clock", ""}, "VI_52": {"thread", "signed adverts are finished by the thread that sends them"},
		"VI_53": {"thread", "vrrpx_pacer thread"}, "VI_54": {"thread", "the master-down interval, 7.21875 s, is longer than the longest lease"},
		"VI_55": {"thread", "vrrpx_lease 0"}, "VI_56": {"kernel clock", ""},
	} {
		r, _ := routerNamed(t, a, name)
		if r.Pacer != want[0] || !strings.HasPrefix(r.PacerReason, want[1]) || (r.PacerReason == "") != (want[1] == "") {
			t.Errorf("%s: %s (%s), want %s (%s)", name, r.Pacer, r.PacerReason, want[0], want[1])
		}
	}
	for _, line := range []string{"pacer       kernel clock, lease 2s", "pacer       kernel clock, lease 2.5s", "pacer       thread (vrrpx_pacer thread)"} {
		if !strings.Contains(text, line) {
			t.Errorf("status does not say %q:\n%s", line, text)
		}
	}
}

// Who demands the kernel where it cannot send is told by line.
func TestDemandForTheKernelThatCannotBeMet(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	file := filepath.Join(t.TempDir(), "keepalived.conf")
	must(t, os.WriteFile(file, []byte(v3.conf(150, "vrrpx_pacer kernel")), 0o644))
	out, code := vrrpx(t, a, "run", "--xdp=off", "-f", file)
	for _, want := range []string{file + ":10:5: (VI_51) vrrpx_pacer kernel: the kernel cannot send its adverts: --xdp=off", "hint: vrrpx_pacer auto"} {
		if code == 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, %q not in: %s", code, want, out)
		}
	}
	d := start(t, a, "native", v3.conf(150, "vrrpx_pacer kernel"))
	awaitPacer(t, a, "kernel clock")
	rewrite(t, d, v3.conf(150, "vrrpx_pacer kernel", "vrrpx_lease 0"))
	if out, code := vrrpx(t, a, "reload"); code == 0 || !strings.Contains(out, "vrrpx_pacer kernel: vrrpx_lease 0") {
		t.Errorf("reload: exit %d: %s", code, out)
	}
}

// Another lease, pacer or interval comes into force without a gap.
func TestReloadOfThePacerMakesNoGap(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	da, _ := startPair(t, v3fast, "native", a, b)
	awaitPacer(t, a, "kernel clock")
	check := unmoved(t, a, b)
	from := testnet.Now()
	for _, c := range []struct{ line, pacer string }{
		{ofLease, "kernel clock"}, {"vrrpx_pacer thread", "thread"}, {"vrrpx_lease 0", "thread"}, {"", "kernel clock"},
		{"priority 160", "kernel clock"}, {"advert_int 0.02", "kernel clock"}, {"", "kernel clock"},
	} {
		reload(t, da, v3fast.conf(150, c.line))
		awaitPacer(t, a, c.pacer)
		time.Sleep(100 * time.Millisecond)
	}
	check()
	cadence(t, advertsOf(tap, a), from, testnet.Now(), 2*v3fast.interval, v3fast.masterDown(150))
	if r := router(t, a); r.Pauses+r.Lapses != 0 || len(garps(tap, a, vip)) == 0 {
		t.Errorf("paused %d times, lapsed %d times", r.Pauses, r.Lapses)
	}
	for _, f := range tap.Frames() {
		if ad, ok := f.Advert(); ok && ad.Priority == 0 {
			t.Error("a release")
		}
	}
}
