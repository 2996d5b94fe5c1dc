package config

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vrrpx/vrrpx/internal/iproute"
)

// Route is one line of static_routes or virtual_routes.
type Route struct {
	Pos Pos
	iproute.Route
	group word // track_group
}

// setRoutes reads the lines of static_routes or virtual_routes.
func (in *interpreter) setRoutes(s *statement) {
	to := &in.static.Routes
	if in.cur != nil {
		to = &in.cur.Routes
	}
	in.eachLine(s, "a route", func(line []word) {
		p := lineParser{in: in, what: "route", static: in.cur == nil, words: line}
		if r, ok := p.route(); ok {
			*to = append(*to, r)
		}
	})
}

// eachLine calls read with the words of each line of a block.
func (in *interpreter) eachLine(s *statement, want string, read func([]word)) {
	for _, line := range s.block {
		switch {
		case line.hasBlock() && line.name() != "": // most often a } is missing
			in.diags.errorf(line.pos(), "a } is missing before it, or { is too much", "%s in %s: expected %s", plain(line.name()), s.name(), want)
			in.forgive(line.name(), line.pos())
		default:
			read(line.words)
		}
	}
}

// route reads one route.
func (p *lineParser) route() (r Route, ok bool) {
	first := p.words[0]
	r = Route{Pos: first.pos, Route: iproute.Route{Origin: first.pos.String(), Type: iproute.Unicast, Table: iproute.TableMain}}
	rp := &routeParser{lineParser: p, r: &r}
	for len(p.words) > 0 && rp.ok() {
		w := p.words[0]
		p.words = p.words[1:]
		if is, ok := p.common(w); is {
			rp.failed = !ok
		} else {
			rp.failed = !rp.word(w)
		}
	}
	if rp.failed || !rp.finish(first) {
		return r, false
	}
	return r, true
}

// routeParser is what of a route is not in the route itself.
type routeParser struct {
	*lineParser
	r        *Route
	failed   bool
	toGiven  bool
	other    netip.Addr // of or
	orAt     word
	protoAt  word
	protoNum uint8
}

func (p *routeParser) ok() bool { return !p.failed }

func (p *routeParser) word(w word) (ok bool) {
	r := p.r
	if hint, refused := notYet[w.text]; refused {
		return p.errorf(w, hint, "%s of a route is not supported yet", w.text)
	}
	if _, is := metrics[w.text]; is {
		return p.metric(w)
	}
	var n uint32
	switch w.text {
	case "src":
		r.Source, ok = p.address(w)
	case "gw", "via":
		if w.text == "gw" {
			p.in.diags.warnf(w.pos, "write via", "gw of a route is deprecated")
		}
		r.Via, ok = p.gateway(w)
	case "or":
		p.in.diags.warnf(w.pos, "write nexthop via A nexthop via B", "or of a route is deprecated")
		p.orAt = w
		p.other, ok = p.address(w)
	case "from":
		var v word
		if v, ok = p.value(w); ok {
			r.From, ok = p.prefix(v)
		}
		ok = ok && (r.From.IsValid() && r.From.Addr().Is6() || p.errorf(v, "", "from %s of a route: expected an IPv6 prefix, of which alone routes know the source", quote(v.text)))
	case "tos", "dsfield":
		n, ok = p.named(w, dsfields)
		r.TOS = uint8(n)
	case "table":
		r.Table, ok = p.named(w, tables)
	case "protocol":
		if len(p.words) > 0 {
			p.protoAt = p.words[0]
		}
		n, ok = p.named(w, protocols)
		p.protoNum = uint8(n)
	case "scope":
		n, ok = p.named(w, scopeIDs)
		r.Scope = uint8(n)
	case "metric", "priority", "preference":
		r.Metric, ok = p.uint32(w, math.MaxUint32)
	case "dev", "oif":
		r.Device, ok = p.device(w)
	case "onlink":
		r.OnLink, ok = true, true
	case "expires":
		r.Expires.Given = true
		ok = p.of(6, w)
		if ok {
			r.Expires.N, ok = p.uint32(w, math.MaxUint32)
		}
	case "realms":
		r.Realms, ok = p.realms(w)
	case "features":
		ok = p.feature(w)
	case "congctl":
		ok = p.congestion(w)
	case "pref":
		ok = p.pref(w)
	case "ttl-propagate":
		var v word
		if v, ok = p.value(w); ok && v.text != "enabled" && v.text != "disabled" {
			ok = p.errorf(v, "", "ttl-propagate %s: expected enabled or disabled", quote(v.text))
		} else if ok {
			p.in.diags.warnf(w.pos, "remove it", "ttl-propagate has no effect: it is for MPLS")
		}
	case "add":
		r.Mode, ok = iproute.Add, true
	case "prepend":
		r.Mode, ok = iproute.Prepend, true
	case "append":
		r.Mode, ok = iproute.Append, true
	case "nexthop":
		ok = p.nexthops(w)
	default:
		ok = p.destination(w)
	}
	return ok
}

// gateway reads [inet|inet6] ADDRESS.
func (p *lineParser) gateway(w word) (netip.Addr, bool) {
	if len(p.words) > 0 {
		family := map[string]uint8{"inet": 4, "inet6": 6}[p.words[0].text]
		if family != 0 && !p.of(family, p.words[0]) {
			return netip.Addr{}, false
		} else if family != 0 {
			w, p.words = p.words[0], p.words[1:]
		}
	}
	return p.address(w)
}

// metric reads [lock] VALUE.
func (p *routeParser) metric(w word) (ok bool) {
	m := metrics[w.text]
	if m.lock && len(p.words) > 0 && p.words[0].text == "lock" {
		p.words = p.words[1:]
		p.r.Lock |= 1 << m.attr
	}
	var n uint32
	if m.unit == 0 {
		n, ok = p.uint32(w, m.max)
	} else {
		n, ok = p.time(w, m.unit)
	}
	if ok {
		p.setMetric(m.attr, n)
	}
	return ok
}

func (p *routeParser) setMetric(attr uint16, n uint32) {
	r := p.r
	r.Metrics = slices.DeleteFunc(r.Metrics, func(m iproute.Metric) bool { return m.Attr == attr })
	r.Metrics = append(r.Metrics, iproute.Metric{Attr: attr, Value: n})
	slices.SortFunc(r.Metrics, func(a, b iproute.Metric) int { return int(a.Attr) - int(b.Attr) })
}

// The kernel's bounds of such times, in milliseconds.
const minRTT, maxRTT = 200, 120000

// time reads a time in s or ms, or without a unit in the kernel's own, unit to
// a millisecond. As in keepalived it is brought into the bounds.
func (p *lineParser) time(option word, unit uint32) (uint32, bool) {
	w, ok := p.value(option)
	if !ok {
		return 0, false
	}
	text, scale := strings.ToLower(w.text), float64(unit)
	for _, suffix := range []string{"secs", "sec", "s"} {
		rest, is := strings.CutSuffix(text, suffix)
		if !is {
			continue
		}
		if text, is = strings.CutSuffix(rest, "m"); !is {
			scale *= 1000
		}
		break
	}
	if text == strings.ToLower(w.text) {
		scale = 1
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || strings.ContainsAny(text, "enx_") {
		return 0, p.errorf(w, "", "%s %s: expected a time up to 120s, with the unit s or ms", plain(option.text), quote(w.text))
	}
	got := n*scale + 0.5
	if within := min(max(got, float64(minRTT*unit)), float64(maxRTT*unit)); within != got && n*scale != maxRTT*float64(unit) {
		p.in.diags.warnf(w.pos, "write 200ms to 120s", "%s %s is outside of what keepalived gives the kernel, 200ms to 120s: the nearest of these is taken", plain(option.text), quote(w.text))
		got = within
	}
	return uint32(got), true
}

func (p *routeParser) feature(w word) bool {
	v, ok := p.value(w)
	if ok && v.text != "ecn" {
		return p.errorf(v, "", "features %s: expected ecn", quote(v.text))
	}
	p.setMetric(rtaxFeatures, featureECN)
	return ok
}

const maxCongestion = 15 // TCP_CA_NAME_MAX less the final NUL

func (p *routeParser) congestion(w word) bool {
	v, ok := p.value(w)
	if ok && v.text == "lock" {
		p.r.Lock |= 1 << rtaxCongCtl
		v, ok = p.value(w)
	}
	if ok && len(v.text) > maxCongestion {
		return p.errorf(v, "", "congctl %s: expected at most %d bytes", quote(v.text), maxCongestion)
	}
	p.r.CongCtl = v.text
	return ok
}

func (p *routeParser) pref(w word) bool {
	v, ok := p.value(w)
	if !ok || !p.of(6, w) {
		return false
	}
	n, known := map[string]uint32{"low": 3, "medium": 0, "high": 1}[v.text]
	if !known {
		m, err := strconv.ParseUint(v.text, 10, 8)
		if err != nil {
			return p.errorf(v, "", "pref %s: expected low, medium or high", quote(v.text))
		}
		n = uint32(m)
	}
	p.r.Pref = iproute.Opt{Given: true, N: n}
	return true
}

// destination reads [TYPE] PREFIX or to PREFIX.
func (p *routeParser) destination(w word) (ok bool) {
	if kind, is := iproute.TypeNamed(w.text); is {
		p.r.Type = kind
		if w, ok = p.value(w); !ok {
			return false
		}
	} else if w.text == "to" {
		if w, ok = p.value(w); !ok {
			return false
		}
	}
	p.toGiven = true
	p.r.Dst, ok = p.prefix(w)
	if ok && p.r.Dst.IsValid() && p.r.Dst.Addr().Is4() && p.r.Dst.Masked() != p.r.Dst {
		p.in.diags.warnf(w.pos, "write "+p.r.Dst.Masked().String(), "%s: the kernel refuses a route with bits beyond its length", quote(w.text))
	}
	return ok
}

// nexthops reads nexthop { [via ADDRESS] [dev NAME] [weight N] [onlink] [realms R] }, to
// the end of the line.
func (p *routeParser) nexthops(at word) (ok bool) {
	if p.orAt.text != "" || p.r.Via.IsValid() {
		return p.errorf(at, "write all gateways as nexthop", "nexthop beside another gateway of the route")
	}
	for {
		var h iproute.Hop
		for more := true; more && len(p.words) > 0; {
			w := p.words[0]
			p.words = p.words[1:]
			var n uint32
			switch w.text {
			case "via":
				h.Via, ok = p.gateway(w)
			case "dev":
				h.Device, ok = p.device(w)
			case "weight":
				if n, ok = p.uint32(w, 256); ok && n == 0 {
					ok = p.errorf(w, "", "weight 0: expected 1 to 256")
				}
				h.Weight = uint8(n - 1)
			case "onlink":
				h.OnLink, ok = true, true
			case "realms":
				h.Realms, ok = p.realms(w)
			case "nexthop":
				more, ok = false, true
			case "encap", "as":
				ok = p.errorf(w, notYet[w.text], "%s of a nexthop is not supported yet", w.text)
			default:
				ok = p.errorf(w, "write it before the first nexthop", "%s after nexthop: expected via, dev, weight, onlink, realms or nexthop", quote(w.text))
			}
			if !ok {
				return false
			}
			if !more {
				p.words = append([]word{w}, p.words...)
			}
		}
		if !h.Via.IsValid() && h.Device == "" {
			return p.errorf(at, "nexthop via 10.0.0.1 dev eth0", "nexthop: expected via or dev after it")
		}
		p.r.Hops = append(p.r.Hops, h)
		if len(p.words) == 0 {
			return true
		}
		at, p.words = p.words[0], p.words[1:]
	}
}

// maxHops is what the message of one route has room for with all that a hop may
// have; keepalived has room for fewer.
const maxHops = 256

// finish completes the route once its line has been read.
func (p *routeParser) finish(first word) bool {
	r := p.r
	if !p.toGiven {
		return p.errorf(first, "", "a route without a destination: expected one such as 10.1.0.0/16 or default")
	}
	if p.orAt.text != "" {
		if !r.Via.IsValid() {
			return p.errorf(p.orAt, "", "or without via before it: expected via A or B")
		}
		r.Hops = []iproute.Hop{{Via: r.Via}, {Via: p.other}}
		r.Via = netip.Addr{}
	}
	if len(r.Hops) > maxHops {
		return p.errorf(first, "", "a route with %d nexthops: expected at most %d", len(r.Hops), maxHops)
	}
	if p.family == 0 {
		p.family = 4
	}
	r.Family = p.family
	if !r.Dst.IsValid() {
		r.Dst = p.all()
	}
	if r.From = r.From.Masked(); r.From.Bits() == 0 {
		r.From = netip.Prefix{}
	}
	if r.Family == 6 {
		r.Dst, r.Scope, r.TOS = r.Dst.Masked(), 0, 0 // of which the kernel takes no notice
	}
	for i := range r.Hops { // what was written for all is each one's
		if h := &r.Hops[i]; h.Device == "" {
			h.Device = r.Device
		}
		r.Hops[i].OnLink = r.Hops[i].OnLink || r.OnLink
	}
	if len(r.Hops) == 1 {
		r.Hops[0].Realms = max(r.Hops[0].Realms, r.Realms)
		r.Hops[0].Weight = 0
		r.Hop, r.Hops = r.Hops[0], nil
	} else if len(r.Hops) > 1 {
		r.Device, r.OnLink = "", false
	}
	r.Protocol = p.protocol(p.protoAt.text != "", p.protoAt, p.protoNum)
	r.Loose = p.noTrack || r.Expires.Given
	r.group = p.group
	return true
}
