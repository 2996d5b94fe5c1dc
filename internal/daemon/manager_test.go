package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/systemd"
)

// The watchdog is petted by rounds of the loop, and by nothing else: while the
// loop hangs the manager hears nothing.
func TestLoopThatHangsPetsNoWatchdog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	n, err := systemd.FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	petted := func(within time.Duration) bool {
		b := make([]byte, 100)
		_ = manager.SetReadDeadline(time.Now().Add(within))
		for {
			k, err := manager.Read(b)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return false
			}
			if err != nil {
				t.Fatal(err)
			}
			if string(b[:k]) == "WATCHDOG=1" {
				return true
			}
		}
	}

	log := slog.New(slog.DiscardHandler)
	h := newHost(Options{Log: log, Manager: n, Watchdog: 30 * time.Millisecond, Config: &config.Config{}})
	if h.loop, err = newLoop(log); err != nil {
		t.Fatal(err)
	}
	defer h.loop.close()
	go func() { defer close(h.loopDone); h.loop.run() }()
	defer func() { h.loop.stop(); <-h.loopDone }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go h.report(ctx)
	for range 2 {
		if !petted(10 * time.Second) {
			t.Fatal("a loop that runs gives no sign of life")
		}
	}
	hangs, release := make(chan struct{}), make(chan struct{})
	h.loop.post(func() { close(hangs); <-release })
	<-hangs
	for petted(100 * time.Millisecond) { // what was sent before
	}
	if petted(300 * time.Millisecond) {
		t.Error("the loop hangs, and the watchdog is petted")
	}
	close(release)
	if !petted(10 * time.Second) {
		t.Error("the loop runs again, and the watchdog is not petted")
	}
}
