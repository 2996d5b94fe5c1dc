package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// What `vrrpx check` says of the host that it runs on.
func TestCheckLooksAtItsHost(t *testing.T) {
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "lb01", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/24")}}}}.ForTest(t)
	lb01 := l.Host("lb01")
	dir := t.TempDir()
	script := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte("#!/bin/sh\n"), mode))
		must(t, os.Chmod(path, mode))
		return path
	}
	plain, open := script("plain", 0o644), script("open", 0o777)
	nonlocal := func(value string) {
		must(t, lb01.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_nonlocal_bind", []byte(value), 0) }))
	}
	check := func(vip, script string) string {
		path := filepath.Join(dir, "conf")
		text := fmt.Sprintf("global_defs {\nscript_user root\n}\nvrrp_script s {\nscript %q\n}\n", script) +
			testnet.Conf(2, testnet.Instance{VIPs: []string{vip}, Lines: []string{"track_script {\ns\n}"}})
		must(t, os.WriteFile(path, []byte(text), 0o600))
		out, code := vrrpx(t, lb01, "check", "-f", path)
		if code != 0 {
			t.Errorf("exit %d: %s", code, out)
		}
		return out
	}
	const good, attached, away = "/usr/bin/test", "10.0.0.3", "192.168.200.16"
	for _, c := range []struct{ vip, script, nonlocal, want string }{
		{away, good, "0", "warning: (VI_51) 192.168.200.16 is in no subnet of eth0 (10.0.0.5/24): neighbours reach it by a route alone; and while another host holds it no service here can listen on it"},
		{away, good, "1", "neighbours reach it by a route alone\n"},
		{attached, good, "0", "notice: net.ipv4.ip_nonlocal_bind is 0: a service that listens on 10.0.0.3 itself does not start here"},
		{attached, plain, "1", "conf:5:8: warning: \"" + plain + "\": permission denied: vrrpx run does not start with it\n  hint: write its whole path, and make it executable: chmod +x"},
		{attached, dir + "/none", "1", "no such file or directory: vrrpx run does not start"},
		{attached, open, "1", "runs as root, and others can change it: "},
		{attached + " dev eth7", good, "1", "warning: (VI_51) this host has no interface eth7"},
	} {
		nonlocal(c.nonlocal)
		if out := check(c.vip, c.script); !strings.Contains(out, c.want) {
			t.Errorf("want %q in\n%s", c.want, out)
		}
	}
	nonlocal("1")
	for _, vip := range []string{attached, attached + "/24", away + "/24"} {
		if out := check(vip, good); strings.Count(out, "\n") != 1 {
			t.Errorf("%s: said\n%s", vip, out)
		}
	}
}
