package control

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// recorder has a recording of VI_1, and tells how it was asked for.
type recorder struct {
	source
	since time.Duration
}

func (r *recorder) Record(_ context.Context, since time.Duration, router string) (func(io.Writer) error, error) {
	r.since = since
	switch router {
	case "", "VI_1":
		return func(w io.Writer) error { _, err := io.WriteString(w, "recording"); return err }, nil
	case "VI_2":
		return nil, errors.New("the loop is stuck")
	}
	return nil, ErrNoRouter
}

func TestRecordingCrossesTheSocket(t *testing.T) {
	rec := &recorder{source: func() (*stats.Status, error) { return nil, nil }}
	path := filepath.Join(t.TempDir(), "s")
	srv, err := Listen(path, rec)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	c, ctx := NewClient(path), context.Background()
	if b, err := c.Record(ctx, 90*time.Second, "VI_1"); err != nil || string(b) != "recording" || rec.since != 90*time.Second {
		t.Errorf("%q, %v, since %v", b, err, rec.since)
	}
	if b, err := c.Record(ctx, 0, ""); err != nil || string(b) != "recording" || rec.since != 0 {
		t.Errorf("%q, %v, since %v", b, err, rec.since)
	}
	if _, err := c.Record(ctx, 0, "VI 3&since=1h"); !errors.Is(err, ErrNoRouter) {
		t.Errorf("no such router: %v", err)
	}
	if _, err := c.Record(ctx, 0, "VI_2"); err == nil || !strings.Contains(err.Error(), "the loop is stuck") {
		t.Errorf("a daemon that does not answer: %v", err)
	}
	for _, query := range []string{"record?since=soon", "record?since=-1s"} {
		if err := c.ask(ctx, "GET", query, &stats.Status{}); err == nil || !strings.Contains(err.Error(), "400") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// slow is a host with many routers, and busy.
type slow struct{ source }

func (slow) Reload(ctx context.Context) (*stats.Reload, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(10 * readTime):
	}
	return &stats.Reload{OK: true}, nil
}

func (slow) Record(ctx context.Context, _ time.Duration, _ string) (func(io.Writer) error, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(10 * readTime):
	}
	return func(w io.Writer) error { _, err := io.WriteString(w, "recording"); return err }, nil
}

// What takes longer than a client may take to ask is waited for all the same.
func TestAnswersMayTakeTheirTime(t *testing.T) {
	defer func(was time.Duration) { readTime = was }(readTime)
	readTime = 30 * time.Millisecond
	path := filepath.Join(t.TempDir(), "s")
	srv, err := Listen(path, slow{func() (*stats.Status, error) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if b, err := NewClient(path).Record(context.Background(), 0, ""); err != nil || string(b) != "recording" {
		t.Errorf("%q, %v", b, err)
	}
	if res, err := NewClient(path).Reload(context.Background()); err != nil || !res.OK {
		t.Errorf("%+v, %v", res, err)
	}
}

// A source without a recorder has no such page.
func TestNoRecorder(t *testing.T) {
	c := NewClient(serve(t, func() (*stats.Status, error) { return nil, nil }))
	for _, router := range []string{"", "VI_1"} {
		if _, err := c.Record(context.Background(), 0, router); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", router, err)
		}
	}
}
