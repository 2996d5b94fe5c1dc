package meter

import (
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Cause is who made a processor stand.
type Cause int

const (
	// ByOthers: one processor stood, and the hypervisor's account has nothing of it, or
	// too little: the guest's own kernel had interrupts off, or something below took
	// the processor and does not account for it.
	ByOthers Cause = iota
	// Together: the same, but all processors stood at once, and went on at once.
	// One kernel does not do that to all of its processors: what holds the virtual
	// machine as a whole does.
	Together
	// ByHost: the account is of at least half of the time.
	ByHost
)

func (c Cause) String() string { return [...]string{"others", "all at once", "host"}[c] }

// host tells whether it was the machine below.
func (c Cause) host() bool { return c != ByOthers }

// Stand is a time in which a processor took no interrupt.
type Stand struct {
	CPU      int
	From, To vrrp.Instant
	Cause    Cause
	Stolen   time.Duration // by the hypervisor's account, in the readings around it

	// Doubtful is one that may be none (heldcpu.Stand): it counts only with another proof.
	Doubtful bool
}

// Steal is what the hypervisor took from a processor between two readings of its
// account, which counts in ticks.
type Steal struct {
	CPU      int
	From, To vrrp.Instant
	Stolen   time.Duration
}

// Stands are those of some processors.
type Stands struct {
	All  []Stand // in the order of their ends
	CPUs []int
}

// settle is how long the kernel may take to enter a steal in the account: a tick
// of its own, of 100 in a second or more.
const settle = 10 * time.Millisecond

// Blame finds the cause of each stand, and leaves out those that are doubtful and nobody's. Those
// of a processor that share a reading of the account share the blame.
func Blame(stands []Stand, steals []Steal, cpus []int) Stands {
	all := slices.Clone(stands)
	slices.SortStableFunc(all, func(a, b Stand) int { return int(a.To.Sub(b.To)) })
	for i := range all {
		s := &all[i]
		s.Stolen = 0
		from, to := s.From, s.To.Add(settle)
		for _, t := range steals {
			if t.CPU == s.CPU && t.To > s.From && t.From < s.To.Add(settle) {
				s.Stolen += t.Stolen
				from, to = min(from, t.From), max(to, t.To)
			}
		}
		var stood time.Duration
		for _, o := range all {
			if o.CPU == s.CPU && o.From < to && o.To > from {
				stood += o.To.Sub(o.From)
			}
		}
		switch {
		case s.Stolen > 0 && s.Stolen >= stood/2:
			s.Cause = ByHost
		case together(all, *s, len(cpus)):
			s.Cause = Together
		default:
			s.Cause = ByOthers
		}
	}
	return Stands{slices.DeleteFunc(all, func(s Stand) bool { return s.Doubtful && !s.Cause.host() }), cpus}
}

// atOnce is how far apart the ends of two stands may be that are one: their lengths are
// known to what the processors are looked at by, and who wakes a virtual machine
// wakes its processors one after the other.
const atOnce = 2 * time.Millisecond

// together tells whether every processor stood when this one did.
func together(all []Stand, s Stand, cpus int) bool {
	seen := map[int]bool{}
	for _, o := range all {
		if o.From.Sub(s.From).Abs() <= atOnce+atOnce/2 && o.To.Sub(s.To).Abs() <= atOnce {
			seen[o.CPU] = true
		}
	}
	return cpus > 1 && len(seen) == cpus
}

// Between are the stands that have to do with a time.
func (s Stands) Between(from, to vrrp.Instant) Stands {
	var in []Stand
	for _, d := range s.All {
		if d.To > from && d.From < to {
			in = append(in, d)
		}
	}
	return Stands{in, s.CPUs}
}

// Of is how many have a cause, the longest, and all together.
func (s Stands) Of(c Cause) (n int, longest, sum time.Duration) {
	for _, d := range s.All {
		if d.Cause == c {
			n++
			longest = max(longest, d.To.Sub(d.From))
			sum += d.To.Sub(d.From)
		}
	}
	return n, longest, sum
}

// Held is for how much of a time the host held every processor at once, and at
// least one.
func (s Stands) Held(from, to vrrp.Instant) (every, some time.Duration) {
	type edge struct {
		at vrrp.Instant
		by int
	}
	var edges []edge
	for _, d := range s.All {
		if start, end := max(d.From, from), min(d.To, to); d.Cause.host() && start < end {
			edges = append(edges, edge{start, 1}, edge{end, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return int(a.at.Sub(b.at)) })
	held := 0
	for i, e := range edges {
		if i > 0 {
			d := e.at.Sub(edges[i-1].at)
			if held > 0 {
				some += d
			}
			if held == len(s.CPUs) {
				every += d
			}
		}
		held += e.by
	}
	return every, some
}

// Excuse is what of a time too long the host answers for.
type Excuse int

const (
	NoExcuse  Excuse = iota
	SomeHeld         // without the time in which it held a processor it is not too long
	EveryHeld        // nor without that in which it held all of them at once
)

func (e Excuse) String() string { return [...]string{"no", "some", "every"}[e] }

// Excuse tells whether a time that is at least limit would have been shorter
// than that, had the host not held what it held.
func (s Stands) Excuse(from, to vrrp.Instant, limit time.Duration) Excuse {
	every, some := s.Held(from, to)
	switch whole := to.Sub(from); {
	case whole-every < limit:
		return EveryHeld
	case whole-some < limit:
		return SomeHeld
	}
	return NoExcuse
}

// Excused counts by excuse.
type Excused [EveryHeld + 1]int

// Held are those with any.
func (e Excused) Held() int { return e[SomeHeld] + e[EveryHeld] }

// Silence is a time without adverts of one sender.
type Silence struct{ From, To vrrp.Instant }

// ExcuseSilence is Excuse for the silence of a master. One that was replaced is
// silent for as long as another announces: what matters is why it was replaced.
func (s Stands) ExcuseSilence(g Silence, changes []Change, master int, down, limit time.Duration) Excuse {
	for i, e := range s.ExcuseChange(changes, master, down) {
		if c := changes[i]; c.Host != master && c.At > g.From && c.At < g.To {
			return e
		}
	}
	return s.Excuse(g.From, g.To, limit)
}

// LongGaps are those gaps of GapsBetween that are at least limit.
func LongGaps(at []vrrp.Instant, from, to vrrp.Instant, limit time.Duration) (long []Silence) {
	last := from
	for _, t := range append(slices.Clone(at), to) {
		if t > from && t <= to {
			if t.Sub(last) >= limit {
				long = append(long, Silence{last, t})
			}
			last = t
		}
	}
	return long
}

// Change is a transition: a host begins to announce. What led to it was after Since:
// the silence of the other, or for who was deaf one and a half master-down
// intervals.
type Change struct {
	Host      int
	At, Since vrrp.Instant
}

// ChangesOf are the Transitions of HoldingOf.
func ChangesOf(ads []Advert, down time.Duration) (changes []Change) {
	for i, s := range terms(ads, down) {
		if i == 0 {
			continue
		}
		c := Change{s.host, s.first, s.first.Add(-down * 3 / 2)}
		var last vrrp.Instant // of another
		for _, ad := range ads {
			if ad.At < s.first && ad.Host != s.host {
				last = ad.At
			}
		}
		if last != 0 {
			c.Since = min(c.Since, last)
		}
		changes = append(changes, c)
	}
	return changes
}

// ExcuseChange is Excuse for each. That the rightful master comes back has the
// excuse of its having been replaced.
func (s Stands) ExcuseChange(changes []Change, master int, down time.Duration) (excuses []Excuse) {
	for i, c := range changes {
		if c.Host == master && i > 0 {
			excuses = append(excuses, excuses[i-1])
			continue
		}
		excuses = append(excuses, s.Excuse(c.Since, c.At, down))
	}
	return excuses
}
