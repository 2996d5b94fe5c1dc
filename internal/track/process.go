package track

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Process is a kind of process of which a number should run (vrrp_track_process).
type Process struct {
	Name   string
	Path   string   // the name in the kernel, or with Full the first word of the command line
	Params []string // with Full: the words after it, as Match says
	Match  ParamMatch
	Full   bool
	// Up from Quorum to QuorumMax of them. A change that the start of one makes
	// counts when it has lasted for Fork, one that the end of one makes for Terminate.
	Quorum, QuorumMax int
	Fork, Terminate   time.Duration
}

// ParamMatch is which parameters a process must have.
type ParamMatch uint8

// The kinds of match.
const (
	AnyParams     ParamMatch = iota
	ExactParams              // those and no others
	PartialParams            // those first
	InitialParams            // those first, and the last may be longer
)

// Count is how many run, and whether that is right.
type Count struct {
	Name string
	Up   bool
	N    int
}

// Processes counts processes until it is closed. The kernel tells of each that
// starts or ends where it does that (connector.go); else all are looked at once a
// second. Its methods are for one goroutine.
type Processes struct {
	report func(Count)
	events chan []event
	set    chan setProcesses
	quit   chan struct{}
	done   sync.WaitGroup
	news   *os.File      // nil: there are none
	every  time.Duration // and how often all are looked at then
}

type setProcesses struct {
	list []Process
	done chan struct{}
}

// event is a change that the kernel tells of.
type event struct {
	kind       eventKind
	pid, child int
}

type eventKind uint8

const (
	forked  eventKind = iota // pid has made child
	renamed                  // pid may be another program now
	exited
	lost // events were: all processes are to be looked at
)

// proc is where the kernel shows processes.
const proc = "/proc/"

// WatchProcesses begins to count nothing; Set says what. report is called from one
// goroutine.
func WatchProcesses(report func(Count)) *Processes {
	p := &Processes{report: report, events: make(chan []event, 64), set: make(chan setProcesses), quit: make(chan struct{}), every: again}
	if f, err := connect(); err == nil {
		p.news = f
		p.done.Go(p.listen)
	}
	p.done.Go(p.work)
	return p
}

// Polls tells whether processes are looked at once a second, because the kernel
// does not tell.
func (p *Processes) Polls() bool { return p.news == nil }

// Set changes what is counted, and reports what new ones come to before it
// returns.
func (p *Processes) Set(list []Process) {
	done := make(chan struct{})
	p.set <- setProcesses{list, done}
	<-done
}

// Close ends it. Nothing is reported afterwards.
func (p *Processes) Close() {
	close(p.quit)
	if p.news != nil {
		_ = p.news.Close()
	}
	p.done.Wait()
}

// counted is one kind of process with those that there are.
type counted struct {
	Process
	pids map[int]bool
	up   bool
	due  time.Time // when a change that lasts counts; zero for none
}

func (p *Processes) work() {
	var all []*counted
	var poll <-chan time.Time
	if p.news == nil {
		t := time.NewTicker(p.every)
		defer t.Stop()
		poll = t.C
	}
	for {
		wait := time.NewTimer(untilFirst(all))
		select {
		case <-p.quit:
			wait.Stop()
			return
		case s := <-p.set:
			all = p.change(all, s.list)
			close(s.done)
		case list := <-p.events:
			for _, e := range list {
				p.take(all, e)
			}
		case <-poll:
			p.scan(all)
		case <-wait.C:
		}
		wait.Stop()
		for now, i := time.Now(), 0; i < len(all); i++ {
			if c := all[i]; !c.due.IsZero() && !now.Before(c.due) {
				p.turn(c)
			}
		}
	}
}

// untilFirst is the time to the first change that counts.
func untilFirst(all []*counted) time.Duration {
	first := time.Hour
	for _, c := range all {
		if !c.due.IsZero() {
			first = min(first, time.Until(c.due))
		}
	}
	return max(first, 0)
}

// change keeps those of a new list that were counted, and counts the others.
func (p *Processes) change(old []*counted, list []Process) (all []*counted) {
	var fresh []*counted
	for _, l := range list {
		i := slices.IndexFunc(old, func(c *counted) bool { return c.same(l) })
		if i >= 0 {
			all = append(all, old[i])
			continue
		}
		c := &counted{Process: l, pids: map[int]bool{}}
		all, fresh = append(all, c), append(fresh, c)
	}
	for pid := range pids() {
		for _, c := range fresh {
			if c.matches(pid) {
				c.pids[pid] = true
			}
		}
	}
	for _, c := range fresh {
		c.up = c.right()
		p.report(Count{c.Name, c.up, len(c.pids)})
	}
	return all
}

func (a *Process) same(b Process) bool {
	params := slices.Equal(a.Params, b.Params)
	c := *a
	c.Params, b.Params = nil, nil
	return params && c.Name == b.Name && c.Path == b.Path && c.Match == b.Match && c.Full == b.Full &&
		c.Quorum == b.Quorum && c.QuorumMax == b.QuorumMax && c.Fork == b.Fork && c.Terminate == b.Terminate
}

func (c *counted) right() bool { return c.Quorum <= len(c.pids) && len(c.pids) <= c.QuorumMax }

// take takes a change that the kernel tells of.
func (p *Processes) take(all []*counted, e event) {
	if e.kind == lost {
		p.scan(all)
		return
	}
	for _, c := range all {
		switch e.kind {
		case forked: // it is the same program until it says otherwise
			p.put(c, e.child, c.pids[e.pid] || c.pids[e.child])
		case renamed:
			p.put(c, e.pid, c.matches(e.pid))
		case exited:
			p.put(c, e.pid, false)
		}
	}
}

// scan looks at all processes.
func (p *Processes) scan(all []*counted) {
	if len(all) == 0 {
		return
	}
	now := pids()
	for _, c := range all {
		for pid := range c.pids {
			if !now[pid] {
				p.put(c, pid, false)
			}
		}
		for pid := range now {
			p.put(c, pid, c.matches(pid))
		}
	}
}

// put says whether a process is one of those counted.
func (p *Processes) put(c *counted, pid int, is bool) {
	if c.pids[pid] == is {
		return
	}
	delay := c.Terminate
	if is {
		c.pids[pid] = true
		delay = c.Fork
	} else {
		delete(c.pids, pid)
	}
	switch {
	case c.right() == c.up:
		c.due = time.Time{} // it did not last
	case delay == 0:
		p.turn(c)
	case c.due.IsZero():
		c.due = time.Now().Add(delay)
	}
}

// turn brings what is reported to what there is.
func (p *Processes) turn(c *counted) {
	c.due = time.Time{}
	if up := c.right(); up != c.up {
		c.up = up
		p.report(Count{c.Name, up, len(c.pids)})
	}
}

// pids are the processes that there are.
func pids() map[int]bool {
	all := map[int]bool{}
	dir, err := os.Open(proc)
	if err != nil {
		return all
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			all[pid] = true
		}
	}
	return all
}

// matches tells whether a process, if it lives, is of this kind.
func (c *Process) matches(pid int) bool {
	at := proc + strconv.Itoa(pid)
	if !c.Full {
		// proc_pid_stat(5): PID (NAME) STATE; the name may have parentheses in it.
		b, err := os.ReadFile(at + "/stat")
		stat := string(b)
		open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
		return err == nil && open > 0 && open < end && stat[open+1:end] == c.Path && !strings.HasPrefix(stat[end+1:], " Z")
	}
	b, err := os.ReadFile(at + "/cmdline")
	if err != nil || len(b) == 0 { // a thread of the kernel, or one that has ended
		return false
	}
	name, params, _ := strings.Cut(string(b), "\x00")
	return name == c.Path && c.accepts(params)
}

// accepts judges parameters, each of which ends in NUL.
func (c *Process) accepts(params string) bool {
	want := ""
	for _, p := range c.Params {
		want += p + "\x00"
	}
	switch c.Match {
	case ExactParams:
		return params == want
	case PartialParams:
		return strings.HasPrefix(params, want)
	case InitialParams:
		return strings.HasPrefix(params, strings.TrimSuffix(want, "\x00"))
	}
	return true
}
