package vrrp

import (
	"fmt"
	"strings"
	"time"
)

// lan is routers that hear each other's adverts.
type lan struct {
	routers []*talker
	now     Instant
	delay   time.Duration // of the wire
	wire    []onWire      // in the order of their arrival
	out     []string
	quiet   bool // only steps that had effects are printed
}

type talker struct {
	referee
	name string
	dead bool
}

// onWire is an advert on its way to all but its sender.
type onWire struct {
	at   Instant
	from *talker
	Advert
}

func (l *lan) print(format string, args ...any) { l.out = append(l.out, fmt.Sprintf(format, args...)) }

// run lets the timers fire that are due until then.
func (l *lan) run(until Instant) error {
	for {
		var first *talker
		var at Instant
		for _, r := range l.routers {
			if due, ok := r.m.Deadline(); ok && !r.dead && due <= until && (first == nil || due < at) {
				first, at = r, due
			}
		}
		if len(l.wire) > 0 && l.wire[0].at <= until && (first == nil || l.wire[0].at <= at) {
			l.now = max(l.now, l.wire[0].at)
			if err := l.deliver(); err != nil {
				return err
			}
			continue
		}
		if first == nil {
			l.now = until
			return nil
		}
		l.now = max(l.now, at)
		if err := l.step(first, Timer{}, "timer"); err != nil {
			return err
		}
	}
}

// deliver lets all others hear the adverts that have come by now.
func (l *lan) deliver() error {
	for len(l.wire) > 0 && l.wire[0].at <= l.now {
		a := l.wire[0]
		l.wire = l.wire[1:]
		for _, r := range l.routers {
			if r == a.from || r.dead {
				continue
			}
			if err := l.step(r, Heard{a.Advert}, fmt.Sprintf("hears %s priority %d", a.from.name, a.Priority)); err != nil {
				return err
			}
		}
	}
	return nil
}

// step steps one router, prints it, and puts on the wire what it sends.
func (l *lan) step(r *talker, in Input, what string) error {
	out, err := r.step(l.now, in)
	if err != nil {
		return err
	}
	if len(out) > 0 || !l.quiet {
		effects := strings.Join(show(out), ", ")
		if effects == "" {
			effects = "nothing"
		}
		l.print("  @%v %s %s: %s; %s", l.now.Sub(t0), r.name, what, effects, r.standing())
	}
	for _, e := range out {
		switch e := e.(type) {
		case Transition:
			l.print("      because: %v", e.Reason)
		case SendAdvert:
			c := r.m.Config()
			l.wire = append(l.wire, onWire{l.now.Add(l.delay), r, Advert{Src: c.Primary, Packet: Packet{
				Version: c.Version, VRID: c.VRID, Priority: e.Priority, Interval: c.Interval, Addrs: c.Addrs,
			}}})
		}
	}
	return nil
}

// standing is the state and the deadline.
func (r *talker) standing() string {
	s := r.m.State().String()
	if due, ok := r.m.Deadline(); ok {
		s += fmt.Sprintf(" until %v", due.Sub(t0))
	}
	if f := r.m.Faults(); len(f) > 0 {
		s += " by " + strings.Join(f, ", ")
	}
	return s
}
