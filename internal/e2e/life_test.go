package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// service is vrrpx by the name of keepalived, in the background.
type service struct {
	host *testnet.Host
	dir  string // its files
}

// newService makes the symbolic link. What is started is killed with the test.
func newService(t *testing.T, h *testnet.Host) *service {
	t.Helper()
	s := &service{h, t.TempDir()}
	must(t, os.Symlink(testnet.Binary(t), s.path("keepalived")))
	t.Cleanup(func() {
		if pid := s.pid(); pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			testnet.WaitFor(5*time.Second, func() bool { return s.pid() == 0 })
		}
		vrrpx(t, h, "cleanup")
		if t.Failed() {
			b, _ := os.ReadFile(s.path("log"))
			t.Logf("log:\n%s", b)
		}
	})
	return s
}

func (s *service) path(name string) string { return filepath.Join(s.dir, name) }

// pid is that of the pid file, 0 when there is none or its process is gone.
func (s *service) pid() int {
	b, err := os.ReadFile(s.path("pid"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || syscall.Kill(pid, 0) != nil {
		return 0
	}
	return pid
}

// start calls keepalived as an init script does, and returns when that ends.
func (s *service) start(t *testing.T, conf string, args ...string) (output string, code int) {
	t.Helper()
	must(t, os.WriteFile(s.path("conf"), []byte(conf), 0o644))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args = append([]string{"-f", s.path("conf"), "-G", "-p", s.path("pid"), "-r", s.path("vrrp.pid"), "-g" + s.path("log")}, args...)
	cmd := s.host.Command(ctx, s.path("keepalived"), args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+s.dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("keepalived %v: %v: %s", args, err, out)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	return string(out), code
}

func (s *service) signal(t *testing.T, name string) {
	t.Helper()
	out, err := exec.Command(s.path("keepalived"), "--signum="+name).Output()
	must(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	must(t, err)
	must(t, syscall.Kill(s.pid(), syscall.Signal(n)))
}

// read waits for a file to come, and takes it away.
func (s *service) read(t *testing.T, name string) string {
	t.Helper()
	var b []byte
	await(t, name, func() (ok bool) {
		var err error
		b, err = os.ReadFile(s.path(name))
		return err == nil
	})
	must(t, os.Remove(s.path(name)))
	return string(b)
}

func TestCalledKeepalivedItLivesAsKeepalivedDoes(t *testing.T) {
	h := testnet.ForTest(t, "a").Host("a")
	s := newService(t, h)

	// What cannot run says so in front, with a code.
	out, code := s.start(t, "vrrp_instance X {\n")
	if code == 0 || !strings.Contains(out, s.path("conf")+":") {
		t.Errorf("a bad file: code %d, %q", code, out)
	}
	out, code = s.start(t, strings.ReplaceAll(v3.conf(150), "eth0", "no-such-if"))
	if code == 0 || !strings.Contains(out, "no-such-if") {
		t.Errorf("no interface: code %d, %q", code, out)
	}
	if s.pid() != 0 {
		t.Error("a daemon that did not run has left its pid file")
	}

	// In the background by the time that the parent ends.
	if out, code = s.start(t, v3.conf(150), "-D", "-R"); code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	pid := s.pid()
	if pid == 0 {
		t.Fatal("no pid file names a living process")
	}
	if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(comm) != "keepalived\n" {
		t.Errorf("killall would look for %q", comm)
	}
	if sid, err := syscall.Getpgid(pid); err != nil || sid != pid {
		t.Errorf("it is of the process group %d", sid)
	}
	if b, _ := os.ReadFile(s.path("vrrp.pid")); string(b) != fmt.Sprintln(pid) {
		t.Errorf("the other pid file has %q", b)
	}
	await(t, "the address", func() bool { return holds(h) })
	if out, code = s.start(t, v3.conf(150)); code == 0 || !strings.Contains(out, "runs already") {
		t.Errorf("started twice: code %d, %q", code, out)
	}

	// A link where the file belongs is replaced and not followed.
	must(t, os.WriteFile(s.path("victim"), []byte("precious"), 0o644))
	must(t, os.Symlink(s.path("victim"), s.path("keepalived.stats")))
	s.signal(t, "STATS")
	await(t, "the link to be replaced", func() bool {
		fi, err := os.Lstat(s.path("keepalived.stats"))
		return err == nil && fi.Mode() == 0o600
	})
	if b, _ := os.ReadFile(s.path("victim")); string(b) != "precious" {
		t.Error("a symbolic link was followed")
	}
	s.read(t, "keepalived.stats")
	s.signal(t, "STATS_CLEAR")
	if got := s.read(t, "keepalived.stats"); !strings.Contains(got, "Became master: 1\n") {
		t.Errorf("what is cleared is not written before:\n%s", got)
	}
	s.signal(t, "STATS")
	if got := s.read(t, "keepalived.stats"); !strings.Contains(got, "Became master: 0\n") {
		t.Errorf("after STATS_CLEAR:\n%s", got)
	}
	if left, _ := filepath.Glob(s.path(".keepalived*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	must(t, os.Rename(s.path("log"), s.path("log.1")))
	s.signal(t, "RELOAD")
	await(t, "the log to be opened anew", func() bool { b, _ := os.ReadFile(s.path("log")); return len(b) > 0 })
	old, _ := os.ReadFile(s.path("log.1"))
	if !strings.Contains(string(old), "options without effect: --dont-respawn") || !strings.Contains(string(old), "Entering MASTER") {
		t.Errorf("the log has\n%s", old)
	}

	s.signal(t, "STOP")
	await(t, "the end", func() bool { return s.pid() == 0 && !holds(h) })
	for _, name := range []string{"pid", "vrrp.pid"} {
		if _, err := os.Lstat(s.path(name)); err == nil {
			t.Errorf("%s stays", name)
		}
	}
}

// --dont-release-vrrp: the addresses stay, nobody is told, and the next start
// takes what is its own.
func TestDontReleaseKeepsTheAddresses(t *testing.T) {
	l := testnet.ForTest(t, "a")
	h := l.Host("a")
	tap := l.TapForTest(t)
	s := newService(t, h)
	if out, code := s.start(t, v3.conf(150), "-V"); code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	await(t, "the address", func() bool { return holds(h) })
	s.signal(t, "STOP")
	await(t, "the end", func() bool { return s.pid() == 0 })
	if !holds(h) {
		t.Error("the address was released")
	}
	for _, f := range tap.Frames() {
		if a, ok := f.Advert(); ok && a.Priority == 0 {
			t.Error("a farewell was sent")
		}
	}
	if out, code := s.start(t, v3.conf(150)); code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	awaitState(t, h, "MASTER")
	s.signal(t, "STOP")
	await(t, "the release", func() bool { return s.pid() == 0 && !holds(h) })
}

// --namespace: called in one network namespace, it lives in another.
func TestNamespaceOption(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	s := newService(t, b)
	if out, code := s.start(t, v3.conf(150), "-s", "no-such-namespace"); code == 0 || !strings.Contains(out, "no-such-namespace") {
		t.Errorf("code %d, %q", code, out)
	}
	if out, code := s.start(t, v3.conf(150), "-s", a.Namespace); code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	awaitState(t, a, "MASTER")
	if holds(b) {
		t.Error("it is where it was called")
	}
	if env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.pid())); !strings.Contains(string(env), "TMPDIR=") {
		t.Errorf("the environment was lost: %q", env)
	}
	s.signal(t, "STOP")
	await(t, "the release", func() bool { return s.pid() == 0 && !holds(a) })
	if out, code := vrrpx(t, a, "cleanup"); code != 0 || !strings.Contains(out, "nothing") {
		t.Errorf("left behind: %s", out)
	}
}

// fakeManager is systemd's end of the socket.
type fakeManager struct {
	conn *net.UnixConn
	path string
}

func newManager(t *testing.T) *fakeManager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return &fakeManager{c, path}
}

// next is the next message that matches, empty if none came in time.
func (m *fakeManager) next(within time.Duration, pattern string) string {
	_ = m.conn.SetReadDeadline(time.Now().Add(within))
	b := make([]byte, 4096)
	for {
		n, err := m.conn.Read(b)
		if err != nil {
			return ""
		}
		if regexp.MustCompile(pattern).Match(b[:n]) {
			return string(b[:n])
		}
	}
}

// As Debian's keepalived.service starts it: --dont-fork, and Type=notify.
func TestServiceManagerIsTold(t *testing.T) {
	l := testnet.ForTest(t, "a")
	h := l.Host("a")
	m := newManager(t)
	s := newService(t, h)
	conf := s.path("conf")
	must(t, os.WriteFile(conf, []byte("global_defs {\nvrrp_startup_delay 0.5\n}\n"+v3.conf(150)), 0o644))
	var log bytes.Buffer
	cmd := h.Command(context.Background(), s.path("keepalived"), "--dont-fork", "-G", "-l", "-f", "conf", "-p", "pid", "-r", "pid")
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=300000")
	cmd.Stderr = &log
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		vrrpx(t, h, "cleanup")
	})
	if got := m.next(patience, "."); !strings.HasPrefix(got, "EXTEND_TIMEOUT_USEC=") && got != "WATCHDOG=1" {
		t.Errorf("before the election began it said %q", got)
	}
	if got := m.next(patience, "READY=1"); !strings.Contains(got, "STATUS=") {
		t.Errorf("at the start: %q", got)
	}
	r := router(t, h)
	if r.State == "INIT" {
		t.Error("READY before the election has begun")
	}
	if got := m.next(patience, "MASTER"); !strings.HasSuffix(got, "STATUS=1 MASTER, 0 BACKUP, 0 FAULT") {
		t.Errorf("as MASTER: %q", got)
	}
	must(t, l.Cut("a"))
	if got := m.next(patience, "1 FAULT"); got == "" {
		t.Error("FAULT is not told")
	}
	if m.next(patience, "^WATCHDOG=1$") == "" {
		t.Error("no sign of life")
	}
	if s.pid() != cmd.Process.Pid {
		t.Errorf("with --dont-fork the pid file has %d, want %d", s.pid(), cmd.Process.Pid)
	}
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	if m.next(patience, "^STOPPING=1$") == "" {
		t.Error("the stop is not told")
	}
}
