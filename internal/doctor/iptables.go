package doctor

import (
	"slices"
	"strings"
)

// hooks are those of the chains that are always there.
var builtin = map[string]string{"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output", "POSTROUTING": "postrouting"}

// parseIPTables reads what iptables-save and ip6tables-save print.
func parseIPTables(tool, text string) *ruleset {
	rules := &ruleset{}
	family := "ip"
	if tool == toolIP6Tables {
		family = "ip6"
	}
	table := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "*"):
			table = line[1:]
		case strings.HasPrefix(line, ":"):
			f := strings.Fields(line[1:])
			if len(f) < 2 {
				continue
			}
			c := &chain{tool: tool, family: family, table: table, name: f[0], policy: strings.ToLower(f[1])}
			if f[1] != "-" {
				c.hook = builtin[f[0]]
			}
			rules.chains = append(rules.chains, c)
		case strings.HasPrefix(line, "-A "):
			words := splitQuoted(line)
			i := slices.IndexFunc(rules.chains, func(c *chain) bool { return c.table == table && c.name == words[1] })
			if i < 0 {
				continue
			}
			c := rules.chains[i]
			r := iptablesRule(words[2:], func(target string) bool {
				return slices.ContainsFunc(rules.chains, func(c *chain) bool { return c.table == table && c.name == target })
			})
			r.text = line
			c.rules = append(c.rules, r)
		}
	}
	return rules
}

// splitQuoted cuts a line into words, of which some are in quotes.
func splitQuoted(line string) (words []string) {
	var b strings.Builder
	quoted, begun, escaped := false, false, false
	for _, c := range line {
		switch {
		case escaped:
			b.WriteRune(c)
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted, begun = !quoted, true
		case c == ' ' && !quoted:
			if begun {
				words = append(words, b.String())
				b.Reset()
			}
			begun = false
		default:
			b.WriteRune(c)
			begun = true
		}
	}
	if begun {
		words = append(words, b.String())
	}
	return words
}

// iptablesRule reads the words behind the chain's name.
func iptablesRule(words []string, isChain func(string) bool) (r rule) {
	negate := false
	unclear := false
	for i := 0; i < len(words); i++ {
		w, arg := words[i], ""
		if i+1 < len(words) {
			arg = words[i+1]
		}
		cond := condition{negate: negate}
		negate = false
		switch w {
		case "!":
			negate = true
			continue
		case "-p", "--protocol":
			cond.field, cond.values = fieldProto, []string{protocol(arg)}
			if arg == "all" || arg == "0" {
				i++
				continue
			}
		case "-i", "--in-interface":
			cond.field, cond.values = fieldIn, []string{wildcard(arg)}
		case "-o", "--out-interface":
			cond.field, cond.values = fieldOut, []string{wildcard(arg)}
		case "-s", "--source":
			cond.net(fieldSrc, arg)
		case "-d", "--destination":
			cond.net(fieldDst, arg)
		case "--state", "--ctstate":
			cond.field, cond.values = fieldState, strings.Split(strings.ToLower(arg), ",")
		case "--pkt-type":
			cond.field, cond.values = fieldPktType, []string{strings.Replace(strings.ToLower(arg), "unicast", "host", 1)}
		case "--dst-type":
			cond.field, cond.values = fieldDstType, strings.Split(strings.ToLower(arg), ",")
		case "--ttl-eq", "--hl-eq":
			cond.field, cond.values = fieldTTL, []string{arg}
		case "--invert": // of rpfilter, which lets go by who is in reach
			cond.never = true
			i--
		case "-m", "--match", "--comment", "--reject-with", "--log-prefix", "--log-level":
			i++
			continue
		case "-j", "--jump", "-g", "--goto":
			r.do = iptablesTarget(w, arg, isChain)
			i++
			continue
		case "-c": // counters
			i += 2
			continue
		default:
			// A condition of a match that is not known here, once a rule, or an argument
			// of it, or of the target.
			if strings.HasPrefix(w, "-") && r.do.verdict == "" && !unclear {
				unclear = true
				r.conditions = append(r.conditions, condition{text: w})
			}
			continue
		}
		i++
		r.conditions = append(r.conditions, cond)
	}
	return r
}

// net is a condition on addresses.
func (c *condition) net(field, arg string) {
	c.field = field
	for a := range strings.SplitSeq(arg, ",") {
		if n, ok := parseNet(a); ok {
			c.nets = append(c.nets, n)
		} else {
			c.vague = true // a mask that is no prefix
		}
	}
}

// wildcard turns eth+ into eth*.
func wildcard(name string) string {
	if prefix, ok := strings.CutSuffix(name, "+"); ok {
		return prefix + "*"
	}
	return name
}

func iptablesTarget(option, target string, isChain func(string) bool) action {
	if isChain(target) {
		verdict := "jump"
		if option == "-g" || option == "--goto" {
			verdict = "goto"
		}
		return action{verdict: verdict, target: target}
	}
	switch target {
	case "ACCEPT":
		return action{verdict: "accept"}
	case "DROP", "REJECT", "TARPIT":
		return action{verdict: "drop"}
	case "RETURN":
		return action{verdict: "return"}
	case "QUEUE", "NFQUEUE":
		return action{verdict: "queue"}
	}
	return action{} // LOG, MARK and others go on
}
