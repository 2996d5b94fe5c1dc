package daemon

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
)

// toldOf is a manager that notes what it is told.
type toldOf struct {
	noManager
	lines chan string
}

func (m toldOf) Send(message string) error {
	m.lines <- message
	return nil
}

// refusing is a host whose file is bad, and is read when the test says so.
func refusing(t *testing.T) (h *host, read chan struct{}, manager toldOf) {
	t.Helper()
	manager.lines = make(chan string, 10)
	h = newHost(Options{Log: slog.New(slog.DiscardHandler), Manager: manager})
	read = make(chan struct{})
	h.opts.Load = func() (*config.Config, []config.Diagnostic) {
		read <- struct{}{}
		return nil, []config.Diagnostic{
			{Severity: config.Warning, Pos: config.Pos{File: "a.conf", Line: 1, Col: 1}, Message: "odd"},
			{Severity: config.Error, Pos: config.Pos{File: "a.conf", Line: 2, Col: 3}, Message: "bad", Hint: "mend it"},
		}
	}
	h.reloads = newReloader(h, &config.Config{})
	return h, read, manager
}

// Whoever asks while a file is being read may have changed it since: they get
// another reload, all of them the same one.
func TestReloadsCoalesce(t *testing.T) {
	h, read, manager := refusing(t)
	signals := make(chan os.Signal)
	go h.reloads.run(signals)
	defer close(h.loopDone)
	first, err := h.reloads.ask()
	if err != nil {
		t.Fatal(err)
	}
	// Till it has been taken up.
	for taken := false; !taken; time.Sleep(time.Millisecond) {
		h.reloads.mu.Lock()
		taken = h.reloads.next == nil
		h.reloads.mu.Unlock()
	}
	second, err := h.reloads.ask()
	if err != nil || second == first {
		t.Fatalf("no other one: %v", err)
	}
	for range 50 {
		if p, err := h.reloads.ask(); err != nil || p != second {
			t.Fatalf("yet another one: %v", err)
		}
	}
	<-read
	<-first.done
	signalled := make(chan struct{})
	go func() { signals <- syscall.SIGHUP; close(signalled) }()
	<-read
	<-second.done
	<-signalled
	<-read
	res := second.result
	if res.OK || res.Count != 2 || res.Error != "a.conf:2:3: error: bad" || len(res.Diagnostics) != 2 || res.Diagnostics[1].Hint != "mend it" {
		t.Errorf("%+v", res)
	}
	for testEnd := time.Now().Add(10 * time.Second); h.reloads.lastReload().Count < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(testEnd) {
			t.Fatal("no third reload")
		}
	}
	for _, want := range []string{"RELOADING=1\nMONOTONIC_USEC=", "READY=1", "RELOADING=1\nMONOTONIC_USEC=", "READY=1", "RELOADING=1"} {
		if got := <-manager.lines; !strings.HasPrefix(got, want) {
			t.Errorf("the manager is told %q, want %q", got, want)
		}
	}
}

func TestReloadThatCannotBe(t *testing.T) {
	h, _, _ := refusing(t)
	h.opts.Load = nil
	if res := h.reloads.reload(); res.OK || !strings.Contains(res.Error, "without a configuration file") {
		t.Errorf("%+v", res)
	}
	h.reloads.stop()
	if _, err := h.Reload(context.Background()); err != errStopping {
		t.Errorf("while stopping: %v", err)
	}
	h, _, _ = refusing(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.Reload(ctx); err == nil || !strings.Contains(err.Error(), "has not ended yet") {
		t.Errorf("an impatient caller is told %v", err)
	}
}
