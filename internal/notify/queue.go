// Package notify tells programs of transitions: for each router in the order
// of what happened, one program at a time.
package notify

import (
	"sync"
	"time"

	"github.com/vrrpx/vrrpx/internal/script"
)

// Patience is how long a program may hold up the next one of its router. Then
// it is left to run beside it: a program that never ends must not keep back the
// news that the router is BACKUP again.
const Patience = 10 * time.Second

// Queue runs programs. Its methods are for any goroutine and never block but
// Close.
type Queue struct {
	runner   runner
	tell     func(name string, c script.Command, r script.Result)
	patience time.Duration

	mu      sync.Mutex
	waiting map[string][]script.Command // a name is in it while its goroutine runs
	running sync.WaitGroup
}

// runner starts programs (script.Runner).
type runner interface {
	Run(script.Command) script.Result
}

// NewQueue returns an empty queue. tell is called from many goroutines: of each
// program that failed, and, with TimedOut, of each whose router stopped waiting
// for it.
func NewQueue(r runner, tell func(name string, c script.Command, r script.Result)) *Queue {
	return &Queue{runner: r, tell: tell, patience: Patience, waiting: map[string][]script.Command{}}
}

// Tell has programs run after all that were given before for this name.
func (q *Queue) Tell(name string, commands ...script.Command) {
	if len(commands) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	_, busy := q.waiting[name]
	q.waiting[name] = append(q.waiting[name], commands...)
	if !busy {
		q.running.Go(func() { q.work(name) })
	}
}

// work runs what waits for a name until nothing does.
func (q *Queue) work(name string) {
	for {
		q.mu.Lock()
		if len(q.waiting[name]) == 0 {
			delete(q.waiting, name)
			q.mu.Unlock()
			return
		}
		next := q.waiting[name][0]
		q.waiting[name] = q.waiting[name][1:]
		q.mu.Unlock()
		q.run(name, next)
	}
}

// run runs one program, for as long as patience lasts.
func (q *Queue) run(name string, c script.Command) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if r := q.runner.Run(c); !r.OK() {
			q.tell(name, c, r)
		}
	}()
	patience := time.NewTimer(q.patience)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
		q.tell(name, c, script.Result{TimedOut: true, Took: q.patience})
	}
}

// Close waits for the programs that were given, so long at most, and returns
// how many never began.
func (q *Queue) Close(wait time.Duration) (lost int) {
	done := make(chan struct{})
	go func() {
		q.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(wait):
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, commands := range q.waiting {
		lost += len(commands)
	}
	return lost
}
