package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Every invariant must be able to fail. Each mutant is the real machine with
// one thing wrong; each invariant named for it, looked for alone, must find it
// among the seeds that all pass with the machine itself.
func TestEveryInvariantCatchesItsMutants(t *testing.T) {
	caught := map[Invariant]bool{}
	for _, m := range []struct {
		name  string
		wants []Invariant
		core  func(vrrp.Config) core
		first bool // expire before drain
	}{
		{name: "skew truncated to centiseconds", wants: []Invariant{Early}, core: timers(func(d time.Duration) time.Duration { return d / 1e7 * 1e7 })},
		{name: "skew forgotten", wants: []Invariant{Early}, core: timers(func(time.Duration) time.Duration { return 0 })},
		{name: "skew doubled", wants: []Invariant{Late, Gap}, core: timers(func(d time.Duration) time.Duration { return 2 * d })},
		{name: "expire before drain", wants: []Invariant{Early}, first: true},
		{name: "interval not learned", wants: []Invariant{Early, Late}, core: hearing(func(c vrrp.Config, _ vrrp.State, a *vrrp.Advert) bool {
			a.Interval = c.Interval
			return true
		})},
		{name: "release ignored", wants: []Invariant{Late, Gap}, core: hearing(func(_ vrrp.Config, _ vrrp.State, a *vrrp.Advert) bool { return a.Priority > 0 })},
		{name: "release taken for the end of all waiting", wants: []Invariant{Early}, core: newEager},
		{name: "tie ignored", wants: []Invariant{TwoMasters, Settled}, core: hearing(func(c vrrp.Config, s vrrp.State, a *vrrp.Advert) bool {
			return s != vrrp.Master || a.Priority != c.Priority
		})},
		{name: "tie lost by whoever hears it", wants: []Invariant{Deposed}, core: hearing(func(c vrrp.Config, s vrrp.State, a *vrrp.Advert) bool {
			if s == vrrp.Master && a.Priority == c.Priority {
				a.Priority++
			}
			return true
		})},
		{name: "better master ignored", wants: []Invariant{TwoMasters, Settled}, core: hearing(func(c vrrp.Config, s vrrp.State, a *vrrp.Advert) bool {
			return s != vrrp.Master || a.Priority <= c.Priority
		})},
		{name: "preempt ignored", wants: []Invariant{Late, Settled}, core: with(func(c *vrrp.Config) { c.Preempt = false })},
		{name: "nopreempt ignored", wants: []Invariant{Early}, core: with(func(c *vrrp.Config) { c.Preempt = true })},
		{name: "losing adverts unanswered", wants: []Invariant{Answer}, core: with(func(c *vrrp.Config) { c.ReplyToLower = false })},
		{name: "release unanswered by a MASTER", wants: []Invariant{Answer}, core: hearing(func(_ vrrp.Config, s vrrp.State, a *vrrp.Advert) bool {
			return s != vrrp.Master || a.Priority > 0
		})},
		{name: "farewell dropped", wants: []Invariant{Farewell}, core: doing(func(e vrrp.Effect) bool { return e != vrrp.SendAdvert{} })},
		{name: "first advert dropped", wants: []Invariant{Schedule}, core: newShy},
		{name: "adverts dropped", wants: []Invariant{Schedule, Settled}, core: newMute},
		{name: "schedule drifts", wants: []Invariant{Schedule}, core: newDrifting},
		{name: "pause unnoticed", wants: []Invariant{Schedule}, core: unaware(func(in vrrp.Input) bool { _, is := in.(vrrp.Paused); return is })},
		{name: "lapse unnoticed", wants: []Invariant{TwoMasters}, core: unaware(func(in vrrp.Input) bool { _, is := in.(vrrp.Lapsed); return is })},
		{name: "a word while it listens", wants: []Invariant{Farewell}, core: hurried},
		{name: "addresses kept", wants: []Invariant{VIPs}, core: doing(func(e vrrp.Effect) bool { return e != vrrp.ReleaseVIPs{} })},
		{name: "addresses not taken", wants: []Invariant{VIPs}, core: doing(func(e vrrp.Effect) bool { return e != vrrp.TakeVIPs{} })},
	} {
		for _, want := range m.wants {
			t.Run(fmt.Sprintf("%s/%s", m.name, want), func(t *testing.T) {
				for seed := range uint64(2000) {
					s := Generate(seed)
					w := newWorld(&s, nil)
					w.expireFirst, w.only = m.first, want
					if m.core != nil {
						w.newCore = m.core
					}
					if v := w.run().Violation; v != nil {
						caught[want] = true
						t.Logf("seed %d: %v", seed, v)
						return
					}
				}
				t.Error("2000 seeds did not find it")
			})
		}
	}
	for _, i := range []Invariant{Early, Late, Gap, TwoMasters, Deposed, Settled, Schedule, Answer, Farewell, VIPs} {
		if !caught[i] {
			t.Errorf("no mutant breaks %q", i)
		}
	}
}

// mutant is a machine whose methods the others replace.
type mutant struct{ *vrrp.Machine }

func with(change func(*vrrp.Config)) func(vrrp.Config) core {
	return func(c vrrp.Config) core {
		change(&c)
		return vrrp.New(c)
	}
}

// deaf changes the adverts it hears, or drops them.
type deaf struct {
	mutant
	hear func(vrrp.Config, vrrp.State, *vrrp.Advert) bool
}

func hearing(f func(vrrp.Config, vrrp.State, *vrrp.Advert) bool) func(vrrp.Config) core {
	return func(c vrrp.Config) core { return deaf{mutant{vrrp.New(c)}, f} }
}

func (m deaf) Step(now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect {
	if h, ok := in.(vrrp.Heard); ok {
		if !m.hear(m.Config(), m.State(), &h.Advert) {
			return out
		}
		in = h
	}
	return m.Machine.Step(now, in, out)
}

// oblivious drops inputs.
type oblivious struct {
	mutant
	drop func(vrrp.Input) bool
}

func unaware(drop func(vrrp.Input) bool) func(vrrp.Config) core {
	return func(c vrrp.Config) core { return oblivious{mutant{vrrp.New(c)}, drop} }
}

func (m oblivious) Step(now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect {
	if m.drop(in) {
		return out
	}
	return m.Machine.Step(now, in, out)
}

// polite says farewell whatever it was doing.
type polite struct{ mutant }

func hurried(c vrrp.Config) core { return polite{mutant{vrrp.New(c)}} }

func (m polite) Step(now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect {
	_, listens := m.Listening()
	out = m.Machine.Step(now, in, out)
	if listens && (m.State() == vrrp.Init || m.State() == vrrp.Faulted) {
		out = append(out, vrrp.SendAdvert{})
	}
	return out
}

// forgetful leaves effects out.
type forgetful struct {
	mutant
	keep func(vrrp.Effect) bool
}

func doing(keep func(vrrp.Effect) bool) func(vrrp.Config) core {
	return func(c vrrp.Config) core { return forgetful{mutant{vrrp.New(c)}, keep} }
}

func (m forgetful) Step(now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect {
	for _, e := range m.Machine.Step(now, in, nil) {
		if _, note := e.(vrrp.Note); note || m.keep(e) {
			out = append(out, e)
		}
	}
	return out
}

// hasty has another skew: its Timer comes at its own deadline, which the
// machine is told is the right one.
type hasty struct {
	mutant
	skew func(time.Duration) time.Duration
}

func timers(skew func(time.Duration) time.Duration) func(vrrp.Config) core {
	return func(c vrrp.Config) core { return hasty{mutant{vrrp.New(c)}, skew} }
}

func (m hasty) Deadline() (vrrp.Instant, bool) {
	due, ok := m.Machine.Deadline()
	if m.State() == vrrp.Backup {
		due = due.Add(m.skew(m.Skew()) - m.Skew())
	}
	return due, ok
}

func (m hasty) Step(now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect {
	return stepBy(m.Machine, m.Deadline, now, in, out)
}

// stepBy steps a Timer that is due by another deadline.
func stepBy(m *vrrp.Machine, deadline func() (vrrp.Instant, bool), now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect {
	if _, timer := in.(vrrp.Timer); timer && m.State() == vrrp.Backup {
		if due, ok := deadline(); !ok || now < due {
			return out
		}
		real, _ := m.Deadline()
		return m.Step(max(now, real), in, out)
	}
	return m.Step(now, in, out)
}

// eager takes over at once when it hears a release.
type eager struct{ mutant }

func newEager(c vrrp.Config) core { return eager{mutant{vrrp.New(c)}} }

func (m eager) Deadline() (vrrp.Instant, bool) {
	due, ok := m.Machine.Deadline()
	if m.State() == vrrp.Backup && due == m.Base().Add(m.Skew()) {
		due = m.Base()
	}
	return due, ok
}

func (m eager) Step(now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect {
	return stepBy(m.Machine, m.Deadline, now, in, out)
}

// mute is a MASTER whose timer never fires.
type mute struct{ mutant }

func newMute(c vrrp.Config) core { return mute{mutant{vrrp.New(c)}} }

func (m mute) Deadline() (vrrp.Instant, bool) {
	due, ok := m.Machine.Deadline()
	return due, ok && m.State() != vrrp.Master
}

// shy becomes MASTER without a word.
type shy struct{ mutant }

func newShy(c vrrp.Config) core { return shy{mutant{vrrp.New(c)}} }

func (m shy) Step(now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect {
	was := m.State()
	all := m.Machine.Step(now, in, nil)
	if was != vrrp.Master && m.State() == vrrp.Master {
		all = slices.DeleteFunc(all, func(e vrrp.Effect) bool { _, send := e.(vrrp.SendAdvert); return send })
	}
	return append(out, all...)
}

// drifting counts an interval from when it got round to the last advert.
type drifting struct {
	mutant
	next vrrp.Instant
}

func newDrifting(c vrrp.Config) core { return &drifting{mutant: mutant{vrrp.New(c)}} }

func (m *drifting) Deadline() (vrrp.Instant, bool) {
	due, ok := m.Machine.Deadline()
	if m.State() == vrrp.Master {
		due = m.next
	}
	return due, ok
}

func (m *drifting) Step(now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect {
	was := m.State()
	if _, timer := in.(vrrp.Timer); timer && was == vrrp.Master {
		if now < m.next {
			return out
		}
		m.next = now.Add(m.Config().Interval)
		return append(out, vrrp.SendAdvert{Priority: m.Config().Priority})
	}
	out = m.Machine.Step(now, in, out)
	if due, _ := m.Machine.Deadline(); m.State() == vrrp.Master && was != vrrp.Master {
		m.next = due
	}
	return out
}
