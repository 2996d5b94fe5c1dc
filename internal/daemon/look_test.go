package daemon

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// A look at hundreds of routers lets the loop hear and act in between, and does not mind
// a router that is removed meanwhile.
func TestLookTakesTurns(t *testing.T) {
	const n = 5*lookTurn - 1
	h := &host{loop: &loop{wake: -1}, loopDone: make(chan struct{})}
	for i := range n {
		r := newRig(t, true, nil).r
		r.owner = fmt.Sprintf("VI_%d", i)
		h.routers = append(h.routers, r)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var views []view
	done := make(chan error, 1)
	go func() {
		var err error
		views, _, _, err = h.look(ctx)
		done <- err
	}()
	turns := 0
	for {
		select {
		case err := <-done:
			if err != nil || turns != 6 || len(views) != n-1 {
				t.Errorf("%d turns, %d views, %v", turns, len(views), err)
			}
			return
		default:
		}
		for _, f := range h.loop.takePosts() {
			f()
			if turns++; turns == 2 {
				h.routers = h.routers[:n-1] // by a reload
			}
		}
		time.Sleep(100 * time.Microsecond)
	}
}
