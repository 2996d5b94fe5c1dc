package track

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestParametersMatchAsConfigured(t *testing.T) {
	for _, c := range []struct {
		match  ParamMatch
		want   []string
		params string
		ok     bool
	}{
		{AnyParams, nil, "a\x00b\x00", true},
		{ExactParams, nil, "", true},
		{ExactParams, nil, "a\x00", false},
		{ExactParams, []string{"a", "b"}, "a\x00b\x00", true},
		{ExactParams, []string{"a", "b"}, "a\x00bc\x00", false},
		{ExactParams, []string{"a b"}, "a\x00b\x00", false},
		{PartialParams, []string{"a"}, "a\x00b\x00", true},
		{PartialParams, []string{"a"}, "ab\x00", false},
		{InitialParams, []string{"a", "b"}, "a\x00bc\x00d\x00", true},
		{InitialParams, []string{"a", "b"}, "ax\x00b\x00", false},
		{InitialParams, nil, "x\x00", true},
	} {
		if p := (Process{Params: c.want, Match: c.match}); p.accepts(c.params) != c.ok {
			t.Errorf("%d %q: %q should be %v", c.match, c.want, c.params, c.ok)
		}
	}
}

// program is a copy of sleep under a name of its own.
func program(t *testing.T, name string) string {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, path string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(path, args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(c) })
	return c
}

func end(c *exec.Cmd) {
	_ = c.Process.Kill()
	_ = c.Wait()
}

// counting is a Processes with and without the kernel's help.
func counting(t *testing.T, do func(t *testing.T, p *Processes, got chan Count)) {
	for _, poll := range []bool{false, true} {
		name := map[bool]string{false: "netlink", true: "polling"}[poll]
		t.Run(name, func(t *testing.T) {
			got := make(chan Count, 100)
			p := WatchProcesses(func(c Count) { got <- c })
			if poll {
				p.Close()
				p = &Processes{report: p.report, events: make(chan []event), set: make(chan setProcesses), quit: make(chan struct{}), every: 10 * time.Millisecond}
				p.done.Go(p.work)
			} else if p.Polls() {
				p.Close()
				const why = "the kernel tells nothing here: not root in the first namespaces"
				if os.Getenv("CI") == "true" {
					t.Fatal(why)
				}
				t.Skip(why)
			}
			defer p.Close()
			do(t, p, got)
		})
	}
}

func expect(t *testing.T, got chan Count, what string, want Count) {
	t.Helper()
	select {
	case c := <-got:
		if c != want {
			t.Errorf("%s: %+v, want %+v", what, c, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: nothing is reported", what)
	}
}

func TestProcessesAreCounted(t *testing.T) {
	counting(t, func(t *testing.T, p *Processes, got chan Count) {
		path := program(t, "vrrpx-tracked")
		first := run(t, path, "1000")
		p.Set([]Process{
			{Name: "two", Path: "vrrpx-tracked", Quorum: 2, QuorumMax: 3},
			{Name: "line", Path: path, Params: []string{"2000"}, Match: ExactParams, Full: true, Quorum: 1, QuorumMax: 9},
		})
		expect(t, got, "one", Count{"two", false, 1})
		expect(t, got, "none of that line", Count{"line", false, 0})
		second := run(t, path, "1000")
		expect(t, got, "two", Count{"two", true, 2})
		end(second)
		expect(t, got, "one again", Count{"two", false, 1})
		run(t, path, "1000")
		expect(t, got, "two again", Count{"two", true, 2})
		end(first)
		expect(t, got, "one that was there before", Count{"two", false, 1})
		p.Set([]Process{{Name: "line", Path: path, Params: []string{"2000"}, Match: ExactParams, Full: true, Quorum: 1, QuorumMax: 9}})
		line := run(t, path, "2000")
		expect(t, got, "that line", Count{"line", true, 1})
		end(line)
		expect(t, got, "and its end", Count{"line", false, 0})
	})
}

func TestTooManyAreNotRightEither(t *testing.T) {
	counting(t, func(t *testing.T, p *Processes, got chan Count) {
		path := program(t, "vrrpx-none")
		p.Set([]Process{{Name: "none", Path: "vrrpx-none"}})
		expect(t, got, "none", Count{"none", true, 0})
		c := run(t, path, "1000")
		expect(t, got, "one", Count{"none", false, 1})
		end(c)
		expect(t, got, "none again", Count{"none", true, 0})
	})
}

func TestDelaysLeaveOutWhatDoesNotLast(t *testing.T) {
	got := make(chan Count, 10)
	p := &Processes{report: func(c Count) { got <- c }}
	c := &counted{Process: Process{Name: "x", Quorum: 1, QuorumMax: 1, Fork: time.Hour, Terminate: 2 * time.Hour}, pids: map[int]bool{}}
	due := func() time.Duration {
		if c.due.IsZero() {
			return 0
		}
		return time.Until(c.due).Round(time.Minute)
	}
	p.put(c, 1, true)
	if due() != time.Hour {
		t.Errorf("a start counts in %v", due())
	}
	p.put(c, 1, false)
	if due() != 0 {
		t.Errorf("what did not last counts in %v", due())
	}
	p.put(c, 2, true)
	p.turn(c)
	p.put(c, 2, false)
	if due() != 2*time.Hour || len(got) != 1 {
		t.Errorf("an end counts in %v, %d reports", due(), len(got))
	}
	p.put(c, 3, true)
	p.put(c, 4, true) // one too many
	if due() != time.Hour {
		t.Errorf("one too many counts in %v", due())
	}
	p.turn(c)
	if first, second := <-got, <-got; first != (Count{"x", true, 1}) || second != (Count{"x", false, 2}) {
		t.Errorf("%+v %+v", first, second)
	}
}

func TestEventsThatAreNoneAreLeft(t *testing.T) {
	for n := range 80 {
		b := make([]byte, n)
		for i := range b {
			b[i] = 0xff
		}
		if got := parseEvents(b); len(got) != 0 {
			t.Errorf("%d bytes: %v", n, got)
		}
		if n > 4 {
			b[0], b[1], b[2], b[3] = byte(n), 0, 0, 0
			parseEvents(b)
		}
	}
}
