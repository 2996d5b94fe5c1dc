// Package nexthop finds out, and keeps finding out, by which MAC address a host
// is reached: the kernel's routes say by way of whom, its neighbour tables at
// what address. Frames to unicast peers can then be sent past netfilter.
//
// It asks on a goroutine of its own, since netlink may block. Notifications of
// the kernel only hurry it: whatever they say, or if they are lost, it asks
// again.
package nexthop

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Target is a host to be reached on an interface.
type Target struct {
	Ifindex int
	Source  netip.Addr // of what is sent there: routes may depend on it
	Peer    netip.Addr
}

// Hop is the way to a target as it is now.
type Hop struct {
	Target
	Via netip.Addr       // the peer itself, or a gateway; not valid: no route
	MAC net.HardwareAddr // of Via; nil: not known
}

const (
	// again is how often a known hop is looked at: a neighbour that has become
	// STALE is to be confirmed, or found dead.
	again = 5 * time.Second
	// soon is how often one that is not known is asked for.
	soon = time.Second
	// gap bounds the rate of rounds on a host whose routes never rest.
	gap = 20 * time.Millisecond
)

// Watcher follows the next hops of targets.
type Watcher struct {
	kernel *kernel
	tell   func(Hop)
	kick   chan struct{} // of capacity 1: something may have changed
	stop   chan struct{}
	wait   sync.WaitGroup

	mu      sync.Mutex
	targets map[int][]Target // by interface
	known   map[Target]state // the goroutine's own
}

// state is what was last told of a target, and when the kernel was last asked
// to resolve it.
type state struct {
	Hop
	told  bool
	asked time.Time
}

// Open begins, in the network namespace of the calling thread, to follow
// targets. tell is called with each hop when it is first known, or known to be
// unknown, and when it changes, from one goroutine; it must not call Close.
// It needs CAP_NET_ADMIN.
func Open(tell func(Hop)) (*Watcher, error) {
	k, err := openKernel()
	if err != nil {
		return nil, fmt.Errorf("neighbour tables: %w", err)
	}
	w := &Watcher{
		kernel: k, tell: tell, kick: make(chan struct{}, 1), stop: make(chan struct{}),
		targets: map[int][]Target{}, known: map[Target]state{},
	}
	w.wait.Go(w.listen)
	w.wait.Go(w.run)
	return w, nil
}

// Watch sets the targets on an interface, in place of those before.
func (w *Watcher) Watch(ifindex int, targets []Target) {
	w.mu.Lock()
	if len(targets) == 0 {
		delete(w.targets, ifindex)
	} else {
		w.targets[ifindex] = slices.Clone(targets)
	}
	w.mu.Unlock()
	w.hurry()
}

// Close ends everything. tell is not called any more when it returns.
func (w *Watcher) Close() {
	close(w.stop)
	w.kernel.wake() // the listener
	w.wait.Wait()
	w.kernel.close()
}

func (w *Watcher) hurry() {
	select {
	case w.kick <- struct{}{}:
	default: // a round is due already
	}
}

func (w *Watcher) stopped() bool {
	select {
	case <-w.stop:
		return true
	default:
		return false
	}
}

// listen waits for the kernel to say that a route or neighbour has changed.
func (w *Watcher) listen() {
	for !w.stopped() {
		if err := w.kernel.await(); err != nil && !w.stopped() {
			time.Sleep(gap) // ENOBUFS for one: notifications were lost, so look
		}
		w.hurry()
	}
}

// run asks, at the kernel's word and in any case every so often.
func (w *Watcher) run() {
	timer := time.NewTimer(again)
	defer timer.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-w.kick:
		case <-timer.C:
		}
		timer.Reset(w.round())
		select {
		case <-w.stop:
			return
		case <-time.After(gap):
		}
	}
}

// round looks at every target once and returns when to do so again.
func (w *Watcher) round() time.Duration {
	next := again
	targets := w.list()
	for t := range w.known {
		if !slices.Contains(targets, t) {
			delete(w.known, t)
		}
	}
	for _, t := range targets {
		old := w.known[t]
		now, sure := w.look(t)
		if now.MAC == nil {
			next = soon
		}
		// Once in a while only, or its failure would be news to ask again upon.
		if !sure && now.Via.IsValid() && time.Since(old.asked) >= soon*9/10 {
			old.asked = time.Now()
			_ = w.kernel.resolve(t.Ifindex, now.Via) // what is refused is tried again
		}
		tell := !old.told || old.Via != now.Via || !bytes.Equal(old.MAC, now.MAC)
		w.known[t] = state{now, true, old.asked}
		if tell {
			w.tell(now)
		}
	}
	return next
}

func (w *Watcher) list() (all []Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.targets {
		all = append(all, l...)
	}
	return all
}

// look asks for the way to a target. It is not sure when the kernel should find
// or confirm the neighbour.
func (w *Watcher) look(t Target) (hop Hop, sure bool) {
	hop.Target = t
	via, err := w.kernel.route(t)
	if err != nil {
		return hop, false // the next look may find a route
	}
	hop.Via = via
	n, err := w.kernel.neighbour(t.Ifindex, via)
	if err != nil || n.State&valid == 0 || len(n.HardwareAddr) != 6 || bytes.Equal(n.HardwareAddr, nobody) {
		return hop, false
	}
	hop.MAC = n.HardwareAddr
	return hop, n.State&unix.NUD_STALE == 0
}

// valid are the states whose address may be used (NUD_VALID of the kernel).
const valid = unix.NUD_PERMANENT | unix.NUD_NOARP | unix.NUD_REACHABLE | unix.NUD_PROBE | unix.NUD_STALE | unix.NUD_DELAY

var nobody = make(net.HardwareAddr, 6)
