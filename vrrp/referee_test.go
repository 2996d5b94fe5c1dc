package vrrp

import (
	"fmt"
	"reflect"
	"slices"
	"time"
)

// referee steps a machine and holds every step to the contract, whatever the
// input: the order of the effects, their pairing, and what the deadline may do.
// Row tests, conversations, properties and fuzzing all go through it.
type referee struct {
	m       *Machine
	holding bool // VIPs taken and not released
	last    Instant
	wait

	pausedSince Instant // of the pause after which it listens
	woke        Instant // and when it woke from it
}

// before is what step compares with.
type before struct {
	state   State
	due     Instant
	armed   bool
	learned time.Duration
	cfg     Config
	waits   bool // a preempt delay runs
	late    bool // the input's stamp lies before the last one's
	quiet   bool // it listens after a pause
	asking  bool // leave to take over is waited for
}

// sane is a configuration that config lets through. With any other it is enough
// that the machine does not panic.
func (b *before) sane() bool {
	return b.cfg.Interval >= 10*time.Millisecond && b.cfg.DownAdverts > 0
}

func (w *referee) step(now Instant, in Input) ([]Effect, error) {
	b := before{state: w.m.State(), learned: w.m.LearnedInterval(), cfg: w.m.Config()}
	b.due, b.armed = w.m.Deadline()
	_, b.waits = w.m.PreemptAt()
	_, b.asking = w.m.Asking()
	_, b.quiet = w.m.Listening()
	b.late = now < w.last
	w.last = max(w.last, now)
	out := w.m.Step(now, in, nil)
	w.delay(w.notBeforeItWoke(now, b), b, in)
	for _, err := range []error{w.silence(now, b, in, out), w.order(out), w.effects(now, b, out), w.deadline(now, b, in, out), w.elision(now)} {
		if err != nil {
			return out, fmt.Errorf("%s in %v at %d: %w (effects %q)", showInput(in), b.state, now, err, show(out))
		}
	}
	return out, nil
}

// notBeforeItWoke is from when an advert counts that makes a BACKUP of a MASTER that
// listens: it may have come while that did not run.
func (w *referee) notBeforeItWoke(now Instant, b before) Instant {
	if _, listens := w.m.Listening(); listens {
		w.woke = w.m.quiet.woke
	} else if b.quiet {
		return max(now, w.woke)
	}
	return now
}

// silence: after a pause a MASTER says nothing before its time has come, and an
// advert that came since its own last one ends its mastership.
func (w *referee) silence(now Instant, b before, in Input, out []Effect) error {
	_, listens := w.m.Listening()
	if listens && w.m.State() != Master {
		return fmt.Errorf("%v listens", w.m.State())
	}
	speaks := slices.ContainsFunc(out, func(e Effect) bool {
		switch e.(type) {
		case SendAdvert, Announce, AskTakeover:
			return true
		}
		return false
	})
	if listens && speaks {
		return fmt.Errorf("listens, and speaks")
	}
	if !b.quiet {
		return nil
	}
	if _, timer := in.(Timer); !timer && speaks {
		return fmt.Errorf("spoke while it listened")
	}
	h, heard := in.(Heard)
	if !heard || h.Src == b.cfg.Primary || h.Priority == 0 || b.cfg.OwnerIgnores && b.cfg.Priority == 255 {
		return nil
	}
	if since := w.pausedSince; (now > since || wins(h.Priority, h.Src, b.cfg)) != (w.m.State() == Backup) {
		return fmt.Errorf("an advert of another made it %v", w.m.State())
	}
	return nil
}

// order: each effect at most once, in the documented order; notes last.
func (w *referee) order(out []Effect) error {
	rank := func(e Effect) int {
		return slices.Index([]string{"Transition", "SendAdvert", "TakeVIPs", "ReleaseVIPs", "Announce", "Note"}, reflect.TypeOf(e).Name())
	}
	for i := 1; i < len(out); i++ {
		a, b := rank(out[i-1]), rank(out[i])
		if a > b || a == b && b != rank(Note{}) {
			return fmt.Errorf("effect %d is out of order", i)
		}
	}
	return nil
}

// effects: each says what is true.
func (w *referee) effects(now Instant, b before, out []Effect) error {
	state, moved := w.m.State(), false
	for _, e := range out {
		switch e := e.(type) {
		case Transition:
			moved = true
			if e.From != b.state || e.To != state || e.From == e.To {
				return fmt.Errorf("transition %v -> %v, but the states were %v and %v", e.From, e.To, b.state, state)
			}
			if w.m.Reason() != e.Reason || w.m.Since() != now {
				return fmt.Errorf("reason %v since %d is not shown", e.Reason, w.m.Since())
			}
		case SendAdvert:
			want := w.m.Config().Priority
			yields := b.state == Master && state == Backup && b.cfg.ReplyToHigher
			if state != Master && !yields {
				want = 0
			}
			if e.Priority != want || state != Master && (b.state != Master || state == Backup && !yields) {
				return fmt.Errorf("%v sends priority %d", state, e.Priority)
			}
		case TakeVIPs:
			if w.holding {
				return fmt.Errorf("VIPs taken twice")
			}
			w.holding = true
		case ReleaseVIPs:
			if !w.holding {
				return fmt.Errorf("VIPs released twice")
			}
			w.holding = false
		}
	}
	if moved != (state != b.state) {
		return fmt.Errorf("%v became %v, transition effect: %v", b.state, state, moved)
	}
	if w.holding != (state == Master) {
		return fmt.Errorf("%v and holding VIPs: %v", state, w.holding)
	}
	return nil
}

// deadline: who has one, and how an input may move it.
func (w *referee) deadline(now Instant, b before, in Input, out []Effect) error {
	due, armed := w.m.Deadline()
	_, asking := w.m.Asking()
	if asking && (w.m.State() != Backup || !w.m.Config().Ask) {
		return fmt.Errorf("%v asks to take over", w.m.State())
	}
	if armed != (w.m.State() == Backup && !asking || w.m.State() == Master) {
		return fmt.Errorf("%v has a deadline: %v", w.m.State(), armed)
	}
	switch in := in.(type) {
	case Timer:
		if !b.armed || now < b.due {
			if len(out) > 0 || due != b.due {
				return fmt.Errorf("a stale timer did something")
			}
			return nil
		}
		every := b.cfg.Interval
		if !b.sane() {
			return nil
		}
		if b.quiet {
			return w.listened(now, b, due, out)
		}
		if asks := b.state == Backup && b.cfg.Ask && b.cfg.Priority != 255; asking || asks {
			if why, ok := out[0].(AskTakeover); !asks || !asking || len(out) != 1 || !ok || why.Reason != w.m.asked {
				return fmt.Errorf("asks %v, is to ask %v", asking, asks)
			}
			return nil
		}
		if due <= now || due.Sub(now) > every {
			return fmt.Errorf("the next slot is %d, not in the interval after %d", due, now)
		}
		if b.state == Master && due.Sub(b.due)%every != 0 {
			return fmt.Errorf("the slot after %d is %d, not on the grid of %v", b.due, due, every)
		}
	case Heard:
		return w.heard(now, b, in.Advert, due, out)
	case Withdraw:
		said := slices.ContainsFunc(out, func(e Effect) bool { _, ok := e.(SendAdvert); return ok })
		if w.m.State() != Init || said {
			return fmt.Errorf("withdrawn, and %v, saying something: %v", w.m.State(), said)
		}
	case HeldUp:
		gaveWay := w.m.State() == Backup && len(out) == 2 && due == now.Add(w.m.MasterDown())
		if b.state == Master && !gaveWay || b.state != Master && len(out) > 0 {
			return fmt.Errorf("became %v with the deadline %d", w.m.State(), due)
		}
	case Lapsed:
		gaveWay := w.m.State() == Backup && len(out) == 2 && due == now.Add(w.m.MasterDown())
		if b.state == Master && !gaveWay || b.state != Master && len(out) > 0 {
			return fmt.Errorf("became %v with the deadline %d", w.m.State(), due)
		}
	case WaitAnew:
		switch {
		case len(out) > 0 || w.m.State() != b.state:
			return fmt.Errorf("became %v", w.m.State())
		case b.state == Backup && (due != now.Add(w.m.MasterDown()) || w.m.LearnedInterval() != b.cfg.Interval):
			return fmt.Errorf("the deadline is %d", due)
		case b.state != Backup && due != b.due:
			return fmt.Errorf("the deadline of %v is %d", b.state, due)
		}
	case Paused:
		gaveWay := w.m.State() == Backup && len(out) == 2 && due == now.Add(w.m.MasterDown())
		_, listens := w.m.Listening()
		switch {
		case b.state != Master || b.quiet:
			if len(out) > 0 || due != b.due {
				return fmt.Errorf("became %v with the deadline %d", w.m.State(), due)
			}
		case gaveWay != (in.Seen > in.Since) || listens == gaveWay || listens && len(out) > 0:
			return fmt.Errorf("became %v, listening: %v", w.m.State(), listens)
		case listens && b.sane() && (due <= now.Add(b.cfg.Interval) || due > now.Add(2*b.cfg.Interval+time.Second)):
			return fmt.Errorf("listens until %d", due)
		}
		if listens && !b.quiet {
			w.pausedSince = in.Since
		}
	case Yield:
		yielded := w.m.State() == Backup && len(out) == 2 && due == now.Add(w.m.MasterDown())
		if b.state == Master && !yielded || b.state != Master && len(out) > 0 {
			return fmt.Errorf("became %v with the deadline %d", w.m.State(), due)
		}
	case Permit:
		granted := b.asking && in.Granted
		if granted != (b.state == Backup && w.m.State() == Master) || !granted && len(out) > 0 || asking {
			return fmt.Errorf("permitted: %v, asked: %v, and became %v", in.Granted, b.asking, w.m.State())
		}
	}
	return nil
}

// listened: the timer of a MASTER that listens ends that, unless it is so late
// itself that another may have taken over since.
func (w *referee) listened(now Instant, b before, due Instant, out []Effect) error {
	_, again := w.m.Listening()
	late := now.Sub(b.due) >= MasterDown(b.cfg.Version, b.cfg.Priority, b.cfg.DownAdverts, b.cfg.Interval)
	switch {
	case again != late || w.m.State() != Master:
		return fmt.Errorf("%v after it listened, and listens again: %v", w.m.State(), again)
	case again && due <= now.Add(b.cfg.Interval), !again && due != now.Add(b.cfg.Interval):
		return fmt.Errorf("the next deadline is %d", due)
	case !again && (len(out) != 2 || out[1] != Effect(Announce{})):
		return fmt.Errorf("goes on without announcing its addresses")
	}
	return nil
}

func (w *referee) heard(now Instant, b before, a Advert, due Instant, out []Effect) error {
	if a.Src == b.cfg.Primary || b.state == Init || b.state == Faulted {
		if len(out) > 0 || due != b.due {
			return fmt.Errorf("an advert that is nobody's business did something")
		}
		return nil
	}
	if b.state != Backup {
		return nil
	}
	accepted, at, ok := w.m.Accepted()
	if _, asking := w.m.Asking(); asking {
		if a.Priority >= b.cfg.Priority || !b.cfg.Preempt && a.Priority != 0 && b.cfg.Priority != 255 {
			return fmt.Errorf("goes on asking")
		}
		return nil
	}
	switch {
	case w.m.State() != Backup:
		return fmt.Errorf("an advert moved a BACKUP")
	case a.Priority == 0:
		if due != b.due && due != w.capped(now.Add(w.m.Skew())) {
			return fmt.Errorf("released: deadline %d, not the skew", due)
		}
	case a.Priority < b.cfg.Priority && (b.cfg.Preempt && b.cfg.PreemptDelay <= 0 || b.cfg.Priority == 255):
		if due != b.due || len(out) > 0 {
			return fmt.Errorf("an advert to be discarded did something: deadline %d, was %d", due, b.due)
		}
	case w.wait.since != 0:
		if _, waits := w.m.PreemptAt(); ok || !waits || due != w.capped(now.Add(w.m.MasterDown())) {
			return fmt.Errorf("a lower master is not let be: deadline %d, waits %v, kept %v", due, waits, ok)
		}
		return nil
	case !ok || at != now || !sameAdvert(&accepted, &a) || due != now.Add(w.m.MasterDown()):
		return fmt.Errorf("the advert was not accepted: deadline %d", due)
	case due < b.due && !b.waits && w.m.LearnedInterval() >= b.learned && !b.late && b.sane():
		return fmt.Errorf("an accepted advert moved the deadline back from %d to %d", b.due, due)
	}
	return nil
}

// wait is the referee's own account of the preempt delay: since when adverts of
// lower priority come and nothing else.
type wait struct{ since Instant }

func (w *referee) delay(now Instant, b before, in Input) {
	c := w.m.Config()
	waits := func(priority uint8) bool {
		return c.PreemptDelay > 0 && c.Preempt && c.Priority != 255 && priority < c.Priority
	}
	switch in := in.(type) {
	case Heard:
		switch {
		case w.m.State() != Backup || in.Src == c.Primary || in.Priority == 0:
		case !waits(in.Priority):
			if in.Priority >= c.Priority || !c.Preempt {
				w.wait.since = 0
			}
		case w.wait.since == 0:
			w.wait.since = now
		}
	case WaitAnew:
		w.wait.since = 0
	case Permit:
		if b.asking {
			w.wait.since = 0 // all begins anew, whatever the answer
		}
	case SetPriority, SetConfig:
		if master, _, _ := w.m.Accepted(); !waits(master.Priority) { // Accepted names it, be it only with false
			w.wait.since = 0
		}
	}
	if w.m.State() != Backup {
		w.wait.since = 0
	}
}

// capped is a deadline that the end of the preempt delay may precede.
func (w *referee) capped(due Instant) Instant {
	if w.wait.since == 0 {
		return due
	}
	return min(due, w.wait.since.Add(w.m.Config().PreemptDelay+w.m.Skew()))
}

// elision: what Accepted promises is what lets the kernel keep an advert.
func (w *referee) elision(now Instant) error {
	a, _, ok := w.m.Accepted()
	if !ok || a.Src == w.m.Config().Primary {
		return nil
	}
	again := *w.m
	out := again.Step(now, Heard{a}, nil)
	due, _ := again.Deadline()
	if len(out) > 0 || again.State() != Backup || again.LearnedInterval() != w.m.LearnedInterval() || due != now.Add(w.m.MasterDown()) {
		return fmt.Errorf("Accepted names an advert of %v that would do more than move the deadline: %q", a.Src, show(out))
	}
	return nil
}
