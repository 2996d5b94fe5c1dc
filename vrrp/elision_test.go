package vrrp

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// The kernel keeps to itself an advert that equals the last accepted one, and
// moves the deadline by itself. TestElidedFeedEqualsFullFeed steps one machine
// with every advert and another with what is left, and demands that nobody can
// tell them apart.
//
// The one difference allowed is in the Notes: where masters alternate and the
// loop reads a whole batch late, the advert that would have brought a Note may
// have been kept. Then its next equal brings it, or none.

// kernel is what bpf/ and the loop make of the adverts for one machine.
type kernel struct {
	referee
	log

	rule  Advert // kept when an advert equals it
	keeps bool
	due   Instant // its deadline
	down  time.Duration
	last  Instant // stamp of the last kept advert that was not stepped; 0: none
	ring  []stamped
}

type stamped struct {
	at Instant
	Advert
}

// arrive is the frame coming in.
func (k *kernel) arrive(at Instant, a Advert) (kept bool) {
	if k.keeps && reflect.DeepEqual(a, k.rule) {
		k.last, k.due = at, max(k.due, at.Add(k.down))
		return true
	}
	k.ring = append(k.ring, stamped{at, a})
	return false
}

// drain is the loop waking: it steps what waits in the order of the stamps. Of
// the adverts kept only the last is left.
func (k *kernel) drain() error {
	if k.last != 0 {
		i := 0
		for i < len(k.ring) && k.ring[i].at < k.last {
			i++
		}
		k.ring = slices.Insert(k.ring, i, stamped{k.last, k.rule})
		k.last = 0
	}
	for _, a := range k.ring {
		if err := k.step(a.at, Heard{a.Advert}); err != nil {
			return err
		}
	}
	k.ring = k.ring[:0]
	return nil
}

// step steps the machine and tells the kernel what it wants now.
func (k *kernel) step(at Instant, in Input) error {
	out, err := k.referee.step(at, in)
	k.record(at, out)
	k.rule, _, k.keeps = k.m.Accepted()
	k.due, _ = k.m.Deadline()
	k.down = k.m.MasterDown()
	return err
}

// log is what a machine did and when, and of what it told at all.
type log struct {
	acts  []string
	notes map[string]bool
}

func (l *log) record(at Instant, out []Effect) {
	for _, e := range out {
		if _, ok := e.(Note); ok {
			if l.notes == nil {
				l.notes = map[string]bool{}
			}
			l.notes[showEffect(e)] = true
		} else {
			l.acts = append(l.acts, fmt.Sprintf("+%v %s", at.Sub(t0), showEffect(e)))
		}
	}
}

// pair is the machine that hears all and the one behind the kernel.
type pair struct {
	full     referee
	fullLog  log
	compared int // acts found equal
	kernel
}

// stepFull steps the machine that hears all.
func (p *pair) stepFull(at Instant, in Input) error {
	out, err := p.full.step(at, in)
	p.fullLog.record(at, out)
	return err
}

// equal compares all that the two show. The kernel's ring must be empty.
func (p *pair) equal() error {
	a, b := p.full.m, p.m
	dueA, okA := a.Deadline()
	dueB, okB := b.Deadline()
	lastA, atA, acceptsA := a.Accepted()
	lastB, atB, acceptsB := b.Accepted()
	switch {
	case a.State() != b.State() || a.Since() != b.Since() || a.Reason() != b.Reason():
		return fmt.Errorf("%v since %d (%v), %v since %d (%v)", a.State(), a.Since(), a.Reason(), b.State(), b.Since(), b.Reason())
	case dueA != dueB || okA != okB:
		return fmt.Errorf("deadlines %d and %d", dueA, dueB)
	case acceptsA != acceptsB || acceptsA && (atA != atB || !sameAdvert(&lastA, &lastB)):
		return fmt.Errorf("accepted %v at %d (%v), %v at %d (%v)", lastA.Src, atA, acceptsA, lastB.Src, atB, acceptsB)
	case a.LearnedInterval() != b.LearnedInterval():
		return fmt.Errorf("learned %v and %v", a.LearnedInterval(), b.LearnedInterval())
	}
	if full, elided := p.fullLog.acts[p.compared:], p.acts[p.compared:]; !slices.Equal(full, elided) {
		return fmt.Errorf("effects\n%s\nand\n%s", strings.Join(full, "\n"), strings.Join(elided, "\n"))
	}
	p.compared = len(p.acts)
	for note := range p.notes {
		if !p.fullLog.notes[note] {
			return fmt.Errorf("%s: behind the kernel alone", note)
		}
	}
	return nil
}

// both steps both machines; the loop drains before it steps anything else.
func (p *pair) both(at Instant, in Input) error {
	if err := p.drain(); err != nil {
		return err
	}
	if err := p.equal(); err != nil {
		return fmt.Errorf("before %s: %w", showInput(in), err)
	}
	if err := p.stepFull(at, in); err != nil {
		return err
	}
	if err := p.step(at, in); err != nil {
		return err
	}
	return p.equal()
}

//vrrp:row 28 29 30 31 43
func TestElidedFeedEqualsFullFeed(t *testing.T) {
	var kept, adverts, notPrompt, moves, waited int
	all := eachSeed(t, 50, func(t *testing.T, rng *rand.Rand) {
		fail := func(err error) {
			if err != nil {
				t.Helper()
				t.Fatal(err)
			}
		}
		e := newEther(rng)
		p := pair{full: referee{m: New(e.cfg)}, kernel: kernel{referee: referee{m: New(e.cfg)}}}
		fail(p.both(t0, Startup{}))
		now := t0
		for range 600 {
			at, in := e.next()
			for { // timers, at times late, but never behind the next input
				due, ok := p.full.m.Deadline()
				when := max(now, due.Add(time.Duration(rng.IntN(4)/3)*3*time.Millisecond))
				if !ok || when > at {
					break
				}
				now = when
				fail(p.both(now, Timer{}))
			}
			now = at
			heard, ok := in.(Heard)
			if !ok {
				fail(p.both(at, in))
				continue
			}
			adverts++
			if _, ok := p.full.m.PreemptAt(); ok {
				waited++
			}
			fail(p.stepFull(at, in))
			if p.arrive(at, heard.Advert) {
				kept++
			}
			if len(p.ring) == 0 {
				if due, _ := p.full.m.Deadline(); due != p.due {
					t.Fatalf("the kernel's deadline is %d, the machine's %d", p.due, due)
				}
			} else if rng.IntN(3) == 0 {
				notPrompt++ // the loop is held up
			} else {
				fail(p.drain())
				fail(p.equal())
			}
		}
		fail(p.both(now, Shutdown{}))
		moves += strings.Count(strings.Join(p.acts, "\n"), " -> ")
	})
	t.Logf("%d adverts, %d kept by the kernel, %d read late, %d transitions, %d while a preempt delay ran", adverts, kept, notPrompt, moves, waited)
	if all && (kept < adverts/5 || notPrompt < adverts/20 || moves < 2000 || waited < 500) {
		t.Error("too few to prove anything")
	}
}
