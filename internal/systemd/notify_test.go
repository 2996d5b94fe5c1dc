package systemd

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// manager is a service manager's socket.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return c
}

// next is the next message, or empty when none comes within the time.
func next(t *testing.T, c *net.UnixConn, within time.Duration) string {
	t.Helper()
	b := make([]byte, 4096)
	_ = c.SetReadDeadline(time.Now().Add(within))
	n, err := c.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestMessagesReachTheManager(t *testing.T) {
	c := manager(t)
	n, err := FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if os.Getenv("NOTIFY_SOCKET") != "" {
		t.Error("scripts would inherit NOTIFY_SOCKET")
	}
	if err := n.Send("READY=1\nSTATUS=x"); err != nil {
		t.Fatal(err)
	}
	if got := next(t, c, 10*time.Second); got != "READY=1\nSTATUS=x" {
		t.Errorf("the manager got %q", got)
	}
}

func TestNoManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n, err := FromEnv()
	if n != nil || err != nil {
		t.Fatalf("%v, %v", n, err)
	}
	if err := n.Send("READY=1"); err != nil {
		t.Error(err)
	}
	n.Watch(context.Background(), time.Second, nil) // returns
	n.Close()
	for _, bad := range []string{"relative", "/no/such/socket"} {
		t.Setenv("NOTIFY_SOCKET", bad)
		if _, err := FromEnv(); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func TestWatchdogIsForThisProcess(t *testing.T) {
	me := strconv.Itoa(os.Getpid())
	for _, tc := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"30000000", me, 30 * time.Second}, {"30000000", "", 30 * time.Second}, {"30000000", "1", 0},
		{"", me, 0}, {"0", me, 0}, {"-5", me, 0}, {"soon", me, 0},
	} {
		t.Setenv("WATCHDOG_USEC", tc.usec)
		t.Setenv("WATCHDOG_PID", tc.pid)
		if got := WatchdogFromEnv(); got != tc.want {
			t.Errorf("%q of pid %q: %v, want %v", tc.usec, tc.pid, got, tc.want)
		}
	}
}

// The watchdog is petted while alive answers, and not once more when it hangs.
func TestWatchdogIsNotPettedByWhatHangs(t *testing.T) {
	c := manager(t)
	n, err := FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	hang := make(chan struct{})
	hung := make(chan struct{})
	rounds := 0
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Watch(ctx, 30*time.Millisecond, func(context.Context) error {
			if rounds++; rounds == 4 {
				close(hung)
				<-hang
			}
			return nil
		})
	}()
	for i := range 3 {
		if got := next(t, c, 10*time.Second); got != "WATCHDOG=1" {
			t.Fatalf("message %d is %q", i, got)
		}
	}
	<-hung
	if got := next(t, c, 200*time.Millisecond); got != "" {
		t.Errorf("it hangs, and still %q came", got)
	}
	cancel()
	close(hang)
	<-ended
	if got := next(t, c, 50*time.Millisecond); got != "" {
		t.Errorf("it was stopped, and still %q came", got)
	}
}
