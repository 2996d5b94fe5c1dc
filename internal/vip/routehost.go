package vip

import (
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/iproute"
)

// lookPause bounds how often the host is read anew: a table of a million routes
// takes the kernel some 100 ms to go through, whatever of it is asked for.
const lookPause = 200 * time.Millisecond

// routeGroups are the notifications that matter to routes and rules.
var routeGroups = []int{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR,
	unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE}

// join subscribes once there is something declared, and reads the host then: who
// uses no routes is not woken by other people's.
func (r *routing) join() {
	r.mu.Lock()
	due := !r.joined && len(r.objects) > 0
	r.mu.Unlock()
	if !due {
		return
	}
	for _, g := range routeGroups {
		if err := unix.SetsockoptInt(r.monitor.fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, g); err != nil {
			r.trouble(err)
		}
	}
	// Old kernels give all routes, of which ours are picked below.
	unix.SetsockoptInt(r.dumper.handle.Socket.GetFd(), unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	r.mu.Lock()
	r.joined, r.stale = true, true
	r.mu.Unlock()
}

func (r *routing) trouble(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out = append(r.out, Event{Kind: RouteFailed, What: "watching routes and rules", Err: err})
}

// listen takes in the notifications that wait.
func (r *routing) listen() {
	r.join()
	for {
		msgs, err := r.monitor.receive()
		if err != nil {
			r.mu.Lock()
			r.stale = true
			r.mu.Unlock()
			if errors.Is(err, errLost) {
				continue
			}
			r.trouble(err)
			break
		}
		if msgs == nil {
			break
		}
		if !r.concerned(msgs) {
			continue
		}
		env := r.survey()
		r.mu.Lock()
		for _, msg := range msgs {
			r.hear(msg, env.index)
		}
		r.mu.Unlock()
	}
	now := time.Now()
	r.mu.Lock()
	look := r.joined && (r.stale || !r.lookAt.IsZero() && !now.Before(r.lookAt))
	if look && now.Sub(r.looked) < lookPause {
		r.lookAt = r.looked.Add(lookPause)
		look = false
	}
	r.mu.Unlock()
	if look {
		r.look()
	}
}

// concerned tells whether there is more in the messages than other people's
// routes, of which a routing daemon may make thousands a second.
func (r *routing) concerned(msgs []syscall.NetlinkMessage) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(msgs, func(m syscall.NetlinkMessage) bool {
		if m.Header.Type != unix.RTM_NEWROUTE && m.Header.Type != unix.RTM_DELROUTE {
			return true
		}
		h, ok, err := parseRoute(m.Data)
		return err == nil && ok && len(r.byKey[h.routeKey]) > 0
	})
}

func (r *routing) hear(msg syscall.NetlinkMessage, at func(string) int) {
	who := func() string { return culprit(msg.Header.Pid) }
	byUs := msg.Header.Pid == r.kernel.port
	switch msg.Header.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		r.hearLink(msg)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		r.hearAddress(msg)
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		h, ok, err := parseRoute(msg.Data)
		if err != nil || !ok {
			return
		}
		replaces := msg.Header.Type == unix.RTM_NEWROUTE && msg.Header.Flags&unix.NLM_F_REPLACE != 0
		if len(r.byKey[h.routeKey]) == 0 {
			return
		}
		if msg.Header.Type == unix.RTM_DELROUTE {
			r.routeWent(h, byUs, at, who)
		} else {
			r.routeCame(h, byUs, replaces, at, who)
		}
	case unix.RTM_NEWRULE, unix.RTM_DELRULE:
		rule, ok, err := parseRule(msg.Data)
		if err != nil || !ok {
			return
		}
		r.rules[rule] = msg.Header.Type == unix.RTM_NEWRULE
		o := r.byText["rule "+rule.String()]
		switch {
		case !r.rules[rule]:
			delete(r.rules, rule)
			if o != nil && !(byUs && o.busy) {
				r.went(o, who())
			}
		case o != nil && !byUs && !o.there:
			r.foreign(o, who())
		}
	}
}

// hearLink: when an interface is set down its routes go, IPv4's without a word;
// when it is set up they can be made again.
func (r *routing) hearLink(msg syscall.NetlinkMessage) {
	if len(msg.Data) < unix.SizeofIfInfomsg {
		return
	}
	head := nl.DeserializeIfInfomsg(msg.Data)
	up := head.Flags&unix.IFF_UP != 0 && msg.Header.Type == unix.RTM_NEWLINK
	if was, known := r.up[int(head.Index)]; known && was == up && msg.Header.Type == unix.RTM_NEWLINK || head.Family != unix.AF_UNSPEC {
		return
	}
	r.up[int(head.Index)] = up
	if msg.Header.Type == unix.RTM_DELLINK {
		delete(r.up, int(head.Index))
	}
	r.lookSoon()
}

// hearAddress: a new one may be the source or the subnet of what could not be
// made; with one that goes go the routes that have it as their source.
func (r *routing) hearAddress(msg syscall.NetlinkMessage) {
	a, err := parseAddress(msg.Data)
	if err != nil {
		return
	}
	for _, o := range r.objects {
		source := o.route != nil && o.route.Source == a.prefix.Addr()
		if o.err != nil || source && msg.Header.Type == unix.RTM_DELADDR {
			r.lookSoon()
			return
		}
	}
}

func (r *routing) lookSoon() {
	if r.lookAt.IsZero() {
		r.lookAt = time.Now()
	}
}

// routeCame notes a route of a key that is declared.
func (r *routing) routeCame(h heardRoute, byUs, replaces bool, at func(string) int, who func() string) {
	r.routes[h.routeKey] = append(r.without(h), h)
	for _, o := range r.byKey[h.routeKey] {
		switch is := h.is(o.route, at); {
		case is && !o.there && !byUs:
			r.foreign(o, who())
		case !is && replaces && !byUs && o.there && o.ours:
			// Which of several it took the place of is not said.
			o.culprit, o.replaced = who(), true
			r.lookSoon()
		}
	}
}

// without are the routes of its key on the host but for this one.
func (r *routing) without(h heardRoute) []heardRoute {
	return slices.DeleteFunc(r.routes[h.routeKey], func(x heardRoute) bool {
		return x.protocol == h.protocol && x.kind == h.kind && x.scope == h.scope && x.source == h.source && slices.Equal(x.hops, h.hops)
	})
}

// routeWent notes that a route is no longer there. Of IPv6 the next hops go one
// by one.
func (r *routing) routeWent(h heardRoute, byUs bool, at func(string) int, who func() string) {
	r.routes[h.routeKey] = r.without(h)
	for _, o := range r.byKey[h.routeKey] {
		part := len(o.route.Hops) > 0 && h.protocol == o.route.Protocol
		if (part || h.is(o.route, at)) && !(byUs && o.busy) {
			r.went(o, who())
		}
	}
}

// went notes that it is no longer on the host; one that is wanted is put back,
// unless it is loose.
func (r *routing) went(o *object, who string) {
	if !o.there {
		o.fled, o.culprit = o.busy, who
		return
	}
	o.there = false
	if !o.ours {
		r.unsaved = true
		return
	}
	if o.wanted() && !o.loose {
		o.lostAt, o.culprit = time.Now(), who
	}
}

// withIt is whom a loss is laid to that nobody told of.
const withIt = "the kernel, with an interface or an address"

// look reads what the host has of our protocols, and treats what differs as if
// it had been heard.
func (r *routing) look() {
	r.mu.Lock()
	r.looked, r.lookAt = time.Now(), time.Time{}
	asked := newTables()
	for _, o := range r.objects {
		asked.add(o.route, o.rule)
	}
	r.mu.Unlock()
	routes, rules, failed := asked.read(r.dumper)
	env := r.survey()
	r.mu.Lock()
	defer r.mu.Unlock()
	if failed != nil {
		r.out = append(r.out, Event{Kind: RouteFailed, What: "reading routes and rules", Err: failed})
		r.lookAt = time.Now().Add(time.Second)
		return
	}
	r.stale = false
	r.routes, r.rules = routes, rules
	for _, o := range r.objects {
		if o.fresh || o.busy {
			continue
		}
		is := r.recognise(o, env.index)
		if o.there && !is && !o.known {
			o.missed++
		}
		switch {
		case o.there && !is && o.missed <= maxMissed:
			who := o.culprit
			if who == "" {
				who = withIt
			}
			r.went(o, who)
		case o.there:
			o.replaced, o.culprit = false, ""
		case is:
			r.foreign(o, "")
		}
		if o.err != nil && o.wanted() { // the event may have been what it waited for
			o.pace = pace{count: o.pace.count, since: o.pace.since}
		}
	}
}

// tables says what has to be read.
type tables struct {
	routes map[[2]uint8]bool // by family and protocol
	rules  map[uint8]bool    // by family
}

func newTables() tables { return tables{map[[2]uint8]bool{}, map[uint8]bool{}} }

func (t tables) add(route *iproute.Route, rule *iproute.Rule) {
	if route != nil {
		t.routes[[2]uint8{route.Family, route.Protocol}] = true
	}
	if rule != nil {
		t.rules[rule.Family] = true
	}
}

func (t tables) read(d dumper) (map[routeKey][]heardRoute, map[iproute.Rule]bool, error) {
	routes, rules := map[routeKey][]heardRoute{}, map[iproute.Rule]bool{}
	for w := range t.routes {
		if err := d.routes(w[0], w[1], routes); err != nil {
			return nil, nil, err
		}
	}
	for family := range t.rules {
		if err := d.rules(family, rules); err != nil {
			return nil, nil, err
		}
	}
	return routes, rules, nil
}

// routes reads those of a family and protocol.
func (d dumper) routes(family, protocol uint8, into map[routeKey][]heardRoute) error {
	head := &rtm{}
	head.Family, head.Protocol = kernelFamily(family), protocol
	bodies, err := d.dump(unix.RTM_GETROUTE, unix.RTM_NEWROUTE, head)
	if err != nil {
		return err
	}
	for _, b := range bodies {
		h, ok, err := parseRoute(b)
		if err != nil {
			return err
		}
		if ok && h.protocol == protocol && h.family == family {
			into[h.routeKey] = append(into[h.routeKey], h)
		}
	}
	return nil
}

// rules reads those of a family. A kernel without policy rules has none.
func (d dumper) rules(family uint8, into map[iproute.Rule]bool) error {
	head := &rtm{}
	head.Family = kernelFamily(family)
	bodies, err := d.dump(unix.RTM_GETRULE, unix.RTM_NEWRULE, head)
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, b := range bodies {
		rule, ok, err := parseRule(b)
		if err != nil {
			return err
		}
		if ok {
			into[rule] = true
		}
	}
	return nil
}
