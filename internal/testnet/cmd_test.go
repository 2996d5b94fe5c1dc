package testnet

import (
	"context"
	"os"
	"strings"
	"testing"
)

func TestCommandRunsInTheNamespace(t *testing.T) {
	l := ForTest(t, "a")
	a := l.Host("a")
	want := ""
	if err := a.Do(func() (err error) { want, err = os.Readlink("/proc/thread-self/ns/net"); return }); err != nil {
		t.Fatal(err)
	}
	out, err := a.Command(context.Background(), "readlink", "/proc/self/ns/net").Output()
	if err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("command ran in %q (%v), want %s", out, err, want)
	}
	_, err = a.Command(context.Background(), "ls", "/nowhere/at/all").Output()
	if err == nil || !strings.Contains(err.Error(), "/nowhere/at/all") {
		t.Errorf("error %v does not hold the program's own words", err)
	}
	if _, err = a.Command(context.Background(), "/nowhere/at/all").Output(); err == nil {
		t.Error("a program that is not there was started")
	}
}

func TestSysfsShowsTheHostsInterfaces(t *testing.T) {
	l := ForTest(t, "a")
	mounts := func(sysfs bool, path string) string {
		cmd := l.Host("a").Command(context.Background(), "ls", path)
		cmd.Sysfs = sysfs
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if got := mounts(true, "/sys/class/net"); got != "eth0\nlo\n" {
		t.Errorf("/sys/class/net of a: %q", got)
	}
	if out, in := mounts(false, "/sys/fs/bpf"), mounts(true, "/sys/fs/bpf"); out != in {
		t.Errorf("/sys/fs/bpf differs: %q outside, %q inside", out, in)
	}
	if _, err := os.Stat("/sys/class/net/eth0"); err != nil && mounts(false, "/sys/class/net") == "eth0\nlo\n" {
		t.Error("the fresh /sys got out of the command's mount namespace")
	}
}
