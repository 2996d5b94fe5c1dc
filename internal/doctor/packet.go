package doctor

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A packet is an advert as rules of a firewall see it, as far as it is known: a
// field that is not there may be anything.
type packet struct {
	fields map[string][]string       // alternatives, of which it is one
	addrs  map[string][]netip.Prefix // addresses and subnets in one of which it is
}

// The fields. Names of interfaces are those of the kernel, protocols numbers.
const (
	fieldIn      = "in"
	fieldOut     = "out"
	fieldProto   = "protocol"
	fieldFamily  = "family" // ipv4, ipv6
	fieldPktType = "pkttype"
	fieldState   = "ct state"
	fieldTTL     = "ttl"
	fieldDstType = "daddr type"
	fieldSrc     = "saddr"
	fieldDst     = "daddr"
)

// answer is whether a packet matches.
type answer uint8

const (
	no answer = iota
	maybe
	yes
)

func (a answer) not() answer { return yes - a }

// condition is one of a rule. Without a field it is one that is not understood.
type condition struct {
	field  string
	never  bool // of no advert: a port of TCP, for one
	negate bool
	values []string       // of fields
	nets   []netip.Prefix // of addresses
	vague  bool           // there are values that are not understood
	text   string
}

func (c *condition) matches(p *packet) answer {
	if c.never {
		return no
	}
	got := c.holds(p)
	if c.negate {
		got = got.not()
	}
	return got
}

func (c *condition) holds(p *packet) answer {
	var all, some bool
	switch {
	case c.field == "":
		return maybe
	case c.field == fieldSrc || c.field == fieldDst:
		have := p.addrs[c.field]
		if len(have) == 0 {
			return maybe
		}
		all = !slices.ContainsFunc(have, func(in netip.Prefix) bool {
			return !slices.ContainsFunc(c.nets, func(n netip.Prefix) bool { return covers(n, in) })
		})
		some = slices.ContainsFunc(have, func(in netip.Prefix) bool { return slices.ContainsFunc(c.nets, in.Overlaps) })
	default:
		have := p.fields[c.field]
		if len(have) == 0 {
			return maybe
		}
		in := func(value string) bool {
			return slices.ContainsFunc(c.values, func(v string) bool { return same(v, value) })
		}
		all = !slices.ContainsFunc(have, func(value string) bool { return !in(value) })
		some = slices.ContainsFunc(have, in)
	}
	switch {
	case all:
		return yes
	case some || c.vague:
		return maybe
	}
	return no
}

// same compares a value of a rule, a range of numbers or a name that ends in an
// asterisk, with one of a packet.
func same(rule, value string) bool {
	if prefix, ok := strings.CutSuffix(rule, "*"); ok {
		return strings.HasPrefix(value, prefix)
	}
	if lo, hi, ok := strings.Cut(rule, "-"); ok {
		a, err := strconv.Atoi(lo)
		b, err2 := strconv.Atoi(hi)
		n, err3 := strconv.Atoi(value)
		if err == nil && err2 == nil && err3 == nil {
			return a <= n && n <= b
		}
	}
	return rule == value
}

// covers tells whether all of in is in outer.
func covers(outer, in netip.Prefix) bool {
	return outer.Addr().BitLen() == in.Addr().BitLen() && outer.Bits() <= in.Bits() && outer.Contains(in.Addr())
}

// protocols are the names of /etc/protocols that matter here.
var protocols = map[string]string{
	"vrrp": "112", "carp": "112", "ah": "51", "esp": "50", "tcp": "6", "udp": "17", "icmp": "1", "igmp": "2",
	"icmpv6": "58", "ipv6-icmp": "58", "sctp": "132", "dccp": "33", "udplite": "136", "gre": "47",
	"comp": "108", "ipcomp": "108", "ospf": "89", "pim": "103",
}

func protocol(s string) string {
	if n, ok := protocols[strings.ToLower(s)]; ok {
		return n
	}
	return s
}

// parseNet reads 10.0.0.0/8 or 10.0.0.1.
func parseNet(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	return netip.Prefix{}, false
}
