package pace

import (
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// watch is the goroutine that looks whether the clock still goes round, while it
// has anything to send. The two loops of the clock look after each other in the
// kernel; this is for when both have stopped, as when somebody sets the pair down.
type watch struct {
	wake, stop, done chan struct{}
}

func (p *Pacer) startWatch() {
	p.watch = watch{wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go p.runWatch(p.watch)
}

func (p *Pacer) stopWatch() {
	if p.watch.stop != nil {
		close(p.watch.stop)
		<-p.watch.done
		p.watch = watch{}
	}
}

// wakeWatch is called with mu held, when there may be something to watch.
func (p *Pacer) wakeWatch() {
	select {
	case p.watch.wake <- struct{}{}: // nil without a clock: never ready
	default:
	}
}

func (p *Pacer) runWatch(w watch) {
	defer close(w.done)
	timer := time.NewTimer(0)
	for {
		select {
		case <-w.stop:
			return
		case <-w.wake:
		case <-timer.C:
		}
		timer.Reset(p.look(clock.Now()))
	}
}

// idle is how long the watch sleeps with nothing to watch: it is woken sooner.
const idle = time.Hour

// again is how long after a clock could not be made anew it is tried once more.
const again = 10 * time.Second

// look looks after the clock, and returns after how long to look again.
func (p *Pacer) look(now vrrp.Instant) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clock != nil && p.down != "" {
		return p.remake()
	}
	if p.clock == nil || !p.watched() {
		return idle
	}
	next, err := p.clock.Watch(now)
	if err == nil {
		return next.Sub(now)
	}
	p.down = err.Error()
	p.log.Error("adverts are sent by the thread from now on: " + p.down)
	for name, e := range p.byName {
		if e.kernel {
			p.move(name, e)
		}
	}
	return p.remake()
}

// remake makes the clock anew and gives it back what it had. p.mu is held, but while
// the kernel takes its time.
func (p *Pacer) remake() time.Duration {
	c := p.clock
	p.mu.Unlock()
	err := c.Rebuild()
	p.mu.Lock()
	if err != nil {
		if down := "the advert clock cannot be made anew: " + err.Error(); down != p.down {
			for _, e := range p.byName {
				if e.why == p.down {
					e.why = down
				}
			}
			p.down = down
			p.log.Error(down)
		}
		return again
	}
	was := p.down
	p.down = ""
	p.log.Warn("the advert clock runs again")
	for name, e := range p.byName {
		if e.moved {
			p.moveBack(name, e)
		} else if e.why == was {
			e.why = "" // until its next schedule
		}
	}
	return 0
}

// watched tells whether the clock has a schedule that it may have to send.
func (p *Pacer) watched() bool {
	if p.down != "" {
		return false
	}
	for _, e := range p.byName {
		if e.kernel {
			if g := p.clock.Gate(e.slot); g == loader.GateOpen || g == loader.GateArmed {
				return true
			}
		}
	}
	return false
}

// move leaves to the thread what the clock was sending. What it was not, because
// the kernel or the owner had shut the gate, nobody sends.
func (p *Pacer) move(name string, e *entry) {
	was := p.clock.Gate(e.slot)
	last, _ := p.clock.Last(e.slot)
	p.close(e)
	e.why = p.down
	if was == loader.GateOpen {
		e.moved = true
		s := e.given
		s.Next = last.Add(s.Interval)
		p.thread.Set(name, s)
	}
}

// moveBack gives the clock what was its own, in the phase that it has by now.
func (p *Pacer) moveBack(name string, e *entry) {
	e.moved = false
	s := e.given
	if s.Next = p.thread.Next(name); s.Next == 0 {
		return // stopped meanwhile, or overdue
	}
	if e.why = p.open(name, e, &s, loader.GateOpen); e.why != "" {
		p.close(e)
		p.thread.Set(name, s)
	}
}

var _ thread = (*netio.Pacer)(nil)
var _ advertClock = (*loader.Clock)(nil)
