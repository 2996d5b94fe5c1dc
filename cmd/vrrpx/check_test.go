package main

import (
	"strings"
	"testing"
)

func TestCheckComparesTheFilesOfTwoHosts(t *testing.T) {
	both := conf(t, strings.Replace(good, "interface", "@lb01 priority 150\n@lb02 priority 150\n@lb03 priority 100\ninterface", 1))
	code, out, _ := call("check", "--host=off", "-f", both, "--config-id", "lb01", "--peer", both, "--peer-id", "lb02")
	if code != 0 || !strings.Contains(out, both+":2:8: warning: (VI_1) priority 150, and the same at "+both+":3:7") {
		t.Errorf("exit code %d, %s", code, out)
	}
	code, out, _ = call("check", "--host=off", "-f", both, "--config-id", "lb01", "--peer", both, "--peer-id", "lb03")
	if code != 0 || strings.Contains(out, "warning") {
		t.Errorf("exit code %d, %s", code, out)
	}
	if code, out, _ := call("check", "-f", both, "--peer", both+".none"); code != exitError || !strings.Contains(out, ".none: error: ") {
		t.Errorf("exit code %d, %s", code, out)
	}
}

func TestCheckLooksAtAHostThatHasTheInterface(t *testing.T) {
	path := conf(t, strings.Replace(good, "eth0", "no-such-if0", 1))
	for host, want := range map[string]bool{"auto": false, "off": false, "on": true} {
		code, out, _ := call("check", "--host="+host, "-f", path)
		if code != 0 || strings.Contains(out, "warning: (VI_1) this host has no interface no-such-if0") != want {
			t.Errorf("--host=%s: exit code %d, %s", host, code, out)
		}
	}
	for _, flags := range [][]string{{"--host=maybe"}, {"--peer-id=a"}} {
		if code, _, stderr := call(append([]string{"check", "-f", path}, flags...)...); code != exitUsage {
			t.Errorf("%v: exit code %d, %s", flags, code, stderr)
		}
	}
}
