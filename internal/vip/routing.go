package vip

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/iproute"
)

// routing keeps routes and policy rules as they are wanted, beside the
// addresses and behind them: from a goroutine and by sockets of its own, so
// that no address waits for a route, nor for what a routing daemon does to
// tables of a million.
//
// What the host has is known from notifications, but for one thing: the kernel
// drops IPv4 routes without a word when an interface goes down. So after such
// events what is ours is read anew.
type routing struct {
	m       *Manager
	kernel  *requester
	monitor *socket
	dumper  dumper
	bell    bell
	done    chan struct{}
	left    []error // valid when done is closed

	mu      sync.Mutex
	owners  map[string]*routeOwner
	objects []*object
	byText  map[string]*object
	byKey   map[routeKey][]*object
	routes  map[routeKey][]heardRoute // on the host, of our protocols
	rules   map[iproute.Rule]bool     // on the host
	up      map[int]bool              // interfaces, by index
	asks    survey                    // of what has ever been declared, without the answers
	out     []Event
	joined  bool // the notifications are subscribed
	stale   bool // routes and rules may be wrong
	unsaved bool
	lookAt  time.Time // when to read the host anew; zero for not
	looked  time.Time
	retryAt time.Time // when something is due that waits; likewise
	closing bool
}

// routeOwner is one virtual router, or the host.
type routeOwner struct {
	name string
	held bool
}

// object is one route or rule.
type object struct {
	route  *iproute.Route
	rule   *iproute.Rule
	text   string
	origin string
	loose  bool
	owners []*routeOwner // who declared it; none: it is to go

	fresh    bool // not yet compared with the host
	there    bool // on the host
	ours     bool // there because of us, or was until someone removed it
	once     bool // made since the last Hold: a loose one is not made again
	replaced bool // someone put another in its place
	known    bool // it has been recognised on the host
	missed   int  // how often it was not found there, and never recognised
	busy     bool // in the request under way
	fled     bool // removed by another since that was begun
	lostAt   time.Time
	culprit  string
	pace     pace
	err      error
	tries    int    // in vain
	told     string // the error last told
}

func (o *object) wanted() bool {
	return slices.ContainsFunc(o.owners, func(w *routeOwner) bool { return w.held })
}

func (o *object) owner() string {
	for _, w := range o.owners {
		if w.held || len(o.owners) == 1 {
			return w.name
		}
	}
	return ""
}

func (o *object) devices() []string {
	if o.route != nil {
		return o.route.Devices()
	}
	return nil // a rule takes any name
}

func openRouting(m *Manager) (r *routing, err error) {
	r = &routing{
		m: m, done: make(chan struct{}), owners: map[string]*routeOwner{}, byText: map[string]*object{}, byKey: map[routeKey][]*object{},
		routes: map[routeKey][]heardRoute{}, rules: map[iproute.Rule]bool{}, up: map[int]bool{},
		asks: survey{map[string]int{}, map[netip.Addr]bool{}},
	}
	if r.kernel, err = openRequester(); err != nil {
		return nil, err
	}
	if r.monitor, err = openSocket(0); err != nil {
		r.kernel.close()
		return nil, err
	}
	if r.dumper, err = openDumper(); err != nil {
		r.monitor.close()
		r.kernel.close()
		return nil, err
	}
	if r.bell, err = newBell(); err != nil {
		r.closeSockets()
		return nil, err
	}
	return r, nil
}

func (r *routing) closeSockets() {
	r.dumper.close()
	r.monitor.close()
	r.kernel.close()
}

// DeclareRouting says which routes and rules the owner has while it holds its
// addresses, and replaces what was said before. They are made after the
// addresses and removed when these are released; of one that several owners
// declare the last one's release counts. Those that are on the host already,
// and not by us, are told as RouteForeign and stay.
func (m *Manager) DeclareRouting(owner string, routes []iproute.Route, rules []iproute.Rule) {
	r := m.routing
	m.mu.Lock()
	defer m.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.owners[owner]
	if r.closing {
		return
	}
	if w == nil {
		if len(routes)+len(rules) == 0 {
			return
		}
		w = &routeOwner{name: owner}
		if o := m.owners[owner]; o != nil { // where addresses are on their way, settle says so
			w.held = o.held && o.asked.IsZero()
		}
		r.owners[owner] = w
	}
	for _, o := range r.objects {
		o.owners = slices.DeleteFunc(o.owners, func(x *routeOwner) bool { return x == w })
	}
	for i := range routes {
		r.declare(w, &object{route: &routes[i], text: "route " + routes[i].String(), origin: routes[i].Origin, loose: routes[i].Loose})
	}
	for i := range rules {
		r.declare(w, &object{rule: &rules[i], text: "rule " + rules[i].String(), origin: rules[i].Origin, loose: rules[i].Loose})
	}
	r.unsaved = true
	r.bell.ring()
}

func (r *routing) declare(w *routeOwner, o *object) {
	if old := r.byText[o.text]; old != nil {
		old.origin, old.loose = o.origin, o.loose
		o = old
	} else {
		o.fresh = true
		r.byText[o.text] = o
		r.objects = append(r.objects, o)
		if o.route != nil {
			r.byKey[keyOf(o.route)] = append(r.byKey[keyOf(o.route)], o)
			for _, d := range o.route.Devices() {
				r.asks.indices[d] = 0
			}
			if o.route.Source.IsValid() {
				r.asks.sources[o.route.Source] = false
			}
		}
	}
	if !slices.Contains(o.owners, w) {
		o.owners = append(o.owners, w)
	}
}

// want is called by the Manager when an owner's addresses are there, and when
// they are to go.
func (r *routing) want(owner string, held bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.owners[owner]
	if w == nil || w.held == held || r.closing {
		return
	}
	w.held = held
	for _, o := range r.objects {
		if slices.Contains(o.owners, w) {
			o.pace, o.lostAt, o.culprit, o.once, o.tries, o.told = pace{}, time.Time{}, "", false, 0, ""
		}
	}
	r.bell.ring()
}

// forget drops an owner, whose routes and rules then go.
func (r *routing) forget(owner string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.owners[owner]
	if w == nil || r.closing {
		return
	}
	delete(r.owners, owner)
	for _, o := range r.objects {
		o.owners = slices.DeleteFunc(o.owners, func(x *routeOwner) bool { return x == w })
	}
	r.unsaved = true
	r.bell.ring()
}

// close has everything removed; done is closed then.
func (r *routing) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closing = true
	for _, w := range r.owners {
		w.held = false
	}
	for _, o := range r.objects {
		o.pace = pace{}
	}
	r.bell.ring()
}

// run is the goroutine that alone asks the kernel for routes and rules.
func (r *routing) run() {
	for {
		last := r.ended() // asked first: what is to go is seen by the steps that follow
		for r.step() {
		}
		if last {
			break
		}
		r.bell.wait(r.monitor.fd, r.timeout())
	}
	r.mu.Lock()
	for _, o := range r.objects {
		if o.ours && o.there {
			err := o.err
			if err == nil {
				err = errNoAnswer
			}
			r.left = append(r.left, fmt.Errorf("%s: %w", o.text, err))
		}
	}
	r.mu.Unlock()
	r.closeSockets()
	close(r.done)
}

func (r *routing) ended() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closing
}

func (r *routing) timeout() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.retryAt
	if at.IsZero() || !r.lookAt.IsZero() && r.lookAt.Before(at) {
		at = r.lookAt
	}
	if at.IsZero() {
		return -1
	}
	return max(0, time.Until(at))
}

// routeOp is a change under way.
type routeOp struct {
	object *object // nil of one whose answer does not matter
	remove bool
}

// step takes in what happened and makes what is not as wanted so, in one
// request. It tells whether there was any.
func (r *routing) step() bool {
	r.listen()
	env := r.survey()
	r.mu.Lock()
	r.compare(env.index)
	ops, changes := r.plan(time.Now(), env)
	unsaved := r.unsaved
	r.unsaved = false
	r.mu.Unlock()
	if unsaved {
		r.m.resave()
	}
	var errs []error
	if len(changes) > 0 {
		errs = r.kernel.apply(changes)
		r.listen() // the kernel queued what came of it before it answered
	}
	r.mu.Lock()
	for i, op := range ops {
		if op.object != nil {
			r.conclude(op, errs[i], env)
		}
	}
	r.tidy()
	again := len(changes) > 0
	out := fold(r.out)
	r.out = nil
	r.mu.Unlock()
	for _, ev := range out {
		r.m.tell(ev)
	}
	return again
}

// maxTold bounds the events of one kind that a step tells one by one.
const maxTold = 20

// fold leaves of each kind the first, and says how many there were more: with
// an interface thousands may go and come.
func fold(events []Event) (out []Event) {
	count, last := map[Kind]int{}, map[Kind]Event{}
	for _, ev := range events {
		if count[ev.Kind]++; count[ev.Kind] <= maxTold {
			out = append(out, ev)
		}
		last[ev.Kind] = ev
	}
	for kind, n := range count {
		if n > maxTold {
			ev := last[kind]
			ev.What = fmt.Sprintf("%d routes and rules more, the last of them %s,", n-maxTold, ev.What)
			out = append(out, ev)
		}
	}
	return out
}

// isGone tells whether a removal failed because there was nothing to remove.
func isGone(err error) bool {
	return errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV)
}

// RouteStatus is one declared route or rule as it stands.
type RouteStatus struct {
	Owner   string
	What    string // "route ..." or "rule ..."
	Origin  string
	Wanted  bool
	Present bool
	Foreign bool  // present, and not by us
	Err     error // why it is not as wanted
}

// Routing tells of an owner's routes and rules, as declared.
func (m *Manager) Routing(owner string) (all []RouteStatus) {
	r := m.routing
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.owners[owner]
	for _, o := range r.objects {
		if w == nil || !slices.Contains(o.owners, w) {
			continue
		}
		s := RouteStatus{Owner: owner, What: o.text, Origin: o.origin, Wanted: w.held, Present: o.there, Foreign: o.there && !o.ours}
		if w.held != o.there {
			s.Err = o.err
		}
		all = append(all, s)
	}
	return all
}
