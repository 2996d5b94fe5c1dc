package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// LoadPair reads the files of two hosts that back each other up and says, after
// what Load says of the first, where they do not fit: what makes both of them
// master, what is held by one alone, and weights that move nothing. Of the
// second file by itself only errors are told. The Config is the first host's,
// nil when either file has an error.
func LoadPair(path, id, peerPath, peerID string) (*Config, []Diagnostic) {
	cfg, ours, diags := load(path, id, nil)
	peer, theirs, of := load(peerPath, peerID, nil)
	if peer == nil {
		of = slices.DeleteFunc(of, func(d Diagnostic) bool { return d.Severity != Error })
		return nil, append(diags, of...)
	}
	if cfg == nil {
		return nil, diags
	}
	found := newDiagnostics(path)
	found.opened(peerPath)
	p := twoHosts{diags: found, ours: ours, theirs: theirs}
	p.match()
	p.identity(cfg, peer)
	p.routers()
	p.groups()
	return cfg, append(diags, found.sorted()...)
}

// twoHosts compares two files.
type twoHosts struct {
	diags        *diagnostics
	ours, theirs []*draft
	other        []*draft // for each of ours the same router of theirs; nil for none
	matched      map[*draft]bool
}

func (p *twoHosts) identity(a, b *Config) {
	if a.Global.RouterID != "" && a.Global.RouterID == b.Global.RouterID {
		p.diags.warnf(Pos{File: p.ours[0].Pos.File}, "give each host a router_id of its own, or none: its name is taken then",
			"router_id is %s on both hosts: mail from them cannot be told apart", quote(a.Global.RouterID))
	}
}

// match finds the routers of the same VRID and family, if possible on an
// interface of the same name.
func (p *twoHosts) match() {
	type id struct {
		vrid, family uint8
		iface        string // empty: any
	}
	p.other, p.matched = make([]*draft, len(p.ours)), map[*draft]bool{}
	for _, named := range []bool{true, false} {
		key := func(d *draft) id {
			if named {
				return id{d.VRID, d.Family, d.Interface}
			}
			return id{d.VRID, d.Family, ""}
		}
		free := map[id][]*draft{}
		for _, b := range p.theirs {
			if !p.matched[b] {
				free[key(b)] = append(free[key(b)], b)
			}
		}
		for i, a := range p.ours {
			if list := free[key(a)]; p.other[i] == nil && len(list) > 0 {
				p.other[i], free[key(a)] = list[0], list[1:]
				p.matched[list[0]] = true
			}
		}
	}
}

func (p *twoHosts) routers() {
	told := map[*draft]bool{}
	names := map[string]*draft{} // those of theirs without a match
	for _, b := range p.theirs {
		if !p.matched[b] {
			names[b.Name] = b
		}
	}
	for i, a := range p.ours {
		if b := p.other[i]; b != nil {
			p.compare(a, b)
		} else if b := names[a.Name]; b != nil && b.Family == a.Family {
			told[b] = true
			p.diags.warnf(a.at("virtual_router_id"), "write the same one on every host of a router", "(%s) virtual_router_id %d, and %d at %s: neither hears the other, and both are MASTER",
				plain(a.Name), a.VRID, b.VRID, b.at("virtual_router_id"))
		} else {
			p.alone(a)
		}
	}
	for _, b := range p.theirs {
		if !p.matched[b] && !told[b] {
			p.alone(b)
		}
	}
}

func (p *twoHosts) alone(d *draft) {
	p.diags.warnf(d.Pos, "add it there too", "(%s) virtual_router_id %d is not in the other host's file: nobody takes its addresses over", plain(d.Name), d.VRID)
}

// at is where a keyword was given, or else the router.
func (d *draft) at(keywords ...string) Pos {
	for _, k := range keywords {
		if pos, ok := d.seen[k]; ok {
			return pos
		}
	}
	return d.Pos
}

// compare looks for what keeps two hosts of one router from agreeing.
func (p *twoHosts) compare(a, b *draft) {
	say := func(hint, what, more string, keywords ...string) {
		p.diags.warnf(a.at(keywords...), hint, "(%s) %s at %s%s", plain(a.Name), what, b.at(keywords...), more)
	}
	const both, dropped = "write the same on both hosts", ": each drops what the other sends, and both are MASTER"
	if a.Version != b.Version {
		say(both, fmt.Sprintf("version %d, and %d", a.Version, b.Version), dropped, "version")
		return // all else follows from it
	}
	switch {
	case a.AdvertInterval == b.AdvertInterval:
	case a.Version == 2:
		say(both, fmt.Sprintf("advert_int %s, and %s", showSeconds(a.AdvertInterval), showSeconds(b.AdvertInterval)), dropped, "advert_int")
	default:
		say(both, fmt.Sprintf("advert_int %s, and %s", showSeconds(a.AdvertInterval), showSeconds(b.AdvertInterval)),
			": each uses its own while it is MASTER, and so the takeover takes longer one way", "advert_int")
	}
	p.authentication(a, b, say)
	switch {
	case a.Unicast() != b.Unicast():
		say("give both hosts unicast_peer, or neither", "unicast on one host, multicast on the other,", ": neither hears the other, and both are MASTER", "unicast_peer")
	case a.Unicast():
		p.unicast(a, b)
		p.unicast(b, a)
	case a.Group != b.Group:
		say(both, fmt.Sprintf("multicast group %s, and %s", a.Group, b.Group), ": neither hears the other, and both are MASTER", "mcast_dst_ip")
	}
	p.addresses(a, b)
	p.election(a, b)
}

func (p *twoHosts) authentication(a, b *draft, say func(hint, what, more string, keywords ...string)) {
	const both, dropped = "write the same on both hosts", ": each drops what the other sends, and both are MASTER"
	switch {
	case a.Auth.Type != b.Auth.Type:
		say(both, fmt.Sprintf("authentication %v, and %v", a.Auth.Type, b.Auth.Type), dropped, "auth_type", "authentication")
	case a.Auth.Pass != b.Auth.Pass:
		say(both, "auth_pass is not the one", dropped, "auth_pass")
	}
	switch {
	case (a.HMAC != nil) != (b.HMAC != nil):
		say(both, "auth_hmac on one host alone, not", ": the one with it drops what the other sends, unless its mode takes that", "auth_hmac")
	case a.HMAC != nil && !(a.HMAC.verifies(b.HMAC) && b.HMAC.verifies(a.HMAC)):
		say("give each host the key that the other signs with, under the same id", "auth_hmac has not the keys of that", dropped, "auth_hmac")
	}
}

// verifies tells whether what other sends is believed.
func (h *HMAC) verifies(other *HMAC) bool {
	if other.Mode == ReceiveOnly {
		return h.Mode != Enforce
	}
	for _, k := range other.Keys {
		if k.ID == other.Active {
			return slices.Contains(h.Keys, k)
		}
	}
	return false
}

// unicast looks whether from sends to an address of to, where to says which it
// has.
func (p *twoHosts) unicast(from, to *draft) {
	source := to.Source
	if !source.IsValid() {
		return // the interface's own, which only the host knows
	}
	if !slices.ContainsFunc(from.Peers, func(peer Peer) bool { return peer.Addr == source }) {
		p.diags.warnf(from.at("unicast_peer"), "add it to unicast_peer", "(%s) the other host speaks from %s, given at %s, which is no peer here: it hears nothing of us",
			plain(from.Name), source, to.SourcePos)
	}
}

func (p *twoHosts) addresses(a, b *draft) {
	if diff := missing(a.All(), b.All()); len(diff) > 0 {
		p.diags.warnf(diff[0].Pos, "write the same addresses on both hosts", "(%s) the other host does not have %s: it is gone after a takeover", plain(a.Name), addressList(diff))
	}
	if diff := missing(b.All(), a.All()); len(diff) > 0 {
		p.diags.warnf(diff[0].Pos, "write the same addresses on both hosts", "(%s) the other host does not have %s: it is gone after a takeover", plain(b.Name), addressList(diff))
	}
}

// missing is what others lacks of all, by address.
func missing(all, others []Address) (diff []Address) {
	have := map[netip.Addr]bool{}
	for _, a := range others {
		have[a.Prefix.Addr()] = true
	}
	for _, a := range all {
		if !have[a.Prefix.Addr()] {
			diff = append(diff, a)
		}
	}
	return diff
}

func addressList(addresses []Address) string {
	const most = 3
	var names []string
	for i, a := range addresses {
		if i == most {
			names = append(names, "...")
			break
		}
		names = append(names, a.Prefix.Addr().String())
	}
	return strings.Join(names, ", ")
}

// election looks whether the priorities, and what changes them, say who holds
// the addresses.
func (p *twoHosts) election(a, b *draft) {
	first, second := a, b
	if clampPriority(b.standing()) > clampPriority(a.standing()) {
		first, second = b, a
	}
	if x, y := first.best(), second.best(); x == y {
		p.diags.warnf(a.at("priority"), "give one host a higher priority", "(%s) priority %d, and the same at %s: the higher of the two addresses decides who is MASTER, and a tie moves nothing",
			plain(a.Name), x, b.at("priority"))
	}
	weights := first.weighted()
	if !second.Preempt {
		if len(weights) == 0 && !first.Preempt {
			p.diags.reportf(Notice, a.at("nopreempt"), "", "(%s) nopreempt on both hosts: the addresses stay where they are until that host fails, whatever the priorities", plain(a.Name))
		}
		for _, t := range weights {
			p.diags.warnf(t.Pos, "remove nopreempt there, or the weight here: without one, a failure gives the addresses up", "(%s) the weight of %s moves nothing: %s has nopreempt at %s, and never takes over from a master that is heard",
				plain(first.Name), quote(t.Name), plain(second.Name), second.at("nopreempt"))
		}
		return
	}
	for _, t := range weights {
		left, theirs := clampPriority(first.without(t)), second.best()
		if !t.Weight.fails() || left < theirs || first.best() == left || first.Priority == 255 {
			continue
		}
		relation, lack := "still above", left-theirs+1
		if left == theirs {
			relation = "no lower than"
		}
		p.diags.warnf(t.Pos, fmt.Sprintf("%d more will do: a greater weight on both hosts, or priorities that are closer", lack),
			"(%s) when %s alone fails nothing moves: %s, %s the other host's %d at %s", plain(first.Name), quote(t.Name), first.sum(t), relation, theirs, second.at("priority"))
	}
}

// best is the priority when all is well.
func (d *draft) best() int {
	if d.Priority == 255 {
		return 255
	}
	return clampPriority(d.standing())
}
