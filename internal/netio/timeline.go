package netio

import (
	"container/heap"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// timeline calls functions at their instants, earliest first, on one thread
// that sleeps on a timerfd in between. Both the pacer and the announcer are
// one. Others change an item's time under the item's own lock, which the
// thread holds only while it sends that item's frame: a change waits for one
// frame at most, and a stop returns with nothing on its way.
type timeline struct {
	timer int // timerfd on CLOCK_MONOTONIC
	done  chan struct{}

	mu      sync.Mutex // taken before an item's, never after
	changed []*item    // whose due the thread has yet to take up
	armed   vrrp.Instant
	closed  bool // the timer is no longer ours to set

	heap itemHeap // the thread's own
}

// item is one thing to do on a timeline.
type item struct {
	// fire acts and returns when next, 0 for never. It is called on the thread
	// with mu held, at or after due.
	fire func(now vrrp.Instant) vrrp.Instant

	mu  sync.Mutex
	due vrrp.Instant // 0 for never

	queued bool // in changed; under the timeline's mu

	// The thread's own: the due it has sorted by, and the place in the heap.
	key    vrrp.Instant
	index  int
	sorted bool
}

func newTimeline() (*timeline, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	return &timeline{timer: fd, done: make(chan struct{})}, nil
}

// touch makes the thread take up an item whose due was set, to a time that is
// not 0. The caller does not hold the item's lock. A due of 0 needs no touch:
// the thread finds out when the old time comes.
func (t *timeline) touch(it *item, due vrrp.Instant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if !it.queued {
		it.queued = true
		t.changed = append(t.changed, it)
	}
	if t.armed == 0 || due < t.armed {
		t.arm(due)
	}
}

// arm sets the timer; 0 leaves it without a time. Called with mu held.
func (t *timeline) arm(at vrrp.Instant) {
	t.armed = at
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(at))}
	// Fails only on a bad descriptor or an impossible time, and at is neither
	// negative nor made from anything but instants.
	_ = unix.TimerfdSettime(t.timer, unix.TFD_TIMER_ABSTIME, &spec, nil)
}

// close ends run and waits for it. It is called once, and not by an item.
func (t *timeline) close() {
	t.mu.Lock()
	t.closed = true
	t.arm(1) // long ago: the thread wakes
	t.mu.Unlock()
	<-t.done
}

// run fires items until close. It is the thread.
func (t *timeline) run() {
	defer close(t.done)
	defer unix.Close(t.timer)
	var expirations [8]byte
	for {
		it, open := t.next()
		switch {
		case !open:
			return
		case it == nil:
			// An error (EINTR) only means to look again.
			_, _ = unix.Read(t.timer, expirations[:])
		default:
			t.fire(it)
		}
	}
}

// next returns an item that is due by what the thread has sorted; without one
// it arms the timer for the earliest, and the caller sleeps.
func (t *timeline) next() (it *item, open bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, it := range t.changed {
		it.mu.Lock()
		due := it.due
		it.mu.Unlock()
		it.queued = false
		t.heap.sort(it, due)
		t.changed[i] = nil
	}
	t.changed = t.changed[:0]
	var first vrrp.Instant
	if len(t.heap) > 0 {
		first = t.heap[0].key
		if first <= clock.Now() {
			return t.heap[0], !t.closed
		}
	}
	t.arm(first)
	return nil, !t.closed
}

func (t *timeline) fire(it *item) {
	it.mu.Lock()
	// It may have been stopped or moved since it was sorted.
	if at := clock.Now(); it.due != 0 && it.due <= at {
		it.due = it.fire(at)
	}
	due := it.due
	it.mu.Unlock()
	t.heap.sort(it, due)
}

// itemHeap is a min-heap by key (container/heap).
type itemHeap []*item

// sort puts an item where its due belongs, or takes it out when due is 0.
func (h *itemHeap) sort(it *item, due vrrp.Instant) {
	it.key = due
	switch {
	case due == 0 && it.sorted:
		heap.Remove(h, it.index)
	case due == 0:
	case it.sorted:
		heap.Fix(h, it.index)
	default:
		heap.Push(h, it)
	}
}

func (h itemHeap) Len() int           { return len(h) }
func (h itemHeap) Less(i, j int) bool { return h[i].key < h[j].key }

func (h itemHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *itemHeap) Push(x any) {
	it := x.(*item)
	it.index, it.sorted = len(*h), true
	*h = append(*h, it)
}

func (h *itemHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	it.sorted = false
	*h = old[:len(old)-1]
	return it
}
