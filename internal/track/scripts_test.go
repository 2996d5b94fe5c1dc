package track

import (
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/script"
)

// fake runs a check as the test says: its results in turn, the last for ever.
type fake struct {
	mu      sync.Mutex
	results []script.Result
	runs    int
	hang    chan struct{} // if set, a run waits for it
	running int
	most    int
}

func (f *fake) Run(script.Command) script.Result {
	f.mu.Lock()
	f.running++
	f.most = max(f.most, f.running)
	r := f.results[min(f.runs, len(f.results)-1)]
	f.runs++
	f.mu.Unlock()
	if f.hang != nil {
		<-f.hang
	}
	f.mu.Lock()
	f.running--
	f.mu.Unlock()
	return r
}

var failed = script.Result{Exit: 1}

func collect(t *testing.T, s Script, f *fake, n int) (reports []Report) {
	t.Helper()
	c := make(chan Report, 100)
	w := RunScripts(f, []Script{s}, func(r Report) { c <- r })
	defer w.Close()
	for range n {
		select {
		case r := <-c:
			reports = append(reports, r)
		case <-time.After(10 * time.Second):
			t.Fatalf("%d reports, want %d", len(reports), n)
		}
	}
	return reports
}

func TestChangesAndFailuresAreReported(t *testing.T) {
	s := Script{Name: "web", Interval: time.Millisecond, Rise: 1, Fall: 2}
	got := collect(t, s, &fake{results: []script.Result{{}, {}, failed, failed, {}, {}}}, 4)
	for i, want := range []Report{
		{"web", Up, true, script.Result{}},
		{"web", Up, false, failed},
		{"web", Down, true, failed},
		{"web", Up, true, script.Result{}},
	} {
		if got[i] != want {
			t.Errorf("report %d is %+v, want %+v", i, got[i], want)
		}
	}
}

func TestInitFailIsDownUntilItHasRisen(t *testing.T) {
	s := Script{Name: "web", Interval: time.Millisecond, Rise: 2, Fall: 1, InitFail: true}
	f := &fake{results: []script.Result{{}}}
	if got := collect(t, s, f, 1); got[0].State != Up || f.runs < 2 {
		t.Errorf("%+v after %d runs, want up after two", got, f.runs)
	}
}

func TestCheckThatHangsIsNotStartedTwice(t *testing.T) {
	f := &fake{results: []script.Result{{}}, hang: make(chan struct{})}
	w := RunScripts(f, []Script{{Name: "web", Interval: time.Millisecond, Rise: 1, Fall: 1}}, func(Report) {})
	defer w.Close()
	time.Sleep(50 * time.Millisecond)
	close(f.hang)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.most != 1 || f.runs != 1 {
		t.Errorf("%d at once, %d runs, want one", f.most, f.runs)
	}
}

func TestNothingIsReportedAfterClose(t *testing.T) {
	f := &fake{results: []script.Result{failed}, hang: make(chan struct{})}
	reported := make(chan Report, 1)
	w := RunScripts(f, []Script{{Name: "web", Interval: time.Millisecond, Rise: 1, Fall: 1}}, func(r Report) { reported <- r })
	w.Close()
	close(f.hang)
	w.done.Wait()
	if len(reported) > 0 {
		t.Error("a report after Close")
	}
}
