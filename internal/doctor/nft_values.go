package doctor

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// values are those on the right of a match.
type values struct {
	texts []string
	nets  []netip.Prefix
	vague bool
	inSet bool // a named one, which names no other
}

func (p *nftParser) right(c *chain, raw json.RawMessage, into *values) {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		into.vague = true
		return
	}
	switch v := value.(type) {
	case string:
		if strings.HasPrefix(v, "@") && !into.inSet {
			into.inSet = true
			for _, e := range p.elements(c, raw) {
				p.right(c, e, into)
			}
			into.inSet = false
			return
		}
		into.texts = append(into.texts, v)
		if n, ok := parseNet(v); ok {
			into.nets = append(into.nets, n)
		}
		if v == catchAll { // the catch-all element of a set
			into.nets = append(into.nets, netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0))
		}
	case float64:
		into.texts = append(into.texts, strconv.FormatFloat(v, 'f', -1, 64))
	case []any:
		p.each(c, raw, into)
	case map[string]any:
		p.rightObject(c, raw, slices.Sorted(maps.Keys(v)), into)
	default:
		into.vague = true
	}
}

func (p *nftParser) each(c *chain, raw json.RawMessage, into *values) {
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list)
	for _, e := range list {
		p.right(c, e, into)
	}
}

func (p *nftParser) rightObject(c *chain, raw json.RawMessage, keys []string, into *values) {
	var o struct {
		Set    json.RawMessage
		Prefix *struct {
			Addr string
			Len  int
		}
		Range []any
		Elem  *struct{ Val json.RawMessage }
	}
	if json.Unmarshal(raw, &o) != nil || len(keys) != 1 {
		into.vague = true
		return
	}
	switch {
	case o.Set != nil:
		p.each(c, o.Set, into)
	case o.Prefix != nil:
		if a, err := netip.ParseAddr(o.Prefix.Addr); err == nil {
			if n, err := a.Prefix(o.Prefix.Len); err == nil {
				into.nets = append(into.nets, n)
				return
			}
		}
		into.vague = true
	case len(o.Range) == 2:
		lo, ok := o.Range[0].(float64)
		hi, ok2 := o.Range[1].(float64)
		if !ok || !ok2 {
			into.vague = true // of addresses
			return
		}
		into.texts = append(into.texts, fmt.Sprintf("%.0f-%.0f", lo, hi))
	case o.Elem != nil:
		p.right(c, o.Elem.Val, into)
	default:
		into.vague = true
	}
}

// compact shows JSON as short as it can be read.
func compact(raw json.RawMessage) string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return "..."
	}
	return compactValue(value)
}

func compactValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, compactValue(e))
		}
		return "{ " + list(all) + " }"
	case map[string]any:
		if p, ok := v["prefix"].(map[string]any); ok {
			return fmt.Sprintf("%v/%v", p["addr"], p["len"])
		}
		if s, ok := v["set"]; ok {
			return compactValue(s)
		}
		if e, ok := v["elem"].(map[string]any); ok {
			return compactValue(e["val"])
		}
		return "..."
	}
	return fmt.Sprint(v)
}

// texts are the strings of a value that is one or a list.
func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			all = append(all, fmt.Sprint(e))
		}
	}
	return all
}
