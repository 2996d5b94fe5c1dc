package loader

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// The process of TestClockDiesWithItsProcess: it opens a clock, sends by the
// interface that it is told, and waits to be killed.
func TestClockProcess(t *testing.T) {
	ifindex, _ := strconv.Atoi(os.Getenv("VRRPX_TEST_CLOCK"))
	if ifindex == 0 {
		t.Skip("run by TestClockDiesWithItsProcess")
	}
	k, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := k.OpenClock(ClockOptions{Filter: os.Getenv("VRRPX_TEST_FILTER") != ""})
	if err != nil {
		t.Fatal(err)
	}
	on := &clockOn{Clock: c, harness: &harness{TB: t}, pair: pair{ours: ifindex}}
	s := on.schedule(51, vrrp.IPv4, 5*time.Millisecond)
	s.Lease = time.Hour
	c.Renew(boot())
	on.add(s)
	os.Stdout.WriteString("runs\n")
	time.Sleep(time.Hour)
}

func TestClockDiesWithItsProcess(t *testing.T) {
	openClock(t, ClockOptions{}).Clock.Close() // skips where there is none
	for _, a := range attachments {
		t.Run(a.name, func(t *testing.T) {
			on := &clockOn{harness: &harness{TB: t}, pair: newPair(t)}
			theirs := on.pair
			theirs.ours = theirs.theirs
			on.wire = theirs.listen(t)
			stamped(t, on.wire)
			cmd := exec.Command("/proc/self/exe", "-test.run", "^TestClockProcess$")
			cmd.Stderr = os.Stderr
			cmd.Env = append(os.Environ(), "VRRPX_TEST_CLOCK="+strconv.Itoa(on.ours))
			if a.Filter {
				cmd.Env = append(cmd.Env, "VRRPX_TEST_FILTER=1")
			}
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "runs\n" {
				t.Fatalf("%q, %v", line, err)
			}
			within(t, func() bool { return len(on.of(51, on.hear())) > 0 })
			if gone, err := CleanupClock(); err != nil || len(gone) != 0 {
				t.Fatalf("while it runs: %v, %v", gone, err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			time.Sleep(50 * time.Millisecond) // the kernel clears up behind it
			on.hear()
			time.Sleep(100 * time.Millisecond)
			if got := on.of(51, on.hear()); len(got) != 0 {
				t.Errorf("%d adverts of a dead process", len(got))
			}
			want := []string{"vrrpx0a", "vrrpx0b"}
			if gone, err := CleanupClock(); err != nil || !slices.Equal(gone, want) {
				t.Errorf("cleanup removed %v, %v", gone, err)
			}
			if _, err := net.InterfaceByName("vrrpx0b"); err == nil {
				t.Error("the pair is still there")
			}
		})
	}
}
