package doctor

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os/exec"
	"slices"
	"strings"

	"github.com/vrrpx/vrrpx/internal/config"
)

// What rules that drop adverts come to. XDP and packet sockets hear before
// netfilter, and frames of packet sockets leave past OUTPUT.
const (
	harmless = "vrrpx hears adverts before these rules and sends past them; keepalived, here or with the same rules on another host, does not: it then hears nothing, and both hosts are MASTER"
	harmful  = "vrrpx is held up by these rules too, since they stand where frames leave the interface or cross the bridge"
)

func (v *visit) firewall() {
	if v.noRouters() {
		return
	}
	mark := len(v.results)
	rules, looked := v.rules()
	told := map[string]bool{}
	for i := range v.Routers {
		r := &v.Routers[i]
		in, out := v.adverts(r)
		if way := fmt.Sprint(r.Interface, in, out); !told[way] { // hundreds of routers may speak alike
			told[way] = true
			v.passes(r, rules, in, "come in", []string{"ip", "ip6", "inet", "netdev"}, "ingress", "prerouting", "input")
			v.passes(r, rules, out, "go out", []string{"ip", "ip6", "inet"}, "output", "postrouting")
		}
		for _, line := range v.lines(r) {
			in, out := v.adverts(&line)
			way := fmt.Sprint("here", line.Interface, in, out)
			if told[way] {
				continue
			}
			told[way] = true
			v.hurts(&line, rules, out, "go out", []string{"netdev"}, "egress")
			if l, ok := v.link1(line.Interface); ok && l.Bridge != nil {
				v.hurts(&line, rules, in, "come in", []string{"bridge"}, "prerouting", "input")
				v.hurts(&line, rules, out, "go out", []string{"bridge"}, "output", "postrouting")
			}
		}
	}
	if len(looked) == 0 {
		if len(v.results) == mark {
			v.skip("", "install nftables or iptables, if the host has a firewall", "neither nft nor iptables-save is there")
		}
		return
	}
	v.clear(mark, "no rule drops adverts (%s)", strings.Join(looked, ", "))
}

// rules are those of all tools that are there. The tables that iptables keeps in
// nftables are read in its own words.
func (v *visit) rules() (*ruleset, []string) {
	all := &ruleset{}
	var looked []string
	mine := map[string]bool{}
	asleep := v.asleep("nf_tables")
	for _, p := range []struct{ tool, program string }{{toolIPTables, "iptables-save"}, {toolIP6Tables, "ip6tables-save"}} {
		programs := []string{p.program, v.legacy(p.tool)}
		if asleep && v.onNFTables(p.tool) {
			programs = programs[1:]
		}
		for _, program := range programs {
			if program == "" {
				continue
			}
			text, err := v.host.Run(v.ctx, program)
			if err != nil {
				v.unread(program, err)
				continue
			}
			looked = append(looked, program)
			rules := parseIPTables(p.tool, string(text))
			all.chains = append(all.chains, rules.chains...)
			for _, c := range rules.chains {
				mine[c.family+" "+c.table] = true
			}
		}
	}
	if asleep {
		return all, append(looked, "no nftables in the kernel")
	}
	text, err := v.host.Run(v.ctx, "nft", "-j", "list", "ruleset")
	if err != nil {
		v.unread("nft", err)
		return all, looked
	}
	rules, err := parseNFT(text)
	if err != nil {
		v.unread("nft -j", err)
		return all, looked
	}
	for _, c := range rules.chains {
		if !mine[c.family+" "+c.table] {
			all.chains = append(all.chains, c)
		}
	}
	return all, append(looked, "nft")
}

// legacy is the program for tables that are not in nftables, where there are some
// and iptables-save shows those of nftables.
func (v *visit) legacy(tool string) string {
	file := map[string]string{toolIPTables: "/proc/net/ip_tables_names", toolIP6Tables: "/proc/net/ip6_tables_names"}[tool]
	if b, err := v.host.ReadFile(file); err != nil || len(strings.TrimSpace(string(b))) == 0 {
		return ""
	}
	if !v.onNFTables(tool) {
		return ""
	}
	return tool + "-legacy-save"
}

// onNFTables tells whether a tool keeps its tables in nftables.
func (v *visit) onNFTables(tool string) bool {
	text, err := v.host.Run(v.ctx, tool, "--version")
	return err == nil && strings.Contains(string(text), "nf_tables")
}

// asleep tells whether something of the kernel is a module that nobody has loaded,
// which to ask for would load it.
func (v *visit) asleep(module string) bool {
	loaded, err := v.host.ReadFile("/proc/modules")
	if err != nil || strings.HasPrefix(string(loaded), module+" ") || strings.Contains(string(loaded), "\n"+module+" ") {
		return false
	}
	known, err := v.host.ReadFile("/lib/modules/" + v.host.Release() + "/modules.dep")
	return err == nil && strings.Contains(string(known), "/"+module+".ko")
}

func (v *visit) unread(program string, err error) {
	if !errors.Is(err, exec.ErrNotFound) {
		v.skip(program, "run it as root", "the rules of %s cannot be read: %v", program, err)
	}
}

// adverts are what rules see of a router's adverts, as they come in and go out.
func (v *visit) adverts(r *config.Router) (in, out *packet) {
	proto, family, group := "112", "ipv4", "multicast"
	if r.Auth.Type == config.AuthAH {
		proto = "51"
	}
	if r.Family == 6 {
		family = "ipv6"
	}
	state := []string{"new"} // nobody answers to a group
	theirs := []netip.Prefix{netip.PrefixFrom(r.Group, r.Group.BitLen())}
	var from []netip.Prefix
	l, _ := v.link1(r.Interface)
	for _, a := range l.Addresses {
		if a.Addr().Is4() == (r.Family == 4) && (r.Family == 4 || a.Addr().IsLinkLocalUnicast()) {
			from = append(from, a.Masked())
		}
	}
	if r.Source.IsValid() && r.Family == 4 && !slices.ContainsFunc(from, func(p netip.Prefix) bool { return p.Contains(r.Source) }) {
		from = nil // the peers are where it is, and no interface says where that ends
	}
	own := v.own(r)
	to := theirs
	ttl := "255"
	if r.Unicast() {
		group, state, from, to, theirs = "host", []string{"new", "established"}, nil, nil, nil
		if own.IsValid() {
			theirs = []netip.Prefix{netip.PrefixFrom(own, own.BitLen())}
		}
		for _, p := range r.Peers {
			from = append(from, netip.PrefixFrom(p.Addr, p.Addr.BitLen()))
		}
		to, ttl = from, fmt.Sprint(r.UnicastTTL)
	}
	dstType := map[string]string{"host": "local", "multicast": "multicast"}[group]
	in = &packet{map[string][]string{
		fieldIn: {r.Interface}, fieldProto: {proto}, fieldFamily: {family}, fieldPktType: {group}, fieldState: state, fieldDstType: {dstType},
	}, map[string][]netip.Prefix{fieldSrc: from, fieldDst: theirs}}
	if !r.Unicast() {
		in.fields[fieldTTL] = []string{"255"}
	} else {
		dstType = "unicast"
	}
	out = &packet{map[string][]string{
		fieldOut: {r.Interface}, fieldProto: {proto}, fieldFamily: {family}, fieldState: state, fieldDstType: {dstType}, fieldTTL: {ttl},
	}, map[string][]netip.Prefix{fieldDst: to}}
	if own.IsValid() {
		out.addrs[fieldSrc] = []netip.Prefix{netip.PrefixFrom(own, own.BitLen())}
	}
	return in, out
}

// passes tells of rules that stop others' daemons and not vrrpx.
func (v *visit) passes(r *config.Router, rules *ruleset, p *packet, which string, families []string, hooks ...string) {
	sure, perhaps := rules.through(p, families, hooks...)
	what := advertText(r)
	switch {
	case len(sure) > 0:
		v.add(Result{Verdict: Warn, Subject: r.Interface, Finding: fmt.Sprintf("the firewall drops adverts (%s) that %s by %s: %s", what, which, r.Interface, harmless),
			Evidence: droppers(sure), Fix: allow(r, sure[len(sure)-1])})
	case len(perhaps) > 0:
		v.add(Result{Verdict: Note, Subject: r.Interface, Finding: fmt.Sprintf("the firewall may drop adverts (%s) that %s by %s, which depends on what is not known here; %s", what, which, r.Interface, harmless),
			Evidence: droppers(perhaps), Fix: allow(r, perhaps[len(perhaps)-1])})
	}
}

// hurts tells of rules that stop vrrpx as well.
func (v *visit) hurts(r *config.Router, rules *ruleset, p *packet, which string, families []string, hooks ...string) {
	sure, perhaps := rules.through(p, families, hooks...)
	what := advertText(r)
	switch {
	case len(sure) > 0:
		v.add(Result{Verdict: Bad, Subject: r.Interface, Finding: fmt.Sprintf("the firewall drops adverts (%s) that %s by %s: %s", what, which, r.Interface, harmful),
			Evidence: droppers(sure), Fix: allow(r, sure[len(sure)-1])})
	case len(perhaps) > 0:
		v.add(Result{Verdict: Warn, Subject: r.Interface, Finding: fmt.Sprintf("the firewall may drop adverts (%s) that %s by %s: %s", what, which, r.Interface, harmful),
			Evidence: droppers(perhaps), Fix: allow(r, perhaps[len(perhaps)-1])})
	}
}

// advertText is what rules know adverts by.
func advertText(r *config.Router) string {
	text := fmt.Sprintf("IPv%d protocol 112", r.Family)
	if r.Auth.Type == config.AuthAH {
		text = "IPv4 protocol 51, AH"
	}
	if r.Unicast() {
		return text + " from and to peers"
	}
	return text + " to " + r.Group.String()
}

func droppers(all []dropper) []string {
	seen := map[string]bool{}
	for _, d := range all {
		seen[d.String()] = true
	}
	texts := slices.Sorted(maps.Keys(seen))
	const most = 4
	if more := len(texts) - most; more > 0 {
		texts = append(texts[:most], fmt.Sprintf("and %d more", more))
	}
	return texts
}

// allow says how to let adverts by, in the words of whoever made the rule.
func allow(r *config.Router, d dropper) string {
	proto, value := "vrrp", "vrrp"
	if r.Auth.Type == config.AuthAH {
		proto, value = "ah", "ah"
	}
	c := d.chain
	switch {
	case strings.HasPrefix(c.table, "firewalld"):
		return fmt.Sprintf(`on every host: firewall-cmd --permanent --add-rich-rule='rule protocol value="%s" accept' && firewall-cmd --reload`, value)
	case strings.HasPrefix(c.name, "ufw"):
		file := "before"
		if r.Family == 6 {
			file = "before6"
		}
		return fmt.Sprintf("on every host: -A ufw-%s-input -p %s -j ACCEPT in /etc/ufw/%s.rules, and the same of -output, then ufw reload", file, proto, file)
	case c.tool != toolNFT:
		return fmt.Sprintf("on every host: %s -t %s -I %s -p %s -j ACCEPT, and where the rules are kept", c.tool, c.table, c.name, proto)
	}
	return fmt.Sprintf("on every host: nft insert rule %s %s %s meta l4proto %s accept, and where the rules are kept", c.family, c.table, c.name, proto)
}

// lines are the router as it speaks on its own interface and on each heartbeat line,
// which nobody but vrrpx has.
func (v *visit) lines(r *config.Router) []config.Router {
	all := []config.Router{*r}
	for _, h := range r.Heartbeats {
		line := *r
		line.Interface, line.Peers, line.Source = h.Interface, nil, h.Source
		for _, p := range h.Peers {
			line.Peers = append(line.Peers, p.Peer)
		}
		if len(h.Peers) == 0 {
			line.Source = v.own(r)
		}
		all = append(all, line)
	}
	return all
}
