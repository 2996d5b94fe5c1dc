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
)

// scriptUser goes before a configuration whose scripts run as root.
const scriptUser = "global_defs {\nenable_script_security\nscript_user root\n}\n"

// fileCheck is a vrrp_script that succeeds while a file is there.
func fileCheck(file string, lines ...string) string {
	return fmt.Sprintf("%svrrp_script check {\nscript \"/usr/bin/test -e %s\"\ninterval 0.2\n%s\n}\n", scriptUser, file, strings.Join(lines, "\n"))
}

func touch(t *testing.T, file string) {
	t.Helper()
	must(t, os.WriteFile(file, nil, 0o644))
}

// A script with a weight moves the address to keepalived on the other host and
// back; it decides the priority and makes no fault.
func TestFailingCheckMovesTheAddressToKeepalivedAndBack(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	for name, weight := range map[string]struct {
		priority int
		weight   string
	}{"subtracted": {150, "weight -60"}, "added": {90, "weight 60"}} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "alive")
			touch(t, file)
			start(t, a, "native", fileCheck(file, weight.weight, "fall 2")+v3.conf(weight.priority, "track_script {", "check", "}"))
			awaitState(t, a, "MASTER")
			keepalived.start(t, b, v3.conf(100))
			onlyHolder(t, tap, a, b)

			must(t, os.Remove(file))
			onlyHolder(t, tap, b, a)
			r := router(t, a)
			if r.State != "BACKUP" || r.Priority != 90 {
				t.Errorf("%s with priority %d, want BACKUP with 90", r.State, r.Priority)
			}
			touch(t, file)
			onlyHolder(t, tap, a, b)
			if r := router(t, a); r.Priority != 150 {
				t.Errorf("priority %d, want 150", r.Priority)
			}
		})
	}
}

func TestCheckWithoutWeightIsAFault(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	file := filepath.Join(t.TempDir(), "alive")
	d := start(t, a, "native", fileCheck(file)+v3.conf(150, "track_script {", "check", "}"))
	awaitState(t, a, "FAULT")
	if r := router(t, a); len(r.History) != 1 || r.Reason != "script check is down" {
		t.Errorf("%q after %+v, want one transition to FAULT", r.Reason, r.History)
	}
	touch(t, file)
	awaitState(t, a, "MASTER")
	must(t, os.Remove(file))
	awaitState(t, a, "FAULT")
	if a.HasAddr(vip) {
		t.Error("a host in FAULT has the address")
	}
	if n := strings.Count(d.Log(), "exit status 1"); n != 2 {
		t.Errorf("the failure is logged %d times, want once each time it begins", n)
	}
}

func TestTrackedInterfaceDecidesElsewhere(t *testing.T) {
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}}, Links: 3}.ForTest(t)
	a := l.Host("a")
	start(t, a, "native", v3.conf(150, "track_interface {", "eth1", "eth2 weight -20", "}"))
	awaitState(t, a, "MASTER")
	must(t, a.Links[2].Cut())
	awaitRouter(t, a, "to have priority 130", func(r stats.Router) bool { return r.Priority == 130 && r.State == "MASTER" })
	must(t, a.Links[1].Cut())
	awaitState(t, a, "FAULT")
	must(t, a.Links[2].Join())
	must(t, a.Links[1].Join())
	awaitRouter(t, a, "to be as before", func(r stats.Router) bool { return r.Priority == 150 && r.State == "MASTER" })
}

// Half of them hang, the others come and go: the adverts know nothing of it.
func TestManyChecksDisturbNoAdvert(t *testing.T) {
	const n = 255
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	tap := l.TapForTest(t)
	conf := strings.Builder{}
	conf.WriteString(scriptUser)
	var tracks []string
	for i := range n {
		program := "/bin/true"
		if i%2 == 1 {
			program = "/bin/sleep 1000"
		}
		fmt.Fprintf(&conf, "vrrp_script s%d {\nscript \"%s\"\ninterval 1\ntimeout 1\nweight 1\n}\n", i, program)
		tracks = append(tracks, fmt.Sprintf("s%d", i))
	}
	lines := append(append([]string{"track_script {"}, tracks...), "}")
	d := start(t, a, "native", conf.String()+v3fast.conf(100, lines...))
	awaitRouter(t, a, "to have run its checks", func(r stats.Router) bool { return r.Priority == 100+(n+1)/2 && r.State == "MASTER" })
	tap.Clear()
	time.Sleep(10 * time.Second)
	ads := advertsOf(tap, a)
	worst := time.Duration(0)
	for i := 1; i < len(ads); i++ {
		worst = max(worst, ads[i].At.Sub(ads[i-1].At))
	}
	dead := zombies(d.PIDs())
	time.Sleep(time.Second) // one that has just ended is about to be waited for
	dead = zombies(dead)
	t.Logf("%d adverts in 10 s, longest gap %v; %d zombies; resident %s", len(ads), worst, len(dead), resident(t, d))
	if len(ads) < 950 || worst > 100*time.Millisecond || len(dead) > 0 {
		t.Errorf("%d adverts, longest gap %v, %d zombies", len(ads), worst, len(dead))
	}
}

// zombies are those of the processes that have ended and are not waited for.
func zombies(pids []int) (dead []int) {
	for _, pid := range pids {
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && strings.Contains(string(b), ") Z ") {
			dead = append(dead, pid)
		}
	}
	return dead
}

func resident(t *testing.T, d *testnet.Daemon) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.PIDs()[0]))
	must(t, err)
	for line := range strings.Lines(string(b)) {
		if rss, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(rss)
		}
	}
	return "unknown"
}

func TestProgramThatOthersCanChangeIsRefusedByName(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	dir := t.TempDir()
	loose := filepath.Join(dir, "loose")
	must(t, os.WriteFile(loose, []byte("#!/bin/sh\n"), 0o777))
	must(t, os.Chmod(loose, 0o777))
	conf := filepath.Join(dir, "keepalived.conf")
	must(t, os.WriteFile(conf, []byte(scriptUser+v3.conf(150, `notify_master "`+loose+` a"`)), 0o644))
	out, code := vrrpx(t, a, "run", "-f", conf)
	for _, want := range []string{"vrrpx: error: ", conf + ":14:", loose + " can be written by everyone", "vrrpx: hint: "} {
		if code == 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, %q is not in:\n%s", code, want, out)
		}
	}
}

// An address cannot be held where its interface is down; no_track says that the
// others are worth holding without it.
func TestInterfaceOfAnAddressIsTrackedUnlessToldOtherwise(t *testing.T) {
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}}, Links: 3}.ForTest(t)
	a := l.Host("a")
	start(t, a, "native", testnet.Conf(3, testnet.Instance{
		Priority: 150, AdvertInt: "0.1", VIPs: []string{vip, "10.101.9.1/16 dev eth1", "10.102.9.1/16 dev eth2 no_track"},
	}))
	awaitState(t, a, "MASTER")
	check := unmoved(t, a)
	must(t, a.Links[2].Cut())
	time.Sleep(slack)
	check()
	must(t, a.Links[1].Cut())
	awaitRouter(t, a, "to be in FAULT", func(r stats.Router) bool { return r.State == "FAULT" && r.Reason == "interface eth1 is down" })
	must(t, a.Links[1].Join())
	awaitState(t, a, "MASTER")
	await(t, "the address of the interface that is back", func() bool { return a.HasAddr("10.101.9.1") })
}
