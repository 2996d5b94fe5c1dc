package e2e

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/vrrpx/vrrpx/internal/netns"
	"github.com/vrrpx/vrrpx/internal/testnet"
)

// xdpPrograms lists the interfaces of a host that have an XDP program.
func xdpPrograms(t *testing.T, h *testnet.Host) (devices []string) {
	t.Helper()
	testnet.Need(t, "bpftool")
	out, err := h.Command(context.Background(), "bpftool", "-j", "net", "show").Output()
	must(t, err)
	var nets []struct {
		XDP []struct {
			Device string `json:"devname"`
		} `json:"xdp"`
	}
	if err := json.Unmarshal(out, &nets); err != nil || len(nets) != 1 {
		t.Fatalf("bpftool net: %v: %s", err, out)
	}
	for _, x := range nets[0].XDP {
		devices = append(devices, x.Device)
	}
	return devices
}

// runDir is where the daemon of a host keeps its files.
func runDir(t *testing.T, h *testnet.Host) (dir string) {
	t.Helper()
	must(t, h.Do(func() (err error) {
		dir, err = netns.RunDir()
		return err
	}))
	return dir
}

// clockPairs are the devices of advert clocks on a host.
func clockPairs(t *testing.T, h *testnet.Host) (names []string) {
	t.Helper()
	must(t, h.Do(func() error {
		links, err := netlink.LinkList()
		for _, l := range links {
			if strings.HasPrefix(l.Attrs().Alias, "vrrpx advert clock") {
				names = append(names, l.Attrs().Name)
			}
		}
		return err
	}))
	slices.Sort(names)
	return names
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestKilledDaemonIsSilentAndWhatItLeftIsAdoptedOrRemoved(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	tap := l.TapForTest(t)
	d := start(t, a, "native", v3fast.conf(150))
	awaitState(t, a, "MASTER")
	await(t, "the address", func() bool { return a.HasAddr(vip) })
	if got := xdpPrograms(t, a); len(got) != 1 || got[0] != "eth0" {
		t.Fatalf("a running daemon has XDP on %v", got)
	}
	if r := router(t, a); r.Pacer != "kernel clock" {
		t.Fatalf("adverts are sent by the %s: %s", r.Pacer, r.PacerReason)
	}
	onePair := func(when string) {
		t.Helper()
		if got := clockPairs(t, a); !slices.Equal(got, []string{"vrrpx0a", "vrrpx0b"}) {
			t.Errorf("%s: the pair of the advert clock: %v", when, got)
		}
	}
	onePair("running")
	pins := status(t, a).PinDir
	if !exists(pins) {
		t.Fatalf("no pins in %q", pins)
	}

	kill := func() {
		t.Helper()
		d.Kill9()
		killed := testnet.Now()
		if got := xdpPrograms(t, a); len(got) != 0 {
			t.Errorf("killed: XDP still on %v", got)
		}
		onePair("killed") // or its removal below is none
		if !a.HasAddr(vip) {
			t.Error("killed: the address has gone; the rest of this test would prove nothing")
		}
		time.Sleep(200 * time.Millisecond) // 20 adverts
		if last, _ := lastAdvert(t, tap, a); last > killed {
			t.Errorf("an advert %v after the death", last.Sub(killed))
		}
	}

	kill()
	must(t, d.Start())
	awaitState(t, a, "MASTER")
	await(t, "the address", func() bool { return a.HasAddr(vip) })
	onePair("restarted")
	if as := router(t, a).Addresses; len(as) != 1 || as[0].Foreign || !as[0].Present {
		t.Errorf("restarted over the address of a killed daemon: %+v", as)
	}
	must(t, d.Stop())
	nothingLeft(t, a, pins)

	must(t, d.Start())
	awaitState(t, a, "MASTER")
	await(t, "the address", func() bool { return a.HasAddr(vip) })
	kill()
	out, code := vrrpx(t, a, "cleanup")
	if code != 0 || !strings.Contains(out, vip) || !strings.Contains(out, "vrrpx0a") {
		t.Errorf("cleanup: exit %d: %s", code, out)
	}
	nothingLeft(t, a, pins)
	out, code = vrrpx(t, a, "cleanup")
	if code != 0 || !strings.Contains(out, "nothing was left") {
		t.Errorf("second cleanup: exit %d: %s", code, out)
	}
}

// nothingLeft checks that no trace of a daemon is on the host.
func nothingLeft(t *testing.T, h *testnet.Host, pins string) {
	t.Helper()
	if h.HasAddr(vip) {
		t.Error("the address is still there")
	}
	for _, path := range []string{pins, runDir(t, h)} {
		if exists(path) {
			t.Errorf("%s is still there", path)
		}
	}
	if got := xdpPrograms(t, h); len(got) != 0 {
		t.Errorf("XDP still on %v", got)
	}
	if got := clockPairs(t, h); len(got) != 0 {
		t.Errorf("the pair of the advert clock is still there: %v", got)
	}
}

func TestCleanupRefusesWhileADaemonRuns(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	start(t, a, "native", v3fast.conf(150))
	awaitState(t, a, "MASTER")
	check := unmoved(t, a)
	out, code := vrrpx(t, a, "cleanup")
	if code != 1 || !strings.Contains(out, "another vrrpx") || !strings.Contains(out, "hint:") {
		t.Errorf("cleanup beside a daemon: exit %d: %s", code, out)
	}
	check()
	if !a.HasAddr(vip) {
		t.Error("the address has gone")
	}
}
