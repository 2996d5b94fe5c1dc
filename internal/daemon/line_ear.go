package daemon

import (
	"slices"

	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// ear is what the datapath was last told of one line, the first or another: the
// rule that judges the adverts there, and lets it keep the master's to itself.
type ear struct {
	told  bool // the rule below is in force
	rule  loader.Rule
	match loader.Match // the rule's Elide when keeps
	keeps bool
	bound loader.Speaker // the rule's Master; zero for none
	knows offer          // the accepted advert as it last came by this line
}

// tell brings the datapath to what is expected on a line. mayKeep is false where
// what it kept would not refresh the router's deadline.
func (r *router) tell(e *ear, path link.Datapath, key loader.Key, rule loader.Rule, mayKeep bool) {
	if !rule.Group.IsValid() {
		return // unicast without an own address: nobody can speak to it
	}
	_, _, keeps := r.machine.Accepted()
	keeps = keeps && sameAdvert(&e.knows.advert, &r.taken.accepted.advert)
	match, bound := e.knows.match, loader.Speaker{}
	if r.guard != nil && keeps {
		// Each of the master's adverts goes up, and must not drown on its way.
		bound, keeps = loader.Speaker{Src: match.Src, MAC: e.knows.mac, Priority: match.Priority}, false
	}
	keeps = keeps && mayKeep
	if e.told && rule == e.rule && keeps == e.keeps && bound == e.bound && (!keeps || match == e.match) {
		return
	}
	e.rule, e.match, e.keeps, e.bound = rule, match, keeps, bound
	if keeps {
		rule.Elide = &match
	}
	if bound.Src.IsValid() {
		rule.Master = &bound
	}
	e.told = r.try("set the rule", path.SetRule(key, rule))
	e.keeps = e.keeps && e.told
}

// sameAdvert tells whether two adverts mean the same to the machine, whichever
// line they came by.
func sameAdvert(a, b *vrrp.Advert) bool {
	return a.Src.IsValid() && a.Src == b.Src && a.Priority == b.Priority && a.Interval == b.Interval && slices.Equal(a.Addrs, b.Addrs)
}

// learn remembers what the machine has accepted, and how it looked on its line.
func (r *router) learn() {
	t := &r.taken
	if _, at, keeps := r.machine.Accepted(); keeps && at == t.offered.at {
		t.accepted = t.offered
		if l := t.offered.via; l != nil {
			l.knows = t.offered
		} else {
			t.knows = t.offered
		}
	}
}

// keepsAny tells whether the datapath keeps the master's adverts on any line.
func (r *router) keepsAny() bool {
	return r.taken.keeps || slices.ContainsFunc(r.lines, func(l *line) bool { return l.keeps })
}

// syncLines is sync for the further lines. It comes before the first line's rule:
// no line may go on refreshing for an advert that is not the accepted one.
func (r *router) syncLines() {
	if len(r.lines) == 0 {
		return
	}
	for _, l := range r.lines {
		if l.link != nil {
			rule := r.baseRule()
			rule.Slot = 0
			rule.Own, rule.Group, rule.Unicast = l.source(), l.group(), l.peers
			one := r.link != nil && r.link.Path == l.link.Path
			if one {
				rule.Router = r.key.Ifindex
			}
			r.tell(&l.ear, l.link.Path, l.key, rule, one)
		}
		l.syncAdverts()
	}
	r.watchState()
}
