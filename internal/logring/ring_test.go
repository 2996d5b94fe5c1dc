package logring

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// gate is a writer that blocks until it is opened, as a full pipe does.
type gate struct {
	open    chan struct{}
	entered chan struct{} // one token per Write that has begun
	mu      sync.Mutex
	buf     bytes.Buffer
}

func newGate() *gate {
	return &gate{open: make(chan struct{}), entered: make(chan struct{}, 1000)}
}

func (g *gate) Write(b []byte) (int, error) {
	g.entered <- struct{}{}
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.buf.Write(b)
}

func (g *gate) lines() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Split(strings.TrimSuffix(g.buf.String(), "\n"), "\n")
}

// message cuts stamp and level off a line.
func message(line string) string {
	_, rest, _ := strings.Cut(line, " ")
	_, rest, _ = strings.Cut(rest, " ")
	return rest
}

func TestBlockedWriterNeverBlocksTheCaller(t *testing.T) {
	g := newGate()
	r := New(g, 4096)
	log := slog.New(r.Handler(slog.LevelInfo))
	log.Info("line 0")
	<-g.entered // the goroutine is stuck in Write, line 0 in its hands

	const total = 5000 // far more than 4096 octets hold
	finished := make(chan struct{})
	go func() {
		for i := 1; i < total; i++ {
			log.Info(fmt.Sprintf("line %d", i))
		}
		close(finished)
	}()
	select {
	case <-finished:
	case <-time.After(30 * time.Second):
		t.Fatal("a caller waited for the blocked writer")
	}
	if _, dropped := r.Counts(); dropped == 0 {
		t.Fatal("nothing was counted as dropped")
	}

	close(g.open)
	if err := r.Close(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	written, dropped := r.Counts()
	if written+dropped != total {
		t.Errorf("written %d + dropped %d, want %d in all", written, dropped, total)
	}
	// What is kept is the beginning, in order and without a hole.
	lines := g.lines()
	for i := range int(written) {
		if got, want := message(lines[i]), fmt.Sprintf("line %d", i); got != want {
			t.Fatalf("line %d of the output is %q, want %q", i, got, want)
		}
	}
}

func TestNoticeStandsWhereTheLostLinesWere(t *testing.T) {
	g := newGate()
	r := New(g, 256)
	log := slog.New(r.Handler(slog.LevelInfo))
	log.Info("first")
	<-g.entered
	for range 100 {
		log.Info("crowd")
	}
	_, dropped := r.Counts()
	close(g.open)
	<-g.entered // the crowd's batch is in the writer's hands: room is back
	log.Info("last")
	if err := r.Close(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	lines := g.lines()
	n := len(lines)
	if n < 4 || message(lines[0]) != "first" || message(lines[1]) != "crowd" || message(lines[n-1]) != "last" {
		t.Fatalf("unexpected output:\n%s", strings.Join(lines, "\n"))
	}
	if want := fmt.Sprintf("%d lines dropped", dropped); !strings.Contains(lines[n-2], " WARN "+want) {
		t.Errorf("the line before the last is %q, want %q in it", lines[n-2], want)
	}
}

func TestCloseIsBoundedWhenTheWriterNeverReturns(t *testing.T) {
	g := newGate()
	r := New(g, 4096)
	log := slog.New(r.Handler(slog.LevelInfo))
	log.Info("stuck")
	<-g.entered
	if err := r.Close(10 * time.Millisecond); err == nil {
		t.Error("Close reported success although the writer took nothing")
	}
	log.Info("after") // must neither block nor panic
	if _, dropped := r.Counts(); dropped != 1 {
		t.Errorf("dropped = %d after a line to a closed ring, want 1", dropped)
	}
	close(g.open)
}

func TestCloseWritesWhatWaits(t *testing.T) {
	var out bytes.Buffer
	r := New(&out, 1<<16)
	log := slog.New(r.Handler(slog.LevelInfo))
	for i := range 100 {
		log.Info("line", "n", i)
	}
	if err := r.Close(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 100 {
		t.Errorf("%d lines came out, want 100", n)
	}
	if written, dropped := r.Counts(); written != 100 || dropped != 0 {
		t.Errorf("written %d, dropped %d, want 100 and 0", written, dropped)
	}
}

// fullDisk takes some octets and fails.
type fullDisk int

func (n fullDisk) Write(b []byte) (int, error) {
	return min(int(n), len(b)), errors.New("no space left on device")
}

func TestFailedWriteCountsItsLostLines(t *testing.T) {
	r := New(fullDisk(5), 4096)
	r.put([]byte("1\n2\n3\n"), 3)
	if written, dropped := r.Counts(); written != 2 || dropped != 1 {
		t.Errorf("written %d, dropped %d, want 2 and 1", written, dropped)
	}
	if err := r.Close(30 * time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestManyGoroutinesLoseNothingThatFits(t *testing.T) {
	var out bytes.Buffer
	r := New(&out, 1<<20)
	log := slog.New(r.Handler(slog.LevelInfo))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				log.Info("m", "g", g, "i", i)
			}
		})
	}
	wg.Wait()
	if err := r.Close(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	next := map[string]int{}
	for line := range strings.Lines(out.String()) {
		var g string
		var i int
		if _, err := fmt.Sscanf(message(strings.TrimSpace(line)), "m g=%s i=%d", &g, &i); err != nil {
			t.Fatalf("torn line %q: %v", line, err)
		}
		if i != next[g] {
			t.Fatalf("goroutine %s: line %d where %d was due", g, i, next[g])
		}
		next[g]++
	}
	if len(next) != 8 {
		t.Errorf("lines of %d goroutines, want 8", len(next))
	}
}
