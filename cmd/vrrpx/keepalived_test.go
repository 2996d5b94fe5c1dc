package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/testnet"
)

// named calls the program as keepalived.
func named(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = asKeepalived(context.Background(), env{stdout: &out, stderr: &err}, args)
	return code, out.String(), err.String()
}

func TestSignumIsKeepalivedsOwn(t *testing.T) {
	testnet.Need(t, "keepalived")
	for _, name := range []string{"STOP", "RELOAD", "DATA", "STATS", "STATS_CLEAR", "JSON", "HUP"} {
		theirs := exec.Command("keepalived", "--signum="+name)
		want, err := theirs.Output()
		code, out, _ := named("--signum=" + name)
		if out != string(want) || (code == 0) != (err == nil) {
			t.Errorf("%s: %q with code %d; keepalived: %q, %v", name, out, code, want, err)
		}
	}
}

// Every option of the installed keepalived is known, with its letter and with
// an argument where it takes one.
func TestEveryOptionOfKeepalivedIsKnown(t *testing.T) {
	testnet.Need(t, "keepalived")
	help, _ := exec.Command("keepalived", "--help").CombinedOutput() // its exit code is not 0
	lines := regexp.MustCompile(`(?m)^  (?:-(\w), |    )--([\w-]+)(\[?=|  | id)`).FindAllStringSubmatch(string(help), -1)
	if len(lines) < 30 {
		t.Fatalf("%d options in keepalived --help", len(lines))
	}
	ours := new(keepalivedOptions).options()
	for _, l := range lines {
		i := slices.IndexFunc(ours, func(o option) bool { return o.long == l[2] })
		if i < 0 {
			t.Errorf("--%s is not known", l[2])
			continue
		}
		want := map[string]takes{"=": anArgument, " id": anArgument, "[=": maybeArgument, "  ": nothing}[l[3]]
		if o := ours[i]; string(bytes.Trim([]byte{o.letter}, "\x00")) != l[1] || o.takes != want && l[2] != "core-dump-pattern" {
			t.Errorf("--%s: letter %q, takes %d; keepalived: %q, %d", l[2], o.letter, o.takes, l[1], want)
		}
	}
}

func TestEveryOptionIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operation.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range new(keepalivedOptions).options() {
		name := "--" + o.long
		if o.letter != 0 {
			name = "-" + string(o.letter) + " " + name
		}
		if !regexp.MustCompile("`" + name + "[`=\\[]").Match(doc) {
			t.Errorf("docs/operation.md lacks %s", name)
		}
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--bogus"}, "--bogus"},
		{[]string{"-C"}, "--check alone"},
		{[]string{"-T"}, "--genhash"},
		{[]string{"-e"}, "includea"},
		{[]string{"-S", "9"}, `"9"`},
		{[]string{"-S", "local8"}, "local0 to local7"},
		{[]string{"-u", "08"}, `"08"`},
		{[]string{"--signum=HUP"}, "HUP"},
		{[]string{"-n", "stray"}, "stray"},
	} {
		if code, _, stderr := named(tc.args...); code != exitError || !strings.Contains(stderr, tc.want) {
			t.Errorf("%v: code %d, %q lacks %q", tc.args, code, stderr, tc.want)
		}
	}
}

func TestVersionTellsExportersWhatTheyParse(t *testing.T) {
	code, _, stderr := named("-v")
	if code != 0 || !regexp.MustCompile(`^Keepalived v\d+\.\d+\.\d+ `).MatchString(stderr) {
		t.Errorf("code %d, %q", code, stderr)
	}
}

func TestPIDFileNames(t *testing.T) {
	for _, tc := range []struct {
		args []string
		conf config.Files
		want string
	}{
		{nil, config.Files{}, "/run/keepalived.pid /run/vrrp.pid"},
		{nil, config.Files{PIDDir: true}, "/run/keepalived/keepalived.pid /run/keepalived/vrrp.pid"},
		{nil, config.Files{Instance: "a"}, "/run/keepalived/a_keepalived.pid /run/keepalived/a_vrrp.pid"},
		{[]string{"-s", "red"}, config.Files{Instance: "a"}, "/run/keepalived/red_a_keepalived.pid /run/keepalived/red_a_vrrp.pid"},
		{[]string{"-p", "/x", "-r", "/y"}, config.Files{PIDDir: true}, "/x /y"},
		{[]string{"-p", "/x", "-r", "/x"}, config.Files{}, "/x"},
	} {
		var k keepalivedOptions
		if _, err := getopt(k.options(), tc.args); err != nil {
			t.Fatal(err)
		}
		cfg := config.Config{Global: config.Global{Files: tc.conf}}
		k.adjust(&cfg)
		if got := strings.Join(k.pidFiles(&cfg.Global), " "); got != tc.want {
			t.Errorf("%v, %+v: %s, want %s", tc.args, tc.conf, got, tc.want)
		}
	}
}

func TestPIDFiles(t *testing.T) {
	dir := t.TempDir()
	victim, pid := filepath.Join(dir, "victim"), filepath.Join(dir, "pid")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, pid); err != nil {
		t.Fatal(err)
	}
	remove, err := writePIDs([]string{pid, filepath.Join(dir, "new", "pid")})
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(victim); string(b) != "precious" {
		t.Errorf("a symbolic link was written through: %q", b)
	}
	remove()
	if _, err := os.Lstat(pid); err == nil {
		t.Error("a pid file stays")
	}

	// A process of another name with the number of one that died is nobody.
	if err := os.WriteFile(pid, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if remove, err = writePIDs([]string{pid}); err != nil {
		t.Error(err)
	} else {
		remove()
	}

	living := exec.Command("bash", "-c", "printf keepalived >/proc/self/comm; echo; read x")
	in, _ := living.StdinPipe()
	out, _ := living.StdoutPipe()
	if err := living.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = living.Wait() }()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	// /proc/self was bash's own: the name is that of the process.
	if err := writeNew(filepath.Join(dir, "pid2"), strconv.Itoa(living.Process.Pid)); err != nil {
		t.Fatal(err)
	}
	if _, err := writePIDs([]string{filepath.Join(dir, "pid2")}); err == nil || !strings.Contains(err.Error(), "keepalived (pid") {
		t.Errorf("beside a keepalived that lives: %v", err)
	}
}

func TestConfigTestCodes(t *testing.T) {
	lo := strings.Replace(good, "eth0", "lo", 1) // an interface that every host has
	secure := "global_defs {\nenable_script_security\nscript_user root\n}\n"
	script := "vrrp_script S {\nscript /bin/true\n}\n"
	for _, tc := range []struct {
		name, conf string
		code       int
		says       string
	}{
		{"good", lo, 0, ""},
		{"an unknown keyword", lo + "vrrp_instanc X {\n}\n", testErrors, "vrrp_instanc"},
		{"no such interface", strings.Replace(good, "eth0", "no-such-if0", 1), testErrors, "no-such-if0"},
		{"a script of root's, unwatched", "global_defs {\nscript_user root\n}\n" + script + lo, testInsecure, "enable_script_security"},
		{"a script of root's", secure + script + lo, 0, ""},
		{"no such script", secure + strings.Replace(script, "true", "no-such", 1) + lo, testErrors, "/bin/no-such"},
		{"no such user", strings.Replace(secure, "user root", "user no-such", 1) + script + lo, testErrors, "no-such"},
	} {
		path := conf(t, tc.conf)
		code, out, stderr := named("-t", "-f", path)
		if code != tc.code || !strings.Contains(stderr, tc.says) || out != "" {
			t.Errorf("%s: code %d, want %d; %q lacks %q", tc.name, code, tc.code, stderr, tc.says)
		}
		// To a file: the same, behind what is in it.
		file := filepath.Join(t.TempDir(), "out")
		for range 2 {
			if code, _, stderr := named("-t"+file, "-f", path); code != tc.code || stderr != "" {
				t.Errorf("%s: with a file: code %d, %q", tc.name, code, stderr)
			}
		}
		if b, _ := os.ReadFile(file); string(b) != stderr+stderr {
			t.Errorf("%s: the file has %q, want twice %q", tc.name, b, stderr)
		}
	}
	if code, _, stderr := named("-t", "-f", "/no/such/file"); code != testMissing || !strings.Contains(stderr, "/no/such/file") {
		t.Errorf("a missing file: code %d, %q", code, stderr)
	}
}
