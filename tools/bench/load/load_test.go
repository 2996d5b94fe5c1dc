package load

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

func TestHierarchyOfAController(t *testing.T) {
	const v1 = `25 20 0:23 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
26 20 0:24 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
27 20 0:25 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
	const v2 = "30 20 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n28 20 0:9 / /sys rw - sysfs sysfs rw\n"
	for _, c := range []struct {
		name, mounts string
		controller   Controller
		delegated    bool
		want         hierarchy
		fails        bool
	}{
		{"version 1", v1, Memory, false, hierarchy{"/sys/fs/cgroup/memory", 1}, false},
		{"version 1, two together", v1, CPU, false, hierarchy{"/sys/fs/cgroup/cpu,cpuacct", 1}, false},
		{"version 2", v2, CPU, true, hierarchy{"/sys/fs/cgroup", 2}, false},
		{"version 2, not delegated", v2, CPU, false, hierarchy{}, true},
		{"none", "28 20 0:9 / /sys rw - sysfs sysfs rw\n", CPU, true, hierarchy{}, true},
	} {
		got, err := find(c.mounts, c.controller, func(string) bool { return c.delegated })
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func TestNumbersOfAGroup(t *testing.T) {
	const text = "nr_periods 7\nnr_throttled 3\ninactive_file 4096\n"
	if got := stat([]byte(text), "nr_throttled"); got != 3 {
		t.Errorf("%d", got)
	}
	if got := stat([]byte(text), "file"); got != 0 {
		t.Errorf("of a name that is not there: %d", got)
	}
}

func TestFramesReachTheChildAsTheyAre(t *testing.T) {
	want := [][]byte{{1, 2, 0xff}, bytes.Repeat([]byte{7}, 1514)}
	got, err := readFrames(strings.NewReader(frameText(want)))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "zz\n"} {
		if _, err := readFrames(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestProcessorsAreThoseWeMayUse(t *testing.T) {
	got, err := processors()
	if err != nil || len(got) == 0 {
		t.Fatal(got, err)
	}
	out, err := exec.Command("nproc").Output()
	if n, _ := strconv.Atoi(strings.TrimSpace(string(out))); err == nil && n != len(got) {
		t.Errorf("%v, nproc says %d", got, n)
	}
}

func TestLoadsTakeProcessorTimeAndEnd(t *testing.T) {
	h := testnet.ForTest(t, "a").Host("a")
	ctx := context.Background()
	l, err := Busy(ctx, Options{Host: h}, 2, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if l.Alive() != 2 {
		t.Errorf("%d run", l.Alive())
	}
	l.Stop()
	l.Stop()
	if l.Alive() != 0 {
		t.Errorf("%d run after Stop", l.Alive())
	}
	forks, err := Forks(ctx, Options{Host: h}, 4, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	last, err := forks.Wait(ctx)
	if err != nil || len(last) != 1 {
		t.Fatal(last, err)
	}
	if n, err := strconv.Atoi(last[0]); err != nil || n == 0 {
		t.Errorf("forks said %q", last[0])
	}
	if _, err := run(ctx, Options{Host: h}, 1, "nonsense", time.Second, func(int) []string { return nil }); err == nil || !strings.Contains(err.Error(), "no such kind") {
		t.Errorf("an unknown kind: %v", err)
	}
	if _, err := FIFOAt(ctx, Options{Host: h}, 1, In(-time.Second), time.Second); err == nil || !strings.Contains(err.Error(), "not ready in time") {
		t.Errorf("loops that came too late: %v", err)
	}
	if _, err := start(ctx, Options{Host: h}, "busy", 0); err == nil {
		t.Error("a load without an end was started")
	}
}

func TestGroupLimitsAndIsRemoved(t *testing.T) {
	h := testnet.ForTest(t, "a").Host("a")
	g, err := NewGroup(CPU, "test")
	if err != nil {
		t.Skipf("no cgroup: %v", err)
	}
	defer g.Remove()
	if err := g.Quota(10*time.Millisecond, 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	l, err := Busy(context.Background(), Options{Host: h, Groups: []*Group{g}}, 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	if !testnet.WaitFor(10*time.Second, func() bool { n, _ := g.Throttled(); return n > 0 }) {
		t.Error("a busy loop never used up a quota of a tenth")
	}
	if err := g.Remove(); err != nil { // with the loop in it
		t.Fatal(err)
	}
	if _, err := os.Stat(g.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", g.Dir, err)
	}
	if err := RemoveLeft(); err != nil {
		t.Error(err)
	}
}
