package history

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

func begin(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(time.Minute) })
	return s
}

func end(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
}

// until waits until the store has an event of that number.
func until(t *testing.T, s *Store, seq uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if s.Wait(ctx, seq-1) == nil {
		t.Fatalf("event %d never came", seq)
	}
}

func texts(events []stats.Event) (list []string) {
	for _, e := range events {
		list = append(list, fmt.Sprint(e.Seq, " ", e.Text))
	}
	return list
}

func TestHistoryOutlivesTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	at := time.Date(2026, 11, 23, 2, 13, 7, 123456789, time.UTC)
	s := begin(t, dir)
	s.Add(stats.Event{At: at, Kind: stats.EventTransition, Router: "VI_1", From: "BACKUP", To: "MASTER", Code: "master_down", Silence: stats.Seconds(36 * time.Millisecond), Text: "one"})
	s.Add(stats.Event{At: at.Add(time.Second), Kind: stats.EventStop, Text: "two"})
	end(t, s)
	s.Add(stats.Event{Text: "after the end"})

	want := s.After(0)
	got, err := Read(dir)
	same := slices.EqualFunc(got, want, func(a, b stats.Event) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) })
	if err != nil || len(got) != 2 || !same {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	again := begin(t, dir)
	again.Add(stats.Event{Text: "three"})
	until(t, again, 3)
	if got := texts(again.After(1)); !slices.Equal(got, []string{"2 two", "3 three"}) {
		t.Errorf("after a restart: %q", got)
	}
}

// A host that lost its power may leave a line in the middle, and anybody junk.
func TestBrokenLinesArePassedOver(t *testing.T) {
	dir := t.TempDir()
	junk := `{"seq":1,"text":"a","at":"2026-11-23T00:00:00Z","kind":"alarm"}` + "\n\x00\xff\n{}\n[]\n" +
		strings.Repeat("x", 2*fileMost) + "\n" + `{"seq":18446744073709551615,"text":"the last of all"}` + "\n" +
		`{"seq":5,"text":"b","at":"2026-11-23T00:00:00Z","kind":"alarm"}` + "\n" + `{"seq":2,"text":"of an old file"}` + "\n" + `{"seq":6,"tex`
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte(junk), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(dir); err != nil || !slices.Equal(texts(got), []string{"1 a", "5 b"}) {
		t.Errorf("%q, %v", texts(got), err)
	}
	s := begin(t, dir)
	s.Add(stats.Event{Text: "c"})
	end(t, s)
	if got := texts(s.After(0)); !slices.Equal(got, []string{"1 a", "5 b", "6 c"}) {
		t.Errorf("%q", got)
	}
}

// One number that a disk has damaged hides none of the events after it.
func TestDamagedNumberHidesNothing(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	for _, seq := range []int{1, 2, 3, 9004, 5, 6} {
		fmt.Fprintf(&text, `{"seq":%d,"text":"x","at":"2026-11-23T00:00:00Z","kind":"alarm"}`+"\n", seq)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(dir); err != nil || !slices.Equal(texts(got), []string{"1 x", "2 x", "3 x", "5 x", "6 x"}) {
		t.Errorf("%q, %v", texts(got), err)
	}
}

// What is added does not hang on to a line that was left in the middle.
func TestBrokenLastLineStandsAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte(`{"seq":6,"tex`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := begin(t, dir)
	s.Add(stats.Event{Text: "a"})
	end(t, s)
	if got, err := Read(dir); err != nil || !slices.Equal(texts(got), []string{"1 a"}) {
		t.Errorf("%q, %v", texts(got), err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	s := begin(t, dir)
	long := strings.Repeat("x", 500)
	const n = 3 * fileMost / 500
	for i := range n {
		s.Add(stats.Event{Text: long})
		if i%500 == 499 { // the disk keeps up
			until(t, s, uint64(i+1))
			for end := time.Now().Add(10 * time.Second); s.waiting() > 0 && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
		}
	}
	end(t, s)
	if c := s.Status(); c != (stats.History{}) {
		t.Errorf("%+v", c)
	}
	for _, name := range []string{fileName, fileName + oldSuffix} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() > fileMost {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	events, err := Read(dir)
	if err != nil || len(events) < fileMost/1200 || events[len(events)-1].Seq != n {
		t.Errorf("%d events in the files, %v", len(events), err)
	}
	if got := s.After(0); len(got) != memoryMost || got[len(got)-1].Seq != n || got[0].Seq != n-memoryMost+1 {
		t.Errorf("%d events in memory", len(got))
	}
}

// A reload of hundreds of routers, again and again, takes no more memory than other things,
// and leaves their events in the file.
func TestLongListsOfChangesAreBounded(t *testing.T) {
	dir := t.TempDir()
	s := begin(t, dir)
	changes := slices.Repeat([]string{strings.Repeat("x", 100)}, 5000)
	const n = 400
	for i := range n {
		s.Add(stats.Event{Changes: changes})
		until(t, s, uint64(i+1))
	}
	all := s.After(0)
	last := all[len(all)-1]
	if k := len(last.Changes); k != changesMost/100+1 || last.Changes[k-1] != fmt.Sprintf("and %d more", 5000-k+1) || last.Seq != n {
		t.Errorf("%d changes of event %d are kept, the last %q", k, last.Seq, last.Changes[k-1])
	}
	if got := len(all); got < octetsMost/(2*changesMost) || got > octetsMost/changesMost {
		t.Errorf("%d events of %d octets are in memory, want %d octets", got, changesMost, octetsMost)
	}
	end(t, s)
	again := begin(t, dir)
	if got := again.After(0); len(got) == 0 || len(got) > octetsMost/changesMost || got[len(got)-1].Seq != n {
		t.Errorf("%d events are taken from the file", len(got))
	}
	end(t, again)
}

func (s *Store) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

// Who adds never waits: neither for one who reads nor for the disk.
func TestAddDoesNotWait(t *testing.T) {
	s := begin(t, t.TempDir())
	s.mu.Lock()
	const n = 3 * queueMost
	for range n { // would stand still for ever here
		s.Add(stats.Event{Text: "x"})
	}
	s.mu.Unlock()
	end(t, s)
	if got, lost := len(s.After(0)), s.dropped.Load(); uint64(got)+lost != n || got < queueMost || lost == 0 {
		t.Errorf("%d kept, %d lost, of %d", got, lost, n)
	}
}

// A disk that is full, or gone, costs events in the file, never time, and is told of.
func TestFileThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	s := begin(t, dir)
	inTheWay := filepath.Join(dir, fileName)
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Add(stats.Event{Text: "a"})
	until(t, s, 1)
	for end := time.Now().Add(10 * time.Second); s.Status().Problem == "" && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if c := s.Status(); c.Lost != 1 || c.Problem == "" {
		t.Errorf("%+v", c)
	}
	if got := texts(s.After(0)); !slices.Equal(got, []string{"1 a"}) {
		t.Errorf("in memory: %q", got)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	s.Add(stats.Event{Text: "b"})
	end(t, s)
	if got, err := Read(dir); err != nil || !slices.Equal(texts(got), []string{"2 b"}) || s.Status().Problem != "" {
		t.Errorf("when it can be written again: %q, %v, %+v", texts(got), err, s.Status())
	}
}

// A directory that cannot be made is told of, and what happens is kept in memory.
func TestDirectoryThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(file, "state"))
	if err == nil {
		t.Error("no error")
	}
	s.Add(stats.Event{Text: "a"})
	end(t, s)
	if got := texts(s.After(0)); !slices.Equal(got, []string{"1 a"}) || s.Status().Lost != 1 {
		t.Errorf("%q, %+v", got, s.Status())
	}
}

func TestWhoFollowsHearsOfEach(t *testing.T) {
	s := begin(t, t.TempDir())
	heard := make(chan []stats.Event)
	go func() { heard <- s.Wait(context.Background(), 0) }()
	s.Add(stats.Event{Text: "a"})
	if got := texts(<-heard); !slices.Equal(got, []string{"1 a"}) {
		t.Errorf("%q", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { heard <- s.Wait(ctx, 1) }()
	cancel()
	if got := <-heard; got != nil {
		t.Errorf("%q after the end", texts(got))
	}
	go func() { heard <- s.Wait(context.Background(), 1) }()
	end(t, s)
	if got := <-heard; len(got) > 0 {
		t.Errorf("%q after Close", texts(got))
	}
}
