package reload

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

// refusing has a file that is bad, and is read when the test says so.
func refusing(t *testing.T) (l *Reloader, read, ended chan struct{}, told chan string) {
	t.Helper()
	read, ended, told = make(chan struct{}), make(chan struct{}), make(chan string, 10)
	l = New(&config.Config{}, Options{
		Log: slog.New(slog.DiscardHandler), Ended: ended, Tell: func(message string) { told <- message },
		Load: func() (*config.Config, []config.Diagnostic) {
			read <- struct{}{}
			return nil, []config.Diagnostic{
				{Severity: config.Warning, Pos: config.Pos{File: "a.conf", Line: 1, Col: 1}, Message: "odd"},
				{Severity: config.Error, Pos: config.Pos{File: "a.conf", Line: 2, Col: 3}, Message: "bad", Hint: "mend it"},
			}
		},
	})
	return l, read, ended, told
}

// Whoever asks while a file is being read may have changed it since: they get
// another reload, all of them the same one.
func TestReloadsCoalesce(t *testing.T) {
	l, read, ended, told := refusing(t)
	signals := make(chan os.Signal)
	go l.Run(signals)
	defer close(ended)
	first, err := l.ask()
	if err != nil {
		t.Fatal(err)
	}
	// Till it has been taken up.
	for taken := false; !taken; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		taken = l.next == nil
		l.mu.Unlock()
	}
	second, err := l.ask()
	if err != nil || second == first {
		t.Fatalf("no other one: %v", err)
	}
	for range 50 {
		if p, err := l.ask(); err != nil || p != second {
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
	for testEnd := time.Now().Add(10 * time.Second); l.Last().Count < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(testEnd) {
			t.Fatal("no third reload")
		}
	}
	for _, want := range []string{"RELOADING=1\nMONOTONIC_USEC=", "READY=1", "RELOADING=1\nMONOTONIC_USEC=", "READY=1", "RELOADING=1"} {
		if got := <-told; !strings.HasPrefix(got, want) {
			t.Errorf("the manager is told %q, want %q", got, want)
		}
	}
}

func TestReloadThatCannotBe(t *testing.T) {
	l, _, _, _ := refusing(t)
	l.o.Load = nil
	if res := l.reload(); res.OK || !strings.Contains(res.Error, "without a configuration file") {
		t.Errorf("%+v", res)
	}
	l.Stop()
	if _, err := l.Reload(context.Background()); err != errStopping {
		t.Errorf("while stopping: %v", err)
	}
	l, _, _, _ = refusing(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Reload(ctx); err == nil || !strings.Contains(err.Error(), "has not ended yet") {
		t.Errorf("an impatient caller is told %v", err)
	}
}
