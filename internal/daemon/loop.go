package daemon

import (
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// backstop is how often the loop looks at every deadline by itself, in case an
// event was lost on its way. It wakes an idle BACKUP whose adverts and deadline
// the kernel keeps, and each time Go's sysmon thread with it, which takes about
// a hundred naps before it sleeps again.
const backstop = 10 * time.Second

// fresh is how long a down event is taken at its word. To ask for a later
// advert costs more time than all else on the way to the wire, and one that
// came within this was too late for its deadline anyway. A loop that was held
// up for longer does ask.
const fresh = 500 * time.Microsecond

// loop is the one goroutine that owns the routers. It waits for the datapaths,
// its timer and posted functions; nothing that it calls blocks.
type loop struct {
	log     *slog.Logger
	epoll   int
	file    *os.File        // owns epoll
	ready   syscall.RawConn // of file
	timer   int             // timerfd, armed for the earliest deadline that is the loop's
	wake    int             // eventfd, written by post
	armed   vrrp.Instant
	paths   []link.Datapath
	routers []*router
	byKey   map[loader.Key]*router
	byLine  map[loader.Key]*line
	merging []loader.Event // of routers with lines, to be put in order
	soon    bool           // a deadline is about to pass
	nap     nap
	renewals
	heard  []*router // who had an advert in this round
	down   []*router // whose deadline may have passed in this round
	storm  storm
	posted []func() // taken from posts, to be run

	mu    sync.Mutex
	posts []func()
	done  bool
}

// run serves until stop.
func (l *loop) run() {
	var events [8]unix.EpollEvent
	for !l.stopped() {
		if l.soon {
			l.spin()
			l.round(clock.Now())
			continue
		}
		if l.storm.more() || len(l.posted) > 0 {
			l.round(clock.Now())
			continue
		}
		l.arm()
		for _, e := range l.sleep(events[:]) {
			if fd := int(e.Fd); fd == l.timer || fd == l.wake {
				var b [8]byte
				_, _ = unix.Read(fd, b[:])
				if fd == l.timer {
					l.armed = 0
				}
			}
		}
		l.round(clock.Now())
	}
	l.fair.Need(0, false)
	for _, f := range l.posted {
		f()
	}
	for l.storm.more() {
		l.storm.next()
	}
}

// wait returns what is ready, in the end. It parks the goroutine rather than a
// thread in epoll_wait: who comes back from a long system call looks to Go's
// monitor as if he had been running all the while, and is preempted, for 60 us,
// just when he has a deadline to act on. The monitor also sleeps sooner so.
func (l *loop) wait(events []unix.EpollEvent) []unix.EpollEvent {
	n := 0
	err := l.ready.Read(func(uintptr) bool {
		n, _ = unix.EpollWait(l.epoll, events, 0) // EINTR: never when it need not wait
		return n > 0
	})
	if err != nil {
		l.log.Error("waiting for events: " + err.Error())
	}
	return events[:max(n, 0)]
}

// spin waits for a deadline that is about to pass, without going to sleep: an
// idle CPU takes longer to run a process again than a takeover needs. It comes
// only when a master has been silent for nearly the whole of its master-down
// interval, and ends soon after that, whatever happens. What was put off is done
// meanwhile.
func (l *loop) spin() {
	l.soon = false
	for end := time.Now().Add(loader.SoonBefore * 3 / 2); time.Now().Before(end) && !l.urgent(); {
		if l.storm.more() {
			l.storm.next()
		}
	}
}

// round is one turn: adverts first, all that came before t, and only then the
// deadlines, so that a loop that was held up does not take over from a master
// whose adverts are waiting to be read. What has been posted finds no router whose
// addresses are still to be asked for.
func (l *loop) round(t vrrp.Instant) {
	l.renew()
	for _, p := range l.paths {
		if _, err := p.Drain(t, l.event); err != nil {
			l.log.Error("reading adverts: " + err.Error())
		}
	}
	l.hearMerged()
	l.storm.flush() // of whom the kernel made MASTER
	for _, r := range l.heard {
		r.catchUp()
		r.regate()
	}
	l.heard = l.heard[:0]
	l.regate()
	l.runPosts()
	if l.nap.suspended > 0 {
		l.awake(t)
	}
	l.expire(t)
	l.listened(t)
	l.lookLines(t)
	l.catchUp()
}

// expire steps the routers whose deadline may have passed: those with a down
// event, those whose deadline the loop keeps, and, when one router's backstop
// is due, all, so that many wake the loop no more often than one.
func (l *loop) expire(t vrrp.Instant) {
	look := false
	for _, r := range l.routers {
		if at, ok := r.loopDeadline(); ok && t >= at {
			if r.keptByLoop() {
				r.lookForStall(at, t)
			}
			look = look || r.taken.armed
			l.down = append(l.down, r) // again, after a down event: it costs little
		}
	}
	if look {
		l.down = append(l.down[:0], l.routers...)
	}
	if len(l.down) > 0 && l.away() > leastLease {
		l.renew() // stopped since the round began: nobody is to take over with a lease that has run out
	}
	l.storm.gather(func() {
		for _, r := range l.down {
			r.expire(t)
		}
	})
	for _, r := range l.down {
		l.storm.later(r)
	}
	l.down = l.down[:0]
}

// event routes what a datapath brought.
func (l *loop) event(e *loader.Event) {
	if e.Kind == loader.Claim {
		if held, ok := netio.ParseHeld(e.Packet, e.Key.Family == vrrp.IPv4); ok {
			l.claim(e.At, e.Key.Ifindex, e.MAC, held)
		}
		return
	}
	r, via := l.owner(e.Key)
	if r == nil {
		return // removed while the event was on its way
	}
	switch e.Kind {
	case loader.Advert:
		l.hear(r, via, e)
	case loader.Soon:
		l.soon = true
	case loader.Taken:
		r.takenByKernel(e)
	case loader.Stalled:
		r.tellStall(e.Now.Sub(e.At))
	case loader.Lapsed, loader.Frozen:
		l.clockEvent(r, via, e)
	case loader.Down:
		r.taken.armed = false
		r.keptAt(e.Heard)
		r.taken.known = e.Now.Add(fresh)
		l.down = append(l.down, r)
	}
}

func (l *loop) takePosts() []func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.posts
	l.posts = nil
	return p
}

func (l *loop) stopped() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

// loopDeadline is when the loop itself looks at a router's deadline: at the
// deadline where the datapath keeps none, and once before it (firstLook), else a
// backstop later. A steady BACKUP's deadline moves on unseen in the kernel;
// looking brings it up to date.
func (r *router) loopDeadline() (vrrp.Instant, bool) {
	due, ok := r.deadline()
	if r.taken.armed {
		return due.Add(backstop), ok
	}
	if !ok || !r.keptByLoop() {
		return due, ok
	}
	if first := r.firstLook(due); first > r.stall.looked {
		return first, true
	}
	return r.held(due), true
}

// arm sets the timer for the earliest such time.
func (l *loop) arm() {
	first, _ := l.renewDue()
	for _, r := range l.routers {
		if due, ok := r.listenDue(); ok && (first == 0 || due < first) {
			first = due
		}
		if due, ok := r.loopDeadline(); ok && (first == 0 || due < first) {
			first = due
		}
		if due, ok := r.lookDue(); ok && (first == 0 || due < first) {
			first = due
		}
	}
	if first == l.armed {
		return
	}
	l.armed = first
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(int64(first), 0))}
	if err := unix.TimerfdSettime(l.timer, unix.TFD_TIMER_ABSTIME, &spec, nil); err != nil {
		l.log.Error("timerfd_settime: " + err.Error())
	}
}
