package script

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func sh(text string, args ...string) Command {
	return Command{Argv: append([]string{"/bin/sh", "-c", text, "sh"}, args...), Env: os.Environ()}
}

func TestRunTellsHowAProgramEnded(t *testing.T) {
	r := NewRunner()
	for name, c := range map[string]struct {
		command Command
		exit    int
		signal  syscall.Signal
		ok      bool
		text    string
	}{
		"success":    {sh("exit 0"), 0, 0, true, "exit status 0"},
		"failure":    {sh("exit 3"), 3, 0, false, "exit status 3"},
		"signal":     {sh("kill -9 $$"), -1, syscall.SIGKILL, false, "signal killed"},
		"no program": {Command{Argv: []string{"/nowhere/check"}}, -1, 0, false, `"/nowhere/check": no such file`},
		"no words":   {Command{}, -1, 0, false, "no program"},
	} {
		got := r.Run(c.command)
		if got.Exit != c.exit || got.Signal != c.signal || got.OK() != c.ok || !strings.Contains(got.String(), c.text) {
			t.Errorf("%s: %+v %q", name, got, got)
		}
	}
}

func TestArgumentsAndEnvironmentArriveAsTheyAre(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	c := sh(`printf '%s|' "$1" "$2" "$COLOUR" >"$3"; pwd >>"$3"`, "a b", "", out)
	c.Env = []string{"COLOUR=red", "PATH=/bin:/usr/bin"}
	if got := NewRunner().Run(c); !got.OK() {
		t.Fatal(got)
	}
	if b, _ := os.ReadFile(out); string(b) != "a b||red|/\n" {
		t.Errorf("the program saw %q", b)
	}
}

func TestProgramThatTakesTooLongIsEndedWithItsChildren(t *testing.T) {
	dir := t.TempDir()
	for name, trap := range map[string]string{"obedient": "", "deaf": "trap '' TERM; "} {
		out := filepath.Join(dir, name)
		c := sh(trap+`sleep 1000 & echo $! >"$1"; while :; do sleep 1000; done`, out)
		c.Timeout = 200 * time.Millisecond
		got := NewRunner().Run(c)
		if !got.TimedOut || got.OK() {
			t.Errorf("%s: %+v", name, got)
		}
		if name == "deaf" && (got.Signal != syscall.SIGKILL || got.Took < Grace) {
			t.Errorf("deaf: %+v, want SIGKILL after the grace", got)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		child, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		if !gone(child) {
			t.Errorf("%s: its child %d lives on", name, child)
		}
	}
}

func TestProgramThatIsStoppedIsEndedWithItsChildren(t *testing.T) {
	out, stop := filepath.Join(t.TempDir(), "out"), make(chan struct{})
	c := sh(`sleep 1000 & echo $! >"$1.new"; mv "$1.new" "$1"; wait`, out)
	c.Stop = stop
	ended := make(chan Result, 1)
	go func() { ended <- NewRunner().Run(c) }()
	var child int
	for child == 0 {
		b, _ := os.ReadFile(out)
		child, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	close(stop)
	if got := <-ended; got.TimedOut || got.Signal != syscall.SIGTERM {
		t.Errorf("%+v, want SIGTERM", got)
	}
	if !gone(child) {
		t.Errorf("its child %d lives on", child)
	}
}

// gone waits for a process that is not our child to end; a zombie has.
func gone(pid int) bool {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(b), ") Z ") {
			return true
		}
	}
	return false
}

func TestProgramsHaveOrdinaryPriority(t *testing.T) {
	testnet.Need(t, "realtime")
	out := filepath.Join(t.TempDir(), "out")
	// As the threads of the daemon are: every one, so that none begets another.
	schedule(t, unix.SCHED_FIFO, 10)
	defer schedule(t, unix.SCHED_NORMAL, 0)
	if got := NewRunner().Run(sh(`cat /proc/$$/stat >"$1"`, out)); !got.OK() {
		t.Fatal(got)
	}
	b, _ := os.ReadFile(out)
	// proc_pid_stat(5): field 40 is the realtime priority, 41 the policy.
	fields := strings.Fields(string(b)[strings.LastIndex(string(b), ")")+1:])
	if rt, policy := fields[40-3], fields[41-3]; rt != "0" || policy != "0" {
		t.Errorf("realtime priority %s, policy %s, want 0 and 0", rt, policy)
	}
}

func schedule(t *testing.T, policy, priority uint32) {
	t.Helper()
	for range 2 { // a thread may have begun another the first time
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			tid, _ := strconv.Atoi(task.Name())
			attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Priority: priority}
			if err := unix.SchedSetAttr(tid, &attr, 0); err != nil && err != unix.ESRCH {
				t.Fatal(err)
			}
		}
	}
}

func TestHangingProgramsHoldNoThreads(t *testing.T) {
	r := NewRunner()
	const n = 100
	before := threads(t)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			c := sh("sleep 1000")
			c.Timeout = time.Second
			r.Run(c)
		})
	}
	time.Sleep(600 * time.Millisecond)
	if now := threads(t); now > before+n/4 {
		t.Errorf("%d threads with %d programs, %d before", now, n, before)
	}
	wg.Wait()
	if out, _ := exec.Command("ps", "--ppid", strconv.Itoa(os.Getpid()), "-o", "stat=").Output(); strings.Contains(string(out), "Z") {
		t.Errorf("zombies: %q", out)
	}
}

func threads(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}
