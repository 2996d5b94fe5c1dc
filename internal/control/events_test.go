package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/history"
	"github.com/vrrpx/vrrpx/stats"
)

// withHistory is a source that has one.
type withHistory struct {
	source
	of *history.Store
}

func (s withHistory) History() History { return s.of }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// serveHistory serves three events, at noon and each a second later.
func serveHistory(t *testing.T) (*history.Store, *Client, string) {
	t.Helper()
	h, err := history.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(time.Minute) })
	for i, text := range []string{"a", "b", "c"} {
		h.Add(stats.Event{At: noon.Add(time.Duration(i) * time.Second), Text: text})
		h.Wait(context.Background(), uint64(i))
	}
	path := filepath.Join(t.TempDir(), "s")
	srv, err := Listen(path, withHistory{of: h})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	return h, NewClient(path), path
}

func TestEventsAreChosenBySinceAndAfter(t *testing.T) {
	_, c, _ := serveHistory(t)
	for _, tc := range []struct {
		q    EventQuery
		want string
	}{
		{EventQuery{}, "abc"},
		{EventQuery{After: 1}, "bc"},
		{EventQuery{After: 99}, ""},
		{EventQuery{Since: noon.Add(time.Second)}, "bc"},
		{EventQuery{Since: noon.Add(1500 * time.Millisecond).In(time.FixedZone("", 3600))}, "c"},
		{EventQuery{Since: noon.Add(time.Second), After: 2}, "c"},
	} {
		var got string
		err := c.Events(context.Background(), tc.q, func(e *stats.Event) error { got += e.Text; return nil })
		if err != nil || got != tc.want {
			t.Errorf("%+v: %q, %v; want %q", tc.q, got, err, tc.want)
		}
	}
}

// The end of the server cuts nothing off: what was added before it is heard.
func TestFollowerHearsTheLastEvents(t *testing.T) {
	const n = 50
	h, err := history.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(time.Minute) })
	srv, err := Listen(filepath.Join(t.TempDir(), "s"), withHistory{of: h})
	if err != nil {
		t.Fatal(err)
	}
	h.Add(stats.Event{At: noon, Text: "first"})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	heard, follows, ended := 0, make(chan struct{}), make(chan error)
	go func() {
		ended <- NewClient(srv.path).Events(ctx, EventQuery{Follow: true}, func(*stats.Event) error {
			if heard++; heard == 1 {
				close(follows)
			}
			return nil
		})
	}()
	select {
	case <-follows:
	case err := <-ended:
		t.Fatal(err)
	}
	for range n {
		h.Add(stats.Event{At: noon, Text: "more"})
	}
	h.End()
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil || heard != 1+n {
		t.Errorf("%d events of %d, %v", heard, 1+n, err)
	}
}

func TestFollowedEventsComeAsTheyHappen(t *testing.T) {
	h, c, _ := serveHistory(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var got []string
	err := c.Events(ctx, EventQuery{After: 2, Follow: true}, func(e *stats.Event) error {
		got = append(got, e.Text)
		switch e.Text {
		case "c":
			h.Add(stats.Event{At: noon, Text: "d"})
		case "d":
			h.Add(stats.Event{At: noon, Text: "e"})
			go h.Close(time.Minute) // as the daemon does at its end
		}
		return nil
	})
	if err != nil || !slices.Equal(got, []string{"c", "d", "e"}) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhoFollowsMayStop(t *testing.T) {
	_, c, _ := serveHistory(t)
	enough := errors.New("enough")
	if err := c.Events(context.Background(), EventQuery{Follow: true}, func(*stats.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := c.Events(ctx, EventQuery{Follow: true}, func(e *stats.Event) error {
		if e.Text == "c" {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestBadQuestionsForEvents(t *testing.T) {
	_, c, _ := serveHistory(t)
	for query, want := range map[string]string{
		"since=yesterday": "since is a time",
		"after=-1":        "after is the number",
		"follow=perhaps":  "follow is true or false",
		"before=3":        `no "before"`,
	} {
		body, err := c.open(context.Background(), http.MethodGet, "events?"+query)
		if err == nil {
			_, _ = io.Copy(io.Discard, body)
			body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "400") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
	err := NewClient(filepath.Join(t.TempDir(), "none")).Events(context.Background(), EventQuery{}, nil)
	if !errors.Is(err, syscall.ENOENT) {
		t.Errorf("no daemon: %v, want ENOENT", err)
	}
}
