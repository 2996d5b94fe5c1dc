package netio

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/sched"
	"github.com/vrrpx/vrrpx/internal/testnet"
)

// policies counts the threads of this process by scheduling policy.
func policies(t *testing.T) (realtime, other int) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		switch attr, err := unix.SchedGetAttr(tid, 0); {
		case err != nil: // it has ended
		case sched.IsRealtime(attr):
			realtime++
		default:
			other++
		}
	}
	return realtime, other
}

// TestWholeProcessIsRealtimeWhereThePacerSaysSo also looks at threads that are
// started afterwards.
func TestWholeProcessIsRealtimeWhereThePacerSaysSo(t *testing.T) {
	p := pacerForTest(t)
	s := p.Status()
	t.Logf("realtime: %v, locked: %v", s.RealtimeErr, s.LockedErr)
	var wg sync.WaitGroup
	hold := make(chan struct{})
	for range 20 {
		wg.Add(1)
		go func() { // a thread each
			runtime.LockOSThread()
			wg.Done()
			<-hold
		}()
	}
	wg.Wait()
	realtime, other := policies(t)
	close(hold)
	if s.RealtimeErr == nil && (other != 0 || realtime < 20) || s.RealtimeErr != nil && realtime != 0 {
		t.Errorf("%d threads are realtime, %d are not; the pacer says %v", realtime, other, s.RealtimeErr)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if locked := !strings.Contains(string(status), "VmLck:\t       0 kB"); locked != (s.LockedErr == nil) {
		t.Errorf("memory locked is %v, the pacer says %v", locked, s.LockedErr)
	}
}

// helperUnprivileged makes TestPacerWithoutPermissions its own child.
const helperUnprivileged = "NETIO_TEST_UNPRIVILEGED"

func TestPacerWithoutPermissions(t *testing.T) {
	if os.Getenv(helperUnprivileged) != "" {
		p := pacerForTest(t)
		var tx recorder
		p.Set("VI_1", Schedule{Sender: &tx, Frames: [][]byte{[]byte("x")}, Interval: time.Millisecond})
		tx.waitSent(t, 3)
		s := p.Status()
		fmt.Printf("realtime: %v\nlocked: %v\n", s.RealtimeErr, s.LockedErr)
		return
	}
	testnet.Need(t, "root", "setpriv", "chrt")
	// An earlier test may have made us realtime, which a child inherits.
	cmd := exec.Command("chrt", "--other", "0", "setpriv", "--bounding-set", "-sys_nice,-ipc_lock",
		os.Args[0], "-test.run=^TestPacerWithoutPermissions$")
	cmd.Env = append(os.Environ(), helperUnprivileged+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"realtime: SCHED_RR (needs CAP_SYS_NICE", "locked: mlockall (needs CAP_IPC_LOCK"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
}
