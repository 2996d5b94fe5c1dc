package vip

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/iproute"
)

// survey is what of the addresses and links the routes depend on.
type survey struct {
	indices map[string]int
	sources map[netip.Addr]bool // those that are on the host
}

func (s survey) index(name string) int { return s.indices[name] }

// survey asks the Manager, whose lock comes before ours.
func (r *routing) survey() survey {
	r.mu.Lock()
	s := survey{maps.Clone(r.asks.indices), maps.Clone(r.asks.sources)}
	r.mu.Unlock()
	r.m.mu.Lock()
	for name := range s.indices {
		s.indices[name] = r.m.index(name)
	}
	if len(s.sources) > 0 {
		for at := range r.m.host {
			if _, asked := s.sources[at.prefix.Addr()]; asked {
				s.sources[at.prefix.Addr()] = true
			}
		}
	}
	r.m.mu.Unlock()
	return s
}

// compare looks which of the newly declared are on the host without us. The
// caller holds r.mu, also of what follows.
func (r *routing) compare(at func(string) int) {
	if r.stale {
		return
	}
	for _, o := range r.objects {
		if o.fresh {
			o.fresh = false
			if r.onHost(o, at) {
				r.foreign(o, "")
			}
		}
	}
}

func (r *routing) onHost(o *object, at func(string) int) bool {
	if o.rule != nil {
		return r.rules[o.rule.Bare()]
	}
	return slices.ContainsFunc(r.routes[keyOf(o.route)], func(h heardRoute) bool { return h.is(o.route, at) })
}

var (
	errNoSource = errors.New("its source address is not on this host")
	errSame     = errors.New("the same is on this host, and not by us")
	errOther    = errors.New("another route to the destination is there, and `add` makes none beside it")
)

// plan lists what has to be done: rules go before routes and come after them,
// as they may need one another.
func (r *routing) plan(now time.Time, env survey) (ops []routeOp, changes []change) {
	r.retryAt = time.Time{}
	if !r.joined || r.stale && !r.closing {
		return nil, nil
	}
	put := func(op routeOp, c change) { ops, changes = append(ops, op), append(changes, c) }
	for _, rules := range []bool{true, false} {
		for _, o := range slices.Backward(r.objects) {
			switch {
			case (o.rule != nil) != rules || o.wanted() || !o.ours || o.busy:
			case o.rule != nil && !o.there:
				o.ours = false
			// One that is not there may be in part: of IPv6 the route stays when its
			// source goes, and of several next hops the others.
			case o.pace.next.After(now):
				r.wake(o.pace.next)
			default:
				o.busy = true
				put(routeOp{o, true}, o.removal(env.index))
			}
		}
	}
	for _, rules := range []bool{false, true} {
		for _, o := range r.objects {
			switch {
			case (o.rule != nil) != rules || !o.wanted() || o.there || o.busy || o.loose && o.once:
			case o.pace.next.After(now):
				r.wake(o.pace.next)
			default:
				if err := o.waitsFor(env); err != nil {
					r.fail(o, err, now)
					continue
				}
				if !o.lostAt.IsZero() {
					o.pace.spend(now)
				}
				if o.ours && o.route != nil && !o.replaced {
					// Of several next hops one may have been left, or of IPv6 the
					// route without its source.
					put(routeOp{}, o.removal(env.index))
				}
				o.busy, o.fled = true, false
				put(routeOp{o, false}, o.addition(env.index))
			}
		}
	}
	return ops, changes
}

func (o *object) removal(at func(string) int) change {
	if o.rule != nil {
		return change{other: ruleMessage(o.rule, unix.RTM_DELRULE)}
	}
	return change{other: delRoute(o.route, at)}
}

func (o *object) addition(at func(string) int) change {
	if o.rule != nil {
		return change{other: ruleMessage(o.rule, unix.RTM_NEWRULE)}
	}
	return change{other: newRoute(o.route, at, o.replaced)}
}

// waitsFor is what is missing for it, if anything: an event will tell when it
// comes.
func (o *object) waitsFor(env survey) error {
	if o.route == nil {
		return nil
	}
	for _, d := range o.devices() {
		if env.index(d) == 0 {
			return fmt.Errorf("interface %s: %w", d, errNoDevice)
		}
	}
	if s := o.route.Source; s.IsValid() && !env.sources[s] && o.route.Type == iproute.Unicast {
		return fmt.Errorf("src %s: %w", s, errNoSource)
	}
	return nil
}

// fail notes why it is not there, and tells it once. What comes and goes with
// interfaces and addresses is told only when it has lasted.
func (r *routing) fail(o *object, err error, now time.Time) {
	o.err = err
	o.tries++
	o.pace.fail(now)
	r.wake(o.pace.next)
	passing := errors.Is(err, errNoDevice) || errors.Is(err, errNoSource) || errors.Is(err, unix.ENETDOWN) || errors.Is(err, unix.ENODEV)
	if passing && o.tries < 2 || o.told == err.Error() {
		return
	}
	o.told = err.Error()
	r.out = append(r.out, Event{Kind: RouteFailed, Owner: o.owner(), What: o.text, Origin: o.origin, Err: err})
}

func (r *routing) wake(at time.Time) {
	if r.retryAt.IsZero() || at.Before(r.retryAt) {
		r.retryAt = at
	}
}

// conclude notes what the kernel said.
func (r *routing) conclude(op routeOp, err error, env survey) {
	o, now := op.object, time.Now()
	o.busy = false
	if errors.Is(err, errNoAnswer) {
		r.stale = true
	}
	switch {
	case op.remove && (err == nil || isGone(err)):
		o.there, o.ours, o.replaced, o.err = false, false, false, nil
		o.pace.wait = 0
	case op.remove:
		o.err = err
		o.pace.fail(now)
		r.wake(o.pace.next)
		r.out = append(r.out, Event{Kind: RouteFailed, Owner: o.owner(), What: "removing " + o.text, Origin: o.origin, Err: err})
	case err == nil:
		r.made(o, env)
	case errors.Is(err, unix.EEXIST) && (o.rule != nil || r.onHost(o, env.index)):
		r.foreign(o, "")
	case errors.Is(err, unix.EEXIST) && o.route.Mode == iproute.Add:
		r.fail(o, errOther, now)
	case errors.Is(err, unix.EEXIST):
		r.fail(o, errSame, now)
	default:
		if errors.Is(err, errNoAnswer) {
			o.ours = true // it was asked for, and was not there before
		}
		if errors.Is(err, unix.EINVAL) && o.route != nil && o.route.Source.IsValid() {
			err = fmt.Errorf("%w, or %w", err, errNoSource) // which went since we looked
		}
		r.fail(o, err, now)
	}
}

// made notes that the kernel has taken it.
func (r *routing) made(o *object, env survey) {
	ev := Event{Kind: RouteMade, Owner: o.owner(), What: o.text, Origin: o.origin}
	if !o.lostAt.IsZero() {
		ev.Kind, ev.Culprit, ev.Took = RouteRestored, o.culprit, time.Since(o.lostAt)
	}
	if !o.lostAt.IsZero() || o.told != "" {
		r.out = append(r.out, ev)
	}
	o.there, o.ours, o.once, o.replaced, o.err = true, true, true, false, nil
	o.lostAt, o.told, o.tries, o.pace.wait = time.Time{}, "", 0, 0
	if o.fled {
		o.there, o.lostAt = false, time.Now()
		return
	}
	r.recognise(o, env.index)
}

// maxMissed is how often one is made again that is never recognised: the kernel may
// tell of it in other words than ours.
const maxMissed = 3

// recognise looks whether it is on the host.
func (r *routing) recognise(o *object, at func(string) int) bool {
	if !r.onHost(o, at) {
		return false
	}
	o.known, o.missed = true, 0
	return true
}

// foreign notes that it is on the host by someone else.
func (r *routing) foreign(o *object, who string) {
	o.there, o.ours, o.err, o.replaced = true, false, nil, false
	r.unsaved = true
	r.out = append(r.out, Event{Kind: RouteForeign, Owner: o.owner(), What: o.text, Origin: o.origin, Culprit: who})
}

// tidy drops what nobody declares and has gone.
func (r *routing) tidy() {
	r.objects = slices.DeleteFunc(r.objects, func(o *object) bool {
		if len(o.owners) > 0 || o.ours {
			return false
		}
		delete(r.byText, o.text)
		if o.route != nil {
			k := keyOf(o.route)
			if r.byKey[k] = slices.DeleteFunc(r.byKey[k], func(x *object) bool { return x == o }); len(r.byKey[k]) == 0 {
				delete(r.byKey, k)
			}
		}
		return true
	})
}
