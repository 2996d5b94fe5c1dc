package doctor

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// parseNFT reads what `nft -j list ruleset` prints (libnftables-json(5)).
func parseNFT(text []byte) (*ruleset, error) {
	var all struct {
		Nftables []map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	p := nftParser{sets: map[string][]json.RawMessage{}, rules: &ruleset{}}
	for _, kind := range []string{"set", "map", "chain", "rule"} { // what refers to others comes last
		for _, object := range all.Nftables {
			if raw, ok := object[kind]; ok {
				if err := p.object(kind, raw); err != nil {
					return nil, fmt.Errorf("%s: %w", kind, err)
				}
			}
		}
	}
	return p.rules, nil
}

type nftParser struct {
	sets  map[string][]json.RawMessage // by family, table and name
	rules *ruleset
}

// nftObject is a chain, a rule or a set.
type nftObject struct {
	Family, Table, Name, Chain, Hook, Policy string
	Dev                                      any
	Handle                                   int
	Elem                                     []json.RawMessage
	Expr                                     []json.RawMessage
}

func (p *nftParser) object(kind string, raw json.RawMessage) error {
	var o nftObject
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	switch kind {
	case "set", "map":
		p.sets[o.Family+" "+o.Table+" "+o.Name] = o.Elem
	case "chain":
		c := &chain{tool: toolNFT, family: o.Family, table: o.Table, name: o.Name, hook: o.Hook, policy: o.Policy}
		c.devices = texts(o.Dev)
		p.rules.chains = append(p.rules.chains, c)
	case "rule":
		i := slices.IndexFunc(p.rules.chains, func(c *chain) bool { return c.family == o.Family && c.table == o.Table && c.name == o.Chain })
		if i < 0 {
			return nil
		}
		c := p.rules.chains[i]
		for _, r := range p.rule(c, o.Expr) {
			r.handle = o.Handle
			c.rules = append(c.rules, r)
		}
	}
	return nil
}

// neutral are statements that neither ask nor decide.
var neutral = []string{"counter", "log", "notrack", "mangle", "set", "map", "dup", "flow", "secmark", "ct helper", "ct timeout", "ct expectation", "last"}

// rule reads the statements of one. A verdict map makes several of it.
func (p *nftParser) rule(c *chain, statements []json.RawMessage) (rules []rule) {
	var conds []condition
	finish := func(do action, text string, more ...condition) {
		asked := append(slices.Clone(conds), more...)
		rules = append(rules, rule{conditions: asked, do: do, text: ruleText(asked, text)})
	}
	for _, raw := range statements {
		var s map[string]json.RawMessage
		if json.Unmarshal(raw, &s) != nil {
			conds = append(conds, condition{text: compact(raw)})
		}
		for name, raw := range s {
			switch name {
			case "match":
				conds = append(conds, p.match(c, raw)...)
			case "accept", "drop", "reject", "return", "queue":
				finish(action{verdict: name}, name)
			case "jump", "goto":
				var to struct{ Target string }
				_ = json.Unmarshal(raw, &to)
				finish(action{verdict: name, target: to.Target}, name+" "+to.Target)
			case "vmap":
				p.vmap(c, raw, finish)
			default:
				if !slices.Contains(neutral, name) {
					conds = append(conds, condition{text: name + " ..."}) // a limit, a match of xtables
				}
			}
		}
	}
	return rules
}

func (p *nftParser) vmap(c *chain, raw json.RawMessage, finish func(action, string, ...condition)) {
	var m struct {
		Key  json.RawMessage
		Data json.RawMessage
	}
	if json.Unmarshal(raw, &m) != nil {
		return
	}
	pairs := p.elements(c, m.Data)
	var keys []json.RawMessage // but the catch-all, which is for what has none of them
	for _, pair := range pairs {
		if key, _, ok := pairOf(pair); ok && compact(key) != catchAll {
			keys = append(keys, key)
		}
	}
	for _, pair := range pairs {
		key, verdict, ok := pairOf(pair)
		if !ok {
			continue
		}
		asked := p.compare(c, m.Key, "==", key)
		if compact(key) == catchAll {
			others, _ := json.Marshal(map[string]any{"set": keys}) // of JSON that was read
			asked = p.compare(c, m.Key, "!=", others)
		}
		for name, to := range verdict {
			do := action{verdict: name}
			var target struct{ Target string }
			if json.Unmarshal(to, &target) == nil {
				do.target = target.Target
			}
			finish(do, strings.TrimSpace(name+" "+do.target), asked...)
		}
	}
}

// catchAll is the key of a map for what has no other.
const catchAll = "*"

// pairOf reads an element of a verdict map: its key, and what is done.
func pairOf(pair json.RawMessage) (key json.RawMessage, verdict map[string]json.RawMessage, ok bool) {
	var two []json.RawMessage
	if json.Unmarshal(pair, &two) != nil || len(two) != 2 || json.Unmarshal(two[1], &verdict) != nil {
		return nil, nil, false
	}
	return two[0], verdict, true
}

// elements are those of a set or map that is written there, or named.
func (p *nftParser) elements(c *chain, raw json.RawMessage) []json.RawMessage {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return p.sets[c.family+" "+c.table+" "+strings.TrimPrefix(name, "@")]
	}
	var anonymous struct{ Set, Map []json.RawMessage }
	_ = json.Unmarshal(raw, &anonymous)
	return append(anonymous.Set, anonymous.Map...)
}

func (p *nftParser) match(c *chain, raw json.RawMessage) []condition {
	var m struct {
		Op          string
		Left, Right json.RawMessage
	}
	if json.Unmarshal(raw, &m) != nil {
		return []condition{{text: "..."}}
	}
	return p.compare(c, m.Left, m.Op, m.Right)
}

// compare is what a match asks: its own condition, and the family that it implies.
func (p *nftParser) compare(c *chain, left json.RawMessage, op string, right json.RawMessage) (conds []condition) {
	cond, family, text := nftLeft(left)
	if family != "" {
		conds = append(conds, condition{field: fieldFamily, values: []string{family}})
	}
	cond.negate = op == "!="
	shown := op + " "
	if op == "==" || op == "in" {
		shown = ""
	}
	cond.text = strings.TrimSpace(fmt.Sprintf("%s %s%s", text, shown, compact(right)))
	if cond.field == fibSource { // the way back to a neighbour exists
		exists := strings.TrimSpace(string(right)) != "false" && strings.TrimSpace(string(right)) != "0"
		cond = condition{never: exists == cond.negate, field: fieldFamily, values: []string{"ipv4", "ipv6"}, text: cond.text}
		return append(conds, cond)
	}
	var r values
	p.right(c, right, &r)
	cond.values, cond.nets, cond.vague = r.texts, r.nets, r.vague
	switch cond.field {
	case fieldProto:
		cond.values = mapped(cond.values, protocol)
	case fieldFamily:
		cond.values = mapped(cond.values, func(s string) string {
			if f, ok := families[s]; ok {
				return f
			}
			return s
		})
	case fieldPktType:
		cond.values = mapped(cond.values, func(s string) string {
			if s == "unicast" {
				return "host"
			}
			return s
		})
	}
	if op == "<" || op == "<=" || op == ">" || op == ">=" {
		cond.order(op)
	}
	return append(conds, cond)
}

func mapped(all []string, f func(string) string) (to []string) {
	for _, s := range all {
		to = append(to, f(s))
	}
	return to
}

// families are the names that meta protocol, ether type and meta nfproto have.
var families = map[string]string{"ip": "ipv4", "ip6": "ipv6", "2": "ipv4", "10": "ipv6"}

// order turns a comparison of numbers into a range.
func (c *condition) order(op string) {
	if len(c.values) != 1 {
		c.field = ""
		return
	}
	n, err := strconv.Atoi(c.values[0])
	if err != nil {
		c.field = ""
		return
	}
	lo, hi := 0, math.MaxInt32
	switch op {
	case "<":
		hi = n - 1
	case "<=":
		hi = n
	case ">":
		lo = n + 1
	case ">=":
		lo = n
	}
	c.values = []string{fmt.Sprintf("%d-%d", lo, hi)}
}

// fibSource asks whether there is a way back to the source.
const fibSource = "fib saddr oif"

// nftLeft is the field that an expression names, and the family that has it.
func nftLeft(raw json.RawMessage) (c condition, family, text string) {
	var e struct {
		Meta, CT *struct{ Key string }
		Payload  *struct{ Protocol, Field string }
		Fib      *struct {
			Result string
			Flags  any
		}
	}
	if json.Unmarshal(raw, &e) != nil {
		return c, "", "..."
	}
	switch {
	case e.Meta != nil:
		c.field = map[string]string{
			"l4proto": fieldProto, "iifname": fieldIn, "iif": fieldIn, "oifname": fieldOut, "oif": fieldOut,
			"nfproto": fieldFamily, "protocol": fieldFamily, "pkttype": fieldPktType,
		}[e.Meta.Key]
		text = e.Meta.Key
		if text == "l4proto" || text == "protocol" || text == "nfproto" {
			text = "meta " + text
		}
	case e.CT != nil:
		if e.CT.Key == "state" {
			c.field = fieldState
		}
		text = "ct " + e.CT.Key
	case e.Fib != nil:
		text = "fib " + strings.Join(texts(e.Fib.Flags), " . ") + " " + e.Fib.Result
		switch {
		case e.Fib.Result == "type" && slices.Contains(texts(e.Fib.Flags), "daddr"):
			c.field = fieldDstType
		case e.Fib.Result == "oif" && slices.Contains(texts(e.Fib.Flags), "saddr"):
			c.field = fibSource
		}
	case e.Payload != nil:
		text = e.Payload.Protocol + " " + e.Payload.Field
		c, family = nftPayload(e.Payload.Protocol, e.Payload.Field)
	default:
		text = compact(raw)
	}
	return c, family, text
}

func nftPayload(proto, field string) (c condition, family string) {
	switch proto {
	case "ip":
		c.field = map[string]string{"protocol": fieldProto, "saddr": fieldSrc, "daddr": fieldDst, "ttl": fieldTTL}[field]
		return c, "ipv4"
	case "ip6":
		c.field = map[string]string{"nexthdr": fieldProto, "saddr": fieldSrc, "daddr": fieldDst, "hoplimit": fieldTTL}[field]
		return c, "ipv6"
	case "ether":
		if field == "type" {
			c.field = fieldFamily
		}
	case "vlan", "th", "ah", "":
	default: // a port of TCP, a type of ICMP: of no advert
		c.never = true
	}
	return c, ""
}
