package e2e

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

//vrrp:row 34 43
func TestStalledBackupDoesNotTakeOver(t *testing.T) {
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			_, db := startPair(t, v3fast, mode, a, b)
			check := unmoved(t, a, b)
			tap.Clear()
			for range 20 {
				db.Pause()
				time.Sleep(300 * time.Millisecond) // 8 master-down intervals
				db.Resume()
				time.Sleep(30 * time.Millisecond)
			}
			check()
			if n := len(advertsOf(tap, b)); n != 0 {
				t.Errorf("%d adverts of the backup", n)
			}
		})
	}
}

func TestHungLogReaderDelaysNothing(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	tap := l.TapForTest(t)
	reader, stderr, err := os.Pipe()
	must(t, err)
	defer reader.Close()
	defer stderr.Close()
	cmd := runWithStderr(t, a, stderr, "--log-level=debug")
	awaitState(t, a, "MASTER")

	// Each time that somebody removes the address is news, and so a line.
	remove := func(times int) {
		t.Helper()
		for range times {
			await(t, "the address", func() bool { return a.HasAddr(vip) })
			must(t, a.DelAddr("eth0", netip.MustParsePrefix(vip+"/32")))
		}
	}
	written := func() uint64 { return status(t, a).Logs.Written }
	before := written()
	remove(20)
	if now := written(); now < before+10 {
		t.Fatalf("%d lines were logged after %d: nothing would flood the log", now, before)
	}

	fill(t, stderr)
	before, from := written(), testnet.Now()
	remove(20)
	time.Sleep(time.Second)
	cadence(t, advertsOf(tap, a), from, testnet.Now(), v3.interval, v3.masterDown(100))
	if now := written(); now != before {
		t.Fatalf("%d lines were logged after %d: nothing hung", now, before)
	}

	asked := time.Now()
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	if took := time.Since(asked); took > time.Second {
		t.Errorf("took %v to stop", took)
	}
	if _, ad := lastAdvert(t, tap, a); ad.Priority != 0 || a.HasAddr(vip) {
		t.Errorf("last advert has priority %d, address still there: %v", ad.Priority, a.HasAddr(vip))
	}
}

// runWithStderr starts vrrpx as MASTER with a log that goes where the test
// wants. It is killed with the test.
func runWithStderr(t *testing.T, h *testnet.Host, stderr *os.File, args ...string) *testnet.Cmd {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "keepalived.conf")
	must(t, os.WriteFile(conf, []byte(v3.conf(150)), 0o644))
	cmd := h.Command(context.Background(), testnet.Binary(t), append([]string{"run", "-f", conf}, args...)...)
	cmd.Stderr = stderr
	must(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // killed
		}
		vrrpx(t, h, "cleanup")
	})
	return cmd
}

// fill leaves no room in a pipe. It opens the pipe anew, because to write
// without waiting is a property of the open file that the daemon shares.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(int(pipe.Fd())), unix.O_WRONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	defer unix.Close(fd)
	for _, size := range []int{4096, 1} {
		for err = nil; err == nil; {
			_, err = unix.Write(fd, make([]byte, size))
		}
		if err != unix.EAGAIN {
			t.Fatal(err)
		}
	}
}

func TestIdleBackupHardlyWakes(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	l := testnet.ForTest(t, "a", "b", "c")
	a, b := l.Host("a"), l.Host("b")
	_, db := startPair(t, v3fast, "native", a, b)
	dc := l.Host("c").StartForTest(t, testnet.Keepalived, v3fast.conf(90))
	time.Sleep(2 * time.Second) // both have settled

	const window = 10 * time.Second // of the daemon's own housekeeping
	switchesB, switchesC, cpuB, cpuC := db.Switches(), dc.Switches(), db.CPU(), dc.CPU()
	time.Sleep(window)
	perSecond := func(now, before uint64) float64 { return float64(now-before) / window.Seconds() }
	wakes := perSecond(db.Switches(), switchesB)
	t.Logf("idle backup at 10 ms adverts: vrrpx %.1f context switches/s, %v CPU in %v; keepalived %.1f/s, %v",
		wakes, db.CPU()-cpuB, window, perSecond(dc.Switches(), switchesC), dc.CPU()-cpuC)
	if wakes > 20 {
		t.Errorf("%.1f context switches a second, want nearly none", wakes)
	}
	if r := router(t, b); r.State != "BACKUP" || r.DeadlineBy != "kernel" {
		t.Errorf("measured a %s whose deadline the %s keeps", r.State, r.DeadlineBy)
	}
}
