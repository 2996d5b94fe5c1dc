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

// lineParser reads a line of words as iproute2 has them, of a route or a rule.
type lineParser struct {
	in      *interpreter
	what    string // route or rule
	static  bool   // of the host, and not of a vrrp_instance
	words   []word // those not read yet
	family  uint8  // 0 while it is not known
	noTrack bool
	group   word
}

func (p *lineParser) errorf(w word, hint, format string, args ...any) bool {
	p.in.diags.errorf(w.pos, hint, format, args...)
	return false
}

// value is the word after an option.
func (p *lineParser) value(option word) (word, bool) {
	if len(p.words) == 0 {
		return option, p.errorf(option, "", "%s: expected a value after it", plain(option.text))
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w, true
}

// of notes of which family the line is.
func (p *lineParser) of(family uint8, w word) bool {
	if p.family != 0 && p.family != family {
		return p.errorf(w, "", "%s: IPv%d in a %s that is IPv%d by what stands before it", quote(w.text), family, p.what, p.family)
	}
	p.family = family
	return true
}

// address reads a host's address.
func (p *lineParser) address(option word) (netip.Addr, bool) {
	w, ok := p.value(option)
	if !ok {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(w.text)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return a, p.errorf(w, "", "%s %s: expected an address without a length", plain(option.text), quote(w.text))
	}
	return a, p.of(familyOf(a), w)
}

// prefix reads ADDRESS[/LENGTH], or one of the words for all addresses, which
// leave the family open: the zero Prefix.
func (p *lineParser) prefix(w word) (netip.Prefix, bool) {
	switch w.text {
	case "default", "any", "all":
		return netip.Prefix{}, true
	case "default6":
		p.in.diags.warnf(w.pos, "write inet6 to default", "default6 is deprecated")
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0), p.of(6, w)
	}
	if strings.Contains(w.text, "/") {
		if a, err := netip.ParsePrefix(w.text); err == nil && !a.Addr().Is4In6() {
			return a, p.of(familyOf(a.Addr()), w)
		}
	} else if a, err := netip.ParseAddr(w.text); err == nil && a.Zone() == "" && !a.Is4In6() {
		return netip.PrefixFrom(a, a.BitLen()), p.of(familyOf(a), w)
	}
	return netip.Prefix{}, p.errorf(w, p.suggest(w.text), "%s in a %s: expected a keyword, or a destination such as 10.1.0.0/16 or default", quote(w.text), p.what)
}

// suggest looks for the word that was meant.
func (p *lineParser) suggest(text string) string {
	words := table{}
	list := routeWords
	if p.what == "rule" {
		list = ruleWords
	}
	for _, name := range list {
		words[name] = keyword{}
	}
	if best := nearest(text, words); best != "" {
		return "did you mean " + best + "?"
	}
	return ""
}

// all is what the words for all addresses mean in a family.
func (p *lineParser) all() netip.Prefix {
	if p.family == 6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

func (p *lineParser) uint32(option word, most uint64) (uint32, bool) {
	w, ok := p.value(option)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(w.text, "+"), 10, 64)
	if err != nil || n > most {
		return 0, p.errorf(w, "", "%s %s: expected a whole number from 0 to %d", plain(option.text), quote(w.text), most)
	}
	return uint32(n), true
}

func (p *lineParser) named(option word, of numbers) (uint32, bool) {
	w, ok := p.value(option)
	if !ok {
		return 0, false
	}
	return p.in.number(w, of)
}

func (p *lineParser) device(option word) (string, bool) {
	w, ok := p.value(option)
	if ok && !validInterface(w.text) {
		return "", p.errorf(w, "", "%s %s: %s", plain(option.text), quote(w.text), wantInterface)
	}
	return w.text, ok
}

// realms reads FROM/TO or TO.
func (p *lineParser) realms(option word) (uint32, bool) {
	w, ok := p.value(option)
	if !ok || !p.of(4, option) {
		return 0, false
	}
	first, second, two := strings.Cut(w.text, "/")
	n, ok := p.in.number(word{text: first, pos: w.pos}, realmIDs)
	if !two || !ok {
		return n, ok
	}
	m, ok := p.in.number(word{text: second, pos: w.pos}, realmIDs)
	return n<<16 | m, ok
}

// common reads what routes and rules share. It is false in its first value
// where the word is none of these.
func (p *lineParser) common(w word) (is, ok bool) {
	switch w.text {
	case "inet":
		return true, p.of(4, w)
	case "inet6":
		return true, p.of(6, w)
	case "no_track":
		p.noTrack = true
		return true, true
	case "track_group":
		if !p.static {
			return true, p.errorf(w, "remove it: the vrrp_instance tracks what is its own", "track_group of a virtual %s: it is for static ones", p.what)
		}
		if p.group.text != "" {
			return true, p.errorf(w, "remove one of the two", "track_group is given twice")
		}
		p.group, ok = p.value(w)
		return true, ok
	}
	return false, false
}

// setProtocol is for a line whose protocol was written as number: what is
// tracked is told by keepalived's own.
func (p *lineParser) protocol(given bool, w word, n uint8) uint8 {
	if !given || n == iproute.Keepalived {
		return iproute.Keepalived
	}
	if p.noTrack {
		return n
	}
	p.in.diags.warnf(w.pos, "remove it, or add no_track", "protocol %s of a tracked %s has no effect: it is %d, keepalived's, by which it is known", plain(w.text), p.what, iproute.Keepalived)
	return iproute.Keepalived
}

// routeWords are the words of a route, for who has misspelt one.
var routeWords = []string{"inet", "inet6", "src", "via", "gw", "from", "to", "tos", "dsfield", "table", "protocol", "scope", "metric", "priority",
	"preference", "dev", "oif", "onlink", "expires", "mtu", "hoplimit", "advmss", "rtt", "rttvar", "reordering", "window", "cwnd", "ssthresh",
	"realms", "rto_min", "initcwnd", "initrwnd", "features", "quickack", "congctl", "pref", "fastopen_no_cookie", "add", "prepend", "append",
	"nexthop", "no_track", "track_group", "blackhole", "unreachable", "prohibit", "throw", "unicast", "local", "broadcast", "anycast", "multicast"}

// metrics are the words of a route that set a RTAX_*.
var metrics = map[string]struct {
	attr uint16
	max  uint64
	lock bool   // may be locked
	unit uint32 // of a time, in parts of a millisecond; 0 for a plain number
}{
	"mtu": {2, math.MaxUint32, true, 0}, "window": {3, math.MaxUint32, false, 0}, "rtt": {4, 0, true, 8}, "rttvar": {5, 0, true, 4},
	"ssthresh": {6, math.MaxUint32, true, 0}, "cwnd": {7, math.MaxUint32, true, 0}, "advmss": {8, math.MaxUint32, true, 0},
	"reordering": {9, math.MaxUint32, true, 0}, "hoplimit": {10, 255, false, 0}, "initcwnd": {11, math.MaxUint32, false, 0},
	"rto_min": {13, 0, true, 1}, "initrwnd": {14, math.MaxUint32, false, 0}, "quickack": {15, 1, false, 0}, "fastopen_no_cookie": {17, 1, false, 0},
}

const rtaxFeatures, rtaxCongCtl, featureECN = 12, 16, 1

// notYet are words of a route that keepalived takes and this version does not.
var notYet = map[string]string{
	"encap": "let the host's own network configuration make the tunnel, and name its device",
	"vrf":   "write table and the number of the VRF's table",
	"as":    "remove it: keepalived takes and ignores it",
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
