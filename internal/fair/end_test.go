package fair

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// The watch, which has the files that are for it and none of the daemon's, does not
// outlive it, and nothing but its end ends it.
func TestWatchEndsWithTheProcess(t *testing.T) {
	if os.Getenv("WATCHED_PROCESS") != "" {
		fmt.Println(watchForTest(t).process.Pid)
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestWatchEndsWithTheProcess$")
	cmd.Env = append(os.Environ(), "WATCHED_PROCESS=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	file := func(fd int) string {
		name, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
		return name
	}
	for fd := range workFile + 1 {
		want := map[int]string{tasksFile: fmt.Sprintf("/proc/%d/task", cmd.Process.Pid), wakeFile: "pipe:", memoryFile: "", workFile: "anon_inode:[eventpoll]"}
		name, other := want[fd]
		if !other {
			name = os.DevNull
		}
		if !strings.HasPrefix(file(fd), name) {
			t.Errorf("file %d is %s, want %s", fd, file(fd), name)
		}
	}
	ended := func() bool {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(b), ") Z ") // until who adopted it looks
	}
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1} {
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond)
	if ended() {
		t.Error("a signal to all of the daemon's processes ends it")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	if !testnet.WaitFor(5*time.Second, ended) {
		t.Error("it lives on")
	}
}

// One that could make threads ordinary, and never realtime again, does not begin.
func TestWatchThatMayNotPromoteEnds(t *testing.T) {
	const helper = "FAIR_TEST_UNPRIVILEGED"
	if os.Getenv(helper) != "" {
		w, err := Start()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if !testnet.WaitFor(5*time.Second, func() bool { return !w.Watched() }) {
			t.Error("it runs")
		}
		return
	}
	testnet.Need(t, "root", "setpriv", "chrt")
	cmd := exec.Command("chrt", "--other", "0", "setpriv", "--bounding-set", "-sys_nice", os.Args[0], "-test.run=^TestWatchThatMayNotPromoteEnds$")
	cmd.Env = append(os.Environ(), helper+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
