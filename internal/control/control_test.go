package control

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

type source func() (*stats.Status, error)

func (s source) Status(context.Context) (*stats.Status, error) { return s() }

func (s source) Reload(context.Context) (*stats.Reload, error) {
	if _, err := s(); err != nil {
		return nil, err
	}
	return &stats.Reload{Error: "a.conf:1:1: error: bad"}, nil
}

func (s source) History() History { return nil }
func (s source) Speakers(context.Context) (*stats.Speakers, error) {
	if _, err := s(); err != nil {
		return nil, err
	}
	skew := uint8(100)
	return &stats.Speakers{Speakers: []stats.LANSpeaker{{Protocol: "CARP", VRID: 7, Skew: &skew, Heard: stats.Seconds(time.Second)}}}, nil
}

func TestSpeakersCrossTheSocket(t *testing.T) {
	var fails error
	c := NewClient(serve(t, func() (*stats.Status, error) { return nil, fails }))
	all, err := c.Speakers(context.Background())
	if err != nil || len(all.Speakers) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if s := all.Speakers[0]; s.Protocol != "CARP" || s.VRID != 7 || s.Skew == nil || *s.Skew != 100 || time.Duration(s.Heard) != time.Second {
		t.Errorf("%+v", s)
	}
	fails = errors.New("the loop is stuck")
	if _, err := c.Speakers(context.Background()); err == nil || !strings.Contains(err.Error(), "the loop is stuck") {
		t.Errorf("got %v", err)
	}
}

func TestReloadIsAskedForByPOSTAlone(t *testing.T) {
	path := serve(t, func() (*stats.Status, error) { return nil, nil })
	c := NewClient(path)
	if res, err := c.Reload(context.Background()); err != nil || res.OK || res.Error != "a.conf:1:1: error: bad" {
		t.Errorf("%+v, %v", res, err)
	}
	if err := c.ask(context.Background(), "GET", "reload", &stats.Reload{}); err == nil {
		t.Error("a GET reloads")
	}
}

func serve(t *testing.T, s source) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	srv, err := Listen(path, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there after Close: %v", err)
		}
	})
	return path
}

func TestStatusCrossesTheSocket(t *testing.T) {
	want := &stats.Status{Version: "v", PID: 7, Routers: []stats.Router{{Name: "VI_1", Skew: stats.Seconds(78125 * time.Nanosecond)}}}
	path := serve(t, func() (*stats.Status, error) { return want, nil })
	got, err := NewClient(path).Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got.PID != 7 || len(got.Routers) != 1 || got.Routers[0].Skew != want.Routers[0].Skew {
		t.Errorf("got %+v", got)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("socket mode %v, %v: want 0600", fi.Mode(), err)
	}
}

func TestDaemonThatDoesNotAnswer(t *testing.T) {
	path := serve(t, func() (*stats.Status, error) { return nil, errors.New("the loop is stuck") })
	_, err := NewClient(path).Status(context.Background())
	if err == nil || !strings.Contains(err.Error(), "the loop is stuck") {
		t.Errorf("got %v", err)
	}
}

func TestNoDaemon(t *testing.T) {
	_, err := NewClient(filepath.Join(t.TempDir(), "none")).Status(context.Background())
	if !errors.Is(err, syscall.ENOENT) {
		t.Errorf("got %v, want ENOENT", err)
	}
}

func TestRandomBytesAreRefusedAndHarmless(t *testing.T) {
	path := serve(t, func() (*stats.Status, error) { return &stats.Status{PID: 1}, nil })
	for range 50 {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		junk := make([]byte, 4096)
		rand.Read(junk)
		_, _ = c.Write(junk) // the server may hang up in the middle
		c.Close()
	}
	if _, err := NewClient(path).Status(context.Background()); err != nil {
		t.Errorf("after junk: %v", err)
	}
}
