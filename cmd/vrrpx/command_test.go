package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// call runs a command in this process.
func call(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), env{stdout: &out, stderr: &err}, args)
	return code, out.String(), err.String()
}

func TestHelpListsEveryCommand(t *testing.T) {
	code, out, _ := call("--help")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, c := range commands() {
		if !strings.Contains(out, "\n  "+c.name) {
			t.Errorf("%s is not listed", c.name)
		}
		if code, out, _ := call(c.name, "--help"); code != 0 || !strings.Contains(out, "Usage: vrrpx "+c.name) {
			t.Errorf("%s --help: exit code %d, %q", c.name, code, out)
		}
	}
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string // in the error
	}{
		{[]string{"runn"}, `no command "runn"`},
		{[]string{"run"}, "nothing to run"},
		{[]string{"run", "-f", "x", "--vrid", "1"}, "exclude each other"},
		{[]string{"run", "--nonsense"}, "unknown flag"},
		{[]string{"run", "-f", "x", "--xdp", "offload"}, "offload"},
		{[]string{"run", "-f", "x", "--log-level", "loud"}, "loud"},
		{[]string{"run", "-f", "x", "--metrics", "localhost:9652"}, "--metrics \"localhost:9652\": expected ADDRESS:PORT"},
		{[]string{"check"}, "no file"},
		{[]string{"record"}, "no file to write"},
		{[]string{"record", "-o", "x", "--since", "-1s"}, "negative"},
		{[]string{"record", "-o", "x", "--since", "soon"}, "soon"},
		{[]string{"watch", "-n", "10ms"}, "10ms"},
		{[]string{"watch", "-n", "2m"}, "2m"},
		{[]string{"speakers", "eth0"}, `unexpected argument "eth0"`},
		{[]string{"status", "eth0"}, `unexpected argument "eth0"`},
	} {
		code, _, stderr := call(tc.args...)
		if code != exitUsage {
			t.Errorf("%v: exit code %d, want %d", tc.args, code, exitUsage)
		}
		if !strings.Contains(stderr, "vrrpx: error: ") || !strings.Contains(stderr, tc.want) || !strings.Contains(stderr, "vrrpx: hint: ") {
			t.Errorf("%v: stderr %q lacks %q or a hint", tc.args, stderr, tc.want)
		}
	}
}

func conf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keepalived.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const good = `vrrp_instance VI_1 {
	interface eth0
	virtual_router_id 51
	virtual_ipaddress {
		10.0.0.3/24
	}
}
`

func TestCheckOfAGoodFile(t *testing.T) {
	if code, out, _ := call("check", "-f", conf(t, good)); code != 0 || !strings.Contains(out, "good") {
		t.Errorf("exit code %d, %q", code, out)
	}
}

func TestCheckNamesEveryBadLine(t *testing.T) {
	path := conf(t, strings.Replace(strings.Replace(good, "51", "256", 1), "10.0.0.3/24", "10.0.0.300/24", 1))
	code, out, _ := call("check", "-f", path)
	if code != exitError {
		t.Errorf("exit code %d, want %d", code, exitError)
	}
	for _, want := range []string{path + ":3:", path + ":5:"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q does not name %s", out, want)
		}
	}
}

// The interface does not exist: were the configuration taken, the daemon would
// still not start on the machine that runs the test.
func TestFlagsAreCheckedLikeTheFile(t *testing.T) {
	const none = "no-such-if0"
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--vrid", "51", "--vip", "10.0.0.3/24", "--advert-int", "1ms"}, "advert_int"},
		{[]string{"--vip", "10.0.0.3/24"}, "virtual_router_id"},
		{[]string{"--vrid", "51", "--vip", "10.0.0.300"}, "10.0.0.300"},
		{[]string{"--vrid", "51", "--vip", "10.0.0.3/24\n} vrrp_instance X {"}, "vrrp_instance"},
		{[]string{"--vrid", "51", "--vip", "10.0.0.3/24 label eth0:a-label-too-long"}, "label"},
	} {
		code, _, stderr := call(append([]string{"run", "-i", none}, tc.args...)...)
		if code != exitError || !strings.Contains(stderr, tc.want) {
			t.Errorf("%q: exit code %d, %q lacks %q", tc.args, code, stderr, tc.want)
		}
		if strings.Contains(stderr, "does not exist") {
			t.Errorf("%q: the configuration was taken: %q", tc.args, stderr)
		}
	}
}
