// Package load makes the stress of the bench: children of this program that
// take processor time, memory, process ids or the wire, each for a bounded
// time, each killed by the kernel when the bench ends.
package load

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// environment marks a child: its value is the kind.
const environment = "VRRPX_BENCH_LOAD"

// kinds are what a child can be.
var kinds = map[string]func(settings) error{
	"busy":   busy,
	"fifo":   fifo,
	"forks":  forks,
	"hog":    hog,
	"flood":  flood,
	"master": master,
}

// settings are the flags of a child; each kind has its own use for some.
type settings struct {
	limit    time.Duration // it ends by itself after that
	priority int
	n        int
	bytes    int
	fileSize int
	interval time.Duration
	up       time.Duration
	at       int64 // CLOCK_MONOTONIC, ns: it begins then; 0: at once
	frames   [][]byte
}

// Main is to be called first in main: in a child it does the child's work and
// never returns.
func Main() {
	kind, ok := os.LookupEnv(environment)
	if !ok {
		return
	}
	if err := child(kind); err != nil {
		fmt.Fprintf(os.Stderr, "load %s: %v\n", kind, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(kind string) error {
	run, ok := kinds[kind]
	if !ok {
		return errors.New("no such kind")
	}
	var s settings
	f := flag.NewFlagSet(kind, flag.ContinueOnError)
	f.DurationVar(&s.limit, "for", 0, "")
	f.IntVar(&s.priority, "priority", 0, "")
	f.IntVar(&s.n, "n", 1, "")
	f.IntVar(&s.bytes, "bytes", 0, "")
	f.IntVar(&s.fileSize, "file-size", 0, "")
	f.DurationVar(&s.interval, "interval", 0, "")
	f.DurationVar(&s.up, "up", 0, "")
	f.Int64Var(&s.at, "at", 0, "")
	if err := f.Parse(os.Args[1:]); err != nil {
		return err
	}
	if s.limit <= 0 {
		return errors.New("a load without an end")
	}
	// Whatever it does, it is over some time after its own end.
	time.AfterFunc(s.limit+5*time.Second, func() { os.Exit(3) })
	if kind == "master" {
		if err := realtime(s.priority); err != nil {
			return err
		}
	}
	if kind == "flood" || kind == "master" {
		var err error
		if s.frames, err = readFrames(os.Stdin); err != nil {
			return err
		}
	}
	return run(s)
}

// ready tells the parent that the load is on.
func ready() { fmt.Println("ready") }

// Load is some children.
type Load struct {
	children []*runner
}

type runner struct {
	cmd    *testnet.Cmd
	errs   strings.Builder
	lines  chan string
	exited chan struct{}
	err    error
}

// Options are how a child is started.
type Options struct {
	Host   *testnet.Host // in whose network namespace; for most kinds any will do
	Groups []*Group      // cgroups to be in
	Frames [][]byte      // for flood and master
}

// start runs one child and waits until it says that it is ready.
func start(ctx context.Context, o Options, kind string, limit time.Duration, args ...string) (*runner, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	line := append(append(Wrap(o.Groups...), exe, "-for", limit.String()), args...)
	r := &runner{cmd: o.Host.Command(ctx, line[0], line[1:]...), lines: make(chan string, 64), exited: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), environment+"="+kind, "GOMAXPROCS=2", "GOTRACEBACK=none", "GODEBUG=asyncpreemptoff=1")
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as a service of its own; see autogroup in sched(7)
	r.cmd.Stdin = strings.NewReader(frameText(o.Frames))
	r.cmd.Stderr = &r.errs
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	r.cmd.Stdout = in
	err = r.cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		return nil, fmt.Errorf("load %s: %w", kind, err)
	}
	go func() {
		r.read(out) // to its end first: what it said last is what Wait returns
		r.err = r.cmd.Wait()
		close(r.exited)
	}()
	select {
	case <-r.lines:
		return r, nil
	case <-r.exited:
		return nil, fmt.Errorf("load %s: %w: %s", kind, r.err, strings.TrimSpace(r.errs.String()))
	case <-time.After(20 * time.Second):
		r.stop()
		return nil, fmt.Errorf("load %s: not ready after 20 s", kind)
	}
}

// read takes the child's lines, and drops those that nobody asks for.
func (r *runner) read(out io.ReadCloser) {
	defer out.Close()
	for s := bufio.NewScanner(out); s.Scan(); {
		select {
		case r.lines <- s.Text():
		default:
		}
	}
}

func (r *runner) stop() {
	_ = r.cmd.Process.Kill() // it may have ended
	<-r.exited
}

// Stop ends all children and waits for them. A second call does nothing.
func (l *Load) Stop() {
	if l == nil {
		return
	}
	for _, c := range l.children {
		_ = c.cmd.Process.Kill()
	}
	for _, c := range l.children {
		<-c.exited
	}
}

// Wait waits until all children have ended by themselves and returns the last
// line of each.
func (l *Load) Wait(ctx context.Context) ([]string, error) {
	var last []string
	for _, c := range l.children {
		select {
		case <-c.exited:
		case <-ctx.Done():
			l.Stop()
			return nil, ctx.Err()
		}
		if c.err != nil {
			return nil, fmt.Errorf("%w: %s", c.err, strings.TrimSpace(c.errs.String()))
		}
		line := ""
		for len(c.lines) > 0 {
			line = <-c.lines
		}
		last = append(last, line)
	}
	return last, nil
}

// Alive is how many of the children still run.
func (l *Load) Alive() (n int) {
	for _, c := range l.children {
		select {
		case <-c.exited:
		default:
			n++
		}
	}
	return n
}

// Ended tells whether a child has ended, by itself or killed by someone else.
func (l *Load) Ended() bool { return l.Alive() < len(l.children) }

// run starts n children and ends them all if one fails.
func run(ctx context.Context, o Options, n int, kind string, limit time.Duration, args func(i int) []string) (*Load, error) {
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	l := &Load{}
	for i := range n {
		wg.Go(func() {
			c, err := start(ctx, o, kind, limit, args(i)...)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			l.children = append(l.children, c)
		})
	}
	wg.Wait()
	if len(errs) > 0 {
		l.Stop()
		return nil, errors.Join(errs...)
	}
	return l, nil
}
