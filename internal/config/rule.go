package config

import (
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/vrrpx/vrrpx/internal/iproute"
)

// Rule is one line of static_rules or virtual_rules.
type Rule struct {
	Pos Pos
	iproute.Rule
	group word // track_group
}

// setRules reads the lines of static_rules or virtual_rules.
func (in *interpreter) setRules(s *statement) {
	to := &in.static.Rules
	if in.cur != nil {
		to = &in.cur.Rules
	}
	in.eachLine(s, "a rule", func(line []word) {
		p := lineParser{in: in, what: "rule", static: in.cur == nil, words: line}
		if r, ok := p.rule(); ok {
			*to = append(*to, r)
		}
	})
}

// ruleWords are the words of a rule, for who has misspelt one.
var ruleWords = []string{"inet", "inet6", "from", "to", "table", "lookup", "not", "preference", "order", "priority", "tos", "dsfield", "fwmark", "realms",
	"suppress_prefixlength", "sup_pl", "suppress_ifgroup", "sup_group", "dev", "iif", "oif", "tunnel-id", "uidrange", "l3mdev", "protocol",
	"ipproto", "sport", "dport", "no_track", "track_group", "type", "goto", "nop", "blackhole", "unreachable", "prohibit"}

// ruleParser is what of a rule is not in the rule itself.
type ruleParser struct {
	*lineParser
	r         *Rule
	preferred bool // it has a preference
	ofTable   word // an option that needs a table
	protoAt   word
}

func (p *lineParser) rule() (r Rule, ok bool) {
	first := p.words[0]
	r = Rule{Pos: first.pos, Rule: iproute.Rule{Origin: first.pos.String()}}
	rp := &ruleParser{lineParser: p, r: &r}
	for len(p.words) > 0 {
		w := p.words[0]
		p.words = p.words[1:]
		is, ok := p.common(w)
		if !is {
			ok = rp.word(w)
		}
		if !ok {
			return r, false
		}
	}
	return r, rp.finish(first)
}

func (p *ruleParser) word(w word) (ok bool) {
	r := p.r
	var n uint32
	switch w.text {
	case "from":
		if w, ok = p.value(w); ok {
			r.From, ok = p.prefix(w)
		}
	case "to":
		if w, ok = p.value(w); ok {
			r.To, ok = p.prefix(w)
		}
	case "table", "lookup":
		if r.Table, ok = p.named(w, tables); ok && r.Table == 0 {
			return p.errorf(w, "", "table 0 of a rule: expected 1 to %d", uint32(math.MaxUint32))
		}
		return ok && p.act(w, iproute.ToTable)
	case "l3mdev":
		r.L3MDev = true
		return p.act(w, iproute.ToTable)
	case "not":
		r.Not, ok = true, true
	case "preference", "order", "priority":
		p.preferred = true
		var v word
		if v, ok = p.value(w); ok {
			r.Priority, ok = p.c32(v, w.text)
		}
	case "tos", "dsfield":
		n, ok = p.named(w, dsfields)
		r.TOS = uint8(n)
	case "fwmark":
		ok = p.mark(w)
	case "realms":
		p.ofTable = w
		r.Realms, ok = p.realms(w)
	case "suppress_prefixlength", "sup_pl":
		p.ofTable = w
		n, ok = p.uint32(w, math.MaxInt32)
		r.SuppressLength = iproute.Opt{Given: true, N: n}
	case "suppress_ifgroup", "sup_group":
		p.ofTable = w
		n, ok = p.named(w, groups)
		r.SuppressGroup = iproute.Opt{Given: true, N: n}
	case "dev", "iif":
		r.IIF, ok = p.device(w)
	case "oif":
		r.OIF, ok = p.device(w)
	case "tunnel-id":
		var v word
		if v, ok = p.value(w); ok {
			var err error
			if r.Tunnel, err = strconv.ParseUint(v.text, 10, 64); err != nil {
				ok = p.errorf(v, "", "tunnel-id %s: expected a whole number", quote(v.text))
			}
		}
	case "uidrange":
		ok = p.uids(w)
	case "protocol":
		if len(p.words) > 0 {
			p.protoAt = p.words[0]
		}
		n, ok = p.uint32(w, 255)
		r.Protocol = uint8(n)
	case "ipproto":
		if w, ok = p.value(w); ok {
			r.IPProto.Given = true
			r.IPProto.N, ok = p.in.ipProtocol(w)
		}
	case "sport":
		r.Sport, ok = p.ports(w)
	case "dport":
		r.Dport, ok = p.ports(w)
	default:
		ok = p.action(w)
	}
	return ok
}

// action reads [type] ACTION.
func (p *ruleParser) action(w word) (ok bool) {
	if w.text == "type" {
		if w, ok = p.value(w); !ok {
			return false
		}
	}
	switch w.text {
	case "goto":
		if p.r.Target, ok = p.uint32(w, math.MaxUint32); !ok {
			return false
		}
		return p.act(w, iproute.Goto)
	case "nop":
		return p.act(w, iproute.NOP)
	case "blackhole":
		return p.act(w, iproute.Blackhole)
	case "unreachable":
		return p.act(w, iproute.Unreachable)
	case "prohibit":
		return p.act(w, iproute.Prohibit)
	}
	return p.errorf(w, p.suggest(w.text), "%s in a rule: expected from, to, preference, table or another keyword of ip rule", quote(w.text))
}

func (p *ruleParser) act(w word, action uint8) bool {
	if p.r.Action != 0 {
		return p.errorf(w, "remove one of the two", "%s: the rule has an action already: expected one of table, l3mdev, goto, nop, blackhole, unreachable and prohibit", plain(w.text))
	}
	p.r.Action = action
	return true
}

// c32 reads a number that may be hexadecimal.
func (p *lineParser) c32(w word, what string) (uint32, bool) {
	n, ok := cNumber(strings.TrimPrefix(w.text, "+"))
	if !ok || n > math.MaxUint32 {
		return 0, p.errorf(w, "", "%s %s: expected a number from 0 to %d", plain(what), quote(w.text), uint32(math.MaxUint32))
	}
	return uint32(n), true
}

// mark reads MARK[/MASK].
func (p *ruleParser) mark(option word) (ok bool) {
	w, ok := p.value(option)
	if !ok {
		return false
	}
	mark, mask, masked := strings.Cut(w.text, "/")
	if p.r.Mark, ok = p.c32(word{text: mark, pos: w.pos}, "fwmark"); !ok {
		return false
	}
	if p.r.Mark != 0 {
		p.r.Mask = math.MaxUint32
	}
	if masked {
		p.r.Mask, ok = p.c32(word{text: mask, pos: w.pos}, "mask of fwmark")
	}
	if ok && p.r.Mask == 0 {
		return p.errorf(w, "remove it, or write a mask such as 0/0xff", "fwmark %s: it would match any packet", quote(w.text))
	}
	return ok
}

// uids reads FIRST-LAST.
func (p *ruleParser) uids(option word) (ok bool) {
	w, ok := p.value(option)
	if !ok {
		return false
	}
	for i, text := range strings.SplitN(w.text, "-", 2) {
		n, err := strconv.ParseUint(text, 10, 32)
		if ok = err == nil; !ok {
			break
		}
		p.r.UID[i] = iproute.Opt{Given: true, N: uint32(n)}
	}
	if !ok || !p.r.UID[1].Given {
		return p.errorf(w, "", "uidrange %s: expected FIRST-LAST", quote(w.text))
	}
	return true
}

// ports reads FIRST-LAST, or one port.
func (p *ruleParser) ports(option word) (all iproute.Ports, ok bool) {
	w, ok := p.value(option)
	if !ok {
		return all, false
	}
	first, last, two := strings.Cut(w.text, "-")
	if !two {
		last = first
	}
	a, err := strconv.ParseUint(first, 10, 16)
	b, err2 := strconv.ParseUint(last, 10, 16)
	if err != nil || err2 != nil || a == 0 || b < a {
		return all, p.errorf(w, "", "%s %s: expected a port, or FIRST-LAST, from 1 to 65535", plain(option.text), quote(w.text))
	}
	return iproute.Ports{First: uint16(a), Last: uint16(b)}, true
}

// firstPreference is where keepalived begins with rules that have none, and
// counts down, for each family.
const firstPreference = 16384

// finish completes the rule once its line has been read.
func (p *ruleParser) finish(first word) bool {
	r := p.r
	switch {
	case r.Action == 0:
		return p.errorf(first, "add table N", "a rule that does nothing: expected table, l3mdev, goto, nop, blackhole, unreachable or prohibit")
	case r.Action != iproute.ToTable && p.ofTable.text != "":
		return p.errorf(p.ofTable, "remove it", "%s: only a rule with a table has it", plain(p.ofTable.text))
	case r.Action == iproute.Goto && !p.preferred:
		return p.errorf(first, "add preference N", "a rule with goto: expected a preference below that of its target")
	case r.Action == iproute.Goto && r.Priority >= r.Target:
		return p.errorf(first, "", "goto %d: expected a preference above %d, the rule's own", r.Target, r.Priority)
	}
	if p.family == 0 {
		p.family = 4
	}
	r.Family = p.family
	for _, prefix := range []*netip.Prefix{&r.From, &r.To} {
		if prefix.IsValid() && prefix.Bits() == 0 {
			*prefix = netip.Prefix{} // which is all as well
		}
	}
	if !p.preferred {
		r.Priority = firstPreference - p.in.unpreferred[r.Family]
		p.in.unpreferred[r.Family]++
		p.in.diags.warnf(first.pos, "add preference N", "a rule without preference: it is given %d, as keepalived does, which may not be where you want it", r.Priority)
	}
	r.Protocol = p.protocol(p.protoAt.text != "", p.protoAt, r.Protocol)
	r.Loose = p.noTrack
	r.group = p.group
	return true
}
