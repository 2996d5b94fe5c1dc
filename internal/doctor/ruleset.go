package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// ruleset is what a firewall does, in the words of nftables: those of iptables are
// turned into them.
type ruleset struct {
	chains []*chain
	steps  int // of one run
}

type chain struct {
	tool, family, table, name string
	hook                      string // empty: only jumped to
	devices                   []string
	policy                    string // of a base chain: accept or drop
	rules                     []rule
}

func (c *chain) String() string {
	if c.tool == toolNFT {
		return fmt.Sprintf("table %s %s, chain %s", c.family, c.table, c.name)
	}
	return fmt.Sprintf("%s, table %s, chain %s", c.tool, c.table, c.name)
}

const (
	toolNFT       = "nft"
	toolIPTables  = "iptables"
	toolIP6Tables = "ip6tables"
)

// rule is one of a chain: what it asks, and what it then does.
type rule struct {
	conditions []condition
	do         action
	text       string // as the tool would say it, roughly
	handle     int    // of nft
}

// action is what a rule does: nothing that matters here, unless verdict says so.
type action struct {
	verdict string // accept, drop, return, jump, goto, or what is not known: queue
	target  string
}

// outcomes is what may become of a packet, and by whom it may be dropped.
type outcomes struct {
	accept, drop, pass bool // pass: it goes on behind the rule, or the chain
	by                 []dropper
}

// dropper is a rule or a policy that drops.
type dropper struct {
	chain *chain
	rule  *rule // nil: the policy, or the end
}

func (d dropper) String() string {
	if d.rule == nil {
		return fmt.Sprintf("%s: policy %s, and no rule accepts it before", d.chain, d.chain.policy)
	}
	text := fmt.Sprintf("%s: %s", d.chain, d.rule.text)
	if d.rule.handle != 0 {
		text += fmt.Sprintf(" # handle %d", d.rule.handle)
	}
	return text
}

// maxJumps bounds how deep chains are followed: the kernel allows 16.
const maxJumps = 16

// maxSteps bounds how many rules are looked at: chains that many rules jump to cost as
// often. Beyond it nothing is certain.
const maxSteps = 1 << 20

// run lets a packet through a base chain.
func (s *ruleset) run(c *chain, p *packet) outcomes {
	s.steps = 0
	got := s.walk(c, p, 0)
	if got.pass {
		got.pass = false
		if c.policy == "drop" {
			got.drop = true
			got.by = append(got.by, dropper{chain: c})
		} else {
			got.accept = true
		}
	}
	return got
}

// walk lets a packet through the rules of a chain. It is certain of nothing that
// depends on a condition it does not understand: then it goes both ways.
func (s *ruleset) walk(c *chain, p *packet, depth int) (got outcomes) {
	for i := range c.rules {
		r := &c.rules[i]
		if s.steps++; s.steps > maxSteps {
			return outcomes{accept: true, pass: true}
		}
		match := yes
		for k := range r.conditions {
			match = min(match, r.conditions[k].matches(p))
		}
		if match == no {
			continue
		}
		one, over := s.act(c, r, p, depth)
		got.accept = got.accept || one.accept
		got.drop = got.drop || one.drop
		got.by = append(got.by, one.by...)
		if over {
			got.pass = true // returned, perhaps
		}
		if match == yes && !one.pass {
			return got
		}
	}
	got.pass = true
	return got
}

// act is what a rule does to a packet that it matches; returned tells that the chain
// is left for the one before.
func (s *ruleset) act(c *chain, r *rule, p *packet, depth int) (got outcomes, returned bool) {
	switch r.do.verdict {
	case "accept":
		return outcomes{accept: true}, false
	case "drop", "reject":
		return outcomes{drop: true, by: []dropper{{c, r}}}, false
	case "return":
		return outcomes{}, true
	case "queue":
		return outcomes{accept: true, drop: true, by: []dropper{{c, r}}}, false
	case "jump", "goto":
		target := s.find(c, r.do.target)
		if target == nil || depth >= maxJumps {
			return outcomes{pass: true, accept: true}, false
		}
		got = s.walk(target, p, depth+1)
		if r.do.verdict == "goto" && got.pass { // its end is the end of this one
			got.pass = false
			return got, true
		}
		return got, false
	}
	return outcomes{pass: true}, false
}

func (s *ruleset) find(from *chain, name string) *chain {
	i := slices.IndexFunc(s.chains, func(c *chain) bool {
		return c.tool == from.tool && c.family == from.family && c.table == from.table && c.name == name
	})
	if i < 0 {
		return nil
	}
	return s.chains[i]
}

// through lets a packet through all base chains of hooks: any of them may drop it.
func (s *ruleset) through(p *packet, families []string, hooks ...string) (sure, perhaps []dropper) {
	six := slices.Equal(p.fields[fieldFamily], []string{"ipv6"})
	for _, c := range s.chains {
		if c.hook == "" || !slices.Contains(hooks, c.hook) || !slices.Contains(families, c.family) ||
			c.family == "ip" && six || c.family == "ip6" && !six {
			continue
		}
		if len(c.devices) > 0 && !slices.ContainsFunc(c.devices, func(d string) bool {
			return slices.ContainsFunc(append(slices.Clone(p.fields[fieldIn]), p.fields[fieldOut]...), func(name string) bool { return same(d, name) })
		}) {
			continue
		}
		got := s.run(c, p)
		switch {
		case got.drop && !got.accept:
			sure = append(sure, got.by...)
		case got.drop:
			perhaps = append(perhaps, got.by...)
		}
	}
	return sure, perhaps
}

// text joins what conditions say, and what is done.
func ruleText(conditions []condition, do string) string {
	var words []string
	for _, c := range conditions {
		if c.text != "" {
			words = append(words, c.text)
		}
	}
	return strings.Join(append(words, do), " ")
}
