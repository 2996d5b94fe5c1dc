package e2e

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/rundir"
	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestMalformedConfigurationIsRefusedByLine(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	instance := func(lines ...string) string {
		return "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\npriority 100\n" +
			strings.Join(lines, "\n") + "\nvirtual_ipaddress {\n10.99.9.1/24\n}\n}\n"
	}
	for _, c := range []struct {
		name, conf string
		line       int
	}{
		{"unclosed block", "global_defs {\nrouter_id x\n}\nvrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.99.9.1\n}\n", 4},
		{"stray brace", instance() + "}\n", 10},
		{"unknown keyword", instance("prioriti 100"), 5},
		{"priority out of range", instance("priority 256"), 5},
		{"no number", instance("advert_int often"), 5},
		{"VRID 0", strings.Replace(instance(), "51", "0", 1), 3},
		{"no address", strings.Replace(instance(), "10.99.9.1/24", "10.99.9.256/24", 1), 7},
		{"prefix too long", strings.Replace(instance(), "/24", "/33", 1), 7},
		{"no VRID", strings.Replace(instance(), "virtual_router_id 51\n", "", 1), 1},
		{"password missing", instance("authentication {", "auth_type PASS", "}"), 6},
		{"not supported yet", instance("use_ipvlan"), 5},
		{"unclosed quote", instance(`notify_master "/bin/true`), 5},
		{"bytes of no text", instance("\x00\xff\xfe"), 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "bad.conf")
			must(t, os.WriteFile(file, []byte(c.conf), 0o644))
			want := fmt.Sprintf("%s:%d:", file, c.line)
			for _, verb := range []string{"run", "check"} {
				out, code := vrrpx(t, a, verb, "-f", file)
				if code != 1 || !strings.Contains(out, want) || !strings.Contains(out, "error:") {
					t.Errorf("%s: exit %d, want 1 and an error at %s\n%s", verb, code, want, out)
				}
				if strings.Contains(out, "goroutine ") {
					t.Errorf("%s panicked", verb)
				}
			}
		})
	}
	if a.HasAddr("10.99.9.1") || exists(runDir(t, a)) {
		t.Error("a refused configuration has left something")
	}
}

func TestRandomBytesToTheControlSocketDisturbNobody(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	startPair(t, v3, "native", a, b)
	check := unmoved(t, a, b)
	from := testnet.Now()
	path := filepath.Join(runDir(t, a), rundir.Socket)
	for range 200 {
		c, err := net.Dial("unix", path)
		must(t, err)
		bytes := make([]byte, 8192)
		rand.Read(bytes)
		must(t, c.SetDeadline(time.Now().Add(patience)))
		_, _ = c.Write(bytes) // it may hang up in the middle
		c.Close()
	}
	held, err := net.Dial("unix", path) // and one who asks nothing and stays
	must(t, err)
	defer held.Close()
	time.Sleep(time.Second)
	check()
	cadence(t, advertsOf(tap, a), from, testnet.Now(), v3.interval, v3.masterDown(100))
}

func TestSecondDaemonIsRefusedAndTheFirstUndisturbed(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	tap := l.TapForTest(t)
	d := start(t, a, "native", v3.conf(150))
	awaitState(t, a, "MASTER")
	await(t, "the address", func() bool { return a.HasAddr(vip) })
	check, from := unmoved(t, a), testnet.Now()

	out, code := vrrpx(t, a, "run", "-i", "eth0", "--vrid", "52", "--vip", "10.99.9.2")
	want := fmt.Sprintf("another vrrpx (pid %d)", d.PIDs()[0])
	if code != 1 || !strings.Contains(out, want) || !strings.Contains(out, "hint:") {
		t.Errorf("exit %d, want 1 and %q: %s", code, want, out)
	}
	time.Sleep(time.Second)
	check()
	if !a.HasAddr(vip) || len(xdpPrograms(t, a)) != 1 || !exists(status(t, a).PinDir) {
		t.Error("the first daemon has lost its address, its program or its pins")
	}
	cadence(t, advertsOf(tap, a), from, testnet.Now(), v3.interval, v3.masterDown(100))
}

func TestMissingInterfaceIsNamed(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	out, code := vrrpx(t, a, "run", "-i", "eth9", "--vrid", "51", "--vip", vip)
	if code != 1 || !strings.Contains(out, "eth9") || !strings.Contains(out, "does not exist") || !strings.Contains(out, "hint:") {
		t.Errorf("exit %d: %s", code, out)
	}
	if exists(runDir(t, a)) {
		t.Error("it has left its run directory")
	}
}

func TestFlagsAloneRunARouter(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	tap := l.TapForTest(t)
	cmd := a.Command(t.Context(), testnet.Binary(t), "run", "-i", "eth0", "--vrid", "7", "--priority", "255", "--vip", "10.99.9.1/24", "--advert-int", "100ms")
	must(t, cmd.Start())
	await(t, "the address", func() bool { return a.HasAddr(vip) })
	must(t, cmd.Process.Signal(os.Interrupt))
	must(t, cmd.Wait())
	if _, ad := lastAdvert(t, tap, a); ad.VRID != 7 || ad.Priority != 0 {
		t.Errorf("last advert %+v", ad)
	}
}

func TestSIGTERMReleasesWithinASecond(t *testing.T) {
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a")
			a := l.Host("a")
			tap := l.TapForTest(t)
			d := start(t, a, mode, v3.conf(150))
			awaitState(t, a, "MASTER")
			await(t, "the address", func() bool { return a.HasAddr(vip) })
			pins := filepath.Join("/sys/fs/bpf/vrrpx", filepath.Base(runDir(t, a)))
			if mode != "off" && !exists(pins) {
				t.Fatalf("no pins in %s", pins)
			}
			asked := time.Now()
			must(t, d.Stop()) // an error when the exit code is not 0
			if took := time.Since(asked); took > time.Second {
				t.Errorf("took %v", took)
			}
			at, ad := lastAdvert(t, tap, a)
			if ad.Priority != 0 {
				t.Errorf("last advert has priority %d, want 0", ad.Priority)
			}
			nothingLeft(t, a, pins)
			for _, g := range garps(tap, a, vip) {
				if g > at {
					t.Error("a gratuitous ARP after the farewell")
				}
			}
		})
	}
}
