package notify

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/script"
)

// fake records the programs that it runs, in order. Those named "hang" run
// until release is closed.
type fake struct {
	mu      sync.Mutex
	ran     []string
	now     map[string]int // running programs by the first letter of their names
	most    int
	release chan struct{}
	exit    int
}

func (f *fake) Run(c script.Command) script.Result {
	name := c.Argv[0]
	f.mu.Lock()
	f.ran = append(f.ran, name)
	f.now[name[:1]]++
	f.most = max(f.most, f.now[name[:1]])
	f.mu.Unlock()
	if name == "hang" {
		<-f.release
	} else {
		time.Sleep(100 * time.Microsecond)
	}
	f.mu.Lock()
	f.now[name[:1]]--
	f.mu.Unlock()
	return script.Result{Exit: f.exit}
}

func newFake() *fake { return &fake{now: map[string]int{}, release: make(chan struct{})} }

func program(name string) script.Command { return script.Command{Argv: []string{name}} }

func TestProgramsOfARouterRunInOrderAndOneAtATime(t *testing.T) {
	f := newFake()
	q := NewQueue(f, func(string, script.Command, script.Result) {})
	want := map[string][]string{}
	for i := range 50 {
		for _, router := range []string{"a", "b", "c"} {
			name := fmt.Sprint(router, i)
			q.Tell(router, program(name))
			want[router] = append(want[router], name)
		}
	}
	if lost := q.Close(10 * time.Second); lost != 0 {
		t.Fatalf("%d never began", lost)
	}
	got := map[string][]string{}
	for _, name := range f.ran {
		got[name[:1]] = append(got[name[:1]], name)
	}
	for router := range want {
		if !slices.Equal(got[router], want[router]) {
			t.Errorf("%s: ran %v", router, got[router])
		}
	}
	if f.most != 1 {
		t.Errorf("%d programs of one router at once", f.most)
	}
}

func TestProgramThatHangsHoldsUpItsRouterForAWhileAndOthersNever(t *testing.T) {
	f := newFake()
	defer close(f.release)
	told := make(chan script.Result, 10)
	q := NewQueue(f, func(_ string, _ script.Command, r script.Result) { told <- r })
	q.patience = 50 * time.Millisecond
	begin := time.Now()
	q.Tell("a", program("hang"), program("next"))
	q.Tell("b", program("other"))
	if lost := q.Close(10 * time.Second); lost != 0 || time.Since(begin) < q.patience {
		t.Errorf("%d lost after %v", lost, time.Since(begin))
	}
	if r := <-told; !r.TimedOut {
		t.Errorf("told %+v, want that it takes too long", r)
	}
	if i, j := slices.Index(f.ran, "hang"), slices.Index(f.ran, "next"); i < 0 || j < i {
		t.Errorf("ran %v", f.ran)
	}
}

func TestCloseTellsWhatNeverBegan(t *testing.T) {
	f := newFake()
	defer close(f.release)
	q := NewQueue(f, func(string, script.Command, script.Result) {})
	q.Tell("a", program("hang"), program("next"), program("last"))
	if lost := q.Close(20 * time.Millisecond); lost != 2 {
		t.Errorf("%d never began, want 2", lost)
	}
}

func TestFailuresAreTold(t *testing.T) {
	f := newFake()
	f.exit = 7
	var told []string
	q := NewQueue(f, func(name string, c script.Command, r script.Result) {
		told = append(told, fmt.Sprint(name, " ", c.Argv[0], " ", r))
	})
	q.Tell("VI_1", program("x"))
	q.Close(10 * time.Second)
	if !slices.Equal(told, []string{"VI_1 x exit status 7"}) {
		t.Errorf("told %q", told)
	}
}
