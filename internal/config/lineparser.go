package config

import (
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/vrrpx/vrrpx/internal/iproute"
)

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
